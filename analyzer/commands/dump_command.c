/*
 * kymo dump: every row as one line of JSON, in the order of the file. Made from the schema inside
 * the capture, so it also shows types and fields that this version has never heard of.
 */
#include "analyzer/commands/command_mains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/json_string.h"
#include "analyzer/output/report_writer.h"
#include "formats/read/capture_reader.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define OUTPUT_BYTES (256u << 10)
#define DUMP_COLUMNS CAP_MAX_COLUMNS
#define FRAME_TEXT_BYTES 40u /* about */
#define COPY_TEXT_BYTES 250u
/* A row of a few bytes may refer to a thousand frames, and these to long names. */
#define MAX_STACK_TEXT_BYTES(file_bytes) ((32ull << 20) + 1024 * (file_bytes))

struct dump {
	struct cap_reader *reader;
	FILE *out;
	const char *type; /* NULL: all */
	bool type_seen;
	u64 unknown_rows, rejected;
	u64 thinning;	 /* decisions of the budget that left something out */
	u64 counted;	 /* system calls without rows of their own */
	u64 stack_bytes; /* written for frames, about */
	struct {
		u64 *values;
		size_t capacity;
		bool usable;
	} columns[DUMP_COLUMNS];
};

static int set_type(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct dump *)own)->type = value;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_DUMP
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static void dump_done(struct dump *dump)
{
	(void)cap_reader_close(dump->reader);
	for (size_t i = 0; i < DUMP_COLUMNS; i++)
		free(dump->columns[i].values);
}

/* The value of member name, and name_hex if it is not UTF-8. */
static void print_string(FILE *out, const char *name, const struct cap_string *string)
{
	const char *text = (const char *)string->bytes;

	if (string->len == 0) {
		(void)fputs("null", out);
		return;
	}
	kymo_json_string(out, text, string->len);
	kymo_json_flag(out, ",", name, "_hex", text, string->len);
}

static void print_hex(FILE *out, const struct cap_string *string)
{
	(void)fputc('"', out);
	for (u32 i = 0; i < string->len; i++)
		(void)fprintf(out, "%02x", string->bytes[i]);
	(void)fputc('"', out);
}

static void print_task(FILE *out, const struct cap_task *task)
{
	size_t len = strnlen(task->comm, EV_COMM_BYTES);

	(void)fprintf(out,
		      "{\"tgid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"leader_start_ns\":%" PRIu64
		      ",\"exec_id\":%" PRIu32 ",\"comm\":",
		      task->tgid, task->tid, task->leader_start_ns, task->exec_id);
	kymo_json_string(out, task->comm, len);
	kymo_json_flag(out, ",", "comm", "_hex", task->comm, len);
	(void)fputc('}', out);
}

/* Innermost frame first. */
static void print_stack(struct dump *dump, const struct cap_rows *rows, u64 node)
{
	const char *separator = "";
	FILE *out = dump->out;

	(void)fputc('[', out);
	while (node != 0) {
		const struct cap_frame *frame = &rows->frames[rows->stacks[node].frame];

		(void)fprintf(out, "%s{\"space\":%u,\"offset\":\"0x%" PRIx64 "\"", separator,
			      frame->space, frame->offset);
		if (frame->object != 0) {
			(void)fputs(",\"object\":", out);
			print_string(out, "object", &rows->strings[frame->object]);
		}
		(void)fputc('}', out);
		separator = ",";
		dump->stack_bytes += FRAME_TEXT_BYTES + rows->strings[frame->object].len;
		node = rows->stacks[node].parent;
	}
	(void)fputc(']', out);
}

/* Registers, then the words that were kept, innermost first. */
static void print_copy(struct dump *dump, const struct cap_rows *rows, u64 row)
{
	const struct cap_copy *copy = &rows->copies[row];
	struct cap_word_walk walk = cap_copy_words(rows, (u32)row);
	const char *separator = "";
	FILE *out = dump->out;
	u64 address, value;

	if (row == 0) {
		(void)fputs("null", out);
		return;
	}
	(void)fprintf(
		out, "{\"ip\":\"0x%" PRIx64 "\",\"sp\":\"0x%" PRIx64 "\",\"top\":\"0x%" PRIx64 "\"",
		copy->ip, copy->sp, copy->top);
#define REGISTER(name) (void)fprintf(out, ",\"" #name "\":\"0x%" PRIx64 "\"", copy->name);
	REGISTER(bp)
	REGISTER(bx)
	REGISTER(r12)
	REGISTER(r13)
	REGISTER(r14)
	REGISTER(r15)
#undef REGISTER
	(void)fprintf(out, ",\"flags\":%" PRIu32 ",\"holes\":%" PRIu64 ",\"words\":[", copy->flags,
		      copy->holes);
	while (cap_word_next(&walk, &address, &value) == 1) {
		(void)fprintf(out, "%s[\"0x%" PRIx64 "\",\"0x%" PRIx64 "\"]", separator, address,
			      value);
		separator = ",";
		dump->stack_bytes += FRAME_TEXT_BYTES;
	}
	(void)fputs("]}", out);
	dump->stack_bytes += COPY_TEXT_BYTES;
}

static void print_number(FILE *out, const struct cap_field *field, u64 value)
{
	(void)fprintf(out, field->is_signed ? "%" PRId64 : "%" PRIu64, value);
}

static void print_enumerated(const struct dump *dump, const struct cap_field *field, u64 value)
{
	const char *name = value <= UINT32_MAX
				   ? cap_schema_enum_name(cap_reader_schema(dump->reader),
							  (enum cap_kind)field->kind, (u32)value)
				   : NULL;

	print_number(dump->out, field, value);
	if (!name)
		return;
	(void)fputc(',', dump->out);
	kymo_json_key(dump->out, field->name, "_name");
	kymo_json_string(dump->out, name, strlen(name));
	kymo_json_flag(dump->out, ",", field->name, "_name_hex", name, strlen(name));
}

static void print_value(struct dump *dump, const struct cap_rows *rows,
			const struct cap_field *field, u64 value)
{
	switch (field->kind) {
	case CAP_KIND_TASK:
		print_task(dump->out, &rows->tasks[value]);
		break;
	case CAP_KIND_STACK:
		print_stack(dump, rows, value);
		break;
	case CAP_KIND_COPY:
		print_copy(dump, rows, value);
		break;
	case CAP_KIND_STRING:
		print_string(dump->out, field->name, &rows->strings[value]);
		break;
	case CAP_KIND_BYTES:
		print_hex(dump->out, &rows->strings[value]);
		break;
	case CAP_KIND_ADDRESS:
		(void)fprintf(dump->out, "\"0x%" PRIx64 "\"", value);
		break;
	case CAP_KIND_TIME:
	case CAP_KIND_DURATION:
	case CAP_KIND_UINT:
	case CAP_KIND_INT:
	case CAP_KIND_ERRNO:
	case CAP_KIND_FLAGS:
	case CAP_KIND_CLOCKNS:
		print_number(dump->out, field, value);
		break;
	default: /* also kinds of later versions: the schema may name their values */
		print_enumerated(dump, field, value);
	}
}

static int decode_columns(struct dump *dump, const struct cap_rows *rows,
			  const struct cap_section *section)
{
	for (u32 i = 0; i < section->column_count && i < DUMP_COLUMNS; i++) {
		if (section->row_count > dump->columns[i].capacity) {
			u64 *values = realloc(dump->columns[i].values,
					      section->row_count * sizeof(*values));

			if (!values)
				return -ENOMEM;
			dump->columns[i].values = values;
			dump->columns[i].capacity = section->row_count;
		}
		dump->columns[i].usable = cap_column_decode(rows, section, &section->columns[i],
							    dump->columns[i].values) == 0;
		dump->rejected += !dump->columns[i].usable;
	}
	return 0;
}

static void print_row(struct dump *dump, const struct cap_rows *rows,
		      const struct cap_section *section, u32 row)
{
	(void)fputs("{\"type\":", dump->out);
	kymo_json_string(dump->out, section->type->name, strlen(section->type->name));
	kymo_json_flag(dump->out, ",", "type", "_hex", section->type->name,
		       strlen(section->type->name));
	for (u32 i = 0; i < section->column_count && i < DUMP_COLUMNS; i++) {
		const struct cap_field *field = section->columns[i].field;

		if (!field || strcmp(field->name, "reserved") == 0)
			continue;
		(void)fputc(',', dump->out);
		kymo_json_key(dump->out, field->name, "");
		if (dump->columns[i].usable)
			print_value(dump, rows, field, dump->columns[i].values[row]);
		else
			(void)fputs("null", dump->out);
	}
	(void)fputs("}\n", dump->out);
}

/* In a decoded section: how often a class was not recorded in full, and how many calls were only
 * counted. */
static void count_reductions(struct dump *dump, const struct cap_section *section)
{
	const char *type = section->type->name;
	const char *wanted = strcmp(type, "governor") == 0 ? "state" : "call_count";

	for (u32 i = 0; i < section->column_count && i < DUMP_COLUMNS; i++) {
		const struct cap_field *field = section->columns[i].field;

		if (!field || strcmp(field->name, wanted) != 0 || !dump->columns[i].usable)
			continue;
		for (u32 row = 0; row < section->row_count; row++) {
			u64 value = dump->columns[i].values[row];

			if (wanted[0] == 's')
				dump->thinning += value != STATE_FULL;
			else if (__builtin_add_overflow(dump->counted, value, &dump->counted))
				dump->counted = UINT64_MAX;
		}
	}
}

static int dump_rows(struct dump *dump, const struct cap_rows *rows, struct cap_err *err)
{
	u64 most = MAX_STACK_TEXT_BYTES(cap_reader_file_bytes(dump->reader));

	for (u32 s = 0; s < rows->section_count; s++) {
		const struct cap_section *section = &rows->sections[s];
		bool wanted, tells_reductions;

		if (!section->type) {
			dump->unknown_rows += section->row_count;
			continue;
		}
		wanted = !dump->type || strcmp(dump->type, section->type->name) == 0;
		/* report what was left out even if its rows were not requested */
		tells_reductions = strcmp(section->type->name, "governor") == 0 ||
				   strcmp(section->type->name, "syscall_count") == 0;
		if (!wanted && !tells_reductions)
			continue;
		if (decode_columns(dump, rows, section) < 0)
			return cap_fail(err, -ENOMEM, "out of memory");
		if (tells_reductions)
			count_reductions(dump, section);
		for (u32 row = 0; wanted && row < section->row_count && dump->stack_bytes <= most;
		     row++)
			print_row(dump, rows, section, row);
		if (dump->stack_bytes > most)
			return cap_fail(err, CAP_ELIMIT,
					"its rows refer to more stacks than a capture of this size "
					"may hold: the dump ends here");
		if (ferror(dump->out))
			return cap_fail_errno(err, -kymo_output_error(dump->out),
					      "write the output");
	}
	return 0;
}

static int walk(struct dump *dump, struct cap_err *err)
{
	struct cap_block block;
	struct cap_rows rows;
	int rc;

	while ((rc = cap_reader_next(dump->reader, &block, err)) == 1) {
		dump->type_seen |=
			dump->type &&
			cap_schema_type_by_name(cap_reader_schema(dump->reader), dump->type);
		if (!cap_block_holds_rows(block.type) || block.replica)
			continue; /* no rows in it, or none that are new */
		rc = cap_reader_rows(dump->reader, &rows, err);
		if (rc == -ENOMEM)
			return rc;
		rc = rc < 0 ? 0
			    : dump_rows(dump, &rows,
					err); /* a damaged block is counted by the reader */
		if (rc < 0)
			return rc;
	}
	return rc;
}

static void note_reductions(const struct kymo_run *run, const struct dump *dump)
{
	char decisions[64] = "", calls[80] = "";

	if (dump->thinning)
		(void)snprintf(decisions, sizeof(decisions),
			       "--type governor (decisions: %" PRIu64 ")", dump->thinning);
	if (dump->counted)
		(void)snprintf(calls, sizeof(calls), "%s--type syscall_count (calls: %" PRIu64 ")",
			       dump->thinning ? ", " : "", dump->counted);
	run->note(run, "not everything was stored one by one: see %s%s", decisions, calls);
}

/* One note per kind of trouble. Returns the exit status. */
static int note_trouble(const struct kymo_run *run, const struct dump *dump, const char *path)
{
	const struct cap_damage *damage = cap_reader_damage(dump->reader);
	const char *stopped = cap_reader_stopped(dump->reader);
	bool damaged = damage->blocks_damaged || damage->blocks_lost || damage->bytes_skipped;

	if (damaged)
		run->note(run,
			  "'%s' is damaged: %" PRIu64 " blocks and %" PRIu64
			  " bytes could not be read%s%s",
			  path, damage->blocks_damaged + damage->blocks_lost, damage->bytes_skipped,
			  stopped ? "; stopped at the first damage: " : "", stopped ? stopped : "");
	else if (!damage->ended)
		run->note(run, "'%s' was cut off before its end: what came after is unknown", path);
	if (dump->unknown_rows || damage->blocks_unknown)
		run->note(run, "%" PRIu64 " blocks and %" PRIu64 " rows of unknown type skipped",
			  damage->blocks_unknown, dump->unknown_rows);
	if (damage->blocks_schema_unknown)
		run->note(run,
			  "the schema of %" PRIu64 " blocks in '%s' is missing, and not that of a "
			  "known release: new fields in them have no name",
			  damage->blocks_schema_unknown, path);
	if (dump->rejected)
		run->note(run, "%" PRIu64 " columns could not be decoded and read as null",
			  dump->rejected);
	if (damage->end_lost)
		run->note(run, "%" PRIu64 " events are missing: its loss rows say why",
			  damage->end_lost);
	if (dump->thinning || dump->counted)
		note_reductions(run, dump);
	return damaged || !damage->ended || dump->unknown_rows || damage->blocks_unknown ||
			       damage->blocks_schema_unknown || dump->rejected || damage->end_lost
		       ? KYMO_EXIT_LOSS
		       : 0;
}

int kymo_dump_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(cap_freep) char *buffer = malloc(OUTPUT_BYTES);
	CLEANUP(dump_done) struct dump dump = {.out = run->out};
	const struct kymo_parse parse = {.options = options_table, .own = &dump};
	struct kymo_common common;
	int first, rc, output_rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = kymo_reading_open(argv[first], common.reading, &dump.reader, err);
	if (rc < 0)
		return rc;
	if (buffer)
		(void)setvbuf(run->out, buffer, _IOFBF,
			      OUTPUT_BYTES); /* without it the dump is only slower */
	rc = walk(&dump, err);
	output_rc = kymo_output_error(run->out);
	if (rc == 0 && output_rc < 0)
		rc = cap_fail_errno(err, -output_rc, "write the output");
	(void)setvbuf(run->out, NULL, _IONBF, 0); /* our buffer goes away; _IOLBF would keep it */
	if (rc < 0)
		return rc;
	if (dump.type && !dump.type_seen)
		return cap_fail(err, CAP_EUSAGE, "'%s' has no row type '%s'", argv[first],
				dump.type);
	return note_trouble(run, &dump, argv[first]);
}
