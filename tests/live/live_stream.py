#!/usr/bin/env python3
"""Standard output carries the same capture as a file: through a pipe into kymo, and through one that closes early."""
import json
import os
import subprocess
import time

import live_env as live

recorder = live.start([live.RECORDER, "-q", "-d", "1s", "-o", "-"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
reader = subprocess.run([live.KYMO, "info", "--json", "-"], stdin=recorder.stdout, capture_output=True, text=True, timeout=60, check=False)
recorder.stdout.close()
recorder.wait(timeout=20)
live.check_equal((recorder.returncode, reader.returncode), (0, 0), "exit statuses")
facts = json.loads(reader.stdout)
live.check(bool(facts["complete"]), "the stream is complete")
live.check(facts["events_stored"] > 0, "the stream has events")

kept = live.path("stream.kymo")
with open(kept, "wb") as output:
    subprocess.run([live.RECORDER, "-q", "-d", "500ms", "-o", "-"], stdout=output, stdin=subprocess.DEVNULL, check=True, timeout=30)
live.check_equal(subprocess.run(["zstd", "-t", "-q", kept], check=False).returncode, 0, "zstd -t of the stream")

# the other side goes away: the recorder ends at once, by itself
load = live.start([live.STORM, "--seconds", "20", "--rate", "20000"], stdout=subprocess.DEVNULL)
recorder = live.start([live.RECORDER, "-q", "-d", "20s", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
os.read(recorder.stdout.fileno(), 1000)
time.sleep(0.5)
recorder.stdout.close()
before = time.monotonic()
message = recorder.stderr.read().decode()
recorder.wait(timeout=10)
live.check(time.monotonic() - before < 5, "ended when the pipe closed")
live.check(recorder.returncode == 1, f"status {recorder.returncode} when the pipe closed: {message}")
live.finish()
