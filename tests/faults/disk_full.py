#!/usr/bin/env python3
"""W8: the disk is full, at every place and for real: a clean end that says why, and a file without damage.

Exit status 1, not 4: in every command of Kymo 4 stands for what the kernel or a missing privilege refuses.
"""
import os
import subprocess
import sys
import time

import faults_env as env

RUN = "events=300000,mix=all,seed=1"  # 2 MiB
PAGE = 4096
SIZE = 16  # MiB, of the real file systems
MOUNT = {
    "tmpfs": f"mount -t tmpfs -o size={SIZE}m none {{at}}",
    "ext4": f"truncate -s {SIZE}M {{at}}.img && mkfs.ext4 -q {{at}}.img && mount -o loop {{at}}.img {{at}}",
    "xfs": "truncate -s 320M {at}.img && mkfs.xfs -q {at}.img && mount -o loop {at}.img {at}",
}


HELD_BACK, TAIL = 1 << 20, 64 << 10  # bytes kept for the end, and more than it takes here


def check_full(run, disk_bytes, reserved):
    """-> problems of a recording that met a full disk"""
    problems = [env.expect(f"exit status {run.status}", run.status == 1),
                env.expect(f"said: {run.said!r}", run.path in run.said and "make room" in run.said)]
    if not run.exists:  # not even the first blocks fitted
        return problems
    found = run.facts
    problems += env.whole(found)
    if found["readable"]:
        problems += [env.expect("blocks carry flag 7 for a full disk", found["after_error"] == 0),
                     env.expect(f"reason {found['reason']}", not found["ended"] or found["reason"] == env.NO_SPACE),
                     env.expect("no END, though room was reserved", found["ended"] or not reserved),
                     env.expect(f"{found['bytes']} of {disk_bytes} bytes used: no room was held back",
                                not reserved or found["bytes"] <= disk_bytes - HELD_BACK + TAIL)]
    return problems


def at_every_page(check):
    """How many of the recordings without reserve could be ended all the same."""
    step = 1 if env.FULL else 8
    written = env.Run("", RUN).facts["bytes"]
    reserved = range(1, (written + (1 << 20)) // PAGE, step)
    unreserved = range(1, written // PAGE, step)
    ended = left = 0
    for words, pages in (("", reserved), ("noreserve", unreserved)):
        for page in pages:
            run = env.Run(f"{words},disk={page * PAGE}".strip(","), RUN)
            if run.status == 0:  # all of it fitted: only beside the reserve
                check.case(f"disk={page * PAGE} {words}", env.whole(run.facts))
                continue
            check.case(f"KYMO_DISK={words},disk={page * PAGE}", check_full(run, page * PAGE, not words))
            if words and run.exists:
                left += 1
                ended += bool(run.facts["ended"])
            check.progress(len(reserved) + len(unreserved))
    return ended, left


def file_size_limit(check):
    """ulimit -f is a full disk of another kind; the command that is recorded must not inherit how it is met."""
    for mib in (2, 3, 5):
        path = os.path.join(env.scratch, "limited.kymo")
        done = subprocess.run(["bash", "-c", f"ulimit -f {mib * 1024}; exec \"$@\"", "bash", *env.command("events=2000000,seed=1", path)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        found = env.facts(path)
        check.case(f"ulimit -f {mib * 1024}", [env.expect(f"exit status {done.returncode}", done.returncode == 1), *env.whole(found),
                                               env.expect(f"said {done.stderr!r}", "File too large" in done.stderr and path in done.stderr),
                                               env.expect(f"END: {found}", found.get("ended") and found["reason"] == env.NO_SPACE)])


INNER = "--inner"


def free_bytes(directory):
    space = os.statvfs(directory)
    return space.f_bavail * space.f_frsize


def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass


def floor_before_force(name, directory):
    """--force with a floor that is out of reach refuses before it removes; what the old file gives back counts. -> [(case, problems)]"""
    path, free = os.path.join(directory, "old.kymo"), free_bytes(directory)
    content = b"kept" * (free // 8)  # half of what is free
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    cases = []
    for floor, refused in ((free, True), (free * 3 // 4, False)):
        done = subprocess.run([*env.command("events=1000", path), "--disk-floor", str(floor)], stderr=subprocess.PIPE, text=True, check=False)
        with open(path, "rb") as file:
            kept = file.read() == content
        problems = [env.expect(f"exit status {done.returncode}: {done.stderr}", done.returncode == (1 if refused else 0)),
                    env.expect(f"the old file was {'kept' if kept else 'replaced'}", kept == refused),
                    env.expect(f"said {done.stderr!r}", not refused or ("--disk-floor" in done.stderr and path in done.stderr))]
        cases.append((f"{name}, --force with a floor {'out of' if refused else 'within'} reach", problems))
    os.unlink(path)
    return cases


def real_disk(name, directory):
    """In a mount namespace of its own. -> [(case, problems)]"""
    cases = []
    floor = free_bytes(directory) // 2
    run = env.Run("", "events=30000000,seed=2", "--max-size", "600M", path=os.path.join(directory, "fast.kymo"), timeout=600)
    # No shim between: the figures are those of the file system.
    kept = free_bytes(directory)
    problems = [env.expect(f"exit status {run.status}", run.status == 1), env.expect(f"said {run.said!r}", "make room" in run.said),
                *env.whole(run.facts),
                env.expect(f"END: {run.facts}", run.facts["readable"] and run.facts["ended"] and run.facts["reason"] == env.NO_SPACE),
                env.expect(f"{kept} bytes are free, the floor was {floor}", kept >= floor * 0.98)]
    cases.append((f"{name}, as fast as it goes", problems))
    os.unlink(run.path)

    path = os.path.join(directory, "slow.kymo")
    recorder = subprocess.Popen(env.command("rate=50000,seed=3", path), stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    fill(os.path.join(directory, "filler"))
    try:
        _, said = recorder.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        recorder.kill()
        _, said = recorder.communicate()
    found = env.facts(path)
    problems = [env.expect(f"exit status {recorder.returncode}", recorder.returncode == 1), env.expect(f"said {said!r}", "make room" in said),
                *env.whole(found),
                env.expect(f"END: {found}", found["readable"] and found["ended"] and found["reason"] == env.NO_SPACE)]
    cases.append((f"{name}, filled to the last byte by somebody else", problems))

    fill(os.path.join(directory, "filler2"))
    full = subprocess.run(env.command("events=1000", os.path.join(directory, "none.kymo")), stderr=subprocess.PIPE, text=True, check=False)
    cases.append((f"{name}, full before it began",
                  [env.expect(f"exit status {full.returncode}", full.returncode == 1),
                   env.expect(f"said {full.stderr!r}", "No space left" in full.stderr and "none.kymo" in full.stderr),
                   env.expect("left a file", not os.path.exists(os.path.join(directory, "none.kymo")))]))
    return cases


def on_real_disks(check):
    """Names of the file systems that could be had."""
    had = []
    for name in ("tmpfs", "ext4", "xfs") if env.FULL else ("tmpfs",):
        at = os.path.join(env.scratch, name)
        os.mkdir(at)
        script = f"{MOUNT[name].format(at=at)} || exit 77; exec {sys.executable} {os.path.abspath(__file__)} {INNER} {name} {at}"
        if env.run_inner(check, name, script):
            had.append(name)
    return had


def main():
    if INNER in sys.argv:
        env.tell_outer([*floor_before_force(sys.argv[2], sys.argv[3]), *real_disk(sys.argv[2], sys.argv[3])])
        return
    check = env.Check("W8")
    if "real" in sys.argv[1:]:  # a test of its own: it mounts
        if os.geteuid() != 0:
            env.kymo_env.skip("needs root")
        had = on_real_disks(check)
        if not had:
            env.kymo_env.skip("no file system could be mounted")
        env.finish([check], f"really full: {', '.join(had)}")
    env.require_shim()
    ended, left = at_every_page(check)
    file_size_limit(check)
    had = on_real_disks(check) if env.FULL and os.geteuid() == 0 else []
    env.finish([check], f"where nothing can be reserved {ended} of {left} files got their END" + (f"; really full: {', '.join(had)}" if had else ""))


main()
