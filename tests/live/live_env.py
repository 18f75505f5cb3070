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


def record(name, *options, command=None, timeout=60):
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
    """-> (process, path), once the recording runs: blocks after the first two are written when the probes are attached."""
    output = path(name)
    line = recorder_line(output, *options)
    if command:
        line += ["--", *command]
    recorder = start(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while recorder.poll() is None and time.monotonic() < deadline:
        if os.path.exists(output) and os.path.getsize(output) > 0:
            time.sleep(0.3)
            return recorder, output
        time.sleep(0.01)
    print(f"the recorder did not start: {recorder.communicate()[1].decode()}" if recorder.poll() is not None else "no output yet")
    sys.exit(1)


def record_slowly(name, *options, command, run_s=0.02, pause_s=0.2):
    """Records with a recorder that is stopped most of the time. -> (capture, truth, exit status)"""
    recorder, capture = start_recorder(name, *options, command=command)
    while recorder.poll() is None:
        os.kill(recorder.pid, signal.SIGSTOP)
        time.sleep(pause_s)
        os.kill(recorder.pid, signal.SIGCONT)
        time.sleep(run_s)
    out, _ = recorder.communicate(timeout=30)
    return capture, truth(out.decode()), recorder.returncode


def stop(recorder, number=signal.SIGINT, timeout=20):
    recorder.send_signal(number)
    out, err = recorder.communicate(timeout=timeout)
    return out.decode(), err.decode()


def stop_text(recorder, number=signal.SIGINT, timeout=20):
    """The same for a recorder started with text=True."""
    recorder.send_signal(number)
    return recorder.communicate(timeout=timeout)


def info(capture):
    done = subprocess.run([KYMO, "info", "--json", capture], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"kymo info {capture}: status {done.returncode}: {done.stderr}")
    return flat(json.loads(done.stdout))


def flat(answer):
    return {**answer, **answer["damage"]}


def database(capture):
    """Imports the capture and opens the database with the plain sqlite3 library: its views are the interface."""
    output = capture + ".db"
    done = subprocess.run([KYMO, "import", capture, "-o", output], capture_output=True, text=True, timeout=120, check=False)
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


def truth(text):
    """The line of JSON that a workload printed"""
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
