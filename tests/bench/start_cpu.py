#!/usr/bin/env python3
"""CPU that kymo-record takes to start, and while the host is calm. A recording of 5 s with the default settings must stay within the default
budget of 1 % of the host, start and end included. KYMO_BEFORE names an older recorder: interleaved, the ratio to it is said. --phases: CPU in
user space (libbpf most of it) and in the kernel, and how long bpf(2) took by command (BPF_PROG_LOAD: the verifier), seen by strace."""
import collections
import os
import re
import subprocess
import sys

import bench_env as bench

bench.need_bpf("strace")
BEFORE = os.environ.get("KYMO_BEFORE")
SECONDS = max(round(5 * bench.SCALE), 1)
CPUS = os.cpu_count()
TIMED = re.compile(r"(\w+)\((\w+)?.*<([0-9.]+)>$")


def cpu_ms(recorder, duration):
    output = bench.path("start.kymo")
    _, cpu_s, _, status = bench.timed([recorder, "-q", "-f", "-o", output, "-d", duration])
    if status not in (0, 3):
        sys.exit(f"{recorder} ended with {status}")
    return cpu_s * 1e3


def phases(recorder):
    trace, output = bench.path("trace"), bench.path("phases.kymo")
    line = [recorder, "-q", "-f", "-o", output, "-d", "10ms"]
    _, _, usage = os.wait4(bench.start(line).pid, 0)
    print(f"{recorder}, start and end: {usage.ru_utime * 1e3:.0f} ms of CPU in user space, {usage.ru_stime * 1e3:.0f} ms in the kernel; of these, under strace:")
    subprocess.run(["strace", "-f", "-T", "-e", "trace=bpf,perf_event_open,mmap", "-o", trace, *line], check=False)
    spent, calls = collections.Counter(), collections.Counter()
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = TIMED.search(line)
            if not found:
                continue
            name = f"bpf {found[2]}" if found[1] == "bpf" else found[1]
            spent[name] += float(found[3]) * 1e3
            calls[name] += 1
    for name, ms in spent.most_common(8):
        print(f"  {ms:8.2f} ms  {calls[name]:6d} x {name}")


if "--phases" in sys.argv:
    for recorder in filter(None, (BEFORE, bench.RECORDER)):
        phases(recorder)
    sys.exit(0)

starts, shares, ratios = [], [], []
for pair in range(bench.PAIRS):
    starts.append(cpu_ms(bench.RECORDER, "10ms"))
    if BEFORE:
        before = cpu_ms(BEFORE, "10ms")
        ratios.append(starts[-1] / before)
    whole = cpu_ms(bench.RECORDER, f"{SECONDS}s")
    shares.append(whole / 10 / SECONDS / CPUS)
    text = f"pair {pair}: start and end {starts[-1]:.0f} ms, with {SECONDS} s between {whole:.0f} ms: {shares[-1]:.2f} % of the host"
    bench.note(text + (f"; before: {before:.0f} ms, with {SECONDS} s {cpu_ms(BEFORE, f'{SECONDS}s'):.0f} ms" if BEFORE else ""))
found = bench.median(shares)
text = f"CPU of a recording of {SECONDS} s in calm, of the host; its start and end alone {bench.median(starts):.0f} ms"
if ratios:
    text += f", {bench.median(ratios):.2f} x the recorder before"
bench.row(text, "<= 1 %", f"{found:.2f}", " %", shares, found <= 1)
