/*
 * Writes a sound capture in which every place for text that a writer can fill holds every string of
 * a list: row i of each row type carries string i in all its string fields, and so do the names of
 * tasks and modules that it refers to. Which fields are strings, events.def says. Prints the names
 * of the fields. Usage: make_hostile STRINGS FILE, where STRINGS is what corpus.py saves: u32
 * length, then the bytes, of each.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

#define MAX_STRINGS 4096
#define MAX_LIST_BYTES (64u << 20)
#define ROWS_PER_BLOCK 64 /* a block's strings stay below CAP_WRITER_MAX_RAW_BYTES */

struct text {
	const u8 *bytes;
	u32 len;
};

static struct text texts[MAX_STRINGS];
static size_t text_count;

static void need(int sound, const char *step)
{
	if (!sound) {
		(void)fprintf(stderr, "make_hostile: %s failed\n", step);
		exit(1);
	}
}

static void load(const char *path)
{
	u8 *list = malloc(MAX_LIST_BYTES);
	FILE *in = fopen(path, "rb");
	size_t len, at = 0;

	need(list && in, "reading the strings");
	len = fread(list, 1, MAX_LIST_BYTES, in);
	(void)fclose(in);
	while (at + 4 <= len && text_count < MAX_STRINGS) {
		struct text *text = &texts[text_count++];

		text->len = cap_load_u32(list + at);
		text->bytes = list + at + 4;
		at += 4 + (size_t)text->len;
		need(at <= len && text->len <= CAP_MAX_STRING_BYTES, "reading a string");
	}
	need(at == len && text_count > 0, "reading the strings");
}

static u32 string_of(struct cap_chunk *chunk, size_t i)
{
	const struct text *text = &texts[i % text_count];

	return text->len ? cap_chunk_string(chunk, text->bytes, text->len) : 0;
}

static u32 task_of(struct cap_chunk *chunk, size_t i)
{
	struct cap_task task = {.leader_start_ns = 1000 + i,
				.tgid = (u32)(100 + i),
				.tid = (u32)(100 + i),
				.exec_id = 1};
	size_t len = texts[i].len < sizeof(task.comm) ? texts[i].len : sizeof(task.comm);

	memcpy(task.comm, texts[i].bytes, len);
	return cap_chunk_task(chunk, &task);
}

/* A user frame in the mapping, a frame of module i, for every third one more of the next module. */
static u32 stack_of(struct cap_chunk *chunk, size_t i)
{
	u32 stack =
		cap_chunk_stack(chunk, 0, cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x400100 + i));

	stack = cap_chunk_stack(
		chunk, stack, cap_chunk_frame(chunk, CAP_SPACE_MODULE, string_of(chunk, i), 0x18));
	if (i % 3 == 0)
		stack = cap_chunk_stack(
			chunk, stack,
			cap_chunk_frame(chunk, CAP_SPACE_MODULE, string_of(chunk, i + 1), 0x18));
	return stack;
}

static u64 number_of(const struct cap_field *field, size_t i)
{
	static const struct {
		const char *field;
		u64 value;
	} named[] = {
		{"start_address", 0x400000}, {"size_bytes", 0x10000},
		{"offset_bytes", 0x10},	     {"period", 1000},
		{"lost_count", 1},	     {"attempted_count", 2},
		{"stored_count", 1},	     {"run_count", 1},
	};

	for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++)
		if (strcmp(field->name, named[k].field) == 0)
			return named[k].value;
	switch (field->kind) {
	case CAP_KIND_TIME:
		return 1000000000ull + i * 1000000;
	case CAP_KIND_DURATION:
		return 1000 + i;
	case CAP_KIND_SYSNO:
		return i % 400;
	case CAP_KIND_CLASS:
	case CAP_KIND_REASON:
	case CAP_KIND_SENSE:
	case CAP_KIND_STATE:
	case CAP_KIND_RESOURCE:
		return i % 5;
	case CAP_KIND_ERRNO:
		return i % 7 ? 0 : i % 133;
	default:
		break;
	}
	return strcmp(field->name, "target_tid") == 0 ? 100 + i : 0;
}

static void add_row(struct cap_chunk *chunk, const struct cap_type *type, size_t i)
{
	_Alignas(8) u8 row[512] = {0};

	need(type->row_bytes <= sizeof(row), "a row of that size");
	for (size_t k = 0; k < type->field_count; k++) {
		const struct cap_field *field = &type->fields[k];
		u64 value;

		if (field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES)
			value = string_of(chunk, i);
		else if (field->kind == CAP_KIND_TASK)
			value = task_of(chunk, i);
		else if (field->kind == CAP_KIND_STACK)
			value = stack_of(chunk, i);
		else
			value = number_of(field, i);
		memcpy(row + field->row_offset, &value, field->width_bytes);
	}
	need(cap_chunk_add(chunk, (enum ev_type)type->id, row) == 0, "adding a row");
}

static void write_rows(struct cap_writer *writer, u32 block, size_t from, size_t to)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {0};

	need(chunk != NULL, "memory");
	for (size_t i = from; i < to; i++) {
		for (size_t t = 0; t < schema->type_count; t++) {
			const struct cap_type *type = &schema->types[t];

			if (type->block == block ||
			    (type->id == EV_MAPPING && block == CAP_BLOCK_MAPS))
				add_row(chunk, type, i);
		}
	}
	need(cap_chunk_failed(chunk) == 0, "a string");
	totals.attempted_count = totals.stored_count = cap_chunk_rows(chunk);
	need(cap_writer_rows(writer, (enum cap_block_type)block, chunk, &totals, NULL) == 0,
	     "writing a block");
	(void)cap_chunk_free(chunk);
}

static void write_all_blocks(struct cap_writer *writer)
{
	static const u32 blocks[] = {
#define BODY_FIXED(type)
#define BODY_SCHEMA(type)
#define BODY_ROWS(type) type,
#define BLOCK(type, upper, name, skip, body) BODY_##body(type)
#include "formats/table/blocks.def"
#undef BLOCK
	};

	for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++)
		for (size_t i = 0; i < text_count; i += ROWS_PER_BLOCK)
			write_rows(writer, blocks[b], i,
				   i + ROWS_PER_BLOCK < text_count ? i + ROWS_PER_BLOCK
								   : text_count);
}

static void print_fields(void)
{
	const struct cap_schema *schema = cap_schema_builtin();

	for (size_t t = 0; t < schema->type_count; t++)
		for (size_t k = 0; k < schema->types[t].field_count; k++) {
			const struct cap_field *field = &schema->types[t].fields[k];

			if (field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES)
				(void)printf("%s.%s\n", schema->types[t].name, field->name);
		}
}

int main(int argc, char **argv)
{
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = 1000000000,
				     .boottime_ns = 1000000000,
				     .cpu_count = 1,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .file_uuid = {1, 2, 3},
				     .hostname = "\x1b[2J<b>host</b>",
				     .kernel_release = "6.1\"'><x>",
				     .tool_version = "evil %n \xff"};
	struct cap_writer_options options = {.fd = -1};
	struct cap_totals totals = {.lost_count = 3};
	struct cap_writer *writer = NULL;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: make_hostile STRINGS FILE\n");
		return 2;
	}
	load(argv[1]);
	options.fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	need(options.fd >= 0, "creating the file");
	need(cap_writer_new(&options, &info, &writer, NULL) == 0 &&
		     cap_writer_begin(writer, NULL) == 0,
	     "beginning the capture");
	write_all_blocks(writer);
	need(cap_writer_end(writer, CAP_END_NORMAL, &totals, NULL) == 0, "ending the capture");
	(void)cap_writer_free(writer);
	print_fields();
	return close(options.fd) ? 1 : 0;
}
