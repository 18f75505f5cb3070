#!/usr/bin/env python3
"""What unwinding costs kymo: 100,000 different copies of stacks to folded stacks, without names, in CPU time and memory; and `perf script`
on what perf itself recorded of the same program, per sample."""
import os
import shutil
import statistics
import subprocess
import sys

import bench_env as bench

SAMPLES = max(int(5000 * bench.SCALE), 100)
TIMES = 20
ORACLE = os.path.join(bench.kymo_env.BUILD, "live", "unwind_oracle")
SQL = ("with recursive c(x) as (select 1 union all select x + 1 from c limit 1000000000) "
       "select count(*), sum(length(hex(x))) from c group by x % 1000 order by 2")
PYTHON = "import json\nwhile 1: json.loads(json.dumps([{'a': [i] * 3} for i in range(200)]))"


def programs():
    found = subprocess.run(["gcc", "-print-prog-name=cc1plus"], capture_output=True, text=True, check=False).stdout.strip()
    source = bench.path("big.cc")
    with open(source, "w", encoding="ascii") as out:
        out.write("#include <functional>\n#include <map>\n#include <regex>\n#include <string>\n#include <vector>\n")
        for i in range(400):
            out.write(f"std::map<int, std::vector<std::string>> m{i}; int f{i}(int x) {{ std::function<int(int)> g = [&](int y) "
                      f"{{ return y + x; }}; m{i}[x].push_back(std::to_string(g(x))); return m{i}.size(); }}\n")
    yield "sqlite3", ["sqlite3", ":memory:", SQL]
    yield "python3", ["/usr/bin/python3", "-c", PYTHON]
    if os.path.isabs(found):
        yield "cc1plus", [found, "-quiet", "-imultiarch", "x86_64-linux-gnu", "-D_GNU_SOURCE", "-O2", source, "-o", "/dev/null"]


def kymo_seconds(capture):
    """-> (CPU seconds, bytes of memory) of `kymo folded` on it"""
    runs = [bench.timed([bench.KYMO, "folded", "--no-symbols", "-q", capture]) for _ in range(bench.PAIRS)]
    return statistics.median(run[1] for run in runs), max(run[2] for run in runs)


def perf_seconds(command):
    """-> CPU seconds of `perf script` per sample, or None"""
    data = bench.path("perf.data")
    if not shutil.which("perf"):
        return None
    child = bench.start(command)
    subprocess.run(["perf", "record", "-q", "-F", "999", "-B", "-N", "-p", str(child.pid), "--call-graph", "dwarf,16384", "-o", data,
                    "sleep", "3"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    child.kill()
    child.wait()
    out = bench.path("script")
    with open(out, "w", encoding="utf-8") as file:
        child = subprocess.Popen(["perf", "script", "--no-inline", "-F", "ip", "-i", data], stdout=file, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
    with open(out, encoding="utf-8") as file:
        samples = sum(1 for line in file if line == "\n")
    return (usage.ru_utime + usage.ru_stime) / samples if samples else None


def row(what, target, found, unit, met):
    """One of several of this benchmark. -> met"""
    print(f"| {what} | {target} | {found}{unit} | median of {bench.PAIRS} | {'yes' if met else '**no**'} |", flush=True)
    return met


if not os.path.exists(ORACLE):
    bench.kymo_env.skip("needs libdw-dev and x86_64")
all_met = True
for name, line in programs():
    capture = bench.path(f"{name}.kymo")
    made = subprocess.run([ORACLE, "-n", str(SAMPLES), "-m", "-o", capture, "-r", str(TIMES), *line], stdout=subprocess.DEVNULL, check=False)
    if made.returncode != 0:
        bench.note(f"{name}: no samples")
        continue
    seconds, memory = kymo_seconds(capture)
    seconds *= 100000 / (SAMPLES * TIMES)
    all_met &= row(f"kymo folded: 100,000 copies of {name}", "<= 1 s of CPU", f"{seconds:.2f}", " s", seconds <= 1)
    all_met &= row(f"its memory, {name}", "<= 256 MiB", f"{memory / 2**20:.0f}", " MiB", memory <= 256 << 20)
    peer = perf_seconds(line)
    if peer:
        ratio = peer * 100000 / seconds
        all_met &= row(f"perf script per sample of {name}, against that", ">= 10 x", f"{ratio:.0f}", " x", ratio >= 10)
sys.exit(0 if all_met else 3)
