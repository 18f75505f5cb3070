#!/usr/bin/env python3
"""Returns whose entry was not seen, and entries that never return (D12): counted, and never given a duration; while calls are stored one
by one and while they are only counted."""
import control_words
import live_env as live

SLEEPERS = 5
SLEEPS = "names.name = 'clock_nanosleep' AND t.tgid"
cases = failed = 0


def case(good, text):
    global cases, failed
    cases += 1
    failed += not live.check(good, text)


def sleeping(pid):
    with open(f"/proc/{pid}/wchan", encoding="ascii") as where, open(f"/proc/{pid}/comm", encoding="ascii") as comm:
        return comm.read() == "sleep\n" and "nanosleep" in where.read()


def rows_of(database, table, pid):
    return database.execute(f"SELECT s.flags FROM {table} s JOIN task t ON t.id = s.task_id JOIN syscall_name names ON names.sysno = s.sysno "
                            f"WHERE {SLEEPS} = ?", (pid,)).fetchall()


for mode, what in ((control_words.SINGLE, "stored"), (control_words.COUNTS, "counted")):
    for seconds in live.attempts():  # asleep before the recording, awake within it: again, and longer, where that came too late
        early = [live.start(["sleep", str(2 * seconds)]) for _ in range(SLEEPERS)]
        live.until(lambda: all(sleeping(child.pid) for child in early), "they sleep")
        recorder, capture = live.start_recorder(f"{what}.kymo", "-f", "-e", "syscalls")
        if all(child.poll() is None for child in early):
            break
        live.stop(recorder)
    control_words.ControlWords(recorder.pid).set("class_mode", mode, control_words.SYSCALLS)
    late = [live.start(["sleep", "100000"]) for _ in range(SLEEPERS)]
    live.until(lambda: all(sleeping(child.pid) for child in late), "the others sleep")
    for sleeper in early:
        sleeper.wait(timeout=live.HANGS_S)
    live.stop(recorder)
    for sleeper in late:
        sleeper.kill()
    database = live.database(capture)
    for sleeper in early:
        pid = sleeper.pid
        case(not rows_of(database, "syscall", pid) and not rows_of(database, "syscall_count", pid), f"{what}: a return without entry became a call")
        ended = live.one(database, "SELECT sum(n) FROM (SELECT count(*) n FROM syscall s JOIN task t ON t.id = s.task_id WHERE t.tgid = ?1 AND s.flags & 4 "
                         "UNION ALL SELECT sum(call_count) FROM syscall_count s JOIN task t ON t.id = s.task_id WHERE t.tgid = ?1 AND s.flags & 4)", pid)
        case(ended == 1, f"{what}: {ended} calls ended the process, 1 did")
    unmatched = live.one(database, "SELECT sum(n) FROM (SELECT max(unmatched_count) n FROM class_total WHERE event_class = 1 GROUP BY cpu)")
    case(unmatched >= SLEEPERS, f"{what}: {unmatched} returns without entry, at least {SLEEPERS} were made")
    for sleeper in late:
        pid = sleeper.pid
        flags = [row["flags"] & 3 for row in rows_of(database, "syscall", pid)]
        case(flags == [1], f"{what}: the call that hangs: flags {flags}, one unfinished expected")
        case(not rows_of(database, "syscall_count", pid), f"{what}: a call that hangs was counted as one that returned")
        told = database.execute("SELECT began FROM syscalls_in_flight WHERE tgid = ? AND name = 'clock_nanosleep'", (pid,)).fetchall()
        case([row["began"] for row in told] == ["began while recording"], f"{what}: in flight: {[row['began'] for row in told]}")
        summary = database.execute(f"SELECT finished, unfinished, max_ns, p50_ns FROM syscall_process_summary s JOIN process p ON p.id = s.process_id "
                                   f"JOIN syscall_name names ON names.sysno = s.sysno WHERE names.name = 'clock_nanosleep' AND p.tgid = ?", (pid,)).fetchall()
        case([tuple(row) for row in summary] == [(0, 1, None, None)], f"{what}: summary of a call that hangs: {[tuple(row) for row in summary]}")
    for row in database.execute("SELECT cpu, max(time_ns), attempted_count a, stored_count + ifnull(counted_count, 0) + lost_count s FROM class_total "
                                "WHERE event_class = 1 GROUP BY cpu"):
        case(row["a"] == row["s"], f"{what}: CPU {row['cpu']}: {row['a']} attempted, {row['s']} accounted for")
print(f"reliability D12: {cases} cases, {failed} failed")
live.finish()
