"""Section 3 of formats/SPEC.md for second_decoder.py: block headers, where blocks begin and end, and the zstd frame in them."""
import struct

import xxhash
import zstandard

MAGIC = 0x184D2A5B
MARKER = bytes.fromhex("CB4B594D0D0A1A0A")
HEADER = struct.Struct("<IIQIHHQQIIIIQ")
HEADER_BYTES = 72
FLAG_REPLICA = 1 << 4
FLAGS_KNOWN = 0x0F | FLAG_REPLICA | 1 << 7
TYPE_MASK, TYPE_SKIPPABLE = (1 << 30) - 1, 1 << 30
T_FILE_HEADER, T_SCHEMA, T_INDEX, T_END = 1, 2, 32, 33
ROW_TYPES = frozenset((3, 4, 5, 6, 16, 17, 18, 19, 20, 21, 24))
KNOWN_TYPES = ROW_TYPES | {T_FILE_HEADER, T_SCHEMA, T_INDEX, T_END}

MAX_HEADER_BYTES = 256
MAX_PLAIN_BYTES = MAX_FRAME_BYTES = MAX_RAW_BYTES = 33554432


class Damage(Exception):
    """This block, or this part of it, is not as the text says."""


class Refused(Exception):
    """The file must not be read at all: another major version, or a feature that is not known."""


def hash64(data):
    return xxhash.xxh3_64_intdigest(data)


class Block:
    """One block whose header is good. `payload_good` says whether the payload's hash agrees."""
    __slots__ = ("offset", "end", "disk_type", "header_len", "flags", "file_id", "seq", "plain", "frame", "raw_len", "payload_good",
                 "payload_hash", "content")

    @property
    def type(self):
        return self.disk_type & TYPE_MASK

    @property
    def known(self):
        """Bit 30 says nothing about a type that is known; bit 31 makes it another's."""
        return self.disk_type & ~TYPE_SKIPPABLE in KNOWN_TYPES

    @property
    def replica(self):
        return bool(self.flags & FLAG_REPLICA)

    @property
    def codec(self):
        return self.flags & 0x0F


def read_header(data, offset):
    """-> Block without payload, or None if no good header stands at offset"""
    if offset + HEADER_BYTES > len(data):
        return None
    (magic, skip_len, _, disk_type, header_len, flags, file_id, seq, plain_len, frame_len, raw_len, reserved,
     _) = HEADER.unpack_from(data, offset)
    if magic != MAGIC or data[offset + 8:offset + 16] != MARKER:
        return None
    if not HEADER_BYTES <= header_len <= MAX_HEADER_BYTES or header_len % 8 or offset + header_len > len(data):
        return None
    hashed, (expected,) = data[offset:offset + header_len - 8], struct.unpack_from("<Q", data, offset + header_len - 8)
    if hash64(hashed) != expected:
        return None
    padding = -(header_len + plain_len + frame_len) % 8
    if plain_len > MAX_PLAIN_BYTES or frame_len > MAX_FRAME_BYTES or raw_len > MAX_RAW_BYTES:
        return None
    if skip_len != header_len - 8 + plain_len + padding:
        return None
    codec = flags & 0x0F
    if seq >> 63 or reserved or flags & ~FLAGS_KNOWN or codec > 1 or codec == 0 and (frame_len or raw_len) or codec == 1 and not frame_len:
        return None
    block = Block()
    block.offset, block.disk_type, block.flags, block.file_id, block.seq = offset, disk_type, flags, file_id, seq
    block.header_len, block.raw_len = header_len, raw_len
    block.end = offset + header_len + plain_len + padding + frame_len
    block.plain, block.frame, block.payload_good = plain_len, frame_len, False
    return block


def read_block(data, offset):
    """-> Block, or None if its header is bad or the file ends inside it"""
    block = read_header(data, offset)
    if block is None or block.end > len(data):
        return None
    payload = memoryview(data)[offset + block.header_len:block.end]
    (block.payload_hash,) = struct.unpack_from("<Q", data, offset + 56)
    block.payload_good = hash64(payload) == block.payload_hash
    frame_at = len(payload) - block.frame
    block.plain, block.frame = bytes(payload[:block.plain]), bytes(payload[frame_at:])
    return block


def search(data, offset):
    """-> the first place at or after offset where a good header stands, or None"""
    at = data.find(MARKER, offset + 8)
    while at >= 0:
        if read_header(data, at - 8) is not None:
            return at - 8
        at = data.find(MARKER, at + 1)
    return None


def decompress(block):
    """-> the body: exactly one frame, of exactly the size that header and frame name"""
    frame = block.frame
    if frame[:4] != b"\x28\xb5\x2f\xfd":
        raise Damage("no zstd frame")
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if parameters.content_size != block.raw_len or parameters.dict_id:
            raise Damage("the frame is not as its header says")
        if parameters.window_size > 32 << 20:
            raise Damage("window too large")
        decoder = zstandard.ZstdDecompressor(max_window_size=32 << 20).decompressobj()
        body = decoder.decompress(frame)
    except zstandard.ZstdError as error:
        raise Damage(str(error)) from error
    if not decoder.eof or decoder.unused_data or len(body) != block.raw_len:
        raise Damage("the frame ends elsewhere than the block")
    return body
