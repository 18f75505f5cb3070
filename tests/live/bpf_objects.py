"""What is loaded in this kernel, and who holds it, asked by system calls: bpftool takes too long to measure with."""
import ctypes
import os
import platform
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

# kind: (command of bpf(2) that gives the next id, key in /proc/PID/fdinfo)
KINDS = {"prog": (11, "prog_id"), "map": (12, "map_id"), "link": (31, "link_id")}
SYS_BPF = kymo_env.SYS_BPF[platform.machine()]
_libc = ctypes.CDLL(None, use_errno=True)


def _ids_of(command):
    found, at = [], 0
    while True:
        attributes = ctypes.create_string_buffer(struct.pack("<III", at, 0, 0), 128)
        if _libc.syscall(SYS_BPF, command, attributes, 128) < 0:
            return found
        at = struct.unpack_from("<I", attributes, 4)[0]
        found.append(at)


def ids():
    """{(kind, id)} of everything in this kernel, whoever loaded it"""
    return {(kind, number) for kind, (command, _) in KINDS.items() for number in _ids_of(command)}


def held_by(pid):
    """What a process holds by its descriptors"""
    held = set()
    try:
        names = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return held
    for name in names:
        try:
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue
        # a link's descriptor tells its program too
        held |= {(kind, int(fields[key])) for kind, (_, key) in KINDS.items() if key in fields}
    return held


def _session_of(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def held_by_others(sessions):
    """What living processes hold, those of some sessions left out"""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return set().union(*(held_by(pid) for pid in pids if _session_of(pid) not in sessions))


def left_after(before, seconds, sessions=()):
    """What was not there before and belongs to no process outside of `sessions` (of the recorders that ended), though it had that long
    to go: the kernel frees a moment later. -> ids"""
    deadline = time.monotonic() + seconds
    while True:
        new = ids() - before
        if not new:
            return new
        new -= held_by_others(sessions)
        left = new & ids()  # others come and go meanwhile
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


def pins():
    found = []
    for root, _, files in os.walk("/sys/fs/bpf"):
        found += [os.path.join(root, name) for name in files]
    return set(found)
