#!/usr/bin/env python3
"""Added ns per TCP connection and per request while class net is recorded, against `perf record` of the tracepoints of sockets and TCP, and
libbpf-tools' tcplife. Both ends are one thread on one CPU (tcp_load.c). Each tracer runs once a round, between bare spans, in a new order each
round. Prints a row per figure. Usage: net_cost.py"""
import os
import random
import subprocess
import sys

import bench_env as bench

bench.need_bpf("perf", "tcplife", "taskset", "cc")
COUNTS = {"connections": max(int(5_000 * bench.SCALE), 500), "requests": max(int(40_000 * bench.SCALE), 2_000)}
SHORTEST_OF = 5  # what else the machine does is in the others
# (figure, peer): at most so many times what the peer adds
BARS = {("connections", "perf record"): 0.6, ("connections", "tcplife"): 0.3, ("requests", "perf record"): 0.2}
LOAD = bench.path("tcp_load")
subprocess.run(["cc", "-O2", "-o", LOAD, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tcp_load.c")], check=True)


def measure():
    """{figure: ns}"""
    def once(figure):
        done = subprocess.run(["taskset", "-c", str(bench.LOAD_CPU), LOAD, figure, str(COUNTS[figure])], capture_output=True, text=True,
                              timeout=300, check=True)
        return float(done.stdout)

    return {figure: min(once(figure) for _ in range(SHORTEST_OF)) for figure in COUNTS}


def tracers():
    return {
        "kymo": bench.kymo_tracer("net.kymo", "-e", "net", "--cpu-budget", "none")[0],
        # without build-ids, for which perf 6.1 aborts here
        "perf record": bench.Tracer(["perf", "record", "-q", "-a", "-B", "-N", "-e", "sock:*,tcp:*", "-o", bench.path("perf.data")], 1.5),
        "tcplife": bench.Tracer(["tcplife"], 2),
    }


added = {name: {figure: [] for figure in COUNTS} for name in tracers()}
for number in range(bench.PAIRS):
    names = list(added)
    random.Random(number).shuffle(names)
    bare = measure()
    for name in names:
        with tracers()[name]:
            traced = measure()
        after = measure()
        for figure in COUNTS:
            added[name][figure].append(traced[figure] - (bare[figure] + after[figure]) / 2)
            bench.note(f"round {number}: {name}: {figure}: bare {bare[figure]:.0f} and {after[figure]:.0f} ns, traced {traced[figure]:.0f}")
        bare = after
met = True
for (figure, peer), bar in BARS.items():
    ours, theirs = added["kymo"][figure], added[peer][figure]
    ratio = bench.median(ours) / bench.median(theirs)
    fine = ratio <= bar
    met = met and fine
    print(f"| added ns per {figure[:-1]} with class net, against {peer} | <= {bar} x | {ratio:.2f} x: +{bench.median(ours):.0f} ns, "
          f"+{bench.median(theirs):.0f} ns | {bench.spread(ours)} of {len(ours)} | {'yes' if fine else '**no**'} |", flush=True)
sys.exit(0 if met else 3)
