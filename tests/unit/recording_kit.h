#pragma once
/* What tests of the recorder share: a pipeline on a temporary file, ring records, and the rows of
 * the result. */
#include "unit_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/read/capture_reader.h"
#include "recorder/pipeline/pipeline.h"

static inline int kit_file(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline struct rec_pipeline *kit_sink_with(int fd, u64 queue_bytes, bool wait_when_full)
{
	static const struct cap_file_info info = {
		.cpu_count = 2, .monotonic_ns = 1, .tool_version = "test"};
	struct rec_pipeline_options options = {.fd = fd,
					       .queue_bytes = queue_bytes,
					       .info = &info,
					       .wait_when_full = wait_when_full};
	struct rec_pipeline *pipeline = NULL;
	struct cap_err err = {0};

	if (rec_pipeline_open(&options, &pipeline, &err) < 0)
		fail_msg("rec_pipeline_open: %s", err.text);
	return pipeline;
}

static inline struct rec_pipeline *kit_sink(int fd)
{
	return kit_sink_with(fd, 0, true);
}

static inline void kit_finish(struct rec_pipeline *pipeline)
{
	struct cap_err err = {0};

	if (rec_pipeline_finish(pipeline, CAP_END_NORMAL, &err) < 0)
		fail_msg("rec_pipeline_finish: %s", err.text);
}

static inline struct ring_head kit_head(u16 type, u64 time_ns, u32 tid, u16 cpu)
{
	struct ring_head head = {
		.time_ns = time_ns,
		.leader_start_ns = 77,
		.tgid = tid,
		.tid = tid,
		.exec_id = 3,
		.cpu = cpu,
		.type = type,
		.comm = "worker",
	};

	return head;
}

static inline struct ring_syscall kit_syscall(u64 time_ns, u32 tid, u16 cpu, s64 ret)
{
	struct ring_syscall record = {
		.head = kit_head(EV_SYSCALL, time_ns, tid, cpu),
		.duration_ns = 10,
		.ret = ret,
		.sysno = 1,
	};

	return record;
}

struct kit_capture {	 /* the rows of one type in a capture, all blocks together */
	u64 (*rows)[32]; /* values by field, in schema order; strings as their index in texts, tasks
			    as tid */
	char (*texts)[300];
	u32 count, text_count;
	struct cap_damage damage;
};

/* Which stack frames a sample has, root first, is asked by this; values of STACK fields are
 * replaced by its result. */
typedef u64 (*kit_stack_fn)(const struct cap_rows *rows, u64 stack);

static inline u64 kit_value(struct kit_capture *capture, const struct cap_rows *rows, u8 kind,
			    u64 value, kit_stack_fn stack)
{
	if (kind == CAP_KIND_TASK)
		return value ? rows->tasks[value].tid : 0;
	if (kind == CAP_KIND_STACK && stack)
		return stack(rows, value);
	if (kind != CAP_KIND_STRING || value == 0)
		return value;
	capture->texts =
		realloc(capture->texts, (capture->text_count + 1) * sizeof(*capture->texts));
	assert_non_null(capture->texts);
	(void)snprintf(capture->texts[capture->text_count], sizeof(*capture->texts), "%.*s",
		       (int)rows->strings[value].len, (const char *)rows->strings[value].bytes);
	return capture->text_count++;
}

static inline void kit_section(struct kit_capture *capture, const struct cap_rows *rows,
			       const struct cap_section *section, kit_stack_fn stack)
{
	u64 *values = calloc(section->row_count, sizeof(u64));

	assert_non_null(values);
	capture->rows = realloc(capture->rows,
				(capture->count + section->row_count) * sizeof(*capture->rows));
	assert_non_null(capture->rows);
	memset(capture->rows + capture->count, 0, section->row_count * sizeof(*capture->rows));
	for (size_t f = 0; f < section->type->field_count; f++) {
		const struct cap_field *field = &section->type->fields[f];
		const struct cap_column *column = cap_section_column(section, field->id);

		if (!column)
			continue;
		assert_int_equal(cap_column_decode(rows, section, column, values), 0);
		for (u32 i = 0; i < section->row_count; i++)
			capture->rows[capture->count + i][f] =
				kit_value(capture, rows, field->kind, values[i], stack);
	}
	capture->count += section->row_count;
	free(values);
}

/* Reads all rows of a type; fails the test on any damage. Free with kit_free. */
static inline struct kit_capture kit_read(int fd, u32 type_id, kit_stack_fn stack)
{
	struct cap_reader_options options = {.mode = CAP_READ_STRICT};
	struct kit_capture capture = {0};
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_rows rows;
	struct cap_err err = {0};

	if (cap_reader_open_fd(dup(fd), "test", &options, &reader, &err) < 0)
		fail_msg("open: %s", err.text);
	while (cap_reader_next(reader, &block, &err) > 0) {
		if (block.type < CAP_BLOCK_META || block.type >= CAP_BLOCK_INDEX)
			continue;
		if (cap_reader_rows(reader, &rows, &err) < 0)
			fail_msg("rows: %s", err.text);
		for (u32 i = 0; i < rows.section_count; i++)
			if (rows.sections[i].type_id == type_id)
				kit_section(&capture, &rows, &rows.sections[i], stack);
	}
	capture.damage = *cap_reader_damage(reader);
	cap_reader_close(reader);
	return capture;
}

static inline void kit_free(struct kit_capture *capture)
{
	free(capture->rows);
	free(capture->texts);
	*capture = (struct kit_capture){0};
}

/* Value of a named field of a row. */
static inline u64 kit_field(const struct kit_capture *capture, u32 type_id, u32 row,
			    const char *name)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), type_id);
	const struct cap_field *field = cap_type_field(type, name);

	assert_non_null(field);
	assert_true(row < capture->count);
	return capture->rows[row][field - type->fields];
}
