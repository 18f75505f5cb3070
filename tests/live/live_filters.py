#!/usr/bin/env python3
"""Filters keep what they say and nothing else; the recorder never records itself."""
import os
import shutil
import subprocess
import time

import live_env as live

CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]


def processes(database, kind="syscall"):
    rows = database.execute(f"SELECT DISTINCT t.tgid FROM {kind} e JOIN task t ON t.id = e.task_id")
    return {row[0] for row in rows}


def noise():
    return live.start([live.WORKLOAD, "--seconds", "20", "--syscalls", "1000000", "--rate", "200"], stdout=subprocess.DEVNULL)


other = noise()

# -p: the process and the children it starts later
parent = live.start(["bash", "-c", "while :; do /bin/true; sleep 0.05; done"])
time.sleep(0.2)
capture, _, _, _ = live.record("pid.kymo", "-d", "1s", "-p", str(parent.pid))
database = live.database(capture)
found = processes(database)
live.check(parent.pid in found, "-p: the process itself")
live.check(len(found) > 5, f"-p: children started while recording: {len(found)} processes")
live.check(other.pid not in found, "-p: no other process")
parents = {row[0] for row in database.execute("SELECT DISTINCT t.tgid FROM task_fork f JOIN task t ON t.id = f.task_id")}
live.check(parents <= {parent.pid} | found, f"-p: forks of {parents}")
parent.kill()

# --comm
capture, _, _, _ = live.record("comm.kymo", "-d", "1s", "--comm", "workload")
database = live.database(capture)
comms = {row[0] for row in database.execute("SELECT DISTINCT t.comm FROM syscall s JOIN task t ON t.id = s.task_id")}
live.check_equal(comms, {"workload"}, "--comm: threads with system calls")
comms = {row[0] for row in database.execute("SELECT DISTINCT t.comm FROM cpu_sample s JOIN task t ON t.id = s.task_id")}
live.check_equal(comms, {"workload"}, "--comm: threads with samples")

# --cgroup
root = next((base for base in CGROUPS if os.path.exists(os.path.join(base, "cgroup.procs")) and
             os.path.exists(os.path.join(base, "cgroup.controllers"))), None)
group = os.path.join(root, f"kymo-test-{os.getpid()}") if root else None
try:
    if group:
        os.mkdir(group)
        member = noise()
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write(str(member.pid))
        capture, _, _, _ = live.record("cgroup.kymo", "-d", "1s", "--cgroup", group)
        live.check_equal(processes(live.database(capture)), {member.pid}, "--cgroup: processes")
        member.kill()
        member.wait()
except PermissionError as error:
    print(f"cgroups cannot be made here: {error}")
finally:
    if group and os.path.isdir(group):
        os.rmdir(group)

# the recorder excludes itself, its writer thread included
recorder, capture = live.start_recorder("self.kymo")
time.sleep(1)
live.stop(recorder)
database = live.database(capture)
for kind in ("syscall", "cpu_sample"):
    live.check(recorder.pid not in processes(database, kind), f"no {kind} rows of the recorder itself")
live.check(other.pid in processes(database), "others are recorded system-wide")
live.check(shutil.which("bash") is not None, "bash")
live.finish()
