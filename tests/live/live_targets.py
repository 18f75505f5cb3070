#!/usr/bin/env python3
"""S15, S16 and T21 under strace: a recorder whose targets choose their names to do harm (hostile_target.py) opens nothing that they chose
as long as it has privileges, and is held up by none of them; and once it has given up its capabilities it makes no bpf(2) call but the one by which the governor
attaches again, opens only what stands on a list, and still records, names kernel functions and ends.

What may be opened is a list: the loader's libraries, files of /proc and /sys, and the output. Skips (77) without strace.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import crash_kit as kit
import live_env as live

CANARY = "kymo-canary"
COMMS = [b"\n/etc/shadow", b"../../../etc", b"]]>\x1b[2J", b"a b) R 1 1 1 1", b"\xff\xfe%s%n", b"", b"kymo-writer"]
CALL = re.compile(r"^(\d+) +(\w+)\((.*?)(?:\) += (-?\w+)(.*?)(?:<([\d.]+)>)?| <unfinished \.\.\.>)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>.*<([\d.]+)>$")
FILES = ("open", "openat", "openat2", "creat", "readlink", "readlinkat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
         "unlinkat", "unlink", "rename", "renameat2", "chdir", "statfs")
LIBRARY = re.compile(r"/etc/ld\.so\.(cache|preload)$|/(usr/)?lib(64)?/([\w-]+/)?[^/]*\.so[.\d]*$")
HOST = re.compile(r"/proc/((self|\d+)/task(/\d+/status)?|self/[\w/.]*|kallsyms|modules|version|cmdline|stat|uptime|meminfo|cpuinfo|loadavg|sys/[\w./]+|mounts|version_signature)?$|/proc$|"
                  r"/sys/(devices/system|kernel|module|fs/cgroup|fs/selinux|hypervisor|class/dmi|firmware)[\w/.-]*$|/etc/(os-release|machine-id|localtime)$|"
                  r"/usr/lib/os-release$|/boot/config-[\w.+-]*$|/usr/share/zoneinfo/[\w/+-]*$")
# mem and map_files: the pages that a process has mapped, and attributes of its files, without opening these
PROCESS = re.compile(r"/proc/\d+(/task(/\d+)?)?(/(maps|statm|exe|stat|cgroup|mountinfo|mem|pagemap|root|map_files/[0-9a-f]+-[0-9a-f]+))?$")
AFTER = re.compile(r"/proc/self/(statm|stat|status|fdinfo/\d+|mountinfo|fd/\d+)$|/proc/\d+(/(stat|cgroup|maps|mountinfo|exe))?$|/sys/devices/system/cpu/(online|possible)$|"
                   r"/etc/localtime$|/proc/stat$")
GOVERNOR = {"BPF_RAW_TRACEPOINT_OPEN"}  # it may be refused: kernels before 5.19 do


def start_targets(home):
    kinds = ["comm:" + comm.hex() for comm in COMMS] + ["files", "fifos", "fuse"]
    children, notes, remove = [], [], []
    for number, kind in enumerate(kinds):
        directory = os.path.join(home, f"{CANARY}-{number}")
        os.mkdir(directory)
        child = live.start(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "hostile_target.py"), directory, kind],
                           stdout=subprocess.PIPE, text=True)
        line = child.stdout.readline()
        while line.startswith("remove"):
            remove += line.split()[1:]
            line = child.stdout.readline()
        if line.strip() != "ready":
            notes.append(f"{kind}: {line.strip()}")
            child.kill()
        else:
            children.append(child)
    return children, notes, remove


def path_of(call, arguments):
    """The path of a call as it was given, joined to what its directory descriptor names."""
    found = re.match(r'(?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"', arguments)
    if not found:
        return None
    directory, text = found.group(2) or "", found.group(3)
    if text == "" and directory:  # AT_EMPTY_PATH: the descriptor itself
        return None
    return text if text.startswith("/") or found.group(1) in (None, "AT_FDCWD") else f"{directory}/{text}"


def calls_of(log):
    """-> [(thread, call, arguments, seconds or None)] in order"""
    calls = []
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = CALL.match(line.rstrip("\n"))
            if found:
                thread, call, arguments = found.group(1, 2, 3)
                calls.append([thread, call, arguments, float(found.group(6)) if found.group(6) else None])
                continue
            found = RESUMED.match(line.rstrip("\n"))
            if found:
                for entry in reversed(calls):
                    if entry[0] == found.group(1) and entry[1] == found.group(2):
                        entry[3] = float(found.group(3))
                        break
    return calls


def judge_reader(call, arguments):
    """It opens what targets chose, that is what it is for: but for reading only, and it asks nobody else."""
    if call in ("open", "openat") and re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)", arguments):
        return [f"the child that names functions: {call}({arguments[:200]})"]
    if call in ("bpf", "creat", "openat2", "connect", "socket", "ptrace", "execve", "process_vm_readv", "unlink", "unlinkat", "ioctl", "perf_event_open"):
        return [f"the child that names functions: {call}({arguments[:200]})"]
    return []


def judge(calls, capture):
    """-> (problems, longest call about a target, {bpf command after the filter: count}, opens judged)"""
    problems, longest, after, bpf_after, opens = [], (0.0, ""), False, {}, 0
    home = os.path.dirname(capture)
    # The child that names functions filters its own calls; all other threads are filtered with the first.
    readers = {thread for thread, call, arguments, _ in calls if call == "seccomp" and "SET_MODE_FILTER" in arguments} - {calls[0][0]}
    problems += [f"{len(readers)} children filter their system calls, not 1"] if len(readers) != 1 else []
    for thread, call, arguments, seconds in calls:
        if thread in readers:
            problems += judge_reader(call, arguments)
            continue
        if call == "seccomp" and "SET_MODE_FILTER" in arguments:
            after = True
        if call == "bpf" and after:
            command = arguments.split(",")[0]
            bpf_after[command] = bpf_after.get(command, 0) + 1
        if call in ("connect", "socket", "ptrace", "process_vm_readv", "execve") and (call != "execve" or opens):
            problems.append(f"{call}({arguments[:100]})")
        about_target = re.search(r"/proc/\d+[/>\"]", arguments) is not None
        if about_target and seconds and seconds > longest[0]:
            longest = (seconds, f"{call}({arguments[:80]})")
        if call not in FILES:
            continue
        path = path_of(call, arguments)
        if path is None:
            continue
        opens += 1
        if after and call == "openat" and "O_PATH" in arguments and "O_NOFOLLOW" in arguments:
            continue  # held to see whether it is the file that was mapped; read, if at all, by descriptor
        if CANARY in path:
            problems.append(f"{call} of what a target chose: {arguments[:200]}")
        elif path in (capture, os.path.basename(capture), home, home + "/", "/proc/self/exe") or path.startswith(home + "/." ) or path == ".":
            continue
        elif not (LIBRARY.match(path) or HOST.match(path) or PROCESS.match(path)):
            problems.append(f"{call} of {path}: not on the list")
        elif after and not AFTER.match(path) and not LIBRARY.match(path):
            problems.append(f"{call} of {path} after the drop: not on the list")
    if not after:
        problems.append("no system call filter was seen")
    return problems, longest, bpf_after, opens


def record(name, home, *options):
    capture, log = os.path.join(home, name + ".kymo"), live.path(name + ".log")
    recorder = live.start(["strace", "-f", "-T", "-y", "-s", "200", "-o", log, "-e",
                           "trace=%file,%network,%process,read,pread64,ioctl,bpf,perf_event_open,seccomp,openat2,ptrace,process_vm_readv", live.RECORDER, "-q",
                           "-F", "199", "-d", "3s", "-o", capture, *options], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)  # most come while it records
    late, _, remove = start_targets(os.path.join(home, "late-" + name))
    try:
        messages = recorder.communicate(timeout=live.HANGS_S)[1]  # targets that answer nothing hold it up for ever, or not at all
    except subprocess.TimeoutExpired:
        messages = "it hangs"
        traced = live.child_of(recorder.pid)
        if traced:
            os.kill(traced, signal.SIGKILL)
        recorder.wait()
    for child in late:
        child.kill()
    return capture, log, recorder.returncode, messages, remove


def main():
    if not shutil.which("strace"):
        print("skipped: strace is missing")
        sys.exit(77)
    confined, targets = kit.Tally("S15"), kit.Tally("S16")
    home = live.path("home")
    os.makedirs(os.path.join(home, "targets"))
    children, notes, remove = start_targets(os.path.join(home, "targets"))
    busy = live.start([live.STORM, "--seconds", "100000", "--rate", "5000"], stdout=subprocess.DEVNULL)
    longest, opens_seen, bpf_seen = (0.0, ""), 0, {}
    try:
        for name, options in (("all", ()), ("some", ("-p", ",".join(str(child.pid) for child in children)))):
            os.mkdir(os.path.join(home, f"late-{name}"))
            capture, log, status, messages, more = record(name, home, *options)
            remove += more
            problems, slowest, bpf_after, opens = judge(calls_of(log), capture)
            problems += [] if status in (0, 3) else [f"status {status}: {messages}"]
            opens_seen += opens
            longest = max(longest, slowest)
            targets.count(problems, name)
            if status not in (0, 3):
                continue
            database = live.database(capture)
            known = {row["tgid"] for row in database.execute("SELECT DISTINCT tgid FROM process")}
            bpf_seen.update(bpf_after)
            problems = [f"bpf(2) after the drop: {bpf_after}"] if set(bpf_after) - GOVERNOR else []
            problems += [f"process {child.pid} is not in the capture" for child in children if child.pid not in known]
            if name == "all" and live.one(database, "SELECT count(*) FROM frame WHERE space = 'kernel' AND name NOT LIKE '[%'") < 5:
                problems.append("kernel functions have no names")
            names = [row["path"] or "" for row in database.execute("SELECT path FROM mapping")]
            problems += [] if any("/forged" in text for text in names) else ["no mapping of a hostile name was recorded"]
            confined.count(problems, name)
    finally:
        for child in children + [busy]:
            child.kill()
        for path in remove:
            if os.path.exists(path):
                os.unlink(path)
    fine = targets.report(f"{len(children)} targets, {opens_seen} paths judged; longest call about a target {longest[0] * 1e3:.0f} ms"
                          + "".join(f"; not tried: {note}" for note in notes))
    fine = confined.report(f"bpf(2) after the drop: {bpf_seen or 'none'} (T21), kernel {os.uname().release}") and fine
    sys.exit(0 if fine else 1)


main()
