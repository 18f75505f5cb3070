#!/usr/bin/env python3
"""S19: how much code of ours runs with privileges. Lines of code: without blanks and comments; libbpf and generated code are not ours.

    privileged_lines.py [--table]

Each file of recorder/, bpf/ and of formats/ that kymo-record links stands in one group below. The promise is 6,000 lines for the recorder
and the programs. The check fails if a group outgrows the bound written here, so that growth is somebody's decision, or if kymo-record
links a library for JSON, XML or SQL.
"""
import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROMISED = 6000
# (group, most lines of code, files, why it stands there)
GROUPS = [
    ("kernel", 4300, ["bpf/*"], "runs in the kernel, checked by its verifier"),
    ("synthetic", 1400, ["recorder/synthetic/*"], "events without a kernel: asks for no privilege, is never run with one by a recording of this host"),
    ("doctor", 1500, ["recorder/doctor/*"], "another command: loads trial programs, records nothing"),
    ("options", 3050, ["recorder/options/*", "recorder/base/*", "recorder/session/summary.*", "recorder/session/budget_summary.*", "recorder/budget/memory_plan.*", "recorder/session/status_line.*"],
     "reads what the caller typed or a file only he or root can write, and tells him; capabilities are held, but nobody else is obeyed"),
    ("after", 7800, ["recorder/pipeline/*", "recorder/budget/*", "recorder/live/live_measure.*", "recorder/live/live_counts.*", "recorder/live/live_memory.*", "recorder/session/info_blocks.*", "recorder/session/record_stop.c",
                     "recorder/names/names.*", "recorder/host/file_map.*", "recorder/guard/stop_steps.*", "recorder/live/live_files.*", "recorder/live/cpu_watch.*", "recorder/host/file_identity.*", "recorder/host/clock_snapshot.*", "recorder/host/own_cost.*", "recorder/host/kernel_symbols.c"],
     "works after the drop: encodes, writes, names (the file is opened before it)"),
    ("names", 1000, ["recorder/names/*"],
     "a child that reads what targets wrote: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH at most, a filter of system calls, limits of memory, time and files"),
    ("privileged", 8000, ["recorder/*"], "all else: loads, attaches, reads /proc, gives the privileges up"),
]
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|/\*.*?\*/|//[^\n]*', re.S)


def code_lines(path):
    """-> (all lines, lines of code)"""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    bare = TOKENS.sub(lambda found: "\n" * found[0].count("\n") if found[0].startswith("/") else found[0], text)
    return text.count("\n"), sum(1 for line in bare.splitlines() if line.strip())


def sources():
    for folder in ("bpf", "recorder"):
        for place, _, names in sorted(os.walk(os.path.join(ROOT, folder))):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def")):
                    yield os.path.relpath(os.path.join(place, name), ROOT)


def main():
    totals = {group: [0, 0, 0] for group, *_ in GROUPS}
    for path in sources():
        group = next(group for group, _, globs, _ in GROUPS if any(fnmatch.fnmatch(path, glob) for glob in globs))
        lines, code = code_lines(os.path.join(ROOT, path))
        for place, amount in enumerate((1, lines, code)):
            totals[group][place] += amount
    problems = [f"{group}: {totals[group][2]} lines of code, at most {most} are meant" for group, most, *_ in GROUPS if totals[group][2] > most]
    binary = os.path.join(os.environ.get("KYMO_BIN", os.path.join(ROOT, "build", "bin")), "kymo-record")
    needed = subprocess.run(["readelf", "-dW", binary], capture_output=True, text=True, check=False).stdout
    libraries = re.findall(r"\(NEEDED\).*\[(.*?)\]", needed)
    problems += [f"links {name}" for name in libraries if re.search(r"json|xml|expat|sqlite|dw\.", name)]
    if "--table" in sys.argv:
        for group, _, _, why in GROUPS:
            print(f"| {group} | {totals[group][0]} | {totals[group][1]:,} | {totals[group][2]:,} | {why} |")
    for problem in problems:
        print(f"FAILED: {problem}")
    files, lines, code = (sum(total[place] for total in totals.values()) for place in range(3))
    held = totals["privileged"][2] + totals["kernel"][2] + totals["options"][2]
    print(f"reliability S19: {files} cases, {len(problems)} failed; {code:,} lines of code in all ({lines:,} with blanks and comments), {held:,} of them run in a "
          f"recording while capabilities are held, {totals['privileged'][2] + totals['kernel'][2]:,} without what reads the caller's options; promised are {PROMISED:,}")
    sys.exit(1 if problems else 0)


main()
