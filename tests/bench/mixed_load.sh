#!/bin/bash
# A mixed load for SECONDS: redis-server with redis-benchmark over a unix socket, gcc compiling, find, python3. Ends by itself and leaves nothing.
# Usage: mixed_load.sh SECONDS
set -uo pipefail

seconds=${1:?usage: mixed_load.sh SECONDS}
work=$(mktemp -d)
children=()
finish() {
	local pid
	for pid in "${children[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 0' TERM INT

redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --appendonly no --dir "$work" >/dev/null 2>&1 &
children+=($!)
for _ in $(seq 50); do
	[ -S "$work/redis.sock" ] && break
	sleep 0.1
done
cat >"$work/unit.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
int main(int argc, char **argv) { printf("%d %s %f\n", argc, argv[0], sqrt(argc)); return (int)strlen(argv[0]); }
END
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do redis-benchmark -s "$work/redis.sock" -n 20000 -c 20 -q -t get,set >/dev/null 2>&1; done &
children+=($!)
while [ $SECONDS -lt $end ]; do gcc -O1 -c "$work/unit.c" -o "$work/unit.o"; done &
children+=($!)
while [ $SECONDS -lt $end ]; do find /usr/include /usr/share/doc -name '*.h' >/dev/null 2>&1; done &
children+=($!)
while [ $SECONDS -lt $end ]; do python3 -c 'import json, os; [os.stat("/") for _ in range(2000)]; json.dumps(list(range(2000)))'; done &
children+=($!)
sleep "$seconds"
