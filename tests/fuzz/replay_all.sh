#!/bin/bash
# Replays all committed corpora, each input through its target, as the ctest tests fuzz/* do one by one, and says how many there were.
# Usage: replay_all.sh   (KYMO_BUILD names the tree; with KYMO_SANITIZE it is the sanitizers that judge)
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=${KYMO_BUILD:?}/fuzz
inputs=0 failed=0 targets=0
for corpus in "$here"/corpus_*; do
	target=${corpus##*/corpus_}
	# a tree without recorder or analyzer has not all of them
	[ -x "$work/replay_$target" ] || { echo "$target is not built"; continue; }
	targets=$((targets + 1))
	if said=$(timeout 900 "$work/replay_$target" "$corpus" 2>&1); then
		echo "$target: $said"
	else
		tail -20 <<<"$said"
		echo "$target: failed; the input is the last that KYMO_NAMES=1 $work/replay_$target $corpus names"
		failed=$((failed + 1))
	fi
	inputs=$((inputs + $(find "$corpus" -type f | wc -l)))
done
[ "$targets" -gt 0 ] || exit 77
echo "reliability S1: $inputs cases, $failed failed; the corpora of $targets targets replayed"
[ "$failed" = 0 ]
