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
GONE_S = 60
STEPS = ["gate closed", "running programs ended", "rings drained", "what is in flight read", "lifecycle programs ended", "side-band stopped",
         "last events and counts taken", "programs detached", "side-band closed", "user functions named"]


def start(name, hangs, *options):
    capture = live.path(name + ".kymo")
    environment = kit.shim("hanging_calls", KYMO_HANG=hangs) if hangs else None
    recorder = live.start([live.RECORDER, "-q", "-o", capture, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True)
    live.until(lambda: recorder.poll() is not None or live.is_recording(recorder.pid), f"{name}: it records")
    time.sleep(0.3)  # for some events
    return recorder, capture


def signal_was_taken(recorder):
    """It unblocks the next; two that come before that are one to the kernel."""
    try:
        with open(f"/proc/{recorder.pid}/status", encoding="ascii") as file:
            sets = [int(line.split()[1], 16) for line in file if line.startswith(("SigBlk:", "SigPnd:", "ShdPnd:"))]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return not any(mask & 1 << (signal.SIGINT - 1) for mask in sets)


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
    live.check(took >= LIMIT_SECONDS * 0.9, f"{what}: it did hang: {took:.1f} s")
    live.check("gave up on a step of the shutdown" in messages, f"{what}: it is said: {messages!r}")
    facts = live.info(capture)
    live.check(facts["complete"] and facts["end_reason"] == "signal", f"{what}: the file has its END: {facts['end_reason']}")
    steps = steps_of(capture)
    live.check_equal(steps.count("GIVEN UP"), min(given_up, HELPERS), f"{what}: steps given up in the capture: {steps}")
    stored = sum(row["stored_count"] for row in facts["classes"])
    live.check(stored > 0, f"{what}: events are there")
    live.check_equal(bpf_objects.left_after(before, GONE_S, {recorder.pid}), set(), f"{what}: left in the kernel")
    os.unlink(capture)
    os.unlink(capture + ".db")


def second_signal():
    """It ends by the signal, while a step hangs. Where this machine was so busy that the step was given up before, again."""
    before = bpf_objects.ids()
    for _ in live.attempts():
        recorder, capture = start("second", "wait", "-f", "-e", "syscalls")
        recorder.send_signal(signal.SIGINT)
        live.until(lambda: recorder.poll() is not None or signal_was_taken(recorder), "the first signal is taken")
        recorder.send_signal(signal.SIGINT)
        recorder.communicate(timeout=live.HANGS_S)
        if recorder.returncode != 3:
            break
    live.check_equal(recorder.returncode, -signal.SIGINT, "second SIGINT: status")
    done = subprocess.run([live.KYMO, "verify", capture], capture_output=True, text=True, check=False)
    live.check(done.returncode == 3 and "cut" in done.stdout + done.stderr, f"second SIGINT: the file reads, and is cut: {done.returncode}: {done.stdout}")
    live.check_equal(bpf_objects.left_after(before, GONE_S, {recorder.pid}), set(), "second SIGINT: left in the kernel")


def signals_at_its_own_end():
    """A recording whose time is up, and whose end takes long: one signal changes nothing, the second kills."""
    for count, status in ((1, 3), (2, -signal.SIGINT)):
        for _ in live.attempts():
            recorder, capture = start(f"own-{count}", "detach", "-f", "-e", "syscalls", "-d", "800ms", "-v")
            messages = recorder.stderr.readline()
            while messages and "stop: " not in messages:  # its own end has begun, and will hang for LIMIT_SECONDS
                messages = recorder.stderr.readline()
            for _ in range(count):
                recorder.send_signal(signal.SIGINT)
                live.until(lambda: recorder.poll() is not None or signal_was_taken(recorder), "a signal is taken")
            messages += recorder.communicate(timeout=live.HANGS_S)[1]
            if recorder.returncode == status:
                break
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
