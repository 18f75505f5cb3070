#!/usr/bin/env python3
"""Bytes per system call on a mixed load (redis, gcc, find, python3): kymo-record against perf record -z."""
import os
import time

import bench_env as bench

bench.need_bpf("perf", "redis-server", "redis-benchmark", "gcc", "find")
SECONDS = max(8 * bench.SCALE, 2)
HERE = os.path.dirname(os.path.abspath(__file__))


def load():
    child = bench.start(["bash", os.path.join(HERE, "mixed_load.sh"), str(int(SECONDS + 30))])
    time.sleep(1.5)
    return child


ratios, sizes = [], []
for pair in range(bench.PAIRS):
    child = load()
    tracer, capture = bench.kymo_tracer("mixed.kymo", "-e", "syscalls", "--cpu-budget", "none", cpu=None)
    with tracer:
        time.sleep(SECONDS)
    tracer, data = bench.perf_tracer("mixed.data", "-z", cpu=None)
    with tracer:
        time.sleep(SECONDS)
    child.terminate()
    child.wait()
    ours = os.path.getsize(capture) / bench.stored_calls(capture)
    theirs = os.path.getsize(data) / (bench.perf_samples(data) / 2)
    sizes.append(ours)
    ratios.append(ours / theirs)
    bench.note(f"pair {pair}: kymo {ours:.2f} B per call of {bench.stored_calls(capture)}, perf -z {theirs:.1f} B: {ratios[-1]:.3f}")
found, ratio = bench.median(sizes), bench.median(ratios)
bench.row("bytes per syscall event, mixed load; against `perf record -z`", "<= 5.0 B, <= 0.25 x", f"{found:.2f} B, {ratio:.2f}", " x", sizes,
          found <= 5.0 and ratio <= 0.25)
