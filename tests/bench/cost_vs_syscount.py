#!/usr/bin/env python3
"""Added ns per traced system call against bcc's syscount -L, which keeps only an aggregate per system call."""
import glob
import os
import platform

import bench_env as bench

bench.need_bpf("syscount-bpfcc", "taskset", "unshare")
CALLS = max(int(3_000_000 * bench.SCALE), 50_000)

# bcc compiles at run time and wants kernel headers. Where the running kernel has none, Debian's serve: syscount uses no structure of them. They
# are shown to it under /lib/modules/RELEASE in a mount namespace of its own, so nothing is left behind.
BORROW = """release=$(uname -r); arch=$1; shift
mount -t tmpfs none /lib/modules && mkdir /lib/modules/$release &&
ln -s "$arch" /lib/modules/$release/build && ln -s "${arch%-*}-common" /lib/modules/$release/source && exec "$@" """


def syscount():
    command = ["syscount-bpfcc", "-L", "-i", "600"]
    if not os.path.exists(f"/lib/modules/{platform.release()}/build"):
        headers = sorted(glob.glob("/usr/src/linux-headers-*-amd64") + glob.glob("/usr/src/linux-headers-*-arm64"))
        if not headers:
            bench.kymo_env.skip("syscount needs kernel headers: apt-get install linux-headers-amd64")
        os.makedirs("/lib/modules", exist_ok=True)
        command = ["unshare", "-m", "bash", "-c", BORROW, "bash", headers[-1], *command]
    return bench.Tracer(command, 8)


def loop():
    return bench.storm("--calls", CALLS, cpu=bench.LOAD_CPU)["ns_per_call"]


ratios = []
for pair in range(bench.PAIRS):
    bare = loop()
    tracer, _ = bench.kymo_tracer("cost.kymo", "-e", "syscalls", "--cpu-budget", "none")
    with tracer:
        ours = loop() - bare
    bare_again = loop()
    with syscount():
        theirs = loop() - bare_again
    if theirs < 0.1 * bare_again:
        raise SystemExit("syscount added nothing: it did not trace")
    ratios.append(ours / theirs)
    bench.note(f"pair {pair}: bare {bare:.0f} and {bare_again:.0f} ns, kymo +{ours:.0f} ns, syscount +{theirs:.0f} ns: {ratios[-1]:.3f}")
found = bench.median(ratios)
bench.row("the same against bcc `syscount -L`", "<= 0.80 x", f"{found:.2f}", " x", ratios, found <= 0.80)
