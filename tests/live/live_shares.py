#!/usr/bin/env python3
"""Samples of the workload fall on its hot functions as their work does: 50, 30 and 20 percent, within 3 points; stacks are whole."""
import live_env as live

SECONDS = 4
THREADS = 2  # more samples: with 3,000 of them chance moves a share of 50 % by 0.9 points
HZ = 999

capture, out, _, _ = live.record("shares.kymo", "-e", "cpu", "-F", str(HZ), command=[live.WORKLOAD, "--seconds", str(SECONDS), "--threads", str(THREADS),
                                                                              "--cpu-only"])
truth = live.truth(out)
database = live.database(capture)
rows = database.execute("SELECT name, self_samples FROM hot_functions WHERE name LIKE 'hot\\_%' ESCAPE '\\'").fetchall()
samples = {row["name"]: row["self_samples"] for row in rows}
total = sum(samples.values())
expected_total = truth["cpu_ns"] / 1e9 * HZ  # it shares its CPU with others
live.check(0.9 * expected_total < total < 1.1 * expected_total, f"{total} samples of about {expected_total:.0f}")
for name, share in truth["shares_percent"].items():
    found = 100.0 * samples.get(name, 0) / max(total, 1)
    print(f"{name}: {found:.1f} % of {share} %")
    live.check(abs(found - share) <= 3, f"{name}: {found:.1f} % instead of {share} %")
folded = [row["folded"] for row in database.execute("SELECT folded FROM folded_stacks WHERE folded LIKE '%hot_half%'")]
live.check(any(";main;" in line and ";mix_round;hot_half" in line for line in folded), f"no whole stack in {folded[:3]}")
live.check(all(line.startswith("workload;") for line in folded), "the thread's name comes first")

# the rate is the one asked for: the median gap between samples of a busy CPU
gaps = [row[0] for row in database.execute(
    "SELECT time_ns - lag(time_ns) OVER (PARTITION BY s.cpu ORDER BY time_ns) FROM cpu_sample s JOIN task t ON t.id = s.task_id "
    "WHERE t.tgid = ?", (truth["pid"],)) if row[0]]
gaps.sort()
median_hz = 1e9 / gaps[len(gaps) // 2]
live.check(0.9 * HZ < median_hz < 1.1 * HZ, f"sampled at {median_hz:.0f} Hz instead of {HZ}")
live.finish()
