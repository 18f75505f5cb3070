#!/usr/bin/python3
"""Reads captures with kymo and with second_decoder.py, and reports where they differ in what they accept, count or print.

    compare_decoders.py CAPTURE... [--cases [NAME,...]] [--mutate N] [--seed S] [--only MUTATION]
                                   [--without NAME,...] [--keep DIR]

N damaged copies are made of the captures in turn (capture_mutations.py); copy i of seed S is the same in every run, and
`--seed S+i --mutate 1` makes it alone. Copies on which the decoders differ are kept in DIR. Status 1 if any differ.
"""
import argparse
import collections
import itertools
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [TESTS, os.path.join(TESTS, "compat")]
import kymo_env

try:
    import capture_cases
    import capture_mutations
    import second_blocks
    import second_decoder
except ModuleNotFoundError as missing:
    kymo_env.skip(f"{missing} (Debian: python3-xxhash, python3-zstandard, under /usr/bin/python3)")

try:
    import server
except ModuleNotFoundError:
    server = None

KYMO = os.path.join(kymo_env.BIN, "kymo")
TIMEOUT_S = 600
MODES = ("default", "strict", "stop")
SAME_FACTS = (("blocks", "blocks_good"), ("damaged", "blocks_damaged"), ("foreign", "blocks_foreign"), ("lost", "blocks_lost"),
              ("unknown", "blocks_unknown"), ("skipped_bytes", "bytes_skipped"), ("rows", "rows"), ("unnamed_rows", "rows_unknown_type"),
              ("rejected_columns", "columns_rejected"), ("end", "ended"))


class Kymo:
    """The programs under test: kymo_server where it is built, which saves a process a question, else kymo itself."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "capture.kymo")
        self.server = server.Server() if server and os.path.exists(server.SERVER) else None
        self.verify = ["verify", "--json", *(["--decode"] if b"--decode" in self.help("verify") else [])]
        self.modes = MODES if b"--stop" in self.help("dump") else MODES[:1]

    @staticmethod
    def help(command):
        return subprocess.run([KYMO, command, "--help"], capture_output=True, check=False).stdout

    def ask(self, data, *arguments):
        """-> (exit status, stdout, messages)"""
        if self.server:
            try:
                return self.server.ask(data, *arguments, "@")
            except server.Died as died:
                return -1, b"", str(died)
        with open(self.path, "wb") as file:
            file.write(data)
        done = subprocess.run([KYMO, *arguments, self.path], capture_output=True, timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stdout, done.stderr[-600:].decode(errors="replace")

    def read(self, data):
        """-> (facts, lines of rows, whether it refuses the file, what is wrong with how it behaved)"""
        wrong = []
        dump = self.ask(data, "dump")
        verify = self.ask(data, *self.verify)
        for name, done in (("dump", dump), ("verify", verify)):
            if done[0] not in (0, 1, 2, 3):
                wrong.append(f"{name} ended with status {done[0]}: {done[2]}")
        try:
            facts = json.loads(verify[1]) if verify[1] else {"result": "refused"}
        except ValueError:
            facts, wrong = {"result": "refused"}, wrong + ["verify printed what is not JSON"]
        refused = facts.get("result") == "refused"
        if refused != (dump[0] in (1, 2)) or refused != (verify[0] in (1, 2)):
            wrong.append(f"verify says {facts.get('result')} with status {verify[0]}, dump ends with status {dump[0]}: {dump[2]}")
        return facts, dump[1].splitlines(), refused, wrong


def parse(line):
    return json.loads(line, object_pairs_hook=list)


def first_difference(ours, theirs):
    """-> what differs first between two lists of lines, as (kind of difference, detail), or None"""
    for number, (a, b) in enumerate(zip(ours, theirs)):
        if a == b:
            continue
        try:
            a, b = parse(a), parse(b)
        except ValueError:
            return "what is JSON", f"row {number}: second {a[:300]!r}, kymo {b[:300]!r}"
        if a == b:
            continue
        for left, right in itertools.zip_longest(a, b):
            if left != right:
                return f"values of {a[0][1]}.{(left or right)[0]}", f"row {number}: second {left!r}, kymo {right!r}"
    if len(ours) != len(theirs):
        return "number of rows", f"second {len(ours)}, kymo {len(theirs)}"
    return None


def compare_mode(kymo, data, own_schema, mode):
    """Strict and stop: dump alone, and what it says of the damage. In strict mode it refuses before it writes a row."""
    reader = second_decoder.Reader(data, mode, own_schema)
    ours, facts = [line.encode() for line in reader.rows()], reader.facts
    status, out, text = kymo.ask(data, "dump", "--" + mode)
    refused = bool(facts["refused"] or facts["error"])
    if status not in (0, 1, 2, 3):
        return [("kymo misbehaves", f"dump --{mode} ended with status {status}: {text}")]
    if not refused and status in (1, 2) and ": END counts " in text:
        return []  # it may, and the second decoder does not look at that
    if refused != (status in (1, 2)):
        return [("acceptance", f"second {facts}, kymo {status}: {text}")]
    if mode == "strict" and refused:
        ours = []
    found = re.search(r"stopped at the first damage: .* at byte (\d+)(?:: |$)", text, re.M)
    stopped = len(data) - facts["skipped_bytes"] if facts["skipped_bytes"] else None
    differences = []
    if not refused and (int(found[1]) if found else None) != stopped:
        differences.append(("where it stops", f"second {facts}, kymo {text}"))
    rows = first_difference(ours, out.splitlines())
    return differences + ([rows] if rows else [])


def compare(kymo, data, own_schema, mode="default"):
    """-> [(kind of difference, detail)]"""
    if mode != "default":
        return compare_mode(kymo, data, own_schema, mode)
    reader = second_decoder.Reader(data, own_schema=own_schema)
    ours = [line.encode() for line in reader.rows()]
    facts, theirs, refused, wrong = kymo.read(data)
    differences = [("kymo misbehaves", text) for text in wrong]
    if bool(reader.facts["refused"]) != refused:
        return differences + [("acceptance", f"second {reader.facts}, kymo {facts}")]
    for ours_name, theirs_name in () if refused else SAME_FACTS:
        if reader.facts[ours_name] != facts[theirs_name]:
            differences.append((f"count of {ours_name}", f"second {reader.facts[ours_name]}, kymo {facts[theirs_name]}"))
    if facts.get("ended") and (facts["events_written"] - reader.facts["end_events"]) % (1 << 64):
        differences.append(("events written", f"second {reader.facts['end_events']}, kymo {facts['events_written']}"))
    rows = first_difference(ours, theirs)
    return differences + ([rows] if rows else [])


class Tally:
    """Differences by kind, with the first few of each."""

    def __init__(self, keep):
        self.keep, self.kinds, self.files, self.differing = keep, collections.defaultdict(list), 0, 0

    def add(self, label, data, differences):
        self.files += 1
        if not differences:
            return
        self.differing += 1
        for kind, detail in differences:
            self.kinds[kind].append((label, detail))
        if self.keep:
            os.makedirs(self.keep, exist_ok=True)
            with open(os.path.join(self.keep, label.replace(" ", "_") + ".kymo"), "wb") as file:
                file.write(data)

    def show(self, examples):
        for kind, found in sorted(self.kinds.items(), key=lambda item: -len(item[1])):
            print(f"{kind}: {len(found)}")
            for label, detail in found[:examples]:
                print(f"    {label}: {detail[:400]}")


def wanted_cases(names, without):
    if names is None:
        return []
    wanted = list(capture_cases.BY_NAME) if names == "all" else names.split(",")
    known = {**capture_cases.BY_NAME, **capture_mutations.BY_NAME}
    unknown = [name for name in wanted if name not in capture_cases.BY_NAME] + [name for name in without if name not in known]
    if unknown:
        sys.exit(f"no such case: {', '.join(unknown)}; there are {', '.join(capture_cases.BY_NAME)}")
    return [name for name in wanted if name not in without]


def mutated(originals, seed, only, without):
    """-> (what was done, bytes): the same for the same arguments"""
    chance = random.Random(seed)
    chosen = seed % len(originals)
    other = originals[(chosen + 1) % len(originals)]
    if only:
        return [only], capture_mutations.BY_NAME[only](originals[chosen], other, chance)
    return capture_mutations.mutate(originals[chosen], other, chance, without)


def version_of(data):
    """-> (major, minor) of a sound capture: the newest has the schema that is the reader's own"""
    return struct.unpack_from("<HH", second_blocks.read_block(data, 0).plain)


def main():
    parser = argparse.ArgumentParser(description="compares kymo with the second decoder")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE")
    parser.add_argument("--mutate", type=int, default=0, metavar="N", help="damaged copies to compare besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="MUTATION", choices=capture_mutations.BY_NAME, help="nothing but this mutation")
    parser.add_argument("--cases", nargs="?", const="all", metavar="NAME,...", help="also these cases of capture_cases.py (or all)")
    parser.add_argument("--keep", metavar="DIR", help="where to keep copies on which the two differ")
    parser.add_argument("--without", default="", metavar="NAME,...", help="leave out these mutations and cases")
    parser.add_argument("--examples", type=int, default=3, help="how many of each kind of difference to print")
    parser.add_argument("--progress", action="store_true", help="say how far it is")
    parser.add_argument("--id", help="end with the line that tests/reliability.py wants")
    args = parser.parse_args()

    started, tally, originals = time.monotonic(), Tally(args.keep), []
    for path in args.captures:
        with open(path, "rb") as file:
            originals.append(file.read())
    own_schema = second_decoder.load_own_schema(max(zip(map(version_of, originals), args.captures), key=lambda pair: pair[0])[1])
    without = args.without.split(",") if args.without else []
    with tempfile.TemporaryDirectory(prefix="kymo-compare-") as directory:
        kymo = Kymo(directory)
        for path, data in zip(args.captures, originals):
            for mode in kymo.modes:
                tally.add(f"{os.path.basename(path)} {mode}", data, compare(kymo, data, own_schema, mode))
        for name in wanted_cases(args.cases, without):
            data = capture_cases.BY_NAME[name](originals[0], originals[-1])
            for mode in kymo.modes:
                tally.add(f"case {name} {mode}", data, compare(kymo, data, own_schema, mode))
        for seed in range(args.seed, args.seed + args.mutate):
            done, data = mutated(originals, seed, args.only, without)
            mode = kymo.modes[seed // 4 % len(kymo.modes) if seed % 4 == 0 else 0]  # every fourth in one of the three modes
            tally.add(f"seed {seed} {'+'.join(done)} {mode}", data, compare(kymo, data, own_schema, mode))
            if args.progress and (seed - args.seed) % 1000 == 999:
                print(f"{seed - args.seed + 1} of {args.mutate}, {tally.differing} differ, {time.monotonic() - started:.0f} s", flush=True)
    tally.show(args.examples)
    if args.id:
        print(f"reliability {args.id}: {tally.files} cases, {tally.differing} failed; {len(originals)} captures and {args.mutate} damaged copies"
              f" (--seed {args.seed}), modes {', '.join(kymo.modes)}")
    else:
        print(f"{tally.files} files, {tally.differing} differ", end="")
        print(f", {time.monotonic() - started:.1f} s" if sys.stdout.isatty() else "")
    return 1 if tally.differing else 0


if __name__ == "__main__":
    sys.exit(main())
