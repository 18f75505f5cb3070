#!/usr/bin/env python3
"""A ring far too small, and more kinds of calls than can be counted: attempted = stored + counted + lost, per class and CPU, to the event;
and every output says so (D1, D11)."""
import json
import os
import re
import subprocess

import live_env as live

CALLS = os.path.join(os.environ["KYMO_BUILD"], "live", "known_calls")
NUMBERS = 30000  # kinds of calls: more than the table of a CPU holds

capture, truth, status = live.record_slowly("loss.kymo", "-e", "syscalls", "--buffer", "4K", pause_s=0.4,
                                            command=[CALLS, "-s", "1", "-t", "1", "-n", str(NUMBERS)])
calls = truth["getppid"] * 16 // 12 + truth["numbers"]
live.check_equal(status, 3, "exit status when events were lost")
database = live.database(capture)
stored = live.one(database, "SELECT count(*) FROM syscall")
counted = live.one(database, "SELECT sum(call_count) FROM syscall_count")
dropped = live.lost(database)
print(f"{calls} done, {stored} stored, {counted} counted, {dropped} lost")
live.check(dropped > 0, "nothing was lost: the test is too weak")
# besides those told, the command makes a few dozen calls: start, threads, output
live.check(calls <= stored + counted + dropped <= calls + 500, f"recorded + counted + lost = {stored + counted + dropped}, done {calls}")

totals = database.execute("SELECT event_class, cpu, max(time_ns), attempted_count a, stored_count + ifnull(counted_count, 0) s, lost_count l, "
                          "stored_count FROM class_total "
                          "GROUP BY event_class, cpu").fetchall()
for row in totals:
    live.check(row["a"] == row["s"] + row["l"], f"class {row['event_class']} CPU {row['cpu']}: {row['a']} attempted, {row['s']} stored or counted, {row['l']} lost")
for row in database.execute("SELECT cpu, count(*) n FROM syscall GROUP BY cpu"):
    told = next((total["stored_count"] for total in totals if total["event_class"] == 1 and total["cpu"] == row["cpu"]), None)
    live.check_equal(told, row["n"], f"CPU {row['cpu']}: rows in the file and the count of them")
spans = live.one(database, "SELECT sum(lost_count) FROM loss_spans WHERE class = 'syscalls'")
live.check_equal(spans, dropped, "sum of the time spans of loss")
live.check_equal(live.one(database, "SELECT count(*) FROM loss_spans WHERE from_ns > to_ns OR reason LIKE 'reason%'"), 0, "spans without sense")

facts = live.info(capture)
live.check_equal(facts["events_dropped"], live.one(database, "SELECT sum(lost_count) FROM class_totals"), "loss as kymo info tells it")
for report in ("info", "syscalls", "overhead"):
    for form in ([], ["--json"]):
        done = subprocess.run([live.KYMO, report, *form, capture], capture_output=True, text=True, timeout=600, check=False)
        text = done.stdout + done.stderr
        numbers = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)}  # keys and headings speak of loss in any case
        live.check(dropped in numbers, f"kymo {report} {' '.join(form)} hides the loss of {dropped} events")
        live.check_equal(done.returncode, 3, f"kymo {report} {' '.join(form)}: exit status")
        if form:
            json.loads(done.stdout)

# default rings hold what comes while the recorder does not run at all: no more than fits is made
capture, out, status, _ = live.record("enough.kymo", "-e", "syscalls", command=[live.STORM, "--calls", "20000"])
database = live.database(capture)
live.check_equal((status, live.lost(database)), (0, 0), "loss of 20,000 calls on each CPU")
truth = live.truth(out)
live.check_equal(live.calls_of(database, truth["pid"]).get("getppid"), truth["calls"], "getppid calls")
live.finish()
