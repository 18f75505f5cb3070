#!/bin/bash
# Runs a program for aarch64. Usage: emulate.sh SYSROOT-DIR PROGRAM [ARGUMENT...]
# Without capabilities, since qemu's own thread would keep those that the program gives up, and the program rightly refuses that.
set -euo pipefail

dir=$1
shift
confine=(setpriv --no-new-privs)
[ "$(id -u)" != 0 ] || confine+=(--bounding-set=-all)
PATH=$dir/tools:$PATH exec "${confine[@]}" qemu-aarch64-static -L "$dir/root" "$@"
