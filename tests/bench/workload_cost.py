#!/usr/bin/env python3
"""What recording costs real work: requests/s of redis-server under redis-benchmark, of nginx under wrk, and compilations/s of gcc, with
and without a tracer. Each tracer's span stands between two bare ones; the ratio is against their mean. Prints a row per load and tracer
with the median and a 95 % interval (bootstrap over the rounds). Usage: workload_cost.py [--default] [redis|nginx|gcc]...
--default: the default settings alone, so that more rounds fit."""
import glob
import os
import random
import re
import socket
import sys
import time
import urllib.request

import bench_env as bench

bench.need_bpf("perf", "redis-server", "redis-benchmark", "nginx", "wrk", "gcc")
SPAN_S = max(5 * bench.SCALE, 0.5)    # measured, per tracer and round
SETTLE_S = max(3 * bench.SCALE, 0.5)  # the budget holds from 3 s on
SOURCES = sorted(glob.glob(os.path.join(bench.kymo_env.ROOT, "formats", "*.c")))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    unit = "requests/s"

    def __init__(self):
        self.port = str(free_port())
        bench.start(["redis-server", "--port", self.port, "--save", "", "--bind", "127.0.0.1"])
        time.sleep(0.5)
        bench.start(["redis-benchmark", "-p", self.port, "-c", "20", "-t", "get,set", "-n", "10000000", "-l", "-q"])
        time.sleep(0.5)

    def done(self):
        with socket.create_connection(("127.0.0.1", int(self.port))) as connection:
            connection.sendall(b"INFO stats\r\n")
            text = b""
            while b"total_commands_processed" not in text or b"\n" not in text.split(b"total_commands_processed")[1]:
                text += connection.recv(65536)
        return int(re.search(rb"total_commands_processed:(\d+)", text)[1])


class Nginx:
    unit = "requests/s"

    def __init__(self):
        self.port = free_port()
        home = bench.path("nginx")
        os.makedirs(home)
        os.chmod(bench.DIRECTORY, 0o755)
        with open(os.path.join(home, "index.html"), "w", encoding="ascii") as file:
            file.write("x" * 1024)
        config = os.path.join(home, "nginx.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{ access_log {home}/access.log; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; keepalive_requests 1000000;
server {{ listen 127.0.0.1:{self.port}; root {home}; location = /status {{ stub_status; access_log off; }} }} }}
""")
        bench.start(["nginx", "-c", config, "-p", home])
        time.sleep(0.7)
        bench.start(["wrk", "-t", "1", "-c", "16", "-d", "7200", f"http://127.0.0.1:{self.port}/index.html"])
        time.sleep(0.5)

    def done(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=10) as answer:
            return int(answer.read().split()[9])


class Gcc:
    unit = "compilations/s"

    def __init__(self):
        log = bench.path("compiled")
        compile_all = f'while :; do for f in "$@"; do gcc -O1 -D_GNU_SOURCE -I{bench.kymo_env.ROOT} -c "$f" -o {bench.path("$0.o")} && echo >> {log}; done; done'
        self.log = log
        open(log, "w", encoding="ascii").close()
        for job in ("a", "b"):
            bench.start(["sh", "-c", compile_all, job, *SOURCES])

    def done(self):
        return os.path.getsize(self.log)


def rate(load):
    """How much a load did per second"""
    begin, before = time.monotonic(), load.done()
    time.sleep(SPAN_S)
    return (load.done() - before) / (time.monotonic() - begin)


def tracers():
    return [
        ("kymo-record, default settings", bench.kymo_tracer("default.kymo", cpu=None)[0]),
        ("kymo-record -e syscalls --cpu-budget none", bench.kymo_tracer("all.kymo", "-e", "syscalls", "--cpu-budget", "none", cpu=None)[0]),
        ("perf record -a -e raw_syscalls:*", bench.perf_tracer("perf.data", cpu=None)[0]),
        ("perf trace -a -s", bench.Tracer(["perf", "trace", "-a", "-s", "-o", bench.path("trace.txt")], 1.0, None)),
    ]


def interval(values):
    """95 % interval of the median, by bootstrap with a fixed seed"""
    draw = random.Random(1)
    medians = sorted(bench.median(draw.choices(values, k=len(values))) for _ in range(4000))
    return medians[100], medians[-101]


def measure(name, load, default_only):
    costs = {}
    for round_number in range(bench.PAIRS):
        bare = rate(load)
        for what, tracer in tracers()[:1 if default_only else None]:
            with tracer:
                time.sleep(SETTLE_S)
                traced = rate(load)
            for leftover in glob.glob(bench.path("*.kymo")) + glob.glob(bench.path("perf.data*")):
                os.remove(leftover)
            time.sleep(0.5)
            bare_again = rate(load)
            costs.setdefault(what, []).append(100 * (1 - traced / ((bare + bare_again) / 2)))
            bench.note(f"{name} round {round_number}: {what}: {bare:.0f}, {traced:.0f}, {bare_again:.0f} {load.unit}: costs {costs[what][-1]:.1f} %")
            bare = bare_again
    return costs


def report(name, costs):
    default, *others = costs.values()
    low, high = interval(default)
    print(f"| {name}: throughput lost to `kymo-record`, default settings | <= 1 % | {bench.median(default):.1f} %, 95 % interval {low:.1f} to {high:.1f} %"
          f" | {bench.spread(default)} of {len(default)} | {'yes' if bench.median(default) <= 1 else '**no**'} |",
          flush=True)
    if not others:
        return bench.median(default) <= 1
    everything, record, trace = others
    ours = bench.median(everything)
    less = ours < bench.median(record) and ours < bench.median(trace)
    low, high = interval(everything)
    print(f"| {name}: all system calls, `--cpu-budget none`; `perf record` {bench.median(record):.0f} %, `perf trace -s` {bench.median(trace):.0f} %"
          f" | less than both | {ours:.1f} %, 95 % interval {low:.1f} to {high:.1f} % | {bench.spread(everything)} of {len(everything)} | {'yes' if less else '**no**'} |",
          flush=True)
    return bench.median(default) <= 1 and less


def main():
    loads = {"redis": Redis, "nginx": Nginx, "gcc": Gcc}
    met = True
    default_only = "--default" in sys.argv[1:]
    for name in [word for word in sys.argv[1:] if word in loads] or loads:
        load = loads[name]()
        met = report(name, measure(name, load, default_only)) and met
        for child in bench._children:
            if child.poll() is None:
                os.killpg(child.pid, 15)
                child.wait()
    sys.exit(0 if met else 3)


main()
