#!/usr/bin/env python3
"""Reads corpus.txt: the hostile strings, each once, as bytes."""
import os
import re
import struct

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus.txt")
MAX_BYTES = 65536  # CAP_MAX_STRING_BYTES
ESCAPE = re.compile(r"\\(?:(?P<plain>[\\nrt])|x(?P<byte>[0-9a-f]{2})|u(?P<u4>[0-9a-f]{4})|U(?P<u8>[0-9a-f]{8}))")
PLAIN = {"\\": b"\\", "n": b"\n", "r": b"\r", "t": b"\t"}


def unescape(text):
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode("ascii")
            at += 1
            continue
        found = ESCAPE.match(text, at)
        if not found:
            raise ValueError(f"no such escape: {text[at:at + 10]!r}")
        if found["plain"]:
            out += PLAIN[found["plain"]]
        elif found["byte"]:
            out += bytes([int(found["byte"], 16)])
        else:
            out += chr(int(found["u4"] or found["u8"], 16)).encode("utf-8", "surrogatepass")
        at = found.end()
    return out


def parse(line):
    if line == "\\e":
        return b""
    times = re.match(r"\\\*(\d+)\*", line)
    if times:
        return unescape(line[times.end():]) * int(times.group(1))
    return unescape(line)


def load():
    """-> the strings in their order, without doubles"""
    seen = {}
    with open(PATH, encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            try:
                data = parse(line)
            except ValueError as error:
                raise ValueError(f"{PATH}:{number}: {error}") from None
            if len(data) > MAX_BYTES:
                raise ValueError(f"{PATH}:{number}: {len(data)} bytes")
            seen.setdefault(data, number)
    return list(seen)


def save_binary(strings, path):
    """For make_hostile: u32 length, then the bytes, of each."""
    with open(path, "wb") as file:
        for data in strings:
            file.write(struct.pack("<I", len(data)) + data)


if __name__ == "__main__":
    strings = load()
    print(f"{len(strings)} strings, {sum(map(len, strings))} bytes")
