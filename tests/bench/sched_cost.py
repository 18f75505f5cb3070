#!/usr/bin/env python3
"""Added ns per context switch while class sched is recorded, against `perf sched record` and libbpf-tools' offcputime and runqlat: two threads on
one CPU hand a byte to and fro through pipes (`perf bench sched pipe`, two switches per operation). Each tracer runs once a round, between bare
spans, in a new order each round. Prints a row per peer. Usage: sched_cost.py"""
import random
import re
import subprocess
import sys

import bench_env as bench

bench.need_bpf("perf", "offcputime", "runqlat", "taskset")
OPERATIONS = max(int(100_000 * bench.SCALE), 5_000)
SHORTEST_OF = 5  # what else the machine does is in the others
BARS = {"perf sched record": 0.35, "offcputime": 0.25, "runqlat": 1.0}


def switch_ns():
    def once():
        done = subprocess.run(["taskset", "-c", str(bench.LOAD_CPU), "perf", "bench", "sched", "pipe", "-T", "-l", str(OPERATIONS)], capture_output=True,
                              text=True, timeout=300, check=True)
        return float(re.search(r"([\d.]+) usecs/op", done.stdout).group(1)) * 1000 / 2

    return min(once() for _ in range(SHORTEST_OF))


def tracers():
    return {
        "kymo": bench.kymo_tracer("sched.kymo", "-e", "sched", "--cpu-budget", "none")[0],
        # without build-ids, for which perf 6.1 aborts here
        "perf sched record": bench.Tracer(["perf", "sched", "record", "-a", "-B", "-N", "-o", bench.path("perf.data")], 1.5),
        "offcputime": bench.Tracer(["offcputime", "600"], 2),
        "runqlat": bench.Tracer(["runqlat", "600", "1"], 2),
    }


added = {name: [] for name in tracers()}
for number in range(bench.PAIRS):
    names = list(added)
    random.Random(number).shuffle(names)
    bare = switch_ns()
    for name in names:
        with tracers()[name]:
            traced = switch_ns()
        after = switch_ns()
        added[name].append(traced - (bare + after) / 2)
        bench.note(f"round {number}: {name}: bare {bare:.0f} and {after:.0f} ns, traced {traced:.0f}")
        bare = after
met = True
for name, bar in BARS.items():
    ratios = [ours / theirs for ours, theirs in zip(added["kymo"], added[name])]
    low, high = bench.interval(ratios)
    fine = bench.median(ratios) <= bar
    met = met and fine
    print(f"| added ns per context switch with class sched, against {name} | <= {bar} x | {bench.median(ratios):.2f} x (95 % interval {low:.2f} to {high:.2f}): "
          f"+{bench.median(added['kymo']):.0f} ns, +{bench.median(added[name]):.0f} ns | {bench.spread(ratios)} of {len(ratios)} | {'yes' if fine else '**no**'} |", flush=True)
sys.exit(0 if met else 3)
