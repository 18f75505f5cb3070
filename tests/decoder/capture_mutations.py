"""Damages captures, above the checksums (as disks and transfers do) and below them (as a hostile writer does: every hash is right).

mutate(data, other, random, without) -> (what was done, damaged bytes); `other` is a second sound capture. The same random.Random state
gives the same result. capture_cases.py has the single cases.
"""
import struct

import xxhash
import zstandard

import second_blocks as sb
import second_rows as sr

PAGE = 4096
ODD_NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 257, 1023, 1024, 1025, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 1 << 22, 33554432,
               33554433, (1 << 31) - 1, 1 << 31, (1 << 32) - 8, (1 << 32) - 1)


# -------- blocks taken apart and put together again --------

class Parts:
    """What a block is made of; bytes() computes lengths and hashes that are not forced."""

    def __init__(self, block, data):
        self.disk_type, self.flags, self.file_id, self.seq = block.disk_type, block.flags, block.file_id, block.seq
        self.plain, self.frame, self.raw_len = block.plain, block.frame, block.raw_len
        self.extra_header, self.reserved, self.forced = data[block.offset + 64:block.offset + block.header_len - 8], 0, {}
        self.padding_byte = b"\0"

    def body(self):
        return zstandard.ZstdDecompressor().decompress(self.frame)

    def set_body(self, body, **options):
        self.frame = zstandard.ZstdCompressor(level=1, write_checksum=options.pop("checksum", True), **options).compress(body)
        self.raw_len = len(body)

    def bytes(self):
        header_len = sb.HEADER_BYTES + len(self.extra_header)
        padding = -(header_len + len(self.plain) + len(self.frame)) % 8
        payload = self.plain + self.padding_byte * padding + self.frame
        values = {"skip_len": header_len - 8 + len(self.plain) + padding, "header_len": header_len, "plain_len": len(self.plain),
                  "frame_len": len(self.frame), "raw_len": self.raw_len, **self.forced}
        header = struct.pack("<IIQIHHQQIIIIQ", sb.MAGIC, values["skip_len"], int.from_bytes(sb.MARKER, "little"), self.disk_type,
                             values["header_len"], self.flags, self.file_id, self.seq, values["plain_len"], values["frame_len"],
                             values["raw_len"], self.reserved, xxhash.xxh3_64_intdigest(payload)) + self.extra_header
        return header + struct.pack("<Q", xxhash.xxh3_64_intdigest(header)) + payload


def split_blocks(data):
    """-> [block] of a sound capture"""
    blocks, offset = [], 0
    while offset < len(data):
        block = sb.read_block(data, offset)
        if block is None:
            raise ValueError(f"no sound capture: offset {offset}")
        blocks.append(block)
        offset = block.end
    return blocks


def odd(random, near=0):
    return random.choice((random.choice(ODD_NUMBERS), near + random.choice((-8, -1, 1, 8)), random.getrandbits(32),
                          random.getrandbits(random.randint(1, 16)))) & 0xFFFFFFFF


def put(data, offset, layout, value):
    size = struct.calcsize(layout)
    return data[:offset] + struct.pack(layout, value & (1 << 8 * size) - 1) + data[offset + size:]


def take_apart(body):
    """-> ([directory entry of a section, as a list], [its bytes])"""
    (count,) = struct.unpack_from("<I", body)
    entries = [list(struct.unpack_from("<HHIIIII", body, 4 + 24 * number)) for number in range(count)]
    return entries, [body[entry[4]:entry[4] + entry[5]] for entry in entries]


def put_together(entries, contents):
    """-> body; offsets and lengths of the entries are set to what the contents need"""
    at = 4 + 24 * len(entries)
    for entry, content in zip(entries, contents):
        entry[4], entry[5], at = at, len(content), at + len(content)
    return struct.pack("<I", len(entries)) + b"".join(struct.pack("<HHIIIII", *entry) for entry in entries) + b"".join(contents)


# -------- above the checksums --------

def flip_bits(data, _, random):
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def flip_in_header(data, _, random):
    block = random.choice(split_blocks(data))
    data = bytearray(data)
    data[block.offset + random.randrange(block.header_len)] ^= 1 << random.randrange(8)
    return bytes(data)


def truncate(data, _, random):
    return data[:random.randrange(len(data))]


def truncate_at_block(data, _, random):
    return data[:random.choice(split_blocks(data)).offset]


def insert_bytes(data, _, random):
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.randint(1, 40)) + data[at:]


def delete_bytes(data, _, random):
    at = random.randrange(len(data))
    return data[:at] + data[at + random.randint(1, 40):]


def swap_pages(data, _, random):
    count = len(data) // PAGE
    if count < 2:
        return flip_bits(data, None, random)
    a, b = sorted(random.sample(range(count), 2))
    pages = [data[i:i + PAGE] for i in range(0, len(data), PAGE)]
    pages[a], pages[b] = pages[b], pages[a]
    return b"".join(pages)


def zero_page(data, _, random):
    at = random.randrange(0, len(data), PAGE)
    return data[:at] + bytes(min(PAGE, len(data) - at)) + data[at + PAGE:]


def text_mode(data, _, __):
    return data.replace(b"\n", b"\r\n")


def noise_around(data, _, random):
    noise = random.randbytes(random.randint(1, 100))
    return random.choice((noise + data, data + noise, data + sb.MARKER, data + data[:80], data + bytes(random.randint(1, 80))))


def two_captures(data, other, random):
    return random.choice((data + other, other + data, data + data, data[:random.randrange(len(data))] + other))


def move_blocks(data, other, random):
    """Whole blocks dropped, doubled, swapped, or taken from another capture: each is sound, their order is not."""
    blocks = [data[b.offset:b.end] for b in split_blocks(data)]
    foreign = split_blocks(other)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(blocks)) if blocks else 0
        action = random.randrange(4)
        if action == 0 and blocks:
            del blocks[at]
        elif action == 1 and blocks:
            blocks.insert(at, random.choice(blocks))
        elif action == 2 and blocks:
            swap = random.randrange(len(blocks))
            blocks[at], blocks[swap] = blocks[swap], blocks[at]
        else:
            block = random.choice(foreign)
            blocks.insert(at, other[block.offset:block.end])
    return b"".join(blocks)


# -------- below the checksums --------

def change_block(data, random, change, wanted=lambda block: True):
    blocks = split_blocks(data)
    chosen = [block for block in blocks if wanted(block)]
    if not chosen:
        return data
    chosen += [block for block in chosen if block.type == 16] * (len(chosen) // 2)  # chunks have what the others have, and more
    block = random.choice(chosen)
    parts = Parts(block, data)
    change(parts)
    return data[:block.offset] + parts.bytes() + data[block.end:]


def is_rows(block):
    return block.type in sb.ROW_TYPES


def sealed_header(data, other, random):
    """A header field is odd, its hash is right."""
    def change(parts):
        field = random.choice(("type", "type", "flags", "flags", "seq", "file_id", "header", "reserved", "padding", "skip_len", "plain_len",
                               "frame_len", "raw_len", "header_len"))
        if field == "type":
            parts.disk_type = random.choice((parts.disk_type ^ 1 << 30, 912, random.choice(sorted(sb.KNOWN_TYPES)), random.getrandbits(30)))
        elif field == "flags":
            parts.flags = random.choice((parts.flags ^ 1 << random.randrange(16), parts.flags | sb.FLAG_REPLICA, random.getrandbits(16)))
        elif field == "seq":
            parts.seq = random.choice((parts.seq + 1, max(parts.seq - 1, 0), 0, parts.seq + 1000, 1 << 62))
        elif field == "file_id":
            parts.file_id = random.choice((parts.file_id ^ 1, 0, split_blocks(other)[0].file_id))
        elif field == "header":
            parts.extra_header = random.randbytes(random.choice((8, 8, 64, 184, 192, 4)))
        elif field == "reserved":
            parts.reserved = odd(random)
        elif field == "padding":
            parts.padding_byte = b"\x5a"
        else:
            known = {"skip_len": 0, "plain_len": len(parts.plain), "frame_len": len(parts.frame), "raw_len": parts.raw_len, "header_len": 72}
            value = odd(random, known[field])
            parts.forced[field] = value & 0xFFFF if field == "header_len" else value
    return change_block(data, random, change)


def sealed_plain(data, _, random):
    """Bytes of a file header, a prologue or END are odd."""
    def change(parts):
        if random.random() < 0.2:
            parts.plain += random.randbytes(random.randint(1, 9))
            return
        at = random.randrange(min(len(parts.plain), 150))
        layout = random.choice(("<B", "<H", "<I"))
        at = min(at - at % struct.calcsize(layout), len(parts.plain) - struct.calcsize(layout))
        parts.plain = put(parts.plain, at, layout, odd(random, parts.plain[at]))
    return change_block(data, random, change, lambda block: len(block.plain) >= 4)


def sealed_frame(data, _, random):
    """The zstd frame is odd: cut, longer, two of them, without checksum or size, or not zstd."""
    def change(parts):
        body, action = parts.body(), random.randrange(8)
        if action == 0:
            parts.set_body(body, checksum=False)
        elif action == 1:
            parts.set_body(body, write_content_size=False)
        elif action == 2:
            parts.frame += random.choice((parts.frame, random.randbytes(8), b"\x50\x2a\x4d\x18\4\0\0\0abcd"))
        elif action == 3:
            parts.frame = parts.frame[:random.randrange(len(parts.frame))]
        elif action == 4:
            at = random.randrange(len(parts.frame))
            parts.frame = put(parts.frame, at, "<B", random.getrandbits(8))
        elif action == 5:
            parts.raw_len = random.choice((parts.raw_len + 1, max(parts.raw_len - 1, 0), 0))
        elif action == 6:
            parts.frame = b"\x50\x2a\x4d\x18" + struct.pack("<I", len(parts.frame) - 8) + parts.frame[8:]
        else:
            half = len(body) // 2
            first, second = (zstandard.ZstdCompressor(write_checksum=True).compress(part) for part in (body[:half], body[half:]))
            parts.frame = first + second
    return change_block(data, random, change, lambda block: block.codec == 1)


def sealed_body(data, _, random):
    """Any bytes of a decoded body are odd."""
    def change(parts):
        body = parts.body()
        for _ in range(random.randint(1, 3)):
            if not body:
                break
            at = random.randrange(len(body))
            body = random.choice((lambda: put(body, at, "<B", random.getrandbits(8)), lambda: body[:at] + body[at + random.randint(1, 9):],
                                  lambda: body[:at] + random.randbytes(3) + body[at:], lambda: body[:at]))()
        parts.set_body(body)
    return change_block(data, random, change, lambda block: block.codec == 1)


def sealed_sections(data, _, random):
    """An entry in the list of sections is odd."""
    def change(parts):
        body = parts.body()
        (count,) = struct.unpack_from("<I", body)
        if random.random() < 0.1 or not count:
            parts.set_body(put(body, 0, "<I", odd(random, count)))
            return
        at = 4 + 24 * random.randrange(count)
        offset, layout, values = random.choice(((0, "<H", (1, 2, 3, 4, 5, 16, 17, 900)), (2, "<H", (1, 0xFFFF)), (4, "<I", (0, 1, 7, 18, 19, 912)),
                                                (8, "<I", ()), (8, "<I", ()), (12, "<I", ()), (16, "<I", ()), (20, "<I", (1,))))
        (old,) = struct.unpack_from(layout, body, at + offset)
        value = random.choice(values) if values and random.random() < 0.8 else odd(random, old)
        parts.set_body(put(body, at + offset, layout, value))
    return change_block(data, random, change, is_rows)


def sealed_columns(data, _, random):
    """An entry in a section's list of columns is odd, or one byte of a column."""
    def change(parts):
        body = parts.body()
        sections = [s for s in range(struct.unpack_from("<I", body)[0])]
        random.shuffle(sections)
        for number in sections:
            kind, _, _, rows, at, length, _ = struct.unpack_from("<HHIIIII", body, 4 + 24 * number)
            if kind == sr.S_STRINGS:
                if random.random() < 0.3:
                    parts.set_body(put(body, at + random.randrange(min(length, 64)), "<B", random.getrandbits(8)))
                    return
                continue
            (columns,) = struct.unpack_from("<H", body, at)
            if not columns:
                continue
            if random.random() < 0.1:
                parts.set_body(put(body, at, "<H", odd(random, columns)))
                return
            entry = at + 4 + 12 * random.randrange(columns)
            field_id, encoding, flags, offset, column_len = struct.unpack_from("<HBBII", body, entry)
            action = random.randrange(7)
            if action == 0:
                body = put(body, entry, "<H", random.choice((0, field_id + 1, field_id - 1, 1, 900)))
            elif action == 1:
                body = put(body, entry + 2, "<B", random.choice((0, 1, 2, 3, 4, 5, 6, 255)))
            elif action == 2:
                body = put(body, entry + 3, "<B", random.getrandbits(8))
            elif action == 3:
                body = put(body, entry + 4, "<I", odd(random, offset))
            elif action == 4:
                body = put(body, entry + 8, "<I", odd(random, column_len))
            elif column_len:
                for _ in range(random.randint(1, 3)):
                    body = put(body, at + offset + random.randrange(column_len), "<B", random.getrandbits(8))
            parts.set_body(body)
            return
    return change_block(data, random, change, is_rows)


def replace_column(data, _, random):
    """One column in another encoding, with values at the edges of what it can hold."""
    def varint(value):
        out = bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes(out) + bytes([value])

    def column(rows):
        edges = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1)
        encoding = random.randrange(5)
        values = [random.choice(edges) if random.random() < 0.5 else random.getrandbits(random.randint(1, 64)) for _ in range(rows)]
        if encoding == 0:
            width = random.choice((1, 2, 4, 8, 3))
            return 0, b"".join((value & (1 << 8 * width) - 1).to_bytes(width, "little") for value in values)
        if encoding == 1:
            return 1, struct.pack("<Q", random.choice(edges))[:random.choice((8, 8, 8, 4))]
        stored = [varint(value) for value in values]
        if random.random() < 0.2:  # longer than needed, or of too many bits
            stored[-1] = random.choice((b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x02", b"\xff" * 9 + b"\x7f", b"\x80" * 10 + b"\0",
                                        b"\xff" * 3))
        return encoding, b"".join(stored)

    def change(parts):
        body = parts.body()
        entries, contents = take_apart(body)
        chosen = [i for i in range(len(entries)) if entries[i][0] != sr.S_STRINGS and struct.unpack_from("<H", contents[i])[0]
                  and 0 < entries[i][3] <= 4096]
        if not chosen:
            return
        i = random.choice(chosen)
        columns = struct.unpack_from("<H", contents[i])[0]
        entry = 4 + 12 * random.randrange(columns)
        encoding, stored = column(entries[i][3])
        content = put(contents[i], entry + 2, "<B", encoding)
        content = put(put(content, entry + 4, "<I", len(content)), entry + 8, "<I", len(stored)) + stored
        contents[i] = content
        parts.set_body(put_together(entries, contents))
    return change_block(data, random, change, is_rows)


def sealed_schema(data, _, random):
    """A record of the schema is odd: another id, kind, flag, name or length. The blocks name the schema they had."""
    def change(parts):
        body, records, at = parts.body(), [], 0
        while at < len(body):
            records.append(at)
            at += 8 + struct.unpack_from("<I", body, at + 4)[0]
        at = random.choice(records)
        length = 8 + struct.unpack_from("<I", body, at + 4)[0]
        action = random.randrange(4)
        if action == 0:
            body = put(body, at + random.randrange(length), "<B", random.getrandbits(8))
        elif action == 1:
            body = body[:at] + body[at + length:]
        elif action == 2:
            body = body[:at] + body[at:at + length] + body[at:]
        else:
            body = body[:at] + struct.pack("<HHI", random.choice((0, 4, 99)), 0, 4) + b"abcd" + body[at:]
        parts.set_body(body)
    return change_block(data, random, change, lambda block: block.type == sb.T_SCHEMA)


ABOVE = (flip_bits, flip_in_header, truncate, truncate_at_block, insert_bytes, delete_bytes, swap_pages, zero_page, text_mode, noise_around,
         two_captures, move_blocks)
BELOW = (sealed_header, sealed_plain, sealed_frame, sealed_body, sealed_sections, sealed_columns, replace_column, sealed_schema)


BY_NAME = {change.__name__: change for change in ABOVE + BELOW}


def mutate(data, other, random, without=()):
    """-> (names of what was done, bytes). Damage above the checksums comes last, since the rest needs a sound capture."""
    above, below = ([change for change in changes if change.__name__ not in without] for changes in (ABOVE, BELOW))
    done = []
    if random.random() < 0.65:
        change = random.choice(below)
        done.append(change.__name__)
        data = change(data, other, random)
        if random.random() < 0.8:
            return done, data
    change = random.choice(above)
    done.append(change.__name__)
    try:
        return done, change(data, other, random)
    except ValueError:  # the first change left no sound blocks to move
        return done[:-1] + ["flip_bits"], flip_bits(data, other, random)
