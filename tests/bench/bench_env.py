"""What the benchmarks share: pairs run interleaved, medians of their ratios, load generators, and one markdown row as the result.

Sizes come from the environment, so that a check that everything runs takes seconds: PAIRS (default 5) and SCALE (default 1; 0.05 to try).
Absolute times mean nothing on a shared machine; a ratio of runs made one after the other does.
"""
import atexit
import glob
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

RECORDER = os.path.join(kymo_env.BIN, "kymo-record")
KYMO = os.path.join(kymo_env.BIN, "kymo")
STORM = os.path.join(kymo_env.BIN, "storm")
PAIRS = int(os.environ.get("PAIRS", 5))
SCALE = float(os.environ.get("SCALE", 1))
DIRECTORY = tempfile.mkdtemp(prefix="kymo-bench-", dir=os.environ.get("BENCH_DIR"))
LOAD_CPU = 0
TRACER_CPU = 1
_children = []


def _clean_up():
    for child in _children:
        if child.poll() is None:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
    shutil.rmtree(DIRECTORY, ignore_errors=True)


atexit.register(_clean_up)


def path(name):
    return os.path.join(DIRECTORY, name)


def note(text):
    print(text, file=sys.stderr, flush=True)


def need_bpf(*programs):
    kymo_env.require(["bpf"])
    for program in programs:
        if not shutil.which(program):
            kymo_env.skip(f"{program} is missing: tests/install-packages.sh bench")
    if (os.cpu_count() or 1) < 2:
        kymo_env.skip("needs two CPUs: one for the load, one for the tracer")


def start(command, cpu=None, **options):
    """In a process group of its own, so that its children end with it"""
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    child = subprocess.Popen(command, start_new_session=True, **options)
    _children.append(child)
    return child


def end(child, timeout=120):
    """SIGINT, as a user would; then waits."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    return child.wait(timeout=timeout)


def timed(command, **options):
    """Runs a command. -> (seconds, CPU seconds, peak RSS in bytes, exit status)"""
    begin = time.monotonic()
    child = start(command, **options)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, child.returncode


def cpu_ns(pid):
    """CPU time of all threads of a process so far; its children are not counted."""
    total = 0
    for entry in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(entry, encoding="ascii") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def storm(*options, cpu=None):
    """-> what the storm printed: calls, ns_per_call"""
    line = [STORM, *[str(option) for option in options]]
    if cpu is not None:
        line += ["--cpu", str(cpu)]
    return json.loads(subprocess.run(line, capture_output=True, text=True, timeout=300, check=True).stdout)


class Tracer:
    """A tracer that runs while the with-block does. settle: seconds until its probes are attached."""

    def __init__(self, command, settle, cpu=TRACER_CPU, wait_for=None):
        self.command, self.settle, self.cpu, self.wait_for = command, settle, cpu, wait_for

    def __enter__(self):
        self.child = start(self.command, cpu=self.cpu)
        deadline = time.monotonic() + 30
        while self.wait_for and not os.path.exists(self.wait_for) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(self.settle)
        if self.child.poll() is not None:
            sys.exit(f"{self.command[0]} ended by itself with {self.child.returncode}: {' '.join(self.command)}")
        return self

    def pid(self):
        return self.child.pid  # taskset execs: the same pid

    def __exit__(self, *_):
        end(self.child)


def kymo_tracer(name, *options, cpu=TRACER_CPU):
    output = path(name)
    if os.path.exists(output):
        os.remove(output)
    return Tracer([RECORDER, "-q", "-o", output, "-d", "0", *options], 0.7, cpu, wait_for=output), output


def perf_tracer(name, *options, cpu=TRACER_CPU):
    output = path(name)
    return Tracer(["perf", "record", "-q", "-a", "-e", "raw_syscalls:sys_enter,raw_syscalls:sys_exit", "-o", output, *options],
                  1.0, cpu), output


def perf_samples(data):
    text = subprocess.run(["perf", "report", "--stats", "-i", data], capture_output=True, text=True, timeout=600, check=True).stdout
    return next(int(line.split(":")[1].split()[0]) for line in text.splitlines() if "SAMPLE events:" in line)


def stored_calls(capture):
    done = subprocess.run([KYMO, "sql", "--json", capture, "SELECT row_count FROM event_count WHERE type = 'syscall'"],
                          capture_output=True, text=True, timeout=600, check=False)
    return json.loads(done.stdout)["rows"][0]["row_count"]


def info(capture):
    done = subprocess.run([KYMO, "info", "--json", capture], capture_output=True, text=True, timeout=600, check=False)
    return json.loads(done.stdout)


def median(values):
    return statistics.median(values)


def interval(values, of=median):
    """95 % interval of a statistic of values, by bootstrap with a fixed seed"""
    draw = random.Random(1)
    drawn = sorted(of(draw.choices(values, k=len(values))) for _ in range(4000))
    return drawn[100], drawn[-101]


def spread(values):
    return f"{min(values):.3g} .. {max(values):.3g}" if len(values) > 1 else "one run"


def row(what, target, found, unit, values, met):
    """The result: one row of the table in RESULTS.md"""
    print(f"| {what} | {target} | {found}{unit} | {spread(values)} of {len(values)} | {'yes' if met else '**no**'} |", flush=True)
    sys.exit(0 if met else 3)
