#!/usr/bin/env python3
"""Added ns per system call while calls are only counted, and while they find no room and are counted, against storing each one:
getppid loop on one CPU, recorder on the other. KYMO_BEFORE=PATH of an older kymo-record: also the cost of storing, new against old."""
import os
import sys

import bench_env as bench

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
import control_words  # noqa: E402

bench.need_bpf("bpftool", "taskset")
CALLS, STORMS = 30_000, max(int(100 * bench.SCALE), 5)
BEFORE = os.environ.get("KYMO_BEFORE")


def loop():
    """ns per call of the quickest of many short storms: what else the machine does is in the others"""
    return min(bench.storm("--calls", CALLS, cpu=bench.LOAD_CPU)["ns_per_call"] for _ in range(STORMS))


def cost(mode, *options, recorder=bench.RECORDER):
    """Added ns per call"""
    bare = loop()
    tracer, _ = bench.kymo_tracer("counts.kymo", "-e", "syscalls", "--cpu-budget", "none", *options)
    tracer.command[0] = recorder
    with tracer as running:
        if mode:
            words = control_words.ControlWords(running.pid())
            words.set("class_mode", mode, control_words.SYSCALLS)
        return loop() - bare


counts, refused, before = [], [], []
for pair in range(bench.PAIRS):
    single = cost(None)
    counted = cost(control_words.COUNTS)
    no_room = cost(None, "--buffer", "4K", "--drain", "1s")
    counts.append(counted / single)
    refused.append(no_room / single)
    text = f"pair {pair}: stored +{single:.0f} ns, counted +{counted:.0f} ns, no room +{no_room:.0f} ns"
    if BEFORE:
        before.append(single / cost(None, recorder=BEFORE))
        text += f", stored against before {before[-1]:.3f}"
    bench.note(text)
if BEFORE:
    bench.note(f"added ns per call stored, against KYMO_BEFORE: {bench.median(before):.3f} x, {bench.spread(before)}")
found, without_room = bench.median(counts), bench.median(refused)
bench.row("added ns per call that is only counted, and that finds no room in a ring of 4 KiB, against one that is stored", "< 1 x, -",
          f"{found:.2f} x, {without_room:.2f}", " x", counts, found < 1)
