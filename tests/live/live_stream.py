#!/usr/bin/env python3
"""Standard output carries the same capture as a file: through a pipe into kymo, and through one that closes early."""
import json
import os
import subprocess

import live_env as live

recorder = live.start([live.RECORDER, "-q", "-d", "1s", "-o", "-"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
reader = subprocess.run([live.KYMO, "info", "--json", "-"], stdin=recorder.stdout, capture_output=True, text=True, timeout=live.HANGS_S, check=False)
recorder.stdout.close()
recorder.wait(timeout=live.HANGS_S)
live.check(recorder.returncode in (0, 3) and reader.returncode == recorder.returncode, f"exit statuses {recorder.returncode}, {reader.returncode}")
facts = json.loads(reader.stdout)
live.check(bool(facts["complete"]), "the stream is complete")
live.check(facts["events_stored"] > 0, "the stream has events")

kept = live.path("stream.kymo")
with open(kept, "wb") as output:
    done = subprocess.run([live.RECORDER, "-q", "-d", "500ms", "-o", "-"], stdout=output, stdin=subprocess.DEVNULL, check=False, timeout=live.HANGS_S)
live.check(done.returncode in (0, 3), f"status {done.returncode}")
live.check_equal(subprocess.run(["zstd", "-t", "-q", kept], check=False).returncode, 0, "zstd -t of the stream")

# the other side goes away: the recorder ends by itself, long before its time is up
load = live.start([live.STORM, "--seconds", "100000", "--rate", "20000"], stdout=subprocess.DEVNULL)
recorder = live.start([live.RECORDER, "-q", "-d", "1h", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
os.read(recorder.stdout.fileno(), 1000)
live.until(lambda: live.is_recording(recorder.pid), "it records")
recorder.stdout.close()
recorder.wait(timeout=live.HANGS_S)
message = recorder.stderr.read().decode()
live.check(recorder.returncode == 1, f"status {recorder.returncode} when the pipe closed: {message}")
live.finish()
