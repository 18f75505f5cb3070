#!/usr/bin/env python3
"""While it records, the recorder holds no capability and its output is for its owner only (requirements S15, S17). Nothing is lost by that:
calls in flight, run times of programs, kernel names. The command keeps what its caller had."""
import os
import re
import resource
import shutil
import signal
import stat
import subprocess

import live_env as live

NOBODY = 65534


def status_of(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def timed_ns(capture):
    """For how long programs were timed, in a capture that is being written."""
    done = subprocess.run([live.KYMO, "sql", "--csv", capture, "SELECT ifnull(sum(window_ns), 0) FROM overhead_bpf WHERE name LIKE 'sys_enter%'"],
                          capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    lines = done.stdout.split()
    return int(lines[-1]) if lines and lines[-1].isdigit() else 0


def check_threads(pid, what):
    tasks = os.listdir(f"/proc/{pid}/task")
    live.check(len(tasks) > 1, f"{what}: the writer thread is there")
    for task in tasks:
        status = status_of(f"/proc/{pid}/task/{task}/status")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            live.check(int(status[name], 16) == 0, f"{what}: thread {status['Name']}: {name} is {status[name]}")
        live.check_equal(status["NoNewPrivs"], "1", f"{what}: thread {status['Name']}: no_new_privs")
        live.check_equal(status.get("Seccomp", "2"), "2", f"{what}: thread {status['Name']}: its system calls are filtered")
    return status


def nothing_of_it_is_left():
    os.umask(0)
    sleeper = live.start(["sleep", "60"])
    recorder, capture = live.start_recorder("privileges.kymo")
    status = check_threads(recorder.pid, "as root")
    live.check(int(status["CapBnd"], 16) == 0, f"as root: the bounding set is {status['CapBnd']}")
    with open(f"/proc/{recorder.pid}/limits", encoding="ascii") as file:
        core = [line.split()[4:6] for line in file if line.startswith("Max core")]
    live.check_equal(core, [["0", "0"]], "limit of core files")
    live.check_equal(oct(stat.S_IMODE(os.stat(capture).st_mode)), "0o600", "mode of the capture")
    busy = live.start([live.WORKLOAD, "--seconds", "100000", "--syscalls", "1000000000"], stdout=subprocess.DEVNULL)
    # a second window of run times opens, long after the drop
    live.until(lambda: timed_ns(capture) > 150_000_000, "run times are measured again after the drop")
    busy.kill()
    _, messages = live.stop(recorder)
    sleeper.kill()
    live.check(recorder.returncode in (0, 3), f"exit status {recorder.returncode} ({messages})")  # 3: a busy host, losses are counted
    live.check(bool(live.info(capture)["complete"]), "the capture is complete")
    database = live.database(capture)
    for row in database.execute("SELECT * FROM class_totals"):
        live.check(row["attempted_count"] == row["stored_count"] + row["lost_count"] + (row["counted_count"] or 0), f"loss is counted: {dict(row)}")
    live.check_equal(recorder.returncode == 3, live.one(database, "SELECT sum(lost_count) FROM class_totals") > 0, "exit status tells of loss")
    runs, = database.execute("SELECT sum(run_count) FROM overhead_bpf WHERE name LIKE 'sys_enter%'").fetchone()
    live.check((runs or 0) > 0, "runs were timed")
    live.check(live.calls_of(database, sleeper.pid), "the call in flight of a sleeper is told")
    named = live.one(database, "SELECT count(*) FROM frame WHERE space = 'kernel' AND name IS NOT NULL")
    live.check(named > 5, f"kernel functions have names: {named}")


# What a program started by the recorder sees of itself. /proc/self/environ is closed to a user whose process is not dumpable.
PROBE = ["sh", "-c", "grep -E '^(Cap|NoNew|SigBlk|SigIgn|Seccomp:|Uid|Gid|Groups)' /proc/self/status; ulimit -c; ulimit -n;"
         "cat /proc/self/environ >/dev/null && echo dumpable"]


def prepare_caller():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))


def run(line):
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False, preexec_fn=prepare_caller,
                          cwd="/", restore_signals=False)
    live.check(done.returncode in (0, 3), f"{' '.join(line)}: status {done.returncode}: {done.stderr}")
    return done.stdout


def the_command_is_as_it_would_be():
    record = [live.RECORDER, "-q", "-o"]
    live.check_equal(run(record + [live.path("command.kymo"), "--"] + PROBE), run(PROBE), "what the command sees of itself")
    as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    live.check_equal(run(record + [live.path("user.kymo"), "--"] + as_user + PROBE), run(as_user + PROBE), "the command as another user")
    # Programs that gain privileges by being executed still do.
    helper = live.path("helper")
    shutil.copy(shutil.which("id"), helper)
    os.chmod(live.DIRECTORY, 0o755)
    os.chmod(helper, 0o4755)
    gains = as_user + [helper, "-u"]
    expected = run(gains)
    if expected.strip() == "0":  # not on a file system mounted nosuid
        live.check_equal(run(record + [live.path("setuid.kymo"), "--"] + gains), expected, "a set-user-id program under the recorder")


def nothing_is_left_where_the_command_fails():
    home = live.path("foreign")
    os.mkdir(home, 0o755)
    os.chown(home, NOBODY, NOBODY)
    script = live.path("script")
    with open(script, "w", encoding="ascii") as file:
        file.write("#!/nowhere/interpreter\n")
    os.chmod(script, 0o755)
    done = subprocess.run([live.RECORDER, "-q", "-o", os.path.join(home, "x.kymo"), "--", script], capture_output=True, text=True, timeout=600,
                          check=False)
    live.check(done.returncode == 1 and "cannot run" in done.stderr, f"a command that cannot run: {done.returncode}, {done.stderr!r}")
    live.check_equal(os.listdir(home), [], "files left in the directory of another user")


def user_line(recorder, capture, *options, capabilities=None):
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if capabilities:
        line += [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    return line + [recorder, "-q", "-o", capture, "--cpu-budget", "none", *options]


def an_ordinary_user():
    home = live.path("home")
    os.mkdir(home, 0o700)
    os.chown(home, NOBODY, NOBODY)
    recorder = os.path.join(home, "kymo-record")
    shutil.copy(live.RECORDER, recorder)
    capture = os.path.join(home, "refused.kymo")
    done = subprocess.run(user_line(recorder, capture, "-d", "1s"), capture_output=True, text=True, timeout=600, check=False)
    live.check_equal(done.returncode, 4, f"without capabilities: exit status ({done.stderr})")
    live.check(re.fullmatch(f"kymo-record: InsufficientPermissions: .*sudo setcap cap_bpf,cap_perfmon\\+ep {recorder}\n", done.stderr),
               f"without capabilities: {done.stderr!r}")
    live.check(not os.path.exists(capture), "without capabilities: no file is left")
    done = subprocess.run(user_line(recorder, capture, "-d", "1s", capabilities="+bpf"), capture_output=True, text=True, timeout=600, check=False)
    live.check(done.returncode == 4 and "CAP_PERFMON is missing" in done.stderr, f"with CAP_BPF alone: {done.returncode}, {done.stderr!r}")

    capture = os.path.join(home, "user.kymo")
    child = live.start(user_line(recorder, capture, capabilities="+bpf,+perfmon"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    live.until(lambda: child.poll() is not None or live.is_recording(child.pid), "as a user: it records")
    check_threads(child.pid, "as a user")
    counts = subprocess.run([live.WORKLOAD, "--seconds", "1", "--syscalls", "5000", "--idle"], capture_output=True, text=True, timeout=600, check=True)
    _, messages = live.stop(child)
    live.check(child.returncode in (0, 3), f"as a user: exit status {child.returncode} ({messages})")
    database = live.database(capture)
    truth = live.truth(counts.stdout)
    found = live.calls_of(database, truth["pid"]).get("getppid", 0)
    live.check(found <= truth["syscalls"]["getppid"] <= found + live.not_single(database),
               f"as a user: system calls of another user's process: {found} of {truth['syscalls']['getppid']}, {live.not_single(database)} lost or counted")
    # Either kernel functions have names, or it is said why not.
    hidden = live.one(database, "SELECT count(*) FROM probe WHERE name = 'kernel addresses' AND attached = 0 AND reason IS NOT NULL")
    live.check(hidden == ("kernel functions" in messages), f"as a user: hidden kernel addresses are told: {messages!r}")


nothing_of_it_is_left()
the_command_is_as_it_would_be()
nothing_is_left_where_the_command_fails()
an_ordinary_user()
live.finish()
