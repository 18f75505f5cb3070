#!/usr/bin/env python3
"""Names that try to break out of where they are shown (requirements S7 to S11): every report, in every format, from capture and database."""
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
REPORTS = {
    "info": ["text", "json"], "verify --decode": ["text", "json"], "folded": ["text", "json", "csv"], "overhead": ["text", "json"],
    "syscalls": ["text", "json", "csv"], "syscalls --by-process --errors --in-flight --hist": ["text", "json"], "flame": ["svg"],
    "dump": ["lines"],
}
failures = []


def check(condition, text):
    if not condition:
        print(f"FAILED: {text}")
        failures.append(text)


def printable(data, what):
    """Text for a terminal: valid UTF-8, no control character but newline, nothing that reorders or hides text"""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        check(False, f"{what}: {error}")
        return
    bad = {ch for ch in text if ch != "\n" and unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    check(not bad, f"{what}: control characters {sorted(hex(ord(ch)) for ch in bad)}")


def check_csv(data, what):
    for row in csv.reader(io.StringIO(data.decode("utf-8"), newline="")):
        for cell in row:
            check(not re.match(r"[=@+]|-[^0-9.]", cell), f"{what}: a cell that a spreadsheet would run: {cell[:40]!r}")


def check_folded(data, what):
    for line in data.decode("utf-8", "replace").splitlines():
        stack, _, count = line.rpartition(" ")
        check(stack and count.isdigit(), f"{what}: not 'frames count': {line[:80]!r}")


def shape(svg):
    """Elements and attributes used, without what they hold"""
    return {(node.tag, name) for node in tree.fromstring(svg).iter() for name in [None, *node.attrib]}


def run(arguments, directory):
    done = subprocess.run([KYMO, *arguments], cwd=directory, capture_output=True, timeout=60, check=False)
    check(done.returncode in (0, 3), f"kymo {' '.join(arguments)}: status {done.returncode}: {done.stderr[-300:]!r}")
    printable(done.stderr, f"messages of kymo {' '.join(arguments)}")
    return done.stdout


def check_report(report, form, source, directory, benign_shape):
    arguments = [*report.split(), *(["--" + form] if form in ("json", "csv") else []), source]
    what = " ".join(arguments)
    data = run(arguments, directory)
    if form == "text":
        printable(data, what)
    elif form == "json":
        json.loads(data.decode("utf-8"))
    elif form == "csv":
        check_csv(data, what)
    elif form == "lines":
        for line in data.decode("utf-8").split("\n")[:-1]:
            json.loads(line)
    elif form == "svg":
        check(shape(data) <= benign_shape, f"{what}: elements or attributes of its own: {shape(data) - benign_shape}")
        check(data.count(b"<script") == 1, f"{what}: {data.count(b'<script')} scripts")
    if report == "folded" and form == "text":
        check_folded(data, what)


with tempfile.TemporaryDirectory(prefix="kymo-hostile-") as work:
    subprocess.run([os.path.join(kymo_env.BUILD, "malformed", "make_hostile"), os.path.join(work, "hostile.kymo")], check=True)
    benign = shape(run(["flame", os.path.join(kymo_env.SAMPLES, "all.kymo")], work)) | \
        shape(run(["flame", os.path.join(kymo_env.SAMPLES, "loss.kymo")], work)) | \
        shape(run(["flame", os.path.join(kymo_env.SAMPLES, "live.kymo")], work))
    run(["import", "--quiet", "hostile.kymo", "-o", "hostile.db"], work)
    for name, forms in REPORTS.items():
        for form in forms:
            check_report(name, form, "hostile.kymo", work, benign)
            if name not in ("dump", "verify --decode"):
                check_report(name, form, "hostile.db", work, benign)
print(f"{len(failures)} checks failed" if failures else "all checks hold")
sys.exit(1 if failures else 0)
