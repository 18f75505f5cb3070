/*
 * Makes the damaged captures of this folder: one sound small capture, one thing broken in each.
 * Checksums are put right again where the damage is meant to reach behind them. Usage:
 * make_malformed DIRECTORY NAME..., or make_malformed --list
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "malformed_edit.h"

static void text_file(struct edit *edit)
{
	static const char text[] = "This is no capture, though it is longer than a block header of "
				   "seventy-two bytes.\n";

	edit_truncate(edit, 0);
	edit_insert(edit, 0, text, sizeof(text) - 1);
}

static void empty_file(struct edit *edit)
{
	edit_truncate(edit, 0);
}

static void cut_in_first_block(struct edit *edit)
{
	edit_truncate(edit, 40);
}

static void cut_in_chunk(struct edit *edit)
{
	edit_truncate(edit, edit_block(edit, CAP_BLOCK_CHUNK, 1) + 200);
}

static void no_end(struct edit *edit)
{
	edit_truncate(edit, edit_block(edit, CAP_BLOCK_END, 0));
}

static void chunk_bit(struct edit *edit)
{
	edit->bytes[edit_block(edit, CAP_BLOCK_CHUNK, 0) + 210] ^= 0x10;
}

static void header_bit(struct edit *edit)
{
	edit->bytes[edit_block(edit, CAP_BLOCK_CHUNK, 0) + OFF_SEQ] ^= 0x01;
}

static void block_missing(struct edit *edit)
{
	edit_remove_block(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0));
}

static void length_over_limit(struct edit *edit)
{
	size_t at = edit_block(edit, CAP_BLOCK_CHUNK, 0);

	cap_store_le(edit->bytes + at + OFF_FRAME_LEN, UINT32_MAX, 4);
	edit_reseal_header(edit, at);
}

static void length_past_file(struct edit *edit)
{
	size_t at = edit_block(edit, CAP_BLOCK_CHUNK, 1);

	cap_store_le(edit->bytes + at + OFF_FRAME_LEN, 30u << 20, 4);
	edit_reseal_header(edit, at);
}

static void newer_major(struct edit *edit)
{
	cap_store_le(edit->bytes + CAP_HEADER_BYTES, 2, 2);
	edit_reseal(edit, 0);
}

static void newer_feature(struct edit *edit)
{
	cap_store_le(edit->bytes + CAP_HEADER_BYTES + 16, 1ull << 40, 8);
	edit_reseal(edit, 0);
}

static void newer_minor(struct edit *edit)
{
	cap_store_le(edit->bytes + CAP_HEADER_BYTES + 2, 9, 2);
	edit_reseal(edit, 0);
}

static void unknown_block(struct edit *edit)
{
	edit_retype(edit, edit_block(edit, CAP_BLOCK_MARK, 0), 912);
}

static void unknown_skippable_block(struct edit *edit)
{
	edit_retype(edit, edit_block(edit, CAP_BLOCK_MARK, 0), 912 | CAP_TYPE_SKIPPABLE);
}

static void foreign_block(struct edit *edit)
{
	size_t at = edit_block(edit, CAP_BLOCK_MARK, 0);

	edit->bytes[at + OFF_FILE_ID] ^= 0xff;
	edit_reseal_header(edit, at);
}

static void noise_in_front(struct edit *edit)
{
	static const char noise[] = "Connection to host closed.\r\n";

	edit_insert(edit, 0, noise, sizeof(noise) - 1);
}

static void text_mode(struct edit *edit)
{
	for (size_t at = 0; at < edit->len; at++) {
		if (edit->bytes[at] == '\n')
			edit_insert(edit, at++, "\r", 1);
	}
}

static void frame_is_not_zstd(struct edit *edit)
{
	size_t at = edit_block(edit, CAP_BLOCK_CHUNK, 0);

	edit->bytes[edit_frame(edit, at)] ^= 0xff;
	edit_reseal(edit, at);
}

static void frame_says_other_size(struct edit *edit)
{
	size_t at = edit_block(edit, CAP_BLOCK_CHUNK, 0);

	cap_store_le(edit->bytes + at + OFF_RAW_LEN,
		     cap_load_u32(edit->bytes + at + OFF_RAW_LEN) + 1, 4);
	edit_reseal(edit, at);
}

static void bomb(struct edit *edit)
{
	size_t len = 31u << 20; /* zeros: some kilobytes when compressed */
	u8 *raw = calloc(1, len);

	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), raw, len, 0);
	free(raw);
}

/* Says that it holds five rows, and holds one: four would be missed by nobody. */
static void rows_missing(struct edit *edit)
{
	struct body body = {.len = 0};

	body_section(&body, CAP_SECTION_EVENTS, EV_MODULE, 1, 4 + 12 + 8);
	body_column(&body, 1, CAP_ENC_CONST, 16, 8, 7);
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len, 5);
}

static void too_many_sections(struct edit *edit)
{
	u8 body[4 + 24] = {0xff, 0xff, 0xff, 0xff};

	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body, sizeof(body), 1);
}

static void section_past_end(struct edit *edit)
{
	struct body body = {.len = 0};

	body_section(&body, CAP_SECTION_EVENTS, EV_MODULE, 1, 4096);
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len, 1);
}

static void rows_without_bytes(struct edit *edit)
{
	struct body body = {.len = 0};

	body_section(&body, CAP_SECTION_EVENTS, EV_MODULE, 1000000, 4);
	cap_store_le(body.bytes + body.len, 0, 4);
	body.len += 4;
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len,
			  1000000);
}

/* One MODULE row: a column whose encoding, bytes and length the caller chooses. */
static void module_row(struct edit *edit, u8 encoding, u32 offset, u32 column_len, u16 field,
		       u64 value)
{
	struct body body = {.len = 0};

	body_section(&body, CAP_SECTION_EVENTS, EV_MODULE, 1, 4 + 12 + 8);
	body_column(&body, field, encoding, offset, column_len, value);
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len, 1);
}

static void column_past_section(struct edit *edit)
{
	module_row(edit, CAP_ENC_CONST, 16, 4096, 1, 7);
}

static void unknown_encoding(struct edit *edit)
{
	module_row(edit, 77, 16, 8, 1, 7);
}

static void reference_past_table(struct edit *edit)
{
	module_row(edit, CAP_ENC_CONST, 16, 8, 2, 4000000000u);
}

static void unknown_row_type(struct edit *edit)
{
	struct body body = {.len = 0};

	body_section(&body, CAP_SECTION_EVENTS, 4000, 1, 4 + 12 + 8);
	body_column(&body, 1, CAP_ENC_CONST, 16, 8, 1);
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len, 1);
}

/* Sections that all claim the same bytes: many rows from few bytes. */
static void overlapping_sections(struct edit *edit)
{
	struct body body = {.len = 0};
	const u32 sections = 64;
	u32 start = 4 + sections * 24;

	cap_store_le(body.bytes, sections, 4);
	for (u32 i = 0; i < sections; i++) {
		u8 *entry = body.bytes + 4 + (size_t)i * 24;

		cap_store_le(entry, CAP_SECTION_EVENTS, 2);
		cap_store_le(entry + 4, EV_MODULE, 4);
		cap_store_le(entry + 8, 1000, 4);
		cap_store_le(entry + 12, start, 4);
		cap_store_le(entry + 16, 1024, 4);
	}
	body.len = start;
	body_column(&body, 1, CAP_ENC_CONST, 16, 8, 1);
	body.len = start + 1024;
	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_CHUNK, 0), body.bytes, body.len, 64000);
}

static void schema_is_noise(struct edit *edit)
{
	static const u8 noise[] = "no schema, but intact as far as its checksum goes";

	edit_replace_body(edit, edit_block(edit, CAP_BLOCK_SCHEMA, 0), noise, sizeof(noise), 0);
}

static void no_schema(struct edit *edit)
{
	edit_remove_block(edit, edit_block(edit, CAP_BLOCK_SCHEMA, 1));
	edit_remove_block(edit, edit_block(edit, CAP_BLOCK_SCHEMA, 0));
}

static void two_captures(struct edit *edit)
{
	edit_append_capture(edit, 99);
}

static const struct recipe {
	const char *name;
	void (*make)(struct edit *edit);
} recipes[] = {
	{"text-file", text_file},
	{"empty-file", empty_file},
	{"cut-in-first-block", cut_in_first_block},
	{"cut-in-chunk", cut_in_chunk},
	{"no-end", no_end},
	{"chunk-bit", chunk_bit},
	{"header-bit", header_bit},
	{"block-missing", block_missing},
	{"length-over-limit", length_over_limit},
	{"length-past-file", length_past_file},
	{"newer-major", newer_major},
	{"newer-feature", newer_feature},
	{"newer-minor", newer_minor},
	{"unknown-block", unknown_block},
	{"unknown-skippable-block", unknown_skippable_block},
	{"foreign-block", foreign_block},
	{"noise-in-front", noise_in_front},
	{"text-mode", text_mode},
	{"frame-is-not-zstd", frame_is_not_zstd},
	{"frame-says-other-size", frame_says_other_size},
	{"bomb", bomb},
	{"rows-missing", rows_missing},
	{"too-many-sections", too_many_sections},
	{"section-past-end", section_past_end},
	{"rows-without-bytes", rows_without_bytes},
	{"column-past-section", column_past_section},
	{"unknown-encoding", unknown_encoding},
	{"reference-past-table", reference_past_table},
	{"unknown-row-type", unknown_row_type},
	{"overlapping-sections", overlapping_sections},
	{"schema-is-noise", schema_is_noise},
	{"no-schema", no_schema},
	{"two-captures", two_captures},
};
#define RECIPES (sizeof(recipes) / sizeof(recipes[0]))

static int make_one(const char *directory, const char *name)
{
	for (size_t i = 0; i < RECIPES; i++) {
		struct edit edit;
		char path[4096];
		int rc;

		if (strcmp(recipes[i].name, name) != 0)
			continue;
		edit_init(&edit, 7);
		recipes[i].make(&edit);
		(void)snprintf(path, sizeof(path), "%s/%s.kymo", directory, name);
		rc = edit_save(&edit, path);
		edit_done(&edit);
		return rc;
	}
	(void)fprintf(stderr, "make_malformed: no recipe '%s'\n", name);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < RECIPES; i++)
			puts(recipes[i].name);
		return 0;
	}
	if (argc < 3) {
		(void)fprintf(stderr, "usage: make_malformed DIRECTORY NAME... | --list\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		if (make_one(argv[1], argv[i]))
			return 1;
	return 0;
}
