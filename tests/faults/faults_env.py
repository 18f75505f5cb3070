"""What the tests of faults/ share: recordings of the synthetic source with disk_shim.c between kymo-record and its disk."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kymo_env  # noqa: E402

FULL = bool(os.environ.get("KYMO_FULL"))
RECORD = os.path.join(kymo_env.BIN, "kymo-record")
KYMO = os.path.join(kymo_env.BIN, "kymo")
TOOLS = os.path.join(kymo_env.BUILD, "faults")
SHIM = os.path.join(TOOLS, "disk_shim.so")
NO_SPACE, IO_ERROR = 4, 5  # reasons in END
SEED = int(os.environ.get("TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)

scratch = tempfile.mkdtemp(prefix="kymo-faults-")


class Check:
    """Counts cases and failures of one id; the first failures are shown with what repeats them."""

    def __init__(self, name):
        self.name, self.cases, self.failed = name, 0, 0

    def case(self, what, problems):
        self.cases += 1
        problems = [problem for problem in problems if problem]
        if not problems:
            return
        self.failed += 1
        if self.failed <= 10:
            print(f"{self.name}: {what}: {'; '.join(problems)}", flush=True)

    def progress(self, total):
        if FULL and self.cases % 200 == 0:
            print(f"{self.name}: {self.cases} of {total}", flush=True)


def finish(checks, note=""):
    for check in checks:
        print(f"reliability {check.name}: {check.cases} cases, {check.failed} failed{'; ' + note if note else ''}")
    shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(1 if any(check.failed or not check.cases for check in checks) else 0)


def environment(words):
    kept = {key: value for key, value in os.environ.items() if key != "KYMO_DISK"}
    # The shim has to be there before the sanitizer's run time asks who interposes what.
    kept["ASAN_OPTIONS"] = kept.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    if words is not None:
        kept.update(LD_PRELOAD=SHIM, KYMO_DISK=words)
    return kept


def command(source, path, *options):
    return [RECORD, "--source", "synthetic:" + source, "-q", "-f", "-o", path, *options]


class Run:
    """One recording: exit status, what it said, the file it left, what that says of itself."""

    def __init__(self, words, source, *options, path=None, timeout=600, traced=True):
        self.path = path or os.path.join(scratch, "out.kymo")
        self.trace_path = os.path.join(scratch, "trace")
        for old in (self.path, self.trace_path):
            if os.path.exists(old):
                os.unlink(old)
        words = ",".join(word for word in (words, "trace=" + self.trace_path if traced else "") if word)
        done = subprocess.run(command(source, self.path, *options), env=environment(words), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
        self.status, self.said = done.returncode, done.stderr
        self.exists = os.path.exists(self.path)
        self.facts = facts(self.path) if self.exists else None

    def trace(self):
        """-> [(call, offset, bytes, result, errno, ns, thread)]"""
        with open(self.trace_path, encoding="utf-8") as file:
            rows = [line.split() for line in file if line != "loaded\n"]
        return [(row[0], *(int(value) for value in row[1:])) for row in rows]

    def calls(self, name):
        return [row for row in self.trace() if row[0] == name]


def facts(path):
    done = subprocess.run([os.path.join(TOOLS, "capture_facts"), path], stdout=subprocess.PIPE, text=True, check=False, timeout=600)
    if done.returncode:
        return {"readable": False, "checker": done.returncode}
    return json.loads(done.stdout)


def whole(found):
    """What must be true of every file that is left behind, whatever happened to its disk: -> problems."""
    if not found or not found["readable"]:
        return ["not readable"]
    problems = [f"{key} {found[key]}" for key in ("damaged", "lost_blocks", "foreign", "skipped", "columns_failed") if found[key]]
    if found["ended"]:
        if found["attempted"] != found["stored"] + found["lost"]:
            problems.append(f"attempted {found['attempted']} is not stored {found['stored']} + lost {found['lost']}")
        if found["stored"] != found["events"]:
            problems.append(f"stored {found['stored']}, but {found['events']} events are in the file")
        if sum(value for key, value in found.items() if key.startswith("lost_") and key != "lost_blocks") != found["lost"]:
            problems.append("LOSS rows do not add up to what was lost")
    return problems


def expect(problem, good):
    return None if good else problem


def tell_outer(cases):
    """What a test says that run_inner() started: each case with its problems."""
    for case, problems in cases:
        print(f"case {case}\t" + "|".join(problem for problem in problems if problem).replace("\n", " "))


def run_inner(check, name, script, environ=None):
    """Runs a script that mounts a file system and ends in this test again, in a mount namespace of its own; takes its cases.
    False where the file system could not be had (status 77)."""
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=environ)
    if done.returncode == 77:
        print(f"{name} could not be mounted: {done.stderr.strip()}")
        return False
    rows = [line.split("\t", 1) for line in done.stdout.splitlines() if line.startswith("case ")]
    if done.returncode or not rows:
        check.case(name, [f"stopped with {done.returncode}: {done.stdout} {done.stderr}"])
    for case, problems in rows:
        check.case(case[5:], problems.split("|") if problems else [])
    return True


def require_shim():
    """A static kymo-record cannot be given a disk that fails."""
    run = Run("", "events=10")
    if not os.path.exists(run.trace_path) or not run.calls("write"):
        shutil.rmtree(scratch, ignore_errors=True)
        kymo_env.skip("kymo-record takes no LD_PRELOAD: it is linked statically")
    return run
