#!/usr/bin/env python3
"""Filters keep what they say and nothing else; the recorder never records itself."""
import os
import subprocess

import live_env as live

CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
CHILDREN = 20


def processes(database, kind="syscall"):
    rows = database.execute(f"SELECT DISTINCT t.tgid FROM {kind} e JOIN task t ON t.id = e.task_id")
    return {row[0] for row in rows}


def noise():
    return live.start([live.WORKLOAD, "--seconds", "100000", "--syscalls", "1000000", "--rate", "200"], stdout=subprocess.DEVNULL)


def by_pid():
    """The process and the children it starts later"""
    other = noise()
    parent = live.start(["bash", "-c", f"read; for i in {{1..{CHILDREN}}}; do /bin/true; done; exec sleep 100000"], stdin=subprocess.PIPE)
    recorder, capture = live.start_recorder("pid.kymo", "-p", str(parent.pid))
    parent.stdin.write(b"\n")
    parent.stdin.flush()
    live.until(lambda: sleeps(parent.pid), "all children have run")
    live.stop(recorder)
    database = live.database(capture)
    found = processes(database)
    live.check(parent.pid in found, "-p: the process itself")
    children = {row[0] for row in database.execute("SELECT child_tgid FROM task_fork f JOIN task t ON t.id = f.task_id WHERE t.tgid = ?", (parent.pid,))}
    live.check_equal(len(children), CHILDREN, "-p: children forked while recording")
    if live.not_single(database) == 0:
        live.check_equal(children - found, set(), "-p: children without system calls")
    live.check_equal(found - children - {parent.pid}, set(), "-p: other processes")
    parents = {row[0] for row in database.execute("SELECT DISTINCT t.tgid FROM task_fork f JOIN task t ON t.id = f.task_id")}
    live.check(parents <= {parent.pid} | found, f"-p: forks of {parents}")
    parent.kill()
    other.kill()


def sleeps(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
        return comm.read() == "sleep\n"


def both(query, *names):
    """Asks recordings until there is an answer."""
    for seconds in live.attempts():
        capture, _, _, _ = live.record(names[0], "-f", "-d", f"{seconds}s", *names[1:])
        database = live.database(capture)
        found = [{row[0] for row in database.execute(text)} for text in query]
        if all(found):
            break
    return found


def by_comm():
    other = noise()
    busy = live.start([live.WORKLOAD, "--seconds", "100000", "--cpu-only"], stdout=subprocess.DEVNULL)
    calls, samples = both(["SELECT DISTINCT t.comm FROM syscall s JOIN task t ON t.id = s.task_id",
                           "SELECT DISTINCT t.comm FROM cpu_sample s JOIN task t ON t.id = s.task_id"], "comm.kymo", "--comm", "workload")
    live.check_equal(calls, {"workload"}, "--comm: threads with system calls")
    live.check_equal(samples, {"workload"}, "--comm: threads with samples")
    busy.kill()
    other.kill()


def by_cgroup():
    root = next((base for base in CGROUPS if os.path.exists(os.path.join(base, "cgroup.procs")) and
                 os.path.exists(os.path.join(base, "cgroup.controllers"))), None)
    if not root:
        live.kymo_env.skip("there is no cgroup2 here")
    group = os.path.join(root, f"kymo-test-{os.getpid()}")
    below = os.path.join(group, "below")
    try:
        os.makedirs(below)
    except OSError as error:
        live.kymo_env.skip(f"cgroups cannot be made here: {error}")
    other, members = noise(), [noise(), noise()]
    try:
        for member, place in zip(members, (group, below)):
            with open(os.path.join(place, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write(str(member.pid))
        for seconds in live.attempts():
            capture, _, _, _ = live.record("cgroup.kymo", "-f", "-d", f"{seconds}s", "--cgroup", group)
            found = processes(live.database(capture))
            if len(found) >= 2:
                break
        live.check_equal(found, {member.pid for member in members}, "--cgroup: processes in it and below it")
    finally:
        for member in members + [other]:
            member.kill()
            member.wait()
        live.until(lambda: not any(open(os.path.join(place, "cgroup.procs"), encoding="ascii").read() for place in (group, below)), "the cgroup is empty")
        os.rmdir(below)
        os.rmdir(group)


def not_itself():
    """The recorder excludes itself, its writer thread included."""
    other = noise()
    recorder, capture = live.start_recorder("self.kymo")
    live.until(lambda: other.pid in processes(live.database(copy_of(capture))), "others are recorded system-wide")
    live.stop(recorder)
    database = live.database(capture)
    for kind in ("syscall", "cpu_sample"):
        live.check(recorder.pid not in processes(database, kind), f"no {kind} rows of the recorder itself")
    other.kill()


def copy_of(capture):
    """What is there of it so far"""
    copy = live.path("so-far.kymo")
    for path in (copy, copy + ".db"):
        if os.path.exists(path):
            os.unlink(path)
    with open(capture, "rb") as source, open(copy, "wb") as target:
        target.write(source.read())
    return copy


live.run_parts({"pid": by_pid, "comm": by_comm, "itself": not_itself}, {"cgroup": by_cgroup})
