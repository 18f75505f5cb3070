#!/usr/bin/env python3
"""What class files adds to a call that is stored: ns per read of no bytes (its file was told long ago), and per open and close of files that
each are told, on one CPU, the recorder on the other. Each span stands between two without it, in a new order each round."""
import os

import bench_env as bench

bench.need_bpf("taskset")
CALLS, STORMS = 30_000, max(int(60 * bench.SCALE), 4)
FILES = max(int(6_000 * bench.SCALE), 500)
FOLDER = bench.path("many")


def quickest(*options, calls=CALLS, storms=STORMS):
    """ns per call of the quickest 512 calls of many storms: what else the machine does is in the others"""
    return min(bench.storm("--calls", calls, *options, cpu=bench.LOAD_CPU)["quickest_ns"] for _ in range(storms))


def traced(classes, measure):
    tracer, _ = bench.kymo_tracer("files.kymo", "-e", classes, "--cpu-budget", "none", "--buffer", "16M")
    with tracer:
        return measure()


def pairs(measure, prepare=lambda: None):
    """-> [added ns] of class files; bare: [ns added by class syscalls alone]"""
    added, alone = [], []
    for number in range(bench.PAIRS):
        bare = measure()
        found = {}
        for classes in ("syscalls", "syscalls,files") if number % 2 else ("syscalls,files", "syscalls"):
            prepare()
            found[classes] = traced(classes, measure)
        added.append(found["syscalls,files"] - found["syscalls"])
        alone.append(found["syscalls"] - bare)
        bench.note(f"pair {number}: bare {bare:.0f}, calls {found['syscalls']:.0f}, with files {found['syscalls,files']:.0f} ns")
    return added, alone


def new_files():
    """Under names that were never used: the kernel's key of a file has its name"""
    new_files.round += 1
    os.makedirs(FOLDER, exist_ok=True)
    for number in range(FILES):
        os.rename(f"{FOLDER}/{new_files.round - 1}-{number}", f"{FOLDER}/{new_files.round}-{number}")


new_files.round = 0
os.makedirs(FOLDER)
for index in range(FILES):
    open(f"{FOLDER}/0-{index}", "w", encoding="ascii").close()

reads, calls = pairs(lambda: quickest("--read", "/dev/zero"))
met = bench.median(reads) <= 30
print(f"| class files: added ns per read that is stored (recording it alone adds {bench.median(calls):.0f} ns) | <= 30 ns | {bench.median(reads):.0f} ns "
      f"| {bench.spread(reads)} of {len(reads)} | {'yes' if met else '**no**'} |", flush=True)
opens, calls = pairs(lambda: quickest("--open", f"{FOLDER}/{new_files.round}-", calls=FILES, storms=1), new_files)
bench.row(f"class files: added ns per open of a file that is told, with its close (recording both alone adds {bench.median(calls):.0f} ns)", "<= 1000 ns", f"{bench.median(opens):.0f}",
          " ns", opens, met and bench.median(opens) <= 1000)
