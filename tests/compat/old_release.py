#!/usr/bin/python3
"""F2: an analyzer that is older than a capture reads what it knows of it as a newer one does, and says how much it does not know.

    old_release.py [--count N] [--seed S]

There is no older release yet. The quick form gives types, fields and blocks of today's captures numbers that this analyzer does not know.
The full form (KYMO_FULL=1) also builds an analyzer whose lists lack some types, fields, blocks and values, and lets it read today's captures.
"""
import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess

from compat_env import FULL, KYMO, RECORD, TESTS, Folder, Result, all_captures, block_type, defined, exit_with, first_difference, kymo, read
from future_captures import Base, Future, section_of, columns_of, sb

ROOT = os.path.dirname(TESTS)
BUILT = ("CMakeLists.txt", "formats", "analyzer")
QUICK_COUNT, FULL_COUNT = 60, 2000
BIG_EVENTS = 100000
# What the old release does not have. task_name rows stand in CHUNK blocks, mark rows in a block of their own.
OLD_TYPES, OLD_BLOCKS = ("task_name", "clock"), ("CLOCK",)
OLD_FIELDS = (("mapping", "inode", 8, 0), ("process", "cgroup_id", 8, 8), ("syscall", "arg5", 8, 0))
OLD_VALUES = ("loss_reason, 8, REASON_RECORDER",)
TABLES = {name: {"process": "process_seen", "module": "kernel_module"}.get(name, name) for _, _, name, *_ in defined("events.def", "EVENT_BEGIN")}


# -------- today's captures with numbers that are not known --------

def renumber_types(future, chance):
    """-> {type id: new id}; some types become unknown ones that the schema describes"""
    known = sorted({section[2] for part in future.rows_blocks() for section in future.body(part).events()})
    moved = {type_id: future.new_id() for type_id in chance.sample(known, chance.randint(0, len(known)))}
    for part in future.rows_blocks():
        for section in future.body(part).events():
            section[2] = moved.get(section[2], section[2])
    for one in future.records:
        if one[0] in (1, 2):
            type_id = struct.unpack_from("<I", one[1])[0]
            one[1] = struct.pack("<I", moved.get(type_id, type_id)) + one[1][4:]
    return moved


def renumber_fields(future, chance):
    """Some fields become unknown ones that the schema describes. -> {(type id, field id)} as they are called now"""
    moved = {}
    for one in future.records:
        if one[0] == 2 and chance.random() < 0.2:
            type_id, field = struct.unpack_from("<IH", one[1])
            moved[type_id, field] = field + 1000
            one[1] = one[1][:4] + struct.pack("<H", field + 1000) + one[1][6:]
    for part in future.rows_blocks():
        for section in future.body(part).events():
            columns = columns_of(section[5])
            for column in columns:
                column[0] = moved.get((section[2], column[0]), column[0])
            section[5] = section_of(columns)
    return set(moved)


def check_renumbered(result, folder, base, seed):
    """Dump goes by the capture's schema: it says the same. An import has the rows of the types it knows."""
    chance = random.Random(seed)
    future = Future(base, chance)
    types, fields = renumber_types(future, chance), renumber_fields(future, chance)
    future.schema_changed = True
    path, plain = folder.write("newer.kymo", future.bytes()), folder.write("plain.kymo", base.data)
    what = f"seed {seed}, {base.name}"
    newer_dump, plain_dump = kymo("dump", path), kymo("dump", plain)
    result.check(newer_dump[:2] == plain_dump[:2], lambda: f"{what}: dump: status {newer_dump[0]}: "
                 f"{first_difference(newer_dump[1].splitlines(), plain_dump[1].splitlines())}")
    statuses = [kymo("import", "-q", "-f", "--no-symbols", source, "-o", folder.path(database))[0]
                for source, database in ((path, "newer.db"), (plain, "plain.db"))]
    result.check(statuses[0] == (3 if types else statuses[1]), f"{what}: import: status {statuses[0]}, {len(types)} unknown types")
    names = {int(number): name for number, _, name, *_ in defined("events.def", "EVENT_BEGIN")}
    gone = {(names[type_id], field_name(type_id, field)) for type_id, field in fields if type_id in names}
    compare_tables(result, what, folder.path("newer.db"), folder.path("plain.db"), {names[type_id] for type_id in types}, gone)


def field_name(type_id, field):
    names = {int(number): name for number, _, name, *_ in defined("events.def", "EVENT_BEGIN")}
    return next(row[3] for row in defined("events.def", "FIELD") if row[0] == names[type_id] and int(row[1]) == field)


def compare_tables(result, what, newer, plain, without_types, without_fields):
    """Rows of known types, column by column; numbers of tasks and stacks apart, which are given as rows of any type come."""
    connection = sqlite3.connect(newer)
    connection.text_factory = bytes
    connection.execute("ATTACH ? AS plain", (plain,))
    for name, table in TABLES.items():
        columns = [row[1].decode() for row in connection.execute(f"PRAGMA main.table_info({table})")]
        kept = [column for column in columns if (name, column) not in without_fields and not column.endswith("_id") and column != "id"]
        if not kept or name in without_types:
            continue
        rows = [connection.execute(f"SELECT {', '.join(kept)} FROM {schema}.{table} ORDER BY rowid").fetchall() for schema in ("main", "plain")]
        result.check(rows[0] == rows[1], lambda name=name, rows=rows: f"{what}: table {name}: {first_difference(*rows)}")
    connection.close()


# -------- an older analyzer --------

def edit(path, *changes):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.M | re.S)
        if not count:
            raise RuntimeError(f"{path}: nothing like '{pattern}': tests/compat/old_release.py has to follow")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def reduce_events(path):
    changes = [(rf"^EVENT_BEGIN\(\d+, \w+, {name}, \w+\).*?^EVENT_END\({name}, [^)]*\)$", f"/* no {name} */") for name in OLD_TYPES]
    for event, name, row_bytes, ring_bytes in OLD_FIELDS:
        with open(path, encoding="utf-8") as file:
            row, ring = map(int, re.search(rf"^EVENT_END\({event}, (\d+), (\d+)\)", file.read(), re.M).groups())
        changes += [(rf"^FIELD\({event}, \d+, \w+, {name},[^\n]*\n", ""),
                    (rf"^EVENT_END\({event}, \d+, \d+\)", f"EVENT_END({event}, {row - row_bytes}, {ring - ring_bytes})")]
    edit(path, *changes)


def in_tree(directory, name):
    """-> where a copied tree has a source file"""
    return os.path.join(directory, os.path.relpath(kymo_env.source(name), ROOT))


def make_old_tree(directory):
    os.mkdir(directory)
    for name in BUILT:
        source = os.path.join(ROOT, name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(directory, name))
    reduce_events(in_tree(directory, "events.def"))
    edit(in_tree(directory, "blocks.def"), *((rf"^BLOCK\(\d+, {name},[^\n]*\n", "") for name in OLD_BLOCKS))
    edit(in_tree(directory, "enums.def"), *((rf"^ENUM_VALUE\({value},[^\n]*\n", "") for value in OLD_VALUES))
    edit(in_tree(directory, "released.def"), (r"^RELEASED[^\n]*\n", ""))
    edit(in_tree(directory, "schema.c"), (r"^_Static_assert\(sizeof\(builtin_types\).*?;$", ""),
         (r"\tcase EV_TASK_NAME:\n", ""))
    edit(in_tree(directory, "capture_take.c"), (r"^static int take_name\(.*?^}$", ""),
         (r"\tcase EV_TASK_NAME:\n[^\n]*\n", ""))


def build_old(directory):
    """-> path of the older kymo"""
    make_old_tree(directory)
    build = os.path.join(directory, "build")
    for words in (["cmake", "-S", directory, "-B", build, "-DKYMO_RECORDER=OFF", "-DKYMO_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release"],
                  ["cmake", "--build", build, "-j2"]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return os.path.join(build, "bin", "kymo")


def check_old(result, folder, old, path):
    """One capture of today read by the old release."""
    name, data = os.path.relpath(path, ROOT), read(path)
    future = Future(Base(name, data), random.Random(0))
    missing = {int(number) for number, _, type_name, *_ in defined("events.def", "EVENT_BEGIN") if type_name in OLD_TYPES}
    unnamed = sum(section[3] for part in future.rows_blocks() if block_type(part) != 4
                  for section in future.body(part).events() if section[2] in missing)
    (old_status, old_out, _), (status, out, _) = (kymo("dump", path, program=program) for program in (old, KYMO))
    # the old release passes over the whole block that it does not know; all else has its names in the capture's schema
    expected = [line for line in out.splitlines() if not line.startswith(b'{"type":"clock"')]
    result.check((old_status, old_out.splitlines()) == (status, expected),
                 lambda: f"{name}: old dump: status {old_status}: {first_difference(old_out.splitlines(), expected)}")
    for command in ("import", "info"):
        words = ("import", "-q", "-f", "--no-symbols", path, "-o") if command == "import" else ("info", "--json", path)
        status = kymo(*words, *[folder.path("today.db")] * (command == "import"))[0]
        old_status, old_out, err = kymo(*words, *[folder.path("old.db")] * (command == "import"), program=old)
        result.check(old_status == (3 if unnamed else status), f"{name}: old {command}: status {old_status}: {err.decode(errors='replace')}")
        if command == "info":
            found = json.loads(old_out)["damage"]["rows_unknown_type"]
            result.check(found == unnamed, f"{name}: old info: {found} rows of unknown types, not {unnamed}")
    compare_tables(result, name, folder.path("old.db"), folder.path("today.db"), set(OLD_TYPES), set())
    check_old_without_schema(result, folder, old, name, data)


def check_old_without_schema(result, folder, old, name, data):
    """Neither the capture's schema nor its id is known: new types are counted, new fields left out, the rest is as it was."""
    path = folder.write("bare.kymo", b"".join(data[block.offset:block.end] for block in sb_blocks(data) if block.type != 2))
    status, out, notes = kymo("dump", path, program=old)
    fields = {(event, field) for event, field, _, _ in OLD_FIELDS}
    expected = []
    for line in kymo("dump", path)[1].splitlines():
        row = json.loads(line)
        if row["type"] not in OLD_TYPES:
            expected.append({key: value for key, value in row.items() if (row["type"], key) not in fields and key != "sysno_name"
                             and not (key == "reason_name" and value == "recorder")})
    found = [json.loads(line) for line in out.splitlines()]
    result.check(status == 3 and (b"schema" in notes or not found) and found == expected,
                 lambda: f"{name} without schema: old dump: status {status}: {first_difference(found, expected)}")


def sb_blocks(data):
    offset = 0
    while offset < len(data):
        block = sb.read_block(data, offset)
        yield block
        offset = block.end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=FULL_COUNT if FULL else QUICK_COUNT)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", 1)))
    options = parser.parse_args()
    result, note = Result("F2"), ""
    with Folder() as folder:
        bases = [Base(os.path.relpath(path, TESTS), read(path)) for path in all_captures()]
        bases = [base for base in bases if len(base.data) < 60000]
        for seed in range(options.seed, options.seed + options.count):
            check_renumbered(result, folder, random.Random(seed).choice(bases), seed)
        if FULL:
            old = build_old(folder.path("old"))
            big = folder.path("big.kymo")
            kymo("--source", f"synthetic:events={BIG_EVENTS},mix=all,seed={options.seed}", "-q", "-o", big, program=RECORD)
            for path in [*all_captures(), big]:
                check_old(result, folder, old, path)
            note = f"; an analyzer without {', '.join((*OLD_TYPES, *(f'{event}.{field}' for event, field, _, _ in OLD_FIELDS)))} read today's"
    exit_with(result.finish(f"no release yet: {options.count} captures of today with unknown numbers, seed {options.seed}{note}"))


if __name__ == "__main__":
    main()
