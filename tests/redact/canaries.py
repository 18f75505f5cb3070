#!/usr/bin/env python3
"""1,000 canaries in a capture (make_canaries.c), none in what is redacted from it: not in the file, decompressed or not, nor in anything that
kymo says of it. And they were there before: in the capture's own bytes, or in what kymo says of that."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

KYMO = os.path.join(kymo_env.BIN, "kymo")
MAKE = os.path.join(kymo_env.BUILD, "redact", "make_canaries")
COMMANDS = ["dump", "info", "info --json", "summary", "summary --json", "syscalls -n 0", "syscalls --json -n 0", "syscalls --csv --by-process -n 0",
            "folded", "folded --show-tid", "folded --json", "flame", "flame --offcpu", "overhead", "overhead --json", "offcpu --all -n 0",
            "offcpu --json --slow -n 0", "offcpu --waker --folded", "offcpu --chain", "verify", "verify --json"]


def run(*arguments, ok=(0, 1, 3)):
    done = subprocess.run([KYMO, *arguments], capture_output=True, timeout=800, check=False)
    if done.returncode not in ok:
        sys.exit(f"kymo {' '.join(arguments)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout + done.stderr


def spellings(canary):
    """-> bytes by which a canary would be found"""
    if not canary.isdigit():
        return [canary.encode(), canary.encode().hex().encode()]
    number = int(canary)
    return [canary.encode(), f"{number:x}".encode(), number.to_bytes(8, "little"), number.to_bytes(8, "big"), str(number & 0xffffffff).encode()]


def everything(capture, folder):
    """-> all bytes that can be had from a capture"""
    with open(capture, "rb") as file:
        found = [file.read()]
    found.append(subprocess.run(["zstd", "-dc", capture], stdout=subprocess.PIPE, check=True).stdout)
    for command in COMMANDS:
        name, *rest = command.split()
        found.append(run(name, *rest, capture))
    database = os.path.join(folder, "x.db")
    run("import", "-q", "-f", capture, "-o", database)
    with open(database, "rb") as file:
        found.append(file.read())
    return b"\n".join(found)


def main():
    if subprocess.run(["zstd", "--version"], stdout=subprocess.DEVNULL, check=False).returncode:
        kymo_env.skip("needs zstd")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        source, output = os.path.join(folder, "source.kymo"), os.path.join(folder, "output.kymo")
        for level in ("share", "strict"):
            listed = subprocess.run([MAKE, source, level], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
            canaries = [line.partition(" ")[::2] for line in listed]
            manifest = run("redact", "-f", "--list", "--level", level, source, "-o", output, ok=(3,))
            before, after = everything(source, folder), everything(output, folder) + manifest
            there = sum(any(spelling in before for spelling in spellings(canary)) for canary, _ in canaries)
            found = [(canary, where) for canary, where in canaries if any(spelling in after for spelling in spellings(canary))]
            print(f"{level}: {len(canaries)} canaries planted, {there} can be found in the input, {len(found)} in the output")
            for canary, where in found[:40]:
                print(f"  found: {canary}, planted in {where}")
            for name in ("blocks of an unknown type", "rows of an unknown type"):
                if name.encode() not in manifest:
                    print(f"  the manifest does not list {name}")
                    wrong += 1
            wrong += len(found) + (len(canaries) < 1000) + (there < 0.9 * len(canaries))
    sys.exit(wrong > 0)


main()
