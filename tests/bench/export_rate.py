#!/usr/bin/env python3
"""Exports of a capture of 10 M events (9.3 M system calls, 625,000 CPU samples): events a second of CPU time, and memory."""
import subprocess

import bench_env as bench

EVENTS = max(int(10_000_000 * bench.SCALE), 100_000)
FORMATS = (["-F", "pprof"], ["-F", "speedscope"], ["-F", "firefox"], ["-F", "perf-script"], ["-F", "folded"], ["-F", "perfetto"],
           ["-t", "syscall"], ["-F", "csv", "-t", "syscall"])
capture = bench.path("ten.kymo")
subprocess.run([bench.RECORDER, "-q", "--source", f"synthetic:events={EVENTS},mix=all,seed=1", "-o", capture], check=True)
rates, peaks, found = [], [], []
for form in FORMATS:
    own = []
    for run in range(bench.PAIRS):
        seconds, cpu, rss, status = bench.timed([bench.KYMO, "export", "-q", "--no-symbols", *form, "-o", "/dev/null", capture], cpu=bench.TRACER_CPU)
        if status not in (0, 3):
            raise SystemExit(f"kymo export {form} ended with {status}")
        own.append(EVENTS / cpu)
        peaks.append(rss / 2**20)
        bench.note(f"{' '.join(form)}, run {run}: {seconds:.2f} s, CPU {cpu:.2f} s, {peaks[-1]:.0f} MiB")
    rates.append(bench.median(own))
    found.append(f"{form[-1]} {rates[-1] / 1e6:.2f}")
bench.row(f"`kymo export` of {EVENTS / 1e6:g} M events, M events per second of CPU time; memory", ">= 1.0 M, <= 64 MiB",
          ", ".join(found) + f"; {max(peaks):.0f} MiB", "", rates, min(rates) >= 1e6 and max(peaks) <= 64)
