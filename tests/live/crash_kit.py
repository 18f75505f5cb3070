"""What must hold of a capture whose recorder was killed: read block by block here, and compared with what its writes returned."""
import collections
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import kymo_env  # noqa: E402

RECORDER = os.path.join(kymo_env.BIN, "kymo-record")
KYMO = os.path.join(kymo_env.BIN, "kymo")
SHIMS = os.path.join(kymo_env.BUILD, "live")
FULL = bool(os.environ.get("KYMO_FULL"))
MARKER = bytes.fromhex("CB4B594D0D0A1A0A")
CHUNK, END = 16, 33
SHADOW_DATA = 4096  # watched_write.c
EVENTS = ("syscall", "cpu_sample", "task_fork", "task_exec", "task_exit", "task_name")

Block = collections.namedtuple("Block", "start end type first_ns last_ns")


class Tally:
    """Cases and failures of one id; printed as tests/reliability.py reads them."""

    def __init__(self, name):
        self.name, self.cases, self.failures = name, 0, 0
        self.lock = threading.Lock()

    def count(self, problems, how):
        """problems: texts; how: what repeats the case"""
        with self.lock:
            self.cases += 1
            if problems:
                self.failures += 1
                print(f"FAILED {self.name}: {how}: " + "; ".join(problems), flush=True)
            if FULL and self.cases % 100 == 0:
                print(f"{self.name}: {self.cases} cases", flush=True)

    def report(self, note=""):
        print(f"reliability {self.name}: {self.cases} cases, {self.failures} failed" + (f"; {note}" if note else ""), flush=True)
        return self.failures == 0 and self.cases > 0


def seeded():
    seed = int(os.environ.get("TEST_SEED") or time.time_ns() % 10**9)
    print(f"TEST_SEED={seed}", flush=True)
    return random.Random(seed)


def usual_signals():
    """A job in the background, or under nohup, ignores some signals, and so would the recorders it starts."""
    for name in ("SIGINT", "SIGQUIT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def shim(name, **settings):
    """The environment of a recorder that a shim watches."""
    return dict(os.environ, LD_PRELOAD=os.path.join(SHIMS, name + ".so"), **{key: str(value) for key, value in settings.items()})


def whole_blocks(data):
    """Blocks by their lengths alone, one after the other, up to the first that is not whole."""
    blocks, at = [], 0
    while at + 72 <= len(data):
        magic, skip_len, marker, kind, header_len = struct.unpack_from("<II8sIH", data, at)
        plain_len, frame_len = struct.unpack_from("<II", data, at + 40)
        end = at + 8 + skip_len + frame_len
        if magic != 0x184D2A5B or marker != MARKER or end > len(data):
            break
        times = struct.unpack_from("<QQ", data, at + header_len + 8) if plain_len >= 128 else (0, 0)
        blocks.append(Block(at, end, kind & 0x3FFFFFFF, *times))
        at = end
    return blocks


def shadow_of(path):
    """(bytes whose write returned, those bytes)"""
    if not os.path.exists(path) or os.path.getsize(path) < SHADOW_DATA:
        return 0, b""  # killed before the shim had made it whole, and so before the first write
    with open(path, "rb") as file:
        acknowledged = struct.unpack("<Q", file.read(8))[0]
        file.seek(SHADOW_DATA)
        return acknowledged, file.read(acknowledged)


def ask(command, path, *options):
    return subprocess.run([KYMO, command, *options, path], capture_output=True, text=True, errors="replace", timeout=600, check=False)


def rows_of(path):
    """{type: lines of kymo dump}, in the order of the file"""
    rows = collections.defaultdict(list)
    for line in ask("dump", path).stdout.splitlines():
        rows[line[9:line.index('"', 9)]].append(line)
    return rows


def check_killed(path, acknowledged, copy, reference=None):
    """-> what is wrong with a capture cut by kill -9. acknowledged, copy: what shadow_of said. reference: rows_of the whole run."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < acknowledged or data[:len(copy)] != copy:
        return [f"{acknowledged} bytes were written, and the file of {len(data)} bytes does not begin with them"]
    blocks = whole_blocks(data)
    if not blocks:
        return [f"no whole block in {len(data)} bytes"] if acknowledged else []
    problems = []
    whole_bytes = blocks[-1].end
    below = sum(1 for block in blocks if block.end <= acknowledged)
    if acknowledged and whole_bytes < acknowledged:
        problems.append(f"bytes {whole_bytes} to {acknowledged} were written and are no blocks")
    done = ask("info", path, "--json")
    if done.returncode not in (0, 3):
        return problems + [f"kymo info: status {done.returncode}: {done.stderr.strip()}"]
    facts = json.loads(done.stdout)
    damage = facts["damage"]
    if damage["blocks_read"] != len(blocks) or damage["blocks_read"] < below:
        problems.append(f"{damage['blocks_read']} blocks were read of {len(blocks)} whole ones, {below} of them acknowledged")
    if damage["blocks_lost"] or damage["blocks_damaged"] > 1 or damage["bytes_skipped"] != len(data) - whole_bytes:
        problems.append(f"damage beyond the cut at {whole_bytes} of {len(data)}: {damage}")
    if bool(facts["complete"]) != (blocks[-1].type == END and whole_bytes == len(data)):
        problems.append(f"complete: {facts['complete']}, last block is of type {blocks[-1].type}")
    if reference is not None:
        problems += check_rows(rows_of(path), reference, facts["events_stored"])
    return problems


def check_rows(rows, reference, stored):
    """Events come in the order of the source, so a cut run holds the beginning of the whole one, type by type."""
    problems = [f"rows of {kind} are not those of the whole run" for kind in EVENTS + ("process", "symbol")
                if rows[kind] != reference[kind][:len(rows[kind])]]
    found = sum(len(rows[kind]) for kind in EVENTS)
    moving = sum(1 for line in rows["mapping"] if '"flags":0' in line)
    if stored != found + moving:
        problems.append(f"{stored} events stored, {found} + {moving} dumped")
    return problems
