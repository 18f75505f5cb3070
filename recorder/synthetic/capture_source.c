/*
 * An existing capture as a source: its rows go through the pipeline again, with new references
 * between tables, so that the writer and everything after it can be tested without a kernel. Rows
 * of types this version does not know are counted and left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "recorder/pipeline/encode.h"
#include "formats/read/capture_reader.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "recorder/pipeline/rec_source.h"

#define MAX_ROW_BYTES 256

struct rec_source {
	struct cap_reader *reader;
	int wake_fd; /* always readable */
	u64 now_ns;  /* latest time seen */
	u64 blocks_unreadable;
	bool all_read;
	u64 *values; /* decoded columns of the section at hand, one after the other */
	size_t values_size;
	u32 *stack_map, *task_map, *string_map, *word_map,
		*copy_map; /* index in the input block -> index in our chunk; 0: not yet */
	size_t stack_map_size, task_map_size, string_map_size, word_map_size, copy_map_size;
};

static struct rec_source *capture_free(struct rec_source *source)
{
	if (!source)
		return NULL;
	cap_reader_close(source->reader);
	cap_closep(&source->wake_fd);
	free(source->values);
	free(source->stack_map);
	free(source->task_map);
	free(source->string_map);
	free(source->word_map);
	free(source->copy_map);
	free(source);
	return NULL;
}

static void capture_freep(struct rec_source **source)
{
	*source = capture_free(*source);
}

static int capture_open(const struct rec_options *options, struct rec_source **ret_source,
			struct cap_err *err)
{
	CLEANUP(capture_freep) struct rec_source *source = calloc(1, sizeof(*source));
	struct cap_reader_options reader_options = {.mode = CAP_READ_SKIP_DAMAGE};
	int rc;

	if (!source)
		return cap_fail_errno(err, ENOMEM, "open source '%s'", options->source_path);
	source->wake_fd = eventfd(1, EFD_CLOEXEC);
	if (source->wake_fd < 0)
		return cap_fail_errno(err, errno, "open source '%s': eventfd",
				      options->source_path);
	rc = cap_reader_open(options->source_path, &reader_options, &source->reader, err);
	if (rc < 0)
		return cap_context(err, rc, "source");
	source->now_ns = cap_reader_facts(source->reader)->info.monotonic_ns;
	*ret_source = TAKE(source);
	return 0;
}

/* The events are from that host, whichever host replays them; only the file is new. */
static void capture_describe(const struct rec_source *source, struct cap_file_info *info)
{
	struct cap_file_info copied = cap_reader_facts(source->reader)->info;

	memcpy(copied.file_uuid, info->file_uuid, sizeof(copied.file_uuid));
	copied.tool_version = info->tool_version;
	if (copied.cpu_count == 0)
		copied.cpu_count = 1;
	*info = copied;
}

static int capture_start(struct rec_source *source, struct rec_pipeline *pipeline,
			 struct cap_err *err)
{
	(void)source; /* its first blocks are the side blocks of the start */
	(void)pipeline;
	(void)err;
	return 0;
}

/* -------- tables -------- */

static int clear_map(u32 **map, size_t *size, size_t wanted)
{
	if (wanted > *size) {
		u32 *bigger = reallocarray(*map, wanted, sizeof(u32));

		if (!bigger)
			return -ENOMEM;
		*map = bigger;
		*size = wanted;
	}
	if (wanted > 0)
		memset(*map, 0, wanted * sizeof(u32));
	return 0;
}

static int clear_maps(struct rec_source *source, const struct cap_rows *rows)
{
	int rc = clear_map(&source->stack_map, &source->stack_map_size, rows->stack_count);

	if (rc == 0)
		rc = clear_map(&source->task_map, &source->task_map_size, rows->task_count);
	if (rc == 0)
		rc = clear_map(&source->string_map, &source->string_map_size, rows->string_count);
	if (rc == 0)
		rc = clear_map(&source->word_map, &source->word_map_size, rows->word_count);
	if (rc == 0)
		rc = clear_map(&source->copy_map, &source->copy_map_size, rows->copy_count);
	return rc;
}

struct copy { /* one block on its way into one chunk */
	struct rec_source *source;
	const struct cap_rows *rows;
	struct cap_chunk *chunk;
};

static u32 copy_string(const struct copy *copy, u32 index)
{
	u32 *mapped = &copy->source->string_map[index];

	if (index == 0)
		return 0;
	if (*mapped == 0)
		*mapped = cap_chunk_string(copy->chunk, copy->rows->strings[index].bytes,
					   copy->rows->strings[index].len);
	return *mapped;
}

static u32 copy_task(const struct copy *copy, u32 index)
{
	u32 *mapped = &copy->source->task_map[index];

	if (index == 0)
		return 0;
	if (*mapped == 0)
		*mapped = cap_chunk_task(copy->chunk, &copy->rows->tasks[index]);
	return *mapped;
}

static u32 copy_frame(const struct copy *copy, u32 index)
{
	const struct cap_frame *frame = &copy->rows->frames[index];
	u32 object = frame->object;

	if (index == 0)
		return 0;
	if (object != 0)
		object = object < copy->rows->string_count ? copy_string(copy, object) : 0;
	return cap_chunk_frame(copy->chunk, (enum cap_space)frame->space, object, frame->offset);
}

/* Parents have lower numbers than children, so one walk to the first known node and one back do it.
 */
static u32 copy_stack(const struct copy *copy, u32 index)
{
	u32 *map = copy->source->stack_map;
	u32 path[CAP_MAX_STACK_DEPTH];
	u32 depth = 0, node = index, mapped;

	while (node != 0 && map[node] == 0 && depth < CAP_MAX_STACK_DEPTH) {
		path[depth++] = node;
		node = copy->rows->stacks[node].parent;
	}
	mapped = node ? map[node] : 0;
	while (depth > 0) {
		node = path[--depth];
		mapped = cap_chunk_stack(copy->chunk, mapped,
					 copy_frame(copy, copy->rows->stacks[node].frame));
		if (mapped == 0)
			return 0;
		map[node] = mapped;
	}
	return mapped;
}

/* As copy_stack does it. A word's place and value are told relative to its copy's top, so one row
 * may serve copies with different ones. */
static u32 copy_word(const struct copy *copy, u32 index, u64 top)
{
	const struct cap_word *words = copy->rows->words;
	u32 *map = copy->source->word_map;
	u32 path[CAP_MAX_COPY_WORDS];
	u32 depth = 0, node = index, mapped;

	for (; node != 0 && map[node] == 0; node = words[node].parent)
		path[depth++] = node; /* each is further below the top than its parent */
	mapped = node ? map[node] : 0;
	while (depth > 0) {
		struct cap_word_walk walk = {.rows = copy->rows, .top = top, .word = path[--depth]};
		const struct cap_word *word = &words[walk.word];
		u64 address, value;

		if (cap_word_next(&walk, &address, &value) != 1)
			return 0;
		mapped =
			cap_chunk_word(copy->chunk, mapped,
				       word->below - words[word->parent].below - 1, address, value);
		if (mapped == 0)
			return 0;
		map[path[depth]] = mapped;
	}
	return mapped;
}

static u32 copy_copy(const struct copy *copy, u32 index)
{
	u32 *mapped = &copy->source->copy_map[index];
	struct cap_copy taken = copy->rows->copies[index];

	if (index == 0)
		return 0;
	if (*mapped == 0) {
		taken.word = copy_word(copy, taken.word, taken.top);
		*mapped = cap_chunk_copy(copy->chunk, &taken);
	}
	return *mapped;
}

static u64 copy_value(const struct copy *copy, const struct cap_field *field, u64 value)
{
	switch (field->kind) {
	case CAP_KIND_STRING:
	case CAP_KIND_BYTES:
		return value < copy->rows->string_count ? copy_string(copy, (u32)value) : 0;
	case CAP_KIND_TASK:
		return value < copy->rows->task_count ? copy_task(copy, (u32)value) : 0;
	case CAP_KIND_STACK:
		return value < copy->rows->stack_count ? copy_stack(copy, (u32)value) : 0;
	case CAP_KIND_COPY:
		return value < copy->rows->copy_count ? copy_copy(copy, (u32)value) : 0;
	default:
		return value;
	}
}

/* -------- rows -------- */

static void put_field(u8 *row, const struct cap_field *field, u64 value)
{
	switch (field->width_bytes) { /* little-endian, as everything Kymo runs on */
	case 1:
	case 2:
	case 4:
	case 8:
		memcpy(row + field->row_offset, &value, field->width_bytes);
		break;
	}
}

static u64 get_field(const u8 *row, const struct cap_type *type, const char *name)
{
	const struct cap_field *field = cap_type_field(type, name);
	u64 value = 0;

	if (field)
		memcpy(&value, row + field->row_offset, field->width_bytes);
	return value;
}

/* Decodes all columns of a section; columns that are missing or damaged read as 0. */
static int decode_section(struct rec_source *source, const struct cap_rows *rows,
			  const struct cap_section *section, const struct cap_type *type)
{
	size_t wanted = (size_t)section->row_count * type->field_count;

	if (wanted > source->values_size) {
		u64 *bigger = reallocarray(source->values, wanted, sizeof(u64));

		if (!bigger)
			return -ENOMEM;
		source->values = bigger;
		source->values_size = wanted;
	}
	for (size_t i = 0; i < type->field_count; i++) {
		u64 *values = source->values + i * section->row_count;
		const struct cap_column *column = cap_section_column(section, type->fields[i].id);

		if (!column || cap_column_decode(rows, section, column, values) < 0)
			memset(values, 0, section->row_count * sizeof(*values));
	}
	return 0;
}

static void build_row(const struct copy *copy, const struct cap_section *section,
		      const struct cap_type *type, u32 index, u8 *row)
{
	const u64 *values = copy->source->values + index;

	memset(row, 0, type->row_bytes);
	for (size_t i = 0; i < type->field_count; i++)
		put_field(row, &type->fields[i],
			  copy_value(copy, &type->fields[i], values[i * section->row_count]));
}

static void note_time(struct rec_source *source, u64 time_ns)
{
	if (time_ns > source->now_ns)
		source->now_ns = time_ns;
}

/* Losses and totals are passed to the pipeline, which writes them again: they stay true for the new
 * file.
 */
static bool take_count_row(struct rec_pipeline *pipeline, u32 type_id, const u8 *row)
{
	if (type_id == EV_LOSS) {
		struct ev_loss loss;

		memcpy(&loss, row, sizeof(loss));
		rec_pipeline_lost_between(pipeline, loss.event_class, loss.cpu, loss.reason,
					  loss.lost_count, loss.from_ns, loss.time_ns);
		return true;
	}
	if (type_id == EV_CLASS_TOTAL) {
		struct ev_class_total total;

		memcpy(&total, row, sizeof(total));
		rec_pipeline_attempted(pipeline, total.event_class, total.cpu,
				       total.attempted_count, total.unmatched_count);
		return true;
	}
	return false;
}

/* Counted calls are counted again, so that they stay counted or become lost. */
static int copy_row(struct rec_pipeline *pipeline, const struct copy *copy, u32 type_id,
		    const u8 *row, bool events)
{
	u64 copied[32];
	u32 task = 0, cpu = 0;

	if (!events && cap_class_counted_in(type_id) < EV_CLASS_COUNT) {
		const struct cap_type *type = cap_schema_type(cap_schema_builtin(), type_id);
		const struct cap_field *field = cap_type_field(type, "cpu");
		const struct rec_counted counted = {.type = (enum ev_type)type_id,
						    .row = (struct ev_counts *)(void *)copied,
						    .task = &task};
		struct rec_counted with_cpu = counted;

		memcpy(copied, row, type->row_bytes);
		memcpy(&cpu, row + field->row_offset, field->width_bytes);
		with_cpu.cpu = cpu;
		return rec_pipeline_add_counted(pipeline, copy->chunk, &with_cpu);
	}
	return cap_chunk_add(copy->chunk, (enum ev_type)type_id, row);
}

static int copy_section(struct rec_source *source, struct rec_pipeline *pipeline, struct copy *copy,
			const struct cap_section *section, bool events)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), section->type_id);
	u8 row[MAX_ROW_BYTES] __attribute__((aligned(8)));
	int rc;

	if (!type || type->row_bytes > sizeof(row)) /* counted by the reader as rows_unknown_type */
		return 0;
	rc = decode_section(source, copy->rows, section, type);
	for (u32 i = 0; i < section->row_count && rc == 0; i++) {
		if (events && rec_pipeline_open_chunk(pipeline) != copy->chunk) {
			copy->chunk = rec_pipeline_open_chunk(pipeline);
			rc = clear_maps(source, copy->rows);
		}
		if (rc < 0)
			break;
		build_row(copy, section, type, i, row);
		rc = cap_chunk_failed(copy->chunk);
		if (rc < 0) /* the row lacks what could not be copied */
			break;
		note_time(source, get_field(row, type, "time_ns"));
		if (!events && take_count_row(pipeline, section->type_id, row))
			continue;
		rc = copy_row(pipeline, copy, section->type_id, row, events);
		if (rc == 0 && events)
			rec_pipeline_stored(pipeline, cap_class_of_type(section->type_id),
					    (u32)get_field(row, type, "cpu"), 1);
	}
	return rc;
}

static int copy_block(struct rec_source *source, struct rec_pipeline *pipeline,
		      const struct cap_block *block, const struct cap_rows *rows)
{
	bool events = block->type == CAP_BLOCK_CHUNK;
	struct copy copy = {
		.source = source,
		.rows = rows,
		.chunk = events ? rec_pipeline_open_chunk(pipeline)
				: rec_pipeline_info_chunk(pipeline),
	};
	int rc = copy.chunk ? clear_maps(source, rows) : -ENOMEM;
	int put_rc = 0;

	for (u32 i = 0; i < rows->section_count && rc == 0; i++)
		rc = copy_section(source, pipeline, &copy, &rows->sections[i], events);
	if (rc == 0 && cap_chunk_failed(copy.chunk) < 0)
		rc = cap_chunk_failed(copy.chunk);
	if (events)
		return rc < 0 ? rc : rec_pipeline_flush(pipeline);
	if (copy.chunk && rc < 0)
		cap_chunk_reset(copy.chunk);
	if (copy.chunk)
		put_rc = rec_pipeline_put_info(pipeline, (enum cap_block_type)block->type,
					       copy.chunk);
	return rc < 0 ? rc : put_rc;
}

static bool has_rows(u32 type)
{
	switch (type) {
	case CAP_BLOCK_FILE_HEADER:
	case CAP_BLOCK_SCHEMA:
	case CAP_BLOCK_INDEX:
	case CAP_BLOCK_END:
		return false;
	default:
		return strcmp(cap_block_name(type), "unknown") != 0;
	}
}

static int capture_drain(struct rec_source *source, struct rec_pipeline *pipeline,
			 struct cap_err *err)
{
	struct cap_block block;
	struct cap_rows rows;
	int rc = cap_reader_next(source->reader, &block, err);

	if (rc < 0)
		return cap_context(err, rc, "source");
	if (rc == 0) {
		source->all_read = true;
		return 1;
	}
	if (block.replica || !has_rows(block.type))
		return 0;
	rc = cap_reader_rows(source->reader, &rows, err);
	if (rc == CAP_EDAMAGED || rc == CAP_ELIMIT) { /* passed over, as every reader does */
		source->blocks_unreadable++;
		return 0;
	}
	if (rc < 0)
		return cap_context(err, rc, "source");
	rc = copy_block(source, pipeline, &block, &rows);
	if (rc < 0)
		return cap_fail(err, rc, "source: block at byte %llu could not be copied",
				(unsigned long long)block.offset);
	return 0;
}

/* Known once everything was read: which parts of the input could not be copied. */
static void capture_missing(const struct rec_source *source,
			    void (*tell)(void *context, const char *what, const char *why),
			    void *context)
{
	const struct cap_damage *damage = cap_reader_damage(source->reader);
	char text[160];

	if (!source->all_read)
		return;
	if (damage->blocks_damaged || damage->blocks_lost || damage->bytes_skipped ||
	    source->blocks_unreadable) {
		(void)snprintf(
			text, sizeof(text),
			"%llu blocks of it are damaged, %llu are missing, %llu bytes were passed "
			"over",
			(unsigned long long)(damage->blocks_damaged + source->blocks_unreadable),
			(unsigned long long)damage->blocks_lost,
			(unsigned long long)damage->bytes_skipped);
		tell(context, "source", text);
	}
	if (damage->blocks_unknown || damage->rows_unknown_type || damage->columns_rejected) {
		(void)snprintf(text, sizeof(text),
			       "%llu blocks, %llu rows and %llu columns of it are not known to "
			       "this version",
			       (unsigned long long)damage->blocks_unknown,
			       (unsigned long long)damage->rows_unknown_type,
			       (unsigned long long)damage->columns_rejected);
		tell(context, "source", text);
	}
	if (!damage->ended)
		tell(context, "source", "it has no end: it was cut, or its recorder was killed");
}

static int capture_wake_fd(const struct rec_source *source)
{
	return source->wake_fd;
}

static int capture_stop(struct rec_source *source, struct rec_pipeline *pipeline,
			struct cap_err *err)
{
	(void)source;
	(void)pipeline;
	(void)err;
	return 0;
}

static u64 capture_now(const struct rec_source *source)
{
	return source->now_ns;
}

static bool capture_can_wait(const struct rec_source *source)
{
	(void)source;
	return true;
}

const struct rec_source_ops rec_capture_source = {
	.name = "capture",
	.open = capture_open,
	.start = capture_start,
	.drain = capture_drain,
	.wake_fd = capture_wake_fd,
	.stop = capture_stop,
	.free = capture_free,
	.now = capture_now,
	.describe = capture_describe,
	.can_wait = capture_can_wait,
	.is_replay = true,
	.missing = capture_missing,
};
