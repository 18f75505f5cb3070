#!/usr/bin/env python3
"""Recordings end where they were told to, with the reason in the file and the right status."""
import os
import subprocess
import time

import live_env as live

load = live.start([live.STORM, "--seconds", "100000", "--rate", "50000"], stdout=subprocess.DEVNULL)

capture, _, status, _ = live.record("size.kymo", "--max-size", "300K", "-d", "1h")
live.check(os.path.getsize(capture) <= 300 * 1024, f"--max-size 300K: {os.path.getsize(capture)} bytes")
live.check(os.path.getsize(capture) > 16 * 1024, f"--max-size 300K: only {os.path.getsize(capture)} bytes")
live.check_equal((live.info(capture)["end_reason"], bool(live.info(capture)["complete"])), ("size", True), "--max-size: end")
live.check(status in (0, 3), f"--max-size: exit status {status}")

# one drain takes what lies in the rings, and ends beyond the number by as much at most
ring_bytes, record_bytes, rings = 65536, 64, 2 * os.cpu_count() + 2
capture, _, _, _ = live.record("samples.kymo", "--max-samples", "20000", "--buffer", "64K", "-d", "1h")
facts = live.info(capture)
most = 20000 + 4 * rings * ring_bytes // record_bytes
live.check_equal(facts["end_reason"], "samples", "--max-samples: end")
live.check(20000 <= facts["events_stored"] <= most, f"--max-samples 20000: {facts['events_stored']} events, at most {most}")

before = time.monotonic()
capture, _, _, _ = live.record("duration.kymo", "-d", "1500ms")
took = time.monotonic() - before
facts = live.info(capture)
live.check_equal(facts["end_reason"], "normal", "-d: end")
live.check(1.4e9 < facts["duration_ns"] < took * 1e9, f"-d 1500ms: {facts['duration_ns'] / 1e9:.2f} s in the file of {took:.2f} s")

capture, _, _, _ = live.record("target.kymo", command=["sleep", "0.5"])
live.check_equal(live.info(capture)["end_reason"], "target", "command: end")
for code in (0, 7):
    capture, _, status, _ = live.record(f"exit{code}.kymo", command=["sh", "-c", f"exit {code}"])
    live.check_equal(live.info(capture)["end_reason"], "target", f"command that exits with {code}: end")

process = live.start(["sleep", "1"])
capture, _, _, _ = live.record("pid.kymo", "-p", str(process.pid), "-d", "1h")
live.check_equal(live.info(capture)["end_reason"], "target", "-p: end when the process is gone")
live.finish()
