#pragma once
/*
 * Little-endian integers and varints in byte buffers. Reading goes through a cursor that never
 * passes its end; writing assumes the caller made room. Everything a capture says is read through
 * these.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "formats/base/ints.h"

#define CAP_VARINT_MAX_BYTES 10 /* LEB128 of 64 bits */

struct cap_cursor {
	const u8 *at;
	const u8 *end;
	bool failed; /* something was read past the end or malformed; values read since are 0 */
};

static inline struct cap_cursor cap_cursor_of(const void *bytes, size_t len)
{
	return (struct cap_cursor){.at = bytes, .end = (const u8 *)bytes + len};
}

static inline size_t cap_cursor_left(const struct cap_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline u64 cap_load_le(const u8 *bytes, unsigned int width)
{
	u64 value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (u64)bytes[i] << (8 * i);
	return value;
}

static inline u64 cap_load_u64(const u8 *bytes)
{
	return cap_load_le(bytes, 8);
}

static inline u32 cap_load_u32(const u8 *bytes)
{
	return (u32)cap_load_le(bytes, 4);
}

static inline void cap_store_le(u8 *bytes, u64 value, unsigned int width)
{
	for (unsigned int i = 0; i < width; i++)
		bytes[i] = (u8)(value >> (8 * i));
}

static inline u64 cap_get_le(struct cap_cursor *cursor, unsigned int width)
{
	u64 value;

	if (cap_cursor_left(cursor) < width) {
		cursor->failed = true;
		cursor->at = cursor->end;
		return 0;
	}
	value = cap_load_le(cursor->at, width);
	cursor->at += width;
	return value;
}

static inline u8 cap_get_u8(struct cap_cursor *cursor)
{
	return (u8)cap_get_le(cursor, 1);
}

static inline u16 cap_get_u16(struct cap_cursor *cursor)
{
	return (u16)cap_get_le(cursor, 2);
}

static inline u32 cap_get_u32(struct cap_cursor *cursor)
{
	return (u32)cap_get_le(cursor, 4);
}

static inline u64 cap_get_u64(struct cap_cursor *cursor)
{
	return cap_get_le(cursor, 8);
}

/* A run of len bytes, or NULL past the end. */
static inline const u8 *cap_get_bytes(struct cap_cursor *cursor, size_t len)
{
	const u8 *bytes = cursor->at;

	if (cap_cursor_left(cursor) < len) {
		cursor->failed = true;
		cursor->at = cursor->end;
		return NULL;
	}
	cursor->at += len;
	return bytes;
}

/* LEB128, at most 10 bytes; bits above 64 are a failure, so that a value has few spellings. */
static inline u64 cap_get_varint(struct cap_cursor *cursor)
{
	const u8 *at = cursor->at;
	u64 value = 0;

	if (at < cursor->end && *at < 0x80) {
		cursor->at = at + 1;
		return *at;
	}
	for (unsigned int shift = 0; shift < 64 && at < cursor->end; shift += 7) {
		u8 byte = *at++;

		if (shift == 63 && byte > 1)
			break;
		value |= (u64)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			cursor->at = at;
			return value;
		}
	}
	cursor->failed = true;
	cursor->at = cursor->end;
	return 0;
}

static inline u64 cap_zigzag(s64 value)
{
	return ((u64)value << 1) ^ (u64)(value >> 63);
}

static inline s64 cap_unzigzag(u64 value)
{
	return (s64)(value >> 1) ^ -(s64)(value & 1);
}

/* Writes up to CAP_VARINT_MAX_BYTES and returns the place after them. */
static inline u8 *cap_put_varint(u8 *at, u64 value)
{
	while (value >= 0x80) {
		*at++ = (u8)value | 0x80;
		value >>= 7;
	}
	*at++ = (u8)value;
	return at;
}
