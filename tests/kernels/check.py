#!/usr/bin/env python3
"""Reads what a booted kernel handed out through its serial port, and checks what was recorded there.

    check.py DIR KYMO IMAGE     DIR as run.sh leaves it: release, console, port; IMAGE: what was booted, as a folder

Prints a line per finding that is wrong, then one line of the table: release, what was attached for each event class and how,
samples that were named of all, doctor.
Status 1 if anything is wrong.
"""
import base64
import json
import os
import re
import sqlite3
import subprocess
import sys

CLASSES = ("cpu", "syscalls", "tasks", "mappings")
bad = []


def check(good, text):
    if not good:
        bad.append(text)


def unpack(directory):
    """The files between the lines "begin NAME" and "end NAME"."""
    with open(os.path.join(directory, "port"), encoding="ascii", errors="replace") as port:
        text = port.read().replace("\r", "")
    out = os.path.join(directory, "out")
    os.makedirs(out, exist_ok=True)
    for name, body in re.findall(r"^begin (\S+)\n(.*?)^end \1$", text, re.M | re.S):
        with open(os.path.join(out, os.path.basename(name)), "wb") as file:
            file.write(base64.b64decode(body))
    check("\nfinished\n" in text, "the guest did not finish")
    return out


def read(directory, name):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        bad.append(f"{name} did not arrive")
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def load(text, what):
    try:
        return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
    except (IndexError, ValueError):
        bad.append(f"{what} is not JSON: {text[:80]!r}")
        return {}


def database(directory, name, kymo):
    output = os.path.join(directory, name + ".db")
    verified = subprocess.run([kymo, "verify", "--json", os.path.join(directory, name + ".kymo")], capture_output=True, text=True, check=False)
    check(verified.returncode == 0, f"{name}: verify ends with {verified.returncode}: {verified.stdout[:200]}")
    done = subprocess.run([kymo, "import", "--force", os.path.join(directory, name + ".kymo"), "-o", output], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        bad.append(f"{name}: import ends with {done.returncode}: {done.stderr.strip()}")
        return None
    return sqlite3.connect(output)


def one(connection, query, *values):
    row = connection.execute(query, values).fetchone()
    return row[0] if row and row[0] is not None else 0


def totals(connection, name):
    for kind, cpu, _, attempted, stored, counted, lost in connection.execute(
            "SELECT event_class, cpu, max(time_ns), attempted_count, stored_count, ifnull(counted_count, 0), lost_count FROM class_total GROUP BY 1, 2"):
        check(attempted == stored + counted + lost,
              f"{name}: class {kind} CPU {cpu}: {attempted} attempted, {stored} stored, {counted} counted, {lost} lost")


def calls(connection, table, pid):
    """Calls of a process by name: single events (syscall_calls) or those that were counted in the kernel (counted_calls)"""
    number = "sum(calls)" if table == "counted_calls" else "count(*)"
    return dict(connection.execute(f"SELECT name, {number} FROM {table} WHERE tgid = ? GROUP BY name", (pid,)))


def check_calls(connection, name, truth):
    """Calls made = calls stored or counted, or at least as many lost as are missing: others made calls too. -> not stored"""
    found = calls(connection, "syscall_calls", truth.get("pid", 0))
    counted = calls(connection, "counted_calls", truth.get("pid", 0))
    lost = one(connection, "SELECT lost_count FROM class_totals WHERE class = 'syscalls'")
    for call, made in truth.get("syscalls", {"?": 0}).items():
        known = found.get(call, 0) + counted.get(call, 0)
        check(made > 0 and known <= made <= known + lost,
              f"{name}: {made} calls of {call} made, {found.get(call, 0)} stored, {counted.get(call, 0)} counted, {lost} of all lost")
    totals(connection, name)
    return lost + sum(counted.values())


def check_all(connection, truth):
    """Every class, with rings that hold it all: what is lost is then only what ran inside another program of ours (6.13 and later let
    the system call tracepoints be preempted)."""
    check_calls(connection, "all", truth)
    check(one(connection, "SELECT sum(lost_count) FROM loss_summary WHERE reason <> 'recursion'") == 0, "all: events were lost")
    check(one(connection, "SELECT count(*) FROM cpu_sample") > 20, "all: hardly any CPU sample")
    check(one(connection, "SELECT count(*) FROM task_fork") >= truth.get("spawned", 1), "all: forks are missing")
    check(one(connection, "SELECT count(DISTINCT stack_id) FROM cpu_sample") > 3, "all: samples without stacks")


def check_loss(connection, truth):
    """A ring of 4 KiB, two threads as fast as they can: much finds no room, and is counted."""
    check(check_calls(connection, "loss", truth) > 0, "loss: the ring was never full")
    check(one(connection, "SELECT sum(lost_count) FROM loss_summary WHERE reason <> 'recursion'") in (None, 0), "loss: events were lost")


def check_names(directory, name, kymo, image):
    """At least 95 % of the samples of known_code are in a named function, by the file that was booted, and most in the one that it works in: an
    emulated machine takes long to start a program"""
    folded = subprocess.run([kymo, "folded", "--symfs", image, os.path.join(directory, name + ".kymo")], capture_output=True, text=True, check=False)
    samples = named = known = 0
    for line in folded.stdout.splitlines():
        stack, count = line.rsplit(" ", 1)
        if stack.startswith("known_code;"):
            samples += int(count)
            user = [frame for frame in stack.split(";")[1:] if not frame.endswith("_[k]")]
            known += int(count) * ("known_function" in user)
            named += int(count) * (not user or not re.search(r"\+0x|^\[", user[-1]))
    check(samples >= 20, f"{name}: {samples} samples: {folded.stderr.strip()}")
    check(known * 2 >= samples, f"{name}: {known} of {samples} samples in known_function: {folded.stdout[:300]!r}")
    check(named * 100 >= samples * 95, f"{name}: {named} of {samples} samples named: {folded.stdout[:300]!r} {folded.stderr.strip()}")
    return f"{named}/{samples}"


def check_copies(connection):
    """The program that copies user stacks was loaded: each sample outside of the kernel has registers and a copy."""
    check(one(connection, "SELECT count(*) FROM cpu_sample WHERE copy") > 0, "all: no stack was copied")
    check(one(connection, "SELECT count(*) FROM cpu_sample WHERE NOT copy AND NOT flags & 16") == 0, "all: samples of programs without a copy of their stack")


def how(connection):
    """{class: how its probes are attached}"""
    ways = {}
    for kind, way, name in connection.execute("SELECT class, how, name FROM probe_status WHERE attached ORDER BY name"):
        if not name.startswith(("iter/", "kernel addresses", "mappings of")):
            ways.setdefault(kind, []).append(way.replace("perf_event: ", ""))
    return {kind: " + ".join(dict.fromkeys(each)) for kind, each in ways.items()}


def main():
    directory, kymo, image = sys.argv[1:4]
    out = unpack(directory)
    status = dict(line.split() for line in read(out, "status").splitlines())
    doctor = load(read(out, "doctor.json"), "doctor's answer")
    check(status.get("doctor") == "0" and doctor.get("can_record") is True, f"doctor ends with {status.get('doctor')}")
    check(status.get("record") in ("0", "3"), f"the recording ends with {status.get('record')}: {read(out, 'record.err')[-300:]}")
    check(status.get("loss") in ("0", "3"), f"the recording with a small ring ends with {status.get('loss')}: {read(out, 'loss.err')[-300:]}")
    check(read(out, "left") == "", "something is pinned")
    every, loss = database(out, "all", kymo), database(out, "loss", kymo)
    ways = how(every) if every else {}
    if every:
        check_all(every, load(read(out, "truth.json"), "the workload's counts"))
    if loss:
        check_loss(loss, load(read(out, "loss-truth.json"), "the second workload's counts"))
    named = []
    for name in ("running", "command"):
        check(status.get(name) == "0", f"{name}: ends with {status.get(name)}: {read(out, name + '.err')[-300:]}")
        named.append(f"{name} {check_names(out, name, kymo, image)}")
    with open(os.path.join(directory, "release"), encoding="ascii") as file:
        release = file.read().strip()
    if every and "arm64" not in release:
        check_copies(every)
    for text in bad:
        print(f"{release}: {text}")
    worst = [f"{found['id']}: {found['found']}" for found in doctor.get("checks", []) if found["severity"] in ("warning", "error")]
    print(f"| {release} | {' | '.join(ways.get(kind, 'no') for kind in CLASSES)} | {', '.join(named)} | {'; '.join(worst) or 'nothing'} |")
    sys.exit(1 if bad else 0)


main()
