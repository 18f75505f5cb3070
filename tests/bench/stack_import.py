#!/usr/bin/env python3
"""How fast the stacks that cost import most are imported: MB of decoded blocks per second of CPU time, the median of three runs. On a
machine that does nothing else. What must hold under any load is counted by damage/flooding.c (S6)."""
import os
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kymo_env  # noqa: E402

RUNS = 3


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


with tempfile.TemporaryDirectory(prefix="kymo-stacks-") as folder:
    maker = os.path.join(kymo_env.BUILD, "damage", "flooding_check")
    made = subprocess.run([maker, "make", folder], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path, decoded in (line.split("\t") for line in made.splitlines()):
        rates = []
        for _ in range(RUNS):
            before = cpu_seconds()
            subprocess.run([os.path.join(kymo_env.BIN, "kymo"), "import", "-q", "-f", path, "-o", os.path.join(folder, "db")], check=True)
            rates.append(int(decoded) / 1e6 / (cpu_seconds() - before))
        print(f"{os.path.basename(path).removesuffix('.kymo')}: {statistics.median(rates):.1f} MB/s of {int(decoded) / 1e6:.1f} MB decoded")
