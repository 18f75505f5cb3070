#!/bin/bash
# Makes a root directory of Debian's packages for another machine, to compile against and to run below. Nothing is installed: they are
# unpacked. Which ones: group arm64 of tests/packages.txt. Usage: sysroot.sh DIR: 0, or 1 and the last line says why not.
set -uo pipefail

dir=$(realpath -m "${1:?usage: sysroot.sh DIR}")
here=$(cd "$(dirname "$0")" && pwd)
packages=$(awk '$1 == "arm64" { print $2 }' "$here/../packages.txt")
[ "$(cat "$dir/complete" 2>/dev/null)" = "$packages" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir/debs" || exit 1
. "$here/../apt_apart.sh"
apt_apart "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" arm64 "$dir" || exit 1
# shellcheck disable=SC2086 # a list
(cd "$dir/debs" && apt_here apt-get download $packages >>"$dir/log" 2>&1) || { tail -n 1 "$dir/log"; exit 1; }
for package in "$dir"/debs/*.deb; do
	dpkg -x "$package" "$dir/root" || exit 1
done
rm -rf "$dir/debs" "$dir/apt"
# programs that tests run on their own files, under their usual names
mkdir "$dir/tools"
for tool in objcopy strip; do
	ln -s "$(command -v "aarch64-linux-gnu-$tool")" "$dir/tools/$tool"
done
echo "$packages" >"$dir/complete"
