#!/usr/bin/env python3
"""Whose code a sample was in: known_code works in one function, in each of the ways in which that is hard to tell, and at least 95 % of the
samples of it must be in that function. Counts only: of samples, rows and mappings.
"""
import os
import shutil
import subprocess
import sys

import live_env as live

CODE = os.path.join(os.path.dirname(live.kymo_env.BIN), "live", "known_code")
CPU = ("-e", "cpu", "-F", "199", "--disk-floor", "none")
ENOUGH = 20  # samples, to speak of a share
LONG_MS = "60000"


def program(name, *link):
    """A copy of known_code of its own name, which is then the name of its process"""
    path = live.path(name)
    shutil.copy(CODE, path)
    return path


def named(capture, comm, what, *options, least=95):
    """The share of samples of processes of that name that have known_function on their stack. Those that the kernel had are left out: a process
    that executes a program has no memory of either for a moment."""
    done = subprocess.run([live.KYMO, "folded", capture, *options], capture_output=True, text=True, check=False)
    live.check(done.returncode in (0, 3), f"{what}: folded ends with {done.returncode}: {done.stderr}")
    samples = hits = 0
    for line in done.stdout.splitlines():
        stack, count = line.rsplit(" ", 1)
        frames = stack.split(";")
        if frames[0] == comm and not frames[-1].endswith("_[k]"):
            samples += int(count)
            hits += int(count) * ("known_function" in frames)
    live.check(samples >= ENOUGH, f"{what}: {samples} samples of {comm}: {done.stdout[:300]}")
    live.check(hits * 100 >= samples * least, f"{what}: {hits} of {samples} samples named: {done.stdout[:600]}")


def recorded(name, *command, options=CPU):
    return live.record(name, *options, command=command)[0]


def record_running(name, target, before=(), options=()):
    """A recording of a process that already runs, until it has worked for a while -> capture"""
    live.until(lambda: live.cpu_seconds(target.pid) > 0.15, "it works")
    capture = live.path(name)
    recorder = live.start([*before, *live.recorder_line(capture, *CPU, "-d", "0", *(options or ("-p", str(target.pid))))],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    live.until(lambda: recorder.poll() is not None or live.is_recording(recorder.pid), "it records")
    begin = live.cpu_seconds(target.pid)
    live.until(lambda: recorder.poll() is not None or live.cpu_seconds(target.pid) > begin + 0.4, "it works on")
    _, messages = live.stop(recorder)
    live.check(recorder.returncode in (0, 3), f"{name}: the recording ends with {recorder.returncode}: {messages}")
    return capture


def running(name, *line, before=(), options=()):
    """The same of a program that is started for it -> (capture, pid)"""
    target = live.start(list(line), stdout=subprocess.DEVNULL)
    capture = record_running(name, target, before, options)
    target.kill()
    target.wait()
    return capture, target.pid


def no_query(command="/bin/true"):
    return [CODE, "no-query", "0"]


# -------- exec --------

def execs():
    """Programs that follow one another faster than any window of time could tell apart, also by another thread and after vfork"""
    first, second = program("first-part"), program("second-part")
    script = f"for i in 1 2 3 4 5 6 7 8 9 10; do {first} then 40 {second} work 40; done"
    capture = recorded("execs.kymo", "/bin/sh", "-c", script)
    named(capture, "first-part", "before exec")
    named(capture, "second-part", "after exec")
    capture = recorded("thread.kymo", "/bin/sh", "-c", script.replace(" then ", " thread "))
    named(capture, "first-part", "before exec by a thread")
    named(capture, "second-part", "after exec by a thread")
    capture = recorded("vfork.kymo", "/bin/sh", "-c", script.replace(" then ", " vfork "))
    named(capture, "first-part", "after a vfork")
    named(capture, "second-part", "by vfork")
    database = live.database(capture)
    late = database.execute("SELECT count(*) FROM task_exec e JOIN task t ON t.id = e.task_id JOIN mapping m ON m.time_ns < e.time_ns JOIN task o "
                            "ON o.id = m.task_id AND o.tgid = t.tgid WHERE m.path = e.path AND m.time_ns > e.time_ns - 20000000").fetchone()[0]
    live.check_equal(late, 0, "mappings of a program before its exec")


def other_credentials():
    """A program that takes another group as it executes: the kernel stops per-process events of others for it"""
    path = program("other-group")
    os.chown(path, -1, 65534)
    os.chmod(path, 0o2755)
    os.chmod(live.DIRECTORY, 0o755)
    named(recorded("setgid.kymo", "/bin/sh", "-c", f"{path} work 300; true"), "other-group", "setgid program")


# -------- processes that already ran --------

def already_running():
    """With the kernel's query for mappings, and as before 6.11 without it"""
    for name, before in (("asked", []), ("text", no_query())):
        path = program("runs-already")
        capture, _ = running(f"running-{name}.kymo", path, "work", LONG_MS, before=before)
        named(capture, "runs-already", f"already running, {name}")
        database = live.database(capture)
        rows = database.execute("SELECT path, length(build_id), inode FROM mapping WHERE path = ?", (path,)).fetchall()
        live.check(rows and all(row[1] for row in rows), f"{name}: build-ids: {rows}")


def leader_gone():
    for name, before in (("asked", []), ("text", no_query())):
        path = program("leader-gone")
        named(running(f"orphan-{name}.kymo", path, "orphan", LONG_MS, before=before)[0], "leader-gone", f"first thread gone, {name}")
    capture, pid = running("orphan-all.kymo", path, "orphan", LONG_MS, options=("--comm", "leader-gone"))
    named(capture, "leader-gone", "first thread gone, all processes", "-p", str(pid))
    named(recorded("orphan-new.kymo", path, "orphan", "400"), "leader-gone", "first thread gone, recorded from its start")


def moved_code():
    """Anonymous memory exactly over code of a file: presumed to be that code"""
    path = program("moves-code")
    for name, before in (("asked", []), ("text", no_query())):
        capture, _ = running(f"moved-{name}.kymo", path, "moved", LONG_MS, before=before)
        named(capture, "moves-code", f"moved, {name}")
        rows = live.database(capture).execute("SELECT flags, file_offset, length(build_id) FROM mapping WHERE path = ?", (path,)).fetchall()
        live.check(rows and all(flags == 3 and offset > 0 and build_id for flags, offset, build_id in rows), f"presumed: {rows}")
    named(recorded("moved-new.kymo", path, "moved", "400"), "moves-code", "moved while recorded")


def replaced():
    """Another file has the name now: never its names, and those of the old one where that is kept"""
    path, kept = program("is-replaced"), live.path("kept")
    os.makedirs(kept + os.path.dirname(path))
    shutil.copy(path, kept + path)
    target = live.start([path, "work", LONG_MS], stdout=subprocess.DEVNULL)
    os.unlink(path)
    shutil.copy(live.WORKLOAD, path)
    for name, before in (("asked", []), ("text", no_query())):
        capture = record_running(f"replaced-{name}.kymo", target, before)
        rows = live.database(capture).execute("SELECT path, length(build_id) FROM mapping WHERE path LIKE ?", (path + "%",)).fetchall()
        live.check(rows and all(row[1] for row in rows), f"{name}: the file that runs: {rows}")
        named(capture, "is-replaced", f"replaced, {name}: none of the new file", least=0)
    target.kill()


def without_build_id():
    """Known by device, inode, size and time of the very file"""
    path = program("no-build-id")
    subprocess.run(["objcopy", "--remove-section", ".note.gnu.build-id", path], check=True)
    stat = os.stat(path)
    expected = (os.major(stat.st_dev), os.minor(stat.st_dev), stat.st_ino, stat.st_size, stat.st_mtime_ns)
    captures = [(name, running(f"plain-{name}.kymo", path, "work", LONG_MS, before=before)[0]) for name, before in (("asked", []), ("text", no_query()))]
    for name, capture in captures + [("started", recorded("plain-new.kymo", path, "work", "100"))]:
        rows = live.database(capture).execute("SELECT build_id, dev_major, dev_minor, inode, file_bytes, file_mtime_ns FROM mapping WHERE path = ?",
                                              (path,)).fetchall()
        live.check(rows and all(not row[0] and row[1:] == expected for row in rows), f"{name}: {expected} expected, {rows} found")


# -------- namespaces --------

INSIDE = """
{code} work {long} & pid=$!
sleep 0.5
"{recorder}" {options} -d 3s -o all.kymo || echo "all: $?"
"{recorder}" {options} -d 3s -p $pid -o pid.kymo || echo "pid: $?"
kill $pid
"{recorder}" {options} -o cmd.kymo -- {code} work 300 || echo "cmd: $?"
"""


def pid_namespace():
    """The recorder in one of its own: with /proc of it, and with that of the host"""
    options = "-q --cpu-budget none " + " ".join(CPU)
    path = program("in-namespace")
    script = INSIDE.format(code=path, long=LONG_MS, recorder=live.RECORDER, options=options)
    for name, words in (("own", ["--mount-proc"]), ("host's", [])):
        directory = live.path("inside-" + name[:3])
        os.mkdir(directory)
        done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", *words, "/bin/sh", "-c", script], cwd=directory, capture_output=True, text=True,
                              timeout=live.HANGS_S, check=False)
        live.check_equal(done.stdout, "", f"pid namespace, /proc {name}: status ({done.stderr})")
        live.check("outside this pid namespace" in done.stderr, f"pid namespace, /proc {name}: what is missing is told: {done.stderr}")
        for capture in ("all", "pid", "cmd"):
            named(os.path.join(directory, capture + ".kymo"), "in-namespace", f"pid namespace, /proc {name}, {capture}")


# -------- what was lost --------

def mappings_of(capture):
    """-> (attempted, stored, counted, lost)"""
    rows = live.database(capture).execute("SELECT cpu, max(attempted_count), max(stored_count), ifnull(max(counted_count), 0), max(lost_count) FROM class_total "
                                          "WHERE event_class = 3 GROUP BY cpu").fetchall()
    return tuple(sum(row[column] for row in rows) for column in range(1, 5))


def storms():
    """Executable mappings until the end, more than the rings hold: each is stored or lost. Another process's are none of ours."""
    quiet = mappings_of(recorded("few.kymo", CODE, "storm", "0"))
    for count in (2000, 30000):
        capture, out, status, _ = live.record(f"storm-{count}.kymo", "-e", "cpu", "-F", "19", "--drain", "10s", "--disk-floor", "none",
                                              command=[CODE, "storm", str(count)])
        attempted, stored, counted, lost = mappings_of(capture)
        live.check_equal(attempted, int(out) + quiet[0], f"mappings attempted ({out.strip()} made)")
        live.check_equal(attempted, stored + counted + lost, "all are accounted for")
        live.check_equal(status == 3, lost > 0, f"status {status}, {lost} lost")
    live.check(lost > 0, "the ring was never full")
    target = live.start([CODE, "work", LONG_MS])
    neighbour = live.start([CODE, "storm", "100000000"], stdout=subprocess.DEVNULL)
    live.until(lambda: live.cpu_seconds(neighbour.pid) > 0.1, "the neighbour maps")
    capture, _, status, messages = live.record("neighbour.kymo", "-e", "cpu", "-F", "49", "--drain", "10s", "--disk-floor", "none", "-d", "2s",
                                               "-p", str(target.pid))
    live.check_equal((mappings_of(capture)[3], status), (0, 0), f"a neighbour's losses: {messages}")
    target.kill()
    neighbour.kill()


# -------- CPUs that come online --------

def new_cpu():
    """A CPU that was not on the kernel's list when sampling began, and is later. The list is a file of ours, bound over the kernel's."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2 or cpus[0] != 0:
        print("skipped: one CPU only")
        sys.exit(77)
    online, capture = live.path("online"), live.path("cpus.kymo")
    with open(online, "w", encoding="ascii") as file:
        file.write("0\n")
    line = live.recorder_line(capture, *CPU, "-d", "0")
    recorder = live.start(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /sys/devices/system/cpu/online && shift && exec "$@"', "sh", online, *line],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    live.until(lambda: live.is_recording(recorder.pid), "it records")
    path = program("on-new-cpu")
    first = live.start(["taskset", "-c", str(cpus[1]), path, "work", "300"])
    first.wait()
    with open(online, "r+", encoding="ascii") as file:
        file.write(f"0,{cpus[1]}\n")
    live.start(["taskset", "-c", str(cpus[1]), path, "work", "500"]).wait()
    live.start(["taskset", "-c", "0", path, "work", "300"]).wait()
    _, messages = live.stop(recorder)
    live.check_equal(recorder.returncode, 3, f"a CPU was not sampled: {messages}")
    live.check(f"samples of CPU {cpus[1]} from second" in messages, f"the recorder says so: {messages}")
    database = live.database(capture)
    spans = [tuple(row) for row in database.execute("SELECT cpu, from_ns < to_ns FROM unsampled_cpus")]
    live.check_equal(spans, [(cpus[1], 1)], "spans in the capture")
    live.check_equal([row[0] for row in database.execute("SELECT DISTINCT cpu FROM cpu_sample")], [0], "CPUs that were sampled")
    for report in ("folded", "flame", "syscalls", "offcpu", "info", "overhead"):
        for source in (capture, capture + ".db"):
            done = subprocess.run([live.KYMO, report, source], capture_output=True, text=True, check=False)
            live.check(f"CPU {cpus[1]} was not sampled" in done.stdout + done.stderr, f"{report} {source}: {done.stderr}")
            live.check_equal(done.returncode, 3, f"{report} {source}: status")


def main():
    if not shutil.which("objcopy"):
        print("skipped: objcopy is missing")
        sys.exit(77)
    live.run_parts({"execs": execs, "other_credentials": other_credentials, "already_running": already_running, "leader_gone": leader_gone, "moved_code": moved_code, "replaced": replaced,
                    "without_build_id": without_build_id, "pid_namespace": pid_namespace, "storms": storms}, {"new_cpu": new_cpu})


main()
