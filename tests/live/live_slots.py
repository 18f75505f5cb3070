#!/usr/bin/env python3
"""Threads whose ids lie a multiple of the number of slots apart share the place in which the entry of a call waits: their calls are recorded
like any others, while both make calls, when one ended, and by a thread that replaces the program."""
import os
import sys

import live_env as live

SLOTS = 16384  # the most there are (recorder/live/live_settings.c)
CALLS = 20000
LAST_PID = "/proc/sys/kernel/ns_last_pid"
# Forks children with the given ids (the kernel gives the next id after the one written), each of which calls getppid CALLS times when all are
# there; prints how often, by id.
PROGRAM = f"""
import ctypes, json, os, sys
libc = ctypes.CDLL(None)
made = []
begin_read, begin_write = os.pipe()
for wanted in map(int, sys.argv[1:]):
    with open("{LAST_PID}", "w") as file:
        file.write(str(wanted - 1))
    pid = os.fork()
    if pid == 0:
        os.close(begin_write)
        os.read(begin_read, 1)
        for _ in range({CALLS}):
            libc.getppid()
        os._exit(0)
    made.append(pid)
os.close(begin_write)
for pid in made:
    os.waitpid(pid, 0)
print(json.dumps({{"pid": os.getpid(), "made": made}}), flush=True)
"""
# A thread that replaces the program: the return has the id of the process.
REPLACER = """
import ctypes, threading
libc = ctypes.CDLL(None)
def replace():
    libc.getpgid(0)
    libc.execv(b"/bin/true", (ctypes.c_char_p * 2)(b"true", None))
threading.Thread(target=replace).start()
threading.Event().wait()
"""


def free_pair():
    """Two ids that are SLOTS apart and that nobody has"""
    return next(pid for pid in range(5000, SLOTS) if not any(os.path.exists(f"/proc/{id_}") for id_ in (pid, pid + SLOTS)))


if not os.access(LAST_PID, os.W_OK):
    print(f"skipped: no {LAST_PID}: ids cannot be chosen")
    sys.exit(77)
with open("/proc/sys/kernel/pid_max", encoding="ascii") as limit:
    if int(limit.read()) <= 2 * SLOTS - 1:
        print("skipped: each id has a slot of its own")
        sys.exit(77)

for attempt in live.attempts():  # somebody else may get an id first
    first = free_pair()
    capture, out, _, _ = live.record("slots.kymo", "-f", "-e", "syscalls,sched",
                                     command=[sys.executable, "-c", PROGRAM, str(first), str(first + SLOTS)])
    made = live.truth(out)["made"]
    if len({pid % SLOTS for pid in made}) == 1:
        break
live.check_equal(len({pid % SLOTS for pid in made}), 1, f"ids that share a slot: {made}")
database = live.database(capture)
live.check_equal(live.lost(database), 0, "calls lost")
for pid in made:
    calls = dict(database.execute("SELECT name, sum(calls) FROM syscalls_by_process WHERE tgid = ? GROUP BY name", (pid,)).fetchall())
    live.check_equal((calls.get("getppid"), calls.get("exit_group"), calls.get("read")), (CALLS, 1, 1), f"calls of {pid}")

capture, _, _, _ = live.record("replaced.kymo", "-e", "syscalls,sched", command=[sys.executable, "-c", REPLACER])
database = live.database(capture)
replaced = database.execute("SELECT c.duration_ns, c.tid, c.tgid FROM syscall_calls c WHERE c.name = 'execve' AND c.error = 0 AND c.comm = 'true'").fetchall()
live.check_equal([row["tid"] == row["tgid"] for row in replaced], [True], "a program replaced by a thread")
live.finish()
