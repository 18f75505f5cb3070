#!/usr/bin/env python3
"""Kinds of waits of real programs: what each call waits for, and a pool of threads that waits for work in futex, told from threads that hand on a lock."""
import json
import os
import subprocess
import sys

import live_env as live

# Five threads wait on a semaphore, which the main thread posts now and then; one waits in epoll, one for a child, one for a pipe.
POOL = """
import ctypes, os, select, threading
libc = ctypes.CDLL(None)
work = ctypes.create_string_buffer(64)
libc.sem_init(work, 0, 0)

def worker():
    while True:
        libc.sem_wait(work)

def poller():
    while True:
        select.epoll().poll(0.05)

def parent():
    while True:
        os.waitpid(os.posix_spawn("/bin/sleep", ["sleep", "0.05"], {}), 0)

def reader():
    while True:
        os.read(pipe[0], 1)

pipe = os.pipe()
threads = [threading.Thread(target=run, daemon=True) for run in [worker] * 5 + [poller, parent, reader]]
for thread in threads:
    thread.start()
print("waits", *(thread.native_id for thread in threads[:5]), flush=True)
input()
for _ in range(10):
    libc.usleep(50000)
    libc.sem_post(work)
    os.write(pipe[1], b"x")
print("done", flush=True)
input()
os._exit(0)
"""
# Four threads, each of which holds the lock for 20 ms and then leaves it to the others. (Who locks again at once has it before one that is woken runs.)
LOCK = """
import ctypes, os, threading
libc = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)

def worker():
    while True:
        libc.pthread_mutex_lock(mutex)
        libc.usleep(20000)
        libc.pthread_mutex_unlock(mutex)
        libc.usleep(5000)

for _ in range(4):
    threading.Thread(target=worker, daemon=True).start()
print("waits", flush=True)
input()
print("done", flush=True)
input()
os._exit(0)
"""


def begin(program):
    """-> a workload that waits to be told to go on, and the threads that it names"""
    workload = live.start([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = workload.stdout.readline().split()
    live.check_equal(said[:1], ["waits"], "the workload, before it is recorded")
    return workload, {int(word) for word in said[1:]}


def go_on(workload):
    workload.stdin.write("\n")
    workload.stdin.flush()
    live.check_equal(workload.stdout.readline(), "done\n", "the workload")


def ask(command, source, *arguments):
    """-> what `kymo COMMAND` says, as JSON"""
    done = subprocess.run([live.KYMO, command, "--json", *arguments, source], capture_output=True, text=True, check=False)
    live.check(done.returncode == 0, f"kymo {command} {source}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


def kinds(pid, name, tids=None):
    """-> the kinds of all waits of 10 ms and more in this call"""
    return {row["wait_kind"] for row in waits if row["tgid"] == pid and row["name"] == name and row["reason"] == "sleep" and row["duration_ns"] >= 10000000
            and (not tids or row["tid"] in tids)}


(pool, workers), (lock, _) = begin(POOL), begin(LOCK)
recorder, capture = live.start_recorder("kinds.kymo", "-e", "sched", "--cpu-budget", "none")
go_on(pool)
go_on(lock)
live.stop(recorder)

waits = ask("offcpu", capture, "--slow", "--all")["slow_waits"]
live.check_equal(len(workers), 5, "threads of the pool")
live.check_equal(kinds(pool.pid, "futex", workers), {"idle"}, "a pool of threads, by what wakes them")
live.check_equal(kinds(lock.pid, "futex"), {"lock"}, "threads that hand on a lock")
live.check_equal(kinds(pool.pid, "epoll_wait"), {"idle"}, "epoll_wait")
live.check_equal(kinds(pool.pid, "wait4"), {"child"}, "wait4")
live.check_equal(kinds(pool.pid, "read"), {"peer"}, "read of a pipe")
live.check_equal(kinds(lock.pid, "clock_nanosleep"), {"timer"}, "a sleep")

# Shares are of what does not wait for work; a capture and a database of it say the same, also where who woke whom was summed up as it was read.
rows = [row for row in ask("offcpu", capture)["offcpu_waits"] if row["comm"].startswith("python")]
live.check(all((row["share_percent"] is None) == (row["wait_kind"] == "idle") for row in rows), f"shares of {rows}")
database = live.path("kinds.db")
done = subprocess.run([live.KYMO, "import", "-q", "--no-symbols", "-f", capture, "-o", database], check=False)
live.check_equal(done.returncode, 0, "kymo import")
for command, options in (("summary", ["--no-symbols"]), ("offcpu", ["--all"]), ("offcpu", ["--chain"])):
    live.check(ask(command, capture, *options) == ask(command, database, *options), f"kymo {command} says of the database what it says of the capture")
os.unlink(capture)
live.finish()
