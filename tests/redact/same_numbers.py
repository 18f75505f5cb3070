#!/usr/bin/env python3
"""Whatever kymo says of a redacted capture has the numbers that it says of the capture itself: every report and every view of the schema, on
all sample captures and a tenth of the golden ones (KYMO_FULL=1: all), at both levels; and once more on what was redacted twice. Usage: same_numbers.py [CAPTURE...]

Texts are compared as "some text", "none" or "empty"; rows as a set, since their order may go by name.
"""
import glob
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
REPORTS = [
    "info --no-symbols", "summary --no-symbols", "syscalls -n 0", "syscalls -n 0 --by-process --errors --in-flight --blocked --histogram --on-cpu",
    "syscalls -n 0 --from 0.5 --to 1.5", "folded --no-symbols", "folded --no-symbols --show-tid", "overhead -n 0", "overhead -n 0 --timeline",
    "offcpu -n 0 --all", "offcpu -n 0 --slow", "offcpu -n 0 --runqueue --by-process", "offcpu -n 0 --waker", "offcpu -n 0 --chain",
    "offcpu -n 0 --by-process", "verify --decode",
]
# What redaction is for, or what is of the file and not of what it holds
PRIVATE = {
    "path", "file_bytes", "bytes_per_event", "format_version", "inode", "dev_major", "dev_minor", "cgroup_id", "ret", "arg0", "arg1", "arg2", "arg3",
    "arg4", "arg5", "start_address", "copy", "copies", "offset", "bytes", "blocks_read", "offset_bytes",
    "bytes_per_second", "columns", "address", "blocks_good", "rows",
}
SMALL_BYTES = 60000  # of larger captures only the reports are compared
DROPPED_TABLES = {"unwind", "module_symbols", "kymo_schema", "meta", "enum_name", "event_count"}


def run(*arguments, ok=(0, 3)):
    done = subprocess.run([KYMO, *arguments], capture_output=True, timeout=800, check=False, env=dict(os.environ, TZ="UTC"))
    if done.returncode not in ok:
        sys.exit(f"kymo {' '.join(arguments)}: status {done.returncode}: {done.stderr.decode()}")
    return done


def plain(value, also=None, key=None):
    """also: the name of one more value that is private; of system calls the flag that says they have arguments"""
    if (key in PRIVATE or (key and key == also)) and not isinstance(value, (dict, list)):
        return None
    if isinstance(value, dict):
        if value.get("type") == "unwind":  # how to unwind, which nobody needs any more
            return None
        return {name: plain(item, also, name) for name, item in value.items() if not name.endswith("_hex")}
    if isinstance(value, list):
        return sorted((item for item in (plain(item, also) for item in value) if item is not None), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, float):
        return float(f"{value:.9g}")  # sums go in the order of names
    if isinstance(value, str):
        return "text" if value else ""
    return value


def first_difference(before, after, place=""):
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                return first_difference(before.get(name), after.get(name), f"{place}.{name}")
    if isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            return f"{place}: {len(before)} and {len(after)} rows"
        for number, pair in enumerate(zip(before, after)):
            if pair[0] != pair[1]:
                return first_difference(*pair, f"{place}[{number}]")
    return f"{place}: {json.dumps(before)[:300]} and {json.dumps(after)[:300]}"


def tables(capture, folder):
    """-> rows of every table and view, as a database made of the capture has them"""
    database = os.path.join(folder, "it.db")
    run("import", "-q", "-f", "--no-symbols", capture, "-o", database)
    found = {}
    with sqlite3.connect(database) as connection:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite%'")]
        for name in sorted(set(names) - DROPPED_TABLES):
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            keys = [column[0] for column in cursor.description]
            rows = [dict(zip(keys, (item if not isinstance(item, bytes) else "blob" for item in row))) for row in cursor]
            found[name] = plain(rows, "flags" if name == "syscall" else None)
    return found


def answers(capture, folder):
    found = {}
    for report in REPORTS:
        name, *rest = report.split()
        done = run(name, "--json", *rest, capture, ok=(0, 1, 3))
        found[report] = plain(json.loads(done.stdout)) if done.stdout else f"status {done.returncode}"
    if os.path.getsize(capture) < SMALL_BYTES:
        found.update(tables(capture, folder))
    return found


def compare(what, before, after):
    wrong = [f"{what}: {name}{first_difference(before[name], after.get(name))}"
             for name in before if name in after and before[name] != after[name]]
    for line in wrong:
        print(line)
    return len(wrong)


def main():
    golden = sorted(glob.glob(os.path.join(kymo_env.TESTS, "golden", "[0-9]*", "*.kymo")))
    golden = golden if os.environ.get("KYMO_FULL") else golden[::10]
    captures = sys.argv[1:] or sorted(glob.glob(os.path.join(kymo_env.SAMPLES, "*.kymo")) + golden)
    wrong = compared = 0
    with tempfile.TemporaryDirectory() as folder:
        for capture in captures:
            if run("info", capture, ok=(0, 1, 2, 3)).returncode not in (0, 3):
                continue
            before = answers(capture, folder)
            once, twice = os.path.join(folder, "once.kymo"), os.path.join(folder, "twice.kymo")
            for level in ("share", "strict"):
                run("redact", "-f", "-q", "--level", level, capture, "-o", once)
                after = answers(once, folder)
                wrong += compare(f"{os.path.relpath(capture, kymo_env.ROOT)} {level}", before, after)
                compared += len(after)
            run("redact", "-f", "-q", once, "-o", twice)
            wrong += compare(f"{os.path.relpath(capture, kymo_env.ROOT)} twice", after, answers(twice, folder))
    print(f"{compared} answers about {len(captures)} captures compared, {wrong} differ")
    sys.exit(wrong > 0 or compared == 0)


main()
