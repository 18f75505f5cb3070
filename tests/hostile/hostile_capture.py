"""Captures full of hostile strings: rows by make_hostile; FILE_HEADER and SCHEMA, which the writer makes itself, are rewritten here."""
import os
import re
import struct
import subprocess
import sys

import xxhash
import zstandard

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

HEADER = struct.Struct("<IIQIHHQQIIIIQ")  # SPEC.md section 3, without header_hash
HEADER_BYTES = 72
TYPE_MASK = (1 << 30) - 1
FILE_HEADER, SCHEMA, INDEX, END = 1, 2, 32, 33
SCHEMA_ID_OFFSET = 24  # in the prologue of a block of rows
MAX_NAME_BYTES = 200  # of a name in SCHEMA; readers refuse long ones
TAGS = {1: "tool version", 2: "kernel release", 3: "host name", 77: "an unknown entry"}


def hash64(data):
    return xxhash.xxh3_64_intdigest(data)


def make(strings, path, work):
    """-> the fields that the capture fills with them, as "type.field\""""
    listing = os.path.join(work, "strings.bin")
    corpus.save_binary(strings, listing)
    done = subprocess.run([os.path.join(kymo_env.BUILD, "hostile", "make_hostile"), listing, path], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode().split()


def string_fields():
    """-> {"type.field": kind} of events.def, read independently of the code that is made from it"""
    with open(kymo_env.source("events.def"), encoding="utf-8") as file:
        found = re.findall(r"^FIELD\((\w+), \d+, \w+, (\w+), (STRING|BYTES),", file.read(), re.M)
    return {f"{event}.{field}": kind for event, field, kind in found}


class Block:
    def __init__(self, data, at):
        self.fields = list(HEADER.unpack_from(data, at))
        plain, frame = self.fields[8], self.fields[9]
        end = at + 8 + self.fields[1] + frame
        self.plain = data[at + HEADER_BYTES:at + HEADER_BYTES + plain]
        self.frame = data[end - frame:end]
        self.end = end

    @property
    def type(self):
        return self.fields[3] & TYPE_MASK

    def raw(self):
        return zstandard.ZstdDecompressor().decompress(self.frame)

    def set_raw(self, raw):
        self.frame = zstandard.ZstdCompressor(level=1, write_content_size=True, write_checksum=True).compress(raw)
        self.fields[10] = len(raw)

    def encode(self):
        padding = -(HEADER_BYTES + len(self.plain) + len(self.frame)) % 8
        payload = self.plain + bytes(padding) + self.frame
        self.fields[1] = HEADER_BYTES - 8 + len(self.plain) + padding
        self.fields[8], self.fields[9], self.fields[12] = len(self.plain), len(self.frame), hash64(payload)
        head = HEADER.pack(*self.fields)
        return head + struct.pack("<Q", hash64(head)) + payload


def blocks(data):
    out, at = [], 0
    while at < len(data):
        out.append(Block(data, at))
        at = out[-1].end
    return out


def without_index(found):
    """INDEX and END hold offsets, which a rewritten block would make wrong: the capture is then one that was not closed"""
    return [block for block in found if block.type not in (INDEX, END)]


def with_header_strings(data, strings):
    """A capture whose FILE_HEADER says strings[0..3]: tool version, kernel release, host name, and an entry of an unknown tag"""
    entries = b""
    for tag, text in zip(TAGS, strings):
        entries += struct.pack("<HHI", tag, 0, len(text)) + text + bytes(-len(text) % 8)
    found = without_index(blocks(data))
    for block in found:
        if block.type == FILE_HEADER:
            block.plain = block.plain[:128] + entries
    return b"".join(block.encode() for block in found)


def schema_records(raw):
    at = 0
    while at < len(raw):
        tag, fixed_len, total = struct.unpack_from("<HHI", raw, at)
        yield tag, raw[at + 8:at + 8 + fixed_len], raw[at + 8 + fixed_len:at + 8 + total]
        at += 8 + total


def with_schema_names(data, strings, first):
    """A capture whose types, fields and values are named by strings[first...]; -> (capture, names used by tag: types, fields, values)"""
    found, used, new_id = without_index(blocks(data)), {1: [], 2: [], 3: []}, 0
    for block in found:
        if block.type == SCHEMA:
            out, used = b"", {1: [], 2: [], 3: []}
            for tag, fixed, name in schema_records(block.raw()):
                if tag in used and name != b"reserved":
                    name = strings[(first + sum(map(len, used.values()))) % len(strings)][:MAX_NAME_BYTES]
                    used[tag].append(name)
                out += struct.pack("<HHI", tag, len(fixed), len(fixed) + len(name)) + fixed + name
            block.set_raw(out)
            new_id = hash64(out)
        elif block.type not in (FILE_HEADER,):
            block.plain = block.plain[:SCHEMA_ID_OFFSET] + struct.pack("<Q", new_id) + block.plain[SCHEMA_ID_OFFSET + 8:]
    return b"".join(block.encode() for block in found), used
