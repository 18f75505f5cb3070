#pragma once
/* A chunk as text, one row a line, by way of a real writer and reader: "symbol offset_bytes=16 ...
 * name='f'". */
#include "unit_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/read/capture_reader.h"
#include "random_rows.h"

static void row_text_value(FILE *out, const struct cap_rows *rows, const struct cap_field *field,
			   u64 value)
{
	const bool is_string = field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES;
	const struct cap_string *string = &rows->strings[is_string ? value : 0];

	fprintf(out, " %s=", field->name);
	if (field->kind == CAP_KIND_STRING) {
		fprintf(out, "'%.*s'", (int)string->len, (const char *)string->bytes);
	} else if (field->kind == CAP_KIND_BYTES) {
		for (u32 i = 0; i < string->len; i++)
			fprintf(out, "%02x", string->bytes[i]);
	} else if (field->kind == CAP_KIND_TASK) {
		fprintf(out, "%u/%u", rows->tasks[value].tgid, rows->tasks[value].tid);
	} else {
		fprintf(out, "%llu", (unsigned long long)value);
	}
}

static void row_text_section(FILE *out, const struct cap_rows *rows,
			     const struct cap_section *section)
{
	u64 **columns = calloc(section->column_count, sizeof(*columns));

	for (u32 c = 0; c < section->column_count; c++) {
		columns[c] = calloc(section->row_count, sizeof(u64));
		assert_int_equal(cap_column_decode(rows, section, &section->columns[c], columns[c]),
				 0);
	}
	for (u32 row = 0; row < section->row_count; row++) {
		fputs(section->type->name, out);
		for (u32 c = 0; c < section->column_count; c++)
			row_text_value(out, rows, section->columns[c].field, columns[c][row]);
		fputc('\n', out);
	}
	for (u32 c = 0; c < section->column_count; c++)
		free(columns[c]);
	free(columns);
}

/* For the caller to free. */
static char *row_text(const struct cap_chunk *chunk, enum cap_block_type type)
{
	struct cap_err err = {0};
	int fd = memory_file("row_text");
	struct cap_writer_options options = {.fd = fd};
	struct cap_file_info info = {.tool_version = "t"};
	struct cap_writer *writer = NULL;
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(cap_writer_new(&options, &info, &writer, &err), 0);
	assert_int_equal(cap_writer_begin(writer, &err), 0);
	assert_int_equal(cap_writer_rows(writer, type, chunk, NULL, &err), 0);
	assert_int_equal(cap_writer_end(writer, CAP_END_NORMAL, NULL, &err), 0);
	cap_writer_free(writer);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(cap_reader_open_fd(fd, "row_text", NULL, &reader, &err), 0);
	while (cap_reader_next(reader, &block, &err) > 0) {
		if (!block.row_count)
			continue;
		assert_int_equal(cap_reader_rows(reader, &rows, &err), 0);
		for (u32 i = 0; i < rows.section_count; i++)
			row_text_section(out, &rows, &rows.sections[i]);
	}
	cap_reader_close(reader);
	assert_int_equal(fclose(out), 0);
	return text;
}
