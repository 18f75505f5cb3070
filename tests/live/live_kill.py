#!/usr/bin/env python3
"""Whatever ends the recorder, the capture is readable: kill -9 at random moments (W1) and while it ends (W2), signals (W13).

What a write returned is known from a shim that copies it to where kill -9 does not reach. The seeded synthetic source does most of the
cases, since what it should have written is known to the row; the live one does the rest. KYMO_FULL=1: as many cases as the requirements ask.
How much of the end is missing and how long an end took is told, not asserted: the machine may be busy with other things. That a chunk closes
after 2 s is asked on a simulated clock (unit/test_rec_pipeline); here, that events reach the file while the recording goes on, and that what
must end does.
"""
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time

import crash_kit as kit
import live_env as live

FULL = kit.FULL
SIDE_BY_SIDE = 4
EVENTS = 100000
PACED_HZ = 20000
PACED_SECONDS = 6
HANGS_S = 120
NEVER_MS = 3600_000  # a disk that does not answer: who waits for it hangs
SYNTHETIC_BEGIN_NS = 1000 * 10**9
rng = kit.seeded()
longest = {"W1": 0.0, "W13": 0.0, "second": 0.0}


def fresh(name):
    """-> (capture, shadow), two names that are free"""
    capture, shadow = live.path(name + ".kymo"), live.path(name + ".shadow")
    for path in (capture, shadow):
        if os.path.exists(path):
            os.unlink(path)
    return capture, shadow


def begin(source, name, **settings):
    capture, shadow = fresh(name)
    line = [kit.RECORDER, "-q", "-o", capture] + (["--source", source] if source else [])
    recorder = live.start(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=kit.shim("watched_write", KYMO_SHADOW=shadow, **settings))
    return recorder, capture, shadow


def running(recorder, capture, at_least=1):
    """Waits for the first bytes. -> when they were there"""
    while recorder.poll() is None and not (os.path.exists(capture) and os.path.getsize(capture) >= at_least):
        time.sleep(0.003)
    return time.monotonic()


def settled(recorder, capture, shadow, reference=None):
    recorder.wait(timeout=HANGS_S)
    recorder.stderr.close()
    acknowledged, copy = kit.shadow_of(shadow)
    problems = kit.check_killed(capture, acknowledged, copy, reference) if os.path.exists(capture) else (
        ["acknowledged bytes and no file"] if acknowledged else [])
    for path in (capture, shadow):
        if os.path.exists(path) and not (problems and os.environ.get("KYMO_KEEP")):
            os.unlink(path)
    return problems


def kill_after(tally, number, delay, reference):
    """A recorder that writes as fast as it can, killed from outside."""
    recorder, capture, shadow = begin(f"synthetic:events={EVENTS},mix=all,seed=1", f"outside-{number}")
    time.sleep(delay)
    recorder.kill()
    tally.count(settled(recorder, capture, shadow, reference), f"kill -9 after {delay:.4f} s")


def kill_at(tally, number, byte, reference):
    """Killed by itself in the middle of a write, at a byte."""
    recorder, capture, shadow = begin(f"synthetic:events={EVENTS},mix=all,seed=1", f"byte-{number}", KYMO_DIE_AT=byte)
    tally.count(settled(recorder, capture, shadow, reference), f"kill -9 at byte {byte}")


def newest_ns(capture):
    with open(capture, "rb") as file:
        return max([block.last_ns for block in kit.whole_blocks(file.read()) if block.type == kit.CHUNK], default=None)


def kill_paced(tally, number, delay, reference):
    """A recorder at a steady rate, killed once events of so long after its begin are in the file: they are there while it goes on."""
    recorder, capture, shadow = begin(f"synthetic:events={PACED_HZ * PACED_SECONDS},mix=all,seed=1,rate={PACED_HZ}", f"paced-{number}")
    began = running(recorder, capture)
    deadline = began + HANGS_S
    while recorder.poll() is None and time.monotonic() < deadline and (newest_ns(capture) or 0) < SYNTHETIC_BEGIN_NS + delay * 1e9:
        time.sleep(0.02)
    went_on = recorder.poll() is None
    recorder.kill()
    recorder.wait()
    ran = time.monotonic() - began
    newest = newest_ns(capture)
    missing = ran - ((newest - SYNTHETIC_BEGIN_NS) / 1e9 if newest else 0)
    longest["W1"] = max(longest["W1"], missing)
    problems = settled(recorder, capture, shadow, reference.result()[0])
    if not newest or newest < SYNTHETIC_BEGIN_NS + delay * 1e9:
        problems.append(f"events of {delay:.3f} s were not written while it recorded (it {'went on' if went_on else 'ended'})")
    tally.count(problems, f"steady rate, kill -9 once {delay:.3f} s are written")


def kill_live(tally, number, delay):
    recorder, capture, shadow = begin(None, f"live-{number}")
    time.sleep(delay)
    deadline = time.monotonic() + HANGS_S  # some are killed before there is a chunk, some once there are some
    while number % 2 and time.monotonic() < deadline and not (os.path.exists(capture) and newest_ns(capture)):
        time.sleep(0.02)
    recorder.kill()
    recorder.wait()
    killed_ns = time.monotonic_ns()
    newest = newest_ns(capture) if os.path.exists(capture) else None
    problems = settled(recorder, capture, shadow)
    if newest:
        longest["W1"] = max(longest["W1"], (killed_ns - newest) / 1e9)
        if newest > killed_ns:
            problems.append("events of after the kill")
    elif number % 2:
        problems.append("no chunk was written")
    tally.count(problems, f"live, kill -9 after {delay:.3f} s")


def end_and_kill(tally, number, source, delay, gap, reference):
    recorder, capture, shadow = begin(source, f"end-{number}")
    running(recorder, capture)
    time.sleep(delay)
    recorder.send_signal(signal.SIGTERM)
    time.sleep(gap)
    recorder.kill()
    tally.count(settled(recorder, capture, shadow, reference),
                f"{source or 'live'}, SIGTERM after {delay:.4f} s, kill -9 {gap:.4f} s later")


def facts_of(capture):
    done = kit.ask("info", capture, "--json")
    return json.loads(done.stdout) if done.returncode in (0, 3) else {"complete": False, "end_reason": done.stderr}


def end_in_time(tally, number, source, name, delay):
    recorder, capture, _ = begin(source, f"signal-{number}")
    running(recorder, capture)
    time.sleep(delay)
    before = time.monotonic()
    recorder.send_signal(getattr(signal, name))
    recorder.communicate(timeout=HANGS_S)
    took = time.monotonic() - before
    longest["W13"] = max(longest["W13"], took)
    facts = facts_of(capture)
    problems = []
    if recorder.returncode not in (0, 3):
        problems.append(f"exit status {recorder.returncode}")
    if (bool(facts["complete"]), facts["end_reason"]) != (True, "signal"):
        problems.append(f"complete {facts['complete']}, end reason {facts['end_reason']}")
    os.unlink(capture)
    tally.count(problems, f"{source or 'live'}, {name} after {delay:.4f} s")


def wait_or_kill(recorder, problems):
    try:
        recorder.wait(timeout=HANGS_S)
    except subprocess.TimeoutExpired:
        problems.append(f"still there {HANGS_S} s after the second signal: it waits for the disk")
        recorder.kill()
        recorder.wait()


def taken(recorder, number, seconds=HANGS_S):
    """Waits until the first signal was noticed: it unblocks the next. Two that come before that are one to the kernel."""
    for _ in range(seconds * 100):
        with open(f"/proc/{recorder.pid}/status", encoding="ascii") as file:
            blocked = next(int(line.split()[1], 16) for line in file if line.startswith("SigBlk:"))
        if not blocked & 1 << (number - 1):
            return []
        time.sleep(0.01)
    return [f"the first signal was not taken in {seconds} s"]


def second_signal(tally, number, name, gap):
    """A disk that takes nothing more: each write waits for an hour."""
    recorder, capture, shadow = begin("synthetic:mix=all,rate=20000", f"second-{number}", KYMO_WRITE_MS=NEVER_MS, KYMO_SLOW_FROM=9000)
    running(recorder, capture, 9000)
    time.sleep(0.3)  # so that most meet it in a write
    recorder.send_signal(getattr(signal, name))
    problems = taken(recorder, getattr(signal, name))
    time.sleep(gap)
    if recorder.poll() is not None:
        problems.append("the first signal did not wait for the disk")
    before = time.monotonic()
    recorder.send_signal(getattr(signal, name))
    wait_or_kill(recorder, problems)
    longest["second"] = max(longest["second"], time.monotonic() - before)
    tally.count(problems + settled(recorder, capture, shadow), f"{name} twice, {gap:.3f} s apart")


def second_signal_pipe(tally, name):
    """A pipe that nobody reads"""
    reader, writer = os.pipe()
    recorder = live.start([kit.RECORDER, "-q", "-o", "-", "--source", "synthetic:mix=all"], stdout=writer, stdin=subprocess.DEVNULL)
    os.close(writer)
    time.sleep(0.5)
    recorder.send_signal(getattr(signal, name))
    problems = taken(recorder, getattr(signal, name))
    if recorder.poll() is not None:
        problems.append("the first signal did not wait for the pipe")
    before = time.monotonic()
    recorder.send_signal(getattr(signal, name))
    wait_or_kill(recorder, problems)
    longest["second"] = max(longest["second"], time.monotonic() - before)
    kept = live.path("pipe.kymo")
    with open(kept, "wb") as file:
        while piece := os.read(reader, 1 << 20):
            file.write(piece)
    os.close(reader)
    tally.count(problems + kit.check_killed(kept, 0, b""), f"{name} twice, a pipe that is full")


def whole_run(source, name):
    capture = live.path(name)
    subprocess.run([kit.RECORDER, "-q", "-o", capture, "--source", source], check=True, timeout=600)
    return kit.rows_of(capture), os.path.getsize(capture)


def main():
    kit.usual_signals()
    first, second, third = kit.Tally("W1"), kit.Tally("W2"), kit.Tally("W13")
    storm = live.start([live.STORM, "--seconds", "100000", "--rate", "5000"], stdout=subprocess.DEVNULL)
    pool = concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE)
    reference, size = whole_run(f"synthetic:events={EVENTS},mix=all,seed=1", "whole.kymo")
    with open(live.path("whole.kymo"), "rb") as file:
        blocks = kit.whole_blocks(file.read())
    tail = next(block.end for block in reversed(blocks) if block.type == kit.CHUNK)
    kit_header = blocks[0].end

    jobs = []
    wide = concurrent.futures.ThreadPoolExecutor(14)  # these wait more than they work
    paced = wide.submit(whole_run, f"synthetic:events={PACED_HZ * PACED_SECONDS},mix=all,seed=1,rate={PACED_HZ}", "paced.kymo")
    jobs += [wide.submit(second_signal, third, number, name, rng.uniform(0, 0.3))
             for number, name in enumerate(["SIGTERM", "SIGINT", "SIGTERM", "SIGHUP"] * (50 if FULL else 1))]
    jobs += [wide.submit(kill_paced, first, number, rng.uniform(0.1, 4.5), paced) for number in range(80 if FULL else 8)]

    def submit(function, *arguments):
        jobs.append(pool.submit(function, *arguments))

    for number in range(500 if FULL else 22):
        submit(kill_after, first, number, rng.uniform(0.0, 0.2), reference)
    for number in range(380 if FULL else 16):
        submit(kill_at, first, number, rng.randrange(kit_header, size), reference)
    for number in range(350 if FULL else 12):
        submit(kill_at, second, 1000 + number, rng.randrange(tail, size), reference)
    for number in range(110 if FULL else 5):
        submit(end_and_kill, second, number, f"synthetic:events={EVENTS},mix=all,seed=1", rng.uniform(0, 0.05), rng.uniform(0, 0.03), reference)
    for number in range(260 if FULL else 5):
        submit(end_in_time, third, number, "synthetic:mix=all,rate=200000", rng.choice(["SIGTERM", "SIGINT", "SIGHUP"]), rng.uniform(0, 0.5))
    concurrent.futures.wait(jobs)
    second_signal_pipe(third, "SIGTERM")
    pool.shutdown()

    pool = concurrent.futures.ThreadPoolExecutor(2)  # BPF programs slow down one another's start
    for number in range(40 if FULL else 4):
        submit(kill_live, first, number, rng.uniform(0.05, 3.5 if number % 4 else 6.5))
    for number in range(40 if FULL else 3):
        submit(end_and_kill, second, 5000 + number, None, rng.uniform(0, 0.5), rng.uniform(0, 0.2), None)
    for number in range(40 if FULL else 3):
        submit(end_in_time, third, 5000 + number, None, rng.choice(["SIGTERM", "SIGINT"]), rng.uniform(0, 0.5))
    pool.shutdown()
    for job in jobs:
        job.result()  # an exception is a failure of the test
    storm.kill()
    fine = [first.report(f"at most {longest['W1']:.1f} s of events missing"),
            second.report("kills while END is written; rotation and ring dump are not built"),
            third.report(f"ended within {longest['W13']:.2f} s, at the second signal within {longest['second']:.2f} s")]
    sys.exit(0 if all(fine) else 1)


main()
