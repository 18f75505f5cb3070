#!/usr/bin/env python3
"""D11: what a capture lacks stands in every output. Captures with loss, counted calls, thinned spans and damage, through every command
and format, as a capture and as a database; and captures that lack nothing, which must say nothing.

    marks.py [--keep DIR]

Where a mark must stand: text and CSV: in the results or the messages; JSON: in the document; SVG: in the picture itself.
sql answers what it was asked and no more, but for damage; its JSON has all. verify and recover speak of the file, not of what was recorded: they owe marks of damage only."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
MAKER = os.path.join(os.path.dirname(kymo_env.BIN), "marks", "make_marked")

# Command: the ways it is called. Every command of kymo --help must stand here.
COMMANDS = {
    "summary": [[]],
    "info": [[]],
    "verify": [[], ["--decode"]],
    "dump": [[], ["--type", "syscall"], ["--type", "cpu_sample"]],
    "import": [[]],
    "recover": [[]],
    "sql": [[]],
    "folded": [[], ["--show-tid", "--no-annotate"]],
    "flame": [[], ["--reverse", "--inverted"]],
    "syscalls": [[], ["--by-process", "--errors", "--in-flight"], ["--histogram"], ["--estimate"], ["--name", "read"]],
    "overhead": [[], ["--timeline"], ["--decisions"]],
    "offcpu": [[], ["--slow"]],
    "export": [["-F", "perf-script"], ["-F", "folded"], ["-F", "speedscope"]],
    "replay": [[], ["-e", "syscalls"]],
    "net": [[]],
    "block": [[]],
    "mem": [[]],
    "files": [[]],
}
# Reads none; or writes captures, which then say it again: tests/redact and live/lines look at those.
NO_CAPTURE = ("schema", "symbolize", "redact", "cut", "bundle")
CAPTURE_ONLY = ("verify", "dump", "recover", "import", "replay")
OF_SAMPLES = ("folded", "flame", "export")
OF_FILE = ("verify", "recover")
OF_OTHERS = ("offcpu", "net", "block", "mem")  # of classes that these captures have nothing of

# What the maker's kinds come to: (class, state): seconds.
THINNED_S = {("cpu", "reduced"): 10.0, ("cpu", "off"): 5.0, ("syscalls", "counts"): 5.5, ("syscalls", "off"): 9.5}
LINES = {  # of the line about coverage, above results or among the messages
    "cpu": "CPU samples: 83 % of the time, 33 % more slowly",
    "syscalls": "calls: 50 % of the time one by one, 18 % counted",
}
SENTENCES = {  # of pictures
    ("cpu", "reduced"): "samples were taken at 10 to 50 instead of 100 Hz for 10.00 of 30.00 s",
    ("cpu", "off"): "no samples were taken for 5.00 of 30.00 s",
}
# Captures: kinds of the maker, what is done to the file, the marks that they owe.
CAPTURES = {
    "clean": ([], None, set()),
    "governed": (["governed"], None, set()),
    "no-limit": (["governed", "no-limit"], None, set()),
    "loss": (["loss"], None, {"loss"}),
    "counted": (["counted"], None, {"counted"}),
    "thinned": (["thinned"], None, {"thinned", "counted"}),
    "cycles": (["thinned", "cycles"], None, {"thinned", "counted"}),
    "no-period": (["thinned", "no-period"], None, {"thinned", "counted"}),
    "damaged": ([], "damage", {"damage"}),
    "cut": ([], "cut", {"cut"}),
    "recovered": ([], "recover", {"recovered"}),
    "lost-thinned": (["loss", "thinned"], None, {"loss", "thinned", "counted"}),
    "all": (["loss", "thinned"], "damage", {"loss", "thinned", "counted", "damage"}),
    "all-recovered": (["loss", "thinned"], "recover", {"loss", "thinned", "counted", "recovered"}),
}
cases = failed = 0


def check(good, what):
    global cases, failed
    cases += 1
    if not good:
        failed += 1
        if failed <= 40:
            print(f"FAILED: {what}", flush=True)


def run(*arguments, statuses=(0, 3)):
    done = subprocess.run([KYMO, *arguments], capture_output=True, timeout=600, check=False)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if done.returncode not in statuses:
        check(False, f"kymo {' '.join(arguments)}: status {done.returncode}: {err[-300:]}")
    return done.returncode, out, err


# -------- captures --------

def damage(path):
    """Flips bytes of a block of events in the middle, and of no other."""
    with open(path, "rb") as file:
        data = file.read()
    for at in range(len(data) // 2, len(data) - 8):
        with open(path, "wb") as file:
            file.write(data[:at] + bytes(byte ^ 0xff for byte in data[at:at + 4]) + data[at + 4:])
        verdict = json.loads(run("verify", "--json", path)[1])
        if verdict["events_missing"] > 0 and verdict["blocks_damaged"] + verdict["blocks_lost"] == 1:
            return
    sys.exit("no place to damage found")


def path_of(name, suffix="kymo"):
    """Messages name the file: its name must not hold the words that are looked for."""
    return f"x{list(CAPTURES).index(name)}.{suffix}"


def make(name):
    kinds, change, _ = CAPTURES[name]
    path = path_of(name)
    subprocess.run([MAKER, path, *kinds], check=True)
    if change == "cut":
        os.truncate(path, os.path.getsize(path) * 2 // 3)
    elif change:
        damage(path)
    if change == "recover":
        os.rename(path, "source.kymo")
        run("recover", "--quiet", "source.kymo", "-o", path)
    return path


# -------- marks --------

def thinned_of(command):
    """The (class, state) pairs that a command's reports are about"""
    wanted = () if command in OF_OTHERS else ("cpu",) if command in OF_SAMPLES else ("syscalls",) if command in ("syscalls", "files") else ("cpu", "syscalls")
    return [pair for pair in THINNED_S if pair[0] in wanted]


def owed(command, form, marks):
    if command == "sql" and form != "json":
        return {mark for mark in marks if mark in ("damage", "cut", "recovered")}
    if command in OF_FILE:
        return {mark for mark in marks if mark in ("damage", "cut")}
    if command in OF_OTHERS:
        return marks - {"counted", "thinned"}
    return marks - {"counted"} if command in OF_SAMPLES else set(marks)


def in_text(command, mark, text):
    if mark == "counted" and command == "syscalls" and re.match(r"(tgid,comm,)?name,", text):  # CSV: a column of its own
        return sum(int(row["counted"]) for row in csv.DictReader(io.StringIO(text)) if (row["counted"] or "").isdigit()) in (5000, 5500)
    if mark == "counted" and command in ("dump", "replay"):
        return re.search(r"--type syscall_count \(calls: 5[05]00\)", text)
    if mark == "loss" and command in ("dump", "replay"):  # with those that damage took
        return re.search(r"\b(320|3\d\d|4\d\d|5\d\d) events are missing", text)
    if mark == "loss":
        found = re.search(r"\b(\d+) lost(?: \([^)]*\))?(?:, (\d+) elsewhere)?", text)
        return found and int(found[1]) + int(found[2] or 0) == 320
    if mark == "damage" and command == "recover":
        return re.search(r"lost \d+ block", text)
    if mark == "cut" and command == "recover":
        return "the end was missing" in text
    if mark == "thinned" and command in ("dump", "replay"):
        return "(decisions: 7)" in text
    if mark == "thinned":
        if command == "summary":  # it always has 80 columns
            return re.search(r"^calls: 50 % .*\b18 % counted.*\bCPU( samples)?: 83 %", text, re.M)
        return all(LINES[pair[0]] in text for pair in thinned_of(command))
    if mark == "counted":
        return re.search(r"\b(5,[05]00|18 %) counted", text)
    if mark == "recovered":
        return re.search(r"recovered from a damaged capture|its loss rows say why", text)
    return re.search(r"damaged" if mark == "damage" else r"\bcut\b|damaged", text)


def in_svg(mark, path):
    root = xml.etree.ElementTree.parse(path).getroot()
    lines = ["".join(node.itertext()) for node in root.iter() if node.get("class") == "note warning"]
    text = " ".join(lines)
    if mark == "loss":
        return re.search(r"\b[2-9]\d+ samples were lost", text)  # 20, and those that damage took
    if mark == "thinned":
        return all(SENTENCES[pair] in text for pair in thinned_of("flame"))
    return re.search({"damage": r"is damaged", "cut": r"was cut off", "recovered": r"was recovered from a damaged one"}[mark], text)


def in_json(command, mark, document):
    if command == "verify":
        return document["result"] != "good"
    if mark == "loss":
        return document["loss"]["events_dropped"] == 320 and document["loss"]["spans"]
    if mark == "counted":
        calls = document["counted_calls"]["counted"] if command == "syscalls" else document["counted"][0]["calls"]
        return calls in (5000, 5500)
    if mark == "recovered":
        return any(span["reason"] == "damaged" for span in document["loss"]["spans"])
    if mark in ("damage", "cut"):
        return document["loss"]["complete"] is False
    found = {}
    for row in document["thinned"]:
        pair = (row["class"], row["state"])
        found[pair] = found.get(pair, 0) + (row["to_ns"] - row["from_ns"]) / 1e9
        if not row["cause"] or not row["effect"]:
            return False
    return found == {pair: THINNED_S[pair] for pair in thinned_of(command)}


SILENT = re.compile(r"see kymo overhead|elsewhere|dropped|missing|instead of|not recorded|were taken|damaged|\bcut\b|counted|left out|left something")


def check_silent(command, form, name, what, out, err):
    """A capture that lacks nothing says so by saying nothing."""
    check(not SILENT.search(err), f"{what}: it lacks nothing: {err[:200]}")
    check("see kymo overhead" not in out and not out.startswith("calls"), f"{what}: it lacks nothing: {out[:200]}")
    if form == "json" and command != "verify":
        document = json.loads(out)
        loss = document["loss"]
        check(loss["events_dropped"] == 0 and loss["complete"] and not loss["spans"], f"{what}: {loss}")
        check(document.get("thinned") == (None if name == "clean" else []), f"{what}: thinned {document.get('thinned')}")


def check_call(command, arguments, form, name, source):
    marks = owed(command, form, CAPTURES[name][2])
    lacking = CAPTURES[name][2] & ({"loss", "damage", "cut", "recovered"} if command not in OF_FILE else {"damage", "cut"})
    options = {"text": [], "svg": ["-f", "-o", "out.svg"], "json": ["--json"], "csv": ["--csv"]}[form]
    after = {"sql": ["SELECT 1"], "import": ["-f", "-o", "made.db"], "recover": ["-f", "-o", "made.kymo"]}.get(command, [])
    call = [command, *arguments, *options, source, *after]
    what = "kymo " + " ".join(call)
    status, out, err = run(*call)
    check(status == (3 if lacking else 0), f"{what}: status {status}")
    if form == "svg":
        for mark in marks:
            check(in_svg(mark, "out.svg"), f"{what}: the picture does not tell: {mark}")
    elif form == "json":
        for mark in marks:
            try:
                told = in_json(command, mark, json.loads(out))
            except (KeyError, IndexError):
                told = False
            check(told, f"{what}: the document does not tell: {mark}")
    if form != "json":
        for mark in marks:
            check(in_text(command, mark, out + err), f"{what}: neither results nor messages tell: {mark}")
    if not CAPTURES[name][2]:
        check_silent(command, form, name, what, out, err)


def forms_of(command):
    text = run(command, "--help")[1]
    forms = [form for form in ("json", "csv") if "--" + form in text]
    return ["svg" if command == "flame" else "text"] + forms


def check_matrix():
    listed = set(re.findall(r"^  ([a-z]+) ", run("--help")[1], re.M))
    check(listed == set(COMMANDS) | set(NO_CAPTURE), f"commands of kymo --help and of this test differ: {listed ^ set(COMMANDS)}")
    forms = {command: forms_of(command) for command in COMMANDS}
    for name in CAPTURES:
        path = make(name)
        run("import", "--quiet", path, "-f", "-o", path_of(name, "db"))
        for command, calls in COMMANDS.items():
            for arguments in calls:
                for form in forms[command]:
                    check_call(command, arguments, form, name, path)
                    if command not in CAPTURE_ONLY and arguments == calls[0]:
                        check_call(command, arguments, form, name, path_of(name, "db"))


# -------- what is scaled, and what is not --------

def folded(*arguments):
    _, out, err = run("folded", *arguments)
    return {line.split(";")[1].split("+")[0]: int(line.rsplit(" ", 1)[1]) for line in out.splitlines()}, err


def sql(path, query):
    return json.loads(run("sql", "--json", path, query)[1])["rows"]


def check_weights():
    """10 s of one function at 100 Hz, 10 s of another at 50 and 10 Hz: the same"""
    second = 10**9
    for name, first, third in (("thinned", 10 * second, 5 * second), ("cycles", 30 * second, 15 * second)):
        weights, err = folded(path_of(name))
        check(weights == {"first": first, "second": first, "third": third}, f"weights of {name}: {weights}")
        unit = "ns of CPU time" if name == "thinned" else "CPU cycles"
        check(f"counted in {unit}" in err, f"unit of {name}: {err}")
        document = json.loads(run("flame", "--json", path_of(name))[1])
        check({row["name"].split("+")[0]: row["total_weight"] for row in document["frames"] if row["self_weight"]} == weights,
              f"flame of {name}")
        check(document["counted"] == {"thinned": "ns", "cycles": "cycles"}[name], f"unit of {name} in JSON")
    for name, expected in (("thinned", [40, 40, 20]), ("cycles", [40, 40, 20]), ("no-period", [55.56, 16.67, 27.78]),
                           ("governed", [33.33, 33.33, 33.33]), ("clean", [33.33, 33.33, 33.33])):
        rows = sql(path_of(name), "SELECT name, round(self_percent, 2) AS own, round(total_percent, 2) AS whole FROM hot_functions ORDER BY name")
        check([row["own"] for row in rows] == [row["whole"] for row in rows] == expected, f"hot_functions of {name}: {rows}")
    run("import", "--quiet", path_of("thinned"), path_of("clean"), "-f", "-o", "two.db")
    rows = sql("two.db", "SELECT capture_id, round(self_percent) AS own FROM hot_functions ORDER BY capture_id, name")
    check([row["own"] for row in rows] == [40, 40, 20, 33, 33, 33], f"hot_functions of two captures: {rows}")
    rows = sql("two.db", "SELECT capture_id, share_percent AS share FROM cpu_by_process ORDER BY 1")
    check([row["share"] for row in rows] == [100, 100], f"cpu_by_process of two captures: {rows}")
    weights, err = folded(path_of("no-period"))
    check(weights == {"first": 1000, "second": 300, "third": 500}, f"weights of no-period: {weights}")
    check("samples carry no period" in err, f"no-period is told: {err}")
    for name in ("clean", "governed"):
        check(folded(path_of(name))[0] == {"first": 1000, "second": 1000, "third": 1000}, f"samples of {name}")
    check(folded("--from", "12", "--to", "14", path_of("thinned"))[0] == {"second": 100}, "one rate within the window: samples")
    run("import", "--quiet", path_of("thinned"), path_of("cycles"), "-f", "-o", "two.db")
    status, _, err = run("folded", "two.db", statuses=(2,))
    check(status == 2 and "--capture" in err, "captures of different units are refused")


def check_overhead():
    def overhead(name):
        return json.loads(run("overhead", "--json", "--timeline", path_of(name))[1])

    document = overhead("thinned")
    check(document["budget"]["cpu_budget_percent"] == 1 and document["budget"]["decisions"] == 9, f"budget {document['budget']}")
    decisions = [row for row in document["governor_decisions"] if row["kind"] == "decision"]
    check(len(decisions) == 9 and all(row["cause"] and row["effect"] for row in decisions), f"{len(decisions)} decisions")
    check([row["at_s"] for row in decisions] == [5, 10, 10, 12, 12.5, 15, 20, 20, 25], "times of decisions")
    check(len(document["overhead_spending"]) == 29 and document["overhead_spending"][10]["thinned"] ==
          "cpu reduced 50 Hz, syscalls counts", f"spending {document['overhead_spending'][10]}")
    for row in document["class_coverage"]:
        parts = row["full_ns"] + row["counts_ns"] + row["reduced_ns"] + row["off_ns"]
        check(parts == row["duration_ns"] == 30 * 10**9, f"coverage {row}")
    for name, limit, met in (("thinned", 1, 1), ("governed", 1, 1), ("no-limit", None, None), ("clean", 1, 1)):
        target = [row for row in overhead(name)["overhead_targets"] if row["target"] == "cpu"][0]
        check((target["limit_value"], target["met"]) == (limit, met), f"target of {name}: {target}")
    subprocess.run([MAKER, "accounts.kymo", "governed", "accounts"], check=True)
    budget = json.loads(run("overhead", "--json", "accounts.kymo")[1])["budget"]
    check((budget["measurements"], budget["over_budget"], budget["cpu_highest_percent"]) == (30, 1, 1.5), f"an account each second: {budget}")
    check(document["budget"]["measurements"] == 3 and document["budget"]["over_budget"] == 0, f"three accounts: {document['budget']}")
    check("budget" not in overhead("clean"), "a capture without a governor has no budget")


def check_estimate():
    document = json.loads(run("syscalls", "--json", "--estimate", path_of("thinned"))[1])
    read = [row for row in document["syscall_estimate"] if row["name"] == "read"][0]
    # 2 s between spans with 1000 calls per second, 7.5 s between 1000 and 50; a call of 1 ms stored in a part of 250 stands for 250 / 249
    check(read["calls_estimate"] - read["calls"] == 5945, f"estimate {read}")
    check(read["calls_low"] is None and read["total_high_ns"] is None, f"two gaps give no bounds: {read}")
    status, _, err = run("syscalls", "--estimate", "--from", "1", path_of("thinned"), statuses=(2,))
    check(status == 2 and "--estimate" in err, "an estimate of a part is refused")


def main():
    keep = sys.argv[2] if sys.argv[1:2] == ["--keep"] else None
    directory = keep or tempfile.mkdtemp(prefix="kymo-marks-")
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    try:
        check_matrix()
        check_weights()
        check_overhead()
        check_estimate()
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"reliability D11: {cases} cases, {failed} failed; {len(CAPTURES)} captures x {len(COMMANDS)} commands")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
