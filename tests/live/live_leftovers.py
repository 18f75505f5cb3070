#!/usr/bin/env python3
"""However a recorder ends, nothing of it stays in the kernel, and one whose reader goes away ends at once (W12, T33).

Each way to end is a function below: it starts a recorder, ends it, and gives the problems it saw. What was not loaded before and belongs
to no living process afterwards was left. KYMO_FULL=1: 500 times. How soon it is gone is told, not asserted: the machine may be busy.
"""
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time

import bpf_objects
import crash_kit as kit
import live_env as live

GONE_S = 60  # what is still there then was left
longest = {"gone": 0.0, "pipe": 0.0}
sessions = set()
rng = kit.seeded()
# The memory controller: where its groups are made, the file of the limit, and that which counts kills
MEMORY = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"), ("/sys/fs/cgroup", "memory.max", "memory.events")]
HOG = """
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
kept = []
while len(kept) < 96 and os.path.exists(f"/proc/{sys.argv[2]}/fd"):
    kept.append(bytearray(b"x" * (4 << 20)))
"""


class Case:
    """A recorder that runs: its process, its objects, its output."""

    def __init__(self, *options, stdout=subprocess.DEVNULL, output=None, wait=True, **settings):
        self.capture = output or live.path("case.kymo")
        if self.capture != "-" and os.path.exists(self.capture):
            os.unlink(self.capture)
        self.process = live.start([live.RECORDER, "-q", "-o", self.capture, *options], stdin=subprocess.DEVNULL, stdout=stdout,
                                  stderr=subprocess.PIPE, start_new_session=True, **settings)
        sessions.add(self.process.pid)
        if wait and self.capture != "-":
            while self.process.poll() is None and not (os.path.exists(self.capture) and os.path.getsize(self.capture)):
                time.sleep(0.003)
            time.sleep(rng.uniform(0, 0.3))

    def ended(self, statuses, timeout=live.HANGS_S):
        """-> problems"""
        messages = self.process.communicate(timeout=timeout)[1].decode(errors="replace")
        return [] if self.process.returncode in statuses else [f"status {self.process.returncode}: {messages.strip()}"]


OK = (0, 3)


def normal_end():
    return Case("-d", "200ms").ended(OK)


def by_signal(name, statuses):
    def end():
        case = Case()
        case.process.send_signal(getattr(signal, name))
        return case.ended(statuses)
    return end


def during_start():
    case = Case(wait=False)
    time.sleep(rng.uniform(0, 0.4))
    case.process.kill()
    return case.ended((-9,))


def two_signals():
    case = Case()
    case.process.send_signal(signal.SIGTERM)
    time.sleep(rng.uniform(0, 0.02))
    case.process.send_signal(signal.SIGTERM)
    return case.ended(OK + (-15,))


def memory_group():
    """-> (a memory cgroup of our own, its limit, its events), or None where none can be made"""
    for base, limit, events in MEMORY:
        group = f"{base}/kymo-live-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        if os.path.exists(f"{group}/{limit}"):
            return group, f"{group}/{limit}", f"{group}/{events}"
        os.rmdir(group)
    return None


def out_of_memory():
    """The kernel's own OOM killer, in a memory cgroup shared with a process that takes what there is."""
    group, limit, events = memory_group()
    try:
        with open(limit, "w", encoding="ascii") as file:
            file.write(str(192 << 20))
        case = Case()
        for name, value in ((f"/proc/{case.process.pid}/oom_score_adj", "1000"), (f"{group}/cgroup.procs", str(case.process.pid))):
            with open(name, "w", encoding="ascii") as file:
                file.write(value)
        hog = live.start(["python3", "-c", HOG, f"{group}/cgroup.procs", str(case.process.pid)])
        problems = case.ended((-9,))
        hog.wait(timeout=live.HANGS_S)
        with open(events, encoding="ascii") as file:
            kills = [line.split()[1] for line in file if line.startswith("oom_kill ")]
        return problems + ([] if kills and int(kills[0]) > 0 else [f"the OOM killer did not run: {kills}"])
    finally:
        for _ in range(100):
            try:
                os.rmdir(group)
                break
            except OSError:
                time.sleep(0.05)


def refused(rules, statuses):
    def end():
        return Case("-d", "100ms", env=kit.shim("refused_calls", KYMO_REFUSE=rules), wait=False).ended(statuses)
    return end


def missing_command():
    return Case("--", "/no/such/command", wait=False).ended((1,))


def command_that_cannot_run():
    script = live.path("script")
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod(script, 0o755)
    return Case("--", script, wait=False).ended((1,))


def with_command():
    return Case("--", "sleep", "0.1").ended(OK)


def reader_goes(make_ends, close):
    """make_ends() -> (what we read from, what the recorder writes to)"""
    def end():
        reader, writer = make_ends()
        case = Case(stdout=writer, output="-")
        os.close(writer)
        os.read(reader, 1000)
        time.sleep(rng.uniform(0, 0.3))
        before = time.monotonic()
        close(reader)
        problems = case.ended((1,))
        took = time.monotonic() - before
        longest["pipe"] = max(longest["pipe"], took)
        return problems  # that it ended at all is the point: it has no duration
    return end


def socket_ends():
    ours, its = socket.socketpair()
    return ours.detach(), its.detach()


def reset(reader):
    """As a connection that breaks: sshd's side is gone without a word."""
    with socket.socket(fileno=reader) as end:
        end.shutdown(socket.SHUT_RDWR)


def pipe_into_head():
    recorder = live.start(["bash", "-c", f"{live.RECORDER} -q -o - | head -c 1000 | wc -c; exit ${{PIPESTATUS[0]}}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    sessions.add(recorder.pid)
    out, err = recorder.communicate(timeout=live.HANGS_S)
    return [] if (recorder.returncode, out.strip()) == (1, b"1000") else [f"status {recorder.returncode}, {out}: {err}"]


def terminal_goes():
    main, side = pty.openpty()
    case = Case(preexec_fn=lambda: __import__("fcntl").ioctl(side, 0x540E, 0), pass_fds=(side,))  # TIOCSCTTY
    os.close(side)
    os.close(main)
    return case.ended(OK)


def directory_goes():
    home = live.path("home")
    os.makedirs(home)
    case = Case(output=os.path.join(home, "x.kymo"))
    shutil.rmtree(home)
    case.process.send_signal(signal.SIGINT)
    return case.ended((0, 1, 3))


def directory_missing():
    return Case(output="/no/such/directory/x.kymo", wait=False).ended((1, 2))


WAYS = {
    "time is up": normal_end,
    "command ends": with_command,
    "SIGINT": by_signal("SIGINT", OK),
    "SIGTERM": by_signal("SIGTERM", OK),
    "SIGHUP": by_signal("SIGHUP", OK),
    "SIGQUIT": by_signal("SIGQUIT", (-3,)),
    "second signal": two_signals,
    "kill -9": by_signal("SIGKILL", (-9,)),
    "kill -9 in its start": during_start,
    "OOM killer": out_of_memory,
    "SIGSEGV": by_signal("SIGSEGV", (-11,)),
    "SIGABRT": by_signal("SIGABRT", (-6,)),
    "all programs refused": refused("bpf:5=1", (4,)),
    "no ring buffer": refused("map:27=22", (4,)),
    "iterators refused": refused("link:28=22", OK),
    "tracepoints refused": refused("bpf:17=1", (0, 3, 4)),
    "sampling refused": refused("perf=13", OK),
    "command is missing": missing_command,
    "command cannot run": command_that_cannot_run,
    "pipe closed": reader_goes(os.pipe, os.close),
    "socket closed": reader_goes(socket_ends, os.close),
    "socket broken": reader_goes(socket_ends, reset),
    "pipe into head": pipe_into_head,
    "terminal gone": terminal_goes,
    "directory removed": directory_goes,
    "directory missing": directory_missing,
}


def run(tally, name):
    before, pins = bpf_objects.ids(), bpf_objects.pins()
    sessions.clear()
    problems = WAYS[name]()
    ended = time.monotonic()
    left = bpf_objects.left_after(before, GONE_S, sessions)
    longest["gone"] = max(longest["gone"], time.monotonic() - ended)
    if left:
        problems.append(f"left in the kernel: {sorted(left)}")
    if bpf_objects.pins() - pins:
        problems.append(f"pins: {bpf_objects.pins() - pins}")
    tally.count(problems, name)


def objects_are_seen():
    """The check is worth something: while a recorder runs, its objects are told, here and by bpftool."""
    recorder, _ = live.start_recorder("seen.kymo")
    own = bpf_objects.held_by(recorder.pid)
    live.check({kind for kind, _ in own} == {"prog", "map", "link"} and len(own) > 10, f"objects of a recorder: {sorted(own)}")
    live.check(own <= bpf_objects.ids(), "they are in the kernel's lists")
    tool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if tool:
        for kind in ("prog", "map", "link"):
            done = subprocess.run([tool, "-j", kind, "show"], capture_output=True, text=True, check=False)
            shown = {(kind, entry["id"]) for entry in json.loads(done.stdout or "[]")}
            live.check({entry for entry in own if entry[0] == kind} <= shown, f"bpftool {kind} show tells them")
    live.stop(recorder)
    live.check_equal(bpf_objects.left_after(bpf_objects.ids() - own, GONE_S), set(), "left after a normal end")


def main():
    kit.usual_signals()
    tally = kit.Tally("W12")
    objects_are_seen()
    names = list(WAYS)
    names.remove("OOM killer")  # a test of its own: it needs a memory cgroup
    if "oom" in sys.argv[1:]:
        found = memory_group()
        if not found:
            live.kymo_env.skip("no memory cgroup can be made here")
        os.rmdir(found[0])
        names = ["OOM killer"]
    # pipes are what the requirement is about; the rest in turn
    pipes = [name for name in names if name.startswith(("pipe", "socket"))]
    turns = names + [name for _ in range(200 // len(pipes)) for name in pipes] + names * 12 if kit.FULL else names
    for name in turns[:501] if kit.FULL else turns:
        run(tally, name)
    fine = tally.report(f"{len(names)} ways to end; closed pipes and sockets: ended within {longest['pipe']:.2f} s; "
                        f"objects gone within {longest['gone']:.2f} s of the end")
    if not fine:
        sys.exit(1)
    live.finish()


main()
