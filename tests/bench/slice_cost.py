#!/usr/bin/env python3
"""What the default settings cost a busy server, to a tenth of a percent. Runs of a server differ by 5 to 10 % from one span of seconds to
the next, on every scale, so whole runs with and without a recorder cannot show 1 % (workload_cost.py tries). Most of the cost falls into the
slices in which a governed recording sees system calls, and their times are in the capture: throughput in each slice is set against that of
the moments around it. The rest (samples, the recorder between slices) is taken from the recording's own account. A load that counts too
coarsely (gcc), or is recorded throughout, has the account only: it charges system calls double, which is what slices cost the others.
Prints a row per load with a 95 % interval (bootstrap over the slices). Usage: slice_cost.py [redis|nginx|gcc]..."""
import bisect
import json
import os
import subprocess
import sys
import time

import bench_env as bench
import bench_loads

bench.need_bpf("redis-server", "redis-benchmark", "nginx", "wrk", "gcc")
SECONDS = max(60 * bench.SCALE, 12)
FIRST_S = 3  # the budget holds from then on
POLL_S = 0.008
BEFORE_S, AFTER_S = 0.005, 0.015  # attaching and detaching, before and after the times of the rows
AROUND = 2                        # slice lengths on each side to compare with


def record(load, output):
    """Records and polls the load's counter. -> [(time, count)]"""
    polls = []
    recorder = bench.start([bench.RECORDER, "-q", "-d", f"{SECONDS:.0f}s", "-o", output])
    while recorder.poll() is None:
        done = load.done()
        polls.append((time.monotonic(), done))
        time.sleep(POLL_S)
    if recorder.returncode:
        sys.exit(f"kymo-record ended with {recorder.returncode}")
    return polls


def ask(output, statement):
    done = subprocess.run([bench.KYMO, "sql", "--json", output, statement], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)["rows"]


def slices_of(output):
    """-> [(begin, end, CPU seconds by the account)] of system calls recorded between spans of none, and when the recording began"""
    rows = ask(output, "SELECT time_ns, state_number AS state, measured_value FROM governor_decisions WHERE event_class = 1 ORDER BY time_ns")
    found, begin = [], None
    for before, row in zip(rows, rows[1:]):
        if before["state"] == 3 and row["state"] == 0:
            begin = row["time_ns"] / 1e9
        elif begin and row["state"] == 3:
            found.append((begin, row["time_ns"] / 1e9, row["measured_value"] / 1e9))
            begin = None
    return found, rows[0]["time_ns"] / 1e9


def counted_at(polls, times, when):
    place = bisect.bisect(times, when)
    if place in (0, len(times)):
        return None
    (t0, n0), (t1, n1) = polls[place - 1], polls[place]
    return n0 + (n1 - n0) * (when - t0) / (t1 - t0)


def lost_seconds(polls, times, begin, end):
    """Work that the slice cost, as seconds of the load's work without it; None: it is too near an end of the polls"""
    begin, end, around = begin - BEFORE_S, end + AFTER_S, AROUND * max(end - begin, 0.04)
    counts = [counted_at(polls, times, when) for when in (begin - around, begin, end, end + around)]
    if None in counts:
        return None
    outside = (counts[1] - counts[0] + counts[3] - counts[2]) / (2 * around)
    return (1 - (counts[2] - counts[1]) / (end - begin) / outside) * (end - begin)


def spent_outside(output, first, span, slices):
    """CPU that the account tells between slices, as percent of the host"""
    spent = ask(output, f"SELECT sum(measured_value) / 1e9 AS s FROM governor_decisions WHERE kind = 'account' AND time_ns - span_ns >= {first * 1e9:.0f}")[0]["s"]
    return 100 * ((spent or 0) - sum(cpu for _, _, cpu in slices)) / span / os.cpu_count()


def measure(name):
    load, output = bench_loads.LOADS[name](), bench.path(f"{name}.kymo")
    polls = record(load, output)
    bench_loads.end_loads()
    slices, start = slices_of(output)
    times = [when for when, _ in polls]
    first, last = start + FIRST_S, times[-1] - 1
    slices = [found for found in slices if found[0] >= first and found[1] < last]
    lost = [seconds for seconds in (lost_seconds(polls, times, begin, end) for begin, end, _ in slices) if seconds is not None]
    if not load.is_fine or len(slices) < 3:
        rest = spent_outside(output, first, last - first, [])
        print(f"| {name}: cost of the default settings after {FIRST_S} s: CPU by the account, slices too | <= 1 % | {rest:.2f} % | {len(slices)} slices "
              f"| {'yes' if rest <= 1 else '**no**'} |", flush=True)
        return rest <= 1
    low, high = (100 * seconds / (last - first) for seconds in bench.interval(lost, sum))
    share, rest = 100 * sum(lost) / (last - first), spent_outside(output, first, last - first, slices)
    print(f"| {name}: cost of the default settings after {FIRST_S} s: throughput lost to slices, and CPU between them by the account | <= 1 % "
          f"| {share:.2f} % (95 % interval {low:.2f} to {high:.2f} %) + {rest:.2f} % = {share + rest:.2f} % | {len(lost)} slices "
          f"| {'yes' if share + rest <= 1 else '**no**'} |", flush=True)
    return share + rest <= 1


sys.exit(0 if all([measure(name) for name in sys.argv[1:] or bench_loads.LOADS]) else 3)
