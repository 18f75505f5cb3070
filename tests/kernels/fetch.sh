#!/bin/bash
# Gets the kernel of a Debian suite, without installing it. Usage: fetch.sh SUITE DIR [MACHINE]: DIR/vmlinuz and DIR/release are made,
# or the last line says why not and the status is 1. MACHINE is amd64 (the default) or arm64.
set -uo pipefail

suite=${1:?usage: fetch.sh SUITE DIR [MACHINE]}
dir=${2:?usage: fetch.sh SUITE DIR [MACHINE]}
machine=${3:-amd64}
[ -s "$dir/vmlinuz" ] && exit 0
fail() {
	echo "$*"
	exit 1
}

. "$(dirname "$0")/../apt_apart.sh"
apt_apart "$suite" "$machine" "$dir" || exit 1

# depends PACKAGE REGEX: the first package it needs that matches
depends() {
	apt_here apt-cache depends --no-recommends --no-suggests "$1" 2>>"$dir/log" | sed -nE "s/.*Depends: ($2)\$/\1/p" | head -n 1
}
image=$(depends "linux-image-cloud-$machine" 'linux-image-[0-9].*')
[ -n "$image" ] || fail "suite $suite has no linux-image-cloud-$machine"
binary=$(depends "$image" 'linux-binary-[0-9].*') # since 2026 the kernel itself is in a package of its own
(cd "$dir" && apt_here apt-get download "${binary:-$image}" >>log 2>&1) || fail "${binary:-$image}: $(tail -n 1 "$dir/log")"
dpkg-deb --fsys-tarfile "$dir/${binary:-$image}"_*.deb | tar -x -C "$dir" --wildcards '*/vmlinuz*' || fail "${binary:-$image} holds no kernel"
mv "$(find "$dir" -name 'vmlinuz*' -type f | head -n 1)" "$dir/vmlinuz"
echo "${image#linux-image-}" >"$dir/release"
rm -rf "$dir/boot" "$dir/usr" "$dir/apt" "$dir/${binary:-$image}"_*.deb
