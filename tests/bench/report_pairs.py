#!/usr/bin/env python3
"""Reports straight on a capture of 10 M events, against an older kymo (KYMO_BEFORE): interleaved pairs, the median of their ratios. The output must be
the same, byte for byte."""
import os
import subprocess

import bench_env as bench

BEFORE = os.environ.get("KYMO_BEFORE")
EVENTS = max(int(10_000_000 * bench.SCALE), 100_000)
# what is asked, of which mix of events, and the ratio of time that it must reach
ASKED = [("syscalls", "syscalls", 0.5), ("info", "all", 0.6), ("folded --no-symbols", "all", 0.5)]

if not BEFORE:
    bench.kymo_env.skip("KYMO_BEFORE names no older kymo to compare with")
found, spreads, peak, met = [], [], 0, True
for command, mix, bound in ASKED:
    capture = bench.path(f"{mix}.kymo")
    if not os.path.exists(capture):
        subprocess.run([bench.RECORDER, "-q", "--source", f"synthetic:events={EVENTS},mix={mix},seed=1", "-o", capture], check=True)
    words = command.split()
    answers = [subprocess.run([kymo, *words, capture], capture_output=True, check=False).stdout for kymo in (BEFORE, bench.KYMO)]
    if answers[0] != answers[1]:
        bench.note(f"kymo {command} answers otherwise than before")
    ratios = []
    for pair in range(bench.PAIRS):
        seconds = {}
        for kymo in (BEFORE, bench.KYMO) if pair % 2 else (bench.KYMO, BEFORE):
            seconds[kymo], _, rss, status = bench.timed([kymo, *words, capture], cpu=bench.TRACER_CPU)
            if status not in (0, 3):
                raise SystemExit(f"kymo {command} ended with {status}")
            if kymo == bench.KYMO:
                peak = max(peak, rss / 2**20)
        ratios.append(seconds[bench.KYMO] / seconds[BEFORE])
        bench.note(f"{command}, pair {pair}: {seconds[BEFORE]:.2f} s before, {seconds[bench.KYMO]:.2f} s")
    ratio = bench.median(ratios)
    met = met and ratio <= bound
    found.append(f"{ratio:.2f} x")
    spreads += ratios
bench.row(f"`kymo {'`, `kymo '.join(command for command, _, _ in ASKED)}` on {EVENTS / 1e6:g} M events, against the kymo before one walk; memory",
          ", ".join(f"<= {bound} x" for _, _, bound in ASKED) + "; <= 64 MiB", ", ".join(found) + f"; {peak:.0f} MiB", "", spreads,
          met and peak <= 64)
