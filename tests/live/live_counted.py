#!/usr/bin/env python3
"""System calls that find no room are counted: calls reported = calls made, to the event, per process and system call, while most single
events are dropped. Threads, children that live for a millisecond, calls that fail, calls that never return; a table that overflows."""
import os
import time

import control_words
import live_env as live

ROUNDS = 8000 if live.QUICK else 24000  # of a thread: 16 calls each
CALLS = os.path.join(os.environ["KYMO_BUILD"], "live", "known_calls")
EBADF, ESRCH = 9, 3
NO_RETURN = 4
BOTH = """SELECT t.tgid, names.name, calls.error, calls.flags & 4, sum(n) FROM (
    SELECT task_id, sysno, error, flags, count(*) n FROM syscall WHERE flags & 1 = 0 GROUP BY 1, 2, 3, 4
    UNION ALL SELECT task_id, sysno, error, flags, call_count FROM syscall_count) calls
    JOIN task t ON t.id = calls.task_id JOIN syscall_name names ON names.sysno = calls.sysno GROUP BY 1, 2, 3, 4"""


told = {"cases": 0}


def check_identity(database, capture, what):
    """attempted = stored + counted + lost per class and CPU, and the rows in the file are what is told of them, here and by `kymo info`.
    -> (stored, counted, lost)"""
    rows = database.execute("SELECT event_class, cpu, max(time_ns), attempted_count a, stored_count s, ifnull(counted_count, 0) c, lost_count l "
                            "FROM class_total GROUP BY event_class, cpu").fetchall()
    for row in rows:
        live.check(row["a"] == row["s"] + row["c"] + row["l"],
                   f"{what}: class {row['event_class']} CPU {row['cpu']}: {row['a']} attempted, {row['s']} + {row['c']} + {row['l']}")
    calls = [row for row in rows if row["event_class"] == 1]
    for row in calls:
        live.check_equal(live.one(database, "SELECT count(*) FROM syscall WHERE cpu = ?", row["cpu"]), row["s"], f"{what}: stored on CPU {row['cpu']}")
        live.check_equal(live.one(database, "SELECT ifnull(sum(call_count), 0) FROM syscall_count WHERE cpu = ?", row["cpu"]), row["c"],
                         f"{what}: counted on CPU {row['cpu']}")
        told["cases"] += 3
    facts = live.info(capture)
    for key, column in (("events_stored", "s"), ("events_counted", "c"), ("events_dropped", "l")):
        live.check_equal(facts[key], sum(row[column] for row in rows), f"{what}: {key} of kymo info")
        told["cases"] += 1
    told["cases"] += len(rows)
    return tuple(sum(row[key] for row in calls) for key in "scl")


def check_rows(database, what):
    """Each row makes sense: a span inside the recording, durations that fit the bucket, a process that is known by its name."""
    bad = live.one(database, "SELECT count(*) FROM syscall_count WHERE from_ns >= time_ns OR call_count = 0 OR bucket > 63")
    live.check_equal(bad, 0, f"{what}: rows without sense")
    bad = live.one(database, "SELECT count(*) FROM syscall_count WHERE bucket > 0 AND (total_ns < call_count * (1 << bucket) "
                             "OR total_ns >= call_count * (2 << bucket))")
    live.check_equal(bad, 0, f"{what}: sums of durations that do not fit their bucket")
    bad = live.one(database, "SELECT count(*) FROM syscall_count c LEFT JOIN task t ON t.id = c.task_id WHERE t.tid IS NOT t.tgid OR t.comm = ''")
    live.check_equal(bad, 0, f"{what}: rows of no process")


def check_status(database, lost, status, what):
    """Whether a busy machine loses calls, or other events, is its own matter; that it is said is not."""
    all_lost = live.one(database, "SELECT total(lost_count) FROM class_totals")
    live.check_equal(status, 3 if all_lost else 0, f"{what}: {lost} calls of {all_lost} events lost, exit status")


def check_truth(database, truth, lost, what):
    """What was stored and what was counted, together, are the calls that were made."""
    pid, children = truth["pid"], truth["children"]
    found = {tuple(row)[:4]: row[4] for row in database.execute(BOTH)}
    expected = {(pid, "getppid", 0, 0): truth["getppid"], (pid, "getuid", 0, 0): truth["getuid"],
                (pid, "close", EBADF, 0): truth["close_failed"], (pid, "getpgid", ESRCH, 0): truth["getpgid_failed"],
                (pid, "exit", 0, NO_RETURN): truth["threads"] + bool(children), (pid, "exit_group", 0, NO_RETURN): 1}
    for child in set(children):
        expected[child, "getppid", 0, 0] = children.count(child) * truth["calls_per_child"]
        expected[child, "exit_group", 0, NO_RETURN] = children.count(child)
    wrong = [f"{key}: made {count}, reported {found.get(key)}" for key, count in expected.items() if not count - lost <= found.get(key, 0) <= count]
    live.check(not wrong, f"{what}: {len(wrong)} of {len(expected)} counts are wrong, such as {wrong[:3]}")
    told["cases"] += len(expected)


# a ring of 64 KiB and a slow recorder: most calls are counted, and none is missing
capture, truth, status = live.record_slowly("slow.kymo", "-e", "syscalls", "--buffer", "64K", command=[CALLS, "-s", "2", "-r", str(ROUNDS), "-t", "3", "-c"], work_s=0.1)
database = live.database(capture)
stored, counted, lost = check_identity(database, capture, "slow")
print(f"slow: {truth['getppid'] * 4 // 3} calls of threads, {len(truth['children'])} children; {stored} stored, {counted} counted, {lost} lost")
live.check(counted > 0 and stored > 0, f"slow: {counted} counted, {stored} stored: the test is too weak")
check_status(database, lost, status, "slow")
check_rows(database, "slow")
check_truth(database, truth, lost, "slow")
live.check(stored + counted + lost >= 3 * 16 * ROUNDS, "slow: fewer calls than were made")

# the recorder changes its mind all the time: each call is stored or counted, none is both
recorder, capture = live.start_recorder("modes.kymo", "-e", "syscalls", command=[CALLS, "-s", "2", "-r", str(ROUNDS), "-t", "2", "-c"])
words, changes = control_words.ControlWords(recorder.pid), 0
while recorder.poll() is None:
    changes += 1
    words.set("class_mode", control_words.COUNTS if changes % 2 else control_words.SINGLE, control_words.SYSCALLS)
    time.sleep(0.001)
truth, status = live.truth(recorder.communicate(timeout=live.HANGS_S)[0].decode()), recorder.returncode
database = live.database(capture)
stored, counted, lost = check_identity(database, capture, "modes")
print(f"modes: {changes} changes; {stored} stored, {counted} counted, {lost} lost")
live.check(changes > 10 and min(stored, counted) > 0, "modes: the test is too weak")
check_status(database, lost, status, "modes")
check_rows(database, "modes")
check_truth(database, truth, lost, "modes")

# 4 KiB and a million calls (D1)
capture, out, status, _ = live.record("million.kymo", "-e", "syscalls", "--buffer", "4K", "--drain", "500ms", command=[CALLS, "-t", "2", "-r", "32000"])
database = live.database(capture)
truth = live.truth(out)
stored, counted, lost = check_identity(database, capture, "million")
print(f"million: {stored} stored, {counted} counted, {lost} lost")
live.check(counted > 0 and stored + counted + lost >= 1000000, "million: the test is too weak")
check_status(database, lost, status, "million")
check_rows(database, "million")
check_truth(database, truth, lost, "million")

# more kinds of calls than the table has slots: what finds none is lost, and said to be
numbers = 50000
capture, truth, status = live.record_slowly("table.kymo", "-e", "syscalls", "--buffer", "4K", command=[CALLS, "-s", "1", "-t", "1", "-n", str(numbers)], pause_s=0.4)
database = live.database(capture)
stored, counted, lost = check_identity(database, capture, "table")
print(f"table: {numbers} numbers; {stored} stored, {counted} counted, {lost} lost")
live.check(lost > 0 and counted > 0, "table: nothing was lost: the test is too weak")
live.check_equal(status, 3, "table: exit status")
check_rows(database, "table")
made = truth["getppid"] * 16 // 12 + numbers
live.check(made <= stored + counted + lost <= made + 300, f"table: {stored} + {counted} + {lost}, made {made}")
live.check_equal(live.one(database, "SELECT sum(lost_count) FROM loss_spans WHERE class = 'syscalls'"), lost, "table: sum of the spans of loss")
print(f"reliability D1: {told['cases']} cases, {live.failure_count()} failed")
live.finish()
