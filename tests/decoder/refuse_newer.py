#!/usr/bin/python3
"""F4: a capture of another major version, or with an incompatible feature, is refused: at once, by every command, with a message that
names both versions, and nothing is written. The CPU time is told, not asserted: machines differ.
"""
import glob
import os
import re
import resource
import statistics
import struct
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
import kymo_env

try:
    import second_blocks as sb
    from capture_mutations import Parts, put, split_blocks
except ModuleNotFoundError as missing:
    kymo_env.skip(f"{missing} (Debian: python3-xxhash, python3-zstandard, under /usr/bin/python3)")

KYMO = os.path.join(kymo_env.BIN, "kymo")
with open(kymo_env.source("limits.h"), encoding="utf-8") as limits:
    OURS_MINOR = re.search(r"^#define CAP_VERSION_MINOR (\d+)", limits.read(), re.M)[1]
OURS = re.compile(rf"\b1\.({OURS_MINOR}|x)\b")
COMMANDS = (["dump"], ["dump", "--strict"], ["dump", "--stop"], ["info"], ["verify", "--decode"], ["syscalls"], ["flame"], ["folded"],
            ["import", "-q", "-o", "out.db"], ["recover", "-o", "out.kymo"], ["sql", "SELECT 1"])


def commands():
    """Those that this kymo has, with the file's place marked"""
    for command in COMMANDS:
        helped = subprocess.run([KYMO, command[0], "--help"], capture_output=True, check=False)
        if helped.returncode == 0 and all(word.encode() in helped.stdout for word in command if word.startswith("--")):
            yield command[:1] + ["@"] + command[1:] if command[0] == "sql" else command + ["@"]


def with_header(data, change, replicas_only=False):
    """-> data with change(plain) in every FILE_HEADER, sealed again; replicas_only: the first one is destroyed"""
    out = []
    for block in split_blocks(data):
        piece = data[block.offset:block.end]
        if block.type == sb.T_FILE_HEADER:
            parts = Parts(block, data)
            parts.plain = change(parts.plain)
            piece = parts.bytes()
            if replicas_only and not block.replica:
                piece = piece[:30] + bytes([piece[30] ^ 1]) + piece[31:]
        out.append(piece)
    return b"".join(out)


def cases(data):
    """-> (name, version that must be named, bytes)"""
    for major, minor in ((0, 0), (0, 9), (2, 0), (2, 7), (3, 65535), (256, 1), (65535, 0)):
        yield f"major {major}.{minor}", f"{major}.{minor}", with_header(data, lambda plain: struct.pack("<HH", major, minor) + plain[4:])
    for bit in range(64):
        for minor in (0, 5):
            def change(plain):
                return put(put(plain, 2, "<H", minor), 16, "<Q", 1 << bit)
            yield f"feature bit {bit} of 1.{minor}", f"1.{minor}", with_header(data, change)
    yield "major in a header of 4 bytes", "2.0", with_header(data, lambda plain: struct.pack("<HH", 2, 0))
    if any(block.type == sb.T_FILE_HEADER and block.replica for block in split_blocks(data)):
        yield "replicas alone", "2.1", with_header(data, lambda plain: struct.pack("<HH", 2, 1) + plain[4:], replicas_only=True)
    yield "major and feature", "9.9", with_header(data, lambda plain: put(struct.pack("<HH", 9, 9) + plain[4:], 16, "<Q", ~0))


def run(command, path, directory):
    """-> (finished process, CPU seconds)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([KYMO, *(path if word == "@" else word for word in command)], cwd=directory, capture_output=True, text=True,
                          errors="replace", check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wrong_with(done, command, version, directory):
    """-> what is wrong, or None"""
    if done.returncode in (0, 3) or done.returncode < 0:
        return f"status {done.returncode}"
    if f"version {version}" not in done.stderr or not OURS.search(done.stderr.replace(f"version {version}", "", 1)):
        return f"message does not name both versions: {done.stderr!r}"
    if done.stdout and command[0] != "verify":
        return f"wrote to stdout: {done.stdout[:100]!r}"
    left = [name for name in os.listdir(directory) if name != "newer.kymo"]
    return f"left {left} behind" if left else None


def main():
    full = os.environ.get("KYMO_FULL") == "1"
    sources = sorted(glob.glob(os.path.join(TESTS, "golden", "1.0", "*.kymo")) if full else
                     glob.glob(os.path.join(TESTS, "..", "samples", "captures", "all.kymo")))
    every = list(commands())
    count, failed, seconds = 0, 0, []
    with tempfile.TemporaryDirectory(prefix="kymo-newer-") as directory:
        path = os.path.join(directory, "newer.kymo")
        for source in sources:
            with open(source, "rb") as file:
                data = file.read()
            for number, (name, version, bad) in enumerate(cases(data)):
                with open(path, "wb") as file:
                    file.write(bad)
                for command in every if full or name.startswith(("major", "replicas")) else [every[number % len(every)]]:
                    done, spent = run(command, path, directory)
                    wrong = wrong_with(done, command, version, directory)
                    count += 1
                    seconds.append(spent)
                    if wrong:
                        failed += 1
                        print(f"{os.path.basename(source)}, {name}, kymo {' '.join(command)}: {wrong}")
    print(f"reliability F4: {count} cases, {failed} failed; CPU time median {statistics.median(seconds) * 1000:.1f} ms, highest "
          f"{max(seconds) * 1000:.1f} ms; commands {', '.join(dict.fromkeys(command[0] for command in every))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
