#!/bin/bash
# Checks what the two binaries link and how they are hardened. Usage: linkage.sh BIN-DIR
# What a stripped program calls is read from PROGRAM.debug beside it. The last line counts: "N checks, N failed".
set -uo pipefail

bin=${1:?usage: linkage.sh BIN-DIR}
command -v readelf >/dev/null || { echo 'skipped: readelf is missing (binutils)'; exit 77; }
checks=0 bad=0 seen=0
# check MESSAGE COMMAND...: the message is said where the command fails
check() {
	local message=$1
	shift
	checks=$((checks + 1))
	"$@" && return
	echo "$message"
	bad=$((bad + 1))
}

needed() { readelf -dW "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
# symbols FILE: names, local ones included; from libraries linked statically too
symbols() {
	local file=$1
	[ ! -f "$1.debug" ] || file=$1.debug
	readelf -sW "$file" 2>/dev/null | awk '{ sub(/@.*/, "", $8); print $8 }'
}
headers() { readelf -hlW "$1" 2>/dev/null; }
dynamic() { readelf -dW "$1" 2>/dev/null; }

# has REGEX: reads all of its input, so that what writes it is not cut off (pipefail would call that a failure)
has() { [ "$(grep -cE "$1")" -gt 0 ]; }
some() { "$1" "$2" | has "$3"; }
none() { ! some "$@"; }
binds_at_start() { some dynamic "$1" 'BIND_NOW|FLAGS_1.*NOW' || [ -z "$(needed "$1")" ]; }

hardened() {
	local file=$1
	check "$file is not position independent" some headers "$file" 'Type:[[:space:]]+DYN'
	check "$file has no RELRO" some headers "$file" GNU_RELRO
	check "$file does not bind at start (-z now)" binds_at_start "$file"
	check "$file has an executable stack" some headers "$file" 'GNU_STACK.* RW '
	check "$file can write to its code" none headers "$file" '[[:space:]]RWE[[:space:]]'
	check "$file relocates its code" none dynamic "$file" TEXTREL
	check "$file has no stack protector" some symbols "$file" '^__stack_chk_(fail|guard)'
	check "$file calls no checked function (_FORTIFY_SOURCE)" some symbols "$file" '^__(memcpy|snprintf|vsnprintf|fprintf|read)_chk'
	check "$file has a run path" none dynamic "$file" 'RPATH|RUNPATH'
}

# lacks FILE LIBRARY-REGEX SYMBOL-REGEX: neither linked dynamically nor, as far as its symbols tell, statically
lacks() {
	check "$1 links $2" none needed "$1" "$2"
	check "$1 contains $2" none symbols "$1" "$3"
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
echo "$checks checks, $bad failed"
[ "$bad" = 0 ]
