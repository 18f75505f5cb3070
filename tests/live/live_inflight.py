#!/usr/bin/env python3
"""A call that hangs is in the capture: unfinished, with the time it has taken so far, whether it began before the recording or in it."""
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
    flags = live.one(database, "SELECT s.flags FROM syscall s JOIN task t ON t.id = s.task_id WHERE t.tid = ? AND s.flags & 1",
                     truth["hanger_tid"])
    live.check(flags is not None and flags & 1, f"{what}: flags {flags}")


# it hung already when the recording began
workload = live.start([live.WORKLOAD, "--hang", "--idle", "--seconds", "4", "--rate", "50"], stdout=subprocess.PIPE, text=True)
time.sleep(0.5)
capture, _, _, _ = live.record("before.kymo", "-d", "1s", "-e", "syscalls", "-p", str(workload.pid))
check_hang(capture, live.truth(workload.communicate(timeout=30)[0]), 0.9, "began before the recording", "before")

# it began to hang while recording
recorder, capture = live.start_recorder("within.kymo", "-e", "syscalls")
workload = live.start([live.WORKLOAD, "--hang", "--idle", "--seconds", "3", "--rate", "50"], stdout=subprocess.PIPE, text=True)
time.sleep(1.5)
live.stop(recorder)
check_hang(capture, live.truth(workload.communicate(timeout=30)[0]), 1.0, "began while recording", "within")
live.finish()
