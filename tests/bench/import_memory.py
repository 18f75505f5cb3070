#!/usr/bin/env python3
"""Peak memory of an import as captures grow from 1 M to 20 M events: must stay flat."""
import os
import subprocess

import bench_env as bench

SIZES = [max(int(millions * 1_000_000 * bench.SCALE), 10_000) for millions in (1, 5, 20)]
peaks = []
for events in SIZES:
    capture, output = bench.path("grow.kymo"), bench.path("grow.db")
    subprocess.run([bench.RECORDER, "-q", "-f", "--source", f"synthetic:events={events},mix=all,seed=1", "-o", capture], check=True)
    _, _, rss, status = bench.timed([bench.KYMO, "import", "--quiet", capture, "-o", output])
    if status not in (0, 3):
        raise SystemExit(f"kymo import ended with {status}")
    os.remove(output)
    peaks.append(rss / 2**20)
    bench.note(f"{events} events: {peaks[-1]:.0f} MiB")
growth = max(peaks) - min(peaks)
bench.row(f"import memory from {SIZES[0] / 1e6:g} M to {SIZES[-1] / 1e6:g} M events", "flat within 64 MiB",
          f"{peaks[0]:.0f} to {peaks[-1]:.0f}", " MiB", peaks, growth <= 64)
