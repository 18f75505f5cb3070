#!/usr/bin/env python3
"""Samples of the workload fall on its hot functions as its own work does: 50, 30 and 20 percent; stacks are whole; each sample has the weight
that was asked for. Recordings are added up until there are samples enough. How many come per second is for bench/: a busy machine has fewer."""
import live_env as live

SAMPLES = 3000  # chance moves a share of 50 % by 0.9 points
POINTS = 8      # between 50, 30 and 20 there are 10
HZ = 999
samples, folded, periods, how = {}, set(), set(), set()

for seconds in live.attempts():
    capture, out, _, _ = live.record("shares.kymo", "-f", "-e", "cpu", "-F", str(HZ),
                                     command=[live.WORKLOAD, "--seconds", str(2 * seconds), "--threads", "2", "--cpu-only"])
    truth, database = live.truth(out), live.database(capture)
    for row in database.execute("SELECT name, self_samples FROM hot_functions WHERE name LIKE 'hot\\_%' ESCAPE '\\'"):
        samples[row["name"]] = samples.get(row["name"], 0) + row["self_samples"]
    folded |= {row["folded"] for row in database.execute("SELECT folded FROM folded_stacks WHERE folded LIKE '%hot_half%'")}
    periods |= {row[0] for row in database.execute("SELECT period FROM cpu_sample s JOIN task t ON t.id = s.task_id WHERE t.tgid = ?", (truth["pid"],))}
    how |= {row[0] for row in database.execute("SELECT how FROM probe WHERE name = 'cpu_sample'")}
    if sum(samples.values()) >= SAMPLES:
        break
total = sum(samples.values())
live.check(total >= SAMPLES, f"only {total} samples")
for name, share in truth["shares_percent"].items():
    found = 100.0 * samples.get(name, 0) / max(total, 1)
    print(f"{name}: {found:.1f} % of {share} %")
    live.check(abs(found - share) <= POINTS, f"{name}: {found:.1f} % instead of {share} %")
live.check(any(";main;" in line and ";mix_round;hot_half" in line for line in folded), f"no whole stack in {list(folded)[:3]}")
live.check(all(line.startswith("workload;") for line in folded), "the thread's name comes first")
if all("cpu-clock" in text for text in how):  # its period is a time: nothing may change it
    live.check_equal(periods, {10**9 // HZ}, f"weight of a sample at {HZ} Hz, in ns")
else:
    live.check(periods and min(periods) > 0, f"weights of samples: {sorted(periods)[:3]}")
live.finish()
