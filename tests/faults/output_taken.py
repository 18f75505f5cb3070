#!/usr/bin/env python3
"""W14: what stands under the output's name is refused and left alone: its bytes, its inode, its times. --force replaces the name of a
regular file of one's own, and nothing else; what else has that file keeps it. Also while somebody swaps the name all the time."""
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import threading

import faults_env as env

PRECIOUS = b"what somebody else wrote\n" * 100
RACES = 400 if env.FULL else 40


def fresh():
    folder = os.path.join(env.scratch, "w14")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    with open(os.path.join(folder, "target"), "wb") as file:
        file.write(PRECIOUS)
    os.mkdir(os.path.join(folder, "targets"))
    return folder


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)


def an_empty_file(path):
    with open(path, "wb"):
        pass


# name -> (how it is made at a path, whether --force takes it)
KINDS = {
    "regular file": (lambda path: shutil.copy(path[:-3] + "target", path), True),
    "empty file": (an_empty_file, True),
    "hard link": (lambda path: os.link(path[:-3] + "target", path), True),
    "symbolic link to a file": (lambda path: os.symlink("target", path), False),
    "dangling symbolic link": (lambda path: os.symlink("nothing", path), False),
    "symbolic link to a directory": (lambda path: os.symlink("targets", path), False),
    "symbolic link to itself": (lambda path: os.symlink("out", path), False),
    "symbolic link to /dev/null": (lambda path: os.symlink("/dev/null", path), False),
    "FIFO": (os.mkfifo, False),
    "socket": (a_socket, False),
    "directory": (os.mkdir, False),
    "character device": (lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3)), False),
    "block device": (lambda path: os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(7, 250)), False),
}


def look(path):
    """All that may not change. Reading a target must not change its times, so this happens in the same order each time."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    content = b""
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:
            content = file.read()
    elif stat.S_ISLNK(found.st_mode):
        content = os.readlink(path).encode()
    return (found.st_ino, found.st_mode, found.st_uid, found.st_size, found.st_mtime_ns, found.st_nlink, hashlib.sha256(content).hexdigest())


def record(path, *options):
    done = subprocess.run([env.RECORD, "--source", "synthetic:events=10", "-q", "-o", path, *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
    return done.returncode, done.stderr


def check_kind(check, kind, force):
    make, replaced = KINDS[kind]
    folder = fresh()
    path, target = os.path.join(folder, "out"), os.path.join(folder, "target")
    try:
        make(path)
    except PermissionError:
        print(f"W14: {kind} cannot be made here")
        return
    names = sorted(os.listdir(folder) + os.listdir(os.path.join(folder, "targets")))
    before, target_before = look(path), look(target)
    status, said = record(path, *(["--force"] if force else []))
    if force and replaced:
        gone = before[0] == look(path)[0] and before[5] > 1  # a number may be given again once nobody has the file
        problems = [env.expect(f"exit status {status}: {said}", status == 0), env.expect("the same file was written to", not gone),
                    *env.whole(env.facts(path)), env.expect("mode", look(path)[1] & 0o7777 == 0o600)]
        with open(target, "rb") as file:
            problems.append(env.expect("what else had the file has lost it", file.read() == PRECIOUS))
    else:
        problems = [env.expect(f"exit status {status}", status == 1), env.expect("it was touched", look(path) == before),
                    env.expect("its target was touched", look(target) == target_before),
                    env.expect(f"said {said!r}", path in said and "another name" in said)]
    problems.append(env.expect("files were left", sorted(os.listdir(folder) + os.listdir(os.path.join(folder, "targets"))) == names))
    check.case(f"{kind}{' with --force' if force else ''}", problems)


def check_names(check):
    """Names that are no files."""
    folder = fresh()
    for name in ("targets/", "target/", ".", "..", "targets/.", "none/out", "target/out", "n" * 256, "x/" * 3000 + "out"):
        for force in ([], ["--force"]):
            before = sorted(os.listdir(folder))
            status, said = record(os.path.join(folder, name), *force)
            check.case(f"name {name[:20]!r} {force}", [env.expect(f"exit status {status}", status in (1, 2)), env.expect("no message", said),
                                                       env.expect("files were left", sorted(os.listdir(folder)) == before)])


def race(check, force):
    """Another process puts a link to somebody's file there, takes it away, again and again. Each try either makes a new file or is
    refused; the file behind the link stays as it is."""
    folder = fresh()
    path, target = os.path.join(folder, "out"), os.path.join(folder, "target")
    done = threading.Event()

    def swap():
        while not done.is_set():
            spare = os.path.join(folder, "spare")
            os.symlink("target", spare)
            os.rename(spare, path)
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass

    swapper = threading.Thread(target=swap)
    swapper.start()
    before = look(target)
    try:
        for number in range(RACES):
            status, said = record(path, *force)
            check.case(f"race {number} {force}", [env.expect(f"exit status {status}: {said}", status in (0, 1)),
                                                  env.expect("the link's target was touched", look(target) == before)])
    finally:
        done.set()
        swapper.join()


def main():
    check = env.Check("W14")
    for kind in KINDS:
        for force in (False, True):
            check_kind(check, kind, force)
    check_names(check)
    for force in ([], ["--force"]):
        race(check, force)
    env.finish([check])


main()
