"""What the checks of compat/ share: captures, kymo run on bytes, rows as kymo dump tells them, and the result line.

Runs under /usr/bin/python3, where Debian's python3-zstandard and python3-xxhash are (the building blocks of tests/decoder need them).
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "decoder")]
import kymo_env  # noqa: E402

try:
    import capture_mutations as cm
    import second_blocks as sb
    import xxhash
except ModuleNotFoundError as missing:
    kymo_env.skip(f"{missing} (Debian: python3-xxhash, python3-zstandard, under /usr/bin/python3)")

KYMO = os.path.join(kymo_env.BIN, "kymo")
RECORD = os.path.join(kymo_env.BIN, "kymo-record")
GOLDEN = os.path.join(TESTS, "golden")
FULL = bool(os.environ.get("KYMO_FULL"))
TIMEOUT_S = 600


def golden_captures():
    """-> paths of what was released, oldest first"""
    return sorted(glob.glob(os.path.join(GOLDEN, "*.*", "*.kymo")))


def all_captures():
    return golden_captures() + sorted(glob.glob(os.path.join(kymo_env.SAMPLES, "*.kymo")))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def kymo(*arguments, input=None, program=KYMO, cwd=None):
    """-> (status, stdout, stderr) as bytes"""
    environment = dict(os.environ, LC_ALL="C", TZ="UTC", NO_COLOR="1")
    done = subprocess.run([program, *arguments], input=input, capture_output=True, timeout=TIMEOUT_S, env=environment, cwd=cwd, check=False)
    return done.returncode, done.stdout, done.stderr


def dump(path):
    """-> (status, [line])"""
    status, out, err = kymo("dump", path)
    if status not in (0, 3):
        raise RuntimeError(f"dump of {path}: status {status}: {err.decode(errors='replace')}")
    return status, out.splitlines()


def defined(name, macro):
    """-> [(number, ..., as the list file names them)] of a .def file"""
    with open(kymo_env.source(name), encoding="utf-8") as file:
        return [tuple(part.strip().strip('"') for part in match.split(","))
                for match in re.findall(rf"^{macro}\(([^)]*)\)", file.read(), re.M)]


def parts_of(data):
    """-> [Parts] of a sound capture"""
    return [cm.Parts(block, data) for block in cm.split_blocks(data)]


def joined(parts):
    """-> the capture these blocks make, numbered from 0"""
    for number, part in enumerate(parts):
        part.seq = number
    return b"".join(part.bytes() for part in parts)


def block_type(parts):
    return parts.disk_type & sb.TYPE_MASK


def hash64(data):
    return xxhash.xxh3_64_intdigest(data)


class Folder:
    """A place for files while a check runs."""

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="kymo-compat-")
        return self

    def __exit__(self, *_):
        self.directory.cleanup()

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)


class Result:
    """Cases and failures of one id; prints the line that reliability.py reads."""

    def __init__(self, identifier):
        self.identifier, self.cases, self.failed = identifier, 0, 0

    def check(self, good, what):
        self.cases += 1
        if not good:
            self.failed += 1
            if self.failed <= 20:
                print(f"{self.identifier} failed: {what() if callable(what) else what}", flush=True)
        return good

    def same(self, found, expected, what):
        return self.check(found == expected, lambda: f"{what}: {first_difference(found, expected)}")

    def finish(self, note=""):
        print(f"reliability {self.identifier}: {self.cases} cases, {self.failed} failed" + (f"; {note}" if note else ""), flush=True)
        return self.failed == 0


def first_difference(found, expected):
    if isinstance(found, (list, tuple)) and isinstance(expected, (list, tuple)):
        for number, (a, b) in enumerate(zip(found, expected)):
            if a != b:
                return f"line {number}: found {a!r:.300}, expected {b!r:.300}"
        return f"found {len(found)} lines, expected {len(expected)}"
    return f"found {found!r:.300}, expected {expected!r:.300}"


def exit_with(*results):
    sys.exit(0 if all(results) else 1)
