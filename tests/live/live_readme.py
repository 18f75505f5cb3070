#!/usr/bin/env python3
"""The commands README.md tells a newcomer to type work as they stand, in that order. Building and installing are left to tests/run.sh."""
import os
import re
import subprocess

import live_env as live

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = re.compile(r"    (?:sudo )?((?:build/bin/|sqlite3 ).*)")

os.makedirs(live.path("build"), exist_ok=True)
os.symlink(os.path.dirname(live.RECORDER), live.path("build/bin"))
ran = 0
with open(os.path.join(ROOT, "README.md")) as readme:
    for line in readme:
        found = COMMAND.match(line)
        if not found:
            continue
        command = re.sub(r"\s+#.*", "", found.group(1)).replace("-d 5s", "-d 1s")
        done = subprocess.run(["bash", "-c", command], cwd=live.DIRECTORY, capture_output=True, text=True, timeout=60)
        live.check(done.returncode in (0, 3), f"{command}: status {done.returncode}: {done.stderr}")
        # what a command does not write into a file it prints
        live.check(done.stdout or " -o " in command, f"{command}: prints nothing")
        ran += 1
live.check(ran >= 7, f"only {ran} commands found in README.md")
with open(live.path("web1.svg")) as picture:
    live.check("<svg" in picture.read(2000), "web1.svg is no picture")
live.finish()
