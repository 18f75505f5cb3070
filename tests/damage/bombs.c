/* zstd frames written by hand (RFC 8878): what the library would never make. */
#include "bombs.h"

#include <string.h>

#include "damage_kit.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

#define ZSTD_MAGIC 0xFD2FB528u
#define SKIPPABLE_MAGIC 0x184D2A50u
#define BLOCK_MAX (128u << 10)
#define MIB (1u << 20)

enum { SIZE_ABSENT = 0, SIZE_4 = 2, SIZE_8 = 3 }; /* Frame_Content_Size_flag */
enum { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

struct frame_head {
	u8 size_flag, dictionary_flag, extra_bits;
	u8 window; /* exponent << 3 | mantissa; window is 2^(10 + exponent) and more */
	u64 content_size;
	u32 dictionary;
};

static void put_head(struct raw_bytes *out, const struct frame_head *head)
{
	static const unsigned size_bytes[] = {0, 2, 4, 8}, dictionary_bytes[] = {0, 1, 2, 4};

	raw_put_le(out, ZSTD_MAGIC, 4);
	raw_put_le(out, (u64)head->size_flag << 6 | head->extra_bits | head->dictionary_flag, 1);
	raw_put_le(out, head->window, 1);
	raw_put_le(out, head->dictionary, dictionary_bytes[head->dictionary_flag]);
	raw_put_le(out, head->content_size, size_bytes[head->size_flag]);
}

static void put_zstd_block(struct raw_bytes *out, unsigned type, u32 size, bool last)
{
	raw_put_le(out, size << 3 | type << 1 | last, 3);
	raw_fill(out, 0, type == BLOCK_RLE ? 1 : type == BLOCK_RAW ? size : 0);
}

/* `bytes` zeros in blocks that say "the same byte again". */
static void put_zeros(struct raw_bytes *out, u64 bytes)
{
	do {
		u32 size = bytes > BLOCK_MAX ? BLOCK_MAX : (u32)bytes;

		bytes -= size;
		put_zstd_block(out, BLOCK_RLE, size, bytes == 0);
	} while (bytes);
}

/* window 2^(10 + 15) = 32 MiB: the largest that is allowed */
static void put_frame(struct raw_bytes *out, u64 says, u64 holds)
{
	put_head(out, &(struct frame_head){
			      .size_flag = SIZE_8, .window = 15 << 3, .content_size = says});
	put_zeros(out, holds);
}

static void finish(struct raw_capture *capture, struct raw_bytes *frame, u64 raw_len)
{
	raw_rows_frame(capture, CAP_BLOCK_CHUNK, frame, (u32)raw_len, 0);
	raw_free(frame);
	raw_end(capture);
}

static void with_sizes(struct raw_capture *capture, u64 raw_len, u64 says, u64 holds)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, says, holds);
	finish(capture, &frame, raw_len);
}

static void with_head(struct raw_capture *capture, const struct frame_head *head, u64 bytes)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_head(&frame, head);
	put_zeros(&frame, bytes);
	finish(capture, &frame, bytes);
}

static void put_skippable(struct raw_bytes *out, u32 len)
{
	raw_put_le(out, SKIPPABLE_MAGIC, 4);
	raw_put_le(out, len, 4);
	raw_fill(out, 0, len);
}

#define SIZES(name, raw_len, says, holds)                  \
	static void name(struct raw_capture *capture)      \
	{                                                  \
		with_sizes(capture, raw_len, says, holds); \
	}
SIZES(largest_ratio, 32 * MIB, 32 * MIB, 32 * MIB)
SIZES(one_below_limit, 32 * MIB - 1, 32 * MIB - 1, 32 * MIB - 1)
SIZES(one_above_limit, 32 * MIB + 1, 32 * MIB + 1, 32 * MIB + 1)
SIZES(raw_len_4_gib, 0xffffffffu, 0xffffffffu, 64 * MIB)
SIZES(raw_len_2_gib, 0x80000000u, 0x80000000u, 64 * MIB)
SIZES(raw_len_is_zero, 0, 32 * MIB, 32 * MIB)
SIZES(size_says_more, MIB, 2 * MIB, 2 * MIB)
SIZES(size_says_less, 2 * MIB, MIB, 2 * MIB)
SIZES(size_says_2_63, MIB, 1ull << 63, MIB)
SIZES(size_says_all_ones, MIB, UINT64_MAX, MIB)
SIZES(holds_more, 4096, 4096, 32 * MIB)
SIZES(holds_gigabytes, 4096, 4096, 4096ull * MIB)
SIZES(holds_less, 32 * MIB, 32 * MIB, 4096)
SIZES(holds_nothing, 32 * MIB, 32 * MIB, 0)

#define HEAD(name, bytes, ...)                                                \
	static void name(struct raw_capture *capture)                         \
	{                                                                     \
		with_head(capture, &(struct frame_head){__VA_ARGS__}, bytes); \
	}
HEAD(size_absent, MIB, .size_flag = SIZE_ABSENT, .window = 10 << 3)
HEAD(window_2_31, MIB, .size_flag = SIZE_8, .window = 21 << 3, .content_size = MIB)
HEAD(window_largest, MIB, .size_flag = SIZE_8, .window = 0xff, .content_size = MIB)
HEAD(window_64_mib, MIB, .size_flag = SIZE_8, .window = 16 << 3, .content_size = MIB)
HEAD(window_above_limit, MIB, .size_flag = SIZE_8, .window = 15 << 3 | 1, .content_size = MIB)
HEAD(window_tiny, MIB, .size_flag = SIZE_8, .window = 0, .content_size = MIB)
HEAD(dictionary_1_byte, MIB, .size_flag = SIZE_4, .dictionary_flag = 1, .window = 10 << 3,
     .dictionary = 7, .content_size = MIB)
HEAD(dictionary_4_bytes, MIB, .size_flag = SIZE_4, .dictionary_flag = 3, .window = 10 << 3,
     .dictionary = 0xfffffff0u, .content_size = MIB)
HEAD(reserved_bit, MIB, .size_flag = SIZE_8, .window = 10 << 3, .extra_bits = 8,
     .content_size = MIB)
HEAD(checksum_missing, MIB, .size_flag = SIZE_8, .window = 10 << 3, .extra_bits = 4,
     .content_size = MIB)

static void tiny_frames(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	for (int i = 0; i < 10000; i++)
		put_frame(&frame, 1, 1);
	finish(capture, &frame, 10000);
}

static void trailing_frame(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, MIB, MIB);
	put_frame(&frame, 32 * MIB, 32 * MIB);
	finish(capture, &frame, MIB);
}

static void trailing_skippable(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, MIB, MIB);
	put_skippable(&frame, 4096);
	finish(capture, &frame, MIB);
}

static void trailing_bytes(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, MIB, MIB);
	raw_fill(&frame, 0xaa, 100);
	finish(capture, &frame, MIB);
}

static void leading_skippable(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_skippable(&frame, 16);
	put_frame(&frame, MIB, MIB);
	finish(capture, &frame, MIB);
}

static void only_skippable(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_skippable(&frame, 4096);
	finish(capture, &frame, 4096);
}

static void skippable_4_gib(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	raw_put_le(&frame, SKIPPABLE_MAGIC, 4);
	raw_put_le(&frame, 0xffffffffu, 4);
	finish(capture, &frame, MIB);
}

/* SKIPPABLE inside: 5,000 of them before the data. */
static void skippables_inside(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	for (int i = 0; i < 5000; i++)
		put_skippable(&frame, 0);
	put_frame(&frame, MIB, MIB);
	finish(capture, &frame, MIB);
}

static void with_zstd_block(struct raw_capture *capture, unsigned type, u32 size)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_head(&frame, &(struct frame_head){
				 .size_flag = SIZE_8, .window = 15 << 3, .content_size = 2 * MIB});
	put_zstd_block(&frame, type, size, true);
	finish(capture, &frame, 2 * MIB);
}

static void block_reserved(struct raw_capture *capture)
{
	with_zstd_block(capture, BLOCK_RESERVED, 4096);
}

static void block_too_big(struct raw_capture *capture)
{
	with_zstd_block(capture, BLOCK_RLE, (2 * MIB) - 1);
}

static void block_past_end(struct raw_capture *capture)
{
	with_zstd_block(capture, BLOCK_COMPRESSED, BLOCK_MAX);
}

static void empty_blocks(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_head(&frame,
		 &(struct frame_head){.size_flag = SIZE_8, .window = 15 << 3, .content_size = 0});
	for (int i = 0; i < 20000; i++)
		put_zstd_block(&frame, BLOCK_RAW, 0, i == 19999);
	finish(capture, &frame, 1);
}

static void no_last_block(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_head(&frame,
		 &(struct frame_head){.size_flag = SIZE_8, .window = 15 << 3, .content_size = MIB});
	for (int i = 0; i < 8; i++)
		put_zstd_block(&frame, BLOCK_RLE, BLOCK_MAX, false);
	finish(capture, &frame, MIB);
}

static void head_cut(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, MIB, MIB);
	frame.len = 9;
	finish(capture, &frame, MIB);
}

static void old_zstd_magic(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, MIB, MIB);
	frame.bytes[0] = 0x27; /* zstd 0.7 */
	finish(capture, &frame, MIB);
}

/* What comes out is a frame again: a reader must not go on unpacking. */
static void nested(struct raw_capture *capture)
{
	struct raw_bytes inner = {0}, outer = {0};

	raw_begin(capture);
	put_frame(&inner, 32 * MIB, 32 * MIB);
	raw_compress(&outer, inner.bytes, inner.len);
	finish(capture, &outer, inner.len);
	raw_free(&inner);
}

static void nested_capture(struct raw_capture *capture)
{
	struct raw_capture inner;
	struct raw_bytes outer = {0};

	largest_ratio(&inner);
	raw_begin(capture);
	raw_compress(&outer, inner.file.bytes, inner.file.len);
	finish(capture, &outer, inner.file.len);
	raw_free(&inner.file);
}

static void schema_of_zeros(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, 32 * MIB, 32 * MIB);
	raw_block(capture, CAP_BLOCK_SCHEMA, NULL, &frame, 32 * MIB);
	raw_free(&frame);
	raw_end(capture);
}

/* 25 blocks, each as big as one may be. */
static void many_large_blocks(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, 32 * MIB, 32 * MIB);
	for (int i = 0; i < 25; i++)
		raw_rows_frame(capture, CAP_BLOCK_CHUNK, &frame, 32 * MIB, 0);
	raw_free(&frame);
	raw_end(capture);
}

/* An index is never unpacked by a reader that only walks. */
static void index_of_zeros(struct raw_capture *capture)
{
	struct raw_bytes frame = {0};

	raw_begin(capture);
	put_frame(&frame, 32 * MIB, 32 * MIB);
	raw_block(capture, CAP_BLOCK_INDEX | CAP_TYPE_SKIPPABLE, NULL, &frame, 32 * MIB);
	raw_free(&frame);
	raw_end(capture);
}

const struct bomb bombs[] = {
#define BOMB(function, refused)              \
	{                                    \
#function, function, refused \
	}
	BOMB(largest_ratio, false),	BOMB(one_below_limit, false),
	BOMB(one_above_limit, true),	BOMB(raw_len_4_gib, true),
	BOMB(raw_len_2_gib, true),	BOMB(raw_len_is_zero, true),
	BOMB(size_says_more, true),	BOMB(size_says_less, true),
	BOMB(size_says_2_63, true),	BOMB(size_says_all_ones, true),
	BOMB(holds_more, true),		BOMB(holds_gigabytes, true),
	BOMB(holds_less, true),		BOMB(holds_nothing, true),
	BOMB(size_absent, true),	BOMB(window_2_31, true),
	BOMB(window_largest, true),	BOMB(window_64_mib, true),
	BOMB(window_above_limit, true), BOMB(window_tiny, false),
	BOMB(dictionary_1_byte, true),	BOMB(dictionary_4_bytes, true),
	BOMB(reserved_bit, true),	BOMB(checksum_missing, true),
	BOMB(tiny_frames, true),	BOMB(trailing_frame, true),
	BOMB(trailing_skippable, true), BOMB(trailing_bytes, true),
	BOMB(leading_skippable, true),	BOMB(only_skippable, true),
	BOMB(skippable_4_gib, true),	BOMB(skippables_inside, true),
	BOMB(block_reserved, true),	BOMB(block_too_big, true),
	BOMB(block_past_end, true),	BOMB(empty_blocks, true),
	BOMB(no_last_block, true),	BOMB(head_cut, true),
	BOMB(old_zstd_magic, true),	BOMB(nested, true),
	BOMB(nested_capture, true),	BOMB(schema_of_zeros, false),
	BOMB(many_large_blocks, false), BOMB(index_of_zeros, false),
#undef BOMB
};
const size_t bomb_count = sizeof(bombs) / sizeof(bombs[0]);
