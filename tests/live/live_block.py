#!/usr/bin/env python3
"""Class block: so many requests of known sizes that go past the page cache are recorded with their disk, operation, bytes and issuer; what finds no
room in the ring is counted, exactly."""
import json
import os
import signal
import subprocess
import sys

import live_env as live

MANY = 3000
# Its truth: reads and writes of known sizes, each of which the kernel passes to the disk as it is, since they go past the page cache.
PROGRAM = f"""
import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
buffer = mmap.mmap(-1, 65536)
def write(size, count):
    for number in range(count):
        os.pwritev(file, [memoryview(buffer)[:size]], number * size % (1 << 20))
def read(size, count):
    for number in range(count):
        os.preadv(file, [memoryview(buffer)[:size]], number * size % (1 << 20))
write(65536, 16)
os.fsync(file)
print("ready", flush=True)
for line in sys.stdin:
    if line == "few\\n":
        write(4096, 50)
        write(32768, 20)
        read(4096, 30)
        read(65536, 10)
    else:
        write(4096, {MANY})
    print("done", flush=True)
"""


def file_on_disk():
    """-> a path where files lie on a disk, and that disk's number; or the test is skipped"""
    for folder in (live.DIRECTORY, os.path.dirname(live.RECORDER)):
        path = os.path.join(folder, f"block-{os.getpid()}")
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600))
        except OSError:
            continue
        device = os.stat(path).st_dev
        if os.path.exists(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"):
            return path
        os.unlink(path)
    print("no file system here whose files lie on one disk and can be written past the page cache")
    sys.exit(77)


place = file_on_disk()
workload = live.start([sys.executable, "-c", PROGRAM, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def do(what):
    workload.stdin.write(what + "\n")
    workload.stdin.flush()
    live.check_equal(workload.stdout.readline(), "done\n", "the workload's answer")


def asked(source, *options):
    done = subprocess.run([live.KYMO, "block", "--json", "-p", str(workload.pid), *options, source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def sums(database):
    """-> what was attempted, stored, counted and lost of the class"""
    row = database.execute("SELECT sum(attempted_count) AS attempted, sum(stored_count) AS stored, sum(counted_count) AS counted, sum(lost_count) AS lost "
                           "FROM class_totals WHERE class = 'block'").fetchone()
    live.check_equal(row["attempted"], row["stored"] + row["counted"] + row["lost"], "attempted = stored + counted + lost")
    live.check_equal(row["stored"], live.one(database, "SELECT count(*) FROM block_io"), "rows that are stored")
    live.check_equal(row["counted"], live.one(database, "SELECT total(io_count) FROM block_count"), "requests in rows of counts")
    return row


try:
    live.check_equal(workload.stdout.readline(), "ready\n", "the workload, before it is recorded")
    recorder, capture = live.start_recorder("block.kymo", "-e", "block")
    do("few")
    live.stop(recorder)
    database = live.database(capture)
    sums(database)
    found = {(row["op"], row["bytes"]): row["n"] for row in database.execute(
        "SELECT op, bytes, count(*) AS n FROM block_requests WHERE tgid = ? AND op IN ('read', 'write') GROUP BY op, bytes", (workload.pid,))}
    live.check_equal(found, {("write", 4096): 50, ("write", 32768): 20, ("read", 4096): 30, ("read", 65536): 10}, "requests by operation and size")
    own = database.execute("SELECT * FROM block_io b JOIN task t ON t.id = b.task_id WHERE t.tgid = ?", (workload.pid,)).fetchall()
    disks = {(row["dev_major"], row["dev_minor"]): row["disk"] for row in own}
    live.check(all(os.path.basename(os.path.realpath(f"/sys/dev/block/{major}:{minor}")) == disk for (major, minor), disk in disks.items()),
               f"names of disks: {disks}")
    live.check(all(row["service_ns"] > 0 and row["error"] == 0 for row in own), "they took time, and none failed")
    start, end = database.execute("SELECT start_ns, end_ns FROM capture").fetchone()
    live.check(all(start <= row["time_ns"] and row["time_ns"] + row["queue_ns"] + row["service_ns"] <= end for row in own), "within the recording")

    report = asked(capture)
    live.check_equal((report["read_bytes"], report["written_bytes"], report["failed"], report["counted"]),
                     (30 * 4096 + 10 * 65536, 50 * 4096 + 20 * 32768, 0, 0), "bytes that kymo block tells")
    live.check_equal({row["op"]: row["ios"] for row in report["block_by_process"] if row["op"] in ("read", "write")}, {"read": 40, "write": 70}, "requests by process")
    histogram = asked(capture, "--histogram", "--op", "write")["block_histogram"]
    live.check_equal(sum(row["ios"] for row in histogram), 70, "writes in the histogram")
    live.check_equal(sum(row["ios"] for row in asked(capture, "--heat", "--op", "read")["block_heat"]), 40, "reads in the heat map")
    live.check_equal(asked(capture, "--errors")["block_requests"], [], "requests that failed")

    # The recorder does not drain: the ring has room for some, the rest is counted.
    recorder, capture = live.start_recorder("counted.kymo", "-e", "block", "--buffer", "64K", "-p", str(workload.pid))
    os.kill(recorder.pid, signal.SIGSTOP)
    do("many")
    os.kill(recorder.pid, signal.SIGCONT)
    live.stop(recorder)
    database = live.database(capture)
    row = sums(database)
    live.check(row["counted"] > 0, "some were counted")
    writes = database.execute("SELECT total(ios) AS ios, total(bytes) AS bytes, total(CASE WHEN counted THEN ios END) AS counted FROM block_parts "
                              "WHERE tgid = ? AND op = 'write'", (workload.pid,)).fetchone()
    live.check_equal((writes["ios"] + row["lost"], writes["bytes"] + 4096 * row["lost"]), (MANY, MANY * 4096), "writes, single, counted or lost")
    live.check_equal(live.one(database, "SELECT count(*) FROM block_parts WHERE tgid IS NOT ?", workload.pid), 0, "requests of others, under -p")
    report = asked(capture)
    live.check_equal(report["counted"], int(writes["counted"]), "counted requests that kymo block tells")
    live.check_equal({row["estimated"] for row in report["block_by_disk"] if row["op"] == "write"}, {1}, "its latencies are estimates")
finally:
    workload.kill()
    os.unlink(place)
live.finish()
