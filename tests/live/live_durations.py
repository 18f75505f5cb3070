#!/usr/bin/env python3
"""--durations blocked: calls and errors are the same as with entries, to the event; durations are the time off the CPU, and are said to be
no more than that; calls that hang or never return are there."""
import os
import subprocess
import time

import control_words
import live_env as live

CALLS = os.path.join(os.environ["KYMO_BUILD"], "live", "known_calls")
BLOCKED = ["-e", "syscalls,sched", "--durations", "blocked"]
EXACT = ["-e", "syscalls,sched", "--durations", "exact"]
SIGNALS = ["sh", "-c", "trap : USR1; for i in 1 2 3; do kill -USR1 $$; done; (exit 3); exec true"]
UNFINISHED, ENTRY_UNKNOWN, NO_RETURN, ENTRY_LEFT_OUT = 1, 2, 4, 32


def calls_of(database, pid):
    """{system call: (calls, errors, unfinished)} of a process, stored or counted, under all its names"""
    rows = database.execute("SELECT name, sum(calls), sum(errors), sum(unfinished) FROM syscalls_by_process WHERE tgid = ? GROUP BY name", (pid,))
    return {row[0]: tuple(row)[1:] for row in rows}


def check_identity(database, what):
    for row in database.execute("SELECT cpu, max(time_ns), attempted_count a, stored_count s, ifnull(counted_count, 0) c, lost_count l FROM class_total "
                                "WHERE event_class = 1 GROUP BY cpu"):
        live.check(row["a"] == row["s"] + row["c"] + row["l"], f"{what}: CPU {row['cpu']}: {row['a']} attempted, {row['s']} + {row['c']} + {row['l']}")


def check_flags(database, what):
    """Each call says that its duration is the time off the CPU, whether stored or counted."""
    bad = live.one(database, "SELECT count(*) FROM syscall WHERE flags & 34 <> 34")
    live.check_equal(bad, 0, f"{what}: calls that do not say how their duration is meant")
    bad = live.one(database, "SELECT count(*) FROM syscall_count WHERE flags & 2 = 0")
    live.check_equal(bad, 0, f"{what}: the same of counted ones")
    bad = live.one(database, "SELECT count(*) FROM syscalls WHERE calls > unfinished AND durations IS NOT 'blocked'")
    live.check_equal(bad, 0, f"{what}: rows of `syscalls` that do not")


def without_start(calls):
    """The command waits for the recording in a read, which returns in it: only where entries are not recorded is that a call"""
    count, *others = calls["read"]
    return {**calls, "read": (count - 1, *others)}


def known(name, mode):
    """-> {system call: ...} of the process that makes known calls, the same of each of its children, its truth"""
    capture, out, _, _ = live.record(name, *mode, command=[CALLS, "-s", "0.5", "-r", "2000", "-t", "2", "-c"])
    database, truth = live.database(capture), live.truth(out)
    check_identity(database, name)
    if mode is BLOCKED:
        check_flags(database, name)
    children = {pid: calls_of(database, pid) for pid in set(truth["children"])}
    return calls_of(database, truth["pid"]), children, truth, live.lost(database)


def counts():
    """Threads, children and errors: the same counts in both modes."""
    exact, exact_children, _, exact_lost = known("exact.kymo", EXACT)
    blocked, children, truth, lost = known("blocked.kymo", BLOCKED)
    live.check_equal((exact_lost, lost), (0, 0), "counts: calls lost")
    born = len(truth["children"])
    for name, key, errors in (("getppid", "getppid", 0), ("getuid", "getuid", 0), ("getpgid", "getpgid_failed", 1)):
        live.check_equal(blocked.get(name), (truth[key], truth[key] * errors, 0), f"counts: {name}")
    for name in ("clone", "wait4"):
        live.check_equal(blocked.get(name), (born, 0, 0), f"counts: {name}, one for each child")
    # what a program does once at its start and its end; the rest depends on how many children were born and how threads met
    once = ("execve", "openat", "close", "read", "pread64", "newfstatat", "access", "arch_prctl", "set_tid_address", "prlimit64", "clone3", "exit_group")
    found = without_start(blocked)
    differ = {name: (exact.get(name), found.get(name)) for name in once if exact.get(name) != found.get(name)}
    live.check(not differ, f"counts: with entries, and without: {differ}")
    live.check(sum(name in found for name in once) > 8, f"counts: calls at the start: {sorted(found)}")
    kinds = {tuple(sorted(calls.items())) for calls in exact_children.values()}
    live.check_equal({tuple(sorted(calls.items())) for calls in children.values()}, kinds, "counts: calls of a child")


def signals():
    """Handlers return by a call whose number the kernel forgets; a program that is replaced and one that forks."""
    found = {}
    for mode in (EXACT, BLOCKED):
        capture, _, _, _ = live.record(mode[-1] + "-signals.kymo", *mode, command=SIGNALS)
        database = live.database(capture)
        rows = database.execute("SELECT name, sum(calls), sum(errors), sum(unfinished) FROM syscalls GROUP BY name")
        found[mode[-1]] = {row[0]: tuple(row)[1:] for row in rows}
    live.check_equal(found["blocked"].get("rt_sigreturn", (0,))[0], 4, "signals: handlers that returned")
    live.check_equal(without_start(found["blocked"]), found["exact"], "signals: all calls")


def small_ring():
    """Counted where there is no room, and while only counts are wanted: none is missing."""
    recorder, capture = live.start_recorder("ring.kymo", *BLOCKED, "--buffer", "16K", command=[CALLS, "-s", "1", "-r", "8000", "-t", "2", "-c"])
    words, changes = control_words.ControlWords(recorder.pid), 0
    while recorder.poll() is None:
        changes += 1
        words.set("class_mode", control_words.COUNTS if changes % 2 else control_words.SINGLE, control_words.SYSCALLS)
        time.sleep(0.001)
    truth = live.truth(recorder.communicate(timeout=live.HANGS_S)[0].decode())
    database = live.database(capture)
    check_identity(database, "ring")
    check_flags(database, "ring")
    lost, found = live.lost(database), calls_of(database, truth["pid"])
    live.check(live.one(database, "SELECT sum(counted) FROM syscalls") > 0, "ring: nothing was counted: the test is too weak")
    for name, key in (("getppid", "getppid"), ("getuid", "getuid"), ("getpgid", "getpgid_failed")):
        count = found.get(name, (0,))[0]
        live.check(truth[key] - lost <= count <= truth[key], f"ring: {name}: made {truth[key]}, reported {count}, {lost} lost")


def waits():
    """A call's duration is the time that class sched says its thread was off the CPU in it."""
    capture, _, _, _ = live.record("waits.kymo", *BLOCKED, command=["sh", "-c", "sleep 0.2; sleep 0.3"])
    database = live.database(capture)
    rows = database.execute("SELECT c.tgid, c.duration_ns, c.time_ns, c.ret, c.unfinished, c.durations, (SELECT sum(total_ns) FROM offcpu_parts o WHERE "
                            "o.tgid = c.tgid AND o.name = 'clock_nanosleep') AS waited_ns, (SELECT max(duration_ns) FROM slow_waits w WHERE w.tgid = c.tgid "
                            "AND w.name = 'clock_nanosleep') AS longest_ns FROM syscall_calls c WHERE c.name = 'clock_nanosleep'").fetchall()
    live.check_equal(len(rows), 2, "waits: sleeps")
    for row in rows:
        live.check_equal((row["ret"], row["unfinished"], row["durations"]), (0, 0, "blocked"), "waits: result of a sleep")
        live.check(row["longest_ns"] and row["longest_ns"] <= row["duration_ns"] <= row["waited_ns"],
                   f"waits: took {row['duration_ns']} ns, waited {row['waited_ns']} in all, {row['longest_ns']} at once")
    told = live.info(capture)
    live.check({"key": "syscalls.durations", "value": "blocked"} in [dict(key=row["key"], value=row["value"]) for row in told["meta"]],
               "waits: kymo info does not tell the mode")


def in_flight():
    """A call that hangs, whether since before the recording or not; and the end of a process."""
    before = live.start(["sleep", "100000"])
    live.until(lambda: sleeps(before.pid), "it sleeps")
    recorder, capture = live.start_recorder("flight.kymo", *BLOCKED)
    within = live.start(["sleep", "100000"])
    live.until(lambda: sleeps(within.pid), "the other one sleeps")
    stopped = live.start(["sh", "-c", "kill -STOP $$"])
    live.until(lambda: state_of(stopped.pid) == "T", "it is stopped")
    done = subprocess.run(["true"], check=True)
    live.check_equal(done.returncode, 0, "flight: true")
    live.stop(recorder)
    for child in (before, within, stopped):
        child.kill()
    database = live.database(capture)
    for child, what in ((before, "before"), (within, "within")):
        rows = database.execute("SELECT s.flags, s.duration_ns, f.began FROM syscall s JOIN task t ON t.id = s.task_id JOIN syscalls_in_flight f "
                                "ON f.tid = t.tid AND f.time_ns = s.time_ns WHERE t.tgid = ? AND f.name = 'clock_nanosleep'", (child.pid,)).fetchall()
        live.check_equal([(row["flags"], row["began"]) for row in rows], [(UNFINISHED | ENTRY_UNKNOWN | ENTRY_LEFT_OUT, "entry not recorded")],
                         f"flight: the call that hangs since {what}")
        live.check(rows and rows[0]["duration_ns"] > 0, f"flight: it waited no time: {what}")
    # the call by which it stopped itself has its result, and is not in flight besides
    live.check_equal(live.one(database, "SELECT count(*) FROM syscalls_in_flight WHERE tgid = ?", stopped.pid), 0, "flight: calls of a stopped process")
    live.check_equal(live.one(database, "SELECT count(*) FROM syscall_calls WHERE tgid = ? AND name = 'kill'", stopped.pid), 1, "flight: it stopped itself")
    ends = live.one(database, "SELECT count(*) FROM syscall s JOIN task t ON t.id = s.task_id JOIN syscall_name n ON n.sysno = s.sysno "
                    "WHERE t.comm = 'true' AND n.name = 'exit_group' AND s.flags = ?", NO_RETURN | ENTRY_UNKNOWN | ENTRY_LEFT_OUT)
    live.check_equal(ends, 1, "flight: the end of a process")


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def sleeps(pid):
    with open(f"/proc/{pid}/wchan", encoding="ascii") as where:
        return "nanosleep" in where.read()


def arguments():
    """They are those of the call, also at its return."""
    capture, _, _, _ = live.record("args.kymo", *BLOCKED, "--args", command=["sh", "-c", "exec 7>/dev/null; exec true"])
    database = live.database(capture)
    found = live.one(database, "SELECT count(*) FROM syscall s JOIN syscall_name n ON n.sysno = s.sysno WHERE n.name = 'dup2' AND s.arg1 = 7 AND s.ret = 7")
    live.check_equal(found, 1, "args: dup2(..., 7)")
    unknown = live.one(database, "SELECT count(*) FROM syscall s JOIN syscall_name n ON n.sysno = s.sysno WHERE n.name = 'execve' AND s.error = 0 AND s.flags & 8")
    live.check_equal(unknown, 0, "args: of calls that replaced their program")


def refused():
    for options, text in ((["-e", "syscalls"], "needs class sched"), (["-e", "cpu,sched"], "is about system calls")):
        done = subprocess.run(live.recorder_line(live.path("no.kymo"), *options, "--durations", "blocked", "-d", "1s"), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=live.HANGS_S, check=False)
        live.check_equal(done.returncode, 2, f"refused: {options}: exit status")
        live.check(text in done.stderr, f"refused: {options}: {done.stderr}")


live.run_parts({"counts": counts, "signals": signals, "small_ring": small_ring, "waits": waits, "in_flight": in_flight, "arguments": arguments,
                "refused": refused}, {})
