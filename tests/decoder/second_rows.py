"""Sections 5 to 7 and appendix A of formats/SPEC.md for second_decoder.py: file header, schema, and the bodies of blocks of rows.

Rows come out as lines of JSON, made column by column.
"""
import codecs
import json
import struct

from second_blocks import Damage, Refused, decompress, hash64

MAJOR, MINOR = 1, 0
S_STRINGS, S_FRAMES, S_STACKS, S_TASKS, S_WORDS, S_COPIES, S_EVENTS = 1, 2, 3, 4, 5, 6, 16
K_TASK, K_STACK, K_STRING, K_BYTES, K_ADDRESS, K_SYSNO, K_COPY = 5, 6, 7, 8, 9, 10, 20
PLAIN_NUMBERS = frozenset((1, 2, 3, 4, 11, 15, 16))

MAX_SECTIONS, MAX_COLUMNS = 1024, 256
MAX_ROWS = {S_STRINGS: 1048576, S_FRAMES: 1048576, S_STACKS: 4194304, S_TASKS: 1048576, S_WORDS: 4194304, S_COPIES: 1048576}
MAX_ROWS_OTHER = 1048576
MAX_STRING_BYTES = 65536
MAX_STACK_DEPTH = 1024
MAX_COPY_WORDS = 16384
MAX_TLV_BYTES = 1048576
MAX_TYPES, MAX_FIELDS, MAX_SCHEMA_FIELDS, MAX_VALUES = 4096, 256, 65536, 16384
MAX_NAME_BYTES, MAX_SCHEMA_BYTES = 255, 4194304
PROLOGUE_BYTES, FILE_HEADER_BYTES = 128, 128
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def signed64(value):
    return value - (1 << 64) if value >> 63 else value


# -------- section 5: file header --------

def parse_file_header(plain):
    if len(plain) < 4:
        raise Damage("file header too short")
    major, minor = struct.unpack_from("<HH", plain)
    if major != MAJOR:
        raise Refused(f"version {major}.{minor}, this reads {MAJOR}.{MINOR}")
    if len(plain) < FILE_HEADER_BYTES:
        raise Damage("file header too short")
    fixed_len, _, incompat = struct.unpack_from("<IQQ", plain, 4)
    if incompat:
        raise Refused(f"version {major}.{minor} with features {incompat:#x}, this reads {MAJOR}.{MINOR}")
    if not FILE_HEADER_BYTES <= fixed_len <= len(plain):
        raise Damage("fixed_len")
    at, tags = fixed_len, {}
    while at < len(plain):
        if at + 8 > len(plain):
            raise Damage("entry past the file header")
        tag, _, length = struct.unpack_from("<HHI", plain, at)
        end = at + 8 + length + -length % 8
        if length > MAX_TLV_BYTES or end > len(plain):
            raise Damage("entry past the file header")
        tags[tag] = plain[at + 8:at + 8 + length]
        at = end
    return {"version": f"{major}.{minor}", "session": plain[24:40].hex(), "file": plain[40:56].hex(), "tags": tags}


# -------- section 6: schema --------

class Field:
    __slots__ = ("id", "name", "kind", "signed", "optional", "width")


class Schema:
    """types: id -> (name, {field id: Field}); values: (kind, value) -> name"""

    def __init__(self, body):
        if not 1 <= len(body) <= MAX_SCHEMA_BYTES:
            raise Damage("length of the schema")
        self.types, self.values, self.id = {}, {}, hash64(body)
        self.field_count = self.value_count = 0
        at, last = 0, None
        while at < len(body):
            if at + 8 > len(body):
                raise Damage("schema record cut")
            tag, fixed_len, length = struct.unpack_from("<HHI", body, at)
            if length < fixed_len or at + 8 + length > len(body):
                raise Damage("schema record past the end")
            fixed, name = body[at + 8:at + 8 + fixed_len], body[at + 8 + fixed_len:at + 8 + length]
            at += 8 + length
            if not 1 <= tag <= 3:
                continue
            if fixed_len < (8, 12, 8)[tag - 1] or len(name) > MAX_NAME_BYTES:
                raise Damage("schema record")
            name = "".join(chr(byte) if 0x21 <= byte <= 0x7E else "?" for byte in name)
            if tag == 1:
                last = self._add_type(fixed, name)
            elif tag == 2:
                self._add_field(fixed, name, last)
            else:
                self._add_value(fixed, name)

    def _add_type(self, fixed, name):
        type_id = struct.unpack_from("<I", fixed)[0]
        if type_id in self.types or len(self.types) >= MAX_TYPES:
            raise Damage("schema type twice, or too many")
        self.types[type_id] = (name, {})
        return type_id

    def _add_field(self, fixed, name, last):
        field = Field()
        type_id, field.id, field.kind, _, _, field.width, flags = struct.unpack_from("<IHBBBBH", fixed)
        if type_id != last:
            raise Damage("schema field of another type than the one before it")
        fields = self.types[type_id][1]
        self.field_count += 1
        if field.id in fields or len(fields) >= MAX_FIELDS or self.field_count > MAX_SCHEMA_FIELDS:
            raise Damage("schema field twice, or too many")
        field.name, field.signed, field.optional = name, bool(flags & 1), bool(flags & 2)
        fields[field.id] = field

    def _add_value(self, fixed, name):
        kind, _, value = struct.unpack_from("<HHI", fixed)
        self.value_count += 1
        if self.value_count > MAX_VALUES:
            raise Damage("too many names of values")
        self.values.setdefault((kind, value), name)

    def without_sysnos(self):
        """What serves where nothing is known of the capture's own (case 4)"""
        schema = object.__new__(Schema)
        schema.types, schema.id = self.types, 0
        schema.values = {key: name for key, name in self.values.items() if key[0] != K_SYSNO}
        return schema


# -------- section 7: columns --------

def varints(data, count):
    """-> count values that fill data exactly"""
    if len(data) < count:
        raise Damage("not as many varints as rows")
    if len(data) == count and data.isascii():  # the most common case: a byte each
        return list(data)
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

    def columns(self):
        """-> {field id: values} in the order of the section, None for a column that cannot be decoded"""
        if len(self.data) < 4:
            raise Damage("section too short for its columns")
        (count,) = struct.unpack_from("<H", self.data)
        if count > MAX_COLUMNS or 4 + 12 * count > len(self.data):
            raise Damage("columns past the section")
        found = {}
        for number in range(count):
            field_id, encoding, _, offset, length = struct.unpack_from("<HBBII", self.data, 4 + 12 * number)
            if offset < 4 + 12 * count or offset + length > len(self.data):
                raise Damage("column outside its section")
            if field_id in found:
                raise Damage("column twice")
            try:
                found[field_id] = decode_column(encoding, self.data[offset:offset + length], self.rows)
            except Damage:
                found[field_id] = None
        return found


def split_sections(body):
    """-> [Section] as the directory lists them; any rule broken damages the whole body"""
    if len(body) < 4:
        raise Damage("body too short")
    (count,) = struct.unpack_from("<I", body)
    if count > MAX_SECTIONS or 4 + 24 * count > len(body):
        raise Damage("too many sections")
    end, seen, sections = 4 + 24 * count, set(), []
    for number in range(count):
        section = Section()
        section.kind, _, section.type_id, section.rows, offset, length, _ = struct.unpack_from("<HHIIIII", body, 4 + 24 * number)
        if offset < end or offset + length > len(body):
            raise Damage("section outside the body, or over another")
        end = offset + length
        if section.rows > length or section.rows > MAX_ROWS.get(section.kind, MAX_ROWS_OTHER):
            raise Damage("more rows than bytes, or than the limit")
        if S_STRINGS <= section.kind <= S_COPIES:
            if section.kind in seen:
                raise Damage("table twice")
            seen.add(section.kind)
        section.data = body[offset:end]
        sections.append(section)
    return sections


# -------- section 7: local tables --------

codecs.register_error("byte-wise", lambda error: (f"\\x{error.object[error.start]:02x}", error.start + 1))


def key(name):
    """-> JSON of a name as a key, without its quotes"""
    return json.dumps(name.replace("\\", "\\x5c"))[1:-1]


def string_members(name, data):
    """-> JSON of the members that show a string under this key"""
    if not data:
        return f'"{name}":null'
    text = data.decode("utf-8", "byte-wise")
    flag = f',"{name}_hex":"{data.hex()}"' if text.encode() != data else ""
    return f'"{name}":' + json.dumps(text, ensure_ascii=False) + flag


def task_json(tgid, tid, start, exec_id, low, high):
    name = struct.pack("<QQ", low, high).split(b"\0")[0]
    comm = string_members("comm", name) if name else '"comm":""'
    return f'{{"tgid":{tgid & MASK32},"tid":{tid & MASK32},"leader_start_ns":{start},"exec_id":{exec_id & MASK32},{comm}}}'


class Tables:
    """Strings, frames, stacks, tasks and copies of stacks of one block, most as JSON. Row 0 of each is "none"."""

    def __init__(self, sections):
        self.strings, self.frames, self.tasks = [b""], ['{"space":0,"offset":"0x0"}'], [task_json(0, 0, 0, 0, 0, 0)]
        self.parents, self.stack_frames, self.depths, self.defects = [0], [0], [0], 0
        self.offsets, self.copies, self.copy_defects = [0], [None], 0
        self.word_parents, self.below, self.codes, self.word_defects = [0], [0], [0], 0
        by_kind = {section.kind: section for section in sections}
        for kind, load in ((S_STRINGS, self._load_strings), (S_FRAMES, self._load_frames), (S_STACKS, self._load_stacks),
                           (S_TASKS, self._load_tasks), (S_WORDS, self._load_words), (S_COPIES, self._load_copies)):
            if kind in by_kind:
                load(by_kind[kind])

    def _load_strings(self, section):
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
    def _columns(section, count):
        found = section.columns()
        columns = [found.get(number) for number in range(1, count + 1)]
        if None in columns:
            raise Damage("a table without one of its columns")
        return columns

    def _load_frames(self, section):
        for space, name, offset in zip(*self._columns(section, 3)):
            shown = "," + string_members("object", self.strings[name]) if 0 < name < len(self.strings) else ""
            self.offsets.append(offset)
            self.frames.append(f'{{"space":{space if space < 256 else 0},"offset":"{offset:#x}"{shown}}}')

    def _load_stacks(self, section):
        for parent, frame in zip(*self._columns(section, 2)):
            if parent >= len(self.parents) or self.depths[parent] >= MAX_STACK_DEPTH:
                parent, self.defects = 0, 1
            if frame >= len(self.frames):
                frame, self.defects = 0, 1
            self.depths.append(self.depths[parent] + 1)
            self.parents.append(parent)
            self.stack_frames.append(frame)

    def _load_tasks(self, section):
        self.tasks += [task_json(*values) for values in zip(*self._columns(section, 6))]

    def _bad_code(self, code):
        return code >= 2 and not code % 2 and code // 2 >= len(self.offsets)

    def _value(self, code, base):
        if code < 2:
            return code
        return base + 8 * unzigzag((code - 3) // 2) & MASK64 if code % 2 else self.offsets[code // 2]

    def _load_words(self, section):
        for parent, gap, code in zip(*self._columns(section, 3)):
            if parent >= len(self.below) or self.below[parent] + gap + 1 > MAX_COPY_WORDS:
                parent, self.word_defects = 0, 1
            if gap >= MAX_COPY_WORDS:
                gap, self.word_defects = 0, 1
            if self._bad_code(code):
                code, self.word_defects = 0, 1
            self.below.append(self.below[parent] + gap + 1)
            self.word_parents.append(parent)
            self.codes.append(code)

    def _load_copies(self, section):
        for word, ip, depth, top, *registers, flags, holes in zip(*self._columns(section, 12)):
            codes = [ip, *registers]
            if word >= len(self.below):
                word, self.copy_defects = 0, 1
            if any(self._bad_code(code) for code in codes):
                codes, self.copy_defects = [0 if self._bad_code(code) else code for code in codes], 1
            sp = top - depth & MASK64
            ip, *registers = [self._value(code, sp) for code in codes]
            self.copies.append((word, ip, sp, top, registers, flags & MASK32, holes))

    def copy(self, row):
        """-> JSON of a copy and its kept words"""
        if not row:
            return "null"
        word, ip, sp, top, registers, flags, holes = self.copies[row]
        names = ("ip", "sp", "top", "bp", "bx", "r12", "r13", "r14", "r15")
        shown = ",".join(f'"{name}":"{value:#x}"' for name, value in zip(names, (ip, sp, top, *registers)))
        words = []
        while word:
            address = top - 8 * self.below[word] & MASK64
            words.append(f'["{address:#x}","{self._value(self.codes[word], address):#x}"]')
            word = self.word_parents[word]
        return f'{{{shown},"flags":{flags},"holes":{holes},"words":[{",".join(words)}]}}'

    def stack(self, row):
        """-> JSON list of frames from the leaf on"""
        frames = []
        while row:
            frames.append(self.frames[self.stack_frames[row]])
            row = self.parents[row]
        return "[" + ",".join(frames) + "]"


# -------- appendix A: rows as JSON --------

def show_value(value, field, tables, values):
    """-> JSON members for one value"""
    name = key(field.name)
    if field.kind == K_TASK:
        return f'"{name}":{tables.tasks[value if value < len(tables.tasks) else 0]}'
    if field.kind == K_STACK:
        return f'"{name}":{tables.stack(value if value < len(tables.parents) else 0)}'
    if field.kind == K_COPY:
        return f'"{name}":{tables.copy(value if value < len(tables.copies) else 0)}'
    if field.kind in (K_STRING, K_BYTES):
        data = tables.strings[value if value < len(tables.strings) else 0]
        return string_members(name, data) if field.kind == K_STRING else f'"{name}":"{data.hex()}"'
    if field.kind == K_ADDRESS:
        return f'"{name}":"{value:#x}"'
    shown = f'"{name}":{signed64(value) if field.signed else value}'
    if field.kind not in PLAIN_NUMBERS and (field.kind, value) in values:
        shown += f',"{name}_name":' + json.dumps(values[field.kind, value])
    return shown


def show_column(values, field, tables, names):
    """-> list of JSON members; each distinct value is made once"""
    if values is None:
        return None
    made = {}
    for value in values:
        if value not in made:
            made[value] = show_value(value, field, tables, names)
    return [made[value] for value in values]


class Body:
    """What a body holds: lines of JSON for the rows that have a name, and counts."""
    __slots__ = ("lines", "rows", "unnamed", "rejected")

    def __init__(self, block, schema):
        if block.codec != 1 or len(block.plain) < PROLOGUE_BYTES:
            raise Damage("rows without prologue or frame")
        (promised,) = struct.unpack_from("<I", block.plain, 4)
        sections = split_sections(decompress(block))
        if sum(section.rows for section in sections if section.kind == S_EVENTS) != promised:
            raise Damage("not the rows that the prologue promises")
        tables = Tables(sections)
        self.lines, self.rows, self.unnamed, self.rejected = [], promised, 0, tables.defects + tables.word_defects + tables.copy_defects
        for section in sections:
            if section.kind == S_EVENTS:
                self._add_rows(section, schema, tables)

    def _add_rows(self, section, schema, tables):
        columns = section.columns()
        self.rejected += list(columns.values()).count(None)
        if section.type_id not in schema.types:
            self.unnamed += section.rows
            return
        name, fields = schema.types[section.type_id]
        shown = [['"type":' + json.dumps(name)] * section.rows]
        for field_id, values in columns.items():
            field = fields.get(field_id)
            if field is None or field.name == "reserved":
                continue
            members = show_column(values, field, tables, schema.values)
            shown.append(members if members is not None else [f'"{key(field.name)}":null'] * section.rows)
        self.lines += ["{" + ",".join(row) + "}" for row in zip(*shown)]
