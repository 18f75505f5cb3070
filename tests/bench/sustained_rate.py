#!/usr/bin/env python3
"""A live rate of system calls on all CPUs that default buffers hold without loss, and the recorder's peak memory meanwhile."""
import os

import bench_env as bench

bench.need_bpf("taskset")
SECONDS = max(10 * bench.SCALE, 1)
CPUS = len(os.sched_getaffinity(0))
TARGET = 500_000

rates, peaks, losses = [], [], []
for run in range(bench.PAIRS):
    tracer, capture = bench.kymo_tracer("rate.kymo", "-e", "syscalls", "--cpu-budget", "none", cpu=None)
    with tracer:
        done = bench.storm("--seconds", SECONDS, "--rate", int(1.02 * TARGET / CPUS))
        with open(f"/proc/{tracer.pid()}/status", encoding="ascii", errors="replace") as status:
            peaks.append(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)
    rates.append(done["calls"] / SECONDS)
    losses.append(bench.info(capture)["events_dropped"])
    bench.note(f"run {run}: {rates[-1]:.0f} calls/s, {losses[-1]} lost, peak RSS {peaks[-1]:.1f} MiB")
rate, lost, peak = bench.median(rates), bench.median(losses), max(peaks)
print(f"| recorder peak RSS at that rate | <= 50 MiB | {peak:.0f} MiB | {bench.spread(peaks)} of {len(peaks)} | {'yes' if peak <= 50 else '**no**'} |")
bench.row(f"sustained live rate without loss, default buffers, {CPUS} CPUs", ">= 500,000 /s", f"{rate:,.0f} /s, {lost:.0f} lost", "", rates,
          rate >= TARGET and lost == 0)
