#!/usr/bin/env python3
"""The end of a recording: the gate first, then steps, each told (-v) and kept in the capture; a step that hangs in the kernel is given up
after 2 s and said, and the file gets its END all the same; a second signal ends at once and the file reads. Afterwards nothing is left."""
import os
import re
import signal
import subprocess
import time

import bpf_objects
import crash_kit as kit
import live_env as live

LIMIT_SECONDS, HELPERS = 2, 2
SLACK_SECONDS = 6  # a start and an end on a busy machine
STEPS = ["gate closed", "running programs ended", "rings drained", "what is in flight read", "lifecycle programs ended",
         "last events and counts taken", "programs detached", "side-band closed"]


def start(name, hangs, *options):
    capture = live.path(name + ".kymo")
    environment = kit.shim("hanging_calls", KYMO_HANG=hangs) if hangs else None
    recorder = live.start([live.RECORDER, "-q", "-o", capture, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True)
    deadline = time.monotonic() + 10
    while recorder.poll() is None and time.monotonic() < deadline and not (os.path.exists(capture) and os.path.getsize(capture)):
        time.sleep(0.01)
    time.sleep(0.5)
    return recorder, capture


def steps_of(capture):
    database = live.database(capture)
    return live.one(database, "SELECT text FROM mark WHERE name = 'stop'") or ""


def told():
    recorder, capture = start("told", "", "-v")
    _, messages = live.stop_text(recorder)
    lines = [line.removeprefix("kymo-record: stop: ") for line in messages.splitlines() if line.startswith("kymo-record: stop: ")]
    names = [line.split(": ")[0] for line in lines if "kernel functions named" not in line]
    live.check_equal(names, STEPS + ["file ended"], "steps that -v tells, in order")
    live.check(all(re.fullmatch(r"[\w -]+: [\d.]+ ms", line) for line in lines), f"each with its time: {lines}")
    kept = [step.split(": ")[0] for step in steps_of(capture).split("; ")]
    live.check_equal([step for step in kept if step != "kernel functions named"], STEPS, "steps in the capture")


def hanging(hangs, given_up, *options):
    before = bpf_objects.ids()
    recorder, capture = start("hanging", hangs, *options)
    began = time.monotonic()
    _, messages = live.stop_text(recorder)
    took = time.monotonic() - began
    what = f"{hangs} hangs"
    live.check_equal(recorder.returncode, 3, f"{what}: status ({messages})")
    live.check(took < min(given_up, HELPERS) * LIMIT_SECONDS + SLACK_SECONDS, f"{what}: ended after {took:.1f} s")
    live.check(took >= LIMIT_SECONDS * 0.9, f"{what}: it did hang: {took:.1f} s")
    live.check("a step of the end was given up" in messages, f"{what}: it is said: {messages!r}")
    facts = live.info(capture)
    live.check(facts["complete"] and facts["end_reason"] == "signal", f"{what}: the file has its END: {facts['end_reason']}")
    steps = steps_of(capture)
    live.check_equal(steps.count("GIVEN UP"), min(given_up, HELPERS), f"{what}: steps given up in the capture: {steps}")
    stored = sum(row["stored_count"] for row in facts["classes"])
    live.check(stored > 0, f"{what}: events are there")
    live.check_equal(bpf_objects.left_after(before, 4, {recorder.pid}), set(), f"{what}: left in the kernel")
    os.unlink(capture)
    os.unlink(capture + ".db")


def second_signal():
    before = bpf_objects.ids()
    recorder, capture = start("second", "wait", "-e", "syscalls")
    recorder.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=20)
    live.check_equal(recorder.returncode, -signal.SIGINT, "second SIGINT: status")
    live.check(time.monotonic() - began < LIMIT_SECONDS * 0.9, "second SIGINT: at once")
    done = subprocess.run([live.KYMO, "verify", capture], capture_output=True, text=True, check=False)
    live.check(done.returncode == 3 and "cut" in done.stdout + done.stderr, f"second SIGINT: the file reads, and is cut: {done.returncode}: {done.stdout}")
    live.check_equal(bpf_objects.left_after(before, 4, {recorder.pid}), set(), "second SIGINT: left in the kernel")


def signals_at_its_own_end():
    """A recording whose time is up, and whose end takes long: one signal changes nothing, the second kills."""
    for count, status in ((1, 3), (2, -signal.SIGINT)):
        recorder, capture = start(f"own-{count}", "detach", "-e", "syscalls", "-d", "800ms")
        time.sleep(1.3)
        for _ in range(count):
            recorder.send_signal(signal.SIGINT)
            time.sleep(0.2)
        messages = recorder.communicate(timeout=20)[1]
        live.check_equal(recorder.returncode, status, f"{count} SIGINT while it ends by itself: status ({messages})")
        if count == 1:
            live.check(live.info(capture)["complete"], "one SIGINT while it ends: the file has its END")


def main():
    kit.usual_signals()
    told()
    hanging("wait", 2)
    hanging("calls", 1)
    hanging("detach", 1, "-e", "syscalls")
    hanging("sideband", 1, "-e", "syscalls")
    hanging("calls detach sideband", 3, "-e", "syscalls")
    busy = live.busy_in_kernel()
    hanging("names", 1, "-e", "cpu")
    busy.kill()
    second_signal()
    signals_at_its_own_end()
    live.finish()


main()
