#!/usr/bin/env python3
"""S17: captures, databases and exports are for their owner only, whatever the umask, also those that --force makes in place of others; and
none is made in a directory where anyone may rename files, unless it is forced."""
import os
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

RECORDER, KYMO = (os.path.join(kymo_env.BIN, name) for name in ("kymo-record", "kymo"))
SOURCE = [RECORDER, "-q", "--source", "synthetic:events=500"]
MAKERS = {  # what makes a file -> (words before the name, word that forces)
    "capture": (SOURCE + ["-o"], "--force"),
    "database": ([KYMO, "import", "in.kymo", "-o"], "-f"),
    "sound copy": ([KYMO, "recover", "in.kymo", "-o"], "-f"),
    "picture": ([KYMO, "flame", "in.kymo", "-o"], "-f"),
}
cases = failed = 0


def check(condition, text):
    global cases, failed
    cases += 1
    if not condition:
        failed += 1
        print(f"FAILED: {text}")


def run(home, line, umask):
    return subprocess.run(line, cwd=home, preexec_fn=lambda: os.umask(umask), capture_output=True, text=True, timeout=600, check=False)


def mode_of(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


def modes(home):
    for umask in (0, 0o002, 0o022, 0o077, 0o177):
        for name, (line, force) in MAKERS.items():
            path = os.path.join(home, f"out-{umask}-{name.replace(' ', '-')}")
            done = run(home, line + [path], umask)
            check(done.returncode == 0 and mode_of(path) == "0o600", f"{name}, umask {umask:03o}: {done.returncode}, {done.stderr}, {os.path.exists(path) and mode_of(path)}")
            os.chmod(path, 0o666)
            done = run(home, line + [path] + ([force] if force else []), umask)
            check(done.returncode == 0 and mode_of(path) == "0o600", f"{name} in place of another, umask {umask:03o}: {done.returncode}, {done.stderr}, {mode_of(path)}")
            os.unlink(path)
    check(sorted(os.listdir(home)) == ["in.kymo"], f"left over: {os.listdir(home)}")


def directories(home):
    for mode, refused in ((0o777, True), (0o757, True), (0o702, True), (0o1777, False), (0o770, False)):
        place = os.path.join(home, f"directory-{mode:o}")
        os.mkdir(place)
        os.chmod(place, mode)
        for name, (line, force) in MAKERS.items():
            if not force:
                continue
            path = os.path.join(place, "out")
            done = run(home, line + [path], 0o022)
            what = f"{name} in a directory of mode {mode:o}"
            check((done.returncode == 2) == refused and os.path.exists(path) != refused, f"{what}: {done.returncode}, {done.stderr}")
            check(not refused or "anyone may rename" in done.stderr, f"{what}: {done.stderr}")
            done = run(home, line + [path, force], 0o022)
            check(done.returncode == 0 and mode_of(path) == "0o600", f"{what}, forced: {done.returncode}, {done.stderr}")
            os.unlink(path)


def main():
    home = tempfile.mkdtemp(prefix="kymo-modes-")
    try:
        made = run(home, SOURCE + ["-o", "in.kymo"], 0o022)
        if made.returncode:
            sys.exit(f"no capture: {made.stderr}")
        modes(home)
        directories(home)
    finally:
        shutil.rmtree(home)
    print(f"reliability S17: {cases} cases, {failed} failed")
    sys.exit(1 if failed else 0)


main()
