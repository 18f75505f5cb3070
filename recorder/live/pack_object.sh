#!/bin/bash
# Packs the BPF object that a skeleton carries: OUT.zst is the object as one zstd frame, and OUT the skeleton that gets the object from
# live_object.h instead of from a string of its own. A sixth of the size. Usage: pack_object.sh SKELETON OBJECT OUT
set -euo pipefail

skeleton=${1:?usage: pack_object.sh SKELETON OBJECT OUT}
object=${2:?no object}
out=${3:?no output}
zstd -q -f -19 --no-check "$object" -o "$out.zst"
# the definition of ..__elf_bytes(), which ends in a brace of its own line; its declaration ends in a semicolon
awk -v bytes="$(stat -c %s "$object")" '
	NR == 1 { print "#define KYMO_BPF_OBJECT_BYTES " bytes; print "#include \"recorder/live/live_object.h\"" }
	/__elf_bytes\(size_t \*sz\)$/ { print; print "{\n\treturn live_object_bytes(sz);\n}"; skipping = 1; packed++ }
	!skipping { print }
	skipping && /^}/ { skipping = 0 }
	END { exit packed != 1 }' "$skeleton" >"$out" || { echo "$skeleton is not as bpftool writes it" >&2; exit 1; }
