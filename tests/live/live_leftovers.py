#!/usr/bin/env python3
"""Nothing stays in the kernel: programs, links and maps before and after, also after kill -9 and after a failed start (W12, T33)."""
import json
import os
import shutil
import subprocess
import time

import live_env as live

if not shutil.which("bpftool"):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
if not shutil.which("bpftool"):
    live.kymo_env.skip("bpftool is missing")


def show():
    """{kind: [entries]} of everything that is loaded in this kernel, whoever did it"""
    found = {}
    for kind in ("prog", "link", "map"):
        done = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True, check=False)
        found[kind] = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    return found


def ids(entries):
    return {(kind, entry["id"]) for kind in entries for entry in entries[kind]}


def held_by(pid):
    """What a process holds, by its descriptors. Others may be tracing too, so only this is looked for afterwards."""
    own = set()
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
        except FileNotFoundError:
            continue
        # a link's descriptor tells its program too
        own |= {(kind, int(fields[key])) for kind, key in (("prog", "prog_id"), ("map", "map_id"), ("link", "link_id")) if key in fields}
    return own


def gone(own):
    """What is left of it. The kernel frees things a moment later."""
    for _ in range(50):
        left = own & ids(show())
        if not left:
            break
        time.sleep(0.1)
    return left


recorder, _ = live.start_recorder("seen.kymo")
own = held_by(recorder.pid)
live.check({kind for kind, _ in own} >= {"prog", "map"}, f"programs and maps are seen while recording: {len(own)} objects")
live.stop(recorder)
live.check_equal(gone(own), set(), "left after a normal end")

recorder, _ = live.start_recorder("killed.kymo")
own = held_by(recorder.pid)
recorder.kill()
recorder.wait()
live.check_equal(gone(own), set(), "left after kill -9")

# of a start that fails nothing is known beforehand: the check is only good where nobody else is at work
before = ids(show())
subprocess.run([live.RECORDER, "-q", "-o", live.path("failed.kymo"), "--", "/no/such/command"], capture_output=True, check=False, timeout=30)
if not before:
    live.check_equal(gone(ids(show())), set(), "left after a failed start")
live.check_equal(os.listdir("/sys/fs/bpf") if os.path.isdir("/sys/fs/bpf") else [], [], "pinned objects")
live.finish()
