#!/bin/bash
# How much of the capture reader the corpora and the unit tests of formats/ run: lines and branches per file and in total, by clang's
# source-based coverage, in a build tree of its own below KYMO_BUILD. Usage: coverage.sh [--missed]   (--missed: which lines and branches)
# Promised (S2): lines >= 95 %, branches >= 85 %.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${KYMO_BUILD:?}/coverage
min_lines=95
min_branches=85
# what reads a capture; the same files write nothing
files=(block_header.c bytes.h capture_reader.c column_decode.c file_header_decode.c number_set.c reader_content.c reader_input.c reader_scan.c
	rows_decode.c schema_codec.c zstd_frame.c)
targets=(reader rows schema fileheader)

tool() { command -v "$1" || command -v "$1-14"; }
profdata=$(tool llvm-profdata) && cov=$(tool llvm-cov) && command -v clang >/dev/null || { echo 'needs clang and llvm'; exit 77; }

mkdir -p "$work" || exit 1
flags='-fprofile-instr-generate -fcoverage-mapping -O1'
cmake -G Ninja -S "$root" -B "$work" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="$flags" -DKYMO_TESTS=ON \
	-DKYMO_RECORDER=OFF -DKYMO_ANALYZER=OFF >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
units=()
for source in "$root"/tests/unit/test_cap_*.c; do units+=("$(basename "$source" .c)"); done
ninja -C "$work" "${units[@]}" "${targets[@]/#/replay_}" >>"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }

rm -f "$work"/*.profraw
objects=() # the first is named alone, the others after -object
for target in "${targets[@]}"; do
	LLVM_PROFILE_FILE=$work/replay_$target.profraw "$work/fuzz/replay_$target" "$here/corpus_$target" >/dev/null || exit 1
	objects+=(-object "$work/fuzz/replay_$target")
done
for unit in "${units[@]}"; do
	(cd "$here/../unit" && LLVM_PROFILE_FILE=$work/$unit-%p.profraw TEST_SEED=1 "$work/unit/$unit" >"$work/$unit.log" 2>&1) ||
		{ tail -20 "$work/$unit.log"; exit 1; }
	objects+=(-object "$work/unit/$unit")
done
"$profdata" merge -o "$work/all.profdata" "$work"/*.profraw || exit 1

report=(-instr-profile "$work/all.profdata" "${objects[@]:1}")
"$cov" export -summary-only "${report[@]}" >"$work/summary.json" || exit 1
if [ "${1:-}" = --missed ]; then
	prefix=$(grep -o '"filename":"[^"]*/formats/base/zstd_frame.c"' "$work/summary.json" | head -1)
	prefix=${prefix#*:\"}
	for file in "${files[@]}"; do
		path=$(find formats -name "$file")
		[ -n "$path" ] || continue
		echo "$path"
		"$cov" show "${report[@]}" -show-branches=count -path-equivalence="${prefix%formats/*},$root/" "$root/$path" |
			grep -E '^ *[0-9]+\| +0\||Branch .*(False: 0\]|True: 0,)'
	done
	exit 0
fi
python3 - "$work/summary.json" $min_lines $min_branches "${files[@]}" <<'PYTHON'
import json
import os
import sys

data = json.load(open(sys.argv[1], encoding="utf-8"))["data"][0]
print(f"{'file':24} {'lines':>13} {'':>7} {'branches':>13}")


def show(name, summary):
    lines, branches = summary["lines"], summary["branches"]
    print(f"{name:24} {lines['covered']:6}/{lines['count']:<6} {100 * lines['covered'] / lines['count']:6.2f}% "
          f"{branches['covered']:6}/{branches['count']:<6} {100 * branches['covered'] / (branches['count'] or 1):6.2f}%")


sums = {kind: {"covered": 0, "count": 0} for kind in ("lines", "branches")}
for entry in sorted(data["files"], key=lambda entry: entry["filename"]):
    folder, name = os.path.split(entry["filename"])
    if "/formats/" not in folder or name not in sys.argv[4:]:
        continue
    show(name, entry["summary"])
    for kind, sum_of in sums.items():
        for what in sum_of:
            sum_of[what] += entry["summary"][kind][what]
show("total", sums)
lines, branches = (100 * sums[kind]["covered"] / sums[kind]["count"] for kind in ("lines", "branches"))
failed = (lines < float(sys.argv[2])) + (branches < float(sys.argv[3]))
print(f"reliability S2: {sums['lines']['count'] + sums['branches']['count']} cases, {failed} failed; "
      f"lines {lines:.1f} % (>= {sys.argv[2]}), branches {branches:.1f} % (>= {sys.argv[3]}) of the reader")
sys.exit(failed > 0)
PYTHON
