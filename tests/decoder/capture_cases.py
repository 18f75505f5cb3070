"""Captures with one thing in them that two readers may take in two ways. Each case is a function (data, other) -> bytes, where
`other` is a second sound capture. A difference that was found once stays here, at the limit and one past it where there is one.
"""
import struct

import xxhash

import second_blocks as sb
import second_rows as sr
from capture_mutations import Parts, put, put_together, split_blocks, take_apart


def edit(data, block_type, change):
    """-> data with change(parts) done to the first block of that type"""
    block = next(block for block in split_blocks(data) if block.type == block_type)
    parts = Parts(block, data)
    change(parts)
    return data[:block.offset] + parts.bytes() + data[block.end:]


def pieces(data):
    return [data[block.offset:block.end] for block in split_blocks(data)]


def spoil(block):
    return block[:-1] + bytes([block[-1] ^ 1])


def last_seq(data, _):
    """The index has the highest number there is: what comes after it has numbers already passed."""
    return edit(data, sb.T_INDEX, lambda parts: setattr(parts, "seq", (1 << 64) - 1))


def first_seq_is_last(data, _):
    return edit(data, sb.T_FILE_HEADER, lambda parts: setattr(parts, "seq", (1 << 64) - 1))


def unknown_skippable(data, _):
    return edit(data, 17, lambda parts: setattr(parts, "disk_type", 912 | 1 << 30))


def unknown_private(data, _):
    return edit(data, 17, lambda parts: setattr(parts, "disk_type", 912 | 3 << 30))


def private_number_of_ours(data, _):
    """A private type that has the number of one of ours is not ours."""
    return edit(data, 16, lambda parts: setattr(parts, "disk_type", 16 | 1 << 31))


def private_skippable_of_ours(data, _):
    return edit(data, 16, lambda parts: setattr(parts, "disk_type", 16 | 3 << 30))


def short_prologue(data, _):
    return edit(data, 16, lambda parts: setattr(parts, "plain", parts.plain[:88]))


def no_prologue(data, _):
    return edit(data, 16, lambda parts: setattr(parts, "plain", b""))


def wrong_row_promise(data, _):
    return edit(data, 16, lambda parts: setattr(parts, "plain", put(parts.plain, 4, "<I", 0)))


def damaged_block_counts_nothing(data, _):
    """A rejected column and rows of an unknown type, in a block that does not keep its promise."""
    def change(parts):
        entries, contents = take_apart(parts.body())
        i = next(i for i, entry in enumerate(entries) if entry[0] == sr.S_EVENTS)
        contents[i] = put(contents[i], 6, "<B", 250)
        parts.set_body(put_together(entries + [[16, 0, 912, 5, 0, 0, 0]], contents + [fixed_columns([7] * 5)]))
    return edit(data, 16, change)


def with_unknown_type(data, content):
    def change(parts):
        entries, contents = take_apart(parts.body())
        parts.plain = put(parts.plain, 4, "<I", struct.unpack_from("<I", parts.plain, 4)[0] + 3)
        parts.set_body(put_together(entries + [[16, 0, 912, 3, 0, 0, 0]], contents + [content]))
    return edit(data, 16, change)


def unknown_type(data, _):
    return with_unknown_type(data, fixed_columns([7] * 3))


def unknown_type_bad_column(data, _):
    return with_unknown_type(data, put(fixed_columns([7] * 3), 6, "<B", 250))


def unknown_type_bad_layout(data, _):
    return with_unknown_type(data, put(fixed_columns([7] * 3), 0, "<H", 257))


def newer_feature(data, _):
    return edit(data, sb.T_FILE_HEADER, lambda parts: setattr(parts, "plain", put(parts.plain, 16, "<Q", 1 << 40)))


def newer_major(data, _):
    return edit(data, sb.T_FILE_HEADER, lambda parts: setattr(parts, "plain", put(parts.plain, 0, "<H", 2)))


def damaged_copy_before_gap(data, _):
    """A damaged copy of a block that was read already does not stand for any of the three that are missing."""
    blocks = pieces(data)
    return b"".join(blocks[:4] + [spoil(blocks[2])] + blocks[7:])


def damaged_then_gap(data, _):
    blocks = pieces(data)
    return b"".join(blocks[:4] + [spoil(blocks[4])] + blocks[7:])


def foreign_end(data, other):
    """The END of another file does not close this one."""
    return b"".join(pieces(data)[:-1] + pieces(other)[-1:])


def end_twice(data, _):
    return data + pieces(data)[-1]


def replica_of_rows(data, _):
    return edit(data, 16, lambda parts: setattr(parts, "flags", parts.flags | sb.FLAG_REPLICA))


def schema_type_twice(data, _):
    def change(parts):
        body = parts.body()
        length = 8 + struct.unpack_from("<I", body, 4)[0]
        parts.set_body(body[:length] + body)
    return edit(data, sb.T_SCHEMA, change)


def schema_field_twice(data, _):
    def change(parts):
        body = parts.body()
        first = 8 + struct.unpack_from("<I", body, 4)[0]
        second = first + 8 + struct.unpack_from("<I", body, first + 4)[0]
        parts.set_body(body[:second] + body[first:])
    return edit(data, sb.T_SCHEMA, change)


def with_schema(data, change):
    """-> data whose schemas went through change(body); all blocks of rows name the new one"""
    out, schema_id = [], None
    for block in split_blocks(data):
        parts = Parts(block, data)
        if block.type == sb.T_SCHEMA:
            body = change(parts.body())
            schema_id = xxhash.xxh3_64_intdigest(body)
            parts.set_body(body)
        elif block.type in sb.ROW_TYPES:
            parts.plain = put(parts.plain, 24, "<Q", schema_id)
        out.append(parts.bytes())
    return b"".join(out)


def record(tag, fixed, name):
    return struct.pack("<HHI", tag, len(fixed), len(fixed) + len(name)) + fixed + name


def newer_schema(data, _):
    """A writer of a later minor version: a field, a type, a value and a kind of record that 1.0 does not have, and rows of the type."""
    added = (record(1, struct.pack("<II", 99, 16), b"thing") + record(2, struct.pack("<IHBBBBH", 99, 1, 1, 1, 0, 8, 0), b"time_ns")
             + record(2, struct.pack("<IHBBBBH", 99, 2, 99, 0, 0, 8, 1) + b"more", b"change") + record(3, struct.pack("<HHI", 12, 0, 77), b"new")
             + record(9, b"12", b"unheard of"))
    data = with_schema(data, lambda body: body + added)

    def change(parts):
        entries, contents = take_apart(parts.body())
        columns = struct.pack("<HHHBBIIHBBII", 2, 0, 1, 1, 0, 28, 8, 2, 0, 0, 36, 2) + struct.pack("<QBB", 1234, 1, 0xFF)
        parts.set_body(put_together(entries + [[16, 0, 99, 2, 0, 0, 0]], contents + [columns]))
        parts.plain = put(parts.plain, 4, "<I", struct.unpack_from("<I", parts.plain, 4)[0] + 2)
    return edit(data, 16, change)


def older_schema(data, _):
    """A writer of an earlier version, without the last field of the second type."""
    def change(body):
        at, fields = 0, []
        while at < len(body):
            tag, _, length = struct.unpack_from("<HHI", body, at)
            if tag == 2 and struct.unpack_from("<I", body, at + 8)[0] == 2:
                fields.append((at, at + 8 + length))
            at += 8 + length
        return body[:fields[-2][0]] + body[fields[-1][1]:]
    return with_schema(data, change)


def no_schema(data, _):
    return b"".join(data[block.offset:block.end] for block in split_blocks(data) if block.type != sb.T_SCHEMA)


def late_schema(data, _):
    """Only the replica of the schema survived: rows come before it."""
    first = next(block for block in split_blocks(data) if block.type == sb.T_SCHEMA)
    return data[:first.offset] + data[first.end:]


def with_section(data, kind, rows, content, type_id=0):
    """-> data whose first chunk has that section, in place of the one of its kind and type if it has one"""
    def change(parts):
        entries, contents = take_apart(parts.body())
        kept = [i for i, entry in enumerate(entries) if (entry[0], entry[2]) != (kind, type_id)]
        parts.set_body(put_together([[kind, 0, type_id, rows, 0, 0, 0]] + [entries[i] for i in kept], [content] + [contents[i] for i in kept]))
    return edit(data, 16, change)


def fixed_columns(*columns):
    """-> section of 8-byte columns 1, 2, ..."""
    directory = 4 + 12 * len(columns)
    stored = [struct.pack(f"<{len(column)}Q", *column) for column in columns]
    heads = [struct.pack("<HBBII", number + 1, 0, 0, directory + sum(map(len, stored[:number])), len(stored[number]))
             for number in range(len(columns))]
    return struct.pack("<HH", len(columns), 0) + b"".join(heads) + b"".join(stored)


def stack_of(depth):
    def deep_stack(data, _):
        """Each stack is the caller of the next."""
        return with_section(data, sr.S_STACKS, depth, fixed_columns(range(depth), [1] * depth))
    deep_stack.__name__ = f"stack_of_{depth}"
    return deep_stack


def string_of(length):
    def long_string(data, _):
        lengths = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
        return with_section(data, sr.S_STRINGS, 1, struct.pack("<I", 3) + lengths + b"a" * length)
    long_string.__name__ = f"string_of_{length}"
    return long_string


def sections_of(count):
    def many_sections(data, _):
        def change(parts):
            entries, contents = take_apart(parts.body())
            more = count - len(entries)
            parts.set_body(put_together(entries + [[900, 0, 0, 0, 0, 0, 0] for _ in range(more)], contents + [b""] * more))
        return edit(data, 16, change)
    many_sections.__name__ = f"sections_of_{count}"
    return many_sections


def columns_of(count):
    def many_columns(data, _):
        def change(parts):
            entries, contents = take_apart(parts.body())
            i = next(i for i, entry in enumerate(entries) if entry[0] == sr.S_EVENTS)
            contents[i] = fixed_columns(*[[number] * entries[i][3] for number in range(count)])
            parts.set_body(put_together(entries, contents))
        return edit(data, 16, change)
    many_columns.__name__ = f"columns_of_{count}"
    return many_columns


def table_twice(data, _):
    def change(parts):
        entries, contents = take_apart(parts.body())
        i = next(i for i, entry in enumerate(entries) if entry[0] == sr.S_TASKS)
        parts.set_body(put_together(entries + [list(entries[i])], contents + [contents[i]]))
    return edit(data, 16, change)


def events_twice(data, _):
    """Two sections of one type: its rows come in both."""
    def change(parts):
        entries, contents = take_apart(parts.body())
        i = next(i for i, entry in enumerate(entries) if entry[0] == sr.S_EVENTS)
        parts.plain = put(parts.plain, 4, "<I", struct.unpack_from("<I", parts.plain, 4)[0] + entries[i][3])
        parts.set_body(put_together(entries + [list(entries[i])], contents + [contents[i]]))
    return edit(data, 16, change)


def narrow_negative(data, _):
    """All ones in one byte, in a signed field: 255, not -1."""
    def change(parts):
        entries, contents = take_apart(parts.body())
        i = next(i for i, entry in enumerate(entries) if entry[0] == sr.S_EVENTS and entry[2] == 1)
        columns = struct.unpack_from("<H", contents[i])[0]
        at = next(4 + 12 * k for k in range(columns) if struct.unpack_from("<H", contents[i], 4 + 12 * k)[0] == 3)
        contents[i] = put(put(put(contents[i], at + 2, "<B", 0), at + 4, "<I", len(contents[i])), at + 8, "<I", entries[i][3])
        contents[i] += b"\xff" * entries[i][3]
        parts.set_body(put_together(entries, contents))
    return edit(data, 16, change)


CASES = (stack_of(1024), stack_of(1025), string_of(65536), string_of(65537), sections_of(1024), sections_of(1025), columns_of(256),
         columns_of(257), table_twice, events_twice, narrow_negative, newer_schema, older_schema, no_schema, late_schema,
         last_seq, first_seq_is_last, unknown_skippable, unknown_private, private_number_of_ours, private_skippable_of_ours,
         short_prologue, no_prologue, wrong_row_promise, damaged_block_counts_nothing, unknown_type, unknown_type_bad_column,
         unknown_type_bad_layout, newer_feature, newer_major, damaged_copy_before_gap, damaged_then_gap, foreign_end, end_twice,
         replica_of_rows, schema_type_twice, schema_field_twice)
BY_NAME = {case.__name__: case for case in CASES}
