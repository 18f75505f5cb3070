#!/bin/bash
# Records a load trace for test_rec_budget_control: what this machine did while a command ran, 100 ms a line: system calls, and the part of
# the host's CPU time that a hypervisor took (steal), in percent. Needs root. Usage: record_trace.sh COMMAND... > unit/traces/NAME.trace
set -euo pipefail

bin=${KYMO_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
steal() { # time in 10 ms, ticks of all, ticks stolen
	while sleep 0.1; do
		read -r up _ </proc/uptime
		read -r _ a b c d e f g h _ </proc/stat
		echo "${up/./} $((a + b + c + d + e + f + g + h)) $h"
	done
}
steal >"$folder/steal" &
watcher=$!
"$bin/kymo-record" -q -a -e syscalls --cpu-budget none --buffer 16M -o "$folder/load.kymo" -- "$@" >/dev/null 2>&1 || true
kill "$watcher"
"$bin/kymo" sql --csv "$folder/load.kymo" "SELECT time_ns / 100000000 AS tenth, count(*) + 0 FROM syscall GROUP BY 1 ORDER BY 1" 2>/dev/null >"$folder/calls"
awk -F '[ ,]' '
	FNR == 1 { file++ }
	file == 1 {
		if (all && $2 > all)
			stolen[int($1 / 10)] = 100 * ($3 - was) / ($2 - all)
		all = $2
		was = $3
		next
	}
	$1 !~ /^[0-9]+$/ { next }
	!next_tenth { next_tenth = $1; print "# calls in 100 ms, steal in percent" }
	{
		for (; next_tenth < $1; next_tenth++)
			print 0, int(stolen[next_tenth])
		print $2, int(stolen[next_tenth++])
	}' "$folder/steal" "$folder/calls"
