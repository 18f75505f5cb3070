#!/usr/bin/python3
"""Counted system calls whose rows are damaged or gone are missing events, to the call: for verify, for reports and for recover, which
keeps attempted = stored + counted + lost per class and CPU.

    counted_damage.py [CAPTURE...]

Each block of rows in turn, then pairs of them, is taken out of the capture, or has a bit of its frame turned over.
"""
import glob
import itertools
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "decoder")]
import kymo_env  # noqa: E402

try:
    import capture_mutations as cm
    import second_blocks as sb
except ModuleNotFoundError as missing:
    kymo_env.skip(f"{missing} (Debian: python3-xxhash, python3-zstandard, under /usr/bin/python3)")

KYMO = os.path.join(kymo_env.BIN, "kymo")
CAPTURES = os.path.join(TESTS, "golden", "*.*", "recorder-counted.kymo")
SYSCALL, CLASS_TOTAL, SYSCALL_COUNT, SYSCALLS, DAMAGED = 1, 14, 19, 1, 7
PAIRS = 40
failed, cases = 0, 0


def check(found, expected, what):
    global failed, cases
    cases += 1
    if found != expected:
        failed += 1
        if failed <= 20:
            print(f"{what}: found {found}, expected {expected}", flush=True)


def kymo(*arguments):
    """-> (status, stdout)"""
    done = subprocess.run([KYMO, *arguments], capture_output=True, check=False, timeout=600)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"kymo {' '.join(arguments)}: status {done.returncode}: {done.stderr.decode()}")
    return done.returncode, done.stdout


def rows_of(path):
    return [json.loads(line) for line in kymo("dump", path)[1].splitlines()]


def types_of(block):
    return struct.unpack_from("<Q", block.plain, 56)[0] if block.type in sb.ROW_TYPES and not block.replica else 0


class Told:
    """What the rows that are left say of system calls, counted here by hand."""

    def __init__(self, rows):
        self.single = sum(row["type"] == "syscall" for row in rows)
        self.counted, self.totals = {}, {}
        for row in rows:
            if row["type"] == "syscall_count":
                self.counted[row["cpu"]] = self.counted.get(row["cpu"], 0) + row["call_count"]
            elif row["type"] == "class_total" and row["event_class"] == SYSCALLS:
                self.totals[row["cpu"]] = dict(row, rows=self.counted.get(row["cpu"], 0))

    def missing(self):
        """{CPU: calls that its newest totals say were counted, and no row before them holds}"""
        return {cpu: total["counted_count"] - total["rows"] for cpu, total in self.totals.items()
                if total["counted_count"] > total["rows"]}


def check_one(what, path, recovered, stored):
    rows = rows_of(path)
    told = Told(rows)
    missing = sum(told.missing().values())
    verify = json.loads(kymo("verify", "--decode", "--json", path)[1])
    lost_events = stored - verify["events"]
    check(verify["events_missing"], lost_events + missing, f"{what}: verify, events missing")
    check(verify["events_counted"], sum(told.counted.values()), f"{what}: verify, events counted")
    short = json.loads(kymo("verify", "--json", path)[1])
    check([short[key] for key in ("events_missing", "events_counted", "result")], [verify[key] for key in ("events_missing", "events_counted", "result")],
          f"{what}: verify without --decode")
    info = json.loads(kymo("info", "--json", path)[1])
    check((info["events_damaged"], info["events_counted"]), (lost_events + missing, sum(told.counted.values())), f"{what}: info")
    report = json.loads(kymo("syscalls", "--json", path)[1])
    check(sum(row["calls"] for row in report["syscalls"]), told.single + sum(told.counted.values()), f"{what}: calls")
    check_recovered(what, path, recovered, told, lost_events)


def check_recovered(what, path, recovered, told, lost_events):
    kymo("recover", "-q", "-f", "-o", recovered, path)
    rows = rows_of(recovered)
    after = Told(rows)
    check((after.single, after.counted), (told.single, told.counted), f"{what}: recover kept")
    for cpu, total in after.totals.items():
        check(total["attempted_count"], total["stored_count"] + total["counted_count"] + total["lost_count"],
              f"{what}: attempted = stored + counted + lost on CPU {cpu}")
        if cpu in told.missing():
            check(total["counted_count"], told.totals[cpu]["rows"], f"{what}: counted on CPU {cpu}")
    check(sum(row["lost_count"] for row in rows if row["type"] == "loss" and row["reason"] == DAMAGED),
          lost_events + sum(told.missing().values()), f"{what}: recover, lost by damage")
    check(kymo("verify", "--decode", recovered)[0], 0, f"{what}: what was recovered is whole")
    info = json.loads(kymo("info", "--json", recovered)[1])
    check((info["events_damaged"], info["events_dropped"]), (lost_events + sum(told.missing().values()), 0), f"{what}: info of what was recovered")


def taken_out(data, blocks, chosen):
    return b"".join(data[block.offset:block.end] for block in blocks if block not in chosen)


def turned_over(data, blocks, chosen):
    data = bytearray(data)
    for block in chosen:
        data[block.end - len(block.frame) // 2] ^= 4
    return bytes(data)


def check_capture(path, directory):
    with open(path, "rb") as file:
        data = file.read()
    blocks = cm.split_blocks(data)
    stored = next(struct.unpack_from("<Q", block.plain, 16)[0] for block in blocks if block.type == sb.T_END)
    wanted = [block for block in blocks if types_of(block) & (1 << SYSCALL | 1 << CLASS_TOTAL | 1 << SYSCALL_COUNT)]
    if not any(types_of(block) >> SYSCALL_COUNT & 1 for block in wanted):
        raise RuntimeError(f"{path}: no counted calls in it")
    chance = random.Random(1)
    pairs = list(itertools.combinations(wanted, 2))
    groups = [(block,) for block in wanted] + chance.sample(pairs, min(PAIRS, len(pairs)))
    damaged, recovered = os.path.join(directory, "damaged.kymo"), os.path.join(directory, "recovered.kymo")
    for chosen in groups:
        change = chance.choice((taken_out, turned_over))
        with open(damaged, "wb") as file:
            file.write(change(data, blocks, chosen))
        check_one(f"{os.path.basename(path)}, {change.__name__} {[block.seq for block in chosen]}", damaged, recovered, stored)


def main():
    captures = sys.argv[1:] or sorted(glob.glob(CAPTURES))
    with tempfile.TemporaryDirectory(prefix="kymo-counted-") as directory:
        for path in captures:
            check_capture(path, directory)
    print(f"{cases} cases of {len(captures)} captures, {failed} failed")
    return 1 if failed or not captures else 0


if __name__ == "__main__":
    sys.exit(main())
