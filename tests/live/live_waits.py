#!/usr/bin/env python3
"""Class sched: each wait of 10 ms and more is stored singly with its call and reason, shorter ones are counted exactly, and what waits at the
start or at the end is there, too."""
import json
import os
import subprocess
import sys
import time

import live_env as live

LONG, SHORT = 12, 400
# Its truth: so many polls of 50 ms that nothing ends, a thread that waits for ever, and the kernel's own count of how often it left the CPU while
# it slept 0.2 ms again and again. (On a virtual machine that time is sometimes over before the call gets to sleep.)
PROGRAM = f"""
import ctypes, resource, threading
libc = ctypes.CDLL(None)
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("waits", flush=True)
input()
for _ in range({LONG}):
    libc.poll(None, 0, 50)
before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
for _ in range({SHORT}):
    libc.usleep(200)
print(resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before, flush=True)
input()
"""

def waiting_thread():
    """Whether the thread that waits for ever does so by now."""
    for tid in os.listdir(f"/proc/{workload.pid}/task"):
        with open(f"/proc/{workload.pid}/task/{tid}/stat", encoding="ascii") as stat:
            if int(tid) != workload.pid and stat.read().rpartition(")")[2].split()[0] == "S":
                return True
    return False


workload = live.start([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
live.check_equal(workload.stdout.readline(), "waits\n", "the workload, before it is recorded")
live.until(waiting_thread, "a thread that waits")
recorder, capture = live.start_recorder("waits.kymo", "-e", "sched", "--cpu-budget", "none")
time.sleep(0.2)  # it waits for longer than 10 ms of the recording: stored singly
workload.stdin.write("\n")
workload.stdin.flush()
short = int(workload.stdout.readline())  # sleeps that were sleeps
live.check(SHORT // 2 < short <= SHORT, f"the workload slept {short} times of {SHORT}")
live.stop(recorder)
database = live.database(capture)
sleep = live.one(database, "SELECT value FROM enum_name WHERE kind = 'wait' AND name = 'sleep'")


def call_number(name):
    return live.one(database, "SELECT value FROM enum_name WHERE kind = 'sysno' AND name = ?", name)


OWN = "FROM offcpu o JOIN task t ON t.id = o.task_id WHERE t.tgid = ? AND t.tid = ? AND o.sysno = ? AND o.reason = ?"
polls = (workload.pid, workload.pid, call_number("poll"), sleep)
sleeps = (workload.pid, workload.pid, call_number("clock_nanosleep"), sleep)
longs = database.execute(f"SELECT duration_ns, runq_ns, weight_ns, stack_id, flags {OWN} ORDER BY duration_ns", polls).fetchall()
live.check_equal(len(longs), LONG, "polls of 50 ms stored singly")
live.check(all(row["duration_ns"] >= 50000000 and row["weight_ns"] == row["duration_ns"] for row in longs), "their durations and weights")
live.check(all(row["runq_ns"] < row["duration_ns"] for row in longs), "the delay of the run queue is a part")
live.check(all(row["flags"] & 7 == 0 and row["stack_id"] for row in longs), "finished, with stacks")

COUNTED = "FROM offcpu_count c JOIN task t ON t.id = c.task_id WHERE t.tgid = ? AND c.sysno = ? AND c.reason = ?"
single = live.one(database, f"SELECT count(*) {OWN}", *sleeps)
counted = live.one(database, f"SELECT total(c.interval_count) {COUNTED}", workload.pid, *sleeps[2:])
live.check_equal(single + counted, short, "short sleeps, single or counted")
live.check_equal(live.one(database, "SELECT count(*) FROM offcpu_count WHERE interval_count <= 0 OR total_ns >> bucket < interval_count"), 0, "rows of counts")

waits = database.execute("SELECT o.flags FROM offcpu o JOIN task t ON t.id = o.task_id WHERE t.tgid = ? AND t.tid <> t.tgid", (workload.pid,)).fetchall()
live.check_equal([row["flags"] & 3 for row in waits], [3], "a thread that waits from before the start to after the end")
last = live.one(database, "SELECT o.flags FROM offcpu o JOIN task t ON t.id = o.task_id WHERE t.tgid = ? AND t.tid = t.tgid ORDER BY o.time_ns DESC LIMIT 1", workload.pid)
live.check_equal(last & 3, 1, "the main thread waits at the end")
first = live.one(database, "SELECT o.flags FROM offcpu o JOIN task t ON t.id = o.task_id WHERE t.tgid = ? AND t.tid = t.tgid ORDER BY o.time_ns LIMIT 1", workload.pid)
live.check_equal(first & 3, 2, "and waited at the start")

total = database.execute("SELECT sum(attempted_count) AS attempted, sum(stored_count) AS stored, sum(counted_count) AS counted, sum(lost_count) AS lost "
                         "FROM class_totals WHERE class = 'sched'").fetchone()
live.check_equal(total["attempted"], total["stored"] + total["counted"] + total["lost"], "attempted = stored + counted + lost")
live.check_equal(total["stored"], live.one(database, "SELECT count(*) FROM offcpu"), "rows that are stored")
live.check_equal(total["counted"], live.one(database, "SELECT sum(interval_count) FROM offcpu_count"), "intervals in rows of counts")


def waits(source, *options):
    """What `kymo offcpu` says of the workload's waits -> its rows"""
    done = subprocess.run([live.KYMO, "offcpu", "--json", "-p", str(workload.pid), *options, source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["offcpu_waits"]


def sums(rows):
    return sum(row["intervals"] for row in rows), sum(row["total_ns"] for row in rows)


imported = live.path("waits-again.db")
subprocess.run([live.KYMO, "import", "-q", "--no-symbols", capture, "-o", imported], check=True)
of_calls = {row["name"]: row for row in waits(capture) if row["reason"] == "sleep"}
live.check_equal([of_calls[name]["intervals"] for name in ("poll", "clock_nanosleep")], [LONG, short], "waits that kymo offcpu tells")
live.check(of_calls["poll"]["total_ns"] >= LONG * 50000000, "their time is no less than what was waited")
live.check_equal(of_calls["clock_nanosleep"]["total_ns"], live.one(database, f"SELECT total(duration_ns) {OWN}", *sleeps) + live.one(
    database, f"SELECT total(c.total_ns) {COUNTED}", workload.pid, *sleeps[2:]), "their time, single and counted")
longer = [row["intervals"] for row in waits(capture, "--min", "45ms", "--reason", "sleep") if row["name"] == "poll"]
live.check_equal(longer, [LONG], "polls of 45 ms and more")
live.check_equal(sums(waits(capture, "--all")), sums(waits(imported, "--all")), "totals of capture and database")
live.check_equal(waits(capture, "--all"), waits(imported, "--all"), "capture and database")
live.check_equal([row["intervals"] for row in waits(capture, "--all") if row["idle"]], [1], "the thread that waits all the time")
workload.kill()
live.finish()
