#!/usr/bin/env python3
"""The doctor tries what a recording needs: its list is whole, its verdict is that of a recording, and nothing is left behind."""
import json
import os
import re
import socket
import subprocess

import bpf_objects
import live_env as live


def doctor(*arguments, prefix=()):
    done = subprocess.run([*prefix, live.RECORDER, "doctor", "--json", *arguments], capture_output=True, text=True, check=False, timeout=600)
    live.check_equal(done.stderr, "", "stderr")
    answer = json.loads(done.stdout)
    return done.returncode, answer, {check["id"]: check for check in answer["checks"]}


with open(live.kymo_env.source("doctor_checks.def"), encoding="utf-8") as table:
    ids = re.findall(r'^(?:HOST|LIVE)\(\w+, "([^"]+)"\)', table.read(), re.M)
with open(live.kymo_env.source("classes.def"), encoding="utf-8") as table:
    classes = re.findall(r"^CLASS\(\d+, \w+, (\w+), (?:DEFAULT|ASKED)", table.read(), re.M)
place = ids.index("class-mappings")
ids[place:place] = [f"class-{name}" for name in classes]

status, answer, checks = doctor("--report")
live.check_equal((status, answer["can_record"]), (0, True), "as root")
live.check_equal([check["id"] for check in answer["checks"]], ids, "ids")
live.check_equal({check["severity"] for check in answer["checks"]} <= {"ok", "note", "warning", "error"}, True, "severities")
for name in ("class-cpu", "class-syscalls", "class-mappings"):
    live.check(checks[name]["severity"] in ("ok", "note"), f"{name}: {checks[name]['found']}")
live.check(re.search(r"\d system calls in one second", checks["rings"]["found"]), f"rings: {checks['rings']['found']}")
live.check_equal(answer["facts"]["host.kernel"], os.uname().release, "a fact")
live.check(socket.gethostname() not in json.dumps(answer["facts"]).split('"'), "the host's name is not among the facts")

# without a capability the verdict is that of a recording, and so is its exit status
for drop, missing in (("-bpf", "class-syscalls"), ("-perfmon", "class-cpu")):
    prefix = ["setpriv", "--bounding-set", f"{drop},-sys_admin", "--inh-caps", f"{drop},-sys_admin"]
    status, answer, checks = doctor(prefix=prefix)
    live.check_equal((status, answer["can_record"]), (4, False), f"{drop}: verdict")
    live.check_equal(checks["capabilities"]["severity"], "error", f"{drop}: capabilities")
    live.check("setcap" in checks["capabilities"]["remedy"], f"{drop}: remedy")
    live.check_equal(checks[missing]["severity"], "error", f"{drop}: {missing}")
    recording = subprocess.run([*prefix, live.RECORDER, "-q", "-d", "0.1s", "-o", live.path(f"no{drop}.kymo")], capture_output=True, check=False)
    live.check_equal(recording.returncode, 4, f"{drop}: a recording's exit status")

before = bpf_objects.ids()
doctor()
live.check_equal(bpf_objects.left_after(before, 60), set(), "what a doctor leaves in the kernel")
live.finish()
