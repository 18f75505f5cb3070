/* What a hostile capture may say for little: equal values, steps, tables that refer to tables,
 * blocks without end. See costly.h. */
#include "costly.h"

#include <string.h>

#include "damage_kit.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/write/capture_writer.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

#define MI (1u << 20)
#define MOST                                                                              \
	(250u << 10) /* rows and table rows that a file of this size may just about hold: \
			CAP_MAX_ENTRIES */
#define HALF (MOST / 2)
#define THIRD (MOST / 3)
#define END_BYTES 136

#define COLUMN(id, enc, ...)                                          \
	{                                                             \
		.field = (id), .encoding = CAP_ENC_##enc, __VA_ARGS__ \
	}
#define STEPS(id, function)                                                  \
	{                                                                    \
		.field = (id), .encoding = RAW_STEPS, .value_of = (function) \
	}

/* The same block again until the file is as big as it may be. */
static void fill_up(struct raw_capture *capture, const struct raw_bytes *body, u32 rows,
		    size_t most)
{
	struct raw_bytes frame = {0};

	raw_compress(&frame, body->bytes, body->len);
	while (capture->file.len + CAP_HEADER_BYTES + CAP_PROLOGUE_BYTES + frame.len + 8 +
		       END_BYTES <=
	       most)
		raw_rows_frame(capture, CAP_BLOCK_CHUNK, &frame, (u32)body->len, rows);
	raw_free(&frame);
}

static void put_body(struct raw_capture *capture, const struct raw_section *sections, size_t count,
		     bool repeated)
{
	struct raw_bytes body = {0};
	u32 rows = 0;

	for (size_t i = 0; i < count; i++)
		rows += sections[i].kind == CAP_SECTION_EVENTS ? sections[i].rows : 0;
	raw_body(&body, sections, count);
	must(body.len <= CAP_MAX_RAW_BYTES, "a body within the limits");
	if (repeated)
		fill_up(capture, &body, rows, COSTLY_MAX_BYTES);
	else
		raw_rows(capture, CAP_BLOCK_CHUNK, &body, rows);
	raw_free(&body);
}

/* `count` sections of these rows. */
static void repeat_section(struct raw_capture *capture, const struct raw_section *section,
			   size_t count)
{
	struct raw_section sections[31];

	must(count <= 31, "sections");
	for (size_t i = 0; i < count; i++)
		sections[i] = *section;
	raw_begin(capture);
	put_body(capture, sections, count, true);
	raw_end(capture);
}

#define ROWS(type_id, count) \
	.kind = CAP_SECTION_EVENTS, .type = (type_id), .rows = (count), .at_least = (count)

static void equal_calls(struct raw_capture *capture)
{
	const struct raw_section calls = {
		ROWS(EV_SYSCALL, MOST), .column_count = 4,
		.columns = {COLUMN(1, CONST, .value = 5), COLUMN(2, CONST, .value = 1ull << 62),
			    COLUMN(11, CONST, .value = 3), COLUMN(14, CONST, .value = 11)}};

	repeat_section(capture, &calls, 1);
}

/* As many rows as a body may say; far more than a reader puts up with. */
static void far_too_many(struct raw_capture *capture)
{
	const struct raw_section calls = {ROWS(EV_SYSCALL, MI), .column_count = 1,
					  .columns = {COLUMN(1, CONST, .value = 5)}};

	repeat_section(capture, &calls, 31);
}

static void stepping_calls(struct raw_capture *capture)
{
	const struct raw_section calls = {
		ROWS(EV_SYSCALL, MOST), .column_count = 4,
		.columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, DELTA, .value = 3),
			    COLUMN(11, DELTA, .value = 1), COLUMN(14, DELTA, .value = 1)}};

	repeat_section(capture, &calls, 1);
}

static void equal_samples(struct raw_capture *capture)
{
	const struct raw_section samples = {
		ROWS(EV_CPU_SAMPLE, MOST), .column_count = 2,
		.columns = {COLUMN(1, CONST, .value = 5), COLUMN(2, CONST, .value = INT64_MAX)}};

	repeat_section(capture, &samples, 1);
}

/* Rows of a type that goes into a table of its own at once, whatever command asks. */
static void side_rows(struct raw_capture *capture, u32 type)
{
	const struct raw_section rows = {ROWS(type, MOST), .column_count = 1,
					 .columns = {COLUMN(1, DELTA, .value = 1)}};

	repeat_section(capture, &rows, 1);
}

#define SIDE(name, type)                              \
	static void name(struct raw_capture *capture) \
	{                                             \
		side_rows(capture, type);             \
	}
SIDE(many_meta, EV_META)
SIDE(many_marks, EV_MARK)
SIDE(many_probes, EV_PROBE)
SIDE(many_symbols, EV_SYMBOL)
SIDE(many_modules, EV_MODULE)
SIDE(many_losses, EV_LOSS)
SIDE(many_clocks, EV_CLOCK)
SIDE(many_processes, EV_PROCESS)
SIDE(many_recorders, EV_RECORDER)
SIDE(many_programs, EV_BPF_PROGRAM)
SIDE(many_totals, EV_CLASS_TOTAL)

static void unknown_rows(struct raw_capture *capture)
{
	const struct raw_section rows = {ROWS(4000, MI), .column_count = 1,
					 .columns = {COLUMN(1, CONST, .value = 1)}};

	repeat_section(capture, &rows, 31);
}

/* -------- tables -------- */

#define ALL_TASKS(count)                                                         \
	{                                                                        \
		.kind = CAP_SECTION_TASKS, .rows = (count), .at_least = (count), \
		.column_count = 6, .columns = {                                  \
			COLUMN(1, DELTA, .value = 1),                            \
			COLUMN(2, DELTA, .value = 1),                            \
			COLUMN(3, CONST, .value = 7),                            \
			COLUMN(4, CONST, .value = 1),                            \
			COLUMN(5, DELTA, .value = 1),                            \
			COLUMN(6, CONST, .value = 0)                             \
		}                                                                \
	}

static void many_tasks(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(HALF),
		{ROWS(EV_TASK_EXIT, HALF), .column_count = 2,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, DELTA, .value = 1)}}};

	raw_begin(capture);
	put_body(capture, sections, 2, true);
	raw_end(capture);
}

static void many_renamed(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(HALF),
		{ROWS(EV_TASK_NAME, HALF), .column_count = 3,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, CONST, .value = 1),
			     COLUMN(6, DELTA, .value = 1)}}};

	raw_begin(capture);
	put_body(capture, sections, 2, true);
	raw_end(capture);
}

static void many_forks(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(HALF),
		{ROWS(EV_TASK_FORK, HALF), .column_count = 5,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, CONST, .value = 7),
			     COLUMN(3, DELTA, .value = 1), COLUMN(4, DELTA, .value = 2),
			     COLUMN(5, DELTA, .value = 2)}}};

	raw_begin(capture);
	put_body(capture, sections, 2, true);
	raw_end(capture);
}

#define USER_FRAMES(count)                                                        \
	{                                                                         \
		.kind = CAP_SECTION_FRAMES, .rows = (count), .at_least = (count), \
		.column_count = 3, .columns = {                                   \
			COLUMN(1, CONST, .value = 1),                             \
			COLUMN(2, CONST, .value = 0),                             \
			COLUMN(3, DELTA, .value = 4096)                           \
		}                                                                 \
	}

static u64 chain_parent(u32 row) /* chains as deep as may be, one after the other */
{
	return row % CAP_MAX_STACK_DEPTH ? row : 0;
}

static u64 chain_frame(u32 row)
{
	return 1 + (row * 7ull) % 1000;
}

static u64 chain_end(u32 row)
{
	return (row + 1ull) * CAP_MAX_STACK_DEPTH;
}

#define CHAINS(count)                                                             \
	{                                                                         \
		.kind = CAP_SECTION_STACKS, .rows = (count), .at_least = (count), \
		.column_count = 2, .columns = {                                   \
			STEPS(1, chain_parent),                                   \
			STEPS(2, chain_frame)                                     \
		}                                                                 \
	}

static void deep_stacks(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(4096),
		USER_FRAMES(1000),
		CHAINS(240u << 10),
		{ROWS(EV_CPU_SAMPLE, 300), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, DELTA, .value = 4), STEPS(4, chain_end)}}};

	raw_begin(capture);
	put_body(capture, sections, 4, true);
	raw_end(capture);
}

/* One deep stack, in as many processes as there are: each resolves it for itself. */
static void shared_stack(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(MI / 32),
		USER_FRAMES(1000),
		CHAINS(CAP_MAX_STACK_DEPTH),
		{ROWS(EV_MAPPING, MI / 32), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, CONST, .value = 0),
			     COLUMN(3, CONST, .value = 1ull << 40), COLUMN(8, DELTA, .value = 1)}},
		{ROWS(EV_CPU_SAMPLE, MI / 32), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 10), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, DELTA, .value = 1),
			     COLUMN(4, CONST, .value = CAP_MAX_STACK_DEPTH)}}};

	raw_begin(capture);
	put_body(capture, sections, 5, true);
	raw_end(capture);
}

static u64 word_parent(u32 row) /* one chain */
{
	return row;
}

/* The longest copy there may be, for each of many samples: all are different by their depth. */
static void long_copies(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(1),
		USER_FRAMES(1000),
		{.kind = CAP_SECTION_WORDS,
		 .rows = CAP_MAX_COPY_WORDS,
		 .at_least = CAP_MAX_COPY_WORDS,
		 .column_count = CAP_WORD_COLUMNS,
		 .columns = {STEPS(1, word_parent), COLUMN(2, CONST, .value = 0),
			     COLUMN(3, CONST, .value = 2)}},
		{.kind = CAP_SECTION_COPIES,
		 .rows = MI / 32,
		 .at_least = MI / 32,
		 .column_count = CAP_COPY_COLUMNS,
		 .columns = {COLUMN(1, CONST, .value = CAP_MAX_COPY_WORDS),
			     COLUMN(2, CONST, .value = 2), COLUMN(3, DELTA, .value = 8),
			     COLUMN(4, CONST, .value = 1ull << 40), COLUMN(5, CONST, .value = 3),
			     COLUMN(6, CONST, .value = 0), COLUMN(7, CONST, .value = 0),
			     COLUMN(8, CONST, .value = 0), COLUMN(9, CONST, .value = 0),
			     COLUMN(10, CONST, .value = 0), COLUMN(11, CONST, .value = 1),
			     COLUMN(12, CONST, .value = 0)}},
		{ROWS(EV_CPU_SAMPLE, MI / 32), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 10), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, CONST, .value = 1), COLUMN(9, DELTA, .value = 1)}}};

	raw_begin(capture);
	put_body(capture, sections, 5, true);
	raw_end(capture);
}

/* A mapping before each sample: the same stack is another one each time. */
static void stack_of_each_moment(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(1),
		USER_FRAMES(1000),
		CHAINS(CAP_MAX_STACK_DEPTH),
		{ROWS(EV_MAPPING, MI / 32), .column_count = 5,
		 .columns = {COLUMN(1, DELTA, .value = 10), COLUMN(2, CONST, .value = 0),
			     COLUMN(3, CONST, .value = 1ull << 40), COLUMN(4, DELTA, .value = 4096),
			     COLUMN(8, CONST, .value = 1)}},
		{ROWS(EV_CPU_SAMPLE, MI / 32), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 10), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, CONST, .value = 1),
			     COLUMN(4, CONST, .value = CAP_MAX_STACK_DEPTH)}}};

	raw_begin(capture);
	put_body(capture, sections, 5, true);
	raw_end(capture);
}

static u64 to_and_fro(u32 row)
{
	return row % 2 ? row * 10ull : 10ull * (MI / 8) - row;
}

/* An address space of many ranges, asked about early and late in turn. */
static void restless_time(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(1),
		USER_FRAMES(1000),
		{.kind = CAP_SECTION_STACKS,
		 .rows = 1000,
		 .at_least = 1000,
		 .column_count = 2,
		 .columns = {COLUMN(1, CONST, .value = 0), COLUMN(2, DELTA, .value = 1)}},
		{ROWS(EV_MAPPING, MI / 8), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 10), COLUMN(2, DELTA, .value = 8192),
			     COLUMN(3, CONST, .value = 4096), COLUMN(8, CONST, .value = 1)}},
		{ROWS(EV_CPU_SAMPLE, 12000), .column_count = 4,
		 .columns = {STEPS(1, to_and_fro), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, CONST, .value = 1), COLUMN(4, CONST, .value = 7)}}};

	raw_begin(capture);
	put_body(capture, sections, 5, false);
	raw_end(capture);
}

/* Each new range goes before all others. */
static void backward_mappings(struct raw_capture *capture)
{
	const struct raw_section sections[] = {
		ALL_TASKS(1),
		USER_FRAMES(1000),
		CHAINS(CAP_MAX_STACK_DEPTH),
		{ROWS(EV_MAPPING, MOST - 4096), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 1), COLUMN(2, DELTA, .value = (u64)-8192),
			     COLUMN(3, CONST, .value = 4096), COLUMN(8, CONST, .value = 1)}},
		{ROWS(EV_CPU_SAMPLE, 16), .column_count = 4,
		 .columns = {COLUMN(1, DELTA, .value = 1u << 30), COLUMN(2, CONST, .value = 1),
			     COLUMN(3, CONST, .value = 1),
			     COLUMN(4, CONST, .value = CAP_MAX_STACK_DEPTH)}}};

	raw_begin(capture);
	put_body(capture, sections, 5, true);
	raw_end(capture);
}

/* -------- text -------- */

static void long_strings(struct raw_capture *capture, u32 type, u16 field)
{
	struct raw_bytes strings = {0}, lengths = {0};
	struct raw_section sections[] = {
		{.kind = CAP_SECTION_STRINGS, .rows = 16, .bytes = &strings},
		{ROWS(type, 512), .column_count = 1,
		 .columns = {COLUMN(field, CONST, .value = 3)}}};

	for (int i = 0; i < 16; i++)
		raw_put_varint(&lengths, CAP_MAX_STRING_BYTES);
	raw_put_le(&strings, lengths.len, 4);
	raw_put(&strings, lengths.bytes, lengths.len);
	raw_fill(&strings, 'a', 16u * CAP_MAX_STRING_BYTES);
	raw_begin(capture);
	put_body(capture, sections, 2, true);
	raw_end(capture);
	raw_free(&strings);
	raw_free(&lengths);
}

static void long_paths(struct raw_capture *capture)
{
	long_strings(capture, EV_TASK_EXEC, 4);
}

static void long_notes(struct raw_capture *capture)
{
	long_strings(capture, EV_META, 2);
}

static void many_strings(struct raw_capture *capture)
{
	struct raw_bytes strings = {0};
	struct raw_section sections[] = {
		{.kind = CAP_SECTION_STRINGS, .rows = MI / 64, .bytes = &strings},
		{ROWS(EV_TASK_EXEC, MI / 64), .column_count = 1,
		 .columns = {COLUMN(4, DELTA, .value = 1)}}};

	raw_put_le(&strings, MI / 64, 4);
	raw_fill(&strings, 4, MI / 64);
	for (u32 i = 0; i < MI / 64; i++)
		raw_put_le(&strings, i, 4);
	raw_begin(capture);
	put_body(capture, sections, 2, false);
	raw_end(capture);
	raw_free(&strings);
}

/* -------- structure -------- */

static void put_record(struct raw_bytes *out, u16 tag, u64 id, u64 rest, unsigned fixed_len)
{
	raw_put_le(out, tag, 2);
	raw_put_le(out, fixed_len, 2);
	raw_put_le(out, fixed_len, 4);
	raw_put_le(out, id, 4);
	raw_put_le(out, rest, fixed_len - 4 > 8 ? 8 : fixed_len - 4);
	raw_fill(out, 0, fixed_len - 4 > 8 ? fixed_len - 12 : 0);
}

/* As many types as there may be; `fields` of each. */
static void put_types(struct raw_capture *capture, u32 types, u32 fields)
{
	struct raw_bytes schema = {0};

	for (u32 t = 0; t < types; t++) {
		put_record(&schema, 1, 1000 + t, CAP_BLOCK_CHUNK, 8);
		for (u32 f = fields; f > 0; f--) /* the last one is found last */
			put_record(&schema, 2, 1000 + t, f | 3u << 16, 12);
	}
	raw_schema(capture, &schema);
	raw_free(&schema);
}

static void many_sections(struct raw_capture *capture)
{
	struct raw_bytes body = {0};
	const u32 count = CAP_MAX_SECTIONS,
		  head = CAP_BODY_HEAD_BYTES + count * CAP_SECTION_ENTRY_BYTES;

	raw_begin_header(capture);
	put_types(capture, CAP_MAX_TYPES, 0);
	raw_put_le(&body, count, 4);
	for (u32 i = 0; i < count; i++) {
		raw_put_le(&body, CAP_SECTION_EVENTS, 4);
		raw_put_le(&body, 1000 + CAP_MAX_TYPES - 1, 4);
		raw_put_le(&body, 0, 4);
		raw_put_le(&body, head + i * 4, 4);
		raw_put_le(&body, 4, 8);
	}
	raw_fill(&body, 0, count * 4);
	fill_up(capture, &body, 0, COSTLY_MAX_BYTES);
	raw_free(&body);
	raw_end(capture);
}

static void many_columns(struct raw_capture *capture)
{
	struct raw_bytes body = {0};
	const u32 count = CAP_MAX_SECTIONS,
		  head = CAP_BODY_HEAD_BYTES + count * CAP_SECTION_ENTRY_BYTES;
	const u32 section = 4 + CAP_MAX_COLUMNS * CAP_COLUMN_ENTRY_BYTES;

	raw_begin_header(capture);
	put_types(capture, 1, 255);
	raw_put_le(&body, count, 4);
	for (u32 i = 0; i < count; i++) {
		raw_put_le(&body, CAP_SECTION_EVENTS, 4);
		raw_put_le(&body, 1000, 4);
		raw_put_le(&body, 0, 4);
		raw_put_le(&body, head + i * section, 4);
		raw_put_le(&body, section, 8);
	}
	for (u32 i = 0; i < count; i++) {
		raw_put_le(&body, CAP_MAX_COLUMNS, 4);
		for (u32 c = 0; c < CAP_MAX_COLUMNS; c++) {
			raw_put_le(&body, 1, 4); /* the field that is looked for longest */
			raw_put_le(&body, 4, 4);
			raw_put_le(&body, 0, 4);
		}
	}
	fill_up(capture, &body, 0, COSTLY_MAX_BYTES);
	raw_free(&body);
	raw_end(capture);
}

/* As many names as there may be, and none for the value that all rows have. */
static void many_names(struct raw_capture *capture)
{
	const struct raw_section calls = {ROWS(EV_SYSCALL, MOST), .column_count = 1,
					  .columns = {COLUMN(11, CONST, .value = 2)}};
	struct raw_bytes schema = {0};

	put_record(&schema, 1, EV_SYSCALL, CAP_BLOCK_CHUNK, 8);
	put_record(&schema, 2, EV_SYSCALL, 11 | (u64)CAP_KIND_SYSNO << 16, 12);
	for (u32 i = 0; i < CAP_MAX_ENUM_VALUES; i++)
		put_record(&schema, 3, CAP_KIND_SYSNO, 1, 8);
	raw_begin_header(capture);
	raw_schema(capture, &schema);
	raw_free(&schema);
	put_body(capture, &calls, 1, true);
	raw_end(capture);
}

/* Each schema is new, and none is kept after the 16th. */
static void many_schemas(struct raw_capture *capture)
{
	raw_begin_header(capture);
	for (u32 i = 0; capture->file.len < COSTLY_MAX_BYTES - 12000; i++)
		put_types(capture, CAP_MAX_TYPES - 1 - i, 0);
	raw_end(capture);
}

static void tiny_blocks(struct raw_capture *capture)
{
	raw_begin(capture);
	while (capture->file.len < COSTLY_MAX_BYTES - 300)
		raw_block(capture, 900 | CAP_TYPE_SKIPPABLE, NULL, NULL, 0);
	raw_end(capture);
}

/* A byte of noise between, and every second number missing. */
static void scattered_blocks(struct raw_capture *capture)
{
	raw_begin(capture);
	while (capture->file.len < COSTLY_MAX_BYTES - 300) {
		raw_block(capture, 900 | CAP_TYPE_SKIPPABLE, NULL, NULL, 0);
		raw_fill(&capture->file, 0x55, 1);
		capture->seq++;
	}
	raw_end(capture);
}

/* Every header claims all the rest of the file, with a wrong checksum for it. */
static void nested_headers(struct raw_capture *capture)
{
	raw_begin(capture);
	while (capture->file.len < COSTLY_MAX_BYTES - 600) {
		struct cap_block_header header = {.type = CAP_BLOCK_CHUNK,
						  .file_id = 0x1122334455667788ull,
						  .seq = capture->seq++};
		u8 bytes[CAP_HEADER_BYTES];

		header.plain_len = COSTLY_MAX_BYTES - 600 - (u32)capture->file.len;
		cap_block_header_encode(&header, bytes);
		raw_put(&capture->file, bytes, sizeof(bytes));
	}
	raw_fill(&capture->file, 0, 200);
	raw_end(capture);
}

/* -------- one kilobyte -------- */

static void small(struct raw_capture *capture, u32 type, u32 sections, u32 rows)
{
	struct raw_section section = {ROWS(type, rows), .column_count = 1,
				      .columns = {COLUMN(1, DELTA, .value = 1)}};
	struct raw_section list[16];
	struct raw_bytes body = {0};

	for (u32 i = 0; i < sections; i++)
		list[i] = section;
	raw_begin_header(capture);
	raw_body(&body, list, sections);
	raw_rows(capture, CAP_BLOCK_CHUNK, &body, rows * sections);
	raw_free(&body);
	raw_end(capture);
	must(capture->file.len <= 1024, "a capture of a kilobyte");
}

static void small_calls(struct raw_capture *capture)
{
	small(capture, EV_SYSCALL, 1, 60u << 10);
}

static void small_samples(struct raw_capture *capture)
{
	small(capture, EV_CPU_SAMPLE, 1, 60u << 10);
}

static void small_symbols(struct raw_capture *capture)
{
	small(capture, EV_SYMBOL, 1, 60u << 10);
}

const struct costly costly[] = {
#define COSTLY(function)            \
	{                           \
#function, function \
	}
	COSTLY(equal_calls),
	COSTLY(far_too_many),
	COSTLY(stepping_calls),
	COSTLY(equal_samples),
	COSTLY(many_meta),
	COSTLY(many_marks),
	COSTLY(many_probes),
	COSTLY(many_symbols),
	COSTLY(many_modules),
	COSTLY(many_losses),
	COSTLY(many_clocks),
	COSTLY(many_processes),
	COSTLY(many_recorders),
	COSTLY(many_programs),
	COSTLY(many_totals),
	COSTLY(unknown_rows),
	COSTLY(many_tasks),
	COSTLY(many_renamed),
	COSTLY(many_forks),
	COSTLY(deep_stacks),
	COSTLY(shared_stack),
	COSTLY(long_copies),
	COSTLY(stack_of_each_moment),
	COSTLY(restless_time),
	COSTLY(backward_mappings),
	COSTLY(long_paths),
	COSTLY(long_notes),
	COSTLY(many_strings),
	COSTLY(many_sections),
	COSTLY(many_columns),
	COSTLY(many_schemas),
	COSTLY(many_names),
	COSTLY(tiny_blocks),
	COSTLY(scattered_blocks),
	COSTLY(nested_headers),
	COSTLY(small_calls),
	COSTLY(small_samples),
	COSTLY(small_symbols),
#undef COSTLY
};
const size_t costly_count = sizeof(costly) / sizeof(costly[0]);
