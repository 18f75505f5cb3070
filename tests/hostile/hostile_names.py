#!/usr/bin/env python3
"""S7, S9, S10, S11: hostile strings in every place for text of a capture, and every output looked at.

    hostile_names.py [--keep DIR]

KYMO_FULL=1: every form of every report on the database, too; every string also stands alone in the header, as type, field and value name, and in every message."""
import collections
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
import hostile_capture as maker  # noqa: E402
import kymo_env  # noqa: E402
import output_rules as rules  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
FULL = os.environ.get("KYMO_FULL") == "1"
TABLE_OF = {"process": "process_seen", "module": "kernel_module"}  # where a row type's table has another name
FORMS = {"text": ([], rules.check_text), "json": (["--json"], rules.check_json), "csv": (["--csv"], rules.check_csv)}
# Command: its calls, each (arguments, rule if it is not that of FORMS). All must stand here: kymo --help is compared with it.
COMMANDS = {
    "summary": [[]],
    "info": [[]], "verify": [[], ["--decode"]], "dump": [[], ["--type", "meta"]], "import": [], "sql": [], "recover": [], "symbolize": [],
    "redact": [], "cut": [], "bundle": [], "export": [], "schema": [],
    "folded": [[], ["--show-pid"], ["--show-tid"], ["--no-annotate"]],
    "flame": [[], ["--reverse"], ["--inverted", "--show-pid"], ["--minwidth", "0", "--width", "200"]],
    "syscalls": [[], ["--by-process", "--errors", "--in-flight"], ["--histogram"], ["--estimate"], ["--blocked"]],
    "offcpu": [["--all"], ["--all", "--slow"], ["--all", "--runqueue"], ["--all", "--folded"]],
    "overhead": [[], ["--timeline"], ["--decisions"]],
    "net": [[], ["--connections"], ["--peers"], ["--events"], ["--drops"]],
    "block": [[], ["--slow"], ["--histogram"], ["--sizes"]],
    "mem": [[], ["--rss"], ["--stalls"]],
    "files": [["--all"], ["--errors"], ["--all", "--by-process"]],
    "replay": [["--speed", "max"]],
}
EXPORTS = {"folded": "text", "perf-script": "text", "speedscope": "json", "firefox": "json"}
OWN_RULE = {"dump": rules.check_json_lines, "flame": rules.check_svg}
CAPTURE_ONLY = ("verify", "dump", "recover", "replay")


class Count:
    """Cases and failures of one id"""
    def __init__(self):
        self.cases = self.failed = 0

    def add(self, wrong, what):
        self.cases += 1
        if wrong:
            self.failed += 1
            if self.failed <= 20:
                print(f"FAILED: {what}: {wrong}", flush=True)


counts = collections.defaultdict(Count)


def run(arguments, directory, check=None, identity="S10", statuses=(0, 3)):
    """-> stdout; messages and, with a rule, results are checked"""
    what = "kymo " + " ".join(rules.shown(os.fsencode(text)[:60]) for text in arguments)
    done = subprocess.run([KYMO, *arguments], cwd=directory, capture_output=True, timeout=600, check=False)
    if done.returncode not in statuses:
        counts["S7"].add(f"status {done.returncode}: {done.stderr[-300:]!r}", what)
    counts["S10"].add(rules.check_text(done.stderr), "messages of " + what)
    if check:
        counts[identity].add(check(done.stdout), what)
    return done.stdout


# -------- what a capture holds --------

def true_bytes(row, key):
    """The bytes behind a string of JSON, if it is one of kymo's"""
    if row[key] is None:
        return b""
    return bytes.fromhex(row[key + "_hex"]) if key + "_hex" in row else row[key].encode()


def check_dump(data, strings, fields):
    """Every string of every field can be had back from the dump."""
    found = collections.defaultdict(collections.Counter)
    comms = set()
    for line in data.split(b"\n")[:-1]:
        row = json.loads(line)
        for field in [name.partition(".")[2] for name in fields if name.startswith(row["type"] + ".")]:
            if fields[f"{row['type']}.{field}"] == "BYTES":
                found[f"{row['type']}.{field}"][bytes.fromhex(row[field])] += 1
            else:
                found[f"{row['type']}.{field}"][true_bytes(row, field)] += 1
        if "task" in row:
            comms.add(true_bytes(row["task"], "comm"))
    for name in fields:
        for text in strings:
            counts["S7"].add(None if found[name][text] else "not in the dump", f"{name} = {text[:60]!r}")
    for text in strings:
        counts["S7"].add(None if text[:16].split(b"\0")[0] in comms else "not in the dump", f"name of a task {text[:60]!r}")


def db_bytes(value):
    return b"" if value is None else value if isinstance(value, bytes) else value.encode()


def check_database(path, strings, fields):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        for name, kind in fields.items():
            table, _, column = name.partition(".")
            rows = {db_bytes(row[0]) for row in db.execute(f"SELECT {column} FROM {TABLE_OF.get(table, table)}")}
            for text in strings:
                stored = text.hex().encode() if kind == "BYTES" else text
                counts["S7"].add(None if stored in rows else "not in the database", f"{name} = {text[:60]!r}")
        for space, in db.execute("SELECT count(*) FROM frame WHERE typeof(name) NOT IN ('text', 'blob')"):
            counts["S7"].add(f"{space} frames without a name" if space else None, "frames")


# -------- outputs --------

def offered(command):
    """-> the forms a command's help names, text first"""
    text = run([command, "--help"], None)
    return ["text"] + [form for form in ("json", "csv") if b"--" + form.encode() in text]


def help_of(command):
    return run([command, "--help"], None).decode()


def check_reports(work, source, commands):
    for command in commands:
        if source.endswith(".db") and command in CAPTURE_ONLY:
            continue
        for arguments in COMMANDS[command]:
            # The same writers show rows of a database: JSON has all of them.
            for form in offered(command) if FULL or not source.endswith(".db") else ["json"]:
                options, rule = FORMS[form]
                if form == "text" and command in OWN_RULE:
                    rule = OWN_RULE[command]
                # Names are looked up in a thousand files that are not there: once for each command.
                quick = ["--no-symbols"] if not FULL and (arguments != COMMANDS[command][0] or form != "text") and "--no-symbols" in help_of(command) else []
                identity = "S9" if rule is rules.check_svg else "S10" if form == "text" else "S11"
                run([command, *arguments, *options, *quick, source], work, rule, identity)


def expected_folded(path, annotate=True):
    """The lines that kymo folded must print, from the tables by the rules of output_rules"""
    lines = collections.Counter()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        frames = {row[0]: row[1:] for row in db.execute("SELECT id, name, space, symbol IS NULL AND module_id IS NULL FROM frame")}
        stacks = {row[0]: row[1:] for row in db.execute("SELECT id, parent_id, frame_id FROM stack")}
        for comm, stack in db.execute("SELECT t.comm, s.stack_id FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id"):
            names = []
            while stack:
                stack, frame = stacks[stack]
                name, space, unknown = frames[frame]
                shown = "[unknown]" if unknown else rules.folded_name(db_bytes(name), True)
                names.append(shown + ("_[k]" if space == "kernel" and annotate else ""))
            lines[";".join([rules.folded_name(db_bytes(comm), False), *reversed(names)])] += 1
    return lines


def check_folded(work):
    expected = expected_folded(os.path.join(work, "hostile.db"))
    for source in ("hostile.kymo", "hostile.db"):
        found = collections.Counter()
        for line in run(["folded", source], work).decode().split("\n")[:-1]:
            stack, _, count = line.rpartition(" ")
            found[stack] += int(count)
            counts["S11"].add(None if expected[stack] == int(count) else "no such stack, or another count", f"folded {source}: {line[:100]!r}")
        counts["S11"].add(None if found == expected else f"{len(found)} lines where there are {len(expected)} stacks", f"folded {source}")
        data = json.loads(run(["folded", "--json", source], work))["folded_stacks"]
        counts["S11"].add(None if {row["folded"] for row in data} == set(expected) else "other stacks", f"folded --json {source}")


def check_tables(work):
    """SELECT * from everything, in all forms; what JSON says is what is stored."""
    with sqlite3.connect(f"file:{os.path.join(work, 'hostile.db')}?mode=ro", uri=True) as db:
        db.text_factory = bytes
        for name, kind in db.execute("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid").fetchall():
            query = f"SELECT * FROM {name.decode()} LIMIT 3000"
            for form in ("text", "csv") if FULL or kind == b"view" else ("csv",):
                options, rule = FORMS[form]
                run(["sql", *options, "hostile.db", query], work, rule, "S10" if form == "text" else "S11")
            if FULL:  # the writer is the same one
                run(["sql", "--json", "--no-symbols", "hostile.kymo", query], work, rules.check_json, "S11")
            rows = json.loads(run(["sql", "--json", "hostile.db", query], work, rules.check_json, "S11"))["rows"]
            if kind != b"table":
                continue
            stored = db.execute(query)
            columns = [column[0] for column in stored.description]
            for mine, theirs in zip(rows, stored, strict=True):
                same = all(true_bytes(mine, column) == value if isinstance(value, bytes) else mine[column] == value
                           for column, value in zip(columns, theirs))
                counts["S11"].add(None if same else "is not what is stored", f"sql --json of {name}: {str(mine)[:100]}")


# -------- places that the writer fills itself --------

def check_headers(work, strings):
    """Host name, release, tool version, an unknown entry; file names. One database of many captures, and each alone."""
    maker.make(strings[:1], os.path.join(work, "one.kymo"), work)
    with open(os.path.join(work, "one.kymo"), "rb") as file:
        one = file.read()
    folder, names = os.path.join(work, "headers"), []
    os.mkdir(folder)
    for i, text in enumerate(strings):
        name = b"%d-" % i + text.replace(b"\0", b"0").replace(b"/", b"_")[:200]
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(maker.with_header_strings(one, [text, *(strings[(i + k) % len(strings)] for k in (1, 2, 3))]))
        names.append(name)
    run(["import", "-o", "all.db", *names], folder)
    for form in offered("info"):
        data = run(["info", *FORMS[form][0], "all.db"], folder, FORMS[form][1], "S10" if form == "text" else "S11")
    for form, (options, rule) in FORMS.items():
        data = run(["sql", *options, "all.db", "SELECT path, host, kernel, tool_version FROM capture_info"], folder, rule, "S10" if form == "text" else "S11")
        if form == "json":
            rows = json.loads(data)["rows"]
            hosts = {true_bytes(row, "host") for row in rows}
            for i, text in enumerate(strings):
                counts["S7"].add(None if text.split(b"\0")[0][:255] in hosts else "not told", f"host name {text[:60]!r}")
                counts["S7"].add(None if true_bytes(rows[i], "path") == names[i] else "not told", f"path {text[:60]!r}")
    for name in names if FULL else names[::27]:
        run(["info", name], folder, rules.check_text)
        run(["flame", "--title", name, name], folder, rules.check_svg, "S9")


def check_schemas(work, strings):
    """Names of types, fields and values"""
    few = strings[::len(strings) // 8]
    maker.make(few, os.path.join(work, "few.kymo"), work)
    with open(os.path.join(work, "few.kymo"), "rb") as file:
        few = file.read()
    step = 16 if FULL else 200
    for first in range(0, len(strings), step):
        data, used = maker.with_schema_names(few, strings, first)
        path = os.path.join(work, "schema.kymo")
        with open(path, "wb") as file:
            file.write(data)
        dump = run(["dump", path], work, rules.check_json_lines, "S11")
        seen = {true_bytes(json.loads(line), "type") for line in dump.split(b"\n")[:-1]}
        for name in used[1]:
            readable = bytes(byte if 0x20 < byte < 0x7F else ord("?") for byte in name)  # as the reader keeps names of a schema
            counts["S7"].add(None if seen & {readable, name} else "not in the dump", f"type named {name[:60]!r}")
        run(["import", "--force", "-q", path, "-o", "schema.db"], work)
        for name in ("info", "syscalls", "overhead", "folded", "flame"):
            check_reports(work, path, [name])
        run(["sql", "schema.db", "SELECT * FROM enum_name"], work, rules.check_text)


def check_messages(work, strings):
    """What the user typed, or a script took from a capture, comes back in messages."""
    calls = [lambda x: [x], lambda x: ["info", x], lambda x: ["info", "--" + x], lambda x: ["sql", "few.kymo", x],
             lambda x: ["sql", "few.kymo", 'SELECT "' + x], lambda x: ["dump", "--type", x, "few.kymo"], lambda x: ["folded", "--comm", x, "few.kymo"],
             lambda x: ["flame", "--colors", x, "few.kymo"], lambda x: ["flame", "-o", "/nowhere/" + x, "few.kymo"],
             lambda x: ["syscalls", "--sort", x, "few.kymo"], lambda x: ["syscalls", "--from", x, "few.kymo"],
             lambda x: ["import", "few.kymo", "-o", "/nowhere/" + x], lambda x: ["info", "--capture", x, "few.kymo"]]
    for i, text in enumerate(strings):
        argument = os.fsdecode(text.replace(b"\0", b"")[:60000])
        for k, call in enumerate(calls):
            if FULL or (i + k) % 52 == 0:
                run(call(argument), work, statuses=(0, 1, 2, 3))


def check_inventory(fields):
    listed = [line.split()[0].decode() for line in run(["--help"], None).split(b"\n") if line.startswith(b"  ") and line[2:3] != b" "]
    for command in listed:
        counts["S7"].add(None if command in COMMANDS else "has no test here: add it to COMMANDS", f"command {command}")
    wanted = maker.string_fields()
    counts["S7"].add(None if sorted(fields) == sorted(wanted) else f"{set(fields) ^ set(wanted)}", "fields of events.def that are strings")
    return listed, wanted


def main():
    strings = corpus.load()
    with tempfile.TemporaryDirectory(prefix="kymo-hostile-") as work:
        work = sys.argv[2] if sys.argv[1:2] == ["--keep"] else work
        listed, fields = check_inventory(maker.make(strings, os.path.join(work, "hostile.kymo"), work))
        run(["import", "--force", "--quiet", "hostile.kymo", "-o", "hostile.db"], work)
        check_dump(run(["dump", "hostile.kymo"], work), strings, fields)
        check_database(os.path.join(work, "hostile.db"), strings, fields)
        if "recover" in listed:
            run(["recover", "hostile.kymo", "-o", "recovered.kymo"], work, rules.check_text)
        run(["symbolize", "hostile.kymo", "-o", "symbolized.kymo"], work, rules.check_text)
        run(["cut", "hostile.kymo", "--from", "0", "-o", "part.kymo"], work, rules.check_text)
        run(["redact", "hostile.kymo", "-o", "redacted.kymo", "--list"], work, rules.check_text)
        for form, kind in EXPORTS.items():
            rule = FORMS[kind][1]
            if form == "perf-script":  # perf's own indents frames with a tab
                rule = lambda data: rules.check_text(data.replace(b"\n\t", b"\n "))
            run(["export", "-F", form, "--no-symbols", "hostile.kymo"], work, rule, "S10" if kind == "text" else "S11")
        check_dump(run(["dump", "symbolized.kymo"], work), strings, fields)
        for source in ("hostile.kymo", "hostile.db"):
            check_reports(work, source, [command for command in listed if command in COMMANDS])
        check_folded(work)
        check_tables(work)
        check_headers(work, strings)
        check_schemas(work, strings)
        check_messages(work, strings)
    for identity in sorted(counts, key=lambda name: int(name[1:])):
        count = counts[identity]
        note = f"; {len(strings)} strings in {len(fields)} fields and {5 + len(maker.TAGS)} other places" if identity == "S7" else ""
        print(f"reliability {identity}: {count.cases} cases, {count.failed} failed{note}")
    return 1 if any(count.failed for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
