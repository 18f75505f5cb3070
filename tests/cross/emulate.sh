#!/bin/bash
# Runs a program for aarch64. Usage: emulate.sh SYSROOT-DIR PROGRAM [ARGUMENT...]
# What gives up its capabilities gets none to begin with: qemu's own thread would keep them, and the program rightly refuses that.
set -euo pipefail

dir=$1
shift
confine=()
case ${1##*/} in
kymo-record | test_rec_privileges | test_rec_record)
	confine=(setpriv --no-new-privs)
	[ "$(id -u)" != 0 ] || confine+=(--bounding-set=-all)
	;;
esac
PATH=$dir/tools:$PATH exec "${confine[@]}" qemu-aarch64-static -L "$dir/root" "$@"
