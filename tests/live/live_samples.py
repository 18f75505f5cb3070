#!/usr/bin/env python3
"""CPU samples name the system call in which they were taken: of a program that is in two calls all the time, and of one that is in none."""
import json
import subprocess

import live_env as live

CALLER = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000000", "status=none"]
SPINNER = ["sh", "-c", "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done"]


def samples(name, command):
    """-> (database, capture, {(call or None, in the kernel?): samples} of the command's name)"""
    capture, _, _, _ = live.record(name, "-e", "cpu", "-F", "499", command=command)
    database = live.database(capture)
    rows = database.execute("SELECT name, in_kernel, count(*) FROM sample_calls WHERE comm = ? GROUP BY 1, 2", (command[0],))
    return database, capture, {(row[0], row[1]): row[2] for row in rows}


def check_numbers(database, what):
    """Nobody is in a call that does not exist, nor in one while the CPU was in user mode."""
    live.check_equal(live.one(database, "SELECT count(*) FROM sample_calls WHERE name LIKE 'syscall\\_%' ESCAPE '\\'"), 0, f"{what}: numbers of no call")
    live.check_equal(live.one(database, "SELECT count(*) FROM sample_calls WHERE name IS NOT NULL AND NOT in_kernel"), 0, f"{what}: calls in user mode")


database, capture, found = samples("caller.kymo", CALLER)
check_numbers(database, "caller")
for call in ("read", "write"):
    live.check(found.get((call, 1), 0) > 0, f"caller: no sample in {call}: {found}")
in_kernel = sum(count for (_, kernel), count in found.items() if kernel)
in_call = sum(count for (call, kernel), count in found.items() if kernel and call)
live.check(in_call * 2 > in_kernel, f"caller: {in_call} of {in_kernel} samples in the kernel name a call")
told = json.loads(subprocess.run([live.KYMO, "syscalls", "--on-cpu", "--json", capture], capture_output=True, text=True, check=True).stdout)
view = {row["name"]: row["samples"] for row in database.execute("SELECT * FROM syscall_sampled")}
live.check_equal({row["name"]: row["samples"] for row in told["syscall_sampled"]}, view, "kymo syscalls --on-cpu")
live.check(view.get("read", 0) > 0, f"syscall_sampled: {view}")

database, _, found = samples("spinner.kymo", SPINNER)
check_numbers(database, "spinner")
live.check(found.get((None, 0), 0) > 0, f"spinner: no sample in user mode: {found}")
live.finish()
