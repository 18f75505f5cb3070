#!/usr/bin/env python3
"""What kymo spends on small captures made to cost much (S3).

Bombs and costly captures (hostile_check make), the malformed cases and the fuzz corpus go through every command that reads a capture.
Asserted for inputs of at most 64 KiB: 256 MiB of memory (64 MiB for 1 KiB), bytes written, and work: basic blocks of our own code that ran
(work_count.h), which no other load changes. CPU time is told; the promise of one second is for a quiet machine. A run that takes STOPPED_SECONDS
of it hangs. KYMO_FULL=1: every file through every command; else a choice of them.
"""
import glob
import os
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = bool(os.environ.get("KYMO_FULL"))
BUILD = os.environ["KYMO_BUILD"]
KYMO = os.path.join(BUILD, "damage", "kymo_counted")
SOUND = os.path.join(HERE, "..", "..", "samples", "captures", "all.kymo")
MIB = 1 << 20
ALLOWED_STEPS = 10 ** 9   # about a second of a quiet CPU
STOPPED_SECONDS = 120     # of CPU time: it hangs
WRITTEN = 256 * MIB       # output and database, for an input of 64 KiB
COMMANDS = {
    "info": ["info"], "verify": ["verify", "--decode"], "dump": ["dump"], "folded": ["folded"], "flame": ["flame"], "syscalls": ["syscalls"],
    "processes": ["syscalls", "--by-process"], "timeline": ["overhead", "--timeline"], "overhead": ["overhead"], "import": None,
    "sql": None,
}


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (STOPPED_SECONDS, STOPPED_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * WRITTEN, 2 * WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(words, out):
    """-> status, CPU seconds, peak bytes, steps (None: it was killed)"""
    work = out + ".work"
    if os.path.exists(work):
        os.unlink(work)
    with open(out, "wb") as file:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, preexec_fn=limit, env=dict(os.environ, KYMO_WORK=work))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    steps = None
    if os.path.exists(work):
        with open(work, encoding="ascii") as file:
            steps = int(file.read())
    return status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, steps


def words_of(command, path, database):
    if command == "import":
        return [KYMO, "import", "--quiet", "--force", path, "-o", database]
    if command == "sql":
        return [KYMO, "sql", path, "SELECT count(*), total(duration_ns) FROM syscall"]
    return [KYMO, COMMANDS[command][0], path, *COMMANDS[command][1:]]


def measure(command, path, directory):
    out, database = os.path.join(directory, "out"), os.path.join(directory, "db")
    if os.path.exists(database):
        os.unlink(database)
    status, seconds, peak, steps = run(words_of(command, path, database), out)
    written = os.path.getsize(out) + (os.path.getsize(database) if os.path.exists(database) else 0)
    size = os.path.getsize(path)
    problems = []
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) not in (0, 1, 2, 3):
        problems.append(f"status {status:#x}")
    if peak > (64 if size <= 1024 else 256) * MIB:
        problems.append(f"{peak // MIB} MiB of memory")
    if written > WRITTEN:
        problems.append(f"{written // MIB} MiB written")
    if steps is None or steps > ALLOWED_STEPS:
        problems.append(f"{steps} steps, {seconds:.1f} s of CPU time")
    return {"seconds": seconds, "M steps": (steps or 0) / 1e6, "MiB": peak / MIB, "MiB written": written / MIB}, problems


def commands_work(directory):
    """On a sound capture each of them ends with 0: a wrong option would be refused like a bad capture, and nothing be measured. -> problems"""
    out, database = os.path.join(directory, "out"), os.path.join(directory, "db")
    statuses = {command: run(words_of(command, SOUND, database), out)[0] for command in COMMANDS}
    return [f"{command} of a sound capture: status {status:#x}" for command, status in statuses.items() if status]


def make_inputs(directory):
    """-> costly and other files, each small enough for the promise"""
    made = os.path.join(directory, "made")
    os.mkdir(made)
    subprocess.run([os.path.join(BUILD, "damage", "hostile_check"), "make", made], check=True)
    costly = sorted(glob.glob(os.path.join(made, "*.kymo")))
    maker = os.path.join(BUILD, "malformed", "make_malformed")
    names = subprocess.run([maker, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    malformed = os.path.join(directory, "malformed")
    os.mkdir(malformed)
    subprocess.run([maker, malformed, *names], check=True)
    others = sorted(glob.glob(os.path.join(malformed, "*.kymo"))) + sorted(glob.glob(os.path.join(HERE, "..", "fuzz", "corpus_reader", "*")))
    return [[path for path in paths if os.path.getsize(path) <= 64 << 10] for paths in (costly, others)]


def cases(costly, others, names):
    """All in the long form; else each costly file, and some of the others, through one command each."""
    commands = list(COMMANDS)
    for index, path in enumerate(costly + others):
        if names and not any(name in path for name in names):
            continue
        if not FULL and not names and path in others and index % 4:
            continue
        for number, command in enumerate(commands):
            if FULL or names or number == index * 3 % len(commands):
                yield path, command


def main():
    names = sys.argv[1:]
    directory = tempfile.mkdtemp(prefix="kymo-cost-")
    count = failed = 0
    worst = {}
    try:
        for problem in commands_work(directory):
            print(problem, flush=True)
            failed += 1
        costly, others = make_inputs(directory)
        for path, command in cases(costly, others, names):
            figures, problems = measure(command, path, directory)
            what = f"{command} {os.path.basename(path)}"
            count += 1
            failed += bool(problems)
            for key, value in figures.items():
                worst[key] = max(worst.get(key, (0, "")), (value, what))
            if problems or names:
                print(f"{what}: {', '.join(problems) or ', '.join(f'{value:.2f} {key}' for key, value in figures.items())}", flush=True)
    finally:
        if not os.environ.get("KYMO_KEEP"):
            shutil.rmtree(directory, ignore_errors=True)
    note = ", ".join(f"at most {value:.1f} {key} ({what})" for key, (value, what) in worst.items())
    print(f"reliability S3: {count} cases, {failed} failed; {note}")
    sys.exit(failed > 0 or count == 0)


if __name__ == "__main__":
    main()
