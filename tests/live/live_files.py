#!/usr/bin/env python3
"""Class files: a workload of known opens, errors, reads, sockets, pipes and programs started; each call and wait names the file or peer it was about."""
import json
import os
import shutil
import subprocess
import sys

import live_env as live

READS, ERRORS, PIPES, TIMES = 40, 7, 5, 3
FOLDER = live.path("a folder")
os.makedirs(FOLDER)
# Prints what it did. Its calls are Python's, which adds some of its own: only what is about these files is compared.
PROGRAM = f"""
import json, os, select, socket, subprocess, sys, tempfile, threading, time
folder, truth = {FOLDER!r}, {{"pid": os.getpid()}}
print("ready", flush=True)
input()
path = os.path.join(folder, "read me")
with open(path, "wb") as file:
    file.write(b"x" * 4096)
fd = os.open(path, os.O_RDONLY)
for _ in range({READS}):
    os.pread(fd, 100, 0)
truth["file"], truth["inode"] = path, os.fstat(fd).st_ino
os.rename(path, path + "!")
os.pread(fd, 100, 0)
for _ in range({ERRORS}):
    try:
        os.open(os.path.join(folder, "not there"), os.O_RDONLY)
    except FileNotFoundError:
        pass
gone = os.open(os.path.join(folder, "gone"), os.O_RDWR | os.O_CREAT)
os.unlink(os.path.join(folder, "gone"))
os.write(gone, b"gone")
os.fsync(gone)
os.write(os.memfd_create("memory"), b"m")
deep = folder
for _ in range(12):
    deep = os.path.join(deep, "d" * 120)
    os.mkdir(deep)
os.write(os.open(os.path.join(deep, "end"), os.O_WRONLY | os.O_CREAT), b"deep")
reader, writer = os.pipe()
for _ in range({PIPES}):
    os.write(writer, b"p")
    os.read(reader, 1)
truth["pipe"] = os.fstat(reader).st_ino
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        continue
    def serve():
        peer, _ = listener.accept()
        for _ in range({TIMES}):
            time.sleep(0.03)
            peer.send(b"s")
    server = threading.Thread(target=serve)
    server.start()
    client = socket.create_connection(listener.getsockname()[:2])
    for _ in range({TIMES}):
        client.recv(1)
    server.join()
    truth[str(family)] = [listener.getsockname()[1], client.getsockname()[1]]
named = socket.socket(socket.AF_UNIX)
named.bind(os.path.join(folder, "unix"))
named.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(os.path.join(folder, "unix"))
client.send(b"u")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
udp.sendto(b"d", udp.getsockname())
truth["udp"] = udp.getsockname()[1]
poll = select.epoll()
poll.poll(0.001)
subprocess.run(["/bin/true", "first", "with blank", "", "last"], check=True)
subprocess.run(["/bin/true"] + ["y" * 100] * 20, check=True)
print(json.dumps(truth), flush=True)
os.read(reader, 1)
"""


def record(name, *options):
    """-> (database, truth, capture). It is stopped while the workload reads from a pipe that nobody writes to."""
    workload = live.start([sys.executable, "-c", PROGRAM], stdin=-1, stdout=-1, text=True)
    live.check_equal(workload.stdout.readline(), "ready\n", "the workload, before it is recorded")
    recorder, capture = live.start_recorder(f"{name}.kymo", *options, "-p", str(workload.pid))
    workload.stdin.write("\n")
    workload.stdin.flush()
    truth = json.loads(workload.stdout.readline())
    live.until(lambda: sleeps(workload.pid), "it reads from a pipe")
    live.stop(recorder)
    workload.kill()
    shutil.rmtree(FOLDER)
    os.makedirs(FOLDER)
    return live.database(capture), truth, capture


def sleeps(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def known():
    database, truth, capture = record("files", "-e", "syscalls,sched,files")

    def calls(call, file, where=""):
        return live.one(database, "SELECT count(*) FROM syscall_calls WHERE tgid = ? AND name = ? AND file = ? AND NOT unfinished " + where,
                        truth["pid"], call, file)

    def opened(**wanted):
        return live.one(database, "SELECT count(*) FROM file_names WHERE " + " AND ".join(f"{key} = ?" for key in wanted), *wanted.values())

    lost = live.one(database, "SELECT total(lost_count) FROM class_totals WHERE class IN ('syscalls', 'sched', 'files')")
    live.check_equal(lost, 0, "events lost")
    live.check_equal(calls("pread64", truth["file"]), READS, "reads of a file, by the name it had then")
    live.check_equal(calls("pread64", truth["file"] + "!"), 1, "a read after it was renamed")
    live.check_equal(opened(path=truth["file"], inode=truth["inode"], kind="file"), 1, "rows of the file")
    live.check(calls("openat", truth["file"]) >= 2, "its opens name what they opened")
    live.check_equal(live.one(database, "SELECT count(*) FROM syscall_calls WHERE tgid = ? AND file IS NOT NULL AND fd IS NULL", truth["pid"]), 0, "files without fd")

    errors = [tuple(row) for row in database.execute("SELECT name, error_name, count(*) FROM failed_paths WHERE tgid = ? AND path = ? GROUP BY 1, 2",
                                                     (truth["pid"], os.path.join(FOLDER, "not there")))]
    live.check_equal(errors, [("openat", "ENOENT", ERRORS)], "failed opens, with the path as it was passed")

    gone = os.path.join(FOLDER, "gone")
    live.check_equal((calls("write", gone), calls("fsync", gone)), (1, 1), "write and sync of a file that is gone, by the name it had")
    live.check_equal(calls("write", "/memfd:memory (deleted)"), 1, "a file that never had a name in a directory")
    cut = live.one(database, "SELECT name FROM file_names WHERE cut AND name LIKE '%/end'")
    live.check(cut and cut.startswith("../d"), f"a path beyond 1 KiB has its end: {cut}")

    pipe = f"pipe:[{truth['pipe']}]"
    live.check_equal((calls("read", pipe), calls("write", pipe)), (PIPES, PIPES), "reads and writes of a pipe")
    live.check_equal(live.one(database, "SELECT count(*) FROM syscalls_in_flight WHERE tgid = ? AND name = 'read' AND file = ?", truth["pid"], pipe), 1,
                     "the read in flight, from that pipe")
    for family, host in (("2", "127.0.0.1"), ("10", "[::1]")):
        if family not in truth:
            print(f"skipped: no sockets of family {family}")
            continue
        listener, client = truth[family]
        peer = f"tcp {host}:{client}->{host}:{listener}"
        live.check_equal(calls("recvfrom", peer), TIMES, f"receives from {peer}")
        live.check_equal(calls("sendto", f"tcp {host}:{listener}->{host}:{client}"), TIMES, "sends from its other end, which accept took")
        live.check_equal(calls("accept4", f"tcp {host}:{listener} (listening)"), 1, "accept names the socket that it waited on")
        waits = live.one(database, "SELECT count(*) FROM slow_waits WHERE tgid = ? AND name = 'recvfrom' AND file = ?", truth["pid"], peer)
        live.check_equal(waits, TIMES, "waits of 30 ms for it")
    live.check(calls("sendto", f"unix:{FOLDER}/unix") == 1 and calls("bind", f"unix:{FOLDER}/unix") == 1, "a Unix socket, and the one that is connected to it")
    live.check_equal(calls("sendto", f"udp 127.0.0.1:{truth['udp']}"), 1, "a datagram")
    live.check_equal(calls("epoll_wait", "anon_inode:[eventpoll]"), 1, "what is in no file system")

    args = [row[0] for row in database.execute("SELECT args FROM task_exec WHERE path = '/bin/true' ORDER BY time_ns")]
    live.check_equal(args[:1], ['/bin/true first "with blank" "" last'], "arguments of a program")
    live.check_equal(live.one(database, "SELECT count(*) FROM task_exec WHERE path = '/bin/true' AND flags & 1 AND length(args) BETWEEN 1000 AND 1100"), 1,
                     "arguments beyond 1 KiB are cut, and that is told")

    use = database.execute("SELECT sum(calls) AS calls, sum(bytes) AS bytes FROM file_use u JOIN file_names f ON f.capture_id = u.capture_id AND f.file_id = u.file_id"
                           " WHERE f.path = ? AND does = 'read'", (truth["file"],)).fetchone()
    live.check_equal(tuple(use), (READS, READS * 100), "reads and their bytes in file_use")
    shown = json.loads(subprocess.run([live.KYMO, "files", "--json", "-n", "0", capture], capture_output=True, check=True).stdout)["file_use"]
    live.check_equal([(row["reads"], row["read_bytes"]) for row in shown if row["file"] == truth["file"]], [(READS, READS * 100)], "kymo files")


def before():
    """A file that was open before the recording is told at its begin, and named in the wait of a call that began before."""
    reader, writer = os.pipe()
    child = live.start([sys.executable, "-c", f"import os; file = open({FOLDER + '/held'!r}, 'w'); print('open', flush=True); os.read({reader}, 1)"],
                       pass_fds=[reader], stdout=-1, text=True)
    live.check_equal(child.stdout.readline(), "open\n", "the workload, before it is recorded")
    recorder, capture = live.start_recorder("before.kymo", "-e", "syscalls,sched,files", "-p", str(child.pid))
    live.stop(recorder)
    os.close(writer)
    database = live.database(capture)
    seen = live.one(database, "SELECT count(*) FROM file_names WHERE path = ? AND seen_before", FOLDER + "/held")
    live.check_equal(seen, 1, "a file that was open before")
    pipe = f"pipe:[{os.fstat(reader).st_ino}]"
    live.check_equal(live.one(database, "SELECT count(*) FROM syscalls_in_flight WHERE tgid = ? AND file = ?", child.pid, pipe), 1, "the call that it was in")


def counts():
    """attempted = stored + counted + lost, also where the ring has no room; and nothing is told without the class, or of arguments where they are not wanted."""
    database, _, _ = record("small", "-e", "syscalls,files", "--buffer", "4K", "--drain", "1s")
    rows = database.execute("SELECT class, attempted_count, stored_count, counted_count, lost_count FROM class_totals").fetchall()
    for row in rows:
        live.check_equal(row["stored_count"] + (row["counted_count"] or 0) + row["lost_count"], row["attempted_count"], f"events of class {row['class']}")
    stored = live.one(database, "SELECT (SELECT count(*) FROM open_file) + (SELECT count(*) FROM path_error)")
    live.check_equal([row["stored_count"] for row in rows if row["class"] == "files"], [stored], "rows of class files")
    database, _, _ = record("without", "-e", "syscalls,sched", "--no-exec-args")
    found = live.one(database, "SELECT (SELECT count(*) FROM open_file) + (SELECT count(*) FROM path_error) + (SELECT count(*) FROM syscall WHERE file_id <> 0)"
                               " + (SELECT count(*) FROM task_exec WHERE args IS NOT NULL)")
    live.check_equal(found, 0, "rows about files, of a recording without the class and without arguments")


live.run_parts({"known": known, "before": before, "counts": counts}, {})
