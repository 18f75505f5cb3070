#!/usr/bin/python3
"""Reads captures with kymo and with second_decoder.py, and reports where they differ in what they accept, count or print.

    compare_decoders.py CAPTURE... [--cases [NAME,...]] [--mutate N] [--seed S] [--only MUTATION]
                                   [--without NAME,...] [--keep DIR]

N damaged copies are made of the captures in turn (capture_mutations.py); copy i of seed S is the same in every run, and
`--seed S+i --mutate 1` makes it alone. Copies on which the decoders differ are kept in DIR. Status 1 if any differ.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env

try:
    import capture_cases
    import capture_mutations
    import second_decoder
except ModuleNotFoundError as missing:
    kymo_env.skip(f"{missing} (Debian: python3-xxhash, python3-zstandard, under /usr/bin/python3)")

KYMO = os.path.join(kymo_env.BIN, "kymo")
TIMEOUT_S = 60
SAME_FACTS = (("blocks", "blocks_good"), ("damaged", "blocks_damaged"), ("foreign", "blocks_foreign"), ("lost", "blocks_lost"),
              ("unknown", "blocks_unknown"), ("skipped_bytes", "bytes_skipped"), ("rows", "rows"), ("unnamed_rows", "rows_unknown_type"),
              ("rejected_columns", "columns_rejected"), ("end", "ended"))


def read_with_kymo(path):
    """-> (facts or None if kymo refuses the file, rows, what is wrong with how it behaved)"""
    wrong = []
    dump = subprocess.run([KYMO, "dump", path], capture_output=True, timeout=TIMEOUT_S, check=False)
    verify = subprocess.run([KYMO, "verify", "--decode", "--json", path], capture_output=True, timeout=TIMEOUT_S, check=False)
    for name, done in (("dump", dump), ("verify", verify)):
        if done.returncode not in (0, 1, 2, 3):
            wrong.append(f"{name} ended with status {done.returncode}: {done.stderr[-600:].decode(errors='replace')}")
    rows = []
    for line in dump.stdout.splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            wrong.append("dump printed what is not JSON in UTF-8")
            rows.append(line)
    try:
        facts = json.loads(verify.stdout) if verify.stdout else None
    except ValueError:
        facts, wrong = None, wrong + ["verify printed what is not JSON"]
    return facts, rows, wrong


def first_difference(ours, theirs):
    """-> what differs first between two lists of rows, as (kind of difference, detail), or None"""
    for number, (a, b) in enumerate(zip(ours, theirs)):
        if a == b:
            continue
        if not isinstance(b, dict) or a["type"] != b.get("type"):
            return "row types", f"row {number}: second {a}, kymo {b}"
        keys = [key for key in list(a) + list(b) if a.get(key, "absent") != b.get(key, "absent")]
        key = keys[0] if keys else "order of keys"
        return f"values of {a['type']}.{key}", f"row {number}: second {a.get(key, 'absent')!r}, kymo {b.get(key, 'absent')!r}"
    if len(ours) != len(theirs):
        return "number of rows", f"second {len(ours)}, kymo {len(theirs)}"
    return None


def compare(path, data, own_schema):
    """-> [(kind of difference, detail)]"""
    reader = second_decoder.Reader(data, own_schema=own_schema)
    ours = list(reader.rows())
    theirs_facts, theirs, differences = read_with_kymo(path)
    differences = [("kymo misbehaves", wrong) for wrong in differences]
    accepted = reader.facts["blocks"] > 0 and not reader.facts["refused"]
    if accepted != (theirs_facts is not None):
        return differences + [("acceptance", f"second {reader.facts}, kymo {theirs_facts}")]
    if not accepted:
        return differences
    for ours_name, theirs_name in SAME_FACTS:
        if reader.facts[ours_name] != theirs_facts[theirs_name]:
            differences.append((f"count of {ours_name}", f"second {reader.facts[ours_name]}, kymo {theirs_facts[theirs_name]}"))
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
    args = parser.parse_args()

    started, tally, originals = time.monotonic(), Tally(args.keep), []
    for path in args.captures:
        with open(path, "rb") as file:
            originals.append(file.read())
    own_schema = second_decoder.load_own_schema(args.captures[0])
    for path, data in zip(args.captures, originals):
        tally.add(os.path.basename(path), data, compare(path, data, own_schema))
    with tempfile.TemporaryDirectory(prefix="kymo-compare-") as directory:
        path = os.path.join(directory, "mutated.kymo")
        without = args.without.split(",") if args.without else []
        for name in wanted_cases(args.cases, without):
            data = capture_cases.BY_NAME[name](originals[0], originals[-1])
            with open(path, "wb") as file:
                file.write(data)
            tally.add(f"case {name}", data, compare(path, data, own_schema))
        for seed in range(args.seed, args.seed + args.mutate):
            chance = random.Random(seed)
            chosen = seed % len(originals)
            other = originals[(chosen + 1) % len(originals)]
            if args.only:
                done, data = [args.only], capture_mutations.BY_NAME[args.only](originals[chosen], other, chance)
            else:
                done, data = capture_mutations.mutate(originals[chosen], other, chance, without)
            with open(path, "wb") as file:
                file.write(data)
            tally.add(f"seed {seed} {'+'.join(done)}", data, compare(path, data, own_schema))
    tally.show(args.examples)
    print(f"{tally.files} files, {tally.differing} differ", end="")
    print(f", {time.monotonic() - started:.1f} s" if sys.stdout.isatty() else "")
    return 1 if tally.differing else 0


if __name__ == "__main__":
    sys.exit(main())
