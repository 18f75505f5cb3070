#!/bin/bash
# Installs what is missing, builds and runs the tests; then builds again under ASan and UBSan and runs there what needs no kernel.
# Three tiers: --short, the default, which is what CI runs, and --long. The last line is "N passed, N failed, N skipped", summed from ctest's own results. Exit status 1 if any failed or none ran.
set -uo pipefail

usage() {
	cat <<-'END'
		usage: tests/run.sh [--short | --quick | --long] [--filter RE] [--keep] [--bless]
		  --short      units, command line, expected output, damaged captures, rules: under 90 s on a built tree, without root
		  --quick      the default without the second tree (ASan and UBSan), and its long tests shortened
		  --long       the default, other machines (aarch64 under qemu), more kernels and the coverage of the reader
		  --filter RE  only tests whose name matches (ctest -R)
		  --keep       keep the temporary directories of the tests
		  --bless      rewrite the expected output of cli, malformed and golden tests; look at the diff before committing
	END
}

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
quick= tier=default filter= keep= bless=
while [ $# -gt 0 ]; do
	case $1 in
	--short) tier=short quick=1 ;;
	--quick) quick=1 ;;
	--long) tier=long ;;
	--filter)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		filter=$2
		shift
		;;
	--keep) keep=1 ;;
	--bless) bless=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		echo "tests/run.sh: unknown option '$1'" >&2
		usage >&2
		exit 2
		;;
	esac
	shift
done
case $tier in
short) tier_options=(-L '^(unit|cli|golden|malformed|rules)$') ;;
long) tier_options=() ;;
*) tier_options=(-LE '^long$') ;;
esac
export KYMO_QUICK=$quick KYMO_KEEP=$keep KYMO_BLESS=$bless

jobs=$(nproc)
at_once=$((jobs + 1)) # tests: the one that records mostly sleeps
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
broken=0 # a tree that does not build counts as a failed test of its own

say() { printf '== %s\n' "$*"; }

# build_tree DIR CMAKE-OPTION...
build_tree() {
	local dir=$1
	shift
	say "build $dir"
	if ! cmake -G Ninja -S . -B "$dir" -DKYMO_TESTS=ON -DKYMO_WERROR=ON "$@" >"$results/cmake.log" 2>&1; then
		cat "$results/cmake.log"
	elif ! ninja -C "$dir" -j "$jobs" >"$results/ninja.log" 2>&1; then
		grep -v '^\[[0-9/]*\] [A-Z]' "$results/ninja.log" | tail -80
	else
		return 0
	fi
	echo "build of $dir failed"
	broken=$((broken + 1))
	return 1
}

# run_tests DIR JUNIT-NAME CTEST-OPTION...
run_tests() {
	local dir=$1 junit=$results/$2.xml
	shift 2
	say "test $dir"
	ctest --test-dir "$dir" -j "$at_once" --output-on-failure --output-junit "$junit" ${filter:+-R "$filter"} "$@"
}

if [ "$tier" != short ]; then # which makes do with what is there, and skips the rest
	bash tests/install-packages.sh build test || exit 1
fi

build_tree "${KYMO_BUILD_DIR:-build}" -DCMAKE_C_COMPILER=gcc -DKYMO_SANITIZE= &&
	run_tests "${KYMO_BUILD_DIR:-build}" plain "${tier_options[@]}"

if [ -z "$quick" ] && [ -z "$bless" ]; then
	compiler=gcc
	command -v clang >/dev/null && compiler=clang
	build_tree "${KYMO_BUILD_DIR:-build}-asan" -DCMAKE_C_COMPILER=$compiler -DKYMO_SANITIZE=address,undefined &&
		run_tests "${KYMO_BUILD_DIR:-build}-asan" sanitized -L '^(unit|cli|golden|malformed|fuzz|sanitized)$'
fi

# ctest writes one <testcase ... status="run|fail|notrun|disabled"> per test. Not run is skipped only if the test said so (77): a
# program that is missing is a failure.
count() { cat "$results"/*.xml 2>/dev/null | grep -c "$1"; }
passed=$(count '<testcase .*status="run"')
skipped=$(($(count '<skipped message="SKIP_RETURN_CODE=') + $(count '<testcase .*status="disabled"')))
failed=$(($(count '<testcase ') - passed - skipped + broken))

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
