#!/usr/bin/python3
"""F7: a capture read from a pipe is read as its file is, and an INDEX that lies changes nothing.

    stream_check.py [--count N] [--seed S]

Lying index i is made from seed S+i alone.
"""
import argparse
import os
import random
import re
import struct
import subprocess
import time

from compat_env import (FULL, KYMO, RECORD, Folder, Result, all_captures, block_type, cm, exit_with, first_difference, joined, kymo, kymo_env,
                        parts_of, read)
from server import Died, Server

QUICK_COUNT, FULL_COUNT = 400, 10000
T_INDEX, T_END = 32, 33
COMMANDS = (("dump",), ("verify", "--decode"), ("info", "--json"), ("syscalls", "--csv"), ("folded", "--no-symbols"), ("overhead",),
            ("sql", "SELECT count(*), sum(duration_ns % 1000) FROM syscall"))
PATH_SHOWN = re.compile(rb'^ *"?path"?:.*\n', re.M)
ODD = (0, 1, 7, 8, 71, 72, 4096, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


# -------- one run, written to a pipe and a file at once --------

def ask(words, capture, data=None):
    """-> (status, output without the capture's name)"""
    status, out, _ = kymo(words[0], *words[1:2] if words[0] != "sql" else (), capture, *words[1:] if words[0] == "sql" else (), input=data)
    return status, PATH_SHOWN.sub(b"", out)


def record_through_tee(folder, name, *what):
    """kymo-record -o - | tee FILE | kymo dump - -> (path, (status, output) of the dump, status of the recorder)"""
    path = folder.path(f"{name}.kymo")
    record = subprocess.Popen([RECORD, *what, "-q", "-o", "-"], stdout=subprocess.PIPE)
    tee = subprocess.Popen(["tee", path], stdin=record.stdout, stdout=subprocess.PIPE)
    record.stdout.close()
    dump = subprocess.run([KYMO, "dump", "-"], stdin=tee.stdout, stdout=subprocess.PIPE, check=False)
    tee.stdout.close()
    return path, (dump.returncode, dump.stdout), record.wait() or tee.wait()


def slow_pipe(words, data, chance):
    """Hands the bytes over in pieces of odd sizes."""
    process = subprocess.Popen([KYMO, words[0], *words[1:], "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    at = 0
    while at < len(data):
        size = chance.choice((1, 7, 71, 4096, 65537))
        process.stdin.write(data[at:at + size])
        process.stdin.flush()
        at += size
    process.stdin.close()
    out = process.stdout.read()
    return process.wait(), out


def check_streams(result, folder, seed):
    chance = random.Random(seed)
    runs = [(f"run{seed + number}", "--source", f"synthetic:events={chance.choice((1, 300, 20000))},mix=all,seed={seed + number}")
            for number in range(20 if FULL else 3)]
    if os.geteuid() == 0 and kymo_env.load_trivial_program() == 0:
        runs += [(f"live{number}", "-a", "-d", "300ms") for number in range(5 if FULL else 1)]
    for name, *what in runs:
        path, piped, failed = record_through_tee(folder, name, *what)
        result.check(failed in (0, 3), f"{name}: kymo-record {' '.join(what)} -o -: status {failed}")
        result.check(piped == ask(("dump",), path), f"{name}: dump of the pipe and of its file differ")
        data = read(path)
        for words in COMMANDS:
            from_file, from_pipe = ask(words, path), ask(words, "-", data)
            result.check(from_file == from_pipe, lambda words=words, a=from_pipe, b=from_file, name=name:
                         f"{name}: kymo {words[0]}: {first_difference(a[1].splitlines(), b[1].splitlines())}")
    for path in all_captures():
        data = read(path)
        if len(data) < 30000:
            result.check(slow_pipe(("dump",), data, chance) == ask(("dump",), path), f"{path}: from a slow pipe")


# -------- indexes that lie --------

def odd(chance, near):
    return chance.choice((chance.choice(ODD), chance.getrandbits(64), max(0, near + chance.choice((-8, -1, 1, 8)))))


def lie(parts, chance):
    """Changes INDEX, and what END says of it."""
    index = next(part for part in parts if block_type(part) == T_INDEX)
    entries = [list(struct.unpack_from("<QQQQIIII", index.body(), at)) for at in range(0, index.raw_len, 48)]
    kind = chance.randrange(6)
    if kind == 0:
        entries = [[odd(chance, value) & (1 << (64 if i < 4 else 32)) - 1 for i, value in enumerate(entry)] for entry in entries]
    elif kind == 1:
        chance.shuffle(entries)
    elif kind == 2:  # all point at one place
        entries = [[entries[0][0], *entry[1:]] for entry in entries] * chance.randint(1, 200)
    elif kind == 3:  # times that would leave blocks out
        entries = [[*entry[:2], (1 << 64) - 1, 0, *entry[4:]] for entry in entries]
    elif kind == 4:
        entries = entries[:chance.randrange(len(entries))]
    body = b"".join(struct.pack("<QQQQIIII", *entry) for entry in entries)
    index.set_body(chance.randbytes(chance.randint(0, 500)) if kind == 5 else body + chance.randbytes(chance.choice((0, 0, 1, 47))))
    for part in parts:
        if block_type(part) == T_END and chance.random() < 0.5:
            for at in (0, 8, 32, 40):
                part.plain = cm.put(part.plain, at, "<Q", odd(chance, struct.unpack_from("<Q", part.plain, at)[0]))
    if chance.random() < 0.3:  # anywhere before END
        parts.remove(index)
        parts.insert(chance.randrange(2, len(parts)), index)
    return joined(parts)


def check_indexes(result, server, count, seed):
    bases = [(path, read(path)) for path in all_captures()]
    bases = [(path, data) for path, data in bases if len(data) < 30000 and any(block_type(part) == T_INDEX for part in parts_of(data))]
    said, plain = time.monotonic(), {}
    for number in range(seed, seed + count):
        chance = random.Random(number)
        path, data = chance.choice(bases)
        words = chance.choice((("dump", "@"), ("dump", "@"), ("syscalls", "--csv", "@"), ("folded", "--no-symbols", "@"),
                               ("syscalls", "--csv", "--from", "0", "--to", "1", "@")))
        if (path, words) not in plain:
            plain[path, words] = server.ask(data, *words)[:2]
        try:
            found = server.ask(lie(parts_of(data), chance), *words)
            result.check(found[:2] == plain[path, words], lambda: f"index seed {number}: {os.path.basename(path)}: kymo {' '.join(words)}: "
                         f"status {found[0]}: {first_difference(found[1].splitlines(), plain[path, words][1].splitlines())}")
        except Died as died:
            result.check(False, f"index seed {number}: kymo died: {died}")
        if time.monotonic() - said > 20:
            said = time.monotonic()
            print(f"{number - seed} indexes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=FULL_COUNT if FULL else QUICK_COUNT)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", 1)))
    options = parser.parse_args()
    result = Result("F7")
    with Folder() as folder, Server() as server:
        check_streams(result, folder, options.seed)
        check_indexes(result, server, options.count, options.seed)
    exit_with(result.finish(f"{options.count} lying indexes, seed {options.seed}; nothing reads by the index yet, so a scan is all there is"))


if __name__ == "__main__":
    main()
