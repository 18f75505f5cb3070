#!/bin/bash
# S20: how everything is compiled and linked, and what gcc's analyzer finds in the reader of captures. The build is KYMO_BUILD; where
# release/build.sh has built below it, what it made counts too. Prints "reliability S20: N cases, N failed".
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${KYMO_BUILD:-$root/build}
cases=0 failed=0
fail() {
	echo "$*"
	failed=$((failed + 1))
}
[ -f "$build/compile_commands.json" ] || { echo "skipped: $build is not built"; exit 77; }

# -------- flags: every source of ours that becomes part of a program --------
flags='-Wall -Wextra -fstack-protector-strong -D_FORTIFY_SOURCE=3'
if grep -q '^KYMO_WERROR:BOOL=ON' "$build/CMakeCache.txt"; then
	flags="$flags -Werror"
else
	echo 'not checked: -Werror, which this build does not ask for (KYMO_WERROR)'
fi
while IFS=$'\t' read -r file command; do
	cases=$((cases + 1))
	for flag in $flags; do
		[[ " $command " == *" $flag "* ]] || { fail "$file is compiled without $flag"; break; }
	done
	[[ " $command " == *' -fPIC '* || " $command " == *' -fPIE '* ]] || fail "$file is not compiled to be position independent"
	[[ " $command " =~ ' -O'[123s] ]] || fail "$file is not optimised, so _FORTIFY_SOURCE does nothing"
	[[ "$command" == *-U_FORTIFY_SOURCE* || "$command" == *-fno-stack-protector* || " $command " == *' -w '* ]] && fail "$file takes some of it back"
done < <(python3 - "$build/compile_commands.json" "$root" <<-'END'
	import json, sys
	for unit in json.load(open(sys.argv[1])):
	    name = unit["file"].removeprefix(sys.argv[2] + "/")
	    if name.split("/")[0] in ("formats", "recorder", "analyzer"):
	        print(name, unit["command"], sep="\t")
	END
)
[ "$cases" -ge 50 ] || fail "only $cases sources found in compile_commands.json"

# -------- binaries --------
for bin in "$build/bin" "$build/release/bin"; do
	[ -d "$bin" ] || continue
	said=$(bash "$root/tests/linkage.sh" "$bin") || true
	count=${said##*$'\n'}
	[[ "$count" =~ ^([0-9]+)' checks, '([0-9]+)' failed'$ ]] || { fail "$bin: $said"; continue; }
	cases=$((cases + BASH_REMATCH[1]))
	[ "${BASH_REMATCH[2]}" = 0 ] || { echo "$said"; failed=$((failed + BASH_REMATCH[2])); }
done

# -------- the reader: what is in formats/ but the writer --------
hints=$(mktemp)
log=$(mktemp)
trap 'rm -f "$hints" "$log"' EXIT
# The analyzer does not look into other files, so it is told that a failure returns the code it was given.
cat >"$hints" <<-'END'
	#include "formats/base/cap_error.h"
	#define cap_fail(err, code, ...) ((void)cap_fail(err, code, __VA_ARGS__), (code))
	#define cap_context(err, code, ...) ((void)cap_context(err, code, __VA_ARGS__), (code))
	END
analyze() { gcc -std=gnu17 -D_GNU_SOURCE -D_FORTIFY_SOURCE=3 -O2 -Wall -Wextra -fanalyzer -I"$root" "${@:2}" -c "$1" -o /dev/null; }
reader=0
for file in "$root"/formats/*/*.c; do
	case ${file##*/} in capture_writer.c | chunk.c | chunk_encode.c | intern_table.c | cap_error.c) continue ;; esac
	reader=$((reader + 1))
	analyze "$file" -x c -include "$hints" >"$log" 2>&1 && ! grep -q 'warning:' "$log" || {
		fail "gcc -fanalyzer: ${file##*/}"
		grep -E 'warning:|error:' "$log"
	}
done
cases=$((cases + reader))
# it would find something
cat >"$hints" <<-'END'
	#include <stdlib.h>
	int read_it(size_t count);
	int read_it(size_t count)
	{
		int *cells = malloc(count);
		return cells[0];
	}
	END
cases=$((cases + 1))
gcc -fanalyzer -O2 -x c -c "$hints" -o /dev/null >"$log" 2>&1
grep -q 'Wanalyzer' "$log" || fail 'gcc -fanalyzer finds nothing where there is something'
echo "reliability S20: $cases cases, $failed failed; gcc -fanalyzer on $reader files of the reader"
[ "$failed" = 0 ]
