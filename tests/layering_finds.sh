#!/bin/bash
# layering.sh itself: what is planted in a copy of the tree must be found, each by its own line.
# Usage: layering_finds.sh [ROOT]
set -uo pipefail

root=$(cd "${1:-$(dirname "$0")/..}" && pwd) || exit 1
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
bad=0

# planted FILE INCLUDED EXPECTED: with that include at the end of FILE, layering.sh must print EXPECTED and fail
planted() {
	local file=$1 included=$2 expected=$3 output
	cp "$copy/$file" "$copy/before"
	printf '#include "%s"\n' "$included" >>"$copy/$file"
	if output=$(bash "$root/tests/layering.sh" "$copy"); then
		printf '%s may include %s unnoticed\n' "$file" "$included"
		bad=1
	elif ! grep -qF -- "$expected" <<<"$output"; then
		printf '%s includes %s: expected "%s", not\n%s\n' "$file" "$included" "$expected" "$output"
		bad=1
	fi
	mv "$copy/before" "$copy/$file"
}

cp -r "$root"/{bpf,formats,recorder,analyzer,CMakeLists.txt,CONTRIBUTING.md} "$copy" || exit 1
bash "$root/tests/layering.sh" "$copy" || exit 1

# pipeline.c includes event_counts.h, but pipeline.h does not: no circle of files
planted recorder/pipeline/event_counts.c recorder/pipeline/pipeline.h 'recorder/pipeline/event_counts -> recorder/pipeline/pipeline'
# chunk.c includes intern_table.h through a header that is no unit, chunk_tables.h
planted formats/write/intern_table.c formats/write/chunk.h 'formats/write/intern_table -> formats/write/chunk'
planted formats/base/hash_mix.h formats/base/hash.h 'a circle of includes'
planted formats/base/escape.c formats/read/capture_reader.h 'up: formats/base/escape.c'
planted recorder/main.c analyzer/db/filter.h 'up: recorder/main.c'

[ "$bad" = 0 ] && echo 'layering.sh finds what is planted'
exit "$bad"
