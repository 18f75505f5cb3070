#!/bin/bash
# Runs every benchmark, one after the other, and prints the table of RESULTS.md. PAIRS (default 5) and SCALE (default 1) set the size;
# PAIRS=1 SCALE=0.05 only shows that everything runs. Wants an otherwise idle machine, root, and the packages of group bench.
# Usage: tests/bench/run.sh [NAME...]   (KYMO_BUILD names the build tree, default build/)
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bash "$root/tests/install-packages.sh" bench || exit 1
export KYMO_BUILD=${KYMO_BUILD:-$root/build}
[ -x "$KYMO_BUILD/bin/kymo-record" ] || { echo "run.sh: no kymo-record in $KYMO_BUILD/bin; build first" >&2; exit 1; }

names=("$@")
[ $# -gt 0 ] || names=(cost_vs_perf counts_cost cost_vs_syscount recorder_cpu start_cpu bytes_per_event sustained_rate import_rate report_10m report_pairs import_memory verify_rate slice_cost budget_cost sched_cost net_cost durations_cost files_cost stack_copy workload_cost unwind_rate fault_cost block_cost export_rate)
missed=0 failed=0
echo '| what | must reach | found (median) | range | met |'
echo '|---|---|---|---|---|'
for name in "${names[@]}"; do
	echo "== $name" >&2
	timeout 900 python3 "$here/$name.py"
	case $? in
	0) ;;
	3) missed=$((missed + 1)) ;;
	77) echo "$name was skipped" >&2 ;;
	*)
		echo "$name failed" >&2
		failed=$((failed + 1))
		;;
	esac
done
echo "$missed missed, $failed failed" >&2
[ "$failed" = 0 ]
