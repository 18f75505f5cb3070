#!/usr/bin/env python3
"""Added ns per minor page fault while class mem is recorded with its default settings (one fault in 100 with its stack), against
`perf record -e page-faults -c 1 -g`: a process touches new memory page by page, again and again. Each tracer runs once a round, between bare spans, in
a new order each round. Usage: fault_cost.py"""
import ctypes
import mmap
import os
import random
import resource
import subprocess
import sys

import bench_env as bench

PAGES = 4096
LOOPS = max(int(40 * bench.SCALE), 4)
SHORTEST_OF = 5  # what else the machine does is in the others
BAR = 0.15


def touch():
    """-> ns of CPU time per page fault; run as a process of its own"""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    size = PAGES * mmap.PAGESIZE
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(LOOPS):
        at = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        libc.madvise(at, size, mmap.MADV_NOHUGEPAGE)
        ctypes.memset(at, 1, size)
        libc.munmap(at, size)
    after = resource.getrusage(resource.RUSAGE_SELF)
    faults = after.ru_minflt - before.ru_minflt
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9 / faults


def fault_ns():
    line = ["taskset", "-c", str(bench.LOAD_CPU), sys.executable, os.path.abspath(__file__), "touch"]
    return min(float(subprocess.run(line, capture_output=True, text=True, check=True).stdout) for _ in range(SHORTEST_OF))


def tracers():
    return {
        "kymo": bench.kymo_tracer("faults.kymo", "-e", "mem", "--cpu-budget", "none")[0],
        "perf": bench.Tracer(["perf", "record", "-q", "-a", "-B", "-N", "-e", "page-faults", "-c", "1", "-g", "-o", bench.path("perf.data")], 1.5),
    }


if sys.argv[1:] == ["touch"]:
    print(touch())
    sys.exit(0)
bench.need_bpf("perf", "taskset")
added = {name: [] for name in tracers()}
for number in range(bench.PAIRS):
    names = list(added)
    random.Random(number).shuffle(names)
    bare = fault_ns()
    for name in names:
        with tracers()[name]:
            traced = fault_ns()
        after = fault_ns()
        added[name].append(traced - (bare + after) / 2)
        bench.note(f"round {number}: {name}: bare {bare:.0f} and {after:.0f} ns, traced {traced:.0f}")
        bare = after
ratios = [ours / theirs for ours, theirs in zip(added["kymo"], added["perf"])]
low, high = bench.interval(ratios)
bench.row("added ns per page fault, one in 100 with its stack, against `perf record -e page-faults -c 1 -g`", f"<= {BAR} x",
          f"{bench.median(ratios):.3f} x (95 % interval {low:.3f} to {high:.3f}): +{bench.median(added['kymo']):.0f} ns, +{bench.median(added['perf']):.0f} ns", "",
          ratios, bench.median(ratios) <= BAR)
