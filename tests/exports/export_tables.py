#!/usr/bin/env python3
"""Every table and view comes out as lines of JSON for jq and as CSV for sqlite3, from captures and databases, with as many rows as SQL
counts; filters leave what SQL leaves. Skips without jq or sqlite3."""
import os
import subprocess

import export_env as exports

exports.need("jq", "sqlite3")


def jq_count(lines, expression="."):
    done = subprocess.run(["jq", "-c", expression], input=lines, capture_output=True, check=True)
    return done.stdout.count(b"\n")


def csv_count(scratch, rows):
    path = os.path.join(scratch, "rows.csv")
    with open(path, "wb") as file:
        file.write(rows)
    return int(subprocess.run(["sqlite3", ":memory:", f".import --csv {path} t", "SELECT count(*) FROM t"], capture_output=True, check=True).stdout)


with exports.scratch() as scratch:
    for capture in exports.CAPTURES[:1]:
        database = os.path.join(scratch, os.path.basename(capture) + ".db")
        exports.kymo("import", "--quiet", "--no-symbols", capture, "-o", database)
        listed = subprocess.run(["sqlite3", database, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"],
                                capture_output=True, text=True, check=True).stdout.split()
        counted = subprocess.run(["sqlite3", database, " UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in listed)],
                                 capture_output=True, check=True).stdout.split()
        for table, rows in zip(listed, map(int, counted)):
            source = capture if table in ("syscall", "cpu_sample", "offcpu", "task", "stack", "syscalls") else database
            exports.check(jq_count(exports.export("ndjson", source, "--table", table)), rows, f"{source}: {table} as lines of JSON")
            if rows and (source == capture or table.startswith("s")):
                exports.check(csv_count(scratch, exports.export("csv", source, "--table", table)), rows, f"{source}: {table} as CSV")
        for options, where in exports.filters(capture):
            for table in ("syscall", "offcpu", "cpu_sample"):
                wanted = exports.ask(capture, f"SELECT count(*) FROM {table} e LEFT JOIN task t ON t.id = e.task_id WHERE {where}")[0]
                found = jq_count(exports.export("ndjson", capture, "--table", table, *options))
                exports.check(found, wanted, f"{capture}: {table} {options}")
exports.finish()
