/*
 * The capture holds one block of each type. Every place of field_table.def in it gets every value
 * that is wrong in some way, with all checksums right again; then every column of every section
 * becomes one value in all its rows. A reader must get through each, forward and within the file;
 * so must the commands, which may find nothing to say but that they cannot.
 */
#include "field_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "damage_kit.h"
#include "file_k.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/base/zstd_frame.h"
#include "hostile_read.h"
#include "raw_capture.h"

#define CPU_SECONDS 60 /* of one case, which takes milliseconds: it hangs */

enum structure {
	BLOCK_HEADER,
	FILE_HEADER,
	TLV,
	RECORD,
	PROLOGUE,
	BODY,
	SECTION,
	STRINGS,
	COLUMNS,
	COLUMN,
	INDEX,
	END,
};

static const struct number {
	enum structure structure;
	u32 offset, bytes;
	const char *name;
} numbers[] = {
#define NUMBER(structure, offset, bytes, name) {structure, offset, bytes, #structure "." #name},
#include "field_table.def"
#undef NUMBER
};

struct part { /* a block taken apart */
	struct cap_block_header header;
	struct raw_bytes head, plain, body; /* body: decoded */
};

struct field_check {
	struct report report;
	struct part *parts;
	size_t part_count;
	bool full, sanitize;
	u64 number; /* of cases there are, run or not */
	u64 commands;
	int fd;
};

/* -------- apart and together -------- */

static void take_apart(struct field_check *check, const u8 *bytes, size_t len)
{
	struct cap_decompressor *decompressor = cap_decompressor_new();

	must(decompressor, "decompressor");
	for (size_t at = 0; at < len;) {
		struct part *part;
		const u8 *payload;

		check->parts =
			realloc(check->parts, (check->part_count + 1) * sizeof(*check->parts));
		must(check->parts, "realloc");
		part = &check->parts[check->part_count++];
		memset(part, 0, sizeof(*part));
		must(cap_block_header_decode(bytes + at, len - at, &part->header, NULL) == 0,
		     "a sound block");
		payload = bytes + at + part->header.header_len;
		raw_put(&part->head, bytes + at, part->header.header_len);
		raw_put(&part->plain, payload, part->header.plain_len);
		if (part->header.raw_len) {
			raw_fill(&part->body, 0, part->header.raw_len);
			must(cap_decompress(decompressor,
					    payload + part->header.plain_len + part->header.pad_len,
					    part->header.frame_len, part->body.bytes,
					    part->body.len, NULL) == 0,
			     "a sound frame");
		}
		at += part->header.header_len + cap_block_payload_bytes(&part->header);
	}
	(void)cap_decompressor_free(decompressor);
}

/* A header that keeps what was set, with its checksum where its length says it is. */
static void seal_header(u8 *head, size_t room)
{
	u64 header_len = cap_load_le(head + 20, 2);

	if (header_len < CAP_HEADER_BYTES || header_len > room)
		header_len = CAP_HEADER_BYTES;
	cap_store_le(head + header_len - 8, cap_hash(head, header_len - 8), 8);
}

static u32 type_of(const struct part *part)
{
	return part->header.type & CAP_TYPE_MASK;
}

/* Blocks as they are, but for the one changed: its lengths and checksums are put right, then
 * `number` of its header set to value. */
static void put_together(struct field_check *check, const struct part *changed,
			 const struct number *number, u64 value, bool fit,
			 struct raw_bytes *ret_file)
{
	for (size_t i = 0; i < check->part_count; i++) {
		const struct part *part = &check->parts[i];
		size_t start = ret_file->len, payload_len, frame_len;
		struct raw_bytes frame = {0};
		u8 *head;

		raw_put(ret_file, part->head.bytes, part->head.len);
		if (part->body.len)
			raw_compress(&frame, part->body.bytes, part->body.len);
		frame_len = frame.len;
		raw_put(ret_file, part->plain.bytes, part->plain.len);
		raw_fill(ret_file, 0,
			 cap_block_padding(CAP_HEADER_BYTES, (u32)part->plain.len, (u32)frame_len));
		raw_put(ret_file, frame.bytes, frame_len);
		raw_free(&frame);
		payload_len = ret_file->len - start - CAP_HEADER_BYTES;
		head = ret_file->bytes + start;
		cap_store_le(head + 4, CAP_HEADER_BYTES - 8 + payload_len - frame_len, 4);
		cap_store_le(head + 40, part->plain.len, 4);
		cap_store_le(head + 44, frame_len, 4);
		cap_store_le(head + 48, part->body.len, 4);
		cap_store_le(head + 56, cap_hash(head + CAP_HEADER_BYTES, payload_len), 8);
		if (part == changed && number && number->structure == BLOCK_HEADER) {
			cap_store_le(head + number->offset, value, number->bytes);
			if (fit) /* the other lengths agree with it */
				cap_store_le(
					head + 4,
					cap_load_le(head + 20, 2) - 8 + cap_load_u32(head + 40) +
						cap_block_padding((u32)cap_load_le(head + 20, 2),
								  cap_load_u32(head + 40),
								  cap_load_u32(head + 44)),
					4);
		}
		seal_header(head, ret_file->len - start);
	}
}

/* -------- one case -------- */

static void run_case(struct field_check *check, const struct raw_bytes *file, bool commands,
		     bool sound)
{
	char path[64];

	must(ftruncate(check->fd, 0) == 0 &&
		     pwrite(check->fd, file->bytes, file->len, 0) == (ssize_t)file->len,
	     "write a case");
	watch_cpu(&check->report, CPU_SECONDS);
	(void)read_to_the_end(check->fd);
	if (commands) {
		check->commands++;
		watch_cpu(&check->report, CPU_SECONDS * 4);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", check->fd);
		run_commands(&check->report, path, sound);
	}
	watch_cpu(&check->report, 0);
}

/* Is the next case one of those that are run? In the long form all are. */
static bool chosen(struct field_check *check)
{
	check->number++;
	return check->full ? !check->sanitize || check->number % 4 == 0
			   : check->number % (check->sanitize ? 211 : 47) == 7;
}

static bool commands_chosen(const struct field_check *check)
{
	return check->report.cases % (check->full ? 32 : 64) == 5;
}

static void try_value(struct field_check *check, struct part *part, struct raw_bytes *space,
		      size_t at, const struct number *number, u64 value)
{
	bool header = number->structure == BLOCK_HEADER;
	u64 mask = number->bytes == 8 ? UINT64_MAX : (1ull << 8 * number->bytes) - 1;
	u64 was = cap_load_le(space->bytes + at, number->bytes);

	value &= mask;
	if (value == was)
		return;
	for (int fit = 0; fit <= header; fit++) {
		struct raw_bytes file = {0};

		if (!chosen(check))
			continue;
		report_case(&check->report, "block %zu, %s at %zu: %#llx%s",
			    (size_t)(part - check->parts), number->name, at,
			    (unsigned long long)value, fit ? ", skip_len fits" : "");
		if (!header)
			cap_store_le(space->bytes + at, value, number->bytes);
		put_together(check, part, number, value, fit, &file);
		run_case(check, &file, commands_chosen(check), false);
		cap_store_le(space->bytes + at, was, number->bytes);
		raw_free(&file);
	}
}

/* Zero, one less, one more, the largest, powers, its own place, what it may not pass, and every
 * limit. */
static void try_values(struct field_check *check, struct part *part, struct raw_bytes *space,
		       size_t start, const struct number *number)
{
	size_t at = start + number->offset;
	u64 was, values[] = {0,
			     1,
			     2,
			     UINT64_MAX,
			     UINT64_MAX - 1,
			     UINT64_MAX >> 1,
			     (UINT64_MAX >> 1) + 1,
			     UINT32_MAX,
			     INT32_MAX,
			     1ull << 31,
			     at,
			     start,
			     space->len,
			     space->len - 1,
			     space->len + 1,
			     space->len - start,
			     CAP_MAX_HEADER_BYTES,
			     CAP_MAX_HEADER_BYTES + 8,
			     CAP_MAX_RAW_BYTES,
			     CAP_MAX_RAW_BYTES + 1,
			     CAP_MAX_SECTIONS,
			     CAP_MAX_SECTIONS + 1,
			     CAP_MAX_COLUMNS,
			     CAP_MAX_COLUMNS + 1,
			     CAP_MAX_ROWS,
			     CAP_MAX_ROWS + 1,
			     CAP_MAX_STRING_BYTES + 1,
			     CAP_MAX_STACK_NODES,
			     CAP_MAX_TLV_BYTES + 1};

	if (at + number->bytes > space->len)
		return;
	was = cap_load_le(space->bytes + at, number->bytes);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		try_value(check, part, space, at, number, values[i]);
	try_value(check, part, space, at, number, was - 1);
	try_value(check, part, space, at, number, was + 1);
	try_value(check, part, space, at, number, was + 8);
	try_value(check, part, space, at, number, was * 2);
	try_value(check, part, space, at, number, 0 - was);
	for (unsigned bit = 0; bit < 8 * number->bytes; bit += 3)
		try_value(check, part, space, at, number, was ^ 1ull << bit);
}

static void try_structure(struct field_check *check, struct part *part, struct raw_bytes *space,
			  size_t start, enum structure structure)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].structure == structure)
			try_values(check, part, space, start, &numbers[i]);
}

/* -------- where the structures are -------- */

static u32 body_u32(const struct part *part, size_t at)
{
	return cap_load_u32(part->body.bytes + at);
}

static void try_body(struct field_check *check, struct part *part)
{
	u32 sections = body_u32(part, 0);

	try_structure(check, part, &part->body, 0, BODY);
	for (u32 s = 0; s < sections; s++) {
		size_t entry = CAP_BODY_HEAD_BYTES + s * CAP_SECTION_ENTRY_BYTES,
		       start = body_u32(part, entry + 12);
		u64 kind = cap_load_le(part->body.bytes + entry, 2),
		    columns = cap_load_le(part->body.bytes + start, 2);

		try_structure(check, part, &part->body, entry, SECTION);
		if (kind == CAP_SECTION_STRINGS) {
			try_structure(check, part, &part->body, start, STRINGS);
			continue;
		}
		try_structure(check, part, &part->body, start, COLUMNS);
		for (u64 c = 0; c < columns; c++)
			try_structure(check, part, &part->body,
				      start + CAP_SECTION_HEAD_BYTES + c * CAP_COLUMN_ENTRY_BYTES,
				      COLUMN);
	}
}

/* Some of the many records: the first few of each tag. */
static void try_schema(struct field_check *check, struct part *part)
{
	u32 seen[4] = {0};

	for (size_t at = 0; at + 8 <= part->body.len; at += 8 + body_u32(part, at + 4)) {
		u64 tag = cap_load_le(part->body.bytes + at, 2);

		if (tag < 4 && seen[tag]++ < 3)
			try_structure(check, part, &part->body, at, RECORD);
	}
}

static void try_part(struct field_check *check, struct part *part)
{
	try_structure(check, part, &part->head, 0, BLOCK_HEADER);
	switch (type_of(part)) {
	case CAP_BLOCK_FILE_HEADER:
		try_structure(check, part, &part->plain, 0, FILE_HEADER);
		for (size_t at = CAP_FILE_HEADER_BYTES; at + 8 <= part->plain.len;
		     at += 8 + ((cap_load_u32(part->plain.bytes + at + 4) + 7ul) & ~7ul))
			try_structure(check, part, &part->plain, at, TLV);
		break;
	case CAP_BLOCK_SCHEMA:
		try_schema(check, part);
		break;
	case CAP_BLOCK_INDEX:
		for (size_t at = 0; at < part->body.len; at += 3ul * CAP_INDEX_ENTRY_BYTES)
			try_structure(check, part, &part->body, at, INDEX);
		break;
	case CAP_BLOCK_END:
		try_structure(check, part, &part->plain, 0, END);
		break;
	default:
		try_structure(check, part, &part->plain, 0, PROLOGUE);
		try_body(check, part);
	}
}

/* -------- values of columns -------- */

/* Makes column c of section s say `value` in all its rows: 8 bytes are put at the end of the
 * section. */
static void set_column(struct part *part, u32 s, u64 c, u64 value)
{
	u32 sections = body_u32(part, 0);
	u8 *entry = part->body.bytes + CAP_BODY_HEAD_BYTES + s * CAP_SECTION_ENTRY_BYTES;
	u32 start = cap_load_u32(entry + 12), len = cap_load_u32(entry + 16);
	u8 bytes[8], *column = part->body.bytes + start + CAP_SECTION_HEAD_BYTES +
			       c * CAP_COLUMN_ENTRY_BYTES;
	size_t tail = part->body.len - start - len;

	column[2] = CAP_ENC_CONST;
	cap_store_le(column + 4, len, 4);
	cap_store_le(column + 8, 8, 4);
	cap_store_le(entry + 16, len + 8, 4);
	for (u32 i = s + 1; i < sections; i++) {
		entry += CAP_SECTION_ENTRY_BYTES;
		cap_store_le(entry + 12, cap_load_u32(entry + 12) + 8ull, 4);
	}
	cap_store_le(bytes, value, 8);
	raw_put(&part->body, bytes, 8); /* room */
	memmove(part->body.bytes + start + len + 8, part->body.bytes + start + len, tail);
	memcpy(part->body.bytes + start + len, bytes, 8);
}

static void try_column(struct field_check *check, struct part *part, u32 s, u64 c)
{
	const u64 rows = body_u32(part, CAP_BODY_HEAD_BYTES + s * CAP_SECTION_ENTRY_BYTES + 8);
	const u64 values[] = {0,	  1,	      2,	 3,	     rows - 1,	rows,
			      rows + 1,	  4095,	      65535,	 1000000000, INT32_MAX, UINT32_MAX,
			      1ull << 32, 1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct raw_bytes file = {0}, before = {0};

		if (!chosen(check))
			continue;
		raw_put(&before, part->body.bytes, part->body.len);
		report_case(&check->report, "block %zu, section %u, column %llu: all rows %#llx",
			    (size_t)(part - check->parts), s, (unsigned long long)c,
			    (unsigned long long)values[i]);
		set_column(part, s, c, values[i]);
		put_together(check, NULL, NULL, 0, false, &file);
		/* such a capture is sound: nothing but loss may be told */
		run_case(check, &file,
			 check->full ? check->number % 4 == 0 : check->report.cases % 8 == 0, true);
		raw_free(&part->body);
		part->body = before;
		raw_free(&file);
	}
}

static void try_columns(struct field_check *check, struct part *part)
{
	if (part->plain.len != CAP_PROLOGUE_BYTES || !part->body.len)
		return;
	for (u32 s = 0; s < body_u32(part, 0); s++) {
		size_t entry = CAP_BODY_HEAD_BYTES + s * CAP_SECTION_ENTRY_BYTES;
		u64 columns = cap_load_le(part->body.bytes + body_u32(part, entry + 12), 2);

		if (cap_load_le(part->body.bytes + entry, 2) == CAP_SECTION_STRINGS)
			continue;
		for (u64 c = 0; c < columns; c++)
			try_column(check, part, s, c);
	}
}

int check_field_values(bool full, bool sanitize)
{
	struct field_check check = {
		.report.id = "S5", .full = full, .sanitize = sanitize, .fd = memory_file("field")};
	struct damage_file sound;
	char note[160];
	int fd = memory_file("one-of-each");

	must(fd >= 0 && check.fd >= 0 && one_of_each_write(fd, NULL) >= 0, "write a capture");
	damage_file_take(&sound, fd);
	take_apart(&check, sound.clean_bytes, sound.len);
	damage_file_done(&sound);
	for (size_t i = 0; i < check.part_count; i++) {
		try_part(&check, &check.parts[i]);
		try_columns(&check, &check.parts[i]);
		if (full) {
			printf("block %zu of %zu: %llu cases\n", i + 1, check.part_count,
			       (unsigned long long)check.report.cases);
			(void)fflush(stdout);
		}
	}
	(void)snprintf(
		note, sizeof(note),
		"of %llu in %zu places of the format's structures; %llu also through all commands",
		(unsigned long long)check.number, sizeof(numbers) / sizeof(numbers[0]),
		(unsigned long long)check.commands);
	for (size_t i = 0; i < check.part_count; i++) {
		raw_free(&check.parts[i].head);
		raw_free(&check.parts[i].plain);
		raw_free(&check.parts[i].body);
	}
	free(check.parts);
	(void)close(check.fd);
	return report_done(&check.report, note);
}
