#!/usr/bin/env python3
"""What copies of stacks cost: stored bytes per sample with registers, time of a sample in the kernel against frame pointers alone, and CPU time of
the recorder per sample. Recordings with and without copies of the same running load follow each other, in a new order each round. A row per load
and figure. Usage: stack_copy.py [LOAD...]"""
import json
import os
import random
import struct
import subprocess
import sys

import bench_env as bench

bench.need_bpf("zstd")
SECONDS = max(8 * bench.SCALE, 1)
CXX = """#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct Deep { static std::map<int, std::vector<std::string>> make() { auto m = Deep<N - 1>::make(); m[N].push_back("x"); return m; } };
template <> struct Deep<0> { static std::map<int, std::vector<std::string>> make() { return {}; } };
int main() { std::regex r("a(b|c)*d"); return (int)Deep<60>::make().size() + std::regex_match("abcd", r); }
"""
LOADS = {
    "cc1plus": f"while :; do g++ -O2 -c {bench.path('load.cc')} -o /dev/null; done",
    "sqlite3": "exec sqlite3 :memory: 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1e12) SELECT sum(x % 7) FROM c'",
    "python3": "exec /usr/bin/python3 -c 'import json\nwhile True: json.loads(json.dumps([{str(i): [i, str(i)]} for i in range(999)]))'",
    "perl": "exec perl -e 'while (1) { my %h; $h{$_ % 97} .= $_ for 1 .. 99999; join(q(,), sort map { $_ x 2 } keys %h) }'",
    "zstd": "while :; do zstd -q -b9 -i30 /usr/lib/x86_64-linux-gnu/libc.so.6; done",
    "openssl": "exec openssl speed -seconds 600 ecdsap256",
}
MOST_BYTES = {"cc1plus": 140}
MOST_TIME = {"cc1plus": 1.3, "sqlite3": 2.2}
MOST_RECORDER_US = 12
HEADER = struct.Struct("<IIQIHHQQIIII")
CHUNK, WORDS, COPIES, FRAMES = 16, 5, 6, 2


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True, check=True).stdout


def chunk_bodies(capture):
    with open(capture, "rb") as file:
        data = file.read()
    at = 0
    while at + HEADER.size < len(data):
        _, _, _, kind, header_len, _, _, _, plain_len, frame_len, _, _ = HEADER.unpack_from(data, at)
        frame = at + header_len + plain_len + -(header_len + plain_len + frame_len) % 8
        if kind & 0x3FFFFFFF == CHUNK:
            yield zstd(data[frame:frame + frame_len], "-d")
        at = frame + frame_len


def copies_bytes(body):
    """What the tables of copies add to a chunk, the frames that their words are included: its size with and without them"""
    rest, (count,) = bytearray(body), struct.unpack_from("<I", body)
    for number in reversed(range(count)):
        kind, _, _, _, offset, length, _ = struct.unpack_from("<HHIIIII", body, 4 + 24 * number)
        if kind in (WORDS, COPIES, FRAMES):
            del rest[offset:offset + length]
    return len(zstd(body, "-1")) - len(zstd(bytes(rest), "-1"))


def rows(capture, kind):
    done = subprocess.run([bench.KYMO, "dump", capture, "--type", kind], capture_output=True, text=True, timeout=600, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(name, how, hz, seconds):
    """-> (capture, samples, mean ns of a run of the program, us of the recorder per sample)"""
    capture = bench.path(f"{how}.kymo")
    subprocess.run([bench.RECORDER, "-q", "-f", "-e", "cpu", "-F", str(hz), "--stacks", how, "--comm", name, "--cpu-budget", "none", "-d",
                    f"{seconds:.0f}s", "-o", capture], check=True, timeout=300)
    samples = bench.info(capture)
    count = next((c["stored_count"] for c in samples["classes"] if c["class"] == "cpu"), 0)
    programs = [row for row in rows(capture, "bpf_program") if row["name"].startswith("cpu_sample")]
    runs, spent = sum(row["run_count"] for row in programs), sum(row["run_time_ns"] for row in programs)
    own = rows(capture, "recorder")
    cpu = [row["cpu_user_ns"] + row["cpu_system_ns"] for row in own]
    return capture, count, spent / max(runs, 1), (cpu[-1] - cpu[0]) / 1000 / max(count, 1)


def stored(name):
    capture, count, _, _ = record(name, "copy", 499, SECONDS)
    each = sum(copies_bytes(body) for body in chunk_bodies(capture)) / max(count, 1)
    most = MOST_BYTES.get(name, 35)
    print(f"| stored bytes of copies per sample, {name} | <= {most} | {each:.1f} | {count} samples | {'yes' if each <= most else '**no**'} |", flush=True)
    return each <= most


def costs(name):
    kernel, recorder = {"fp": [], "copy": []}, {"fp": [], "copy": []}
    _, _, unwanted, _ = record("nobody", "fp", 999, max(SECONDS / 2, 1))
    for number in range(bench.PAIRS):
        order = ["fp", "copy"]
        random.Random(number).shuffle(order)
        for how in order:
            seconds = max(SECONDS / 2, 1)
            _, count, mean, in_recorder = record(name, how, 999, seconds)
            # the other runs of the program met other threads, and left at once
            part = min(count / (999 * seconds * os.cpu_count()), 1)
            in_kernel = (mean - (1 - part) * unwanted) / max(part, 0.01)
            kernel[how].append(in_kernel)
            recorder[how].append(in_recorder)
            bench.note(f"{name} {how}: {count} samples, {in_kernel:.0f} ns each in the kernel, {in_recorder:.1f} us in the recorder")
    ratios = [copy / fp for copy, fp in zip(kernel["copy"], kernel["fp"]) if fp]
    ratio, most = bench.median(ratios), MOST_TIME.get(name)
    fine = most is None or ratio <= most
    print(f"| time of a sample in the kernel against frame pointers alone, {name} | {f'<= {most} x' if most else '-'} | {ratio:.2f} x: "
          f"{bench.median(kernel['copy']):.0f} and {bench.median(kernel['fp']):.0f} ns | {bench.spread(ratios)} of {len(ratios)} | {'yes' if fine else '**no**'} |", flush=True)
    added = bench.median(recorder["copy"]) - bench.median(recorder["fp"])
    print(f"| CPU time that the recorder adds per sample with a copy, {name} | <= {MOST_RECORDER_US} us | {added:.1f} us | {bench.spread(recorder['copy'])} with, "
          f"{bench.spread(recorder['fp'])} without | {'yes' if added <= MOST_RECORDER_US else '**no**'} |", flush=True)
    return fine and added <= MOST_RECORDER_US


def main():
    with open(bench.path("load.cc"), "w", encoding="ascii") as file:
        file.write(CXX)
    met = True
    for name in sys.argv[1:] or LOADS:
        load = bench.start(["sh", "-c", LOADS[name]], cpu=bench.LOAD_CPU, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        met = stored(name) and met
        met = costs(name) and met
        os.killpg(load.pid, 9)
        load.wait()
    sys.exit(0 if met else 3)


main()
