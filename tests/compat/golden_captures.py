#!/usr/bin/python3
"""F1: captures of every released minor version are read as they were when they were made.

    golden_captures.py [--add VERSION]

--add writes the list and the expected dumps of new files of tests/golden/VERSION. What is in the list already is never written again.
"""
import argparse
import hashlib
import os
import sys

from compat_env import (GOLDEN, RECORD, Folder, Result, block_type, defined, dump, exit_with, golden_captures, kymo, parts_of, read)

SHOWN_LINES = 20
SHOWN_BYTES = 400
SCHEMA = 2


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def list_path(version):
    return os.path.join(GOLDEN, version, "captures.txt")


def read_list(version):
    """-> {name: (hash of the capture, exit status, rows, hash of its dump)}"""
    if not os.path.exists(list_path(version)):
        return {}
    with open(list_path(version), encoding="utf-8") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    return {row[0]: (row[1], int(row[2]), int(row[3]), row[4]) for row in rows}


def versions():
    return sorted(name for name in os.listdir(GOLDEN) if name[0].isdigit() and os.path.isdir(os.path.join(GOLDEN, name)))


def facts_of(path):
    status, out, _ = kymo("dump", path)
    return (sha256(read(path)), status, out.count(b"\n"), sha256(out)), out


def add(version):
    known = read_list(version)
    for path in golden_captures():
        name = os.path.basename(path)
        if os.path.basename(os.path.dirname(path)) != version or name in known:
            continue
        known[name], out = facts_of(path)
        with open(path[:-5] + ".dump", "wb") as file:
            lines = out.splitlines()
            file.write(b"".join(line[:SHOWN_BYTES] + (b" ..." if len(line) > SHOWN_BYTES else b"") + b"\n" for line in lines[:SHOWN_LINES]))
            if len(lines) > SHOWN_LINES:
                file.write(b"... %d rows\n" % len(lines))
    with open(list_path(version), "w", encoding="utf-8") as file:
        file.write("# capture, its SHA-256, exit status of `kymo dump`, rows, SHA-256 of the dump. Lines are added, never changed.\n")
        file.writelines(f"{name} {' '.join(map(str, known[name]))}\n" for name in sorted(known))


def check_files(result):
    """-> paths of those that are as they were"""
    sound = []
    for version in versions():
        known = read_list(version)
        there = {os.path.basename(path): path for path in golden_captures() if os.path.basename(os.path.dirname(path)) == version}
        result.same(sorted(there), sorted(known), f"files of {version}")
        for name in sorted(set(there) & set(known)):
            found, _ = facts_of(there[name])
            if found[0] == known[name][0]:
                sound.append(there[name])
            result.same(found, known[name], f"{version}/{name}: (hash of the file, exit status, rows, hash of the dump)")
    return sound


def check_commands(result, folder, paths):
    """Not only dump takes them."""
    for path in paths:
        expected = 3 if os.path.basename(path) in ("not-closed.kymo",) else 0
        database = folder.path("golden.db")
        for command in (("verify", path), ("info", path), ("import", "-q", "-f", "--no-symbols", path, "-o", database)):
            status, _, err = kymo(*command)
            result.check(status == expected, f"kymo {' '.join(command)}: status {status}: {err.decode(errors='replace')}")


def check_coverage(result, paths):
    """Every row type and every block type has a capture, in some version."""
    types, blocks = {}, {}
    for path in paths:
        name = os.path.basename(path)
        if name.startswith("type-"):
            types[name[5:-5]] = {line.split(b'"')[3].decode() for line in dump(path)[1]}
        elif name.startswith("block-"):
            blocks[name[6:-5]] = {block_type(part) for part in parts_of(read(path))}
    for number, _, name, *_ in defined("events.def", "EVENT_BEGIN"):
        result.check(types.get(name) == {name}, f"row type {name} ({number}): no type-{name}.kymo with its rows; tests/golden/README.md")
    for number, _, name, _, _ in defined("blocks.def", "BLOCK"):
        result.check(int(number) in blocks.get(name, ()), f"block {name} ({number}): no block-{name}.kymo with it; tests/golden/README.md")


def records(body):
    """-> {what a record names: what it says} of an encoded schema"""
    found, at = {}, 0
    while at < len(body):
        tag, fixed_len, length = (int.from_bytes(body[at + a:at + b], "little") for a, b in ((0, 2), (2, 4), (4, 8)))
        fixed, name = body[at + 8:at + 8 + fixed_len], body[at + 8 + fixed_len:at + 8 + length]
        key = {1: fixed[:4], 2: fixed[:6], 3: fixed[:8]}[tag]
        found[tag, key] = (fixed, name)
        at += 8 + length
    return found


def schema_of(path):
    return records(next(part for part in parts_of(read(path)) if block_type(part) == SCHEMA).body())


def check_schema_grows(result, folder, paths):
    """What a released schema says, today's says too: so released.def needs no more than the id of each."""
    today = folder.path("today.kymo")
    status, _, err = kymo("--source", "synthetic:events=1", "-q", "-o", today, program=RECORD)
    if status:
        print(f"kymo-record: {err.decode(errors='replace')}")
    now = schema_of(today)
    for path in paths:
        lost = {key for key, said in schema_of(path).items() if now.get(key) != said}
        result.check(not lost, lambda path=path, lost=lost: f"{path}: its schema says what today's does not: {sorted(lost)[:3]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", metavar="VERSION")
    options = parser.parse_args()
    if options.add:
        add(options.add)
        return 0
    result = Result("F1")
    with Folder() as folder:
        sound = check_files(result)
        check_commands(result, folder, sound)
        check_coverage(result, sound)
        check_schema_grows(result, folder, sound)
    exit_with(result.finish(f"{len(golden_captures())} captures of {', '.join(versions())}"))


if __name__ == "__main__":
    sys.exit(main())
