#!/usr/bin/env python3
"""Damages samples in many ways, recovers each copy, and compares: the result must be sound, hold exactly the rows that `kymo dump` reads from the
damaged copy, and name what is missing.

    recover_loop.py [--cases N] [--seed N] [--only K]    TEST_SEED is the seed, too; KYMO_FULL=1 means many cases
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
PAGE = 4096


def run(*arguments):
    return subprocess.run([KYMO, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)


def flip(data, rng):
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data, rng):
    del data[rng.randrange(1, len(data)):]


def take_out(data, rng):
    at = rng.randrange(len(data))
    del data[at:at + rng.choice((1, 8, 100, PAGE, 20000))]


def put_in(data, rng):
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice((1, 8, 100, PAGE)))


def blank(data, rng):
    at = rng.randrange(0, len(data), PAGE)
    size = min(PAGE * rng.choice((1, 1, 3)), len(data) - at)
    data[at:at + size] = rng.choice((bytes(size), rng.randbytes(size)))


def swap(data, rng):
    a, b = sorted(rng.randrange(0, len(data), PAGE) for _ in range(2))
    one, two = data[a:a + PAGE], data[b:b + PAGE]
    if b - a >= PAGE and len(two) == PAGE:
        data[a:a + PAGE], data[b:b + PAGE] = two, one


def lose_head(data, rng):
    size = rng.randrange(1, 3000)
    data[:size] = rng.choice((bytes(size), b"", rng.randbytes(size)))


def twice(data, rng):
    other = bytearray(data if rng.random() < 0.3 else rng.choice(SAMPLES)[1])
    if rng.random() < 0.7:
        flip(other, rng)
    data += other


DAMAGES = (flip, cut, take_out, put_in, blank, swap, lose_head, twice)
SAMPLES = []


def rows_of(output):
    return [{key: value for key, value in json.loads(line).items() if value is not None} for line in output.splitlines()]


def added(row):
    """Is it one that recovery writes?"""
    return (row["type"] == "class_total" or row["type"] == "loss" and row.get("reason_name") == "damaged"
            or row["type"] == "mark" and row.get("name") == "recover" or row["type"] == "meta" and row.get("key", "").startswith("recover."))


def compare_rows(before, after):
    """The rows from before must all be there, in their order, with nothing between them but what recovery adds."""
    at = 0
    for row in after:
        if at < len(before) and row == before[at]:
            at += 1
        elif not added(row):
            return f"row {at}: recovered {row}, damaged {before[at] if at < len(before) else 'has no more'}"
    return None if at == len(before) else f"{len(before) - at} rows are gone, the first: {before[at]}"


def check(work, damaged):
    """-> what is wrong, or None"""
    path, out = os.path.join(work, "damaged.kymo"), os.path.join(work, "out.kymo")
    with open(path, "wb") as file:
        file.write(damaged)
    if os.path.exists(out):
        os.remove(out)
    recover = run("recover", path, "-o", out)
    dump = run("dump", path)
    said = recover.stderr.decode(errors="replace")
    if recover.returncode not in (0, 1, 2, 3):
        return f"recover ended with {recover.returncode}: {said}"
    if recover.returncode in (1, 2):
        if os.path.exists(out):
            return f"recover failed ({said}) and left its output"
        return None if dump.returncode == 1 else f"recover: {said}, though dump reads it"
    found = json.loads(run("verify", "--decode", "--json", path).stdout)
    verify = run("verify", "--decode", "--json", out)
    result = json.loads(verify.stdout)
    if verify.returncode != 0:
        return f"the result is not sound: {verify.stdout.decode()}"
    if subprocess.run(["zstd", "-tq", out], check=False).returncode != 0:
        return "zstd -t refuses the result"
    wrong = compare_rows(rows_of(dump.stdout), rows_of(run("dump", out).stdout))
    if wrong:
        return wrong
    lossless = found["result"] == "good" or (found["events_missing"] == 0 and found["blocks_damaged"] + found["blocks_lost"] == 0 and
                                             found["blocks_foreign"] == 0 and found["ended"])
    if recover.returncode == 3 and found["result"] == "good":
        return f"status 3 for a sound capture: {said}"
    if recover.returncode == 0 and not lossless:
        return f"status 0 though verify says {found}"
    info = json.loads(run("info", "--json", out).stdout)
    if result["captures"] == 1 and info["events_damaged"] != found["events_missing"]:
        return f"verify misses {found['events_missing']} events in the damaged copy, info says {info['events_damaged']} of the recovered"
    missing = found["result"] == "damaged" and not lossless and found["blocks_foreign"] == 0
    if missing and info["complete"] and (found["events_missing"] or found["blocks_lost"] + found["blocks_damaged"] or not found["ended"]):
        return "the recovered capture calls itself complete"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000 if os.environ.get("KYMO_FULL") else 60)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", "1")))
    parser.add_argument("--only", type=int, metavar="K", help="this case alone")
    parser.add_argument("--keep", metavar="FILE", help="with --only: write the damaged copy there")
    options = parser.parse_args()
    for name in ("all.kymo", "loss.kymo", "live.kymo"):
        with open(os.path.join(kymo_env.SAMPLES, name), "rb") as file:
            SAMPLES.append((name, file.read()))
    cases = [options.only] if options.only is not None else range(options.cases)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="kymo-recover-") as work:
        for case in cases:
            rng = random.Random(options.seed * 1000003 + case)
            name, sound = rng.choice(SAMPLES)
            damaged, ways = bytearray(sound), [] if case == 0 else rng.sample(DAMAGES, rng.choice((1, 1, 1, 2, 3)))
            for way in ways:
                if len(damaged) > 1:
                    way(damaged, rng)
            if options.keep:
                with open(options.keep, "wb") as file:
                    file.write(damaged)
            wrong = check(work, damaged)
            if wrong:
                failed += 1
                print(f"FAILED: {name}, {', '.join(way.__name__ for way in ways)} (--seed {options.seed} --only {case}): {wrong}")
            if case and case % 500 == 0:
                print(f"{case} cases, {failed} failed", flush=True)
    print(f"{len(cases)} damaged captures recovered, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
