#!/usr/bin/python3
"""F3: captures of an imagined later minor version say what is known in them as if nothing were new, and how much is unknown.

    future_check.py [--count N] [--seed S] [--only NOVELTY] [--keep FILE]

Capture i is made from seed S+i alone, so `--seed S+i --count 1` repeats it; --keep writes the last one.
"""
import argparse
import json
import os
import random
import re
import time

import future_captures
from compat_env import FULL, TESTS, Folder, Result, all_captures, block_type, exit_with, first_difference, joined, parts_of, read, sb
from server import Died, Server

QUICK_COUNT, FULL_COUNT = 200, 20000
PROGRESS_S = 20
EXTRA_LOSS = re.compile(rb'"reason":7[0-9]{4}\b')
REPORTS = (("syscalls", "--csv", "@"), ("folded", "--no-symbols", "@"), ("overhead", "@"), ("flame", "--no-symbols", "@"),
           ("info", "@"), ("sql", "@", "SELECT count(*) FROM cpu_sample"))
SAME_OUTPUT = ("syscalls", "folded", "sql")  # others show bytes of the file, or that something is unknown


def everything():
    """-> one capture with all blocks of rows of the golden captures, and the newest schema"""
    parts = None
    for path in reversed(all_captures()):
        name = os.path.basename(path)
        if name.startswith("type-"):
            found = parts_of(read(path))
            parts = parts or found
            rows = [part for part in found if part.disk_type & ~sb.TYPE_SKIPPABLE in sb.ROW_TYPES]
            for part in rows:
                part.file_id = parts[0].file_id
                part.plain = part.plain[:32] + bytes(24) + part.plain[56:]
            if found is not parts:
                at = next(i for i, part in enumerate(parts) if block_type(part) == 2 and i > 1)
                parts[at:at] = rows
    end = parts[-1]
    end.plain = end.plain[:16] + bytes(8) + end.plain[24:]
    future_captures.count_rows(parts, {})
    return joined(parts)


def bases():
    """Small ones mostly: what is new matters here, not how much there is."""
    found = [future_captures.Base(os.path.relpath(path, TESTS), read(path)) for path in all_captures()]
    small = [base for base in found if len(base.data) < 30000]
    return small * 3 + [future_captures.Base("everything", everything())] * 10 + [base for base in found if len(base.data) < 60000]


class Plain:
    """What kymo says of a base, asked once for each command."""

    def __init__(self, server):
        self.server, self.answers = server, {}

    def ask(self, base, *arguments):
        key = base.name, arguments
        if key not in self.answers:
            status, out, _ = self.server.ask(base.data, *arguments)
            self.answers[key] = status, out, out.splitlines()
        return self.answers[key]


def without_new(line, expected, future):
    """-> (a row as pairs without what is new in it, its columns that should be there and are NULL)"""
    row = [(key, value) for key, value in json.loads(line, object_pairs_hook=list) if not key.startswith("zz")]
    if not future.nulled_rows:
        return row, expected, 0
    nulls = {key for key, value in row if value is None and value != dict(expected).get(key)}
    expected = [(key, None if key in nulls else value) for key, value in expected
                if key.removesuffix("_name") not in nulls - {key} and key.removesuffix("_hex") not in nulls - {key}]
    return row, expected, len(nulls)


def compare_dump(lines, plain, future):
    """-> None, or how the known rows differ"""
    at, nulled = 0, 0
    for line in lines:
        if at < len(plain) and line == plain[at]:
            at += 1
            continue
        if line.startswith(b'{"type":"zz') or future.extra_rows and line.startswith(b'{"type":"loss"') and EXTRA_LOSS.search(line):
            continue
        if at == len(plain):
            return f"a row more: {line[:300]}"
        row, expected, nulls = without_new(line, json.loads(plain[at], object_pairs_hook=list), future)
        nulled += nulls > 0
        if row != expected:
            return f"row {at}: {first_difference(row, expected)}"
        at += 1
    if at < len(plain):
        return f"{len(plain) - at} rows are missing"
    return None if nulled <= future.nulled_rows else f"{nulled} rows with NULLs, not {future.nulled_rows}"


def expect_status(future, plain_status, command):
    """-> statuses that are right"""
    incomplete = bool(future.unknown_blocks)
    if command in ("dump", "verify"):
        incomplete |= bool(future.undescribed_rows or future.rejected)
    else:
        incomplete |= bool(future.unnamed_rows)
        if future.import_rejects and not incomplete:
            return {3} if command == "import" else {plain_status, 3}  # a report need not look at that column
    return {3} if incomplete else {plain_status}


def check_counts(out, future):
    facts = json.loads(out)
    expected = {"blocks_unknown": future.unknown_blocks, "rows_unknown_type": future.undescribed_rows, "columns_rejected": future.rejected,
                "blocks_damaged": 0, "blocks_lost": 0, "blocks_foreign": 0, "bytes_skipped": 0}
    found = {name: facts[name] for name in expected}
    return None if found == expected else f"found {found}, expected {expected}"


def check_one(server, plain, base, future, data, report, database):
    """-> None, or what is wrong"""
    for arguments in (("dump", "@"), ("verify", "--decode", "--json", "@"), report, ("import", "-q", "-f", "--no-symbols", "@", "-o", database)):
        command = arguments[0]
        if command == "import" and future.random.random() > 0.3:
            continue  # as dear as all the others
        plain_status, plain_out, plain_lines = plain.ask(base, *arguments)
        status, out, notes = server.ask(data, *arguments)
        if status not in expect_status(future, plain_status, command):
            return f"{command}: status {status}, expected {expect_status(future, plain_status, command)}: {notes}"
        wrong = None
        if command == "dump":
            wrong = compare_dump(out.splitlines(), plain_lines, future)
        elif command == "verify":
            wrong = check_counts(out, future)
        elif command in SAME_OUTPUT and not future.nulled_rows and out != plain_out:
            wrong = first_difference(out.splitlines(), plain_lines)
        if wrong:
            return f"{command}: {wrong}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=FULL_COUNT if FULL else QUICK_COUNT)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", 1)))
    parser.add_argument("--only", choices=sorted(future_captures.BY_NAME))
    parser.add_argument("--keep", metavar="FILE")
    options = parser.parse_args()
    result, seen, said = Result("F3"), set(), time.monotonic()
    with Folder() as folder, Server() as server:
        plain, available = Plain(server), bases()
        for seed in range(options.seed, options.seed + options.count):
            chance = random.Random(seed)
            base = chance.choice(available)
            future, data, novelties = future_captures.imagine(base, chance, options.only)
            seen.update(novelties)
            try:
                wrong = check_one(server, plain, base, future, data, chance.choice(REPORTS), folder.path("future.db"))
            except Died as died:
                wrong = f"kymo died: {died}"
            result.check(not wrong, lambda: f"seed {seed}, {base.name}, {'+'.join(novelties)}: {wrong}")
            if options.keep:
                with open(options.keep, "wb") as file:
                    file.write(data)
            if time.monotonic() - said > PROGRESS_S:
                said = time.monotonic()
                print(f"{result.cases} captures", flush=True)
    exit_with(result.finish(f"{len(seen)} kinds of novelty, seeds {options.seed} to {options.seed + options.count - 1}"))


if __name__ == "__main__":
    main()
