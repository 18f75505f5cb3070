#!/usr/bin/env python3
"""S13: what kymo opens, connects to and runs, under strace, while it reads hostile captures. Skips (77) without strace."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
import hostile_capture as maker  # noqa: E402
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
FULL = os.environ.get("KYMO_FULL") == "1"
CALL = re.compile(r"^\d+\s+(\w+)\((.*)$")
OPENS = ("open", "openat", "openat2", "creat")
# What the loader, the C library and SQLite read by themselves
SYSTEM = re.compile(r"/etc/ld\.so\.(cache|preload)$|/(usr/)?lib(64)?/(x86_64-linux-gnu/|aarch64-linux-gnu/)?[^/]*\.so[.\d]*$|/usr/lib/locale/|"
                    r"/usr/share/locale/|/etc/localtime$|/dev/urandom$|/proc/self/(fd/\d+|maps|cgroup|statm)$|/proc/sys/vm/overcommit_memory$|"
                    r"/sys/(devices/system/cpu|kernel/mm/transparent_hugepage)|/sys/fs/cgroup|/usr/lib/(debug/)?\.build-id/[0-9a-f]{2}/[0-9a-f]+(\.debug)?$")
OWN_BOOT = "/proc/sys/kernel/random/boot_id"  # is the capture of this boot? Whatever it says, this is what is read
SPECIAL = re.compile(r" = \d+<(/proc/(?!(\d+|self)/(maps|cgroup|statm)>|sys/vm)|/dev/(?!urandom|null)|/sys/(?!devices|kernel/mm|fs/cgroup))")  # what a descriptor leads to
DEBUG = re.compile(r"/usr/lib/debug(/|$)")  # the debug directory that is always searched
FORBIDDEN = ("connect", "socket", "bind", "sendto", "execveat", "ptrace", "process_vm_readv", "mount", "symlink", "link", "chmod", "chown",
             "mknod", "mknodat", "symlinkat", "linkat")


def string_of(text):
    found = re.match(r'(?:(?:AT_FDCWD|-?\d+)(?:<[^>]*>)?), "((?:[^"\\]|\\.)*)"|"((?:[^"\\]|\\.)*)"', text)
    return found.group(1) if found and found.group(1) is not None else found.group(2) if found else None


def trace(arguments, work, log):
    """-> [(call, its arguments as strace prints them)]"""
    done = subprocess.run(["strace", "-f", "-y", "-s", "4096", "-o", log, "-e", "trace=%file,%network,%process,openat2", KYMO, *arguments],
                          cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"kymo {arguments[:2]}: status {done.returncode}: {done.stderr[-400:]!r}")
    with open(log, encoding="utf-8", errors="replace") as file:
        return [found.groups() for found in map(CALL.match, file) if found]


def judge(calls, allowed, recorded):
    """-> what kymo had no business doing"""
    wrong, execs = [], 0
    for call, arguments in calls:
        path = string_of(arguments)
        if call == "execve":
            execs += 1
            if execs > 1:
                wrong.append(f"execve {path}")
        elif call in FORBIDDEN:
            wrong.append(f"{call}({arguments[:80]}")
        elif call in OPENS and path == OWN_BOOT and "O_RDONLY" in arguments:
            continue
        elif call in OPENS and "O_PATH" not in arguments and SPECIAL.search(arguments):
            wrong.append(f"opened a special file: {arguments[-120:]}")
        elif call in OPENS and path is not None and not SYSTEM.match(path) and not allowed(path):
            found = " = -1 " not in arguments
            if recorded and "O_PATH" in arguments and path in recorded:
                continue  # a look at what the path names: opens nothing
            if found or not recorded:
                wrong.append(f"{call}({arguments[:120]}")
    return wrong


def main():
    if not shutil.which("strace"):
        print("skipped: strace is not installed")
        sys.exit(77)
    strings = corpus.load()
    per_run = 20
    captures = cases = failed = 0
    with tempfile.TemporaryDirectory(prefix="kymo-strace-") as work:
        os.mkdir(os.path.join(work, "root"))
        names = []
        for i in range(0, len(strings)):
            names.append(f"c{i}.kymo")
            maker.make([strings[i]], os.path.join(work, names[-1]), work)
        recorded = {text.decode("latin-1") for text in strings if text.startswith(b"/")}
        plans = [  # what the user asked for, what may then be opened
            (["--no-symbols"], lambda path: False, None),
            (["--symfs", "root"], lambda path: path == "root" or DEBUG.match(path) or path.startswith("/"), None),
            ([], lambda path: DEBUG.match(path), recorded),
        ]
        for first in range(0, len(names), per_run):
            some = names[first:first + per_run]
            for number, (options, extra, paths) in enumerate(plans):
                if not FULL and (first // per_run) % len(plans) != number:
                    continue
                own = set(some) | {".", "out.db", "out.db.part", "out.svg", "out.svg.part", work}

                def allowed(path, own=own, extra=extra):
                    return path in own or re.sub(r"^(\./|" + re.escape(work) + "/)", "", path) in own or \
                        re.match(r"(.*/)?out\.(db|svg)(\.part)?(-journal|-wal|-shm)?$", path) or extra(path)

                runs = [["import", "--force", "-q", *options, "-o", "out.db", *some], ["flame", *options, "-o", "out.svg", some[0]],
                        ["info", some[-1]], ["dump", some[-1]], ["verify", some[-1]], ["syscalls", "out.db"], ["folded", "out.db"]]
                for arguments in runs if FULL else runs[:2] + runs[2 + first // per_run % 5:][:1]:
                    calls = trace(arguments, work, os.path.join(work, "log"))
                    if number == 1:  # below root, by openat2 that cannot leave it: the directory is what counts
                        calls = [(call, text) for call, text in calls if not (call == "openat2" and "RESOLVE_IN_ROOT" in text)]
                        calls = [(call, text) for call, text in calls if not (call in OPENS and (string_of(text) or "").startswith("/proc/self/fd/"))]
                    wrong = judge(calls, lambda path: allowed(path) and not (number == 1 and path.startswith("/") and not DEBUG.match(path)
                                                                            and not path.startswith(work)), paths)
                    cases += 1
                    failed += bool(wrong)
                    if wrong:
                        print(f"FAILED: kymo {' '.join(arguments[:6])}: {wrong[:4]}")
                captures += len(some)
    print(f"reliability S13: {cases} cases, {failed} failed; {captures} readings of {len(names)} captures; files at recorded paths are looked up "
          f"only without --symfs and --no-symbols")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
