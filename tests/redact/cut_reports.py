#!/usr/bin/env python3
"""What `kymo cut` writes is a sound capture, and reports on it are reports on the whole with the same filter: of each sample capture three parts of
the time, and its processes one by one. Usage: cut_reports.py [CAPTURE...]"""
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
REPORTS = ["syscalls -n 0", "syscalls -n 0 --by-process --errors --blocked --histogram --on-cpu", "folded --no-symbols", "folded --no-symbols --show-tid",
           "offcpu -n 0 --all", "offcpu -n 0 --slow", "offcpu -n 0 --runqueue --by-process", "offcpu -n 0 --waker"]
# Times since the start, which is another one; what was lost, and was counted, beside the part
OF_THE_WHOLE = {"at_s", "from_s", "to_s", "begin_s", "end_s", "counted_left_out", "counts_outside", "lost_count", "events_dropped", "lost", "lost_elsewhere",
                "capture_id", "process_id", "task_id", "start_ns", "end_ns", "from_ns", "to_ns"}


def run(*arguments, ok=(0, 3)):
    done = subprocess.run([KYMO, *arguments], capture_output=True, timeout=800, check=False)
    if done.returncode not in ok:
        sys.exit(f"kymo {' '.join(arguments)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def plain(value):
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()
                if name not in ("loss", "missing", "recorded") and (name not in OF_THE_WHOLE or isinstance(item, (dict, list)))}
    if isinstance(value, list):
        return sorted((plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return float(f"{value:.9g}") if isinstance(value, float) else value


def difference(before, after, place=""):
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                return difference(before.get(name), after.get(name), f"{place}.{name}")
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after)):
            if pair[0] != pair[1]:
                return difference(*pair, f"{place}[{number}]")
    return f"{place}: {json.dumps(before)[:300]} and {json.dumps(after)[:300]}"


def parts_of(capture):
    info = json.loads(run("info", "--no-symbols", "--json", capture))
    seconds = info["duration_ns"] / 1e9
    parts = [["--from", f"{seconds * a:.6f}", "--to", f"{seconds * b:.6f}"] for a, b in ((0, 0.5), (0.3, 0.7))] + [["--from", f"{seconds * 0.6:.6f}"]]
    rows = [json.loads(line) for line in run("sql", "--csv", "--no-symbols", capture, """SELECT json_object('tgid', t.tgid) FROM (SELECT task_id FROM syscall
        UNION ALL SELECT task_id FROM cpu_sample UNION ALL SELECT task_id FROM offcpu) e JOIN task t ON t.id = e.task_id GROUP BY t.tgid
        ORDER BY count(*) DESC LIMIT 2""").decode().replace('""', '"').replace('"{', "{").replace('}"', "}").splitlines()[1:]]
    return parts + [["--pid", str(row["tgid"])] for row in rows] + [parts[1] + ["--pid", str(row["tgid"])] for row in rows[:1]]


def main():
    captures = sys.argv[1:] or sorted(glob.glob(os.path.join(kymo_env.SAMPLES, "*.kymo")))
    wrong = compared = 0
    with tempfile.TemporaryDirectory() as folder:
        part = os.path.join(folder, "part.kymo")
        for capture in captures:
            for choice in parts_of(capture):
                run("cut", "-q", "-f", *choice, capture, "-o", part)
                run("verify", "--decode", part, ok=(0,))
                totals = json.loads(run("info", "--no-symbols", "--json", part))["classes"]
                for row in totals:
                    if row["attempted_count"] != row["stored_count"] + row["counted_count"] + row["lost_count"]:
                        print(f"{capture} {' '.join(choice)}: totals do not add up: {row}")
                        wrong += 1
                for report in REPORTS:
                    name, *rest = report.split()
                    whole = run(name, "--json", *rest, *choice, capture, ok=(0, 1, 3))
                    cut = run(name, "--json", *rest, part, ok=(0, 1, 3))
                    compared += 1
                    before, after = (plain(json.loads(text)) if text else None for text in (whole, cut))
                    if before != after:
                        print(f"{os.path.basename(capture)} {' '.join(choice)}: {report}{difference(before, after)}")
                        wrong += 1
    print(f"{compared} reports on parts of {len(captures)} captures compared, {wrong} differ")
    sys.exit(wrong > 0 or compared == 0)


main()
