#!/bin/bash
# The released kymo-record in a root directory that holds nothing but it, /proc, /sys and a directory for output: it records there, and
# what it says is whole. Usage: empty_root.sh --build DIR, where release/build.sh builds. KYMO_BIN: binaries to read and compare with.
set -uo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
[ "${1:-}" = --build ] && [ -n "${2:-}" ] || { echo "usage: empty_root.sh --build DIR" >&2; exit 2; }
bin=${KYMO_BIN:-$repository/build/bin}
bash "$repository/release/build.sh" --build "$2" --recorder-only || exit 1
recorder=$2/bin/kymo-record
[ "$(id -u)" = 0 ] || { echo 'skipped: chroot needs root'; exit 77; }

root=$(mktemp -d)
load=
finish() {
	[ -z "$load" ] || kill "$load" 2>/dev/null
	rm -rf "$root"
}
trap finish EXIT
mkdir "$root"/{proc,sys,out}
cp "$recorder" "$root/kymo-record"

# inside ARGUMENT...: in a mount namespace of its own, so that nothing stays mounted whatever happens
inside() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m --propagation private sh -c 'root=$1; shift
		mount -t proc proc "$root/proc" && { mount -t sysfs sysfs "$root/sys" || mount --rbind /sys "$root/sys"; } &&
		exec chroot "$root" /kymo-record "$@"' sh "$root" "$@"
}
inside --version >"$root/out/version" 2>"$root/out/errors" || {
	grep -qi 'unshare\|mount' "$root/out/errors" && { echo "skipped: $(head -n 1 "$root/out/errors")"; exit 77; }
	cat "$root/out/errors"
	exit 1
}

bad=0
fail() {
	echo "$*"
	bad=1
}
# ends STATUS-WANTED ARGUMENT...: messages go to out/errors
ends() {
	local wanted=$1 status
	shift
	inside "$@" >"$root/out/said" 2>"$root/out/errors"
	status=$?
	[ "$status" = "$wanted" ] || fail "kymo-record $*: status $status, not $wanted: $(tail -n 3 "$root/out/errors")"
	grep 'leaves out' "$root/out/errors" && fail "kymo-record $*: reached what is left out"
}
# sound FILE: events are in it, and it is whole
sound() {
	local events
	"$bin/kymo" verify --decode --json "$root/out/$1" >"$root/out/verify" || fail "$1: not sound: $(cat "$root/out/verify")"
	events=$("$bin/kymo" sql --json "$root/out/$1" 'SELECT count(*) AS n FROM syscall' 2>&1 | grep -oE '"n": ?[0-9]+' | grep -oE '[0-9]+')
	[ "${events:-0}" -gt 0 ] || fail "$1: no system calls"
	echo "$1: ${events:-0} system calls"
}

# what the same program says outside decides what is due here: a host that cannot be recorded cannot be recorded from a chroot
"$recorder" doctor >"$root/out/outside" 2>&1
due=$?
case $due in 0 | 4) ;; *) fail "doctor outside: status $due" ;; esac
ends "$due" doctor
tail -n 1 "$root/out/said"
ends "$due" doctor --json --report
[ "$due" = 0 ] || { echo "skipped: this host cannot be recorded: $(tail -n 1 "$root/out/outside")"; [ "$bad" = 0 ] && exit 77; exit 1; }

while :; do cat /proc/self/stat >/dev/null; done &
load=$!
ends 0 -q -d 1s -o /out/system.kymo
sound system.kymo
ends 0 -q --args -o /out/command.kymo -- /kymo-record --help
sound command.kymo
ends 2 -q --source synthetic -o /out/synthetic.kymo # a test tool: not in a release
cp "$repository/samples/configs/debug.yaml" "$root/out/"
ends 0 config check /out/debug.yaml
ends 0 -q -c /out/debug.yaml -d 300ms -o /out/configured.kymo
sound configured.kymo
ends 2 --no-such-option
[ -z "$(find "$root/proc" "$root/sys" -mindepth 1 -print -quit)" ] || fail 'something is still mounted'
left=$(cd "$root" && ls -A | grep -vxE 'proc|sys|out|kymo-record')
[ -z "$left" ] || fail "the recorder left $left behind"
exit "$bad"
