#!/usr/bin/env python3
"""What recording costs real work: requests/s of redis-server under redis-benchmark, of nginx under wrk, and compilations/s of gcc, with
and without a tracer. Each tracer's span stands between two bare ones; the ratio is against their mean. Prints a row per load and tracer
with the median and a 95 % interval (bootstrap over the rounds). Usage: workload_cost.py [--default] [redis|nginx|gcc]...
--default: the default settings alone, so that more rounds fit."""
import glob
import os
import sys
import time

import bench_env as bench
import bench_loads

bench.need_bpf("perf", "redis-server", "redis-benchmark", "nginx", "wrk", "gcc")
SPAN_S = max(5 * bench.SCALE, 0.5)    # measured, per tracer and round
SETTLE_S = max(3 * bench.SCALE, 0.5)  # the budget holds from 3 s on


def rate(load):
    """How much a load did per second"""
    begin, before = time.monotonic(), load.done()
    time.sleep(SPAN_S)
    return (load.done() - before) / (time.monotonic() - begin)


def tracers():
    return [
        ("kymo-record, default settings", bench.kymo_tracer("default.kymo", cpu=None)[0]),
        ("kymo-record -e syscalls --cpu-budget none", bench.kymo_tracer("all.kymo", "-e", "syscalls", "--cpu-budget", "none", cpu=None)[0]),
        ("perf record -a -e raw_syscalls:*", bench.perf_tracer("perf.data", cpu=None)[0]),
        ("perf trace -a -s", bench.Tracer(["perf", "trace", "-a", "-s", "-o", bench.path("trace.txt")], 1.0, None)),
    ]


def measure(name, load, default_only):
    costs = {}
    for round_number in range(bench.PAIRS):
        bare = rate(load)
        for what, tracer in tracers()[:1 if default_only else None]:
            with tracer:
                time.sleep(SETTLE_S)
                traced = rate(load)
            for leftover in glob.glob(bench.path("*.kymo")) + glob.glob(bench.path("perf.data*")):
                os.remove(leftover)
            time.sleep(0.5)
            bare_again = rate(load)
            costs.setdefault(what, []).append(100 * (1 - traced / ((bare + bare_again) / 2)))
            bench.note(f"{name} round {round_number}: {what}: {bare:.0f}, {traced:.0f}, {bare_again:.0f} {load.unit}: costs {costs[what][-1]:.1f} %")
            bare = bare_again
    return costs


def report(name, costs):
    default, *others = costs.values()
    low, high = bench.interval(default)
    print(f"| {name}: throughput lost to `kymo-record`, default settings | <= 1 % | {bench.median(default):.1f} %, 95 % interval {low:.1f} to {high:.1f} %"
          f" | {bench.spread(default)} of {len(default)} | {'yes' if bench.median(default) <= 1 else '**no**'} |",
          flush=True)
    if not others:
        return bench.median(default) <= 1
    everything, record, trace = others
    ours = bench.median(everything)
    less = ours < bench.median(record) and ours < bench.median(trace)
    low, high = bench.interval(everything)
    print(f"| {name}: all system calls, `--cpu-budget none`; `perf record` {bench.median(record):.0f} %, `perf trace -s` {bench.median(trace):.0f} %"
          f" | less than both | {ours:.1f} %, 95 % interval {low:.1f} to {high:.1f} % | {bench.spread(everything)} of {len(everything)} | {'yes' if less else '**no**'} |",
          flush=True)
    return bench.median(default) <= 1 and less


def main():
    loads = bench_loads.LOADS
    met = True
    default_only = "--default" in sys.argv[1:]
    for name in [word for word in sys.argv[1:] if word in loads] or loads:
        load = loads[name]()
        met = report(name, measure(name, load, default_only)) and met
        bench_loads.end_loads()
    sys.exit(0 if met else 3)


main()
