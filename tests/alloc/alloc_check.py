#!/usr/bin/env python3
"""The k-th allocation fails, once or from there on for ever, in every command of kymo and in kymo-record with synthetic events (W16).

    alloc_check.py [--every N] [--only COMMAND]

No crash, no hang, no leak; exit status 1 with "out of memory" and no output left that looks whole, or the same result as without the
failure. A recorder that has no memory for an event may go on, if it counts the event as lost. Commands that work without SQLite run with
every k; of the others, which ask for some 30,000 blocks, a choice by chance (seed in TEST_SEED) with a k for each place in the code that
allocates; with KYMO_FULL=1 every 64th k, with --every every Nth. failing_alloc.c does the runs.
"""
import argparse
import array
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
RECORDER = os.path.join(kymo_env.BIN, "kymo-record")
WAITS = os.path.join(kymo_env.SAMPLES, "waits.kymo")
SHIM = os.path.join(kymo_env.BUILD, "alloc", "failing_alloc.so")
FULL = bool(os.environ.get("KYMO_FULL"))
QUICK_COUNT = 15  # k per mode of a command with SQLite, besides one for each place in the code that allocates
FEW = 2000  # commands that allocate less run with every k
NO_MEMORY = re.compile("out of memory|not enough memory")
SQL = "SELECT name, count(*), sum(duration_ns) FROM syscall_calls GROUP BY name ORDER BY 2 DESC, 1 LIMIT 5"
EVENTS = ("syscall", "cpu_sample", "task_", "mapping")

COMMANDS = {
    "info": [KYMO, "info", "{capture}"],
    "info-json": [KYMO, "info", "--json", "{capture}"],
    "info-database": [KYMO, "info", "{database}"],
    "verify": [KYMO, "verify", "{capture}"],
    "dump": [KYMO, "dump", "{capture}"],
    "import": [KYMO, "import", "{capture}", "-o", "out.db"],
    "sql": [KYMO, "sql", "{capture}", SQL],
    "sql-database": [KYMO, "sql", "{database}", SQL],
    "folded": [KYMO, "folded", "{capture}"],
    "flame": [KYMO, "flame", "{capture}"],
    "syscalls": [KYMO, "syscalls", "{capture}"],
    "syscalls-csv": [KYMO, "syscalls", "--csv", "{database}"],
    "syscalls-counted": [KYMO, "syscalls", "-e", "--by-process", "{counted}"],
    "syscalls-counted-from": [KYMO, "syscalls", "--from", "1", "--json", "{counted}"],
    "import-counted": [KYMO, "import", "{counted}", "-o", "out.db"],
    "verify-counted": [KYMO, "verify", "--decode", "{counted-gone}"],
    "recover-counted": [KYMO, "recover", "{counted-gone}", "-o", "out.kymo"],
    "offcpu": [KYMO, "offcpu", "--all", WAITS],
    "offcpu-folded": [KYMO, "offcpu", "--folded", "--no-symbols", WAITS],
    "overhead": [KYMO, "overhead", "{capture}"],
    "export-pprof": [KYMO, "export", "-q", "-F", "pprof", "--no-symbols", "{capture}"],
    "export-speedscope": [KYMO, "export", "-q", "-F", "speedscope", "--no-symbols", WAITS],
    "export-firefox": [KYMO, "export", "-q", "-F", "firefox", "--no-symbols", WAITS],
    "export-perfetto": [KYMO, "export", "-q", "-F", "perfetto", "--no-symbols", WAITS],
    "export-perf-script": [KYMO, "export", "-q", "-F", "perf-script", "--no-symbols", "{database}"],
    "export-folded": [KYMO, "export", "-q", "-F", "folded", "--no-symbols", "{database}"],
    "export-table": [KYMO, "export", "-q", "-t", "syscalls", "{database}"],
    "schema-json": [KYMO, "schema", "--json"],
    "replay": [KYMO, "replay", "{capture}"],
    "summary": [KYMO, "summary", "{capture}"],
    "summary-database": [KYMO, "summary", "--json", "{database}"],
    "recover": [KYMO, "recover", "{capture}", "-o", "out.kymo"],
    "record": [RECORDER, "-q", "-o", "out.kymo", "--source", "synthetic:events=300,mix=all,seed=3"],
    "record-config": [RECORDER, "-q", "-c", "{config}", "-o", "out.kymo", "--source", "synthetic:events=300,seed=3"],
    "record-capture": [RECORDER, "-q", "-o", "out.kymo", "--source", "{capture}"],
    "record-json": [RECORDER, "--json", "-o", "out.kymo", "--source", "synthetic:events=300,seed=3"],
}


class Run:
    """A line of the shim's results"""

    def __init__(self, line):
        k, asked, status, leaks, output, files, text = line.rstrip("\n").split("\t", 6)
        self.k, self.asked, self.status = int(k), int(asked), int(status)
        self.leaks, self.output, self.text = leaks, output, text
        self.files = {} if files == "-" else {part.split(":")[0]: part.split(":")[1] for part in files.split(",")}


class Command:
    def __init__(self, name, places, directory):
        self.name = name
        self.line = [word.format(**places) for word in COMMANDS[name]]
        self.home, self.kept = os.path.join(directory, name, "home"), os.path.join(directory, name, "kept")
        os.makedirs(self.home)
        os.makedirs(self.kept)
        self.rows = None

    def runs(self, mode, numbers):
        """The run without a failure, then one for each k"""
        listed, results, sites = (os.path.join(self.home, "..", name) for name in ("list", "results", "sites"))
        with open(listed, "w", encoding="ascii") as file:
            file.write("".join(f"{k}\n" for k in numbers))
        environment = dict(os.environ, LD_PRELOAD=SHIM, KYMO_ALLOC_RESULTS=results, KYMO_ALLOC_LIST=listed, KYMO_ALLOC_MODE=mode,
                           KYMO_ALLOC_KEEP=self.kept, KYMO_ALLOC_SITES=sites, TZ="UTC", LC_ALL="C")
        subprocess.run(self.line, cwd=self.home, env=environment, check=True, stdin=subprocess.DEVNULL)
        with open(results, encoding="utf-8", errors="replace") as file:
            return [Run(line) for line in file]

    def places(self, asked):
        """The k of each place in the code that allocates"""
        with open(os.path.join(self.home, "..", "sites"), "rb") as file:
            sites = array.array("Q", file.read(8 * asked))
        numbers = collections.defaultdict(list)
        for k, site in enumerate(sites, 1):
            numbers[site].append(k)
        return list(numbers.values())

    def choose(self, rng, asked, every):
        if asked <= FEW and (every or not self.name.startswith("record-")):
            return list(range(1, asked + 1))
        if every:
            chosen = set(range(rng.randint(1, every), asked + 1, every))
        else:
            chosen = {rng.randint(1, asked) for _ in range(QUICK_COUNT)}
        for numbers in self.places(asked):
            chosen |= {numbers[0], rng.choice(numbers)} if every else {rng.choice(numbers)}
        return sorted(chosen)

    def problems(self, run, whole):
        """What is wrong with a run, beside the one in which nothing fails"""
        if run.status < 0:
            return ["hangs" if run.status == -14 else f"killed by signal {-run.status}"]
        found = [] if run.leaks == "-" else [f"not freed: {run.leaks}"]
        if run.status == whole.status:
            if run.output != whole.output and not self.name.startswith("record"):
                found.append("success with other output")
            return found + self.other_files(run, whole)
        if run.status == 3 and self.name.startswith("record"):
            return found + self.counted_loss(run)
        if run.status != 1:
            found.append(f"exit status {run.status}")
        if not NO_MEMORY.search(run.text):
            found.append(f"no word of memory: {run.text!r}")
        return found + self.unfinished(run, whole)

    def kept_file(self, run, name):
        return os.path.join(self.kept, f"{run.k}.{name}")

    def other_files(self, run, whole):
        if set(run.files) != set(whole.files):
            return [f"files {sorted(run.files)}, not {sorted(whole.files)}"]
        if not self.name.startswith("rec"):  # captures are compared by their rows: INDEX is a hint, and may lack
            return [f"{name} is not the same" for name in run.files if run.files[name] != whole.files[name]]
        if self.rows is None:
            self.rows = self.events_of(self.kept_file(whole, "out.kymo"))
        return [] if self.rows_fit(self.kept_file(run, "out.kymo")) else ["success with other events"]

    def rows_fit(self, path):
        return self.events_of(path) == self.rows

    @staticmethod
    def events_of(path):
        done = subprocess.run([KYMO, "dump", path], capture_output=True, check=False)
        kinds = tuple(f'{{"type":"{kind}'.encode() for kind in EVENTS)
        rows = sorted(line for line in done.stdout.splitlines() if line.startswith(kinds))
        events = sum(1 for line in rows if not line.startswith(b'{"type":"mapping') or b'"flags":0' in line)
        return done.returncode, events, hashlib.sha256(b"\n".join(rows)).hexdigest()

    def counted_loss(self, run):
        """A recorder without memory for an event goes on, and counts it: what the file says was lost is what is not in it."""
        facts = json.loads(subprocess.run([KYMO, "info", "--json", self.kept_file(run, "out.kymo")], capture_output=True, check=False).stdout)
        _, rows, _ = self.events_of(self.kept_file(run, "out.kymo"))
        found = [] if facts["events_dropped"] > 0 and facts["complete"] else [f"exit status 3, {facts['events_dropped']} lost"]
        if facts["damage"]["blocks_damaged"] or facts["damage"]["columns_rejected"]:
            found.append(f"damaged: {facts['damage']}")
        found += [f"not counted: {row}" for row in facts["classes"] if row["attempted_count"] != row["stored_count"] + row["counted_count"] + row["lost_count"]]
        if facts["events_stored"] != rows:
            found.append(f"{facts['events_stored']} stored, {rows} dumped")
        return found

    def unfinished(self, run, whole):
        """After a failure: nothing that looks whole but is not. The recorder leaves what it wrote so far, which must be readable."""
        left = {name: hash for name, hash in run.files.items() if hash != whole.files.get(name)}
        if self.name.startswith("record") and left.pop("out.kymo", None):
            done = subprocess.run([KYMO, "info", "--json", self.kept_file(run, "out.kymo")], capture_output=True, text=True, check=False)
            if done.returncode not in (0, 3):
                return [f"an unreadable file was left: {done.stderr.strip()}"]
            facts = json.loads(done.stdout)
            if facts["complete"] and facts["end_reason"] not in ("I/O error", "io_error", "no space", "no_space"):
                return [f"the file that was left says it ended by '{facts['end_reason']}'"]
        return [f"left: {sorted(left)}"] if left else []

    def clear(self):
        for name in os.listdir(self.kept):
            if not name.startswith("0."):
                os.unlink(os.path.join(self.kept, name))


def check(command, seed, every):
    """-> (cases, failures, blocks asked for)"""
    rng = random.Random(f"{seed}/{command.name}")
    asked = command.runs("once", [])[0].asked
    cases = failures = 0
    for mode in ("once", "ever"):
        runs = command.runs(mode, command.choose(rng, asked, every))
        for run in runs[1:]:
            cases += 1
            problems = command.problems(run, runs[0])
            if problems:
                failures += 1
                print(f"FAILED W16: {command.name}, k {run.k} {mode}: {'; '.join(problems)}", flush=True)
        command.clear()
    return cases, failures, asked


def make_inputs(directory):
    places = {name: os.path.join(directory, name) for name in ("capture", "database", "config")}
    for name, seed in (("counted", "counted"), ("counted-gone", "counted-block-gone")):  # small captures with counted calls
        places[name] = shutil.copy(os.path.join(kymo_env.TESTS, "fuzz", "corpus_import", seed), os.path.join(directory, name + ".kymo"))
    subprocess.run([RECORDER, "-q", "-o", places["capture"], "--source", "synthetic:events=300,mix=all,seed=3"], check=True)
    subprocess.run([KYMO, "import", "-q", places["capture"], "-o", places["database"]], check=True)
    with open(places["config"], "w", encoding="ascii") as file:
        file.write("preset: prod\nevents: [cpu, syscalls]\nlimits:\n  duration: 30s\n")
    return places


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=64 if FULL else 0, metavar="N")
    parser.add_argument("--only", choices=list(COMMANDS))
    options = parser.parse_args()
    if not os.path.exists(SHIM):
        kymo_env.skip("the shim is not built: a sanitized tree?")
    os.environ.pop("LD_PRELOAD", None)
    seed = os.environ.get("TEST_SEED") or str(time.time_ns() % 10**9)
    print(f"TEST_SEED={seed}", flush=True)
    directory = tempfile.mkdtemp(prefix="kymo-alloc-")
    try:
        places = make_inputs(directory)
        names = [options.only] if options.only else [name for name in COMMANDS if name != "recover" or has_recover()]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = {name: pool.submit(check, Command(name, places, directory), seed, options.every) for name in names}
        cases = failures = 0
        for name, job in jobs.items():
            done, failed, asked = job.result()
            print(f"{name:15} {asked:6} blocks, {done:6} runs, {failed} failed", flush=True)
            cases, failures = cases + done, failures + failed
        print(f"reliability W16: {cases} cases, {failures} failed; {len(names)} commands, each k failing once and for ever")
    finally:
        if not os.environ.get("KYMO_KEEP"):
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if failures or not cases else 0)


def has_recover():
    return " recover " in subprocess.run([KYMO, "--help"], capture_output=True, text=True, check=True).stdout


main()
