#!/usr/bin/env python3
"""S12: no SQL is made of data; connections are hardened; databases that a stranger made do no harm."""
import glob
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
ANALYZER = os.path.join(kymo_env.ROOT, "analyzer")
TIMEOUT_S = 600
cases = failed = 0

SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ATTACH|PRAGMA|ALTER|VACUUM|WHERE|VALUES)\b")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:PRI[a-z]\d+|[A-Z_]{4,}|"(?:[^"\\\n]|\\.)*"))*')
# SQL texts with a place to fill in, and what is filled in: none of it comes from a capture, a database or a user.
FILLED = {
    ("filter.c", " AND %s.%s"): "table aliases and conditions of the table above it, values are bound",
    ("import_rows.c", "CREATE VIRTUAL TABLE temp.kymo_from_%s USING kymo_rows(%s)"): "type names of events.def",
    ("import_rows.c", "INSERT INTO main.%s SELECT %s FROM temp.kymo_from_%s"): "table and column names of events.def",
    ("import_rows.c", "DROP TABLE temp.kymo_from_%s"): "type names of events.def",
    ("own_schema.c", "CREATE TEMP VIEW IF NOT EXISTS %s"): "text of schema.sql and reports/*.sql, read back from a fresh database in memory",
    ("schema_db.c", "CREATE TABLE %s(%s)"): "table and column names of events.def",
    ("schema_db.c", "CREATE VIRTUAL TABLE temp.kymo_source USING %s(%s)"): "names that stand in this file",
    ("schema_db.c", "INSERT %sINTO main.%s(%s) SELECT %s FROM temp.kymo_source"): "names that stand in this file",
    ("schema_db.c", "DROP TABLE main.%s"): "names that stand in this file",
    ("schema_db.c", "CREATE VIRTUAL TABLE main.%s USING %s(%s)"): "names that stand in this file",
    ("syscall_question.c", "FROM syscall s LEFT JOIN task t ON t.id = s.task_id WHERE %s"): "kymo_filter_sql's conditions",
    ("syscall_question.c", "FROM syscall_count s LEFT JOIN task t ON t.id = s.task_id WHERE %s"): "kymo_filter_sql's conditions",
    ("vtab.c", "CREATE TABLE x(%s)"): "column names of events.def, vtab_syscalls.c and model_tables.c",
    ("overhead_report.c", "printf('%.1f MiB, limit"): "SQL's own printf, nothing is filled in by us",
    ("sample_weight.c", "FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id WHERE %s"): "kymo_filter_sql's conditions",
    ("sample_weight.c", "FROM temp.sample_sums s LEFT JOIN task t ON t.id = s.task_id WHERE %s"): "kymo_filter_sql's conditions",
    ("sampled_stacks.c", "WHERE %s ORDER BY s.task_id, s.stack_id"): "kymo_filter_sql's conditions",
    ("sampled_stacks.c", "WHERE %s GROUP BY s.task_id, s.stack_id"): "kymo_filter_sql's conditions",
    ("sampled_stacks.c", "FROM slow_waits v WHERE %s"): "kymo_wait_sql's conditions",
    ("offcpu_report.c", "%s WHERE %s%s"): "parts that stand in that file, kymo_wait_sql's conditions between",
    ("offcpu_report.c", "SELECT count(*) FROM (SELECT 1 FROM %s"): "names of views that stand in that file",
    ("net_report.c", "%s WHERE %s%s"): "parts that stand in that file, kymo_filter_sql's conditions between",
    ("net_report.c", "SELECT count(*) FROM (SELECT 1 FROM %s"): "names of views that stand in that file",
    ("net_report.c", "SELECT ns FROM (SELECT %s AS ns"): "column names that stand in that file",
    ("net_report.c", " AND %s > 0) WHERE place"): "the same, and a number of that file",
    ("net_report.c", "printf('0x%04x', v.protocol)"): "SQL's own printf, nothing is filled in by us",
    ("export_command.c", "SELECT 1 FROM %s LIMIT 1"): "table names of stack_classes.def",
    ("schema_list.c", "SELECT * FROM %s%s%s%s LIMIT 10"): "names of our own tables, views and columns, from a fresh database in memory",
    ("perfetto_export.c", "SELECT e.task_id, e.time_ns, e.duration_ns, %s"): "expressions of slices.def, kymo_filter_sql's conditions",
    ("stack_classes.c", "SELECT e.task_id, e.stack_id, %s"): "expressions of stack_classes.def, kymo_filter_sql's conditions",
    ("table_export.c", "SELECT * FROM %s"): "what the user typed, where it has small letters, digits and underscores only",
    ("files_report.c", "<> 0 AND %s"): "kymo_filter_sql's conditions",
    ("files_report.c", "SELECT count(*) AS calls, error_name, name"): "kymo_filter_sql's conditions, and a column name of that file",
    ("syscalls_report.c", "SELECT duration_ns, at_s, comm, tid, name"): "kymo_filter_sql's conditions, and a number of that file",
    ("stack_ends.c", "WITH used AS (SELECT s.stack_id, %s AS samples FROM %s s"): "parts that stand in that file, and kymo_filter_sql's conditions",
    ("wait_chain.c", "AND %s,  FROM slow_waits v"): "kymo_wait_sql's conditions",
    ("wait_choice.c", " AND %s >= :min AND %s <= :max"): "column names of views that stand in its callers",
    ("syscalls_report.c", "SELECT %s"): "column lists and sort keys that stand in this file",
    ("syscalls_report.c", "FROM syscalls_in_flight v WHERE (:name IS NULL OR name = :name) AND %s"): "kymo_filter_sql's conditions",
    ("syscalls_report.c", "m.key = 'cpu.event' WHERE %s GROUP BY v.capture_id, v.name"): "kymo_filter_sql's conditions",
}
REFUSED = [  # questions that must fail
    "ATTACH 'attached.db' AS other", "VACUUM INTO 'copy.db'", "VACUUM", "CREATE TABLE made(x)", "CREATE TEMP TABLE made(x)",
    "INSERT INTO meta VALUES(1,'x','y',0)", "UPDATE capture SET host = 'x'", "DELETE FROM capture", "DROP VIEW capture_info",
    "UPDATE sqlite_schema SET sql = ''", "SELECT load_extension('/tmp/x.so')", "SELECT writefile('made', 'x')", "SELECT readfile('/etc/passwd')",
    "SELECT edit('x')", "SELECT fts3_tokenizer('x', x'4141414141414141')", "SELECT length(zeroblob(500000000))",
    "SELECT " + "(" * 600 + "1" + ")" * 600, "SELECT " + ",".join("1" * 600),
    "SELECT 'x' LIKE '" + "%" * 2000 + "'", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE capture", "SELECT '" + "x" * 1100000 + "'",
    "SELECT max(" + ",".join("1" * 200) + ")", "WITH " + ",".join(f"a{i} AS (SELECT 1)" for i in range(3)) + " SELECT * FROM a9",
]
SETTINGS = {"PRAGMA trusted_schema": 0, "PRAGMA query_only": 1, "PRAGMA cell_size_check": 1, "PRAGMA mmap_size": 0, "PRAGMA writable_schema": 0,
            "SELECT fts3_tokenizer('simple') IS NULL": 1, "SELECT printf('%.*c', 200000000, 'x') IS NULL": 1, "PRAGMA writable_schema = 1": None, "PRAGMA journal_mode = WAL": None, "PRAGMA temp_store": 2, "PRAGMA ignore_check_constraints": 1}
ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT {columns} FROM r"
REPORTS = [["info"], ["folded"], ["flame"], ["syscalls", "--by-process", "--errors", "--histogram"], ["syscalls", "--from", "0"], ["overhead", "--timeline"],
           ["offcpu", "--all"], ["offcpu", "--slow"], ["offcpu", "--chain"], ["offcpu", "--waker"], ["net"], ["net", "--connections"],
           ["sql", "SELECT count(*) FROM capture_info"]]


def check(wrong, what):
    global cases, failed
    cases += 1
    if wrong:
        failed += 1
        print(f"FAILED: {what}: {wrong}", flush=True)


def check_sources():
    """Every SQL text with a place to fill in stands in FILLED."""
    used = set()
    for path in sorted(glob.glob(os.path.join(ANALYZER, "**", "*.c"), recursive=True)):
        name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        for literal in LITERAL.findall(text):
            pieces = re.findall(r'"((?:[^"\\\n]|\\.)*)"', literal)
            joined = "".join(pieces)
            if "%" not in re.sub(r"%%", "", joined) or not (SQL.search(joined) or " AND %s" in joined):
                continue
            if not re.search(r"(?<!%)%[-+#0]*[\d*.]*(?:l|ll|z)?[sdiuxcgfq](?!\w)", joined):
                continue
            known = [key for key in FILLED if key[0] == name and key[1] in joined]
            used.update(known)
            check(None if known else "an SQL text that something is filled into: bind it, or say in FILLED what it is", f"{name}: {joined[:90]}")
    for key in set(FILLED) - used:
        check("no such text any more: take it out of FILLED", f"{key[0]}: {key[1]}")
    for path in glob.glob(os.path.join(ANALYZER, "**", "*.c"), recursive=True):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "sqlite3_open" in text:
            check(None if path.endswith("db/connection.c") else "opens a database by itself", os.path.basename(path))
        check("loads extensions" if re.search(r"sqlite3_(enable_load_extension|load_extension)\b", text) else None, os.path.basename(path))


def kymo(arguments, directory):
    """-> finished process, or None if it had to be stopped"""
    try:
        return subprocess.run([KYMO, *arguments], cwd=directory, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None


def ask(source, query, directory):
    """Through standard input: a query may be longer than an argument can be."""
    return subprocess.run([KYMO, "sql", "--csv", source], input=query.encode(), cwd=directory, capture_output=True, timeout=TIMEOUT_S, check=False)


def check_settings(directory, source):
    before = set(os.listdir(directory))
    for query in REFUSED:
        done = ask(source, query, directory)
        check(None if done.returncode in (1, 2) and not done.stdout else f"status {done.returncode}: {done.stdout[:80]!r}", f"{source}: {query[:70]}")
    for query, wanted in SETTINGS.items():
        answer = ask(source, query, directory).stdout.decode().split()
        if wanted is None:
            again = ask(source, query.partition(" =")[0], directory).stdout.decode().split()
            check(None if again[1:] in (["0"], ["delete"], ["memory"], ["off"]) else f"took effect: {again}", f"{source}: {query}")
        else:
            if source.endswith(".kymo") and "mmap_size" in query:
                continue  # a database in memory has none
            check(None if answer[-1:] == [str(wanted)] else f"is {answer[1:]}, not {wanted}", f"{source}: {query}")
    check(None if set(os.listdir(directory)) == before else f"made {set(os.listdir(directory)) - before}", f"{source}: files")


# -------- databases of strangers --------

def rewrite_schema(db, change):
    db.execute("PRAGMA writable_schema = 1")
    change(db)
    db.execute("PRAGMA writable_schema = 0")


def columns_of(db, name):
    return ", ".join(f"x AS {row[1]}" for row in db.execute(f"PRAGMA table_info({name})"))


def endless_views(db):
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        columns = columns_of(db, name)
        db.execute(f"DROP VIEW {name}")
        db.execute(f"CREATE VIEW {name} AS {ENDLESS.format(columns=columns)}")


def view_for_table(table):
    def change(db):
        columns = columns_of(db, table)
        db.execute(f"ALTER TABLE {table} RENAME TO other_{table}")
        db.execute(f"CREATE VIEW {table} AS {ENDLESS.format(columns=columns)}")
    return change


def triggers(db):
    for i, (name,) in enumerate(db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()):
        for when in ("INSERT", "UPDATE", "DELETE"):
            db.execute(f"CREATE TRIGGER t{i}{when} AFTER {when} ON {name} BEGIN SELECT load_extension('x'); END")


def schema_text(db, sql, kind="view", name="planted"):
    db.execute("INSERT INTO sqlite_schema VALUES(?, ?, ?, 0, ?)", (kind, name, name, sql))


HOSTILE = {
    "every view runs for ever": (endless_views, 0),
    "triggers everywhere": (triggers, 0),
    "a view calls load_extension": (lambda db: db.execute("CREATE VIEW planted AS SELECT load_extension('x')"), 0),
    "an index on an expression": (lambda db: db.execute("CREATE INDEX planted ON meta(lower(value))"), 0),
    "a table of the stranger's own": (lambda db: db.execute("CREATE TABLE planted AS SELECT * FROM meta"), 0),
    "capture is a view": (view_for_table("capture"), 1),
    "cpu_sample is a view": (view_for_table("cpu_sample"), 1),
    "a table is missing": (lambda db: db.execute("DROP TABLE loss"), 1),
    "an FTS table": (lambda db: db.execute("CREATE VIRTUAL TABLE planted USING fts5(x)"), 1),
    "an R-tree": (lambda db: db.execute("CREATE VIRTUAL TABLE planted USING rtree(id, a, b)"), 1),
    "a computed column": (lambda db: db.execute("ALTER TABLE meta ADD COLUMN planted AS (printf('%.*c', 60000000, 'x'))"), 1),
    "a constraint that is slow": (lambda db: rewrite_schema(db, lambda db: db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'key TEXT', 'key TEXT CHECK(length(printf(''%.*c'', 60000000, ''x'')) > 0)') WHERE name = 'meta'")), 0),
    "schema text that is not SQL": (lambda db: rewrite_schema(db, lambda db: schema_text(db, "CREATE VIEW planted AS SELECT ((((")), 1),
    "a view that names itself": (lambda db: rewrite_schema(db, lambda db: schema_text(db, "CREATE VIEW planted AS SELECT * FROM planted")), 0),
    "a table whose text makes another": (lambda db: rewrite_schema(db, lambda db: schema_text(db, "create virtual table planted using fts5(x)", "table")), 1),
    "another application": (lambda db: db.execute("PRAGMA application_id = 1"), 1),
    "a later version": (lambda db: db.execute("PRAGMA user_version = 99"), 1),
    "names that are SQL": (lambda db: db.execute("UPDATE process SET comm = '''; DROP TABLE capture; --'"), 0),
    "numbers that are text": (lambda db: db.execute("UPDATE cpu_sample SET period = 'x', stack_id = 'y'"), 0),
    "blobs for everything": (lambda db: db.execute("UPDATE capture SET host = x'ff00', duration_ns = x'00', cpu_count = x'41'"), 0),
    "a stack that is its own parent": (lambda db: db.execute("UPDATE stack SET parent_id = id"), 0),
}


def check_strangers(directory, sound):
    for what, (change, refused) in HOSTILE.items():
        path = os.path.join(directory, "stranger.db")
        shutil.copy(sound, path)
        db = sqlite3.connect(path, isolation_level=None)
        change(db)
        db.close()
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).digest()
        before = set(os.listdir(directory))
        for report in REPORTS:
            arguments = [report[0], *report[1:], "stranger.db"] if report[0] != "sql" else ["sql", "stranger.db", report[1]]
            done = kymo(arguments, directory)
            name = f"{what}: kymo {' '.join(arguments)}"
            if done is None:
                check(f"was still running after {TIMEOUT_S} s", name)
            elif refused:
                check(None if done.returncode == 1 and not done.stdout else f"status {done.returncode}, {done.stdout[:60]!r}", name)
            else:
                check(None if done.returncode in (0, 1, 3) else f"status {done.returncode}: {done.stderr[-200:]!r}", name)
        with open(path, "rb") as file:
            check(None if hashlib.sha256(file.read()).digest() == digest else "the file was changed", what)
        check(None if set(os.listdir(directory)) == before else f"made {set(os.listdir(directory)) - before}", what)


def main():
    check_sources()
    with tempfile.TemporaryDirectory(prefix="kymo-database-") as work:
        shutil.copy(os.path.join(kymo_env.SAMPLES, "all.kymo"), os.path.join(work, "sound.kymo"))
        subprocess.run([KYMO, "import", "-q", "--no-symbols", "sound.kymo", "-o", "sound.db"], cwd=work, check=True, stderr=subprocess.DEVNULL)
        for source in ("sound.db", "sound.kymo"):
            check_settings(work, source)
        check_strangers(work, os.path.join(work, "sound.db"))
    print(f"reliability S12: {cases} cases, {failed} failed; {len(FILLED)} SQL texts are filled with names of our own, 0 with data")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
