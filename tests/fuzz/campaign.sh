#!/bin/bash
# Fuzzes every target in turn for a long while, one process per core, and keeps a count of what was run.
# Usage: campaign.sh CPU-HOURS [TARGET...]   (KYMO_BUILD names a tree built with clang and KYMO_SANITIZE; KYMO_SLICE the wall seconds of
# one turn, 600 unless told). Each turn adds a line to KYMO_BUILD/fuzz/campaign.tsv: target, CPU seconds, inputs run, inputs in the
# corpus, status. It ends when the CPU hours are used up (over all turns in that table: it can be stopped and called again) or at a
# finding, and prints the sums; the last line is that of S1 for tests/reliability.py.
set -uo pipefail

hours=${1:?usage: campaign.sh CPU-HOURS [TARGET...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
work=${KYMO_BUILD:?}/fuzz
table=$work/campaign.tsv
slice=${KYMO_SLICE:-600}
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
	# what strangers' files go through gets half of the turns
	for corpus in "$here"/corpus_*; do
		targets+=("${corpus##*/corpus_}")
		case ${#targets[@]} in 2) targets+=(reader) ;; 5) targets+=(import) ;; 8) targets+=(rows) ;; 11) targets+=(import) ;; esac
	done
fi
for target in "${targets[@]}"; do
	[ -x "$work/fuzz_$target" ] && continue
	echo "there is no $work/fuzz_$target: it takes -DCMAKE_C_COMPILER=clang -DKYMO_SANITIZE=address,undefined"
	exit 77
done
mkdir -p "$work/artifacts"
touch "$table"

# CPU seconds that are left, rounded up; 0: none
left() { awk -F '\t' -v limit="$hours" '{ s += $2 } END { d = limit * 3600 - s; print (d > 0 ? int(d) + 1 : 0) }' "$table"; }

# turn TARGET LOOP SECONDS: one slice; its CPU time is that of the fuzzer alone
turn() {
	local target=$1 log=$work/campaign.$1.$2.log status cpu inputs dict=()
	mkdir -p "$work/found_$target"
	[ -f "$here/$target.dict" ] && dict=(-dict="$here/$target.dict")
	# -timeout is wall time, and the machine may be busy with other things
	TIMEFORMAT='%U %S'
	cpu=$({ time nice -n 19 "$work/fuzz_$target" -max_total_time="$3" -max_len=65536 -timeout=60 -rss_limit_mb=1024 \
		-print_final_stats=1 -verbosity=0 "${dict[@]}" -artifact_prefix="$work/artifacts/$target-" \
		"$work/found_$target" "$here/corpus_$target" >"$log" 2>&1; } 2>&1)
	status=$?
	inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	printf '%s\t%s\t%s\t%s\t%s\n' "$target" "$(awk '{ print $1 + $2 }' <<<"$cpu")" "${inputs:-0}" \
		"$(find "$work/found_$target" -type f | wc -l)" "$status" >>"$table"
	[ "$status" = 0 ] && return 0
	tail -40 "$log"
	echo "fuzz_$target ended with $status; the input is in $work/artifacts"
	return 1
}

# loop FIRST: takes turns from the target with that number on; the loops run side by side, on different targets
loop() {
	local at=$1 seconds
	while seconds=$(($(left) / loops)) && [ "$seconds" -gt 0 ]; do
		turn "${targets[at % ${#targets[@]}]}" "$1" $((seconds < slice ? seconds : slice)) || return 1
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
awk -F '\t' '{ cpu[$1] += $2; runs[$1] += $3; bad[$1] += $5 != 0; all += $2; inputs += $3; found += $5 != 0 }
	END {
		for (t in cpu) printf "%-12s %8.0f CPU s %12d inputs %d findings\n", t, cpu[t], runs[t], bad[t] | "sort"
		close("sort")
		printf "reliability S1: %.0f cases, %d failed; %.2f CPU hours with ASan, UBSan and LSan\n", inputs, found, all / 3600
	}' "$table"
exit $failed
