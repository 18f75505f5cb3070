#!/bin/bash
# Records on other kernels: boots each under qemu (without KVM) with nothing but busybox, the static kymo-record and the workload in its
# memory, and checks what was recorded. A kernel that cannot be had is reported as not run. The last line is "N passed, N failed, N skipped".
#   run.sh [--build DIR] [--release DIR] [SUITE...]     suites of Debian; default: bullseye bookworm bookworm-backports sid
# SUITE:arm64 boots the suite's kernel for aarch64, with a recorder built for that (needs qemu-system-arm beside what tests/cross/ needs).
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
		sed -n '2,9s/^# \{0,1\}//p' "$0"
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
mkdir -p "$work" && work=$(cd "$work" && pwd) || exit 1

release=${release:-$work/release}
kymo=${KYMO_BIN:+$KYMO_BIN/kymo}
broken() {
	tail -n 30 "$work/build.log"
	echo '0 passed, 1 failed, 0 skipped'
	exit 1
}

# prepare MACHINE: an initramfs with the recorder as one file, busybox, the workload; 1 and the reason where that cannot be
prepare() {
	local machine=$1 image=$work/initramfs-$1 loads=$work/loads-$1 from=$release port=ttyS1 busybox cross=()
	[ ! -f "$image.cpio" ] || return 0
	busybox=$(command -v busybox)
	if [ "$machine" = arm64 ]; then
		command -v qemu-system-aarch64 >/dev/null || { echo 'qemu-system-aarch64 is missing'; return 1; }
		command -v aarch64-linux-gnu-gcc >/dev/null || { echo 'aarch64-linux-gnu-gcc is missing'; return 1; }
		bash "$root/tests/cross/sysroot.sh" "$work/sysroot" || return 1
		cross=(-DKYMO_SYSROOT="$work/sysroot")
		from=$work/release-arm64 port=ttyAMA0 busybox=$work/sysroot/root/bin/busybox
		bash "$root/release/build.sh" --build "$from" --recorder-only --toolchain "$root/tests/cross/aarch64.cmake" "${cross[@]}" >"$work/build.log" 2>&1 || broken
		cross+=(-DCMAKE_TOOLCHAIN_FILE="$root/tests/cross/aarch64.cmake")
	else
		bash "$root/release/build.sh" --build "$from" --recorder-only >"$work/build.log" 2>&1 || broken
	fi
	cmake -G Ninja -S "$root" -B "$loads" -DKYMO_RECORDER=OFF -DKYMO_TESTS=ON "${cross[@]}" >>"$work/build.log" 2>&1 &&
		ninja -C "$loads" workload known_code_alone >>"$work/build.log" 2>&1 || broken
	rm -rf "$image"
	mkdir -p "$image"/{bin,proc,sys,dev,tmp}
	cp "$busybox" "$image/bin/busybox"
	cp "$from/bin/kymo-record" "$image/bin/kymo-record"
	cp "$(find "$loads" -type f -name workload -perm -u+x | head -n 1)" "$image/bin/workload"
	cp "$loads/live/known_code_alone" "$image/bin/known_code"
	sed "s/ttyS1/$port/g" "$here/init.sh" >"$image/init"
	chmod +x "$image/init"
	(cd "$image" && find . | busybox cpio -o -H newc 2>/dev/null) >"$image.cpio.new" && mv "$image.cpio.new" "$image.cpio"
}

# boot DIR MACHINE: what the guest hands out ends in DIR/port. On aarch64 that is its only serial port, which the kernel uses as well.
boot() {
	local dir=$1 common=(-accel tcg,thread=multi -cpu max -smp 2 -m 768 -nodefaults -display none -no-reboot -kernel "$1/vmlinuz" -initrd "$work/initramfs-$2.cpio")
	if [ "$2" = arm64 ]; then
		timeout 400 qemu-system-aarch64 -M virt "${common[@]}" -append 'console=ttyAMA0 panic=-1 quiet' -serial "file:$dir/port" </dev/null
	else
		timeout 240 qemu-system-x86_64 "${common[@]}" -append 'console=ttyS0 panic=-1 quiet' -serial "file:$dir/console" -serial "file:$dir/port" </dev/null
	fi
}

rm -f "$work"/initramfs-*.cpio
if [ -z "$kymo" ]; then
	cmake -G Ninja -S "$root" -B "$work/reader" -DKYMO_RECORDER=OFF -DKYMO_TESTS=OFF >"$work/build.log" 2>&1 && ninja -C "$work/reader" kymo >>"$work/build.log" 2>&1 || broken
	kymo=$work/reader/bin/kymo
fi
passed=0 failed=0 skipped=0
for suite in "${suites[@]}"; do
	case $suite in *:*) machine=${suite#*:} ;; *) machine=amd64 ;; esac
	dir=$work/${suite/:/-}
	if ! why=$(prepare "$machine") || ! why=$(bash "$here/fetch.sh" "${suite%:*}" "$dir" "$machine"); then
		echo "$suite: not run: ${why##*$'\n'}"
		skipped=$((skipped + 1))
		continue
	fi
	for attempt in 1 2; do # without KVM a guest sometimes hangs before it is up
		boot "$dir" "$machine"
		grep -q '^finished' "$dir/port" && break
		echo "$suite: boot $attempt did not finish"
	done
	if python3 "$here/check.py" "$dir" "$kymo" "$work/initramfs-$machine"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
