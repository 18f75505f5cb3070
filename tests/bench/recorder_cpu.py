#!/usr/bin/env python3
"""CPU of the recording process per system call stored, start-up left out; kymo-record against perf record, at the same rate of calls."""
import bench_env as bench

bench.need_bpf("perf", "taskset")
SECONDS = max(6 * bench.SCALE, 1)
RATE_HZ = 150_000


def cpu_per_call(tracer):
    with tracer:
        before = bench.cpu_ns(tracer.pid())
        calls = bench.storm("--seconds", SECONDS, "--rate", RATE_HZ, cpu=bench.LOAD_CPU)["calls"]
        return (bench.cpu_ns(tracer.pid()) - before) / calls


ratios = []
for pair in range(bench.PAIRS):
    ours = cpu_per_call(bench.kymo_tracer("cpu.kymo", "-e", "syscalls", "--cpu-budget", "none")[0])
    theirs = cpu_per_call(bench.perf_tracer("perf.data")[0])
    ratios.append(ours / theirs)
    bench.note(f"pair {pair}: kymo {ours:.0f} ns, perf {theirs:.0f} ns of its own CPU per call: {ratios[-1]:.3f}")
found = bench.median(ratios)
bench.row("recorder CPU per syscall event stored, against perf record", "<= 0.12 x", f"{found:.3f}", " x", ratios, found <= 0.12)
