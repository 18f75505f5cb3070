#!/usr/bin/env python3
"""Runs the checks that tests/reliability.txt names and tells what each came to.

    tests/reliability.py [--full] [--write] [--list] [ID...]

The quick forms are run unless --full asks for the long ones. --write puts what was found into tests/RELIABILITY.md: rows that were not
run now keep what stands there. The build tree is KYMO_BUILD, or build/. Exit status 1 if a check failed or said nothing.
"""
import argparse
import os
import re
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TESTS)
TABLE = os.path.join(TESTS, "RELIABILITY.md")
FORMS = ("quick", "full")
RESULT = re.compile(r"^reliability (\w+): (\d+) cases?, (\d+) failed(?:; (.*))?$", re.M)
HEAD = """# What Kymo was put through

Written by `tests/reliability.py --write` (quick forms, part of `tests/run.sh`) and `tests/reliability.py --full --write` (long forms).
`tests/reliability.txt` says what each row runs. Ids: W writing, D what is recorded, F format and compatibility, S hostile input. The
commands are to be run in `tests/`, with `KYMO_BUILD` and `KYMO_BIN` naming a build tree, as `tests/reliability.py ID` does. A row that is
not met stays here and says so.

| id | form | what was run | cases | result | command to repeat |
|---|---|---|---|---|---|
"""


class Check:
    def __init__(self, line):
        self.id, self.form, self.command, self.what = (part.strip() for part in line.split("|", 3))
        assert self.form in FORMS, line
        self.cases, self.result = "", "not run"

    def order(self):
        return "WDFS".index(self.id[0]), int(self.id[1:]), FORMS.index(self.form)

    def row(self):
        shown = "" if self.command == "-" else f"`{self.command}`"
        return f"| {self.id} | {self.form} | {self.what} | {self.cases} | {self.result} | {shown} |\n"


def read_checks():
    with open(os.path.join(TESTS, "reliability.txt"), encoding="utf-8") as file:
        checks = [Check(line) for line in file if line.strip() and not line.startswith("#")]
    for check in checks:
        if check.command == "-":
            check.result = "**not met**"
    return checks


def read_results(checks):
    """What an earlier run wrote, for the rows that are the same."""
    if not os.path.exists(TABLE):
        return
    rows = {check.row().rsplit("|", 4)[0]: check for check in checks}
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            check = rows.get(line.rsplit("|", 4)[0])
            if check and check.command != "-" and line.rstrip().endswith(f"`{check.command}` |"):
                check.cases, check.result = (part.strip() for part in line.rsplit("|", 4)[1:3])


def run(command, form):
    build = os.environ.get("KYMO_BUILD", os.path.join(ROOT, "build"))
    environment = dict(os.environ, KYMO_BUILD=build, KYMO_BIN=os.environ.get("KYMO_BIN", os.path.join(build, "bin")),
                       KYMO_FULL="1" if form == "full" else "")
    began = time.monotonic()
    done = subprocess.run(["bash", "-c", command], cwd=TESTS, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    return done.returncode, done.stdout, time.monotonic() - began


def judge(check, status, found):
    if status == 77:
        check.cases, check.result = "0", "skipped"
    elif check.id not in found:
        check.cases, check.result = "0", "**said nothing**" if status == 0 else f"**failed** (exit status {status})"
    else:
        cases, failed, note = found[check.id]
        check.cases = f"{int(cases):,}"
        met = failed == "0" and status == 0 and cases != "0"
        check.result = ("met" if met else f"**not met**: {failed} failed") + (f"; {note}" if note else "")
    return "**" not in check.result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the long forms")
    parser.add_argument("--write", action="store_true", help="write tests/RELIABILITY.md")
    parser.add_argument("--list", action="store_true", help="only show what there is")
    parser.add_argument("ids", nargs="*", metavar="ID")
    options = parser.parse_args()
    form = "full" if options.full else "quick"
    checks = read_checks()
    read_results(checks)
    unknown = set(options.ids) - {check.id for check in checks}
    if unknown:
        parser.error(f"no such id: {' '.join(sorted(unknown))}")
    wanted = [check for check in checks if check.form == form and check.command != "-" and (not options.ids or check.id in options.ids)]
    good = True
    for command in dict.fromkeys(check.command for check in wanted):
        mine = [check for check in wanted if check.command == command]
        if options.list:
            print(f"{' '.join(check.id for check in mine)}: {command}")
            continue
        status, text, seconds = run(command, form)
        found = {match[1]: match.groups()[1:] for match in RESULT.finditer(text)}
        fine = [judge(check, status, found) for check in mine]
        for check in mine:
            print(f"{check.id:4} {check.cases:>12} cases  {check.result}  ({seconds:.0f} s)", flush=True)
        if not all(fine):
            good = False
            print("\n".join(text.splitlines()[-30:]), flush=True)
    if options.write and not options.list:
        with open(TABLE, "w", encoding="utf-8") as file:
            file.write(HEAD + "".join(check.row() for check in sorted(checks, key=Check.order)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
