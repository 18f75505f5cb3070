#!/usr/bin/env python3
"""`kymo syscalls` straight on a capture of 10 M events: time and memory."""
import subprocess

import bench_env as bench

EVENTS = max(int(10_000_000 * bench.SCALE), 100_000)
capture = bench.path("ten.kymo")
subprocess.run([bench.RECORDER, "-q", "--source", f"synthetic:events={EVENTS},mix=syscalls,seed=1", "-o", capture], check=True)
times, peaks = [], []
for run in range(bench.PAIRS):
    seconds, _, rss, status = bench.timed([bench.KYMO, "syscalls", capture], cpu=bench.TRACER_CPU)
    if status not in (0, 3):
        raise SystemExit(f"kymo syscalls ended with {status}")
    times.append(seconds)
    peaks.append(rss / 2**20)
    bench.note(f"run {run}: {seconds:.2f} s, {peaks[-1]:.0f} MiB")
seconds, peak = bench.median(times), max(peaks)
bench.row(f"`kymo syscalls` straight on a capture of {EVENTS / 1e6:g} M events", "<= 5 s, <= 256 MiB", f"{seconds:.2f} s, {peak:.0f} MiB", "",
          times, seconds <= 5 and peak <= 256)
