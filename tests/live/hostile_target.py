#!/usr/bin/env python3
"""A process that chooses its names so that whoever reads of it may come to harm: comm, mapped files, FIFOs under the names that tools open,
and a file system in a mount namespace of its own whose server never answers again.

    hostile_target.py DIRECTORY KIND      prints "ready" or "skipped: why", then stays until it is killed

KIND: comm:HEX, files, fifos, fuse
"""
import ctypes
import mmap
import os
import select
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
CANARY = "kymo-canary"
FORGED = f"7f0000000000-7f0000001000 r-xp 00000000 08:01 42 /{CANARY}/forged"
NAMES = [f"a\n{FORGED}", f"{CANARY} (deleted)", f"{CANARY}\t\x1b]0;x\x07", f"{CANARY}-" + "x" * 200, f"\\012{CANARY}", f"x/../{CANARY}", f"[vdso]{CANARY}"]


def map_file(path, data=b"\x7fELF" + bytes(4092)):
    with open(path, "wb") as file:
        file.write(data)
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)


def files(directory):
    """Executable mappings with names that look like something else; of one the file is gone, of another a FIFO took its name."""
    kept = []
    for name in NAMES:
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        kept.append(map_file(path))
        os.unlink(path)
        os.mkfifo(path)
    for name in (f"/{CANARY}/memory", f"\n{FORGED}"):
        fd = os.memfd_create(name)
        os.truncate(fd, 4096)
        kept.append(mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))
    return kept


def fifos(directory):
    """What JIT maps are called, and what a process has around it: none of it is to be opened."""
    os.chdir(directory)
    names = [f"/tmp/perf-{os.getpid()}.map", f"/tmp/jit-{os.getpid()}.dump", "perf.map", "kymo.yaml", "vmlinux"]
    for name in names:
        os.mkfifo(name)
    print("remove", *[name for name in names if name.startswith("/tmp/")], flush=True)
    return names


# ---- a file system of our own, spoken on /dev/fuse ----

FILE = "hangs.so"
LOOKUP, GETATTR, OPEN, READ, RELEASE, INIT, FORGET = 1, 3, 14, 15, 18, 26, 2
ENOSYS, ENOENT = 38, 2


def attributes(node, size):
    mode = 0o40755 if node == 1 else 0o100755
    return struct.pack("<6Q3I7I", node, size, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body, data):
    """-> (error, what follows the header)"""
    if opcode == INIT:
        return 0, struct.pack("<4I2HI", 7, 19, 65536, 0, 12, 9, 65536)
    if opcode == LOOKUP:
        if body.rstrip(b"\0").decode() != FILE:
            return ENOENT, b""
        return 0, struct.pack("<4Q2I", 2, 0, 3600, 3600, 0, 0) + attributes(2, len(data))
    if opcode == GETATTR:
        return 0, struct.pack("<Q2I", 3600, 0, 0) + attributes(node, len(data))
    if opcode == OPEN:
        return 0, struct.pack("<Q2I", 1, 0, 0)
    if opcode == READ:
        _, offset, size = struct.unpack_from("<2QI", body)
        return 0, data[offset:offset + size]
    return (0, b"") if opcode == RELEASE else (ENOSYS, b"")  # a FLUSH that is not known is never asked for again: exits would wait for it


def serve(fd, data, stop_fd):
    """A request that nobody takes can still be given up by killing who made it, and only then."""
    while not select.select([fd, stop_fd], [], [])[0].count(stop_fd):
        request = os.read(fd, 1 << 17)
        _, opcode, unique, node = struct.unpack_from("<2I2Q", request)
        if opcode == FORGET:
            continue
        error, reply = answer(opcode, node, request[40:], data)
        os.write(fd, struct.pack("<IiQ", 16 + len(reply), -error, unique) + reply)


def fuse(directory):
    """The mapped pages are never touched, so whoever wants to read of them waits for the server."""
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x44000, None):  # CLONE_NEWNS; MS_REC | MS_PRIVATE
        return None
    fd = os.open("/dev/fuse", os.O_RDWR)
    place = os.path.join(directory, "mount")
    os.mkdir(place)
    if libc.mount(b"kymo", place.encode(), b"fuse", 6, f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()):
        return None
    stop_fd, stop = os.pipe()
    with open("/bin/true", "rb") as file:
        data = file.read()
    server = threading.Thread(target=serve, args=(fd, data, stop_fd), daemon=True)
    server.start()
    mapped = os.open(os.path.join(place, FILE), os.O_RDONLY)
    page = mmap.mmap(mapped, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
    os.close(mapped)  # to close it later would wait for the server, too
    os.write(stop, b"x")
    server.join()
    probe = os.fork()
    if probe == 0:  # does it hang?
        os._exit(page[0] & 0)
    time.sleep(0.2)
    hangs = os.waitpid(probe, os.WNOHANG)[0] == 0
    os.kill(probe, 9)
    return hangs and (page, fd)


def main():
    directory, kind = sys.argv[1:]
    kept = True
    if kind.startswith("comm:"):
        libc.prctl(15, bytes.fromhex(kind[5:]) + b"\0", 0, 0, 0)
    else:
        try:
            kept = {"files": files, "fifos": fifos, "fuse": fuse}[kind](directory)
        except OSError as error:
            kept = None
            print(f"skipped: {error}", flush=True)
    print("ready" if kept else "skipped: it cannot be had here", flush=True)
    while kept:
        os.getppid()
        time.sleep(0.01)


main()
