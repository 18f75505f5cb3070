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
import codecs
import json
import struct
import sys

from second_blocks import (ROW_TYPES, T_END, T_FILE_HEADER, T_SCHEMA, TYPE_SKIPPABLE, Damage, Refused, decompress, hash64, read_block,
                           read_header, search)

MAJOR = 1
S_STRINGS, S_FRAMES, S_STACKS, S_TASKS, S_EVENTS = 1, 2, 3, 4, 16
K_TASK, K_STACK, K_STRING, K_BYTES, K_ADDRESS = 5, 6, 7, 8, 9

MAX_SECTIONS, MAX_COLUMNS = 1024, 256
MAX_ROWS = {S_STRINGS: 1048576, S_FRAMES: 1048576, S_STACKS: 4194304, S_TASKS: 1048576, S_EVENTS: 1048576}
MAX_STRING_BYTES = 65536
MAX_STACK_DEPTH = 1024
MAX_TLV_BYTES = 1048576
MAX_TYPES, MAX_FIELDS, MAX_VALUES = 4096, 256, 16384
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def signed64(value):
    return value - (1 << 64) if value >> 63 else value


# -------- section 5 and 6: file header and schema --------

def parse_file_header(plain):
    if len(plain) < 4:
        raise Damage("file header too short")
    major, minor = struct.unpack_from("<HH", plain)
    if major != MAJOR:
        raise Refused(f"version {major}.{minor}")
    if len(plain) < 128:
        raise Damage("file header too short")
    fixed_len, _, incompat = struct.unpack_from("<IQQ", plain, 4)
    if incompat:
        raise Refused(f"incompat_flags {incompat:#x}")
    if fixed_len < 128 or fixed_len > len(plain):
        raise Damage("fixed_len")
    at, tags = fixed_len, {}
    while at < len(plain):
        tag, _, length = struct.unpack_from("<HHI", plain.ljust(at + 8, b"\xff"), at)
        if length > MAX_TLV_BYTES or at + 8 + length > len(plain):
            raise Damage("entry past the file header")
        tags[tag] = plain[at + 8:at + 8 + length]
        at += 8 + length + -length % 8
    return {"version": f"{major}.{minor}", "session": plain[24:40].hex(), "file": plain[40:56].hex(),
            "file_index": struct.unpack_from("<I", plain, 56)[0], "tags": tags}


class Field:
    __slots__ = ("id", "name", "kind", "signed", "optional", "width")


class Schema:
    """types: id -> (name, {field id: Field}); values: (kind, value) -> name"""

    def __init__(self, body):
        self.types, self.values, self.id = {}, {}, hash64(body)
        at, last = 0, None
        while at < len(body):
            if at + 8 > len(body):
                raise Damage("schema record cut")
            tag, fixed_len, length = struct.unpack_from("<HHI", body, at)
            if length < fixed_len or at + 8 + length > len(body):
                raise Damage("schema record past the end")
            fixed, name = body[at + 8:at + 8 + fixed_len], body[at + 8 + fixed_len:at + 8 + length]
            at += 8 + length
            name = "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in name)
            if tag == 1:
                last = self._add_type(fixed, name)
            elif tag == 2:
                self._add_field(fixed, name, last)
            elif tag == 3:
                self._add_value(fixed, name)

    def _add_type(self, fixed, name):
        if len(fixed) < 8 or len(self.types) >= MAX_TYPES:
            raise Damage("schema type")
        type_id = struct.unpack_from("<I", fixed)[0]
        if type_id in self.types:
            raise Damage("schema type twice")
        self.types[type_id] = (name, {})
        return type_id

    def _add_field(self, fixed, name, last):
        if len(fixed) < 12:
            raise Damage("schema field")
        field = Field()
        type_id, field.id, field.kind, _, _, field.width, flags = struct.unpack_from("<IHBBBBH", fixed)
        if type_id != last:
            raise Damage("schema field of another type than the one before it")
        fields = self.types[type_id][1]
        if field.id in fields or len(fields) >= MAX_FIELDS:
            raise Damage("schema field twice, or too many")
        field.name, field.signed, field.optional = name, bool(flags & 1), bool(flags & 2)
        fields[field.id] = field

    def _add_value(self, fixed, name):
        if len(fixed) < 8 or len(self.values) >= MAX_VALUES:
            raise Damage("schema value")
        kind, _, value = struct.unpack_from("<HHI", fixed)
        self.values[kind, value] = name


# -------- section 7: columns --------

def varints(data, count):
    """-> count values that fill data exactly"""
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > 63:
                raise Damage("varint longer than 10 bytes")
            continue
        if value > MASK64:
            raise Damage("varint of more than 64 bits")
        values.append(value)
        value = shift = 0
    if shift or len(values) != count:
        raise Damage("not as many varints as rows")
    return values


def unzigzag(value):
    return (value >> 1) ^ -(value & 1) & MASK64


def decode_fixed(data, count):
    if not count:
        if data:
            raise Damage("bytes without rows")
        return []
    width, rest = divmod(len(data), count)
    if rest or width not in (1, 2, 4, 8):
        raise Damage("width of a fixed column")
    return list(struct.unpack(f"<{count}{ {1: 'B', 2: 'H', 4: 'I', 8: 'Q'}[width]}", data))


def decode_column(encoding, data, count):
    """-> count values modulo 2^64"""
    if encoding == 0:
        return decode_fixed(data, count)
    if encoding == 1:
        if len(data) != 8:
            raise Damage("length of a constant column")
        return [struct.unpack("<Q", data)[0]] * count
    if encoding == 2:
        return varints(data, count)
    if encoding == 3:
        return [unzigzag(value) for value in varints(data, count)]
    if encoding == 4:
        values, last = [], 0
        for value in varints(data, count):
            last = last + unzigzag(value) & MASK64
            values.append(last)
        return values
    raise Damage("unknown encoding")


class Section:
    __slots__ = ("kind", "type_id", "rows", "data")

    def columns(self, facts):
        """-> {field id: values}, None for a column that was rejected"""
        if len(self.data) < 4:
            raise Damage("section too short for its columns")
        (count,) = struct.unpack_from("<H", self.data)
        if count > MAX_COLUMNS or 4 + 12 * count > len(self.data):
            raise Damage("columns past the section")
        found = {}
        for number in range(count):
            field_id, encoding, _, offset, length = struct.unpack_from("<HBBII", self.data, 4 + 12 * number)
            if offset + length > len(self.data):
                raise Damage("column outside its section")
            try:
                found[field_id] = decode_column(encoding, self.data[offset:offset + length], self.rows)
            except Damage:
                found[field_id] = None
                facts["rejected_columns"] += 1
        return found


def split_sections(body):
    """-> [Section] as the directory lists them; any rule broken damages the whole body"""
    if len(body) < 4:
        raise Damage("body too short")
    (count,) = struct.unpack_from("<I", body)
    if count > MAX_SECTIONS or 4 + 24 * count > len(body):
        raise Damage("too many sections")
    end, seen, sections = 0, set(), []
    for number in range(count):
        section = Section()
        section.kind, _, section.type_id, section.rows, offset, length, _ = struct.unpack_from("<HHIIIII", body, 4 + 24 * number)
        if offset < end or offset + length > len(body):
            raise Damage("section outside the body, or over another")
        end = offset + length
        if section.rows > length or section.rows > MAX_ROWS.get(section.kind, MASK64):
            raise Damage("more rows than bytes, or than the limit")
        if S_STRINGS <= section.kind <= S_TASKS:
            if section.kind in seen:
                raise Damage("table twice")
            seen.add(section.kind)
        section.data = body[offset:end]
        sections.append(section)
    return sections


# -------- section 7: local tables --------

class Tables:
    """Strings, frames, stacks and tasks of one block. Row 0 of each is "none"."""

    def __init__(self, sections, facts):
        self.strings, self.frames = [None], [None]
        self.tasks = [{"tgid": 0, "tid": 0, "leader_start_ns": 0, "exec_id": 0, "comm": ""}]
        self.parents, self.stack_frames, self.depths = [0], [0], [0]
        by_kind = {section.kind: section for section in sections}
        for kind, load in ((S_STRINGS, self._load_strings), (S_FRAMES, self._load_frames), (S_STACKS, self._load_stacks),
                           (S_TASKS, self._load_tasks)):
            if kind in by_kind:
                load(by_kind[kind], facts)

    def _load_strings(self, section, _):
        data = section.data
        if len(data) < 4:
            raise Damage("strings too short")
        (lengths_len,) = struct.unpack_from("<I", data)
        if 4 + lengths_len > len(data):
            raise Damage("lengths of strings past their section")
        at = 4 + lengths_len
        for length in varints(data[4:at], section.rows):
            if length > MAX_STRING_BYTES or at + length > len(data):
                raise Damage("string past its section")
            self.strings.append(data[at:at + length])
            at += length
        if at != len(data):
            raise Damage("bytes after the last string")

    @staticmethod
    def _columns(section, facts, count):
        found = section.columns(facts)
        columns = [found.get(number) for number in range(1, count + 1)]
        if None in columns:
            raise Damage("a table without one of its columns")
        return columns

    def _load_frames(self, section, facts):
        for space, name, offset in zip(*self._columns(section, facts, 3)):
            self.frames.append((space if space < 256 else 0, name if name < len(self.strings) else 0, offset))

    def _load_stacks(self, section, facts):
        bad = False
        for parent, frame in zip(*self._columns(section, facts, 2)):
            if parent >= len(self.parents) or self.depths[parent] >= MAX_STACK_DEPTH:
                parent, bad = 0, True
            if frame >= len(self.frames):
                frame, bad = 0, True
            self.depths.append(self.depths[parent] + 1)
            self.parents.append(parent)
            self.stack_frames.append(frame)
        facts["rejected_columns"] += bad

    def _load_tasks(self, section, facts):
        for tgid, tid, start, exec_id, low, high in zip(*self._columns(section, facts, 6)):
            name = struct.pack("<QQ", low, high).split(b"\0")[0]
            self.tasks.append({"tgid": tgid & MASK32, "tid": tid & MASK32, "leader_start_ns": start, "exec_id": exec_id & MASK32,
                               "comm": text(name)})

    def stack(self, row):
        """-> frames from the leaf on"""
        frames = []
        while row:
            space, name, offset = self.frames[self.stack_frames[row]] or (0, 0, 0)
            frames.append({"space": space, **({"object": text(self.strings[name])} if name else {}), "offset": hex(offset)})
            row = self.parents[row]
        return frames


codecs.register_error("byte-wise", lambda error: (f"\\x{error.object[error.start]:02x}", error.start + 1))


class Repaired(str):
    """Text made of bytes that are not UTF-8: with \\xNN for each of the bad ones; .data holds them all"""
    data = b""


def text(data):
    """What kymo prints of a string; where it is not UTF-8, flagged() sets its bytes beside it"""
    shown = data.decode("utf-8", "byte-wise")
    if shown.encode() == data:
        return shown
    repaired = Repaired(shown)
    repaired.data = data
    return repaired


def key_text(name):
    """The name of a field as a key: its backslashes are escaped too"""
    data = name.data if isinstance(name, Repaired) else name.encode()
    return data.replace(b"\\", b"\\x5c").decode("utf-8", "byte-wise")


def flagged(value):
    """A row as kymo dump prints it: a member NAME_hex after each string that is not UTF-8"""
    if isinstance(value, list):
        return [flagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, item in value.items():
        out[name] = flagged(item)
        if isinstance(item, Repaired):
            out[name + "_hex"] = item.data.hex()
    return out


def show(value, field, tables):
    """-> what JSON shows of one value: references resolved, numbers with their sign"""
    if field.kind == K_TASK:
        return tables.tasks[value if value < len(tables.tasks) else 0]
    if field.kind == K_STACK:
        return tables.stack(value) if value < len(tables.parents) else []
    if field.kind in (K_STRING, K_BYTES):
        data = tables.strings[value] if value < len(tables.strings) else None
        if data is None:
            return None if field.kind == K_STRING else ""
        return text(data) if field.kind == K_STRING else data.hex()
    if field.kind == K_ADDRESS:
        return hex(value)
    return signed64(value) if field.signed else value


# -------- section 11: the reader --------

class Reader:
    """Reads one capture from memory. rows() yields dicts; `facts` is complete once it is exhausted."""

    def __init__(self, data, mode="default", own_schema=None):
        self.data, self.mode = data, mode
        self.schemas, self.current, self.own = {}, None, own_schema
        self.file_id, self.next_seq, self.closed, self.closed_before = None, 0, False, 0
        self.facts = {"blocks": 0, "damaged": 0, "foreign": 0, "lost": 0, "unknown": 0, "skipped_bytes": 0, "files": 0, "end": False,
                      "rows": 0, "unnamed_rows": 0, "rejected_columns": 0, "refused": None}

    def damage(self, what):
        """Counts nothing; says whether reading goes on."""
        if self.mode == "strict":
            raise Refused(what)
        return self.mode == "default"

    def blocks(self):
        """Good blocks of the file at hand, in order"""
        offset, data, facts = 0, self.data, self.facts
        while offset < len(data):
            block = read_block(data, offset)
            if block is not None and block.payload_good and self.content_sound(block):
                offset = block.end
                if self.admit(block):
                    yield block
                continue
            if block is not None:
                facts["damaged"] += 1
                self.pass_seq(block)
                if not self.damage("payload"):
                    return
                if read_header(data, block.end) is not None:
                    facts["skipped_bytes"] += block.end - offset
                    offset = block.end
                    continue
            else:
                cut = read_header(data, offset)
                if cut is not None:
                    facts["damaged"] += 1
                    self.pass_seq(cut)
                if not self.damage("header"):
                    return
            found = search(data, offset + 1)
            facts["skipped_bytes"] += (len(data) if found is None else found) - offset
            if found is None:
                return
            offset = found

    @staticmethod
    def content_sound(block):
        """Whether what a file header or schema holds can be read. Rows are decoded only once their block is admitted."""
        try:
            if block.type == T_FILE_HEADER and block.known:
                parse_file_header(block.plain)
            elif block.type == T_SCHEMA and block.known:
                Schema(decompress(block))
        except Damage:
            return False
        except Refused:  # readable; whether it counts is decided when it is used
            pass
        return True

    def pass_seq(self, block):
        """Takes the number of a block of this file. -> False if it was passed already, or the block is of another file"""
        if self.file_id is None:
            self.file_id = block.file_id
            self.facts["files"] += 1
        if block.file_id != self.file_id or block.seq < self.next_seq:
            return False
        self.facts["lost"] += block.seq - self.next_seq
        self.next_seq = block.seq + 1
        self.closed = False
        self.count_closed()
        return True

    def count_closed(self):
        """A file has its end if the last block of each of its captures is END."""
        self.facts["end"] = self.closed and self.closed_before + 1 == self.facts["files"]

    def admit(self, block):
        """-> whether the block is to be used (rule 4)"""
        if block.type == T_FILE_HEADER and block.known and not block.replica and block.file_id != self.file_id:
            self.file_id, self.next_seq, self.current = block.file_id, 0, None
            self.facts["files"] += 1
            self.closed_before += self.closed
        if not self.pass_seq(block):
            self.facts["foreign"] += 1
            return False
        self.facts["blocks"] += 1
        return True

    def rows(self):
        try:
            for block in self.blocks():
                try:
                    yield from self.rows_of(block)
                except Damage:
                    self.facts["damaged"] += 1
                    if not self.damage("body"):
                        return
        except Refused as refused:
            self.facts["refused"] = str(refused)

    def rows_of(self, block):
        """-> list of rows; the block is decoded whole first, so a damaged one gives none"""
        if not block.known:
            if not block.disk_type & TYPE_SKIPPABLE:
                self.facts["unknown"] += 1
            return []
        if block.type == T_FILE_HEADER:
            parse_file_header(block.plain)
        elif block.type == T_SCHEMA:
            self.current = Schema(decompress(block))
            self.schemas[self.current.id] = self.current
        elif block.type == T_END:
            self.closed = len(block.plain) >= 64
            self.count_closed()
        elif block.type in ROW_TYPES and not block.replica:  # its rows were there before
            return self.decode_rows(block)
        return []

    def decode_rows(self, block):
        if block.codec != 1 or len(block.plain) < 128:
            raise Damage("rows without prologue or frame")
        (promised,), (schema_id,) = struct.unpack_from("<I", block.plain, 4), struct.unpack_from("<Q", block.plain, 24)
        released = self.own if self.own and self.own.id == schema_id else None
        schema = self.schemas.get(schema_id) or released or self.current or self.own
        if schema is None:
            raise Damage("no schema")
        sections, before, out = split_sections(decompress(block)), dict(self.facts), []
        if sum(section.rows for section in sections if section.kind == S_EVENTS) != promised:
            raise Damage("not the rows that the prologue promises")
        try:
            tables = Tables(sections, self.facts)
            for section in sections:
                if section.kind == S_EVENTS:
                    out += self.event_rows(section, schema, tables)
                    self.facts["rows"] += section.rows
        except Damage:
            self.facts.update(before)  # a damaged block tells nothing about its columns and rows
            raise
        return out

    def event_rows(self, section, schema, tables):
        if section.type_id not in schema.types:
            section.columns(self.facts)
            self.facts["unnamed_rows"] += section.rows
            return []
        name, fields = schema.types[section.type_id]
        columns, shown, names = section.columns(self.facts), {"type": [name] * section.rows}, set()
        for field in fields.values():
            if field.id not in columns:  # reads as NULL, shown by leaving out the key; that of a rejected one stays
                continue
            values = columns[field.id]
            key = key_text(field.name)
            if values is None:
                shown[key] = [None] * section.rows
                continue
            shown[key] = [show(value, field, tables) for value in values]
            if any((field.kind, value) in schema.values for value in set(values)):
                names.add(key + "_name")
                shown[key + "_name"] = [schema.values.get((field.kind, value)) for value in values]
        return [flagged({key: value for key, value in zip(shown, row) if value is not None or key not in names})
                for row in zip(*shown.values())]


def load_own_schema(path):
    with open(path, "rb") as file:
        reader = Reader(file.read())
    for _ in reader.rows():
        pass
    return reader.current


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
                print(json.dumps(row, ensure_ascii=False))
        facts = reader.facts
        if args.verify:
            print(json.dumps({"capture": path, **facts}))
        if facts["refused"] or not facts["blocks"]:
            status = 1
        elif not status and any(facts[name] for name in ("damaged", "foreign", "lost", "unknown", "skipped_bytes")):
            status = 3
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(1)
