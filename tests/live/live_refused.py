#!/usr/bin/env python3
"""A recorder whose kernel, container or limits refuse something: a clear message and no success, or a recording that says in its file
what is missing and why. Never an empty capture that looks fine (W17).

The matrix: what is refused, by a shim over libbpf's system calls, by seccomp, mounts, capabilities and limits; times which classes are
wanted. What each cell comes to is written down here, so that a change is seen. KYMO_FULL=1: all selections of classes.
"""
import concurrent.futures
import ctypes
import json
import os
import struct
import subprocess
import sys

import crash_kit as kit
import kernel_allows
import live_env as live

OK = (0, 3)
NEEDED = {"cpu": "cpu_sample", "syscalls": "sys_enter"}  # the probe without which there is no such class
CLASSES = tuple(NEEDED)
TRACING, RAW_TRACEPOINT, PERF = "prog:26", "prog:17", "prog:7"
MAP_HASH, MAP_ARRAY, MAP_RING, MAP_STORAGE = "map:1", "map:2", "map:27", "map:29"
ATTACH_RAW, LINK_CREATE, LINK_ITERATOR, ITERATOR, BTF_LOAD = "bpf:17", "bpf:28", "link:28", "bpf:33", "bpf:18"

# What must come of it: "refused" (no success), "whole" (nothing is missing), or the classes that are missing, said in the file
REFUSED, WHOLE, FALLBACK = "refused", "whole", "fallback"
SYSTEM_CALLS = [
    ("bpf=1", REFUSED), ("bpf=38", REFUSED), ("bpf:5=1", REFUSED), ("bpf:5=22", REFUSED), ("bpf:0=1", REFUSED), ("bpf:0=12", REFUSED),
    (f"{MAP_RING}=22", REFUSED), (f"{MAP_RING}=12", REFUSED), (f"{MAP_HASH}=12", REFUSED), (f"{MAP_ARRAY}=22", REFUSED),
    (f"{MAP_STORAGE}=22", FALLBACK), (f"{TRACING}=22", FALLBACK), (f"{TRACING}=1", FALLBACK), (f"{RAW_TRACEPOINT}=22", WHOLE),
    (f"{TRACING}=22 {RAW_TRACEPOINT}=22", "syscalls"), (f"{PERF}=22", "cpu"), (f"{PERF}=1", "cpu"), (f"{ATTACH_RAW}=1", WHOLE),
    (f"{LINK_CREATE}=1", FALLBACK), (f"{LINK_CREATE}=1 {ATTACH_RAW}=1", "syscalls"), (f"{LINK_ITERATOR}=22", FALLBACK),
    (f"{ITERATOR}=1", FALLBACK), (f"{BTF_LOAD}=22", FALLBACK), ("perf=1", "cpu"), ("perf=13", "cpu"), ("perf=38", "cpu"), ("perf=24", "cpu"),
    ("perf=19", "cpu"), ("perf=22", "cpu"), ("perf:0=2", WHOLE),
]
MOUNT = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]


def capabilities(names):
    sets = "-all" + "".join(",+" + name for name in names.split())
    return ["setpriv", f"--bounding-set={sets}", f"--inh-caps={sets}"]


def environments():
    """(name, words before the command, what comes of it)"""
    empty, noise, cut, directory = live.path("empty"), live.path("noise"), live.path("cut"), live.path("directory")
    os.mkdir(directory)
    with open("/sys/kernel/btf/vmlinux", "rb") as file:
        types = file.read()
    for path, data in ((empty, b""), (noise, os.urandom(100000)), (cut, types[:len(types) // 2])):
        with open(path, "wb") as file:
            file.write(data)
    btf = "/sys/kernel/btf/vmlinux"
    return [
        ("nothing refused", [], WHOLE),
        ("no BTF", MOUNT + [directory, "/sys/kernel/btf"], REFUSED),
        ("BTF empty", MOUNT + [empty, btf], REFUSED),
        ("BTF noise", MOUNT + [noise, btf], REFUSED),
        ("BTF cut", MOUNT + [cut, btf], REFUSED),
        ("no /sys", MOUNT + [directory, "/sys"], REFUSED),
        ("no /proc", MOUNT + [directory, "/proc"], REFUSED),
        ("no capability", capabilities(""), REFUSED),
        ("CAP_BPF alone", capabilities("bpf"), REFUSED),
        ("CAP_PERFMON alone", capabilities("perfmon"), REFUSED),
        ("CAP_BPF and CAP_PERFMON", capabilities("bpf perfmon"), FALLBACK),
        ("memlock 0", ["prlimit", "--memlock=0:0"], WHOLE),
        ("memlock 0, CAP_BPF and CAP_PERFMON", capabilities("bpf perfmon") + ["prlimit", "--memlock=0:0"], FALLBACK),
        ("16 descriptors", ["prlimit", "--nofile=16:16"], REFUSED),
        ("40 descriptors", ["prlimit", "--nofile=40:40"], REFUSED),
        ("16 MiB of memory", ["prlimit", f"--as={16 << 20}"], REFUSED),
        ("files of 8 KiB", ["prlimit", f"--fsize={8 << 10}"], REFUSED),
        ("seccomp: bpf", [sys.executable, __file__, "--seccomp", "321"], REFUSED),
        ("seccomp: perf_event_open", [sys.executable, __file__, "--seccomp", "298"], "cpu"),
    ]


def filter_and_run(number, line):
    """As a container's filter does it: EPERM for one system call (x86-64)."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(program)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, header, 0, 0):
        sys.exit("seccomp cannot be had here")
    os.execv(line[0], line)


def judge(done, capture, wanted, expected):
    """-> (outcome in a word or two, what is wrong)"""
    message = done.stderr.strip()
    if done.returncode not in OK:
        problems = [] if message.startswith("kymo-record: ") and len(message) > 30 else [f"no clear message: {message!r}"]
        if done.returncode not in (1, 4):
            problems.append(f"exit status {done.returncode}")
        return REFUSED, problems
    if not os.path.exists(capture):
        return "nothing", ["success without a capture"]
    facts = json.loads(kit.ask("info", capture, "--json").stdout)
    stored = {row["class"]: row["stored_count"] for row in facts["classes"]}
    probes = facts["probes"]
    missing = [name for name in wanted if not any(probe["name"] == NEEDED[name] and probe["attached"] for probe in probes)]
    said = kernel_allows.without(probe for probe in probes if not probe["attached"] or probe["reason"])
    problems = [f"{name} was not recorded, and the file does not say why" for name in missing
                if not any(probe["name"] == NEEDED[name] and not probe["attached"] and probe["reason"] for probe in probes)]
    problems += [f"{name} was not recorded, and no warning told" for name in missing if "not recorded: " not in message]
    problems += [f"{name} is empty, though its probes attached" for name in wanted if name not in missing and not stored.get(name)]
    problems += ["a probe is not attached for no reason" for probe in said if not probe["attached"] and not probe["reason"]]
    if len(missing) == len(wanted):
        problems.append("nothing wanted was recorded, and that was a success")
    if expected == WHOLE and said:
        problems.append(f"told: {[(probe['name'], probe['reason']) for probe in said]}")
    return ",".join(missing) or (FALLBACK if said else WHOLE), problems


def expected_of(expected, wanted):
    if expected in CLASSES and wanted == [expected]:
        return REFUSED  # what was wanted cannot be had
    if expected in CLASSES and expected not in wanted:
        return None  # not asked for
    return expected


def run(tally, number, name, words, rules, wanted, expected):
    capture = live.path(f"cell-{number}.kymo")
    environment = kit.shim("refused_calls", KYMO_REFUSE=rules) if rules else None
    for seconds in live.attempts():  # a class that is recorded may have seen nothing yet
        done = subprocess.run([*words, live.RECORDER, "-q", "-f", "--cpu-budget", "none", "-d", f"{seconds * 0.2:.1f}s", "-e", ",".join(wanted), "-o", capture],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=live.HANGS_S, check=False, env=environment)
        outcome, problems = judge(done, capture, wanted, expected)
        if not any("is empty" in problem for problem in problems):
            break
    # a class or a fallback that only others need is told or not: the cell is judged by what was wanted alone
    allowed = (expected, FALLBACK, WHOLE) if expected in (FALLBACK, None) else (expected,)
    if outcome not in allowed:
        problems.append(f"expected {expected}: {done.stderr.strip()}")
    if os.path.exists(capture):
        os.unlink(capture)
    tally.count(problems, f"{name}, -e {','.join(wanted)}")
    return f"{name:40} {','.join(wanted):13} {outcome:9} {done.returncode}"


def main():
    tally = kit.Tally("W17")
    storm = live.start([live.STORM, "--seconds", "100000", "--rate", "2000"], stdout=subprocess.DEVNULL)
    busy = live.busy_in_kernel()
    selections = [list(CLASSES), ["cpu"], ["syscalls"]] if kit.FULL else [list(CLASSES)]
    cells = [(name, words, "", expected) for name, words, expected in environments()]
    cells += [(rules, [], rules, expected) for rules, expected in SYSTEM_CALLS]
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for wanted in selections:
            for name, words, rules, expected in cells:
                jobs.append(pool.submit(run, tally, len(jobs), name, words, rules, wanted, expected_of(expected, wanted)))
    print("refused                                  wanted        outcome   exit")
    for job in jobs:
        print(job.result())
    busy.kill()
    storm.kill()
    sys.exit(0 if tally.report(f"kernel {os.uname().release} only") else 1)


if sys.argv[1:2] == ["--seccomp"]:
    filter_and_run(int(sys.argv[2]), sys.argv[3:])
main()
