#!/usr/bin/env python3
"""The commands README.md tells a newcomer to type work as they stand, in that order. Building and installing are left to tests/run.sh."""
import os
import re
import sqlite3
import subprocess

import live_env as live

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a command that prints must print, by its first words; those that write a file are looked at below. A new command is added here.
PRINTS = {
    "kymo-record": None, "kymo import": None, "kymo recover": None,
    "kymo info": r"^events_stored: +[\d,]+$", "kymo verify": r"good|sound|blocks_read: +\d", "kymo syscalls": r"^\S+ +[\d,]+ +[\d,]+ ", "kymo overhead": r"^events_dropped: +[\d,]+$",
    "kymo net": None, "kymo block": r"requests", "kymo mem": r"page faults", "kymo files": None, "kymo symbolize": r".", "kymo export": None, "kymo redact": r"level", "kymo bundle": r".", "kymo cut": None,
    "kymo web1.kymo": r"^next: .*kymo ", "kymo offcpu": r"^\S.* +[\d,]+ +\S+ m?s ", "kymo flame": None, "kymo folded": r"^.+;.+ \d+$", "kymo dump": r'^\{"type":"\w+"', "kymo sql": r"\d", "sqlite3": r"^\w+\|\d+\|\d+$",
}
COMMAND = re.compile(r"(?:sudo )?((?:kymo|kymo-record|sqlite3) .*)")
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)



def check_file(path):
    if path.endswith(".kymo"):
        live.check(live.info(path)["events_stored"] > 0, f"{path} has no events")
    if path.endswith(".db"):
        live.check(live.one(sqlite3.connect(path), "SELECT count(*) FROM syscall") > 0, f"{path} has no system calls")
    if path.endswith(".svg"):
        with open(path, encoding="utf-8") as picture:
            live.check("<svg" in picture.read(2000), f"{path} is no picture")


os.environ["PATH"] = os.path.dirname(live.RECORDER) + ":" + os.environ["PATH"]
# A newcomer's host does something: a recording in which nothing ran and every thread waited all the time has no answer to print.
live.start(["sh", "-c", "while sleep 0.05; do cat /proc/self/stat; done"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
ran = 0
with open(os.path.join(ROOT, "README.md")) as readme:
    for line in "".join(SHELL_BLOCK.findall(readme.read())).splitlines():
        found = COMMAND.match(line)
        if not found:
            continue
        command = re.sub(r"\s+#.*", "", found.group(1)).replace("-d 5s", "-d 1s")
        done = subprocess.run(["bash", "-c", command], cwd=live.DIRECTORY, capture_output=True, text=True, timeout=live.HANGS_S)
        live.check(done.returncode in (0, 3), f"{command}: status {done.returncode}: {done.stderr}")
        words = command.split()
        name = words[0] if words[0] in PRINTS else " ".join(words[:2])
        live.check(name in PRINTS, f"{command}: what it must print is not told in this test")
        expected = PRINTS.get(name)
        live.check(not expected or " -o " in command or re.search(expected, done.stdout, re.M), f"{command}: prints {done.stdout[:300]!r}")
        for output in re.findall(r" -o (\S+)", command):
            live.check(os.path.getsize(live.path(output)) > 100, f"{command}: {output} has nothing in it")
            check_file(live.path(output))
        ran += 1
live.check(ran >= 15, f"only {ran} commands found in README.md")
live.finish()
