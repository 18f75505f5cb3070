#!/usr/bin/env python3
"""kymo replay --follow of a capture that grows, in pieces that end anywhere: in the end it has printed each line once, and it ends with
the capture. Usage: replay_follow.py CAPTURE"""
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env as env  # noqa: E402  pylint: disable=wrong-import-position

KYMO = os.path.join(env.BIN, "kymo")
PIECES = 20
with open(sys.argv[1], "rb") as file:
    capture = file.read()
whole = subprocess.run([KYMO, "replay", sys.argv[1]], capture_output=True, check=True).stdout.splitlines()
with tempfile.TemporaryDirectory() as folder:
    path, printed = os.path.join(folder, "growing.kymo"), os.path.join(folder, "printed")
    open(path, "wb").close()
    with open(printed, "wb") as out:
        follower = subprocess.Popen([KYMO, "replay", "--follow", path], stdout=out, stderr=subprocess.PIPE)
        seen = []
        for piece in range(PIECES):
            with open(path, "ab") as file:
                file.write(capture[len(capture) * piece // PIECES:len(capture) * (piece + 1) // PIECES])
            if piece == PIECES - 2:  # by now there are whole blocks of events
                deadline = time.monotonic() + 120
                while os.path.getsize(printed) == 0 and time.monotonic() < deadline:
                    time.sleep(0.1)
                seen.append(os.path.getsize(printed) > 0)
        try:
            messages = follower.communicate(timeout=120)[1].decode()
        except subprocess.TimeoutExpired:
            follower.kill()
            sys.exit("it does not end with the capture")
    with open(printed, "rb") as file:
        lines = file.read().splitlines()
if follower.returncode != 0 or messages:
    sys.exit(f"status {follower.returncode}: {messages}")
if seen != [True]:
    sys.exit("nothing was printed before the end")
if sorted(lines) != sorted(whole):
    sys.exit(f"{len(lines)} lines instead of {len(whole)}")
