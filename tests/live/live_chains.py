#!/usr/bin/env python3
"""Chains of waits: a token goes from thread to thread, and each chain that is shown names them in this order, with what they waited in."""
import json
import os
import subprocess
import sys

import live_env as live

ROUNDS = 8
# Three threads: the first sleeps 80 ms and passes a token to the second, which passes it to the third at once.
PROGRAM = f"""
import ctypes, os, threading
libc = ctypes.CDLL(None)
pipes = [os.pipe() for _ in range(2)]

def first():
    for _ in range({ROUNDS}):
        libc.usleep(80000)
        os.write(pipes[0][1], b"t")

def second():
    for _ in range({ROUNDS}):
        os.write(pipes[1][1], os.read(pipes[0][0], 1))

def third():
    for _ in range({ROUNDS}):
        os.read(pipes[1][0], 1)

print(os.getpid(), flush=True)
input()
threads = [threading.Thread(target=run) for run in (third, second, first)]
for thread in threads:
    thread.start()
print(*(thread.native_id for thread in threads), flush=True)
for thread in threads:
    thread.join()
print("done", flush=True)
input()
"""


def ask(*arguments):
    """-> what `kymo offcpu` says, as JSON"""
    done = subprocess.run([live.KYMO, "offcpu", "--json", *arguments, capture], capture_output=True, text=True, check=False)
    live.check(done.returncode == 0, f"kymo offcpu {' '.join(arguments)}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout)


workload = live.start([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
pid = int(workload.stdout.readline())
recorder, capture = live.start_recorder("chains.kymo", "-e", "sched", "--cpu-budget", "none")
workload.stdin.write("\n")
workload.stdin.flush()
third, second, first = map(int, workload.stdout.readline().split())
live.check_equal(workload.stdout.readline(), "done\n", "the workload")
live.stop(recorder)

chains = {}
for row in ask("--chain", "-p", str(pid))["wait_chains"]:
    chains.setdefault(row["chain"], []).append(row)
shown = [[(row["tid"], row["name"], row["wait_kind"]) for row in rows] for rows in chains.values()]
token = [(third, "read", "peer"), (second, "read", "peer"), (first, "clock_nanosleep", "timer")]
# a busy machine may hold up a thread for longer than another one sleeps, in some rounds
live.check(token in shown, f"no chain {token} in {shown}")
ends = [rows[-1]["end"] for rows, names in zip(chains.values(), shown) if names == token]
live.check_equal(ends, ["interrupt"], "the end of the chain: a timer")
live.check(all(row["overlap_ns"] <= rows[at - 1]["overlap_ns"] for rows in chains.values() for at, row in enumerate(rows) if at and row["times"] == 1),
           "a wait takes up no more than the one before it has")

# Who woke whom, by thread: the second woke the third in each round, or a longer wait of that is missing.
waits = [row for row in ask("--slow", "-p", str(pid), "--kind", "peer")["slow_waits"] if row["tid"] == third and row["duration_ns"] >= 40000000]
live.check(len(waits) >= 1, "long waits of the third thread")
live.check_equal({row["waker_tid"] for row in waits}, {second}, "who ended them")
os.unlink(capture)
live.finish()
