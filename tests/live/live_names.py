#!/usr/bin/env python3
"""Kernel functions in samples have the names of /proc/kallsyms, at the offsets that it has them at, though the recorder asks the kernel for single
names and does not read all of that file: a process that is all of the time in the kernel, in two ways to end the recording."""
import json
import subprocess
import time

import kernel_allows
import live_env as live

TRACER_READS = ["strace", "-f", "-qq", "-e", "trace=read,openat", "-e", "status=successful", "-o"]


def kallsyms():
    """-> (address of _stext, {address: names})"""
    places = {}
    with open("/proc/kallsyms", encoding="ascii") as lines:
        for line in lines:
            address, kind, name = line.split()[:3]
            if kind in "tTwW":
                places.setdefault(int(address, 16), []).append(name)
    return next(address for address, names in places.items() if "_stext" in names), places


def symbols(capture):
    done = subprocess.run([live.KYMO, "dump", capture], capture_output=True, text=True, timeout=600, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines() if '"type":"symbol"' in line]
    return [row for row in rows if row["object"] == "kernel"]


def check(capture, what):
    base, places = kallsyms()
    rows = symbols(capture)
    print(f"{what}: {len(rows)} kernel functions named")
    live.check(len(rows) > 5, f"{what}: {len(rows)} kernel functions have names")
    wrong = [row for row in rows if row["name"] not in places.get(base + row["offset_bytes"], [])]
    live.check_equal(wrong, [], f"{what}: names that kallsyms does not have there")
    twice = len(rows) - len({row["offset_bytes"] for row in rows})
    live.check_equal(twice, 0, f"{what}: functions named twice")
    past = [row for row in rows if any(base + row["offset_bytes"] < place < base + row["offset_bytes"] + row["size_bytes"] for place in places)]
    live.check_equal(past[:3], [], f"{what}: functions that reach into the next one")
    probes = {probe["name"]: probe for probe in live.info(capture)["probes"]}
    asked = probes["iter/bpf_map_elem: names of kernel functions"]
    live.check_equal(bool(asked["attached"]), kernel_allows.iterator("bpf_map_elem"), f"{what}: {asked}")


def check_no_file(capture):
    """Of kallsyms, whose text has megabytes, nothing is read; but where the kernel does not let it be asked for single names."""
    trace = live.path("trace")
    subprocess.run([*TRACER_READS, trace, *live.recorder_line(capture, "-f", "-e", "cpu", "-F", "199", "-d", "3s")], stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=live.HANGS_S, check=False)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        text = lines.read()
    opened = [line for line in text.splitlines() if "/proc/kallsyms" in line]
    live.check(opened, "kallsyms is opened, in case that it is needed")
    number = opened[0].rsplit("= ", 1)[1] if opened else "?"
    after = text[text.index(opened[0]):] if opened else ""
    reads = [line for line in after.splitlines() if f"read({number}," in line]
    live.check_equal(bool(reads), not kernel_allows.iterator("bpf_map_elem"), f"reads of kallsyms: {reads[:3]}")


load = live.busy_in_kernel()
capture, _, _, _ = live.record("end.kymo", "-e", "cpu", "-F", "499", "-d", "1500ms")
check(capture, "named at the end")
unnamed = live.one(live.database(capture), "SELECT count(*) FROM frame WHERE name LIKE 'kernel+0x%'")
live.check_equal(unnamed, 0, "kernel functions without a name")
recorder, capture = live.start_recorder("during.kymo", "-e", "cpu", "-F", "499")
deadline = time.monotonic() + live.HANGS_S
while len(symbols(capture)) <= 5 and time.monotonic() < deadline:
    time.sleep(0.2)
recorder.kill()
recorder.wait()
check(capture, "named while recording, killed")
check_no_file(live.path("traced.kymo"))
load.kill()
live.finish()
