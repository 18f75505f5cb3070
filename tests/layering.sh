#!/bin/bash
# Checks who includes whom (STYLE section 1). Rooms have an order, the list KYMO_ROOMS of CMakeLists.txt: an include names its file from the
# root and points into its own room or into one that stands before it; recorder and analyzer meet only in formats/ and objects/; no circle of files, nor of
# units; each foreign library is included where the rule says. A unit is NAME.c with NAME.h; a header without a NAME.c belongs to every unit
# that includes it. Usage: layering.sh [--rooms] [ROOT]; --rooms prints each room with its files and lines.
set -uo pipefail
shopt -s lastpipe # complain runs at the end of pipes and must be able to set bad

show=
[ "${1:-}" = --rooms ] && { show=1; shift; }
cd "${1:-$(dirname "$0")/..}" || exit 1
bad=0

# complain MESSAGE < lines found
complain() {
	local lines
	lines=$(cat)
	[ -n "$lines" ] || return 0
	printf '%s:\n%s\n' "$1" "$lines"
	bad=1
}

mapfile -t rooms < <(sed -n '/^set(KYMO_ROOMS$/,/)/ s/^  \([a-z/]*\).*/\1/p' CMakeLists.txt)
[ ${#rooms[@]} -gt 20 ] || { echo "CMakeLists.txt lists ${#rooms[@]} rooms"; exit 1; }

if [ -n "$show" ]; then
	for room in "${rooms[@]}"; do
		mapfile -t files < <(find "$room" -maxdepth 1 -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sql' \))
		printf '%-20s %4d files %6d lines\n' "$room" ${#files[@]} "$(cat "${files[@]}" </dev/null | wc -l)"
	done
	exit 0
fi

diff <(printf '%s\n' "${rooms[@]}") <(sed -n 's/^| `\(\(bpf\|formats\|objects\|recorder\|analyzer\)[a-z/]*\)` |.*/\1/p' CONTRIBUTING.md | grep -v '\.') |
	grep '^[<>]' | complain 'the rooms of CMakeLists.txt (<) and CONTRIBUTING.md (>) differ'

# every source is in a room of the list, or belongs to the one-file build alone
find bpf formats objects recorder analyzer -type f \( -name '*.[ch]' -o -name '*.def' \) -printf '%h\n' | sort -u |
	grep -vxF -e "$(printf '%s\n' "${rooms[@]}" recorder/static)" | complain 'folders that are no room of KYMO_ROOMS'

# "FILE INCLUDED" for every include of ours
all=$(grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' bpf formats objects recorder analyzer |
	sed -E 's/^([^:]*):([0-9]*):.*"([^"]*)".*/\1 \3 \2/')
edges=$(awk -v list="${rooms[*]}" '
	BEGIN { n = split(list, order, " "); for (i = 1; i <= n; i++) rank[order[i]] = i }
	function room(path) { sub("/[^/]*$", "", path); return path }
	{
		target = $2
		if (target !~ "/" && $1 ~ "^bpf/") target = "bpf/" target
		if (target == "kymo_bpf.skel.h") next # made from bpf/ at build time
		to = room(target); from = room($1)
		if (!(to in rank)) { print "not from the root: " $1 ":" $3 ": " $2; next }
		if (rank[to] > rank[from]) print "up: " $1 ":" $3 ": " target
		if (from ~ "^analyzer" && to !~ "^(analyzer|formats|objects)") print "analyzer: " $1 ":" $3 ": " target
		if (from ~ "^bpf" && to !~ "^(bpf|formats)") print "bpf: " $1 ":" $3 ": " target
		print "edge " $1 " " target
	}' <<<"$all")
grep '^up: ' <<<"$edges" | complain 'includes that point up (KYMO_ROOMS in CMakeLists.txt has the order)'
grep '^not from' <<<"$edges" | complain 'includes that name no file from the root'
grep -E '^(analyzer|bpf): ' <<<"$edges" | complain 'sides that may not meet'
{ sed -n 's/^edge //p' <<<"$edges" | tsort >/dev/null; } 2>&1 | sed -n 's/^tsort: \(.*\.[ch].*\)/\1/p' | complain 'a circle of includes'

# "UNIT UNIT" for every unit and the units it includes; circles LABEL < them: one line for each circle that tsort finds
unit_edges=$(awk '
	function unit(path) { sub(/(\.bpf)?\.[ch]$/, "", path); return path }
	# adds what `file` includes to unit `from`; headers of no unit pass on what they include
	function add(from, file, i, count, targets, target) {
		count = split(includes[file], targets, " ")
		for (i = 1; i <= count; i++) {
			target = targets[i]
			if (target ~ /\.def$/ || seen[from, target]++) continue
			if (!(unit(target) in units)) add(from, target)
			else if (unit(target) != from) print from, unit(target)
		}
	}
	FILENAME != "-" { units[unit($0)] = 1; next }
	$1 == "edge" { includes[$2] = includes[$2] " " $3 }
	END { for (file in includes) if (unit(file) in units) add(unit(file), file) }
	' <(find bpf formats objects recorder analyzer -name '*.c') - <<<"$edges" | sort -u)
tsort <<<"$unit_edges" 2>&1 >/dev/null | awk '
	function close_circle() { if (members != "") print members " -> " first; members = "" }
	/contains a loop/ { close_circle(); next }
	{ sub(/^tsort: /, ""); if (members == "") members = first = $0; else members = members " -> " $0 }
	END { close_circle() }' | complain 'circles of units (each includes the next)'

# includes REGEX DIR...: file:line of each #include whose target matches
includes() {
	local regex=$1 dir
	shift
	for dir; do
		grep -rnE --include='*.[ch]' --include='*.def' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($regex)" "$dir"
	done
}

# one_file HEADER-REGEX DIR: at most one .c of DIR, and no header, includes it
one_file() {
	local found
	found=$(includes "$1" "$2" | cut -d: -f1 | sort -u)
	[ "$(printf '%s' "$found" | grep -c .)" -gt 1 ] && complain "$1 belongs into one file of $2/" <<<"$found"
	grep '\.h$' <<<"$found" | complain "$1 is included by a header"
}

one_file 'zstd(_errors)?\.h' formats
one_file 'yaml\.h' recorder
includes '(zstd(_errors)?|zdict)\.h' bpf objects recorder analyzer | complain 'zstd.h outside formats/'
includes 'yaml\.h' bpf formats objects analyzer | complain 'yaml.h outside recorder/'
includes 'sqlite3(ext)?\.h' bpf formats objects recorder analyzer | grep -v '^analyzer/db/' | complain 'sqlite3.h outside analyzer/db/'
includes '(bpf/libbpf|bpf/bpf|linux/bpf|[a-z_]*\.skel)\.h' formats objects analyzer | complain 'BPF headers outside bpf/ and recorder/'
includes '(elfutils/|libdw|dwarf\.h|libelf\.h|gelf\.h)' formats analyzer recorder bpf | complain 'ELF and DWARF headers outside objects/'

# Library code never prints, exits or aborts: only the mains, and what renders for them, touch stdio streams
grep -rnE --include='*.[ch]' '\<(printf|puts|putchar|perror|exit|_exit|abort)\(|\<(stdout|stderr)\>' formats |
	grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*)' | complain 'formats/ prints or exits'

# File names are unique in the tree
find bpf formats objects recorder analyzer -name '*.[ch]' -printf '%f\n' | sort | uniq -d | complain 'file names used twice'

[ "$bad" = 0 ] && echo "layering holds: ${#rooms[@]} rooms, $(grep -c '^edge' <<<"$edges") includes"
exit "$bad"
