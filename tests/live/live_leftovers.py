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


def objects(own=()):
    """Ids of everything loaded, by kind; what other living processes hold is left out: somebody else may be tracing too"""
    found = {}
    for kind in ("prog", "link", "map"):
        done = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True, check=False)
        entries = json.loads(done.stdout or "[]") if done.returncode == 0 else []
        found[kind] = {entry["id"] for entry in entries
                       if not entry.get("pids") or any(holder["pid"] in own for holder in entry["pids"])}
    return found


def new_objects(before):
    for _ in range(50):  # the kernel frees them a moment later
        after = objects()
        extra = {kind: after[kind] - before[kind] for kind in before}
        if not any(extra.values()):
            break
        time.sleep(0.1)
    return {kind: ids for kind, ids in extra.items() if ids}


before = objects()
recorder, _ = live.start_recorder("seen.kymo")
live.check(objects([recorder.pid])["prog"] - before["prog"], "programs are seen while recording: the check itself works")
live.stop(recorder)
live.check_equal(new_objects(before), {}, "left after a normal end")

recorder, _ = live.start_recorder("killed.kymo")
recorder.kill()
recorder.wait()
live.check_equal(new_objects(before), {}, "left after kill -9")

subprocess.run([live.RECORDER, "-q", "-o", live.path("failed.kymo"), "--", "/no/such/command"], capture_output=True, check=False, timeout=30)
live.check_equal(new_objects(before), {}, "left after a failed start")
live.check_equal(os.listdir("/sys/fs/bpf") if os.path.isdir("/sys/fs/bpf") else [], [], "pinned objects")
live.finish()
