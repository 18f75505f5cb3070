#!/bin/bash
# Builds for aarch64 and runs what can be run of it under qemu's user emulation: the unit tests, and a recording of synthetic events by
# the shared and by the static kymo-record, which this machine's kymo then verifies. BPF programs are compiled, not loaded.
# Usage: run.sh --build DIR; DIR keeps the packages and the trees. KYMO_BIN: this machine's binaries.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/cross
[ "${1:-}" = --build ] && [ -n "${2:-}" ] || { echo "usage: run.sh --build DIR" >&2; exit 2; }
mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 1
for need in aarch64-linux-gnu-gcc qemu-aarch64-static setpriv cmake ninja clang; do
	command -v "$need" >/dev/null || { echo "skipped: $need is missing"; exit 77; }
done
why=$(bash "$here/sysroot.sh" "$work/sysroot") || { echo "skipped: Debian's packages for arm64: ${why##*$'\n'}"; exit 77; }

# Not run, and why. The same code runs in them on this machine.
not_emulated=(test_rec_syscall_filter test_rec_scan)
echo 'not run: test_rec_syscall_filter: qemu-user has no seccomp'
echo 'not run: test_rec_scan: to other processes the program is qemu'

# build TREE TARGETS OPTION...
build() {
	local tree=$work/$1 targets=$2
	shift 2
	# shellcheck disable=SC2086 # a list
	cmake -G Ninja -S "$root" -B "$tree" -DCMAKE_TOOLCHAIN_FILE="$here/aarch64.cmake" -DKYMO_SYSROOT="$work/sysroot" -DKYMO_WERROR=ON "$@" \
		>"$work/build.log" 2>&1 && ninja -C "$tree" $targets >>"$work/build.log" 2>&1 || {
		tail -n 40 "$work/build.log"
		echo "aarch64: $tree does not build"
		exit 1
	}
}
units=$(cd "$root/tests/unit" && printf '%s\n' test_*.c | sed 's/\.c$//' | paste -sd ' ')
build shared "kymo kymo-record $units" -DKYMO_TESTS=ON
build static kymo-record -DKYMO_TESTS=OFF -DKYMO_SYNTHETIC=ON -DKYMO_STATIC=ON -DKYMO_ANALYZER=OFF -DCMAKE_BUILD_TYPE=MinSizeRel

bad=0
ctest --test-dir "$work/shared" -j "$(nproc)" -L '^unit$' -E "/($(IFS='|' && echo "${not_emulated[*]}"))\$" --output-on-failure >"$work/units.log" 2>&1 || {
	tail -n 60 "$work/units.log"
	bad=1
}
grep 'tests passed' "$work/units.log"

for tree in shared static; do
	recorder=$work/$tree/bin/kymo-record
	aarch64-linux-gnu-readelf -hW "$recorder" | grep -q 'Machine:.*AArch64' || { echo "$recorder is not for aarch64"; bad=1; }
	rm -f "$work/$tree.kymo"
	"$here/emulate.sh" "$work/sysroot" "$recorder" -q --source synthetic:events=20000,mix=all,seed=7 -o "$work/$tree.kymo" &&
		"${KYMO_BIN:-$root/build/bin}/kymo" verify --decode "$work/$tree.kymo" >"$work/$tree.verify" &&
		"$here/emulate.sh" "$work/sysroot" "$work/shared/bin/kymo" syscalls "$work/$tree.kymo" >"$work/$tree.syscalls" &&
		[ -s "$work/$tree.syscalls" ] || { echo "aarch64: the $tree kymo-record made no sound capture"; bad=1; }
done
cmp "$work/shared.syscalls" "$work/static.syscalls" || bad=1
size=$(aarch64-linux-gnu-strip -o "$work/stripped" "$work/static/bin/kymo-record" && stat -c %s "$work/stripped")
echo "static kymo-record for aarch64: $size bytes"
exit "$bad"
