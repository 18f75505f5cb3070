#!/bin/bash
# Runs the tests again and again beside a load that they must not notice: a busy loop for each CPU, and some writing to the disk.
# The load ends with this script, however that ends. The last line is "N of N runs passed"; exit status 1 if one did not.
# Usage: tests/under_load.sh [RUNS [COMMAND...]]
#   tests/under_load.sh                                     five times tests/run.sh
#   tests/under_load.sh 10 ctest --test-dir build -L live   ten times the live tests
set -uo pipefail

case ${1:-5} in
*[!0-9]*)
	sed -n '2,6s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
runs=${1:-5}
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here/run.sh"
log=$(mktemp -d)
load=() run_pid=

busy() { # until process $1 is gone
	local i
	while [ -d "/proc/$1" ]; do
		for ((i = 0; i < 100000; i++)); do :; done
	done
}

writing() {
	while [ -d "/proc/$1" ]; do
		dd if=/dev/zero of="$log/written" bs=1M count=64 conv=fsync status=none
		sleep 1
	done
}

finish() {
	[ -z "$run_pid" ] || kill "$run_pid" 2>/dev/null
	[ ${#load[@]} -eq 0 ] || kill "${load[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM

for _ in $(seq "$(nproc)"); do
	busy $$ &
	load+=($!)
done
writing $$ &
load+=($!)

passed=0
for run in $(seq "$runs"); do
	began=$SECONDS
	"$@" >"$log/run" 2>&1 &
	run_pid=$! # in the background, so that signals are met at once
	if wait "$run_pid"; then
		passed=$((passed + 1))
		result=passed
	else
		result=FAILED
		grep -E '\(Failed\)|\(Timeout\)|^FAILED|Not Run' "$log/run"
		cp "$log/run" "${TMPDIR:-/tmp}/kymo-under-load-$run.log"
		echo "all that it said: ${TMPDIR:-/tmp}/kymo-under-load-$run.log"
	fi
	run_pid=
	echo "run $run of $runs: $result after $((SECONDS - began)) s, load $(cut -d ' ' -f 1 /proc/loadavg): $(tail -n 1 "$log/run")"
done
echo "$passed of $runs runs passed"
[ "$passed" = "$runs" ]
