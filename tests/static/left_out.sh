#!/bin/bash
# Who in the static kymo-record refers to a function that it leaves out (static_left_out.txt): nobody but the members of
# libraries listed below, where reading them has shown that they do not get there. A new one is a way to abort at run time.
# Usage: left_out.sh --build DIR, where release/build.sh builds
set -uo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
[ "${1:-}" = --build ] && [ -n "${2:-}" ] || { echo "usage: left_out.sh --build DIR" >&2; exit 2; }
bash "$repository/release/build.sh" --build "$2" --recorder-only || exit 1
map=$2/recorder/recorder/kymo-record.map
bad=0

# MEMBER SYMBOL-REGEX: may refer to these, because
known=(
	# the compressor's table of strategies, and what they do with dictionaries; frames of old versions, by their magic number
	'libzstd\.a\((zstd_compress|zstd_decompress|zstd_ldm)\.o\) (ZSTD(v0[567])?|ZBUFFv0[567])_[A-Za-z0-9_]+'
	# %f and its like
	'libc\.a\(vfscanf-internal\.o\) __strto(d|f|ld|f128)_internal'
	'libc\.a\(vfprintf-internal\.o\) __printf_fphex'
	# when stderr is wide
	'libc\.a\(fxprintf\.o\) __vfwprintf_internal'
	# when a name was looked up in this thread
	'libc\.a\((res-close|res_libc|resolv_context)\.o\) (__res_[nv]init|__resolv_conf_[a-z_]+)'
	# cleaning up while a thread is cancelled, and that itself
	'libc\.a\([a-z_]+\.o\) (_Unwind_Resume|__gcc_personality_v0)'
	'libc\.a\(unwind\.o\) _Unwind_(ForcedUnwind|GetCFA|DeleteException)'
)
pattern=$(printf '|%s' "${known[@]}")
# The table names the defining file beside the symbol, and those that refer to it in the lines below
found=$(sed -n '/^Cross Reference Table/,$p' "$map" |
	awk 'NF == 2 { symbol = $1; ours = $2 ~ /left_out\.c\.o$/; next } NF == 1 && ours { sub(/.*\//, "", $1); print $1, symbol }')
count=$(grep -c . <<<"$found")
new=$(grep -vxE "${pattern#|}" <<<"$found")
[ "$count" -ge 20 ] || { echo "only $count references found in $map"; bad=1; }
[ -z "$new" ] || { echo 'reach what the static kymo-record leaves out:'; echo "$new"; bad=1; }

# Our own code: nothing that ends a thread other than by returning, no floating point in formats for scanning, none in hexadecimal
nm -u "$2"/recorder/recorder/*.a "$2"/recorder/formats/*.a 2>/dev/null | grep -wE 'pthread_(exit|cancel|testcancel)|setlocale|fwide' && bad=1
grep -rnE 'scanf\(.*%[*0-9]*l*[aefgAEFG]' "$repository"/{recorder,formats} --include='*.[ch]' && bad=1
grep -rnE '"[^"]*%[-+ #0-9.*]*[aA][^a-z]' "$repository"/{recorder,formats} --include='*.[ch]' && bad=1
[ "$bad" = 0 ] && echo "$count references to what is left out, all of them known"
exit "$bad"
