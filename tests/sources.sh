#!/bin/bash
# Checks the form of the sources: indentation, clang-format, includes, words that must not stand in the tree.
# Usage: sources.sh [ROOT]
set -uo pipefail
shopt -s lastpipe # complain runs at the end of pipes and must be able to set bad

cd "${1:-$(dirname "$0")/..}" || exit 1
bad=0
complain() {
	local lines
	lines=$(cat)
	[ -n "$lines" ] || return 0
	printf '%s:\n%s\n' "$1" "$lines"
	bad=1
}

mapfile -t sources < <(find bpf formats objects recorder analyzer tests samples -name '*.[ch]' -not -name vmlinux.h 2>/dev/null | sort)
[ ${#sources[@]} -gt 0 ] || { echo 'no sources found'; exit 1; }
mapfile -t scripts < <(find tests samples recorder release \( -name '*.sh' -o -name '*.py' \) | sort)

grep -nE '[[:space:]]+$' "${sources[@]}" "${scripts[@]}" | complain 'blanks at the end of a line'
grep -nE '^ {8}' "${sources[@]}" | grep -vE '^[^:]*:[0-9]*: *(\*|\\$)' | complain 'indented with blanks'
grep -LE '^#pragma once$' $(printf '%s\n' "${sources[@]}" | grep '\.h$') </dev/null | complain 'headers without #pragma once'
mapfile -t product < <(printf '%s\n' "${sources[@]}" | grep -E '^(bpf|formats|recorder|analyzer)/')
grep -nE '\<(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\(' "${product[@]}" | complain 'functions that cannot be used safely'
# SQL is never built from data: S12 of the requirements. Table and column names come from events.def alone
grep -nE "\"[^\"]*(SELECT|INSERT|UPDATE|DELETE|WHERE) [^\"]*'%s" "${product[@]}" |
	complain 'SQL built from data'
grep -rnwE 'TODO|FIXME|XXX|HACK' "${sources[@]}" "${scripts[@]}" | grep -v '/sources\.sh:' | complain 'unfinished'

if command -v clang-format >/dev/null && [ -f .clang-format ]; then
	printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 40 clang-format --dry-run 2>&1 |
		sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: warning: code should be clang-formatted.*/\1/p' | sort -u |
		complain 'not as clang-format would have it (clang-format -i)'
fi

[ "$bad" = 0 ] && echo "form holds: ${#sources[@]} sources, ${#scripts[@]} scripts"
exit "$bad"
