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

#include "analyzer/capture/section_values.h"
#include "analyzer/commands/reading_gaps.h"
#include "analyzer/output/json_string.h"
#include "analyzer/output/report_writer.h"
#include "formats/read/capture_reader.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define OUTPUT_BYTES (256u << 10)
#define FRAME_TEXT_BYTES 40u /* about */
#define COPY_TEXT_BYTES 250u
/* A row of a few bytes may refer to a thousand frames, and these to long names. */
#define MAX_STACK_TEXT_BYTES(file_bytes) ((32ull << 20) + 1024 * (file_bytes))

struct dump {
	struct cap_reader *reader;
	FILE *out;
	const char *type; /* NULL: all */
	bool type_seen;
	struct kymo_reading_gaps gaps;
	u64 stack_bytes; /* written for frames, about */
	struct kymo_section_values values;
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
	kymo_section_values_done(&dump->values);
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

static void print_row(struct dump *dump, const struct cap_rows *rows,
		      const struct cap_section *section, u32 row)
{
	(void)fputs("{\"type\":", dump->out);
	kymo_json_string(dump->out, section->type->name, strlen(section->type->name));
	kymo_json_flag(dump->out, ",", "type", "_hex", section->type->name,
		       strlen(section->type->name));
	for (u32 i = 0; i < section->column_count && i < CAP_MAX_COLUMNS; i++) {
		const struct cap_field *field = section->columns[i].field;

		if (!field || strcmp(field->name, "reserved") == 0)
			continue;
		(void)fputc(',', dump->out);
		kymo_json_key(dump->out, field->name, "");
		if (dump->values.columns[i].usable)
			print_value(dump, rows, field, dump->values.columns[i].values[row]);
		else
			(void)fputs("null", dump->out);
	}
	(void)fputs("}\n", dump->out);
}

static int dump_rows(struct dump *dump, const struct cap_rows *rows, struct cap_err *err)
{
	u64 most = MAX_STACK_TEXT_BYTES(cap_reader_file_bytes(dump->reader));

	for (u32 s = 0; s < rows->section_count; s++) {
		const struct cap_section *section = &rows->sections[s];
		bool wanted, tells_reductions;

		if (!section->type) {
			dump->gaps.unknown_rows += section->row_count;
			continue;
		}
		wanted = !dump->type || strcmp(dump->type, section->type->name) == 0;
		/* report what was left out even if its rows were not requested */
		tells_reductions = kymo_tells_reductions(section);
		if (!wanted && !tells_reductions)
			continue;
		if (kymo_section_values_decode(&dump->values, rows, section) < 0)
			return cap_fail(err, -ENOMEM, "out of memory");
		if (tells_reductions)
			kymo_count_reductions(&dump->gaps, section, &dump->values);
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
	dump.gaps.columns_rejected = dump.values.rejected;
	return kymo_note_gaps(run, dump.reader, &dump.gaps, argv[first]);
}
