#!/bin/bash
# Installs the Debian packages of the named groups (build, demo, test, bench) of packages.txt that are missing. Says nothing if none is.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { echo "usage: ${0##*/} GROUP..." >&2; exit 2; }

if ! command -v dpkg-query >/dev/null; then
	echo "${0##*/}: this is not a Debian; make sure that what $here/packages.txt lists is there" >&2
	exit 0
fi

missing=()
while read -r group package _; do
	case " $* " in
	*" $group "*) ;;
	*) continue ;;
	esac
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	case $status in
	installed*) ;;
	*) missing+=("$package") ;;
	esac
done < <(sed 's/#.*//; /^[[:space:]]*$/d' "$here/packages.txt")

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "${0##*/}: these packages are missing: ${missing[*]}" >&2
	echo "${0##*/}: install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
if ! apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
	apt-get update -q >/dev/null
	apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi
