#!/usr/bin/env python3
"""What `--durations blocked` saves: added ns per call of a getppid loop, and throughput that redis and nginx lose, while every call is
recorded with its entry (exact), at its return alone (blocked), and while waits alone are (-e sched). Each span stands between two bare
ones, in a new order each round. Prints a row per load. KYMO_BEFORE=PATH of an older kymo-record: also exact calls of that one.
Usage: durations_cost.py [loop|redis|nginx]..."""
import os
import random
import shutil
import sys
import time

import bench_env as bench
import bench_loads

bench.need_bpf("taskset")
CALLS, STORMS = 30_000, max(int(60 * bench.SCALE), 4)
SPAN_S = max(2 * bench.SCALE, 0.25)  # shorter spans understate: batches need time to settle
SETTLE_S = 0.7
NEEDED = {"redis": ("redis-server", "redis-benchmark"), "nginx": ("nginx", "wrk")}
BARS = {"redis": (20, 14), "nginx": (15, 10)}
MODES = {"exact": ["-e", "syscalls,sched"], "blocked": ["-e", "syscalls,sched", "--durations", "blocked"], "sched": ["-e", "sched"]}
BEFORE = os.environ.get("KYMO_BEFORE")


def tracer(mode, cpu=None):
    options = MODES["exact" if mode == "before" else mode]
    made, _ = bench.kymo_tracer(f"{mode}.kymo", *options, "--cpu-budget", "none", cpu=cpu)
    if mode == "before":
        made.command[0] = BEFORE
    return made


def shuffled(seed):
    modes = [*MODES, *(["before"] if BEFORE else [])]
    random.Random(seed).shuffle(modes)
    return modes


def rounds(measure, cpu=None):
    """-> {mode: [(bare, traced)]}; measure() gives one figure. bare is the mean of what is before and after."""
    found = {}
    for number in range(bench.PAIRS):
        bare = measure()
        for mode in shuffled(number):
            with tracer(mode, cpu):
                traced = measure()
            after = measure()
            found.setdefault(mode, []).append(((bare + after) / 2, traced))
            bench.note(f"round {number}: {mode}: bare {bare:.1f}, {after:.1f}; {traced:.1f}")
            bare = after
    return found


def shown(values, unit):
    low, high = bench.interval(values)
    return f"{bench.median(values):.1f}{unit} ({low:.1f} to {high:.1f})"


def loop():
    """ns per call of the quickest of many short storms: what else the machine does is in the others"""
    found = rounds(lambda: min(bench.storm("--calls", CALLS, cpu=bench.LOAD_CPU)["ns_per_call"] for _ in range(STORMS)), bench.TRACER_CPU)
    added = {mode: [traced - bare for bare, traced in pairs] for mode, pairs in found.items()}
    ratio = [blocked / exact for blocked, exact in zip(added["blocked"], added["exact"])]
    print("| getppid loop: added ns per call, " + ", ".join(added) + "; blocked against exact | < 1 x | " + ", ".join(shown(of, " ns") for of in added.values())
          + f"; {bench.median(ratio):.2f} x | {bench.spread(ratio)} of {len(ratio)} | {'yes' if bench.median(ratio) < 1 else '**no**'} |", flush=True)
    return bench.median(ratio) < 1


def server(name):
    load = bench_loads.LOADS[name]()

    def rate():
        time.sleep(SETTLE_S)
        begin, before = time.monotonic(), load.done()
        time.sleep(SPAN_S)
        return (load.done() - before) / (time.monotonic() - begin)

    found = rounds(rate)
    bench_loads.end_loads()
    lost = {mode: [100 * (1 - traced / bare) for bare, traced in pairs] for mode, pairs in found.items()}
    exact, blocked = BARS[name]
    met = bench.median(lost["exact"]) <= exact and bench.median(lost["blocked"]) <= blocked
    print(f"| {name}: throughput lost with every call recorded, " + ", ".join(lost) + f" | exact <= {exact} %, blocked <= {blocked} % | "
          + ", ".join(shown(of, " %") for of in lost.values()) + f" | {bench.spread(lost['exact'])} (exact) of {bench.PAIRS} | {'yes' if met else '**no**'} |", flush=True)
    return met


met = True
for what in sys.argv[1:] or ["loop", *BARS]:
    if what == "loop":
        met = loop() and met
    elif all(shutil.which(program) for program in NEEDED[what]):
        met = server(what) and met
    else:
        bench.note(f"{what} is left out: {' or '.join(NEEDED[what])} is missing")
sys.exit(0 if met else 3)
