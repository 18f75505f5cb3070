#!/usr/bin/python3
"""A second decoder of the capture format, written from formats/SPEC.md alone, to be compared with the one in formats/.

    second_decoder.py CAPTURE...             one JSON object a line for every row, in file order
    second_decoder.py --verify CAPTURE...    one JSON object a file: what was read, damaged, foreign, lost, unknown, passed over
    --mode strict|default|stop               section 11: damage is an error, is passed over, ends the reading
    --own-schema CAPTURE                     a capture whose schema stands for "the reader's own" (section 6)

It shares no code and no table with formats/ on purpose: where the two differ, one of them or the text is wrong.
Needs Debian's python3-zstandard and python3-xxhash, so it runs under /usr/bin/python3.
"""
import argparse
import bisect
import json
import struct
import sys

from second_blocks import ROW_TYPES, T_END, T_FILE_HEADER, T_SCHEMA, TYPE_SKIPPABLE, Damage, Refused, decompress, read_block, read_header, search
from second_rows import PROLOGUE_BYTES, Body, Schema, parse_file_header

MAX_SCHEMAS, MAX_RANGES, MAX_REHASH = 16, 4096, 8
END_BYTES = 64
RELEASED = {0x4E755500B388D48C, 0x6BD7C281CB16C626, 0x4D0D417B6220F4AD, 0x49C933F3A075B434, 0xCA6574F7E6B75281, 0xB20F5C5950981C20}  # ids of schemas that the reader's own contains
COUNTS = ("blocks", "damaged", "foreign", "lost", "unknown", "skipped_bytes", "rows", "unnamed_rows", "rejected_columns")


class Strict(Exception):
    """Damage, where any is an error."""


class Stopped(Exception):
    """Damage, where the file ends before it."""


class Numbers:
    """A set of block numbers as ranges; gives up its lowest gap rather than having more than MAX_RANGES of them."""

    def __init__(self):
        self.first, self.last = [], []

    def __contains__(self, number):
        at = bisect.bisect_right(self.first, number) - 1
        return at >= 0 and number <= self.last[at]

    def add(self, number):
        at = bisect.bisect_right(self.first, number) - 1
        if at >= 0 and number <= self.last[at]:
            return
        self.first.insert(at + 1, number)
        self.last.insert(at + 1, number)
        for left in (at + 1, at):  # with the range after it, with the one before it
            if 0 <= left < len(self.first) - 1 and self.last[left] + 1 == self.first[left + 1]:
                self._join(left)
        if len(self.first) > MAX_RANGES:
            self._join(0)

    def _join(self, left):
        del self.first[left + 1], self.last[left]


class Capture:
    """The capture at hand: its file id, the numbers of its blocks, and its END."""

    def __init__(self, file_id):
        self.file_id, self.read, self.damaged, self.next = file_id, Numbers(), Numbers(), 0
        self.end_seq, self.end_events, self.end_lost = -1, 0, 0

    def take(self, number, good):
        """-> by how much more blocks are lost now"""
        lost = 0
        if number >= self.next:
            lost, self.next = number - self.next, number + 1
        elif number not in self.read and number not in self.damaged:
            lost = -1
        (self.read if good else self.damaged).add(number)
        return lost

    @property
    def closed(self):
        return self.end_seq >= 0 and self.end_seq + 1 == self.next


class Reader:
    """Reads one file from memory. rows() yields lines of JSON; `facts` is complete once it is exhausted."""
    own_of_any_machine = {}
    bodies = {}  # decoded already: damaged copies of a file share most of their blocks

    def __init__(self, data, mode="default", own_schema=None):
        self.data, self.mode, self.own = data, mode, own_schema
        self.known, self.first, self.have_header = {}, None, False
        self._reset()

    def _reset(self):
        self.facts = {name: 0 for name in COUNTS} | {"captures": 0, "end": False, "end_events": 0, "refused": None, "error": None}
        self.capture, self.last_schema, self.closed, self.closed_events, self.looked_into = None, self.first, 0, 0, 0

    # -------- blocks --------

    def sound(self, block):
        """Whether its content can be read; raises Refused if it must not be"""
        if not block.payload_good:
            return False
        try:
            if block.type == T_FILE_HEADER and block.known:
                parse_file_header(block.plain)
            elif block.type == T_SCHEMA and block.known:
                self._learn(block)
        except Damage:
            return False
        return True

    def _learn(self, block):
        if block.codec != 1:
            raise Damage("schema without frame")
        if block.raw_len > 4194304:
            raise Damage("schema too large")
        schema = Schema(decompress(block))
        if schema.id not in self.known:
            if len(self.known) >= MAX_SCHEMAS:
                raise Damage("too many schemas")
            self.known[schema.id] = schema
        block.content = self.known[schema.id]

    def damage(self, offset, **counts):
        """Counts what is damaged at offset, or ends the reading there"""
        if self.mode == "strict":
            raise Strict(f"damage at byte {offset}")
        for name, count in counts.items():
            self.facts[name] += count
        if self.mode == "stop":
            self.facts["skipped_bytes"] += len(self.data) - offset
            raise Stopped

    def blocks(self):
        """Blocks that are taken, in the order of the file"""
        offset, data = 0, self.data
        while offset < len(data):
            block = read_block(data, offset)
            if block is not None and self.sound(block):  # rule 1
                if self.take(block):
                    yield block
                offset = block.end
                continue
            numbered = block if block is not None else read_header(data, offset)
            self.damage(offset, damaged=numbered is not None)
            if numbered is not None:
                self.pass_number(numbered)
            after = self.next_place(block, offset)
            self.facts["skipped_bytes"] += after - offset
            offset = after

    def next_place(self, block, offset):
        """Rules 2 and 3: where to go on"""
        if block is not None:
            self.looked_into += block.end - block.offset - block.header_len
            successor = read_header(self.data, block.end)
            if self.looked_into // MAX_REHASH >= len(self.data) or (
                    successor is not None and successor.file_id == block.file_id and successor.seq == block.seq + 1):
                return block.end
        found = search(self.data, offset + 1)
        return len(self.data) if found is None else found

    # -------- captures and numbers --------

    def begin(self, file_id):
        if self.capture is not None and self.capture.closed:
            self.closed += 1
            self.closed_events += self.capture.end_events
        self.capture = Capture(file_id)
        self.facts["captures"] += 1

    def pass_number(self, block):
        """Rule 5: a damaged block with a good header"""
        if self.capture is None:
            self.begin(block.file_id)
        if block.file_id == self.capture.file_id and block.seq not in self.capture.read:
            self.facts["lost"] += self.capture.take(block.seq, False)
            self.note_end()

    def take(self, block):
        """Rule 4. -> whether the block is used"""
        capture = self.capture
        begins = capture is None or (block.type == T_FILE_HEADER and block.known and not block.replica and block.file_id != capture.file_id)
        if not begins and (block.file_id != capture.file_id or block.seq in capture.read):
            self.damage(block.offset, foreign=1)
            return False
        due = 0 if begins else capture.next
        if block.seq > due and self.mode != "default":
            self.damage(block.offset, lost=block.seq - due)
        if block.seq < due:
            self.damage(block.offset, foreign=1)
        self.before = dict(self.facts)
        if begins:
            self.begin(block.file_id)
        self.facts["lost"] += self.capture.take(block.seq, True)
        self.facts["blocks"] += 1
        self.use(block)
        self.note_end()
        return True

    def use(self, block):
        if not block.known:
            self.facts["unknown"] += not block.disk_type & TYPE_SKIPPABLE
        elif block.type == T_FILE_HEADER:
            self.have_header = True
        elif block.type == T_SCHEMA:
            self.last_schema = block.content
            self.first = self.first or block.content
        elif block.type == T_END and len(block.plain) >= END_BYTES and block.seq > self.capture.end_seq:
            self.capture.end_seq = block.seq
            (self.capture.end_events,) = struct.unpack_from("<Q", block.plain, 16)

    def note_end(self):
        closed = self.closed + self.capture.closed
        self.facts["end"] = closed == self.facts["captures"]
        self.facts["end_events"] = self.closed_events + (self.capture.end_events if self.capture.closed else 0)

    # -------- rows --------

    def open(self):
        """-> whether this is a capture that may be read"""
        mode, self.mode = self.mode, "default"
        try:
            for _ in self.blocks():
                if self.have_header and self.first:
                    break
        except Refused as refused:
            self.facts["refused"] = str(refused)
            return False
        finally:
            self.mode = mode
        if not self.facts["blocks"]:
            self.facts["refused"] = "not a capture"
            return False
        self._reset()
        return True

    def rows(self):
        if not self.open():
            return
        try:
            for block in self.blocks():
                if block.known and block.type in ROW_TYPES and not block.replica:
                    yield from self.rows_of(block)
        except Refused as refused:
            self.facts["refused"] = str(refused)
        except Strict as error:
            self.facts["error"] = str(error)
        except Stopped:
            pass

    def rows_of(self, block):
        body = self.decode(block)
        if body is None or (body.rejected and self.mode != "default"):
            if self.mode == "stop":
                self.facts = self.before  # the file ends before it
            self.damage(block.offset, damaged=1)
            return ()
        self.facts["rows"] += body.rows
        self.facts["unnamed_rows"] += body.unnamed
        self.facts["rejected_columns"] += body.rejected
        return body.lines

    def decode(self, block):
        """-> Body, or None if it is damaged"""
        schema = self.schema_of(block)
        key = (block.payload_hash, len(block.plain), len(block.frame), block.raw_len, block.codec, schema)
        if key not in self.bodies:
            if len(self.bodies) > 4000:
                self.bodies.clear()
            try:
                self.bodies[key] = Body(block, schema)
            except Damage:
                self.bodies[key] = None
        return self.bodies[key]

    def schema_of(self, block):
        """Section 6: the four ways to come to a schema"""
        schema_id = struct.unpack_from("<Q", block.plain, 24)[0] if len(block.plain) >= PROLOGUE_BYTES else 0
        if schema_id in self.known:
            return self.known[schema_id]
        if schema_id in RELEASED and self.own:
            return self.own
        if self.last_schema:
            return self.last_schema
        if self.own not in self.own_of_any_machine:
            self.own_of_any_machine[self.own] = self.own.without_sysnos() if self.own else Schema(b"\0" * 8)
        return self.own_of_any_machine[self.own]


def load_own_schema(path):
    with open(path, "rb") as file:
        reader = Reader(file.read())
    for _ in reader.rows():
        pass
    return reader.first


def main():
    parser = argparse.ArgumentParser(description="decodes captures from the text of SPEC.md alone")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE")
    parser.add_argument("--verify", action="store_true", help="print what was found, not the rows")
    parser.add_argument("--mode", choices=("strict", "default", "stop"), default="default")
    parser.add_argument("--own-schema", metavar="CAPTURE", help="capture whose schema stands for the reader's own")
    args = parser.parse_args()
    own = load_own_schema(args.own_schema) if args.own_schema else None
    status = 0
    for path in args.captures:
        with open(path, "rb") as file:
            reader = Reader(file.read(), args.mode, own)
        for row in reader.rows():
            if not args.verify:
                print(row)
        facts = reader.facts
        if args.verify:
            print(json.dumps({"capture": path, **facts}))
        if facts["refused"] or facts["error"]:
            status = 2
        elif not status and any(facts[name] for name in ("damaged", "foreign", "lost", "unknown", "skipped_bytes", "rejected_columns")):
            status = 3
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(1)
