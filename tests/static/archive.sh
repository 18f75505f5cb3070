#!/bin/bash
# What release/build.sh packs: the files, their checksums, sizes and hardening, debug information that fits its program. Then the same
# sources in another directory, built in another directory, must give the same bytes (--twice).
# Usage: archive.sh --build DIR [--twice], where release/build.sh builds
set -uo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
[ "${1:-}" = --build ] && [ -n "${2:-}" ] || { echo "usage: archive.sh --build DIR [--twice]" >&2; exit 2; }
mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 1
export SOURCE_DATE_EPOCH=1000000000
bash "$repository/release/build.sh" --build "$work" || exit 1
archive=$(find "$work" -maxdepth 1 -name 'kymo-*-linux-*.tar.zst')
[ -f "$archive" ] || { echo "not one archive in $work: $archive"; exit 1; }

bad=0
fail() {
	echo "$*"
	bad=1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$work" && sha256sum --quiet -c "${archive##*/}.sha256") || fail 'the checksum of the archive is wrong'
tar -C "$scratch" -xf "$archive" || fail 'the archive cannot be read'
name=$(basename "$archive" .tar.zst)
cd "$scratch/$name" || exit 1
[ "$(ls -A "$scratch")" = "$name" ] || fail "the archive holds more than $name/"
sha256sum --quiet -c SHA256SUMS || fail 'SHA256SUMS is wrong'
[ "$(find . -type f | wc -l)" = "$(($(wc -l <SHA256SUMS) + 1))" ] || fail 'SHA256SUMS does not name every file'
for file in LICENSE README.md bin/kymo bin/kymo-record bin/kymo.debug bin/kymo-record.debug samples/configs/prod.yaml \
	share/bash-completion/completions/kymo{,-record} share/zsh/site-functions/_kymo{,-record} share/fish/vendor_completions.d/kymo{,-record}.fish \
	$(command -v scdoc >/dev/null && echo share/man/man1/kymo{,-record,-flame}.1 share/man/man5/kymo-capture.5); do
	[ -s "$file" ] || fail "$file is missing"
done
bash "$repository/tests/linkage.sh" bin >/dev/null || fail 'the binaries are not as hardened as they should be'
grep -rle --source share && fail 'share/ describes options that the release does not have'
for program in kymo kymo-record; do
	case $("bin/$program" --version) in
	"$program "*) ;;
	*) fail "$program does not run" ;;
	esac
	build_id() { readelf -nW "$1" 2>/dev/null | sed -n 's/.*Build ID: //p'; }
	[ -n "$(build_id "bin/$program")" ] && [ "$(build_id "bin/$program")" = "$(build_id "bin/$program.debug")" ] || fail "$program.debug is of another program"
	readelf --string-dump=.gnu_debuglink "bin/$program" 2>/dev/null | grep -qF "$program.debug" || fail "$program does not name its debug file"
	addr2line -f -e "bin/$program.debug" "$(nm "bin/$program.debug" | awk '$3 == "main" { print $1 }')" | grep -q 'main\.c:' || fail "$program.debug has no lines"
	strings -a "bin/$program" "bin/$program.debug" | grep -F "$repository" | head -n 3 | grep . && fail "$program names the directory it was built in"
done

if [ "${3:-}" = --twice ] && [ "$bad" = 0 ]; then
	mkdir -p "$scratch/elsewhere/sources"
	(cd "$repository" && git ls-files -z -co --exclude-standard 2>/dev/null | tar --null -cf - -T - --ignore-failed-read 2>/dev/null) |
		tar -C "$scratch/elsewhere/sources" -xf - 2>/dev/null
	[ -f "$scratch/elsewhere/sources/CMakeLists.txt" ] || { echo 'not compared with a second build: these sources are not in git'; exit "$bad"; }
	bash "$scratch/elsewhere/sources/release/build.sh" --build "$scratch/elsewhere/another-directory" >"$scratch/log" 2>&1 || fail "elsewhere: $(tail -n 3 "$scratch/log")"
	cmp "$archive" "$scratch/elsewhere/another-directory/${archive##*/}" && echo 'built twice: the same bytes' || fail 'a second build gives other bytes'
fi
exit "$bad"
