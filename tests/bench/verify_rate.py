#!/usr/bin/env python3
"""`kymo verify` of a cached file, GB/s on one core, beside xxhsum, `zstd -t` and `kymo verify --decode`; and what headers and prologues cost.

The file is one synthetic capture many times over, each under a file id of its own, as many captures in one file are: 1 GiB, MIB sets
another size. It lies in TMPDIR and is removed. With --reliability the result is the line that tests/reliability.py reads.
"""
import os
import shutil
import statistics
import struct
import subprocess
import sys

import bench_env as bench

RELIABILITY = "--reliability" in sys.argv
MIB = int(os.environ.get("MIB", 192 if RELIABILITY and not os.environ.get("KYMO_FULL") else max(1024 * bench.SCALE, 64)))
EVENTS = 3_000_000
LEAST_GB_S = 1.0
MOST_PERCENT = 0.5
HEAD = struct.Struct("<IIQIHHQQIIII")  # magic, skip_len, marker, type, header_len, flags, file_id, seq, plain, frame, raw, reserved
CHUNK = 16


def blocks(data):
    """-> (offset, size, type, header_len, plain_len) of each block"""
    at = 0
    while at < len(data):
        _, skip_len, _, kind, header_len, _, _, _, plain_len, frame_len, _, _ = HEAD.unpack_from(data, at)
        size = 8 + skip_len + frame_len
        yield at, size, kind & 0x3FFFFFFF, header_len, plain_len
        at += size


def write_many(source, target, size):
    """A copy that `kymo recover` makes is the same but for its file id: copies of copies, until there is enough"""
    step = 0
    with open(target, "wb") as file:
        while file.tell() < size:
            with open(source, "rb") as part:
                shutil.copyfileobj(part, file, 1 << 20)
            step += 1
            copy = bench.path(f"copy-{step % 2}.kymo")
            subprocess.run([bench.KYMO, "recover", "-q", "-f", source, "-o", copy], check=True)
            source = copy


def overhead_percent(data):
    """Headers (checksums in them), prologues and padding of the chunks, of the chunks' bytes"""
    chunks = [block for block in blocks(data) if block[2] == CHUNK]
    return 100 * sum(header_len + plain_len for _, _, _, header_len, plain_len in chunks) / sum(size for _, size, _, _, _ in chunks)


def rate(command, size):
    seconds, cpu, _, status = bench.timed(command, cpu=bench.TRACER_CPU)
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return size / min(seconds, cpu or seconds) / 1e9  # per core: what others took of it does not count


def record_real():
    """A real capture at default chunk size, where this machine lets us; else None"""
    if bench.kymo_env.load_trivial_program() != 0 or os.geteuid() != 0 or not shutil.which("taskset"):
        return None
    tracer, capture = bench.kymo_tracer("real.kymo", "--cpu-budget", "none")
    with tracer:
        bench.storm("--seconds", 3, "--rate", 200_000, cpu=bench.LOAD_CPU)
    with open(capture, "rb") as file:
        return file.read()


single, big = bench.path("single.kymo"), bench.path("big.kymo")
subprocess.run([bench.RECORDER, "-q", "--source", f"synthetic:events={EVENTS},mix=all,seed=7", "-o", single], check=True)
with open(single, "rb") as file:
    one = file.read()
write_many(single, big, MIB << 20)
size = os.path.getsize(big)
commands = {"verify": [bench.KYMO, "verify", "-q", big], "verify --decode": [bench.KYMO, "verify", "-q", "--decode", big]}
if shutil.which("xxhsum"):
    commands["xxhsum -H2"] = ["xxhsum", "-q", "-H2", big]
if shutil.which("zstd"):
    commands["zstd -t"] = ["zstd", "-tq", big]
rates = {name: [] for name in commands}
rate(commands["verify"], size)  # into the page cache
pairs = 3 if RELIABILITY else bench.PAIRS
for pair in range(pairs):
    for name, command in commands.items():
        if name in ("verify --decode", "zstd -t") and RELIABILITY and pair > 0:
            continue
        rates[name].append(rate(command, size))
    bench.note(f"pair {pair}: " + ", ".join(f"{name} {values[-1]:.2f} GB/s" for name, values in rates.items() if values))
middle = {name: statistics.median(values) for name, values in rates.items()}
real = record_real()
cost = overhead_percent(real if real else one)
what = "real" if real else "synthetic"
text = ", ".join(f"{name} {middle[name]:.2f} GB/s" for name in middle)
met = middle["verify"] >= LEAST_GB_S and cost <= MOST_PERCENT
if RELIABILITY:
    failed = (middle["verify"] < LEAST_GB_S) + (cost > MOST_PERCENT)
    print(f"reliability F13: 2 cases, {failed} failed; {text}, of {size >> 20} MiB; headers and prologues {cost:.2f} % of a {what} capture's chunks")
    sys.exit(1 if failed else 0)
bench.row(f"`kymo verify` of a cached {size / 2**30:.2g} GiB, per core; beside {', '.join(f'{n} {v:.2f}' for n, v in middle.items() if n != 'verify')}; "
          f"headers and prologues of a {what} capture", f">= {LEAST_GB_S:g} GB/s, <= {MOST_PERCENT} %",
          f"{middle['verify']:.2f} GB/s, {cost:.2f} %", "", rates["verify"], met)
