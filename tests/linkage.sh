#!/bin/bash
# Checks what the two binaries link and how they are hardened. Usage: linkage.sh BIN-DIR
set -uo pipefail

bin=${1:?usage: linkage.sh BIN-DIR}
command -v readelf >/dev/null || { echo 'skipped: readelf is missing (binutils)'; exit 77; }
bad=0 seen=0
fail() {
	echo "$*"
	bad=1
}

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
# symbols FILE: names, local ones included; from libraries linked statically too
symbols() { readelf -sW "$1" | awk '{ sub(/@.*/, "", $8); print $8 }'; }

# has REGEX: reads all of its input, so that what writes it is not cut off (pipefail would call that a failure)
has() { [ "$(grep -cE "$1")" -gt 0 ]; }

# lacks FILE LIBRARY-REGEX SYMBOL-REGEX: neither linked dynamically nor, as far as its symbols tell, statically
lacks() {
	needed "$1" | has "$2" && fail "$1 links $2"
	symbols "$1" | has "$3" && fail "$1 contains $2"
	return 0
}

hardened() {
	local file=$1
	readelf -hW "$file" | has 'Type:[[:space:]]+DYN' || fail "$file is not position independent"
	readelf -lW "$file" | has GNU_RELRO || fail "$file has no RELRO"
	readelf -dW "$file" | has 'BIND_NOW|FLAGS_1.*NOW' || [ -z "$(needed "$file")" ] || fail "$file does not bind at start (-z now)"
	readelf -lW "$file" | has 'GNU_STACK.* RW ' || fail "$file has an executable stack"
	# linked statically and stripped it has no such name left; then there is the code that reads the canary
	symbols "$file" | has '^__stack_chk_(fail|guard)' || objdump -d "$file" | has '%fs:0x28' || fail "$file has no stack protector"
	readelf -dW "$file" | has 'RPATH|RUNPATH' && fail "$file has a run path"
	return 0
}

if [ -x "$bin/kymo-record" ]; then
	seen=1
	hardened "$bin/kymo-record"
	lacks "$bin/kymo-record" 'libsqlite3|libdw' '^(sqlite3_open|dwfl_begin|dwarf_begin)'
fi
if [ -x "$bin/kymo" ]; then
	seen=1
	hardened "$bin/kymo"
	lacks "$bin/kymo" 'libbpf|libyaml' '^(bpf_object__load|bpf_prog_load|yaml_parser_initialize)$'
fi
[ "$seen" = 1 ] || { echo "skipped: no binaries in $bin"; exit 77; }
[ "$bad" = 0 ] && echo 'linkage holds'
exit "$bad"
