#!/bin/bash
# Builds what is released: both binaries for this machine, kymo-record as one static file, stripped, with the debug information in
# .debug files beside them; checks size and hardening; packs them with licence, README, manual pages, completions, samples and checksums into
# DIR/kymo-VERSION-linux-MACHINE.tar.zst. The same sources, compilers and libraries give the same bytes, whatever the directories.
# Usage: release/build.sh --build DIR [--recorder-only] [--toolchain CMAKE-FILE [CMAKE-OPTION...]]
#   --recorder-only  only DIR/bin/kymo-record and its .debug, checked: what the tests take
#   --toolchain      for another machine: tests/cross/aarch64.cmake -DKYMO_SYSROOT=DIR
set -euo pipefail

max_recorder_bytes=1850000
root=$(cd "$(dirname "$0")/.." && pwd)
work='' recorder_only='' cross=()
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
	case $1 in
	--build)
		work=${2:?--build needs a directory}
		shift
		;;
	--recorder-only) recorder_only=1 ;;
	--toolchain)
		shift
		cross=("-DCMAKE_TOOLCHAIN_FILE=$(realpath "${1:?--toolchain needs a file}")" "${@:2}")
		shift $#
		break
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done
[ -n "$work" ] || { usage >&2; exit 2; }
mkdir -p "$work/bin"
work=$(cd "$work" && pwd)
exec 9>"$work/lock"
flock 9 # tests that want the same file wait for each other

fail() {
	echo "release: $*" >&2
	exit 1
}

# tree NAME TARGET BUILD-TYPE OPTION...
tree() {
	local dir=$work/$1 target=$2 type=$3
	shift 3
	{ cmake -G Ninja -S "$root" -B "$dir" -DKYMO_TESTS=OFF -DKYMO_WERROR=ON -DKYMO_STATIC=ON -DCMAKE_BUILD_TYPE="$type" \
		-DCMAKE_C_FLAGS=-g "$@" "${cross[@]}" && ninja -C "$dir" "$target" docs; } >"$work/build.log" 2>&1 || {
		tail -n 40 "$work/build.log" >&2
		fail "$target does not build"
	}
}

# from_cache NAME-OF-TREE VARIABLE
from_cache() { sed -n "s/^$2:[A-Z]*=//p" "$work/$1/CMakeCache.txt"; }

# split TREE PROGRAM: DIR/bin/PROGRAM without what is for debuggers, which goes to PROGRAM.debug
split() {
	local objcopy strip from=$work/$1/bin/$2 to=$work/bin/$2
	objcopy=$(from_cache "$1" CMAKE_OBJCOPY)
	strip=$(from_cache "$1" CMAKE_STRIP)
	[ "$to" -nt "$from" ] && [ "$to.debug" -nt "$from" ] && return
	rm -f "$to" "$to.debug"
	"$objcopy" --only-keep-debug --compress-debug-sections "$from" "$to.debug"
	"$strip" -R .comment -o "$to.new" "$from"
	(cd "$work/bin" && "$objcopy" --add-gnu-debuglink="$2.debug" "$2.new")
	mv "$to.new" "$to"
	chmod 755 "$to"
	chmod 644 "$to.debug"
}

# the time of every file in the archive, and the date of the manual pages: that of the commit, else none
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
rm -rf "$work"/{recorder,analyzer}/{recorder,analyzer}/man # of another commit, they would keep its date

tree recorder kymo-record MinSizeRel -DKYMO_ANALYZER=OFF
split recorder kymo-record
bytes=$(stat -c %s "$work/bin/kymo-record")
[ "$bytes" -le "$max_recorder_bytes" ] || fail "kymo-record has $bytes bytes, more than $max_recorder_bytes; see recorder/static/static_left_out.txt"
echo "release: kymo-record has $bytes of $max_recorder_bytes bytes"
if [ -n "$recorder_only" ]; then
	bash "$root/tests/linkage.sh" "$work/bin" || fail 'kymo-record is not as hardened as it should be'
	exit 0
fi

tree analyzer kymo Release -DKYMO_RECORDER=OFF
split analyzer kymo
bash "$root/tests/linkage.sh" "$work/bin" || fail 'the binaries are not as hardened as they should be'

version=$(from_cache recorder CMAKE_PROJECT_VERSION)
machine=$(readelf -hW "$work/bin/kymo-record" | sed -n 's/.*Machine:.*\(X86-64\|AArch64\).*/\1/p' | sed 's/X86-64/x86_64/; s/AArch64/aarch64/')
name=kymo-$version-linux-$machine
rm -rf "$work/$name"
mkdir -p "$work/$name/bin"
cp "$work"/bin/kymo{,.debug,-record,-record.debug} "$work/$name/bin/"
cp "$root/LICENSE" "$root/README.md" "$work/$name/"
for side in recorder analyzer; do # share/, as cmake --install makes it
	cmake --install "$work/$side" --component docs --prefix "$work/$name" >/dev/null || fail 'the manual pages cannot be installed'
done
[ -d "$work/$name/share/man" ] || echo 'release: without manual pages: scdoc is not installed' >&2
mkdir "$work/$name/samples"
find "$root/samples" -maxdepth 1 -type f \( -name '*.service' -o -name 'setcap*' -o -name 'flame.png' \) -exec cp {} "$work/$name/samples/" \;
cp -r "$root/samples/configs" "$work/$name/samples/"
(cd "$work/$name" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >SHA256SUMS)
find "$work/$name" -type d -exec chmod 755 {} +
find "$work/$name" -type f ! -perm -u+x -exec chmod 644 {} +
tar -C "$work" --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf "$work/$name.tar" "$name"
zstd -q -19 -f --rm "$work/$name.tar" -o "$work/$name.tar.zst"
(cd "$work" && sha256sum "$name.tar.zst" | tee "$name.tar.zst.sha256")
