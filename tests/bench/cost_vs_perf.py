#!/usr/bin/env python3
"""Added ns per traced system call: getppid loop on one CPU, tracer on the other; kymo-record against perf record on raw_syscalls."""
import bench_env as bench

bench.need_bpf("perf", "taskset")
CALLS = max(int(3_000_000 * bench.SCALE), 50_000)


def loop():
    return bench.storm("--calls", CALLS, cpu=bench.LOAD_CPU)["ns_per_call"]


ratios = []
for pair in range(bench.PAIRS):
    bare = loop()
    tracer, _ = bench.kymo_tracer("cost.kymo", "-e", "syscalls", "--cpu-budget", "none")
    with tracer:
        ours = loop() - bare
    bare_again = loop()
    tracer, _ = bench.perf_tracer("perf.data")
    with tracer:
        theirs = loop() - bare_again
    ratios.append(ours / theirs)
    bench.note(f"pair {pair}: bare {bare:.0f} and {bare_again:.0f} ns, kymo +{ours:.0f} ns, perf +{theirs:.0f} ns: {ratios[-1]:.3f}")
found = bench.median(ratios)
bench.row("added ns per traced syscall, against `perf record -e raw_syscalls:*`", "<= 0.45 x", f"{found:.2f}", " x", ratios, found <= 0.45)
