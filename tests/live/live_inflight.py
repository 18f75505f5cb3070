#!/usr/bin/env python3
"""A call that hangs is in the capture: unfinished, with the time it has taken so far, whether it began before the recording or in it."""
import os
import subprocess
import time

import live_env as live

QUERY = "SELECT elapsed_ns, began, comm FROM syscalls_in_flight WHERE tgid = ? AND tid = ? AND name = 'read'"


def check_hang(capture, truth, least_s, began, what):
    database = live.database(capture)
    rows = database.execute(QUERY, (truth["pid"], truth["hanger_tid"])).fetchall()
    if not live.check(len(rows) == 1, f"{what}: {len(rows)} reads in flight of the hanging thread"):
        return
    row = rows[0]
    live.check(row["elapsed_ns"] >= least_s * 1e9, f"{what}: {row['elapsed_ns'] / 1e9:.2f} s so far, at least {least_s} expected")
    live.check_equal(row["began"], began, f"{what}: when it began")
    live.check_equal(row["comm"], "hanger", f"{what}: the thread's name")
    # so far: until the end began, and so no longer than until the last counts were taken
    late = live.one(database, "SELECT max(s.time_ns + s.duration_ns) - (SELECT max(time_ns) FROM class_total) FROM syscall s JOIN task t ON t.id = s.task_id "
                    "WHERE t.tid = ? AND s.flags & 1", truth["hanger_tid"])
    live.check(late is not None and late <= 0, f"{what}: it hung until {late} ns after the end of the recording")
    flags = live.one(database, "SELECT s.flags FROM syscall s JOIN task t ON t.id = s.task_id WHERE t.tid = ? AND s.flags & 1",
                     truth["hanger_tid"])
    live.check(flags is not None and flags & 1, f"{what}: flags {flags}")


def hanging():
    """-> (process, {pid, tid of the thread that hangs}), once it does"""
    workload = live.start([live.WORKLOAD, "--hang", "--idle", "--seconds", "100000", "--rate", "50"], stdout=subprocess.DEVNULL)

    def hanger():
        for tid in os.listdir(f"/proc/{workload.pid}/task"):
            with open(f"/proc/{workload.pid}/task/{tid}/comm", encoding="ascii") as comm, open(f"/proc/{workload.pid}/task/{tid}/stat", encoding="ascii") as stat:
                if comm.read() == "hanger\n" and stat.read().rpartition(")")[2].split()[0] == "S":
                    return int(tid)
        return None
    return workload, {"pid": workload.pid, "hanger_tid": live.until(hanger, "a thread that hangs")}


# it hung already when the recording began
workload, truth = hanging()
capture, _, _, _ = live.record("before.kymo", "-d", "1s", "-e", "syscalls", "-p", str(workload.pid))
check_hang(capture, truth, 0.9, "began before the recording", "before")
workload.kill()

# it began to hang while recording
recorder, capture = live.start_recorder("within.kymo", "-e", "syscalls")
workload, truth = hanging()
time.sleep(1.2)
live.stop(recorder)
check_hang(capture, truth, 1.0, "began while recording", "within")
workload.kill()
live.finish()
