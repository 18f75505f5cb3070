#!/usr/bin/env python3
"""Class mem: page faults and sizes of a process that touches so many pages, exact; each fault with its address; tasks that stall at the limit of
their cgroup, and the one that is killed there."""
import json
import os
import subprocess
import sys

import live_env as live

PAGE = os.sysconf("SC_PAGE_SIZE")
PAGES, FEW = 20000, 2000
# Its truth: memory of so many pages, in no larger pieces, each of which it touches once. What it needs of its own memory it has before.
PROGRAM = """
import mmap, sys
page = mmap.PAGESIZE
pages = int(sys.argv[1])
memory = mmap.mmap(-1, pages * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
if hasattr(mmap, "MADV_NOHUGEPAGE"):
    memory.madvise(mmap.MADV_NOHUGEPAGE)
print("ready", flush=True)
for line in sys.stdin:
    for at in range(0, pages * page, page):
        memory[at] = 1
    print("done", flush=True)
"""
# Takes more and more, and says so.
EATER = """
import os, sys
sys.stdin.readline()
taken = []
while True:
    taken.append(bytearray(os.urandom(1 << 20)))
"""


def start(pages):
    workload = live.start([sys.executable, "-c", PROGRAM, str(pages)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    live.check_equal(workload.stdout.readline(), "ready\n", "the workload, before it is recorded")
    return workload


def touch(workload):
    workload.stdin.write("\n")
    workload.stdin.flush()
    live.check_equal(workload.stdout.readline(), "done\n", "the workload's answer")


def faults_of(pid):
    """-> minor and major page faults that the kernel counts of a process"""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[7]), int(fields[9])


def sizes_of(pid):
    """-> bytes of each kind"""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    return {name: int(fields[key].split()[0]) * 1024 for name, key in
            (("anon_bytes", "RssAnon"), ("file_bytes", "RssFile"), ("shmem_bytes", "RssShmem"), ("swap_bytes", "VmSwap"))}


def asked(source, *options):
    done = subprocess.run([live.KYMO, "mem", "--json", *options, source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def sums(database):
    """-> what was lost of the class"""
    row = database.execute("SELECT sum(attempted_count) AS attempted, sum(stored_count) AS stored, sum(counted_count) AS counted, sum(lost_count) AS lost "
                           "FROM class_totals WHERE class = 'mem'").fetchone()
    live.check_equal(row["attempted"], row["stored"] + row["counted"] + row["lost"], "attempted = stored + counted + lost")
    live.check_equal(row["stored"], sum(live.one(database, f"SELECT count(*) FROM {table}") for table in ("fault", "rss", "oom_kill", "mem_stall")),
                     "rows that are stored")
    return row["lost"]


def has_sizes(database):
    """Does this kernel let the recorder ask?"""
    return live.one(database, "SELECT count(*) FROM probe WHERE name LIKE 'iter/ksym%' AND attached") > 0


def known_pages():
    """So many faults, and so much more memory: in the sums, exactly; in what is sampled, about."""
    workload = start(PAGES)
    recorder, capture = live.start_recorder("mem.kymo", "-e", "mem")
    # Beside the sizes at the start, which are taken as the recorder gets to it: sizes at the end
    before = faults_of(workload.pid)
    touch(workload)
    after, sizes = faults_of(workload.pid), sizes_of(workload.pid)
    live.stop(recorder)
    live.check(after[0] - before[0] >= PAGES, f"the workload had {after[0] - before[0]} page faults")
    database = live.database(capture)
    lost = sums(database)
    total = database.execute("SELECT total(minor_count) AS minor, total(major_count) AS major FROM fault_total").fetchone()
    live.check(total["minor"] >= after[0] - before[0], f"page faults of the host: {total['minor']}")
    sampled = live.one(database, "SELECT total(period) FROM fault_samples WHERE tgid = ? AND NOT major", workload.pid)
    live.check(lost > 0 or PAGES / 2 < sampled < PAGES * 2, f"faults that the samples stand for: {sampled}")
    live.check(lost > 0 or live.one(database, "SELECT count(*) FROM fault f JOIN task t ON t.id = f.task_id WHERE t.tgid = ? AND f.stack_id <> 0",
                                    workload.pid) > 0, "stacks of faults")
    if not has_sizes(database):
        print("this kernel does not let the recorder ask for sizes")
        return
    last = database.execute("SELECT * FROM rss_samples WHERE tgid = ? ORDER BY time_ns DESC LIMIT 1", (workload.pid,)).fetchone()
    live.check_equal({name: last[name] for name in sizes}, sizes, "its sizes at the end")
    live.check_equal((last["minor_count"], last["major_count"]), after, "its page faults since it began")
    live.check(last["peak_bytes"] >= last["rss_bytes"], "its peak")
    first = database.execute("SELECT * FROM rss_samples WHERE tgid = ? ORDER BY time_ns LIMIT 1", (workload.pid,)).fetchone()
    row = [row for row in asked(capture, "-p", str(workload.pid))["mem_by_process"] if row["tgid"] == workload.pid][0]
    live.check_equal(row["faults"], last["minor_count"] + last["major_count"] - first["minor_count"] - first["major_count"], "its page faults that kymo mem tells")
    live.check_equal((row["rss_bytes"], row["grown_bytes"]), (last["rss_bytes"], last["rss_bytes"] - first["rss_bytes"]), "its sizes that kymo mem tells")
    report = asked(capture)
    live.check_equal((report["minor_faults"], report["major_faults"]), (int(total["minor"]), int(total["major"])), "page faults that kymo mem tells")
    recorded = live.one(database, "SELECT count(DISTINCT tgid) FROM rss_samples WHERE tgid = ?", os.getpid())
    live.check_equal(recorded, 1, "other processes are there, too")
    workload.kill()


def every_fault():
    """With a period of 1 each fault is stored with its address."""
    workload = start(FEW)
    recorder, capture = live.start_recorder("faults.kymo", "-e", "mem", "--faults", "1", "--stacks", "none", "-p", str(workload.pid))
    touch(workload)
    with open(f"/proc/{workload.pid}/maps", encoding="ascii", errors="replace") as maps:
        areas = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in maps]
    live.stop(recorder)
    database = live.database(capture)
    lost = sums(database)
    found = {row["address"] // PAGE * PAGE for row in database.execute("SELECT address FROM fault_samples WHERE tgid = ?", (workload.pid,))}
    most = max(sum(1 for address in found if begin <= address < end) for begin, end in areas)
    live.check(FEW - lost <= most <= FEW + PAGES // 10, f"pages of its memory that were seen to be touched: {most} of {FEW}, {lost} lost")
    live.check_equal(live.one(database, "SELECT count(*) FROM fault WHERE period <> 1"), 0, "faults that stand for others")
    live.check_equal(live.one(database, "SELECT count(*) FROM fault_samples WHERE tgid IS NOT ?", workload.pid), 0, "faults of others, under -p")
    live.check_equal(live.one(database, "SELECT count(*) FROM rss_samples WHERE tgid IS NOT ?", workload.pid), 0, "sizes of others, under -p")
    workload.kill()


def processes_that_end():
    """A process that lives for a moment is seen at its end."""
    capture, _, _, _ = live.record("ends.kymo", "-e", "mem", command=["sh", "-c", "true & wait; echo"])
    database = live.database(capture)
    sums(database)
    if not live.one(database, "SELECT count(*) FROM probe WHERE name LIKE 'sched_process_exit%sizes%' AND attached"):
        print("this kernel does not tell of the sizes of processes that end")
        return
    ended = [row["process"] for row in database.execute("SELECT process FROM rss_samples WHERE ended AND minor_count > 0")]
    live.check("sh" in ended, f"processes that ended: {ended}")
    live.check_equal(live.one(database, "SELECT count(*) FROM mem_processes WHERE ended AND grown_bytes IS NOT NULL"), 0, "growth of processes that are gone")


LIMITS = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]


def memory_group():
    """-> (a memory cgroup of our own, its file of the limit); or the test is skipped"""
    for place, limit in LIMITS:
        group = os.path.join(place, f"kymo-mem-{os.getpid()}")
        try:
            os.mkdir(group)
        except OSError:
            continue
        if os.path.exists(os.path.join(group, limit)):
            return group, os.path.join(group, limit)
        os.rmdir(group)
    live.kymo_env.skip("no memory cgroup can be made here")
    return None


def limit_of_a_cgroup():
    """Whoever has reached the limit of his cgroup frees memory himself; then one is killed."""
    group, limit = memory_group()
    try:
        with open(limit, "w", encoding="ascii") as file:
            file.write(str(48 << 20))
        eater = live.start([sys.executable, "-c", EATER], stdin=subprocess.PIPE, text=True)
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(eater.pid))
        recorder, capture = live.start_recorder("oom.kymo", "-e", "mem")
        eater.stdin.write("\n")
        eater.stdin.flush()
        live.check_equal(eater.wait(timeout=live.HANGS_S), -9, "the eater's end")
        live.stop(recorder)
    finally:
        live.until(lambda: not open(os.path.join(group, "cgroup.procs"), encoding="ascii").read(), "an empty cgroup")
        os.rmdir(group)
    database = live.database(capture)
    sums(database)
    if live.one(database, "SELECT count(*) FROM probe WHERE name = 'mark_victim' AND attached"):
        kills = database.execute("SELECT * FROM oom_kills WHERE tgid = ?", (eater.pid,)).fetchall()
        live.check_equal(len(kills), 1, "OOM kills of it")
        live.check(all(20 << 20 < kill["rss_bytes"] < 80 << 20 for kill in kills), "its size then")
        live.check_equal([kill["wanted_by_tgid"] for kill in kills], [eater.pid], "who wanted memory")
    stalls = database.execute("SELECT * FROM mem_stalls WHERE tgid = ? AND stall = 'cgroup'", (eater.pid,)).fetchall()
    live.check(stalls, "stalls at the limit")
    live.check(all(row["duration_ns"] > 0 and row["stack_id"] for row in stalls), "their durations and stacks")
    report = asked(capture)
    live.check_equal(report["oom_killed"], len(report["oom_kills"]), "OOM kills that kymo mem tells")
    live.check_equal(sum(row["stalls"] for row in report["mem_stalls_by_process"]), report["stalls"], "stalls that kymo mem tells")


live.run_parts({"pages": known_pages, "every": every_fault, "ends": processes_that_end}, {"oom": limit_of_a_cgroup})
