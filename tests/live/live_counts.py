#!/usr/bin/env python3
"""Every system call of a command is recorded: the counts are the workload's own, call by call."""
import live_env as live


def compare(name, *options, threads, syscalls):
    command = [live.WORKLOAD, "--seconds", "1", "--syscalls", str(syscalls), "--threads", str(threads), "--idle"]
    capture, out, _, _ = live.record(name, *options, command=command)
    truth = live.truth(out)
    database = live.database(capture)
    found = live.calls_of(database, truth["pid"])
    missing_count = live.not_single(database)
    if missing_count == 0:
        for call, count in truth["syscalls"].items():
            live.check_equal(found.get(call, 0), count, f"{name}: calls of {call}")
        missing = live.one(database, "SELECT count(*) FROM syscall_calls WHERE tgid = ? AND name = 'openat' AND "
                           "error_name = 'ENOENT' AND ret = 0", truth["pid"])
        live.check_equal(missing, truth["errors"]["openat"]["ENOENT"], f"{name}: openat with ENOENT")
    else:
        done = sum(truth["syscalls"].values())
        stored = sum(found.get(call, 0) for call in truth["syscalls"])
        live.check(stored <= done <= stored + missing_count, f"{name}: {done} done, {stored} stored, {missing_count} lost or counted")
    live.check_equal(live.one(database, "SELECT count(*) FROM syscall_calls WHERE tgid = ? AND name = 'pread64' AND ret <> 64",
                              truth["pid"]), 0, f"{name}: pread64 with another result")
    live.check_equal(live.one(database, "SELECT count(*) FROM syscall_calls WHERE NOT unfinished AND "
                              "(duration_ns < 0 OR duration_ns > 600e9)"), 0, f"{name}: durations beyond belief")
    live.check_equal(live.one(database, "SELECT count(DISTINCT tid) FROM syscall_calls WHERE tgid = ? AND name = 'getppid'",
                              truth["pid"]), threads, f"{name}: threads")
    for row in database.execute("SELECT * FROM class_totals"):
        live.check(row["attempted_count"] == row["stored_count"] + (row["counted_count"] or 0) + row["lost_count"], f"{name}: {dict(row)}")


compare("command.kymo", "-e", "syscalls", threads=1, syscalls=5000)
compare("threads.kymo", "-e", "syscalls,cpu", threads=4, syscalls=2000)
compare("system-wide.kymo", "-e", "syscalls", "-a", threads=2, syscalls=5000)
compare("arguments.kymo", "-e", "syscalls", "--args", threads=1, syscalls=1000)
live.finish()
