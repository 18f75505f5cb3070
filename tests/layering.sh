#!/bin/bash
# Checks who includes whom (STYLE section 1): recorder and analyzer meet only in formats/, and each foreign library is included where
# the rule says. Usage: layering.sh [ROOT]
set -uo pipefail
shopt -s lastpipe # complain runs at the end of pipes and must be able to set bad

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

# includes REGEX DIR...: file:line of each #include whose target matches
includes() {
	local regex=$1 dir
	shift
	for dir; do
		[ -d "$dir" ] || continue
		grep -rnE --include='*.[ch]' --include='*.def' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($regex)" "$dir"
	done
}

# Files of one folder may be included by base name only from that folder: a name that exists in a forbidden folder must not appear.
# names DIR: regex of its headers' base names
names() { find "$@" -name '*.h' -printf '%f\n' 2>/dev/null | sort -u | sed 's/\./\\./g' | paste -sd '|'; }

# never FROM TO: FROM includes nothing of TO, neither by folder nor by the bare name of a header that only TO has
never() {
	local from=$1 to=$2 only
	includes "([^\">]*/)?$to/" "$from" | complain "$from/ includes $to/"
	only=$(comm -23 <(names "$to" | tr '|' '\n' | sort -u) <(names "$from" formats | tr '|' '\n' | sort -u) | paste -sd '|')
	[ -n "$only" ] && includes "($only)[\">]" "$from" | complain "$from/ includes a header of $to/"
	return 0
}

never formats recorder
never formats analyzer
never formats bpf
never recorder analyzer
never analyzer recorder
never analyzer bpf
never bpf recorder
never bpf analyzer

# one_file HEADER-REGEX DIR: at most one .c of DIR, and no header, includes it
one_file() {
	local found
	found=$(includes "$1" "$2" | cut -d: -f1 | sort -u)
	[ "$(printf '%s' "$found" | grep -c .)" -gt 1 ] && complain "$1 belongs into one file of $2/" <<<"$found"
	grep '\.h$' <<<"$found" | complain "$1 is included by a header"
}

one_file 'zstd(_errors)?\.h' formats
one_file 'yaml\.h' recorder
includes '(zstd(_errors)?|zdict)\.h' bpf recorder analyzer | complain 'zstd.h outside formats/'
includes 'yaml\.h' bpf formats analyzer | complain 'yaml.h outside recorder/'
includes 'sqlite3(ext)?\.h' bpf formats recorder | complain 'sqlite3.h outside analyzer/'
# symbols/ keeps what it resolved in the database, in files named symbolize_db*
includes 'sqlite3(ext)?\.h' analyzer | grep -vE '^analyzer/(db|import)/|^analyzer/symbols/symbolize_db[a-z_]*\.[ch]:' |
	complain 'sqlite3.h outside analyzer/db/, analyzer/import/ and analyzer/symbols/symbolize_db*'
includes '(bpf/libbpf|bpf/bpf|linux/bpf|[a-z_]*\.skel)\.h' formats analyzer | complain 'BPF headers outside bpf/ and recorder/'
includes '(elfutils/|libdw|dwarf\.h|libelf\.h|gelf\.h)' formats recorder bpf | complain 'ELF and DWARF headers outside analyzer/'

# Library code never prints, exits or aborts: only the mains, and what renders for them, touch stdio streams
for dir in formats; do
	grep -rnE --include='*.[ch]' '\<(printf|puts|putchar|perror|exit|_exit|abort)\(|\<(stdout|stderr)\>' "$dir" |
		grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*)' | complain "$dir/ prints or exits"
done

# File names are unique in the tree
find bpf formats recorder analyzer -name '*.[ch]' -printf '%f\n' 2>/dev/null | sort | uniq -d | complain 'file names used twice'

[ "$bad" = 0 ] && echo 'layering holds'
exit "$bad"
