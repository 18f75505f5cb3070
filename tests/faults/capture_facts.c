/*
 * What a capture says of itself, as one line of JSON: what could be read, how it ended, and what
 * its counts add up to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/bytes.h"
#include "formats/read/capture_reader.h"

struct facts {
	u64 blocks_after_error;
	u64 events;		      /* rows in chunks */
	u64 attempted, stored, lost;  /* of the last STATS */
	u64 lost_by[EV_REASON_COUNT]; /* LOSS rows */
	u64 queue_max, rss_max, last_queue, delay_max;
	u64 stats, chunks, index_blocks, columns_failed;
};

struct table { /* values of the rows of one section, by field */
	const struct cap_section *section;
	u64 *values;
};

static u64 value_of(const struct table *table, const char *name, u32 row)
{
	const struct cap_type *type = table->section->type;

	for (size_t f = 0; f < type->field_count; f++)
		if (!strcmp(type->fields[f].name, name))
			return table->values[f * table->section->row_count + row];
	abort();
}

static void decode(const struct cap_rows *rows, const struct cap_section *section,
		   struct facts *facts, struct table *ret_table)
{
	const struct cap_type *type = section->type;

	ret_table->section = section;
	ret_table->values = calloc(type->field_count * section->row_count + 1, sizeof(u64));
	if (!ret_table->values)
		abort();
	for (size_t f = 0; f < type->field_count; f++) {
		const struct cap_column *column = cap_section_column(section, type->fields[f].id);

		if (column && cap_column_decode(rows, section, column,
						ret_table->values + f * section->row_count) < 0)
			facts->columns_failed++;
	}
}

static void count_row(struct facts *facts, const struct table *table, u32 row)
{
	u64 reason;

	switch (table->section->type_id) {
	case EV_CLASS_TOTAL:
		facts->attempted += value_of(table, "attempted_count", row);
		facts->stored += value_of(table, "stored_count", row);
		facts->lost += value_of(table, "lost_count", row);
		break;
	case EV_LOSS:
		reason = value_of(table, "reason", row);
		if (reason < EV_REASON_COUNT)
			facts->lost_by[reason] += value_of(table, "lost_count", row);
		break;
	case EV_RECORDER:
		facts->last_queue = value_of(table, "queue_max_bytes", row);
		if (facts->last_queue > facts->queue_max)
			facts->queue_max = facts->last_queue;
		if (value_of(table, "peak_rss_bytes", row) > facts->rss_max)
			facts->rss_max = value_of(table, "peak_rss_bytes", row);
		if (value_of(table, "drain_delay_max_ns", row) > facts->delay_max)
			facts->delay_max = value_of(table, "drain_delay_max_ns", row);
		break;
	default:
		break;
	}
}

static void count_section(struct facts *facts, const struct cap_rows *rows,
			  const struct cap_section *section, u32 block_type)
{
	struct table table;

	if (!section->type)
		return;
	if (block_type == CAP_BLOCK_CHUNK)
		facts->events += section->row_count;
	if (section->type_id == EV_CLASS_TOTAL)
		facts->attempted = facts->stored = facts->lost =
			0; /* cumulative: the last counts */
	decode(rows, section, facts, &table);
	for (u32 row = 0; row < section->row_count; row++)
		count_row(facts, &table, row);
	free(table.values);
}

static int read_at(int fd, void *bytes, size_t len, u64 offset)
{
	return pread(fd, bytes, len, (off_t)offset) == (ssize_t)len ? 0 : -1;
}

static void count_block(struct facts *facts, struct cap_reader *reader, int fd,
			const struct cap_block *block)
{
	struct cap_rows rows;
	u8 flags[2];

	if (read_at(fd, flags, 2, block->offset + 22) == 0 &&
	    (cap_load_le(flags, 2) & CAP_FLAG_AFTER_ERROR))
		facts->blocks_after_error++;
	facts->stats += block->type == CAP_BLOCK_STATS;
	facts->chunks += block->type == CAP_BLOCK_CHUNK;
	facts->index_blocks += block->type == CAP_BLOCK_INDEX;
	if (block->type < CAP_BLOCK_META || block->type >= CAP_BLOCK_INDEX)
		return;
	if (cap_reader_rows(reader, &rows, NULL) < 0)
		return; /* the reader counts it */
	for (u32 i = 0; i < rows.section_count; i++)
		count_section(facts, &rows, &rows.sections[i], block->type);
}

static void print_facts(const struct facts *facts, const struct cap_damage *damage, u64 bytes)
{
	printf("{\"readable\": true, \"bytes\": %llu, \"blocks\": %llu, \"damaged\": %llu, "
	       "\"lost_blocks\": %llu, \"foreign\": %llu, \"skipped\": %llu, \"columns_failed\": "
	       "%llu, \"ended\": %s, \"reason\": %u, \"after_error\": %llu, ",
	       (unsigned long long)bytes, (unsigned long long)damage->blocks_read,
	       (unsigned long long)damage->blocks_damaged, (unsigned long long)damage->blocks_lost,
	       (unsigned long long)damage->blocks_foreign,
	       (unsigned long long)damage->bytes_skipped,
	       (unsigned long long)(damage->columns_rejected + facts->columns_failed),
	       damage->ended ? "true" : "false", damage->ended ? damage->end_reason : 0,
	       (unsigned long long)facts->blocks_after_error);
	printf("\"chunks\": %llu, \"stats\": %llu, \"index\": %llu, \"events\": %llu, "
	       "\"attempted\": %llu, \"stored\": %llu, \"lost\": %llu, ",
	       (unsigned long long)facts->chunks, (unsigned long long)facts->stats,
	       (unsigned long long)facts->index_blocks, (unsigned long long)facts->events,
	       (unsigned long long)facts->attempted, (unsigned long long)facts->stored,
	       (unsigned long long)facts->lost);
	for (u32 i = 0; i < EV_REASON_COUNT; i++) {
		const char *name = cap_schema_enum_name(cap_schema_builtin(), CAP_KIND_REASON, i);

		if (facts->lost_by[i])
			printf("\"lost_%s\": %llu, ", name ? name : "?",
			       (unsigned long long)facts->lost_by[i]);
	}
	printf("\"queue_max\": %llu, \"last_queue\": %llu, \"rss_max\": %llu, \"delay_max_ns\": "
	       "%llu}\n",
	       (unsigned long long)facts->queue_max, (unsigned long long)facts->last_queue,
	       (unsigned long long)facts->rss_max, (unsigned long long)facts->delay_max);
}

int main(int argc, char **argv)
{
	struct cap_reader_options options = {0};
	struct cap_reader *reader = NULL;
	struct facts facts = {0};
	struct cap_block block;
	struct cap_err err = {0};
	int fd, rc;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: capture_facts CAPTURE\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || cap_reader_open(argv[1], &options, &reader, &err) < 0) {
		printf("{\"readable\": false}\n");
		return 0;
	}
	while ((rc = cap_reader_next(reader, &block, &err)) > 0)
		count_block(&facts, reader, fd, &block);
	if (rc < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	print_facts(&facts, cap_reader_damage(reader), cap_reader_file_bytes(reader));
	cap_reader_close(reader);
	(void)close(fd);
	return 0;
}
