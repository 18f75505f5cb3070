"""What the live tests share: recording this machine, and asking a database made from the recording. Everything started is stopped."""
import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

QUICK = bool(os.environ.get("KYMO_QUICK"))
RECORDER = os.path.join(kymo_env.BIN, "kymo-record")
KYMO = os.path.join(kymo_env.BIN, "kymo")
WORKLOAD = os.path.join(kymo_env.BIN, "workload")
STORM = os.path.join(kymo_env.BIN, "storm")

kymo_env.require(["bpf"])
HANGS_S = 120  # nothing here takes so long; what does, hangs
DIRECTORY = tempfile.mkdtemp(prefix="kymo-live-")
_children = []
_failures = []


def _clean_up():
    for child in _children:
        if child.poll() is None:
            child.kill()
            child.wait()
    if not os.environ.get("KYMO_KEEP"):
        shutil.rmtree(DIRECTORY, ignore_errors=True)


atexit.register(_clean_up)


def path(name):
    return os.path.join(DIRECTORY, name)


def check(condition, text):
    """Notes a failure and goes on: one run shows all that is wrong."""
    if not condition:
        print(f"FAILED: {text}")
        _failures.append(text)
    return bool(condition)


def check_equal(found, expected, what):
    return check(found == expected, f"{what}: expected {expected}, found {found}")


def failure_count():
    return len(_failures)


def finish():
    print(f"{len(_failures)} checks failed" if _failures else "all checks hold")
    sys.exit(1 if _failures else 0)


def run_parts(usual, optional):
    """Runs the parts named on the command line, or the usual ones. Optional ones need what not every host has: each is a test of its own
    (tests/live/tests.cmake), so that one that cannot run is counted as skipped. usual, optional: {name: function}"""
    for name in sys.argv[1:] or usual:
        (usual | optional)[name]()
    finish()


def until(condition, what):
    """Looks until it is so. -> what the condition gave; None, and a failure noted, if it never was"""
    deadline = time.monotonic() + HANGS_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    check(False, f"never seen: {what}")
    return None


def attempts(count=12):
    """For what depends on how the machine is scheduled: numbers to try again with, from 1 on, each twice the one before up to 16."""
    return (min(2 ** number, 16) for number in range(count))


def is_recording(pid):
    """Its programs are attached and events flow: it has given up its capabilities and filters its own system calls."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields.get("CapPrm", "1"), 16) == 0 and fields.get("Seccomp", "2") == "2"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child_of(pid):
    """The command of a recorder, once there is one"""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    return int(children[0]) if children else None


def start(command, **options):
    child = subprocess.Popen(command, **options)
    _children.append(child)
    return child


def busy_in_kernel():
    """A process that uses a CPU, nearly all of it in the kernel, with few system calls: without one an idle host has no samples. Kill it."""
    return start(["dd", "if=/dev/zero", "of=/dev/null", "bs=1M"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def recorder_line(output, *options):
    """kymo-record, with every event by itself unless the test asks for a budget: loads here are above any that users allow."""
    budget = [] if "--cpu-budget" in options else ["--cpu-budget", "none"]
    return [RECORDER, "-q", "-o", output, *budget, *options]


def record(name, *options, command=None, timeout=HANGS_S):
    """Runs kymo-record to its end. -> (path, what the command printed, exit status, messages)"""
    output = path(name)
    line = recorder_line(output, *options)
    if command:
        line += ["--", *command]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode not in (0, 3):
        print(f"kymo-record ended with {done.returncode}: {done.stderr}")
        print("  " + " ".join(line))
        sys.exit(1)
    return output, done.stdout, done.returncode, done.stderr


def start_recorder(name, *options, command=None):
    """-> (process, path), once the recording runs; it goes on until it is stopped."""
    output = path(name)
    if not command and "-d" not in options:
        options += ("-d", "0")  # the presets end after a minute
    line = recorder_line(output, *options)
    if command:
        line += ["--", *command]
    recorder = start(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + HANGS_S
    while recorder.poll() is None and time.monotonic() < deadline:
        if is_recording(recorder.pid):
            return recorder, output
        time.sleep(0.01)
    if recorder.poll() == 0 and command:  # it was over before we looked
        return recorder, output
    print(f"the recorder did not start: {recorder.communicate()[1].decode()}" if recorder.poll() is not None else "no output yet")
    sys.exit(1)


def record_slowly(name, *options, command, run_s=0.02, pause_s=0.2, work_s=0.5):
    """Records with a recorder that is stopped most of the time, first until the command has worked for work_s of CPU time, far more than
    small rings hold. -> (capture, truth, exit status)"""
    recorder, capture = start_recorder(name, *options, command=command)
    worker = child_of(recorder.pid)
    os.kill(recorder.pid, signal.SIGSTOP)
    until(lambda: worker is None or is_over(worker) or cpu_seconds(worker) > work_s, "the command works")
    os.kill(recorder.pid, signal.SIGCONT)
    time.sleep(run_s)
    while recorder.poll() is None:
        os.kill(recorder.pid, signal.SIGSTOP)
        time.sleep(pause_s)
        os.kill(recorder.pid, signal.SIGCONT)
        time.sleep(run_s)
    out, _ = recorder.communicate(timeout=HANGS_S)
    return capture, truth(out.decode()), recorder.returncode


def is_over(pid):
    """Gone, or a zombie whose parent is stopped"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def stop(recorder, number=signal.SIGINT, timeout=HANGS_S):
    recorder.send_signal(number)
    out, err = recorder.communicate(timeout=timeout)
    return out.decode(), err.decode()


def stop_text(recorder, number=signal.SIGINT, timeout=HANGS_S):
    """The same for a recorder started with text=True."""
    recorder.send_signal(number)
    return recorder.communicate(timeout=timeout)


def info(capture):
    done = subprocess.run([KYMO, "info", "--json", capture], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"kymo info {capture}: status {done.returncode}: {done.stderr}")
    return flat(json.loads(done.stdout))


def flat(answer):
    return {**answer, **answer["damage"]}


def database(capture):
    """Imports the capture and opens the database with the plain sqlite3 library: its views are the interface."""
    output = capture + ".db"
    done = subprocess.run([KYMO, "import", "-f", capture, "-o", output], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode not in (0, 3):
        print(f"kymo import {capture}: status {done.returncode}: {done.stderr}")
        sys.exit(1)
    connection = sqlite3.connect(f"file:{output}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def one(connection, query, *values):
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def calls_of(connection, pid):
    """{system call: calls} of a process, under every name it had"""
    rows = connection.execute("SELECT name, count(*) FROM syscall_calls WHERE tgid = ? GROUP BY name", (pid,))
    return {name: count for name, count in rows}


def lost(connection, kind="syscalls"):
    return one(connection, "SELECT lost_count FROM class_totals WHERE class = ?", kind) or 0


def not_single(connection, kind="syscalls"):
    """Events that are not there one by one: lost, or only counted, as the ring was full"""
    return one(connection, "SELECT lost_count + ifnull(counted_count, 0) FROM class_totals WHERE class = ?", kind) or 0


def truth(text):
    """The line of JSON that a workload printed"""
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
