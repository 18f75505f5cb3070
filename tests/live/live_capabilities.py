#!/usr/bin/env python3
"""What each capability is good for (D12): an ordinary user records with CAP_BPF and CAP_PERFMON, from the process or from the file; each
further one that lacks costs its own feature and nothing else, and warning and PROBES row name it; with too little the error says the
exact setcap line, and what is said to mend it does."""
import os
import shutil
import subprocess

import kernel_allows
import live_env as live

NOBODY = 65534
NEEDED = ("bpf", "perfmon")
SETCAP = shutil.which("setcap", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
# A process whose memory map is nobody's but its own: not dumpable, as those are that changed their user.
CLOSED = "import ctypes, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print('ready', flush=True); time.sleep(100000)"
MAPS, PROGRAMS, KERNEL = "mappings of processes that ran before", "programs of processes that ran before", "kernel addresses"
# What the kernel lets a user read, found out without the recorder: kernels and sysctls differ.
ORACLE = """
import os, sys
closed = {"maps": set(), "exe": set(), "kernel": set()}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if open(f"/proc/{pid}/statm").read().startswith("0 "):
            continue
    except OSError:
        continue
    for kind, read in (("maps", open), ("exe", os.readlink)):
        try:
            read(f"/proc/{pid}/{kind}")
        except PermissionError:
            closed[kind].add(pid)
        except OSError:
            pass
if not open("/proc/kallsyms").readline().split()[0].strip("0"):
    closed["kernel"].add(sys.argv[1])
for kind, pids in closed.items():
    print(kind, *pids)
"""


def user(*command, ambient=()):
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if ambient:
        sets = ",".join("+" + name for name in ambient)
        line += [f"--inh-caps={sets}", f"--ambient-caps={sets}"]
    return [*line, *command]


def copy_of_recorder(name):
    home = live.path(name)
    os.mkdir(home, 0o700)
    os.chown(home, NOBODY, NOBODY)
    recorder = os.path.join(home, "kymo-record")
    shutil.copy(live.RECORDER, recorder)
    return home, recorder


def record(home, recorder, ambient=()):
    capture = os.path.join(home, "x.kymo")
    done = subprocess.run(user(recorder, "-q", "-F", "199", "-d", "700ms", "-o", capture, ambient=ambient), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600, check=False)
    return done, capture


def closed_to(ambient, pid):
    """{what: (closed for somebody, closed for pid)}. What even CAP_SYS_PTRACE cannot open is nobody's to read, and then not told."""
    text = subprocess.run(user("/usr/bin/python3", "-c", ORACLE, str(pid), ambient=ambient), capture_output=True, text=True, check=True).stdout
    pids = {kind: set(found) for kind, *found in (line.split() for line in text.splitlines())}
    if "sys_ptrace" in ambient:
        pids["maps"] &= {str(pid)}
        pids["exe"] &= {str(pid)}
    return {kind: (bool(found), str(pid) in found) for kind, found in pids.items()}


def check_recording(what, done, capture, has, closed_pid):
    """has: the capabilities it had"""
    if not live.check(done.returncode in (0, 3), f"{what}: status {done.returncode}: {done.stderr}"):
        return
    database = live.database(capture)
    rows = {row["name"]: row for row in database.execute("SELECT name, attached, reason FROM probe")}
    totals = {row["class"]: row["stored_count"] for row in database.execute("SELECT class, stored_count FROM class_totals")}
    for name in ("cpu", "syscalls"):
        live.check(totals.get(name, 0) > 0, f"{what}: {name} events: {totals}")
    found = {
        "maps": live.one(database, "SELECT count(*) FROM mapping m JOIN task t ON t.id = m.task_id WHERE t.tgid = ?", closed_pid),
        "exe": live.one(database, "SELECT count(*) FROM process WHERE tgid = ? AND exe IS NOT NULL", closed_pid),
        "kernel": live.one(database, "SELECT count(*) FROM frame WHERE space = 'kernel' AND name NOT LIKE '[%'"),
    }
    closed = closed_to(has, closed_pid)
    for kind, name, capability in (("maps", MAPS, "CAP_SYS_PTRACE"), ("exe", PROGRAMS, "CAP_SYS_PTRACE"), ("kernel", KERNEL, "CAP_SYSLOG")):
        row, (missing, missing_here) = rows[name], closed[kind]
        live.check_equal(bool(row["attached"]), not missing, f"{what}: PROBES row '{name}': {row['reason']}")
        live.check_equal(capability in (row["reason"] or ""), missing, f"{what}: PROBES row '{name}' names {capability}: {row['reason']}")
        live.check_equal(bool(row["reason"]) and row["reason"] in done.stderr, missing, f"{what}: a warning says so: {done.stderr}")
        live.check((found[kind] == 0) == missing_here, f"{what}: '{name}': {found[kind]} found, closed: {missing_here}")
    others = [name for name, row in rows.items() if name not in (MAPS, PROGRAMS, KERNEL) and (not row["attached"] or row["reason"])]
    live.check_equal(kernel_allows.without(others, key=str), [], f"{what}: nothing else is missing")
    warnings = [line for line in done.stderr.splitlines() if "events were lost" not in line]  # that is a busy machine's
    live.check_equal(len(warnings), sum(missing for missing, _ in closed.values()), f"{what}: warnings: {done.stderr}")
    if "sys_ptrace" in has:
        live.check(not closed["maps"][0] and not closed["exe"][0], f"{what}: CAP_SYS_PTRACE opens all: {closed}")
    else:
        live.check(closed["exe"][1], f"{what}: without CAP_SYS_PTRACE the path of a closed process's program is not told: {closed}")


def from_the_process(closed_pid):
    home, recorder = copy_of_recorder("process")
    for more in ((), ("sys_ptrace",), ("syslog",), ("sys_ptrace", "syslog"), ("dac_read_search", "dac_override")):
        ambient = NEEDED + more
        done, capture = record(home, recorder, ambient)
        check_recording(" ".join(ambient), done, capture, ambient, closed_pid)
        os.unlink(capture)
        os.unlink(capture + ".db")
    done, capture = record(home, recorder, ("sys_admin",))  # as on kernels before 5.8: it includes both
    check_recording("sys_admin", done, capture, ("sys_admin",), closed_pid)


def too_little():
    home, recorder = copy_of_recorder("little")
    for ambient, says in (((), "both are missing"), (("bpf",), "CAP_PERFMON is missing"), (("perfmon",), "CAP_BPF is missing"),
                          (("sys_ptrace", "syslog", "dac_read_search", "net_admin", "sys_resource"), "both are missing")):
        if "sys_resource" in ambient and subprocess.run(user("true", ambient=ambient), capture_output=True, check=False).returncode:
            ambient = tuple(name for name in ambient if name != "sys_resource")  # not everywhere has root all of them
        done, capture = record(home, recorder, ambient)
        live.check_equal(done.returncode, 4, f"{ambient}: status ({done.stderr})")
        live.check_equal(done.stderr, "kymo-record: InsufficientPermissions: loading BPF programs needs CAP_BPF and CAP_PERFMON, and "
                         f"{says}; run it with sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep {recorder}\n", f"{ambient}: message")
        live.check(not os.path.exists(capture), f"{ambient}: no file is left")


def from_the_file(closed_pid):
    """What the message says, done: an ordinary user's recorder then records. And the doctor's longer line mends the rest."""
    home, recorder = copy_of_recorder("file")
    done, _ = record(home, recorder)
    advice = done.stderr.strip().rsplit("sudo setcap ", 1)[-1].split()
    live.check_equal(advice, ["cap_bpf,cap_perfmon+ep", recorder], "advice")
    if not SETCAP or subprocess.run([SETCAP, *advice], capture_output=True, check=False).returncode != 0:
        live.kymo_env.skip("file capabilities cannot be set here")
    done, capture = record(home, recorder)
    check_recording("file capabilities", done, capture, NEEDED, closed_pid)
    os.unlink(capture)
    os.unlink(capture + ".db")
    doctor = subprocess.run(user(recorder, "doctor"), capture_output=True, text=True, timeout=600, check=False)
    advice = [line.split("sudo setcap ", 1)[1].split() for line in doctor.stdout.splitlines() if "sudo setcap " in line]
    live.check(doctor.returncode == 0 and len(advice) >= 1, f"doctor: {doctor.returncode}: {doctor.stdout}")
    subprocess.run([SETCAP, *advice[0]], check=True)
    done, capture = record(home, recorder)
    check_recording("as the doctor advised", done, capture, NEEDED + ("sys_ptrace", "syslog"), closed_pid)


def main():
    os.chmod(live.DIRECTORY, 0o711)
    busy = live.start([live.STORM, "--seconds", "100000", "--rate", "20000"], stdout=subprocess.DEVNULL)
    sampled = live.busy_in_kernel()
    closed = live.start(["/usr/bin/python3", "-c", CLOSED], stdout=subprocess.PIPE)
    closed.stdout.readline()
    live.run_parts({"little": too_little, "process": lambda: from_the_process(closed.pid)}, {"file": lambda: from_the_file(closed.pid)})


main()
