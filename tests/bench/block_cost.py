#!/usr/bin/env python3
"""What class block costs: ns of its two programs per disk request, by the kernel's own count of their run time (which adds some 50 ns to a run), and
bytes of the capture per request, while dd writes past the page cache. Usage: block_cost.py"""
import json
import os
import re
import subprocess
import sys

import bench_env as bench

bench.need_bpf("bpftool", "dd")
COUNT = max(int(20_000 * bench.SCALE), 1_000)
STATS = "/proc/sys/kernel/bpf_stats_enabled"
PROGRAMS = ("block_issue_btf", "block_done_btf")
BAR_NS, BAR_BOTH_NS, BAR_BYTES = 1000, 2500, 12


def write_past_the_cache():
    target = bench.path("written")
    subprocess.run(["dd", "if=/dev/zero", f"of={target}", "bs=4k", f"count={COUNT}", "oflag=direct", "conv=notrunc"], stderr=subprocess.DEVNULL, check=True)


def run_time():
    """-> {program: (ns, runs)}; there may be others of that name"""
    told = subprocess.run(["bpftool", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return {name: max((int(runs), int(ns)) for ns, runs in re.findall(rf"name {name} .*?run_time_ns (\d+) run_cnt (\d+)", told))[::-1] for name in PROGRAMS}


def once():
    """-> (ns at the end of a request, ns with its begin, bytes per request)"""
    tracer, capture = bench.kymo_tracer("block.kymo", "-e", "block", "--cpu-budget", "none", "--no-symbols")
    with tracer:
        empty = os.path.getsize(capture)
        write_past_the_cache()
        times = run_time()
    done = subprocess.run([bench.KYMO, "sql", "--json", capture, "SELECT count(*) AS n FROM block_io"], capture_output=True, text=True, check=False)
    rows = json.loads(done.stdout)["rows"][0]["n"]
    begin, end = (ns / runs for ns, runs in times.values())
    bench.note(f"{rows} requests: {begin:.0f} ns at the begin, {end:.0f} ns at the end, {(os.path.getsize(capture) - empty) / rows:.1f} B")
    return end, begin + end, (os.path.getsize(capture) - empty) / rows


with open(STATS, encoding="ascii") as file:
    before = file.read()
try:
    with open(STATS, "w", encoding="ascii") as file:
        file.write("1")
    write_past_the_cache()  # the file is there
    found = [once() for _ in range(bench.PAIRS)]
finally:
    with open(STATS, "w", encoding="ascii") as file:
        file.write(before)
ends, both, taken = zip(*found)
fine = bench.median(ends) <= BAR_NS and bench.median(both) <= BAR_BOTH_NS and bench.median(taken) <= BAR_BYTES
print(f"| class block: ns of its programs per disk request, at the end, and with the begin (who issued it); bytes per request | <= {BAR_NS} ns, "
      f"<= {BAR_BOTH_NS} ns, <= {BAR_BYTES} B | {bench.median(ends):.0f} ns, {bench.median(both):.0f} ns, {bench.median(taken):.1f} B | "
      f"{bench.spread(ends)} of {len(ends)} | {'yes' if fine else '**no**'} |", flush=True)
sys.exit(0 if fine else 3)
