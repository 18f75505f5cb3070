#!/usr/bin/env python3
"""--btf FILE: types for a kernel that shows none. A good copy records what can be had without the kernel's own; what is no such file, or
could be another's, is refused at once, as root and as a user; recording and doctor agree."""
import os
import re
import shutil
import subprocess

import kernel_allows
import live_env as live

KERNEL = "/sys/kernel/btf/vmlinux"
HIDE = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
empty = live.path("none")
os.mkdir(empty)
HIDDEN = HIDE + [empty, "/sys/kernel/btf"]


def record(words, file, *options):
    capture = live.path("x.kymo")
    for path in (capture, capture + ".db"):
        if os.path.exists(path):
            os.unlink(path)
    done = subprocess.run([*words, live.RECORDER, "-q", "-d", "500ms", "--btf", file, "-o", capture, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    return done, capture


def doctor(words, *options):
    done = subprocess.run([*words, live.RECORDER, "doctor", *options], capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, {line.split()[1]: line.split()[0] for line in done.stdout.splitlines() if line.split()[:1] in (["ok"], ["note"], ["warning"], ["error"])}


def make(name, data, mode=0o644, owner=0):
    path = live.path(name)
    with open(path, "wb") as file:
        file.write(data)
    os.chown(path, owner, owner)
    os.chmod(path, mode)
    return path


with open(KERNEL, "rb") as source:
    types = source.read()
good = make("good", types)

# with the kernel's own at hand the file only relocates the programs: nothing is missing
done, capture = record([], good)
live.check(done.returncode in (0, 3) and not done.stderr, f"good, with the kernel's own: {done.returncode}: {done.stderr}")
lacks = kernel_allows.without(probe for probe in live.info(capture)["probes"] if probe["reason"] or not probe["attached"])
live.check_equal(lacks, [], "good, with the kernel's own: PROBES")

# without it: both classes by raw tracepoints, what needs the kernel's own is named
status, checks = doctor(HIDDEN)
live.check_equal((status, checks["btf"]), (4, "error"), "no BTF: the doctor's verdict")
status, checks = doctor(HIDDEN, "--btf", good)
live.check_equal((status, checks["btf"], checks["class-cpu"]), (0, "warning", "ok"), f"no BTF, --btf: the doctor's verdict {checks}")
busy = live.start([live.STORM, "--seconds", "100000", "--rate", "5000"], stdout=subprocess.DEVNULL)
sampled = live.busy_in_kernel()
for seconds in live.attempts():
    done, capture = record(HIDDEN, good, "-d", f"{seconds}s")
    if done.returncode not in (0, 3) or len(live.calls_of(live.database(capture), busy.pid)) > 0 and min(
            row["stored_count"] for row in live.info(capture)["classes"] if row["class"] in ("cpu", "syscalls")) > 10:
        break
sampled.kill()
busy.kill()
live.check(done.returncode in (0, 3), f"good: {done.returncode}: {done.stderr}")
if os.path.exists(capture):
    facts = live.info(capture)
    rows = {probe["name"]: probe for probe in facts["probes"]}
    live.check(rows["sys_enter"]["attached"] and rows["sys_enter"]["how"] == "raw_tp" and "--btf" in rows["sys_enter"]["reason"], f"good: {rows['sys_enter']}")
    live.check(not rows["iter/task: running processes"]["attached"] and "iter/task" in done.stderr, f"good: iterators are told: {done.stderr}")
    stored = {row["class"]: row["stored_count"] for row in facts["classes"]}
    live.check(stored.get("syscalls", 0) > 10 and stored.get("cpu", 0) > 10, f"good: events: {stored}")
    found = live.calls_of(live.database(capture), busy.pid)
    live.check(found.get("getppid", 0) > 0, f"good: calls of the load, by name: {found}")
done, _ = record(HIDDEN, good, "-p", "1")
live.check(done.returncode == 4 and "AttachFailed" in done.stderr, f"good, by pid: {done.returncode}: {done.stderr}")

fifo, link, device = live.path("fifo"), live.path("link"), "/dev/zero"
os.mkfifo(fifo)
os.symlink(good, link)
with open(live.path("large"), "wb") as sparse:
    sparse.write(types[:4096])
    sparse.truncate(65 << 20)
header = bytearray(types)
header[8:24] = b"\xff" * 16  # offsets and lengths of its sections
BAD = [
    (live.path("missing"), 2, "No such file"), (fifo, 2, "not a regular file"), (device, 2, "not a regular file"), (empty, 2, "not a regular file"),
    (link, 2, "symbolic link"), (live.path("large"), 2, "larger than 64 MiB"), (make("empty-file", b""), 2, "no type information"),
    (make("noise", os.urandom(100000)), 2, "no type information"), (make("elf", open("/bin/true", "rb").read()), 2, "no type information"),
    (make("cut", types[:len(types) // 2]), 4, "cut or damaged"), (make("short", types[:24]), 4, "cut or damaged"),
    (make("lies", bytes(header)), 4, "cut or damaged"), (make("noisy", types[:1000] + os.urandom(len(types) - 1000)), 4, ""),
    (make("others", types, owner=1000), 2, "owned by user 1000"), (make("group", types, mode=0o664), 2, "chmod go-w"),
    (make("world", types, mode=0o646), 2, "chmod go-w"),
]
for path, status, says in BAD:
    for words in ([], HIDDEN):
        done, capture = record(words, path)
        what = f"{os.path.basename(path)}{', no BTF' if words else ''}"
        live.check(done.returncode == status and says in done.stderr, f"{what}: {done.returncode}: {done.stderr}")
        live.check(len(done.stderr.splitlines()) == 1 and re.search(r"--btf '|IncompatibleKernel|LoadFailed", done.stderr), f"{what}: one clear message: {done.stderr}")
        live.check(not os.path.exists(capture), f"{what}: a file is left")
live.check_equal(doctor(HIDDEN, "--btf", fifo)[0], 4, "FIFO: the doctor's verdict")

# a user with the capabilities, who names a file of his own
home = live.path("home")
os.mkdir(home, 0o700)
os.chown(home, 65534, 65534)
os.chmod(live.DIRECTORY, 0o711)
recorder, own = os.path.join(home, "kymo-record"), os.path.join(home, "btf")
shutil.copy(live.RECORDER, recorder)
shutil.copy(good, own)
os.chown(own, 65534, 65534)
line = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+bpf,+perfmon", "--ambient-caps=+bpf,+perfmon", recorder, "-q", "-d", "300ms",
        "-o", os.path.join(home, "x.kymo"), "--btf"]
for file, status in ((own, (0, 3)), (good, (0, 3)), (live.path("others"), (2,))):
    done = subprocess.run(line + [file, "-f"], capture_output=True, text=True, timeout=live.HANGS_S, check=False)
    live.check(done.returncode in status, f"as a user, {file}: {done.returncode}: {done.stderr}")
live.finish()
