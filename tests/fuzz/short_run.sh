#!/bin/bash
# Fuzzes one target for a short while, starting from the committed corpus. What it finds is left in the build tree.
# Usage: short_run.sh TARGET SECONDS   (KYMO_BUILD names the tree). A long run: short_run.sh reader 86400
set -uo pipefail

target=${1:?usage: short_run.sh TARGET SECONDS}
seconds=${2:?usage: short_run.sh TARGET SECONDS}
here=$(cd "$(dirname "$0")" && pwd)
work=${KYMO_BUILD:?}/fuzz
mkdir -p "$work/found_$target" "$work/artifacts"
dict=()
[ -f "$here/$target.dict" ] && dict=(-dict="$here/$target.dict")
# a wall-clock bound of its own: a hang is a finding
timeout $((seconds + 100)) "$work/fuzz_$target" -max_total_time="$seconds" -max_len=65536 -timeout=60 -rss_limit_mb=1024 \
	-print_final_stats=1 -verbosity=0 "${dict[@]}" -artifact_prefix="$work/artifacts/$target-" "$work/found_$target" "$here/corpus_$target" \
	>"$work/$target.log" 2>&1
status=$?
grep -E 'stat::(number_of_executed_units|peak_rss_mb|average_exec)' "$work/$target.log"
[ "$status" = 0 ] && exit 0
tail -40 "$work/$target.log"
echo "fuzz_$target ended with $status; the input is in $work/artifacts"
exit 1
