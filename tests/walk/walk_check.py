#!/usr/bin/env python3
"""How often a report reads a capture: the bytes that it decompresses against those that the capture holds, for every row of reports.def.
1.1 x at most, or 2 x where the report needs stacks. Usage: walk_check.py KYMO-THAT-COUNTS REPORTS.DEF"""
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env as env  # pylint: disable=wrong-import-position

counting, table = sys.argv[1:]
with open(table, encoding="utf-8") as file:
    reports = re.findall(r"^REPORT\((\w+), (\w+)\)", file.read(), re.M)
WHOLE, STACKS = 1.1, 2.0
BOUNDS = {"NOTHING": WHOLE, "ROWS": STACKS, "CALLS": WHOLE, "WAITS": WHOLE, "NET": WHOLE, "SAMPLES": STACKS, "STACKS": STACKS, "SUMMARY": STACKS, "DISKS": WHOLE, "FAULTS": WHOLE}
# further ways to ask: (report, options, bound). A question in SQL tells what it needs by what it reads.
WAYS = [("syscalls", ["--by-process", "--errors", "--histogram"], WHOLE), ("syscalls", ["--from", "0.1", "--to", "0.6"], WHOLE),
        ("offcpu", ["--folded", "--no-symbols"], STACKS), ("offcpu", ["--runqueue"], WHOLE), ("syscalls", ["--blocked"], WHOLE), ("flame", ["--offcpu", "--no-symbols"], STACKS),
        ("folded", ["--from", "0.1"], STACKS), ("flame", ["--faults", "--no-symbols"], STACKS), ("block", ["--heat"], WHOLE), ("flame", ["--json"], STACKS),
        ("sql", ["SELECT count(*) FROM syscalls"], WHOLE), ("sql", ["SELECT host FROM capture_info"], WHOLE),
        ("sql", ["SELECT count(*) FROM frame"], STACKS), ("sql", ["SELECT count(*) FROM syscall"], 2.1)]
# calls of 19,000 groups, more than may be kept one by one (KEPT_BYTES of syscall_aggregate.c): still one walk gives exact percentiles
MANY = "synthetic:events=7000000,seed=1,mix=all"
failed = 0


def decoded(path, command, *options):
    """-> bytes that `kymo COMMAND` decompressed"""
    told = os.path.join(scratch, "bytes")
    arguments = [command, path, *options] if command == "sql" else [command, *options, path]
    result = subprocess.run([counting, *arguments], env=dict(os.environ, KYMO_DECODED_BYTES=told), stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode not in (0, 3):
        sys.exit(f"kymo {' '.join(arguments)} ended with {result.returncode}: {result.stderr}")
    with open(told, encoding="utf-8") as file:
        return int(file.read())


def check(path, command, options, bound, whole):
    global failed
    found = decoded(path, command, *options) / whole
    if found > bound:
        failed += 1
        print(f"{os.path.basename(path)}: kymo {command} {' '.join(options)} decompresses {found:.2f} x, more than {bound} x")
    return found


def record(name, source):
    """-> path of a capture made of it"""
    path = os.path.join(scratch, f"{name}.kymo")
    subprocess.run([os.path.join(env.BIN, "kymo-record"), "-q", "--source", source, "-o", path], check=True)
    return path


with tempfile.TemporaryDirectory() as scratch:
    captures = []
    for name, mix in (("all", "all"), ("calls", "syscalls"), ("counted", "syscalls,counted=40")):
        captures.append(record(name, f"synthetic:events=400000,seed=1,mix={mix}"))
    # real ones of a second: their key-frames weigh more than their events
    captures += sorted(glob.glob(os.path.join(env.SAMPLES, "*.kymo")))
    worst = {}
    for path in captures:
        whole = decoded(path, "verify", "--decode")  # each block once
        for name, needs in reports:
            found = check(path, name, ["--no-symbols"] if needs in ("SAMPLES", "STACKS", "SUMMARY") else [], BOUNDS[needs], whole)
            worst[name] = max(worst.get(name, 0), found)
        for name, options, bound in WAYS:
            check(path, name, options, bound, whole)
    many = record("many", MANY)
    check(many, "syscalls", ["--by-process"], WHOLE, decoded(many, "verify", "--decode"))
    for name, found in worst.items():
        print(f"{name:10} {found:.2f} x at most")
sys.exit(failed > 0)
