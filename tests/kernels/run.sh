#!/bin/bash
# Records on other kernels: boots each under qemu (without KVM) with nothing but busybox, the static kymo-record and the workload in its
# memory, and checks what was recorded. A kernel that cannot be had is reported as not run. The last line is "N passed, N failed, N skipped".
#   run.sh [--build DIR] [--release DIR] [SUITE...]     suites of Debian; default: bullseye bookworm bookworm-backports sid
# A single suite that is not to be had makes the status 77.
# Kernels are kept in DIR (build-kernels) for the next time, what release/build.sh builds in the other (DIR/release). KYMO_BIN: the kymo
# to read captures with, else one is built.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/kernels
work=$root/build-kernels
release='' suites=()
while [ $# -gt 0 ]; do
	case $1 in
	--build)
		work=${2:?--build needs a directory}
		shift
		;;
	--release)
		release=${2:?--release needs a directory}
		shift
		;;
	-h | --help)
		sed -n '2,8s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	-*)
		echo "run.sh: unknown option '$1'; --help" >&2
		exit 2
		;;
	*) suites+=("$1") ;;
	esac
	shift
done
[ ${#suites[@]} -gt 0 ] || suites=(bullseye bookworm bookworm-backports sid)
for need in qemu-system-x86_64 busybox cmake ninja python3; do
	command -v "$need" >/dev/null || { echo "skipped: $need is missing"; exit 77; }
done
mkdir -p "$work" || exit 1

# -------- the recorder as one file, kymo to read with --------
release=${release:-$work/release}
kymo=${KYMO_BIN:+$KYMO_BIN/kymo}
broken() {
	tail -n 30 "$work/build.log"
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
}
bash "$root/release/build.sh" --build "$release" --recorder-only >"$work/build.log" 2>&1 || broken
cmake -G Ninja -S "$root" -B "$work/loads" -DKYMO_RECORDER=OFF -DKYMO_TESTS=ON >>"$work/build.log" 2>&1 &&
	ninja -C "$work/loads" workload $([ -n "$kymo" ] || echo kymo) >>"$work/build.log" 2>&1 || broken
kymo=${kymo:-$work/loads/bin/kymo}
image=$work/initramfs
rm -rf "$image"
mkdir -p "$image"/{bin,proc,sys,dev,tmp}
cp "$(command -v busybox)" "$image/bin/busybox"
cp "$release/bin/kymo-record" "$image/bin/kymo-record"
cp "$(find "$work/loads" -type f -name workload -perm -u+x | head -n 1)" "$image/bin/workload"
cp "$here/init.sh" "$image/init"
chmod +x "$image/init"
(cd "$image" && find . | busybox cpio -o -H newc 2>/dev/null) >"$work/initramfs.cpio" || exit 1

# boot SUITE: what the second serial port says ends in out/; qemu is given three minutes
boot() {
	local dir=$work/$1
	timeout 240 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 768 -nodefaults -display none -no-reboot -kernel "$dir/vmlinuz" \
		-initrd "$work/initramfs.cpio" -append 'console=ttyS0 panic=-1 quiet' -serial "file:$dir/console" -serial "file:$dir/port" </dev/null
}

passed=0 failed=0 skipped=0
for suite in "${suites[@]}"; do
	if ! why=$(bash "$here/fetch.sh" "$suite" "$work/$suite"); then
		echo "$suite: not run: ${why##*$'\n'}"
		skipped=$((skipped + 1))
		continue
	fi
	for attempt in 1 2; do # without KVM a guest sometimes hangs before it is up
		boot "$suite"
		grep -q '^finished' "$work/$suite/port" && break
		echo "$suite: boot $attempt did not finish"
	done
	if python3 "$here/check.py" "$work/$suite" "$kymo"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
