#!/usr/bin/env python3
"""Whether the bounds of `kymo syscalls --estimate` hold what they promise. Loads whose every call is known are recorded in slices as the recorder
does it, written into a database, and estimated: the truth must lie within the bounds in at least 90 of 100 recordings of each load. What class sched
sees of every call, a sleep of 300 ms here, must be exact. The random numbers are always the same ones. Usage: bounds.py KYMO CAPTURE"""
import math
import os
import random
import sqlite3
import subprocess
import sys
import tempfile

KYMO, CAPTURE = sys.argv[1:]
RUNS = 100
SECONDS = 60
S, MS = 10**9, 10**6
READ, NANOSLEEP, FUTEX = 0, 35, 202
T = 10 * MS  # waits of this length and more are stored, shorter ones with a probability
FIRST_CAPTURE = 1000
failed = 0


def check(condition, what):
    global failed
    if not condition:
        failed += 1
        print(f"FAILED: {what}")


# Calls per second at a moment; a load is a function of (second, phase in 0..1).
LOADS = {
    "steady": lambda at, phase: 160,
    "waves of 9 s": lambda at, phase: 160 * (1 + math.sin(2 * math.pi * (at / 9 + phase))),
    "bursts of 50 ms, eight a second": lambda at, phase: 400 if (at * 8 + phase) % 1 < 0.4 else 10,
}


def slices_of(rng, rate, phase):
    """-> [(from, to)] in s: the first at once, then as recorder/budget/budget_policy.c places them, each pause by what the slice before cost"""
    found, at = [], 0.0
    while at < SECONDS:
        end = min(at + (0.25 if not found else 0.1), SECONDS)
        found.append((at, end))
        cost = sum(rate(at + (end - at) * i / 10, phase) for i in range(10)) / 10 / 160
        at = end + min(max(0.5, 2.2 * cost * (0.5 + rng.random())), 20)
    return found


def arrivals(rng, rate, phase):
    """Poisson, by thinning"""
    most, at = 410, 0.0
    while True:
        at += rng.expovariate(most)
        if at >= SECONDS:
            return
        if rng.random() < rate(at, phase) / most:
            yield int(at * S)


def stored_waits(rng, waits):
    """-> rows that are stored, and (count, ns) of those that are counted"""
    rows, count, total = [], 0, 0
    for at, duration in waits:
        if duration >= T or rng.random() < duration / T:
            rows.append((at, duration, max(duration, T)))
        else:
            count, total = count + 1, total + duration
    return rows, (count, total)


def record(database, capture, rng, rate):
    """Writes a recording of the load. -> the truth: {sysno: (calls, ns)}"""
    phase = rng.random()
    spans = [(int(a * S), int(b * S)) for a, b in slices_of(rng, rate, phase)]
    reads = [(at, int(math.exp(rng.gauss(9, 1)))) for at in arrivals(rng, rate, phase)]
    # a call in ten: a wait of 0.1 to 5 ms, and a little running
    futexes = [(at, rng.randrange(100000, 5 * MS)) for at in arrivals(rng, lambda at, phase: rate(at, phase) / 10, phase)]
    sleeps = [(at, 300 * MS) for at in range(7 * MS, (SECONDS - 1) * S, 301 * MS)]
    calls = [(READ, at, ns) for at, ns in reads] + [(FUTEX, at, ns + 20000) for at, ns in futexes] + [(NANOSLEEP, at, ns + 50000) for at, ns in sleeps]
    calls = [call for call in calls if call[1] + call[2] < SECONDS * S]
    seen = [call for call in calls if any(a <= call[1] and call[1] + call[2] < b for a, b in spans)]
    database.execute("INSERT INTO capture SELECT ?, path, session_uuid, file_uuid, boot_id, file_index, format_version, file_bytes, host, kernel, "
                     "tool_version, machine, 2, page_bytes, start_realtime_ns, 0, ?, ?, complete, end_reason, events_stored, events_dropped, "
                     "events_damaged, events_counted, blocks_read, blocks_damaged, blocks_lost, blocks_unknown, bytes_skipped, columns_rejected, "
                     "rows_unknown_type, blocks_schema_unknown FROM capture WHERE id = 1", (capture, SECONDS * S, SECONDS * S))
    database.executemany("INSERT INTO enum_name VALUES (?, 'sysno', ?, ?)", [(capture, READ, "read"), (capture, NANOSLEEP, "nanosleep"), (capture, FUTEX, "futex")])
    for begin, end in spans:
        for at, state in ((begin, 0), (end, 3)):
            if at < SECONDS * S:
                database.execute("INSERT INTO governor VALUES (?, ?, ?, 1, ?, 0, 1, ?, 0, 'test', 'test')", (capture, at, at, at, state))
    database.executemany("INSERT INTO syscall(capture_id, time_ns, duration_ns, task_id, sysno, flags, error) VALUES (?, ?, ?, 1, ?, 0, 0)",
                         [(capture, at, ns, sysno) for sysno, at, ns in seen])
    for sysno in {call[0] for call in seen}:
        of = [ns for number, _, ns in seen if number == sysno]
        database.execute("INSERT INTO syscall_summary(capture_id, sysno, compat, calls, finished, unfinished, errors, total_ns, counted, estimated) "
                         "VALUES (?, ?, 0, ?, ?, 0, 0, ?, 0, 0)", (capture, sysno, len(of), len(of), sum(of)))
    for sysno, waits in ((FUTEX, futexes), (NANOSLEEP, sleeps)):
        rows, (count, total) = stored_waits(rng, waits)
        database.executemany("INSERT INTO offcpu(capture_id, time_ns, duration_ns, runq_ns, weight_ns, task_id, sysno, reason, flags) "
                             "VALUES (?, ?, ?, 0, ?, 1, ?, 0, 0)", [(capture, at + 10000, ns, weight, sysno) for at, ns, weight in rows])
        database.execute("INSERT INTO offcpu_count VALUES (?, ?, 0, ?, ?, 0, 1, ?, 0, 20, 0, 0)", (capture, SECONDS * S, count, total, sysno))
    return {sysno: (sum(1 for call in calls if call[0] == sysno), sum(call[2] for call in calls if call[0] == sysno)) for sysno in (READ, FUTEX, NANOSLEEP)}


def judge(load, rows, truths):
    inside = {}
    width = []
    for capture, truth in truths.items():
        for sysno, (calls, ns) in truth.items():
            row = rows[capture, sysno]
            for what, low, high, real in (("calls", row["calls_low"], row["calls_high"], calls), ("time", row["total_low_ns"], row["total_high_ns"], ns)):
                inside[sysno, what] = inside.get((sysno, what), 0) + (low <= real <= high)
            if sysno == NANOSLEEP:  # 50 us of running each: seen in no slice, since none is that long
                check(row["calls_estimate"] == calls, f"{load}: {calls} sleeps, estimated {row['calls_estimate']}")
                check(ns - 51000 * calls <= row["total_estimate_ns"] <= ns, f"{load}: slept {ns}, estimated {row['total_estimate_ns']}")
            if sysno == READ:
                width.append((row["calls_high"] - row["calls_low"]) / calls)
    for sysno, what in ((READ, "calls"), (READ, "time"), (FUTEX, "calls"), (FUTEX, "time")):
        print(f"{load}: {inside[sysno, what]} of {RUNS} within the bounds: {what} of {sysno}")
        check(inside[sysno, what] >= 0.9 * RUNS, f"{load}: {what} of {sysno}: {inside[sysno, what]} of {RUNS} within the bounds")
    width.sort()
    print(f"{load}: bounds of reads are {100 * width[len(width) // 2]:.0f} % of the truth apart (median)")
    check(width[len(width) // 2] < 2, f"{load}: bounds that say nothing: {width[len(width) // 2]}")


def main():
    with tempfile.TemporaryDirectory(prefix="kymo-estimate-") as directory:
        path = os.path.join(directory, "made.db")
        subprocess.run([KYMO, "import", "-q", "-o", path, CAPTURE], check=True)
        database = sqlite3.connect(path)
        database.row_factory = sqlite3.Row
        rng = random.Random(1)
        truths, capture = {}, FIRST_CAPTURE
        for load, rate in LOADS.items():
            truths[load] = {}
            for _ in range(RUNS):
                truths[load][capture] = record(database, capture, rng, rate)
                capture += 1
        database.execute("CREATE INDEX calls_by_time ON syscall(capture_id, time_ns)")
        database.execute("CREATE INDEX waits_by_time ON offcpu(capture_id, time_ns)")
        rows = {(row["capture_id"], row["sysno"]): row for row in database.execute("SELECT * FROM syscall_estimate WHERE capture_id >= ?", (FIRST_CAPTURE,))}
        for load in LOADS:
            judge(load, rows, truths[load])
    print(f"{failed} checks failed" if failed else "all checks passed")
    sys.exit(failed > 0)


main()
