"""What the tests of exports share: captures, what kymo itself counts in them, and tools from npm."""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env as env  # noqa: E402  pylint: disable=wrong-import-position

KYMO = os.path.join(env.BIN, "kymo")
CAPTURES = [os.path.join(env.SAMPLES, name) for name in ("live.kymo", "waits.kymo", "all.kymo", "loss.kymo")]
PACKAGES = {"speedscope": "1.25.0", "@firefox-devtools/profiler-cli": "0.10.0"}
failed = 0


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


def check(found, wanted, what):
    global failed
    if found != wanted:
        failed += 1
        print(f"FAILED: {what}: {found!r}, not {wanted!r}")


def finish():
    sys.exit(failed > 0)


def kymo(*arguments):
    """-> what it writes on stdout, as bytes"""
    done = subprocess.run([KYMO, *arguments], capture_output=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"kymo {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def export(form, capture, *options):
    return kymo("export", "--quiet", "--no-symbols", "--format", form, *options, capture)


def ask(capture, query):
    """-> the first row of a query"""
    rows = json.loads(kymo("sql", "--json", "--no-symbols", capture, query))["rows"]
    return list(rows[0].values())


def filters(capture):
    """Ways to ask for less: (options of export and reports, conditions in SQL for rows e of tasks t)"""
    tgid, start, end = ask(capture, "SELECT t.tgid, c.start_ns, c.end_ns FROM task t, capture c WHERE t.tgid <> 0 AND t.id IN"
                                    " (SELECT task_id FROM cpu_sample UNION SELECT task_id FROM offcpu) ORDER BY t.id LIMIT 1")
    middle = start + (end - start) // 2
    return [((), "1"), (("--pid", str(tgid)), f"t.tgid = {tgid}"), (("--to", f"{middle}ns"), f"e.time_ns < {middle}")]


def totals(capture, where="1"):
    """What kymo has: {kind: (rows, weight)}. Waits as `kymo offcpu --folded` has them."""
    samples = ask(capture, "SELECT count(*), COALESCE(sum(period), 0) FROM cpu_sample e LEFT JOIN task t ON t.id = e.task_id WHERE " + where)
    waits = ask(capture, "SELECT count(*), COALESCE(sum(CASE WHEN e.flags & 1 THEN e.duration_ns ELSE e.weight_ns END), 0) FROM offcpu e"
                         " LEFT JOIN task t ON t.id = e.task_id LEFT JOIN process p ON p.id = t.process_id"
                         f" WHERE e.flags & 3 <> 3 AND NOT COALESCE(p.kernel_thread, 0) AND {where}")
    return {"cpu": tuple(samples), "offcpu": tuple(waits)}


def npm():
    """-> the folder node_modules with PACKAGES, installed once, outside of the source tree; skips where that cannot be done."""
    need("node", "npm")
    cache = os.environ.get("KYMO_TEST_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kymo-tests")
    folder = os.path.join(cache, "npm")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        skip(f"no folder for packages of npm: {error}")
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all(version_of(folder, name) == version for name, version in PACKAGES.items()):
            wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
            try:
                done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *wanted],
                                      capture_output=True, timeout=600, check=False)
            except subprocess.TimeoutExpired:
                skip("npm did not end within 600 s")
            if done.returncode != 0:
                skip("npm cannot install " + " ".join(wanted))
    return os.path.join(folder, "node_modules")


def version_of(folder, name):
    try:
        with open(os.path.join(folder, "node_modules", name, "package.json"), encoding="utf-8") as file:
            return json.load(file)["version"]
    except (OSError, ValueError):
        return None


def scratch():
    return tempfile.TemporaryDirectory(prefix="kymo-export-")
