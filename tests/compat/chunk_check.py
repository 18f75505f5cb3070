#!/usr/bin/python3
"""F5: a block of rows with FILE_HEADER and SCHEMA before it is a capture by itself. F6: a capture that lost all its schemas reads alike.

    chunk_check.py [--seed S]
"""
import argparse
import os
import random
import re

from compat_env import (FULL, RECORD, Folder, Result, all_captures, block_type, cm, defined, exit_with, first_difference, hash64, joined, kymo,
                        parts_of, read, sb)
from server import Server

T_SCHEMA = 2
BIG_EVENTS = 400000
SYSNO_NAME = re.compile(rb',"sysno_name":"[^"]*"')


def holds_rows(part):
    return part.disk_type & ~sb.TYPE_SKIPPABLE in sb.ROW_TYPES and not part.flags & sb.FLAG_REPLICA


class Capture:
    def __init__(self, path, server):
        self.name, self.server, self.data = os.path.relpath(path, os.path.dirname(os.path.dirname(path))), server, read(path)
        self.status, self.lines, _ = self.dump(self.data)

    def dump(self, data):
        status, out, notes = self.server.ask(data, "dump", "@")
        return status, out.splitlines(), notes

    def parts(self):
        return parts_of(self.data)


def check_alone(result, capture, random_state):
    """-> rows of each block"""
    parts, sliced, rows = capture.parts(), cm.split_blocks(capture.data), []
    for number, part in enumerate(parts):
        if not holds_rows(part):
            continue
        _, lines, notes = capture.dump(joined([*capture.parts()[:2], part]))
        rows.append((part, lines))
        # the same bytes cut out, with the numbers they had: blocks before it count as lost, its rows are the same
        cut = capture.data[:sliced[1].end] + capture.data[sliced[number].offset:sliced[number].end]
        result.check(capture.dump(cut)[1] == lines, lambda number=number: f"{capture.name}: block {number} cut out: not as renumbered; {notes}")
    together = [line for _, lines in rows for line in lines]
    result.check(together == capture.lines, lambda: f"{capture.name}: blocks read alone: {first_difference(together, capture.lines)}")
    for _ in range(20 if FULL else 2):
        random_state.shuffle(rows)
        data = joined([*capture.parts()[:2], *(part for part, _ in rows)])
        expected = [line for _, lines in rows for line in lines]
        found = capture.dump(data)[1]
        result.check(found == expected, lambda expected=expected, found=found: f"{capture.name}: shuffled: {first_difference(found, expected)}")


def schema_id_of(part):
    return int.from_bytes(part.plain[24:32], "little")


def without_schemas(parts):
    return [part for part in parts if block_type(part) != T_SCHEMA]


# Names that released schemas did not have for values that today's does; the rows are from captures of random values.
LATER_NAMES = re.compile(rb',"event_class_name":"files"')


def with_old_names(lines):
    return [LATER_NAMES.sub(b"", line) for line in lines]


def check_released(result, capture):
    """The blocks name a released schema: nothing is missing without it."""
    lost = b"".join(part.bytes() for part in without_schemas(capture.parts()))
    status, lines, _ = capture.dump(lost)
    lines, expected = with_old_names(lines), with_old_names(capture.lines)
    result.check(status == 3 and lines == expected, lambda: f"{capture.name}: schemas cut out: {first_difference(lines, expected)}")
    status, lines, notes = capture.dump(joined(without_schemas(capture.parts())))
    lines = with_old_names(lines)
    result.check((status, lines) == (capture.status, expected),
                 lambda: f"{capture.name}: without schemas: status {status}: {first_difference(lines, expected)}; {notes}")


def check_unknown(result, capture):
    """The blocks name a schema that nobody knows: known rows are as they were, names of system calls are not guessed, and it is said."""
    parts = without_schemas(capture.parts())
    for part in parts:
        if holds_rows(part):
            part.plain = cm.put(part.plain, 24, "<Q", 0x1234567890ABCDEF)
    data, expected = joined(parts), [SYSNO_NAME.sub(b"", line) for line in with_old_names(capture.lines)]
    status, lines, notes = capture.dump(data)
    lines = with_old_names(lines)
    result.check(status == 3 and lines == expected and "schema" in notes,
                 lambda: f"{capture.name}: unknown schema: status {status}, {notes!r}: {first_difference(lines, expected)}")
    for arguments in (("info", "@"), ("syscalls", "--csv", "@"), ("verify", "--decode", "@")):
        status, out, notes = capture.server.ask(data, *arguments)
        result.check(status == 3 and "schema" in notes + out.decode(errors="replace"),
                     lambda arguments=arguments: f"{capture.name}: unknown schema: {arguments[0]}: status {status}: {notes!r}")


def check_list(result, capture):
    """Every golden capture's schema is in released.def."""
    released = {int(row[3].rstrip("ul"), 16) for row in defined("released.def", r"RELEASED")}
    part = next(part for part in capture.parts() if block_type(part) == T_SCHEMA)
    result.check(hash64(part.body()) in released, lambda: f"{capture.name}: schema {hash64(part.body()):#x} is not in released.def")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", 1)))
    options = parser.parse_args()
    alone, schemas, chance = Result("F5"), Result("F6"), random.Random(options.seed)
    with Folder() as folder, Server() as server:
        paths = all_captures()
        if FULL:
            paths.append(folder.path("big.kymo"))
            kymo("--source", f"synthetic:events={BIG_EVENTS},mix=all,seed={options.seed}", "-q", "-o", paths[-1], program=RECORD)
        for path in paths:
            capture = Capture(path, server)
            check_alone(alone, capture, chance)
            check_released(schemas, capture)
            check_unknown(schemas, capture)
            check_list(schemas, capture)
    exit_with(alone.finish(f"{len(paths)} captures, seed {options.seed}"), schemas.finish(f"{len(paths)} captures"))


if __name__ == "__main__":
    main()
