"""Captures as a later minor version might write them: sound ones of today with things in them that 1.0 does not know.

    future, novelties = imagine(base, random)

Every novelty is one that SPEC.md section 12 allows without an incompat flag. What is known in the capture stays as it was; names of what is
new begin with "zz", so that a reader of the dump can tell them apart. Each novelty says in Future what it makes of the exit status and the
counts. The same base and random.Random state give the same bytes.
"""
import struct

from compat_env import block_type, cm, defined, hash64, joined, parts_of, sb

from second_rows import decode_column

EVENTS, FRAMES, KNOWN_SECTIONS = 16, 2, (1, 2, 3, 4, 5, 6, 16)
KNOWN_TYPES = {int(number) for number, *_ in defined("events.def", "EVENT_BEGIN")}
KNOWN_KINDS = range(1, 19)
LOSS, NEW_REASON = 13, 70000
T_FILE_HEADER, T_SCHEMA, T_END = 1, 2, 33
MAX_VALUE = (1 << 64) - 1
EDGES = (0, 1, 127, 128, 255, 65535, 1 << 31, (1 << 32) - 1, 1 << 63, MAX_VALUE)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def zigzag(value):
    """of a number modulo 2^64"""
    return (value << 1 ^ (MAX_VALUE if value >> 63 else 0)) & MAX_VALUE


def encode(values, random):
    """-> (encoding, bytes), in one of the encodings that can hold the values"""
    choices = ["varint", "zigzag", "delta", "fixed"] + (["const"] if len(set(values)) == 1 else [])
    choice = random.choice(choices)
    if choice == "fixed":
        width = random.choice([w for w in (1, 2, 4, 8) if max(values, default=0) < 1 << 8 * w])
        return 0, b"".join(value.to_bytes(width, "little") for value in values)
    if choice == "const":
        return 1, struct.pack("<Q", values[0])
    if choice == "varint":
        return 2, b"".join(map(varint, values))
    if choice == "zigzag":
        return 3, b"".join(varint(zigzag(value)) for value in values)
    steps = [(value - before) & MAX_VALUE for value, before in zip(values, [0] + values[:-1])]
    return 4, b"".join(varint(zigzag(step)) for step in steps)


def some_values(random, count, references=False):
    return [random.randrange(3) if references else random.choice((random.choice(EDGES), random.getrandbits(random.randint(1, 64))))
            for _ in range(count)]


class Again(Exception):
    """This draw makes no sound capture: draw once more."""


# -------- a body as lists --------

def columns_of(content):
    """-> [[field id, encoding, flags, bytes]]"""
    (count,) = struct.unpack_from("<H", content)
    heads = [struct.unpack_from("<HBBII", content, 4 + 12 * number) for number in range(count)]
    return [[field, encoding, flags, content[offset:offset + length]] for field, encoding, flags, offset, length in heads]


def section_of(columns, reserved=0):
    at, heads = 4 + 12 * len(columns), []
    for field, encoding, flags, data in columns:
        heads.append(struct.pack("<HBBII", field, encoding, flags, at, len(data)))
        at += len(data)
    return struct.pack("<HH", len(columns), reserved) + b"".join(heads) + b"".join(column[3] for column in columns)


class Body:
    """Sections of one block of rows, changed in place; write() puts them back."""

    def __init__(self, parts, body):
        self.parts = parts
        entries, contents = cm.take_apart(body)
        self.sections = [[entry[0], entry[1], entry[2], entry[3], entry[6], content] for entry, content in zip(entries, contents)]

    def events(self):
        return [section for section in self.sections if section[0] == EVENTS]

    def write(self):
        body = cm.put_together([[kind, flags, type_id, rows, 0, 0, reserved] for kind, flags, type_id, rows, reserved, _ in self.sections],
                               [section[5] for section in self.sections])
        self.parts.set_body(body)
        rows = sum(section[3] for section in self.events())
        self.parts.plain = cm.put(cm.put(self.parts.plain, 4, "<I", rows), 80, "<I", len(self.sections))


# -------- the schema as records --------

def record(tag, fixed, name):
    return struct.pack("<HHI", tag, len(fixed), len(fixed) + len(name)) + fixed + name


def records_of(body):
    """-> [[tag, fixed part, name]]"""
    records, at = [], 0
    while at < len(body):
        tag, fixed_len, length = struct.unpack_from("<HHI", body, at)
        records.append([tag, body[at + 8:at + 8 + fixed_len], body[at + 8 + fixed_len:at + 8 + length]])
        at += 8 + length
    return records


T_CHUNK, STORED_AT, END_EVENTS_AT = 16, 40, 16


def add_at(plain, at, count):
    return cm.put(plain, at, "<Q", struct.unpack_from("<Q", plain, at)[0] + count)


def count_rows(parts, rows_before):
    """Sets the totals of CHUNKs and END, given how many rows each block (by id) had when its totals were right."""
    more = 0
    for part in parts:
        if part.flags & sb.FLAG_REPLICA and part.disk_type & ~sb.TYPE_SKIPPABLE in sb.ROW_TYPES:
            continue
        if part.disk_type & ~sb.TYPE_SKIPPABLE == T_CHUNK:
            more += struct.unpack_from("<I", part.plain, 4)[0] - rows_before.get(id(part), 0)
            part.plain = add_at(add_at(part.plain, STORED_AT - 8, more), STORED_AT, more)
        elif part.disk_type & ~sb.TYPE_SKIPPABLE == T_END:
            part.plain = add_at(part.plain, END_EVENTS_AT, more)


class Base:
    """A sound capture of today, taken apart once."""

    def __init__(self, name, data):
        self.name, self.data = name, data
        self.bodies = [part.body() if part.frame else b"" for part in parts_of(data)]


class Future:
    """A capture that is being changed, and what a reader of 1.0 must say of it beyond what it says of the base."""

    def __init__(self, base, random):
        self.random = random
        self.parts = parts_of(base.data)
        self.raw = dict(zip(map(id, self.parts), base.bodies))
        first_schema = next(part for part in self.parts if block_type(part) == T_SCHEMA)
        self.records = records_of(self.raw[id(first_schema)])
        self.schema_changed, self.second_schema = False, None
        self.bodies = {}
        self.rows_before = {id(part): struct.unpack_from("<I", part.plain, 4)[0] for part in self.parts
                            if part.disk_type & ~sb.TYPE_SKIPPABLE == T_CHUNK}
        self.next_id = 4000 + random.randrange(1000)
        self.unknown_blocks = self.unnamed_rows = self.undescribed_rows = self.rejected = 0  # undescribed: not in the file's schema either
        self.import_rejects = False
        self.nulled_rows = 0  # of known types, with a column that 1.0 cannot decode
        self.extra_rows = False

    def rows_blocks(self):
        """Blocks of rows that are known to 1.0, replicas excepted."""
        return [part for part in self.parts
                if part.disk_type & ~sb.TYPE_SKIPPABLE in sb.ROW_TYPES and not part.flags & sb.FLAG_REPLICA and id(part) in self.raw]

    def body(self, part):
        if id(part) not in self.bodies:
            self.bodies[id(part)] = Body(part, self.raw[id(part)])
        return self.bodies[id(part)]

    def any_body(self):
        return self.body(self.random.choice(self.rows_blocks()))

    def new_id(self):
        self.next_id += 1 + self.random.randrange(5)
        return self.next_id

    def new_name(self):
        return b"zz" + bytes(self.random.choice(b"abcdefghijklmnopqrstuvwxyz_") for _ in range(self.random.randint(1, 12)))

    def new_block(self, disk_type, plain, body=None, at=None):
        """at `at`, else anywhere after FILE_HEADER and SCHEMA and before END"""
        part = cm.Parts.__new__(cm.Parts)
        part.__dict__.update(vars(self.parts[0]))
        part.disk_type, part.flags, part.plain, part.frame, part.raw_len, part.forced = disk_type, 0, plain, b"", 0, {}
        part.extra_header = b""
        if body is not None:
            part.flags = 1
            part.set_body(body)
        self.parts.insert(at or self.random.randint(2, len(self.parts) - 1), part)

    def field_record(self, type_id):
        """Declares a new field of a type: -> (field id, kind)"""
        taken = {struct.unpack_from("<IH", one[1]) for one in self.records if one[0] == 2}
        field, kind = self.random.randint(200, 65535), self.random.choice((*KNOWN_KINDS, 19, 99, 255))
        if (type_id, field) in taken:
            raise Again
        fixed = struct.pack("<IHBBBBH", type_id, field, kind, self.random.randrange(9), self.random.randrange(9),
                            self.random.choice((1, 2, 4, 8)), self.random.getrandbits(16))
        at = max(i for i, (tag, other, _) in enumerate(self.records)
                 if tag in (1, 2) and struct.unpack_from("<I", other)[0] == type_id)
        self.records.insert(at + 1, [2, fixed, self.new_name() + b"_%d" % field])
        self.schema_changed = True
        return field, kind

    def bytes(self):
        for body in self.bodies.values():
            body.write()
        if self.schema_changed:
            self.write_schema()
        count_rows(self.parts, self.rows_before)
        return joined(self.parts)

    def write_schema(self):
        encoded = b"".join(record(*one) for one in self.records)
        schema_id, second_at = hash64(encoded), None
        if self.second_schema:
            second_at = self.random.randint(2, len(self.parts) - 1)
            self.new_block(T_SCHEMA, b"", encoded + record(*self.second_schema), at=second_at)
        for number, part in enumerate(self.parts):
            if number == second_at:
                schema_id = hash64(encoded + record(*self.second_schema))
            elif part.disk_type == T_SCHEMA:
                part.set_body(encoded)
            elif part.disk_type & ~sb.TYPE_SKIPPABLE in sb.ROW_TYPES:
                part.plain = cm.put(part.plain, 24, "<Q", schema_id)


# -------- novelties: blocks --------

def unknown_number(random):
    while True:
        number = random.choice((random.randint(0, 64), random.getrandbits(30)))
        if number not in sb.KNOWN_TYPES:
            return number


def any_block(future, disk_type):
    random = future.random
    body = random.choice((None, random.randbytes(random.randint(0, 300))))
    future.new_block(disk_type, random.randbytes(random.randint(0, 200)), body)


def skippable_block(future):
    any_block(future, unknown_number(future.random) | sb.TYPE_SKIPPABLE)


def needed_block(future):
    any_block(future, unknown_number(future.random))
    future.unknown_blocks += 1


def private_skippable_block(future):
    any_block(future, future.random.choice((unknown_number(future.random), *sb.KNOWN_TYPES)) | 3 << 30)


def private_block(future):
    any_block(future, future.random.choice((unknown_number(future.random), *sb.KNOWN_TYPES)) | 1 << 31)
    future.unknown_blocks += 1


def bit_30_of_known(future):
    """says nothing about a type that is known"""
    part = future.random.choice(future.rows_blocks())
    part.disk_type ^= sb.TYPE_SKIPPABLE


def replica_of_rows(future):
    """1.0 replicates no rows; a later version may."""
    part = future.random.choice(future.rows_blocks())
    copy = cm.Parts.__new__(cm.Parts)
    copy.__dict__.update(vars(part))
    copy.forced, copy.flags = {}, part.flags | sb.FLAG_REPLICA
    closed = future.parts[-1].disk_type & sb.TYPE_MASK == T_END
    future.parts.insert(future.random.randint(future.parts.index(part) + 1, len(future.parts) - closed), copy)


def longer_header(future):
    for part in future.random.sample(future.parts, future.random.randint(1, len(future.parts))):
        part.extra_header = future.random.randbytes(8 * future.random.randint(1, 23))


# -------- novelties: fixed parts --------

def minor_version(future):
    for part in future.parts:
        if part.disk_type == T_FILE_HEADER:
            part.plain = cm.put(part.plain, 2, "<H", future.random.randint(1, 65535))


def longer_file_header(future):
    extra = future.random.randbytes(8 * future.random.randint(1, 20))
    for part in future.parts:
        if part.disk_type == T_FILE_HEADER:
            fixed_len = struct.unpack_from("<I", part.plain, 4)[0]
            part.plain = cm.put(part.plain[:fixed_len] + extra + part.plain[fixed_len:], 4, "<I", fixed_len + len(extra))


def file_header_entries(future):
    random = future.random
    entries = b""
    for _ in range(random.randint(1, 4)):
        value = random.randbytes(random.randint(0, 60))
        entries += struct.pack("<HHI", random.randint(4, 65535), random.getrandbits(16), len(value)) + value + bytes(-len(value) % 8)
    for part in future.parts:
        if part.disk_type == T_FILE_HEADER:
            fixed_len = struct.unpack_from("<I", part.plain, 4)[0]
            at = random.choice((fixed_len, len(part.plain)))
            part.plain = part.plain[:at] + entries + part.plain[at:]


def file_header_bits(future):
    """compat_flags, and reserved bytes"""
    for part in future.parts:
        if part.disk_type == T_FILE_HEADER:
            part.plain = cm.put(part.plain, 8, "<Q", future.random.getrandbits(64))
            part.plain = part.plain[:116] + future.random.randbytes(12) + part.plain[128:]


def end_parts(future):
    return [part for part in future.parts if part.disk_type & sb.TYPE_MASK == T_END and not part.disk_type >> 31]


def longer_end(future):
    for part in end_parts(future):
        part.plain += future.random.randbytes(future.random.randint(1, 100))


def new_end_reason(future):
    for part in end_parts(future):
        part.plain = cm.put(part.plain, 48, "<I", future.random.randint(9, 1 << 31))
        part.plain = part.plain[:52] + future.random.randbytes(12) + part.plain[64:]


def longer_prologue(future):
    for part in future.rows_blocks():
        part.plain = cm.put(part.plain + future.random.randbytes(future.random.randint(1, 90)), 0, "<H", len(part.plain))


def prologue_bits(future):
    for part in future.rows_blocks():
        part.plain = cm.put(part.plain, 2, "<H", future.random.getrandbits(16))
        part.plain = part.plain[:84] + future.random.randbytes(44) + part.plain[128:]


def body_bits(future):
    """flags and reserved fields of sections and columns"""
    random = future.random
    for section in future.any_body().sections:
        section[1], section[4] = random.getrandbits(16), random.getrandbits(32)
        if section[0] in KNOWN_SECTIONS and section[0] != 1:
            columns = columns_of(section[5])
            for column in columns:
                column[2] = random.getrandbits(8)
            section[5] = section_of(columns, random.getrandbits(16))
            section[5] += bytes(max(0, section[3] - len(section[5])))


# -------- novelties: the schema --------

def schema_records(future):
    """kinds of records that 1.0 does not know, anywhere"""
    random = future.random
    for _ in range(random.randint(1, 5)):
        one = [random.randint(4, 65535), random.randbytes(random.randint(0, 40)), random.randbytes(random.choice((0, 3, 30, 255, 256, 3000)))]
        future.records.insert(random.randint(0, len(future.records)), one)
    future.schema_changed = True


def longer_records(future):
    for one in future.random.sample(future.records, future.random.randint(1, 40)):
        if one[0] in (1, 2, 3):
            one[1] += future.random.randbytes(future.random.randint(1, 30))
    future.schema_changed = True


def new_values(future):
    """names of values of known and unknown kinds"""
    for _ in range(future.random.randint(1, 10)):
        kind = future.random.choice((10, 12, 13, 17, 19, 300, 65535))
        fixed = struct.pack("<HHI", kind, future.random.getrandbits(16), future.random.randint(100000, MAX_VALUE >> 32))
        future.records.append([3, fixed, future.new_name()])
    for value in range(300, 1000):  # kinds of fields have 8 bits, those of values 16: this is not a name of a system call
        future.records.append([3, struct.pack("<HHI", 256 + 10, 0, value), b"wrong"])
    future.schema_changed = True


def empty_type(future):
    future.records.append([1, struct.pack("<II", future.new_id(), future.random.getrandbits(8)), future.new_name()])
    future.schema_changed = True


# -------- novelties: rows --------

def some_columns(future, rows, fields, bad_encoding=0.0):
    """-> columns for a section; those of unknown encodings are counted"""
    random, columns = future.random, []
    for field, kind in fields:
        values = some_values(random, rows, references=kind in (5, 6, 7, 8))
        if random.random() < bad_encoding:
            columns.append([field, random.randint(5, 255), 0, random.randbytes(random.randint(0, 40))])
            future.rejected += 1
        else:
            encoding, data = encode(values, random)
            columns.append([field, encoding, 0, data])
    return columns


def add_section(future, body, kind, type_id, rows, content):
    """rows may not exceed the bytes of their section"""
    content += bytes(max(0, rows - len(content)))
    body.sections.insert(future.random.randint(0, len(body.sections)), [kind, 0, type_id, rows, 0, content])


def undescribed_type(future):
    """rows of a type that not even the file's schema has"""
    rows = future.random.randint(1, 20)
    fields = [(number, 0) for number in future.random.sample(range(1, 300), future.random.randint(0, 5))]
    add_section(future, future.any_body(), EVENTS, future.new_id(), rows, section_of(some_columns(future, rows, fields, 0.3)))
    future.unnamed_rows += rows
    future.undescribed_rows += rows


def new_type(future):
    """rows of a type that the schema describes"""
    random, type_id, rows = future.random, future.new_id(), future.random.randint(1, 20)
    future.records.append([1, struct.pack("<II", type_id, random.choice((16, 3, 40))), future.new_name() + b"_%d" % type_id])
    fields = [future.field_record(type_id) for _ in range(random.randint(1, 5))]
    add_section(future, future.any_body(), EVENTS, type_id, rows, section_of(some_columns(future, rows, fields, 0.15)))
    future.unnamed_rows += rows
    future.schema_changed = True


def add_column(future, section, column):
    columns = columns_of(section[5])
    if any(other[0] == column[0] for other in columns):
        raise Again
    columns.insert(future.random.randint(0, len(columns)), column)
    section[5] = section_of(columns)


def new_field(future):
    """a field of a known type, described by the schema"""
    section = future.random.choice(future.any_body().events())
    if section[2] not in KNOWN_TYPES:
        raise Again
    field, kind = future.field_record(section[2])
    add_column(future, section, some_columns(future, section[3], [(field, kind)])[0])


def undescribed_field(future):
    section = future.random.choice(future.any_body().events())
    add_column(future, section, some_columns(future, section[3], [(future.random.randint(200, 65535), 0)])[0])


def new_field_new_encoding(future):
    section = future.random.choice(future.any_body().events())
    if section[2] not in KNOWN_TYPES:
        raise Again
    add_column(future, section, some_columns(future, section[3], [future.field_record(section[2])], 1.1)[0])


def known_field_new_encoding(future):
    """reads as NULL, the others are kept"""
    section = future.random.choice(future.any_body().events())
    if section[2] not in KNOWN_TYPES or future.extra_rows and section[2] == LOSS:
        raise Again
    columns = columns_of(section[5])
    column = future.random.choice([column for column in columns if column[0] < 200 and column[1] < 5] or [None])
    if column is None:
        raise Again
    column[1] = future.random.randint(5, 255)
    section[5] = section_of(columns)
    future.nulled_rows += section[3]
    future.rejected += 1
    future.import_rejects |= (section[2], column[0]) not in RESERVED  # nobody asks for those


def known_field_other_encoding(future):
    """any of the five encodings may be used for any column"""
    section = future.random.choice(future.any_body().events())
    columns = columns_of(section[5])
    column = future.random.choice([column for column in columns if column[0] < 200] or [None])
    if column is None or column[1] > 4:
        raise Again
    column[1], column[3] = encode(decode_column(column[1], column[3], section[3]), future.random)
    section[5] = section_of(columns)
    if section[3] > len(section[5]):
        raise Again


def table_columns(future):
    """local tables with columns that 1.0 does not know"""
    for section in future.any_body().sections:
        if section[0] in (2, 3, 4):
            add_column(future, section, some_columns(future, section[3], [(future.random.randint(7, 65535), 0)])[0])


def new_section(future):
    random = future.random
    kind = random.choice([kind for kind in (0, *range(7, 16), 17, 18, 900, 65535)])
    add_section(future, future.any_body(), kind, random.getrandbits(16), random.randint(0, 9), random.randbytes(random.randint(0, 90)))


def new_loss_reason(future):
    """known rows with a value that has no name: more rows, not other ones"""
    rows = future.random.randint(1, 3)
    reasons = [NEW_REASON + future.random.randrange(1000) for _ in range(rows)]
    columns = [[1, *encode([5] * rows, future.random)], [2, *encode([4] * rows, future.random)], [3, *encode([7] * rows, future.random)],
               [LOSS_REASON_FIELD, *encode(reasons, future.random)]]
    section = section_of([[field, encoding, 0, data] for field, encoding, data in columns])
    add_section(future, future.any_body(), EVENTS, LOSS, rows, section)
    future.extra_rows = True


def new_frame_space(future):
    """frames of spaces that 1.0 does not know, behind the ones that its stacks name"""
    section = next((section for section in future.any_body().sections if section[0] == FRAMES and section[3]), None)
    if section is None:
        raise Again
    columns, more = columns_of(section[5]), future.random.randint(1, 9)
    for column in columns:
        if column[0] in (1, 2, 3):
            added = [future.random.choice((4, 9, 255, 256, MAX_VALUE)) if column[0] == 1 else future.random.randrange(3) for _ in range(more)]
            column[1], column[3] = encode(decode_column(column[1], column[3], section[3]) + added, future.random)
        else:
            raise Again  # of table_columns
    section[3], section[5] = section[3] + more, section_of(columns)
    if section[3] > len(section[5]):
        raise Again


def schema_grows(future):
    """a second schema in the middle, with a type more; blocks behind it name that one, and the replica at the end is of the first"""
    future.second_schema = [1, struct.pack("<II", future.new_id(), 16), future.new_name()]
    future.schema_changed = True


def rows_elsewhere(future):
    """a reader accepts rows of any type in any block of rows"""
    part = future.random.choice([part for part in future.rows_blocks() if block_type(part) != 16] or [None])
    if part is None:
        raise Again
    part.disk_type = part.disk_type & sb.TYPE_SKIPPABLE | future.random.choice(sorted(sb.ROW_TYPES - {16}))


def reason_field():
    with_ids = defined("events.def", "FIELD")
    return next(int(row[1]) for row in with_ids if row[0] == "loss" and row[3] == "reason")


def reserved_fields():
    """-> {(type id, field id)} of fields that hold nothing"""
    types = {name: int(number) for number, _, name, *_ in defined("events.def", "EVENT_BEGIN")}
    return {(types[row[0]], int(row[1])) for row in defined("events.def", "FIELD") if row[3] == "reserved"}


LOSS_REASON_FIELD, RESERVED = reason_field(), reserved_fields()
NOVELTIES = (skippable_block, needed_block, private_skippable_block, private_block, bit_30_of_known, replica_of_rows, longer_header,
             minor_version, longer_file_header, file_header_entries, file_header_bits, longer_end, new_end_reason, longer_prologue,
             prologue_bits, body_bits, schema_records, longer_records, new_values, empty_type, undescribed_type, new_type, new_field,
             undescribed_field, new_field_new_encoding, known_field_new_encoding, known_field_other_encoding, table_columns, new_section,
             new_loss_reason, new_frame_space, schema_grows, rows_elsewhere)
MAX_DRAWS = 100
BY_NAME = {novelty.__name__: novelty for novelty in NOVELTIES}


def imagine(base, random, only=None):
    """-> (Future, its bytes, names of the novelties in it)"""
    for draw in range(MAX_DRAWS + 1):
        future = Future(base, random)
        chosen = [BY_NAME[only]] * random.randint(1, 3) if only else random.sample(NOVELTIES, random.choice((1, 1, 2, 3, 5, 9, 15)))
        if draw == MAX_DRAWS:
            chosen = []  # this base has nothing that the novelty could change
        # a replica is a copy of what its original has become; and a block that moves keeps what it holds
        chosen.sort(key=lambda novelty: novelty in (replica_of_rows,))
        try:
            for novelty in chosen:
                if novelty is replica_of_rows:
                    for body in future.bodies.values():
                        body.write()
                novelty(future)
            return future, future.bytes(), [novelty.__name__ for novelty in chosen]
        except Again:
            continue
