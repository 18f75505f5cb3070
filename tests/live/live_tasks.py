#!/usr/bin/env python3
"""Lives of processes: forks, execs, exits with their status, thread names, and what already ran, short-lived processes included."""
import os
import subprocess

import live_env as live

SPAWNED = 20

capture, out, _, _ = live.record("tasks.kymo", command=[live.WORKLOAD, "--spawn", str(SPAWNED), "--hang", "--idle", "--seconds", "0.3",
                                                        "--syscalls", "10"])
truth = live.truth(out)
pid = truth["pid"]
database = live.database(capture)
forks = live.one(database, "SELECT count(*) FROM task_fork f JOIN task t ON t.id = f.task_id WHERE t.tgid = ? AND child_tid = child_tgid", pid)
live.check_equal(forks, SPAWNED, "processes forked")
children = [row[0] for row in database.execute(
    "SELECT child_tgid FROM task_fork f JOIN task t ON t.id = f.task_id WHERE t.tgid = ? AND child_tid = child_tgid", (pid,))]
live.check_equal(len(set(children)), SPAWNED, "distinct children")
marks = ",".join("?" * len(children)) or "NULL"
shell = os.path.realpath("/bin/sh")
paths = [row[0] for row in database.execute(
    f"SELECT path FROM task_exec e JOIN task t ON t.id = e.task_id WHERE t.tgid IN ({marks})", children)]
live.check_equal(len(paths), SPAWNED, "execs of the children")
live.check(set(paths) <= {"/bin/sh", shell}, f"paths executed: {set(paths)}")
codes = [row[0] for row in database.execute(
    f"SELECT exit_code FROM task_exit e JOIN task t ON t.id = e.task_id WHERE t.tgid IN ({marks})", children)]
live.check_equal(codes, [3 << 8] * SPAWNED, "exit codes, as wait reports them")
live.check_equal(live.one(database, "SELECT count(*) FROM task_name WHERE name = 'hanger' AND target_tid = ?", truth["hanger_tid"]), 1,
                 "new names of the hanging thread")
live.check_equal(live.one(database, f"SELECT count(*) FROM process WHERE tgid IN ({marks}) AND comm IN ('sh', 'dash')", *children),
                 SPAWNED, "processes named after what they ran")
live.check(live.one(database, f"SELECT count(*) FROM syscall_calls WHERE tgid IN ({marks})", *children) > SPAWNED * 10,
           "short-lived children's system calls")
live.check_equal(live.one(database, "SELECT count(*) FROM process WHERE tgid = ? AND end_ns IS NOT NULL AND comm = 'workload'", pid), 1,
                 "end of the workload")

# what ran before the recording is there by name, with its mappings and build-ids
sleeper = live.start(["sleep", "100000"])
live.until(lambda: open(f"/proc/{sleeper.pid}/comm", encoding="ascii").read() == "sleep\n", "a process that sleeps")
capture, _, _, _ = live.record("running.kymo", "-d", "500ms")
database = live.database(capture)
row = database.execute("SELECT comm, exe, parent_tgid FROM process WHERE tgid = ?", (sleeper.pid,)).fetchone()
if live.check(row is not None, "a process that already ran"):
    live.check_equal(row["comm"], "sleep", "its name")
    live.check_equal(row["exe"], os.path.realpath("/usr/bin/sleep"), "its program")
    live.check_equal(row["parent_tgid"], os.getpid(), "its parent")
notes = subprocess.run(["readelf", "-n", "/usr/bin/sleep"], capture_output=True, text=True, check=False).stdout
build_id = notes.split("Build ID:")[1].split()[0] if "Build ID:" in notes else None
found = live.one(database, "SELECT build_id FROM mapping m JOIN task t ON t.id = m.task_id WHERE t.tgid = ? AND path LIKE '%/sleep'", sleeper.pid)
live.check_equal(found, build_id, "build-id of its program")

# a thread that ends is not its process's end
program = "import threading, time\nthread = threading.Thread(target=int)\nthread.start()\nthread.join()\nprint('joined', flush=True)\ntime.sleep(100000)"
recorder, capture = live.start_recorder("threads.kymo", "-e", "syscalls")
process = live.start(["/usr/bin/python3", "-c", program], stdout=subprocess.PIPE)
process.stdout.readline()
live.stop(recorder)
process.kill()
database = live.database(capture)
exits = live.one(database, "SELECT count(*) FROM task_exit e JOIN task t ON t.id = e.task_id WHERE t.tgid = ?", process.pid)
live.check_equal(exits, 1, "exits of the thread")
live.check_equal(live.one(database, "SELECT count(*) FROM process WHERE tgid = ? AND end_ns IS NULL", process.pid), 1, "a process that goes on")
live.finish()
