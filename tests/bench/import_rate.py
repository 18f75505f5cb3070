#!/usr/bin/env python3
"""Import, events per second on one thread, against perf script on a recording of the same load.

Both are counted in system calls: perf keeps two samples of each, and a reader of its output wants the pair.
"""
import os

import bench_env as bench

bench.need_bpf("perf", "taskset")
SECONDS = max(5 * bench.SCALE, 0.5)
RATE_HZ = 300_000

tracer, capture = bench.kymo_tracer("load.kymo", "-e", "syscalls", "--cpu-budget", "none")
with tracer:
    bench.storm("--seconds", SECONDS, "--rate", RATE_HZ, cpu=bench.LOAD_CPU)
tracer, data = bench.perf_tracer("load.data")
with tracer:
    bench.storm("--seconds", SECONDS, "--rate", RATE_HZ, cpu=bench.LOAD_CPU)
events, samples = bench.info(capture)["events_stored"], bench.perf_samples(data)

rates, ratios = [], []
for pair in range(bench.PAIRS):
    output = bench.path(f"import-{pair}.db")
    seconds, _, _, status = bench.timed([bench.KYMO, "import", "--quiet", capture, "-o", output], cpu=bench.TRACER_CPU)
    if status not in (0, 3):
        raise SystemExit(f"kymo import ended with {status}")
    os.remove(output)
    rates.append(events / seconds)
    seconds, _, _, _ = bench.timed(["perf", "script", "-i", data], cpu=bench.TRACER_CPU)
    theirs = samples / 2 / seconds
    ratios.append(rates[-1] / theirs)
    bench.note(f"pair {pair}: import {rates[-1] / 1e6:.2f} M calls/s, perf script {theirs / 1e6:.3f} M/s: {ratios[-1]:.1f} x")
rate, ratio = bench.median(rates), bench.median(ratios)
bench.row("import, events/s, one thread; against `perf script`", ">= 2.0 M, >= 10 x", f"{rate / 1e6:.2f} M, {ratio:.1f}", " x", rates,
          rate >= 2e6 and ratio >= 10)
