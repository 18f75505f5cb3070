#!/bin/bash
# Five minutes of Kymo: installs what is missing, builds, records a known workload and a real program for 5 s, and shows what was seen.
# Where BPF may not be loaded it shows the same from a capture that comes with the sources. Stops everything that it starts.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

usage() {
	echo 'usage: samples/demo.sh [--build-dir DIR] [--out DIR]'
	echo '  --build-dir DIR  where to build (default: build)'
	echo '  --out DIR        where capture and flame graph go (default: BUILD-DIR/demo)'
}

build=build out=
while [ $# -gt 0 ]; do
	case $1 in
	--build-dir | --out)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		if [ "$1" = --out ]; then out=$2; else build=$2; fi
		shift
		;;
	-h | --help) usage; exit 0 ;;
	*) echo "demo.sh: unknown option '$1'" >&2; usage >&2; exit 2 ;;
	esac
	shift
done
out=${out:-$build/demo}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

started=()
cleanup_started() {
	local pid
	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	started=()
}
cleanup() {
	cleanup_started
	[ -z "${scratch:-}" ] || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step 'Packages'
bash tests/install-packages.sh build demo
echo 'all there'

step "Build in $build"
generator=()
[ -f "$build/CMakeCache.txt" ] || generator=(-G Ninja)
cmake "${generator[@]}" -S . -B "$build" >"${TMPDIR:-/tmp}/kymo-demo-$$.log" 2>&1 &&
	cmake --build "$build" --parallel "$(nproc)" --target kymo-record kymo workload storm >>"${TMPDIR:-/tmp}/kymo-demo-$$.log" 2>&1 ||
	{ cat "${TMPDIR:-/tmp}/kymo-demo-$$.log"; rm -f "${TMPDIR:-/tmp}/kymo-demo-$$.log"; exit 1; }
rm -f "${TMPDIR:-/tmp}/kymo-demo-$$.log"
bin=$build/bin
ls -l "$bin/kymo-record" "$bin/kymo"

mkdir -p "$out"
scratch=$(mktemp -d)
capture=$out/demo.kymo

# A real program from Debian beside ours: sqlite3 fills a table and sorts it, again and again.
sqlite_loop() {
	while :; do
		sqlite3 "$scratch/demo.db" '
			DROP TABLE IF EXISTS t;
			CREATE TABLE t(a INTEGER, b TEXT);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
				INSERT INTO t SELECT i * 7919 % 30011, hex(randomblob(20)) FROM n;
			CREATE INDEX i ON t(b);
			SELECT count(*) FROM (SELECT * FROM t ORDER BY b);' >/dev/null
	done
}

step 'Record 5 s of the whole machine, while a known workload and sqlite3 run'
"$bin/workload" --seconds 7 --syscalls 20000 --hang >"$scratch/truth.json" &
started+=($!)
sqlite_loop &
started+=($!)
sleep 0.5
set +e
"$bin/kymo-record" -f -d 5s -o "$capture"
status=$?
set -e
if [ $status = 4 ]; then
	echo
	echo 'This account may not load BPF programs (see above); try sudo samples/demo.sh.'
	echo 'What follows comes from a capture that was made elsewhere: samples/captures/live.kymo.'
	capture=samples/captures/live.kymo
	cleanup_started
	rm -f "$scratch/truth.json"
elif [ $status != 0 ] && [ $status != 3 ]; then
	exit $status
fi
[ ${#started[@]} = 0 ] || wait "${started[0]}" 2>/dev/null || true # the workload, which then tells its own truth
cleanup_started

# kymo exits with 3 where a capture tells of loss: the demo shows it and goes on
show() {
	local rc=0
	printf '$ kymo %s\n' "$*"
	"$bin/kymo" "$@" || rc=$?
	[ $rc = 0 ] || [ $rc = 3 ] || exit $rc
}

step 'The first answer'
show "$capture"

step 'What the capture is'
show info "$capture" | sed '/^probes/,$d' # reads to the end: a closed pipe would end kymo, and this with it
if command -v zstd >/dev/null; then zstd -t "$capture"; fi

step 'Where CPU time went: the ten most frequent stacks'
show folded "$capture" >"$out/demo.folded"
sed 1d "$out/demo.folded" | awk '{ print $NF, $0 }' | sort -rn | cut -d' ' -f2- | sed -n 1,10p | cut -c1-180

step 'What was asked of the kernel'
show syscalls --limit 20 --in-flight "$capture" | sed -n 1,40p
if [ -s "$scratch/truth.json" ]; then
	echo 'The workload itself, over its whole life, says:'
	cat "$scratch/truth.json"
fi

step 'Where threads waited'
show offcpu "$capture"

step 'What recording cost'
show overhead "$capture"

step 'Flame graph'
show flame -f "$capture" -o "$out/demo.svg"
echo "open it in a browser: $(cd "$out" && pwd)/demo.svg"
echo "the capture: $capture; ask it anything: $bin/kymo sql $capture 'SELECT * FROM syscalls_in_flight LIMIT 5'"
