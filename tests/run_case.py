#!/usr/bin/env python3
"""Runs one .t file: shell commands, each with the stdout, stderr and exit status it must have.

    # comment; the first one says what the case is about
    #! requires root            skip (77) unless so; also: bpf, unprivileged, tmpfs
    #! mask sizes               offsets and sizes, which depend on zstd's version and on the schema, print as N
    $ command                   run by bash in an empty directory of its own
    > a line of stdout          "..." stands for any lines; a line ending in " (re)" is a regular expression
    2> a line of stderr
    ? 2                         exit status, if it is not 0

The commands see the programs of $KYMO_BIN first in PATH, and $SAMPLES (samples/captures) and $CONFIGS. These directories print as
$TMP, $SAMPLES and so on. A case of malformed/ finds the file of its own name, made by make_malformed. --bless, or KYMO_BLESS=1, rewrites what differs.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import kymo_env

ANY = "..."
SIZES = [
    (r"^( *)[\d,]+( +)[\d,]+(  (damaged|unknown|lost|foreign|cut))", r"N N\3"),
    (r"((file_bytes|file_size|bytes_skipped|data_skipped|columns): +)[1-9][\d,]*", r"\1N"),
    (r"(\"bytes_skipped\":)[1-9]\d*", r"\1N"),
    (r"\b[\d,]+ bytes could", "N bytes could"),
    (r"(intact block in|blocks? and) [1-9][\d,]* bytes", r"\1 N bytes"),
    (r"holds \d+ bytes, header says \d+", "holds N bytes, header says N"),
    (r"bytes at \d+ pass", "bytes at N pass"),
    (r"at byte [\d,]+", "at byte N"),
]


class Step:
    def __init__(self, command):
        self.command = command
        self.out, self.err, self.status = [], [], 0


def parse(path):
    """-> [str or Step] in file order"""
    items = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            if line.startswith("$ "):
                items.append(Step(line[2:]))
            elif line.startswith(("> ", "2> ", "? ")) or line in (">", "2>"):
                steps = [item for item in items if isinstance(item, Step)]
                if not steps:
                    sys.exit(f"{path}:{number}: expectation before any command")
                mark, _, text = line.partition(" ")
                if mark == "?":
                    steps[-1].status = int(text)
                else:
                    (steps[-1].out if mark == ">" else steps[-1].err).append(text)
            elif line.startswith("#") or not line:
                items.append(line)
            else:
                sys.exit(f"{path}:{number}: neither comment, command nor expectation: {line}")
    return items


def matches(expected, actual):
    """Whole-list match; ANY takes any number of lines."""
    if not expected:
        return not actual
    head, rest = expected[0], expected[1:]
    if head == ANY:
        return any(matches(rest, actual[i:]) for i in range(len(actual) + 1))
    if not actual:
        return False
    if head.endswith(" (re)"):
        same = re.fullmatch(head[:-5], actual[0]) is not None
    else:
        same = head == actual[0]
    return same and matches(rest, actual[1:])


def run_step(step, directory, environment, masks):
    done = subprocess.run(["bash", "-c", step.command], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    lines = []
    for data in (done.stdout, done.stderr):
        text = data.decode("utf-8", "backslashreplace")
        for name in ("TMP", "SAMPLES", "CONFIGS", "KYMO_BIN"):
            text = text.replace(environment[name], f"${name}")
        for pattern, replacement in masks:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        lines.append(text.splitlines())
    return lines[0], lines[1], done.returncode


def render(items):
    lines = []
    for item in items:
        if isinstance(item, str):
            lines.append(item)
            continue
        lines.append("$ " + item.command)
        lines += ["> " + line if line else ">" for line in item.out]
        lines += ["2> " + line if line else "2>" for line in item.err]
        if item.status:
            lines.append(f"? {item.status}")
    return "\n".join(lines) + "\n"


def show(what, expected, actual):
    print(f"  {what} expected:")
    print("".join(f"    |{line}\n" for line in expected), end="")
    print(f"  {what} found:")
    print("".join(f"    |{line}\n" for line in actual), end="")


def check(step, out, err, status, bless):
    good = True
    for what, expected, actual in (("stdout", step.out, out), ("stderr", step.err, err)):
        if matches(expected, actual):
            continue
        good = False
        if bless:
            expected[:] = actual
        else:
            show(what, expected, actual)
    if status != step.status:
        good = False
        print(f"  exit status expected {step.status}, found {status}")
        if bless:
            step.status = status
    if not good:
        print(f"  at: $ {step.command}")
    return good


def main():
    bless = "--bless" in sys.argv or bool(os.environ.get("KYMO_BLESS"))
    path = os.path.abspath([arg for arg in sys.argv[1:] if not arg.startswith("--")][0])
    items = parse(path)
    for item in items:
        if isinstance(item, str) and item.startswith("#! requires "):
            kymo_env.require(item.split()[2:])
    masks = SIZES if "#! mask sizes" in items else []
    directory = tempfile.mkdtemp(prefix="kymo-case-")
    os.chmod(directory, 0o755)
    environment = kymo_env.case_environment(directory)
    try:
        kymo_env.make_malformed(path, environment)
        good = True
        for step in (item for item in items if isinstance(item, Step)):
            good &= check(step, *run_step(step, directory, environment, masks), bless)
    finally:
        if not os.environ.get("KYMO_KEEP"):
            shutil.rmtree(directory, ignore_errors=True)
    if not good and bless:
        with open(path, "w", encoding="utf-8") as file:
            file.write(render(items))
        print(f"blessed {path}")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
