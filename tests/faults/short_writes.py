#!/usr/bin/env python3
"""W10: writes of one byte, calls that are interrupted, an alarm each 100 us: the file is that of a quiet run.

write_blocks makes the same file each time, so all of it is compared. kymo-record, with its clocks and random bytes held still, differs in
what it used and how far its writer had come: STATS, and what tells its length (INDEX, END); all other blocks are compared.
"""
import os
import subprocess

import faults_env as env

EVENTS = 300000 if env.FULL else 40000
RUN = f"events={EVENTS},mix=all,seed=4"
HEADER_BYTES, STATS, INDEX, END = 72, 6, 32, 33
PLANS = ["short=1", "short=7,eintr", "eintr", "timer=100", "timer=100,short=4096", "noreserve,short=1,eintr"]
STDOUT_PLANS = ["stdout,short=1", "stdout,eintr", "stdout,timer=100"]


def blocks(path):
    """-> [(type, flags, bytes)], each block whole, but STATS, INDEX and END by type alone"""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        size = 8 + int.from_bytes(data[at + 4:at + 8], "little") + int.from_bytes(data[at + 44:at + 48], "little")
        kind = int.from_bytes(data[at + 16:at + 20], "little") & 0x3FFFFFFF
        found.append((kind, b"" if kind in (STATS, INDEX, END) else data[at:at + size]))
        at += size
    return found


def made(path, words, seed, chunks):
    if os.path.exists(path):
        os.unlink(path)
    subprocess.run([os.path.join(env.TOOLS, "write_blocks"), path, str(seed), str(chunks)], env=env.environment(words), check=True,
                   timeout=600)
    with open(path, "rb") as file:
        return file.read()


def through_pipe(words, plain, check):
    """A slow reader: the pipe is full most of the time."""
    path = os.path.join(env.scratch, "piped.kymo")
    reader = "import sys,time\nwhile True:\n d=sys.stdin.buffer.read1(65536)\n if not d: break\n sys.stdout.buffer.write(d)\n time.sleep(0.002)"
    with open(path, "wb") as out:
        with subprocess.Popen(["python3", "-c", reader], stdin=subprocess.PIPE, stdout=out) as slow:
            done = subprocess.run(env.command(RUN, "-"), env=env.environment(words + ",fixed"), stdin=subprocess.DEVNULL, stdout=slow.stdin,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=600)
            slow.stdin.close()
    check.case(f"KYMO_DISK={words} through a pipe", [env.expect(f"exit status {done.returncode}: {done.stderr}", done.returncode == 0),
                                                     *env.whole(env.facts(path)), different(plain, blocks(path))])


def different(plain, found):
    """Meta rows hold the command line, and with it the output's name."""
    for number, (mine, theirs) in enumerate(zip(plain, found)):
        if mine != theirs and mine[0] != 3:
            return f"block {number} of type {mine[0]} differs"
    return env.expect(f"{len(found)} blocks, {len(plain)} in the quiet run", len(plain) == len(found))


def main():
    check = env.Check("W10")
    env.require_shim()
    path = os.path.join(env.scratch, "made.kymo")
    for seed in range(env.SEED, env.SEED + (10 if env.FULL else 2)):
        chunks = 150 if env.FULL else 70  # past the first replica of the schema
        plain = made(path, None, seed, chunks)
        for words in PLANS:
            check.case(f"KYMO_DISK={words} write_blocks {path} {seed} {chunks}",
                       [env.expect("the files differ", made(path, words, seed, chunks) == plain)])

    quiet = env.Run("fixed", RUN)
    plain = blocks(quiet.path)
    again = env.Run("fixed", RUN)
    check.case("two quiet runs", [different(plain, blocks(again.path))])
    for words in PLANS:
        run = env.Run(words + ",fixed", RUN, traced=False)
        check.case(f"KYMO_DISK={words},fixed", [env.expect(f"exit status {run.status}: {run.said}", run.status == 0), *env.whole(run.facts),
                                                env.expect("not all events are there", run.facts.get("events") == EVENTS),
                                                different(plain, blocks(run.path))])
    for words in STDOUT_PLANS:
        through_pipe(words, plain, check)
    env.finish([check])


main()
