#!/usr/bin/env python3
"""Compares one report on one sample capture with what it said before. Usage: golden.py CAPTURE REPORT [--bless]

The expected text lies in golden/CAPTURE-NAME/REPORT. Long outputs (dump) are kept as their SHA-256 and first lines.
"""
import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

COMMS = {"all.kymo": "nginx", "net.kymo": "python3", "waits.kymo": "python3"}  # whose threads are reported by name; else the workload that was recorded
KYMO = os.path.join(kymo_env.BIN, "kymo")


def find_report(name):
    with open(os.path.join(HERE, "reports.txt"), encoding="utf-8") as file:
        for line in file:
            words = line.split(None, 2)
            if len(words) == 3 and words[0] == name:
                return words[1], words[2].strip()
    sys.exit(f"golden.py: no report '{name}' in reports.txt")


def run(arguments, name, directory, comm=""):
    words = [{"CAPTURE": name, "COMM": comm}.get(word, word) for word in arguments.split()]

    environment = dict(os.environ, LC_ALL="C", TZ="UTC", NO_COLOR="1", PATH=f"{kymo_env.BIN}:{os.environ['PATH']}")
    done = subprocess.run([KYMO, *words], cwd=directory, env=environment, capture_output=True, timeout=600, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"kymo {' '.join(words)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "backslashreplace"), done.stderr.decode("utf-8", "backslashreplace")


def check_form(kind, text):
    if kind == "json":
        json.loads(text)
    elif kind == "svg":
        xml.dom.minidom.parseString(text)


def shorten(kind, text):
    if kind != "hash":
        return text
    lines = text.splitlines(True)
    return "".join(lines[:20]) + f"... {len(lines)} lines, SHA-256 {hashlib.sha256(text.encode()).hexdigest()}\n"


def compare(what, expected, found):
    if expected == found:
        return True
    print(f"{what} differs:")
    lines = list(difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1))
    print("\n".join(line[:300] for line in lines[:40]))
    return False


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    bless = "--bless" in sys.argv or bool(os.environ.get("KYMO_BLESS"))
    capture, report = os.path.abspath(arguments[0]), arguments[1]
    kind, command = find_report(report)
    kind, _, also = kind.partition("+")
    name = os.path.basename(capture)
    expected_path = os.path.join(HERE, os.path.splitext(name)[0], report)
    directory = tempfile.mkdtemp(prefix="kymo-golden-")
    try:
        shutil.copy(capture, directory)
        comm = COMMS.get(name, "workload")
        text, _ = run(command, name, directory, comm)
        check_form(kind, text)
        found = shorten(kind, text)
        good = True
        if also == "db":
            run("import --quiet --no-symbols CAPTURE -o sample.db", name, directory)
            good = compare("the answer of the database", text, run(command, "sample.db", directory, comm)[0])
        if bless:
            os.makedirs(os.path.dirname(expected_path), exist_ok=True)
            with open(expected_path, "w", encoding="utf-8", newline="") as file:
                file.write(found)
            return 0 if good else 1
        if not os.path.exists(expected_path):
            sys.exit(f"golden.py: {expected_path} is missing; run with --bless and look at it")
        with open(expected_path, encoding="utf-8", newline="") as file:  # CSV ends its lines with CR LF
            return 0 if compare(report, file.read(), found) and good else 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
