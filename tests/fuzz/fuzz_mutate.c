/*
 * Mutations that know where things stand: else nearly every one ends at a checksum, a length or a
 * directory. What libFuzzer does to bytes is used for the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"
#include "fuzz_target.h"
#include "random_rows.h"

enum {
	OFF_TYPE = 16,
	OFF_HEADER_LEN = 20,
	OFF_FLAGS = 22,
	OFF_FILE_ID = 24,
	OFF_SEQ = 32,
	OFF_PLAIN_LEN = 40,
	OFF_FRAME_LEN = 44,
	OFF_RAW_LEN = 48,
	OFF_PAYLOAD_HASH = 56
};

#define MAX_RAW_MUTATED (256u << 10)
#define MAX_BLOCKS 512

static u64 odd_number(struct rng *rng, u64 old)
{
	static const u64 some[] = {
		0,	  1,	      2,	  3,	     7,		 8,	    16,
		127,	  128,	      255,	  256,	     1023,	 1024,	    4095,
		65535,	  65536,      1048575,	  1048576,   1048577,	 4194304,   INT32_MAX,
		1u << 31, UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX};

	switch (rng_below(rng, 4)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return some[rng_below(rng, sizeof(some) / sizeof(some[0]))];
	default:
		return rng_next(rng) >> rng_below(rng, 64);
	}
}

static void odd_at(struct rng *rng, u8 *at, unsigned int width)
{
	cap_store_le(at, odd_number(rng, cap_load_le(at, width)), width);
}

/* -------- bodies of rows -------- */

struct body { /* what is mutated, and a place in it */
	u8 *bytes;
	size_t len, max_len;
	u32 sections;
	u8 *entry;	   /* of a section chosen, or NULL */
	size_t start, end; /* of that section in the body */
	u32 columns;
	u8 *column;			 /* entry of a column chosen, or NULL */
	size_t column_start, column_end; /* in the body */
};

static u8 *entry_of(const struct body *body, u32 index)
{
	return body->bytes + CAP_BODY_HEAD_BYTES + (size_t)index * CAP_SECTION_ENTRY_BYTES;
}

static void choose(struct body *body, struct rng *rng)
{
	body->entry = body->column = NULL;
	body->sections = body->len >= CAP_BODY_HEAD_BYTES ? cap_load_u32(body->bytes) : 0;
	if (body->sections == 0 || body->sections > CAP_MAX_SECTIONS ||
	    CAP_BODY_HEAD_BYTES + (size_t)body->sections * CAP_SECTION_ENTRY_BYTES > body->len)
		return;
	body->entry = entry_of(body, (u32)rng_below(rng, body->sections));
	body->start = cap_load_u32(body->entry + 12);
	body->end = body->start + cap_load_u32(body->entry + 16);
	if (body->end > body->len || body->end - body->start < CAP_SECTION_HEAD_BYTES ||
	    cap_load_le(body->entry, 2) == CAP_SECTION_STRINGS)
		return;
	body->columns = (u32)cap_load_le(body->bytes + body->start, 2);
	if (body->columns == 0 || body->columns > CAP_MAX_COLUMNS ||
	    CAP_SECTION_HEAD_BYTES + (size_t)body->columns * CAP_COLUMN_ENTRY_BYTES >
		    body->end - body->start)
		return;
	body->column = body->bytes + body->start + CAP_SECTION_HEAD_BYTES +
		       rng_below(rng, body->columns) * CAP_COLUMN_ENTRY_BYTES;
	body->column_start = body->start + cap_load_u32(body->column + 4);
	body->column_end = body->column_start + cap_load_u32(body->column + 8);
	if (body->column_end > body->end)
		body->column = NULL;
}

/* Makes the chosen column new_len bytes long and moves what stands behind it. */
static bool resize_column(struct body *body, size_t new_len)
{
	size_t old_len = body->column_end - body->column_start, at = body->column_end;
	long by = (long)new_len - (long)old_len;

	if (body->len + (size_t)by > body->max_len)
		return false;
	memmove(body->bytes + at + by, body->bytes + at, body->len - at);
	if (by > 0)
		memset(body->bytes + at, 0, (size_t)by);
	body->len += (size_t)by;
	for (u32 i = 0; i < body->sections; i++) {
		u8 *entry = entry_of(body, i);

		if (entry != body->entry && cap_load_u32(entry + 12) >= body->end)
			cap_store_le(entry + 12, cap_load_u32(entry + 12) + (u64)by, 4);
	}
	cap_store_le(body->entry + 16, cap_load_u32(body->entry + 16) + (u64)by, 4);
	for (u32 i = 0; i < body->columns; i++) {
		u8 *entry = body->bytes + body->start + CAP_SECTION_HEAD_BYTES +
			    (size_t)i * CAP_COLUMN_ENTRY_BYTES;

		if (body->start + cap_load_u32(entry + 4) >= at)
			cap_store_le(entry + 4, cap_load_u32(entry + 4) + (u64)by, 4);
	}
	cap_store_le(body->column + 8, new_len, 4);
	return true;
}

/* New values for every row, in an encoding chosen at random. */
static void rewrite_column(struct body *body, struct rng *rng)
{
	static u8 values[CAP_MAX_ROWS];
	u32 rows = cap_load_u32(body->entry + 8);
	u8 encoding = (u8)rng_below(rng, 6);
	u8 *at = values;
	u64 value = 0;

	if (rows == 0 || rows > sizeof(values) / CAP_VARINT_MAX_BYTES)
		return;
	if (encoding == CAP_ENC_CONST) {
		cap_store_le(at, odd_number(rng, 0), 8);
		at += 8;
	} else {
		for (u32 i = 0; i < rows; i++) {
			value = rng_below(rng, 4) ? rng_below(rng, 40) : odd_number(rng, value);
			if (encoding == CAP_ENC_FIXED) {
				cap_store_le(at, value, 8);
				at += 8;
			} else {
				at = cap_put_varint(at, value);
			}
		}
	}
	if (!resize_column(body, (size_t)(at - values)))
		return;
	memcpy(body->bytes + body->column_start, values, (size_t)(at - values));
	body->column[2] = encoding;
}

/* libFuzzer's own mutations on the column's bytes. */
static void mutate_column(struct body *body)
{
	static u8 values[MAX_RAW_MUTATED];
	size_t len = body->column_end - body->column_start;
	size_t room = len + 16 < sizeof(values) ? len + 16 : sizeof(values);

	if (len == 0 || len > sizeof(values) || !LLVMFuzzerMutate)
		return;
	memcpy(values, body->bytes + body->column_start, len);
	len = LLVMFuzzerMutate(values, len, room);
	if (resize_column(body, len))
		memcpy(body->bytes + body->column_start, values, len);
}

static void mutate_section_entry(struct body *body, struct rng *rng)
{
	static const u8 offsets[] = {0, 4, 8, 8, 12, 16}; /* kind, type, rows, offset, len */
	u8 offset = offsets[rng_below(rng, sizeof(offsets))];

	if (offset == 0)
		cap_store_le(body->entry, rng_below(rng, 4) ? 1 + rng_below(rng, 5) : 16, 2);
	else if (offset == 4)
		cap_store_le(body->entry + 4, rng_below(rng, 21), 4);
	else
		odd_at(rng, body->entry + offset, 4);
}

static void mutate_column_entry(struct body *body, struct rng *rng)
{
	switch (rng_below(rng, 4)) {
	case 0:
		cap_store_le(body->column, rng_below(rng, 20), 2);
		break;
	case 1:
		body->column[2] = (u8)rng_below(rng, 7);
		break;
	default:
		odd_at(rng, body->column + 4 + 4 * rng_below(rng, 2), 4);
	}
}

static size_t mutate_bytes(u8 *bytes, size_t len, size_t max_len)
{
	return LLVMFuzzerMutate ? LLVMFuzzerMutate(bytes, len, max_len) : len;
}

size_t fuzz_mutate_body(uint8_t *body_bytes, size_t len, size_t max_len, unsigned int seed)
{
	struct rng rng = {seed};
	struct body body = {.bytes = body_bytes, .len = len, .max_len = max_len};

	for (u64 i = 0, times = 1 + rng_below(&rng, 3); i < times; i++) {
		u64 what = rng_below(&rng, 8);

		choose(&body, &rng);
		if (what < 2 || !body.entry)
			body.len = mutate_bytes(body.bytes, body.len, max_len);
		else if (what == 2 || !body.column)
			mutate_section_entry(&body, &rng);
		else if (what == 3)
			mutate_column_entry(&body, &rng);
		else if (what < 6)
			rewrite_column(&body, &rng);
		else
			mutate_column(&body);
	}
	return body.len;
}

/* -------- captures -------- */

struct blocks {
	size_t at[MAX_BLOCKS], len[MAX_BLOCKS];
	size_t count;
};

static size_t payload_bytes(const u8 *header)
{
	u32 plain_len = cap_load_u32(header + OFF_PLAIN_LEN),
	    frame_len = cap_load_u32(header + OFF_FRAME_LEN);
	u32 header_len = (u32)cap_load_le(header + OFF_HEADER_LEN, 2);

	return (size_t)plain_len + cap_block_padding(header_len, plain_len, frame_len) + frame_len;
}

static bool header_fits(const u8 *bytes, size_t len)
{
	size_t header_len = len >= CAP_HEADER_BYTES ? cap_load_le(bytes + OFF_HEADER_LEN, 2) : 0;

	return header_len >= CAP_HEADER_BYTES && header_len <= CAP_MAX_HEADER_BYTES &&
	       header_len <= len && cap_block_header_probable(bytes);
}

static void find_blocks(const u8 *bytes, size_t len, struct blocks *ret_blocks)
{
	size_t at = 0;

	ret_blocks->count = 0;
	while (at + CAP_HEADER_BYTES <= len && ret_blocks->count < MAX_BLOCKS) {
		size_t size = 1;

		if (header_fits(bytes + at, len - at)) {
			size = cap_load_le(bytes + at + OFF_HEADER_LEN, 2) +
			       payload_bytes(bytes + at);
			if (size > len - at)
				size = 1;
		}
		if (size > 1) {
			ret_blocks->at[ret_blocks->count] = at;
			ret_blocks->len[ret_blocks->count++] = size;
		}
		at += size;
	}
}

static void mend_all(u8 *bytes, size_t len)
{
	for (size_t at = 0; at + CAP_HEADER_BYTES <= len; at++) {
		size_t header_len, payload_len;

		if (!header_fits(bytes + at, len - at))
			continue;
		header_len = cap_load_le(bytes + at + OFF_HEADER_LEN, 2);
		payload_len = payload_bytes(bytes + at);
		cap_store_le(
			bytes + at + 4,
			header_len - 8 + payload_len - cap_load_u32(bytes + at + OFF_FRAME_LEN), 4);
		if (payload_len <= len - at - header_len)
			cap_store_le(bytes + at + OFF_PAYLOAD_HASH,
				     cap_hash(bytes + at + header_len, payload_len), 8);
		cap_store_le(bytes + at + header_len - 8, cap_hash(bytes + at, header_len - 8), 8);
	}
}

/* Puts a block of new_len bytes in place of old_len bytes at `at`. */
static size_t splice(u8 *bytes, size_t len, size_t max_len, size_t at, size_t old_len,
		     const u8 *with, size_t new_len)
{
	if (len - old_len + new_len > max_len)
		return len;
	memmove(bytes + at + new_len, bytes + at + old_len, len - at - old_len);
	if (new_len)
		memcpy(bytes + at, with, new_len);
	return len - old_len + new_len;
}

/* The payload of a block decoded, mutated and compressed again. */
static size_t mutate_payload(u8 *bytes, size_t len, size_t max_len, size_t at, size_t block_len,
			     struct rng *rng)
{
	static struct cap_decompressor *decompressor;
	static u8 raw[MAX_RAW_MUTATED];
	u8 *header = bytes + at;
	size_t header_len = cap_load_le(header + OFF_HEADER_LEN, 2);
	u32 frame_len = cap_load_u32(header + OFF_FRAME_LEN);
	size_t raw_len = cap_load_u32(header + OFF_RAW_LEN);
	u32 plain_len = cap_load_u32(header + OFF_PLAIN_LEN);
	struct fuzz_capture made = {.seq = cap_load_u64(header + OFF_SEQ)};
	u8 *plain = header + header_len;

	if (!decompressor)
		decompressor = cap_decompressor_new();
	if (!decompressor || frame_len == 0 || raw_len == 0 || raw_len > sizeof(raw) ||
	    cap_decompress(decompressor, header + block_len - frame_len, frame_len, raw, raw_len,
			   NULL) < 0)
		return mutate_bytes(bytes, len, max_len);
	if (plain_len >= CAP_PROLOGUE_BYTES) {
		raw_len = fuzz_mutate_body(raw, raw_len, sizeof(raw), (unsigned int)rng_next(rng));
		if (rng_below(rng, 16)) /* else most mutated bodies would end at this check */
			cap_store_le(plain + CAP_PRO_ROWS, fuzz_body_rows(raw, raw_len), 4);
	} else {
		raw_len = mutate_bytes(raw, raw_len, sizeof(raw));
	}
	if (raw_len == 0)
		return len;
	fuzz_capture_block(&made, cap_load_u32(header + OFF_TYPE), plain, plain_len, raw, raw_len);
	memcpy(made.bytes + OFF_FILE_ID, header + OFF_FILE_ID, 8);
	len = splice(bytes, len, max_len, at, block_len, made.bytes, made.len);
	fuzz_capture_done(&made);
	return len;
}

static void mutate_header(u8 *header, struct rng *rng)
{
	static const u8 types[] = {1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 24, 32, 33, 40};

	switch (rng_below(rng, 6)) {
	case 0:
		cap_store_le(header + OFF_TYPE,
			     types[rng_below(rng, sizeof(types))] | rng_below(rng, 4) << 30, 4);
		break;
	case 1:
		header[OFF_FLAGS] ^= (u8)(1u << rng_below(rng, 8));
		break;
	case 2:
		odd_at(rng, header + OFF_SEQ, 8);
		break;
	case 3:
		header[OFF_FILE_ID] ^= (u8)rng_below(rng, 3);
		break;
	case 4:
		odd_at(rng, header + OFF_PLAIN_LEN + 4 * rng_below(rng, 3), 4);
		break;
	default:
		cap_store_le(header + OFF_HEADER_LEN, 64 + 8 * rng_below(rng, 26), 2);
	}
}

/* Blocks dropped, doubled or moved; numbered anew more often than not. */
static size_t mutate_order(u8 *bytes, size_t len, size_t max_len, const struct blocks *blocks,
			   struct rng *rng)
{
	size_t a = rng_below(rng, blocks->count), b = rng_below(rng, blocks->count);
	u8 *copy = malloc(blocks->len[a]);
	struct blocks now;

	if (!copy)
		return len;
	memcpy(copy, bytes + blocks->at[a], blocks->len[a]);
	if (rng_below(rng, 2)) /* doubled, or put in place of another */
		len = splice(bytes, len, max_len, blocks->at[b], 0, copy, blocks->len[a]);
	else
		len = splice(bytes, len, max_len, blocks->at[b], blocks->len[b], copy,
			     rng_below(rng, 2) ? blocks->len[a] : 0);
	free(copy);
	find_blocks(bytes, len, &now);
	for (size_t i = 0; rng_below(rng, 4) && i < now.count; i++)
		cap_store_le(bytes + now.at[i] + OFF_SEQ, i, 8);
	return len;
}

size_t fuzz_mutate_capture(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	struct rng rng = {seed};
	struct blocks blocks;
	size_t chosen, at, header_len, plain_len;

	find_blocks(bytes, len, &blocks);
	if (blocks.count == 0 || rng_below(&rng, 8) == 0) {
		len = mutate_bytes(bytes, len, max_len);
	} else {
		chosen = rng_below(&rng, blocks.count);
		at = blocks.at[chosen];
		header_len = cap_load_le(bytes + at + OFF_HEADER_LEN, 2);
		plain_len = cap_load_u32(bytes + at + OFF_PLAIN_LEN);
		switch (rng_below(&rng, 8)) {
		case 0:
			mutate_header(bytes + at, &rng);
			break;
		case 1:
			len = mutate_order(bytes, len, max_len, &blocks, &rng);
			break;
		case 2:
			if (plain_len > 0)
				(void)mutate_bytes(bytes + at + header_len, plain_len, plain_len);
			break;
		default:
			len = mutate_payload(bytes, len, max_len, at, blocks.len[chosen], &rng);
		}
	}
	if (rng_below(&rng, 16)) /* now and then a wrong checksum is the test */
		mend_all(bytes, len);
	return len;
}
