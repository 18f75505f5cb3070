#!/usr/bin/env python3
"""W7: power is lost. The trace of a recording's writes and syncs says which pages may be missing then; power_loss.c makes such files and
reads them. Also that the trace is as promised: a sync with the first write that ends 5 s after the one before, or after 64 MiB, write-back every 4 MiB, nothing of it in the drain's thread."""
import os
import random
import subprocess
import sys
import time

import faults_env as env

MIB = 1 << 20
BLOCK = 4 * MIB  # at most what comes between two looks
STATES = 20000 if env.FULL else 500
SNAPSHOTS = 12  # of each file system
INNER = "--inner"


def writer_only(trace):
    """The first thread makes the head and the end; in between all calls are the writer's."""
    main = trace[0][6]
    between = [row for row in trace if row[6] != main]
    first, last = trace.index(between[0]), len(trace) - 1 - trace[::-1].index(between[-1])
    strangers = [row for row in trace[first:last + 1] if row[6] == main]
    return env.expect(f"the drain's thread called {strangers[:3]}", not strangers)


def longest(values):
    return max((later - earlier for earlier, later in zip(values, values[1:])), default=0)


INTERVAL_NS = 5_000_000_000


def late_writes(trace):
    """Writes that were begun though the one before them had ended 5 s after the last sync: however slow the machine is, a sync comes first."""
    synced_ns, overdue, late = None, False, []
    for row in trace:
        if row[0] == "fdatasync":
            synced_ns, overdue = row[5], False
        elif row[0] == "write" and synced_ns is not None:
            if overdue:
                late.append(row)
            overdue = row[5] - synced_ns > INTERVAL_NS + 1_000_000  # two clocks are read
    return late


def cadence(trace, sync):
    syncs = [row for row in trace if row[0] == "fdatasync"]
    writes = [row for row in trace if row[0] == "write"]
    ranges = [row for row in trace if row[0] == "sync_file_range"]
    problems = [writer_only(trace)]
    if sync == "none":
        return problems + [env.expect(f"{len(syncs)} syncs", not syncs)]
    if len(syncs) < 3:
        return problems + [env.expect(f"{len(syncs)} syncs", False)]
    marks = sorted({0} | {row[1] for row in syncs} | {row[1] + row[2] for row in ranges})
    problems += [env.expect(f"the first sync came after {syncs[0][1]} bytes", syncs[0][1] == writes[1][1] + writes[1][2]),
                 env.expect(f"writes though a sync was due: {late_writes(trace)[:3]}", not late_writes(trace)),
                 env.expect(f"{longest([row[1] for row in syncs])} bytes without a sync", longest([row[1] for row in syncs]) <= 64 * MIB + BLOCK),
                 env.expect(f"{longest(marks)} bytes without write-back", longest(marks) <= 8 * MIB),
                 env.expect("END is synced alone", syncs[-1][1] == writes[-1][1] + 136 and syncs[-2][1] == writes[-1][1])]
    if sync == "chunk":
        problems.append(env.expect(f"{len(syncs)} syncs after {len(writes)} writes", len(syncs) >= len(writes) - 6))
    return problems


def states(check, run, count, seed):
    """In portions, so that a long run shows how far it is."""
    for begin in range(0, count, 5000):
        portion = min(5000, count - begin)
        done = subprocess.run([os.path.join(env.TOOLS, "power_loss"), run.path, run.trace_path, str(seed + begin), str(portion)],
                              stdout=subprocess.PIPE, text=True, check=False)
        words = done.stdout.split()
        if done.returncode not in (0, 1) or words[-4:-3] != ["states"]:
            check.case("power_loss", [f"exit status {done.returncode}: {done.stdout}"])
            return
        check.cases += portion
        check.failed += int(words[-1])
        if done.returncode:
            print(f"W7: power_loss {run.path} TRACE {seed + begin} {portion}: {done.stdout}")
        if env.FULL:
            print(f"W7: {check.cases} states", flush=True)


def commands(check, run, count, seed):
    """The program that people have, on some of these files."""
    path = os.path.join(env.scratch, "state.kymo")
    for number in range(seed, seed + count):
        subprocess.run([os.path.join(env.TOOLS, "power_loss"), run.path, run.trace_path, str(number), "1", path],
                       stdout=subprocess.DEVNULL, check=True)
        for command in ("verify", "dump"):
            done = subprocess.run([env.KYMO, command, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            check.case(f"kymo {command} of state {number}", [env.expect(f"exit status {done.returncode}: {done.stderr}",
                                                                        done.returncode in (0, 3))])


def synced_so_far(trace_path):
    with open(trace_path, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.startswith("fdatasync")]
    return int(rows[-1][1]) if rows and rows[-1][3] == "0" else 0


def whole_blocks(data, until):
    at = 0
    while at + 72 <= until:
        size = 8 + int.from_bytes(data[at + 4:at + 8], "little") + int.from_bytes(data[at + 44:at + 48], "little")
        if at + size > until:
            break
        at += size
    return at


def snapshots(name, outer):
    """A file system in a file on one that can copy it in no time: such a copy is what a disk holds when power goes. In a mount
    namespace of its own. -> [(case, problems)]"""
    inner, at, copy = (os.path.join(outer, part) for part in ("inner.img", "inner", "copy"))
    make, options = {"ext4": ("mkfs.ext4 -q", "loop"), "xfs": ("mkfs.xfs -q", "loop,nouuid")}[name]
    os.makedirs(copy)
    os.mkdir(at)
    subprocess.run(f"truncate -s 320M {inner} && {make} {inner} && mount -o {options} {inner} {at}", shell=True, check=True)
    path, trace_path = os.path.join(at, "out.kymo"), os.path.join(env.scratch, f"trace-{name}")
    recorder = subprocess.Popen(env.command("rate=150000,mix=all,seed=9", path, "--sync", "chunk"),
                                env=env.environment(f"real,trace={trace_path}"), stderr=subprocess.PIPE, text=True)
    taken = []
    picker = random.Random(env.SEED)
    time.sleep(1)
    for number in range(SNAPSHOTS):
        time.sleep(picker.random())
        synced = synced_so_far(trace_path)
        subprocess.run(["cp", "--reflink=always", inner, os.path.join(outer, f"{number}.img")], check=True)
        taken.append(synced)
    recorder.terminate()
    _, said = recorder.communicate(timeout=600)
    with open(path, "rb") as file:
        data = file.read()
    cases = [(f"{name}: the recording itself", [env.expect(f"exit status {recorder.returncode}: {said}", recorder.returncode == 0)])]
    for number, synced in enumerate(taken):
        subprocess.run(["mount", "-o", options, os.path.join(outer, f"{number}.img"), copy], check=True)
        left = os.path.join(copy, "out.kymo")
        found, kept = b"", {"readable": False}
        if os.path.exists(left):
            with open(left, "rb") as file:
                found = file.read()
            kept = env.facts(left)
        until = whole_blocks(data, synced)
        cases.append((f"{name}: snapshot {number}, {synced} bytes synced, {len(found)} found",
                      [env.expect("not readable", kept["readable"]), env.expect("synced blocks differ", found[:until] == data[:until]),
                       env.expect(f"columns {kept.get('columns_failed')}", not kept.get("columns_failed"))]))
        subprocess.run(["umount", copy], check=True)
    subprocess.run(["umount", at], check=True)
    return cases


def real_disks(check):
    """-> names of the file systems that could be had"""
    had = []
    for name in ("ext4", "xfs"):
        outer = os.path.join(env.scratch, f"outer-{name}")
        os.mkdir(outer)
        # xfs keeps copies of files by reference
        script = (f"truncate -s 2G {outer}.img && mkfs.xfs -q {outer}.img && mount -o loop {outer}.img {outer} || exit 77; "
                  f"{sys.executable} {os.path.abspath(__file__)} {INNER} {name} {outer}; status=$?; umount {outer}; exit $status")
        if env.run_inner(check, name, script, dict(os.environ, TEST_SEED=str(env.SEED))):
            had.append(name)
    return had


def main():
    if INNER in sys.argv:
        env.tell_outer(snapshots(sys.argv[2], sys.argv[3]))
        return
    env.require_shim()
    check = env.Check("W7")
    print(f"TEST_SEED={env.SEED}")
    seconds = 17 if env.FULL else 6
    plans = [("interval", "rate=20000,mix=all,seed=1", f"{seconds}s"), ("chunk", "rate=200000,mix=all,seed=2", "1500ms")]
    for number, (sync, source, duration) in enumerate(plans):
        run = env.Run("", source, "--sync", sync, "-d", duration)
        check.case(f"cadence of --sync {sync}", cadence(run.trace(), sync))
        states(check, run, STATES // len(plans), env.SEED + number * STATES)
        commands(check, run, 40 if env.FULL else 3, env.SEED)
    run = env.Run("", "events=100000", "--sync", "none")
    check.case("cadence of --sync none", cadence(run.trace(), "none"))
    big = env.Run("", f"events={24000000 if env.FULL else 3000000},seed=3")
    check.case("cadence of a fast recording", cadence(big.trace(), "interval"))
    had = real_disks(check) if env.FULL and os.geteuid() == 0 else []
    note = f"snapshots of {', '.join(had)} under a recording are among them; no device mapper here, so no dm-log-writes" if had else ""
    env.finish([check], note)


main()
