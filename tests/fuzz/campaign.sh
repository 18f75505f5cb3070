#!/bin/bash
# Fuzzes every target in turn for a long while, one process per core, and keeps a count of what was run.
# Usage: campaign.sh CPU-HOURS [TARGET...]   (KYMO_BUILD names the tree; KYMO_SLICE the wall seconds of one turn, 600 unless told)
# Each turn adds a line to KYMO_BUILD/fuzz/campaign.tsv: target, CPU seconds, inputs run, inputs in the corpus, status.
# It ends when the CPU hours are used up (over all turns in that table) or at the first finding, and prints the sums.
set -uo pipefail

hours=${1:?usage: campaign.sh CPU-HOURS [TARGET...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
work=${KYMO_BUILD:?}/fuzz
table=$work/campaign.tsv
slice=${KYMO_SLICE:-600}
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
	for corpus in "$here"/corpus_*; do targets+=("${corpus##*/corpus_}"); done
fi
mkdir -p "$work/artifacts"
touch "$table"

used_up() { awk -F '\t' -v limit="$hours" '{ s += $2 } END { exit !(s >= limit * 3600) }' "$table"; }

# turn TARGET: one slice; its CPU time is that of the fuzzer alone
turn() {
	local target=$1 log=$work/campaign.$1.log status cpu
	mkdir -p "$work/found_$target"
	# -timeout is wall time, and the machine may be busy with other things
	TIMEFORMAT='%U %S'
	cpu=$({ time nice -n 19 "$work/fuzz_$target" -max_total_time="$slice" -max_len=65536 -timeout=60 -rss_limit_mb=1024 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix="$work/artifacts/$target-" "$work/found_$target" "$here/corpus_$target" \
		>"$log" 2>&1; } 2>&1)
	status=$?
	printf '%s\t%s\t%s\t%s\t%s\n' "$target" "$(awk '{ print $1 + $2 }' <<<"$cpu")" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$(find "$work/found_$target" -type f | wc -l)" "$status" >>"$table"
	[ "$status" = 0 ] && return 0
	tail -40 "$log"
	echo "fuzz_$target ended with $status; the input is in $work/artifacts"
	return 1
}

# loop FIRST: takes turns from the target with that number on; the loops run side by side, on different targets
loop() {
	local at=$1
	while ! used_up; do
		turn "${targets[at % ${#targets[@]}]}" || return 1
		at=$((at + loops))
	done
}

loops=$(nproc)
[ "$loops" -le ${#targets[@]} ] || loops=${#targets[@]}
# with a common divisor a loop would never meet some of the targets
while [ $((${#targets[@]} % loops)) = 0 ] && [ "$loops" -gt 1 ] && [ ${#targets[@]} -gt "$loops" ]; do targets+=("${targets[0]}"); done
pids=()
for ((i = 0; i < loops; i++)); do
	loop "$i" &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
awk -F '\t' '{ cpu[$1] += $2; runs[$1] += $3; bad[$1] += $5 != 0; all += $2 }
	END { for (t in cpu) printf "%-12s %8.0f CPU s %12d inputs %d findings\n", t, cpu[t], runs[t], bad[t]; printf "%.2f CPU hours\n", all / 3600 }' "$table"
exit $failed
