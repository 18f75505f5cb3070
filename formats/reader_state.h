#pragma once
/* What a reader keeps between calls; shared by the reader's own files only. */
#include "block_header.h"
#include "capture_reader.h"
#include "zstd_frame.h"

#define READER_MAX_SCHEMAS 16
#define READER_INFO_STRING_BYTES 256

struct reader_tables { /* decoded local tables; memory is kept from block to block */
	struct cap_string *strings;
	struct cap_frame *frames;
	struct cap_stack_node *stacks;
	struct cap_task *tasks;
	u16 *depths;
	struct cap_section *sections;
	struct cap_column *columns;
	u64 *values; /* one column of a table */
	size_t string_size, frame_size, stack_size, task_size, depth_size, section_size,
		column_size, value_size;
};

struct cap_reader {
	int fd;
	char *name; /* for messages */
	struct cap_reader_options options;
	u64 file_bytes;
	u64 position; /* of the next block to look at */
	u64 decoded_bytes;

	u8 *payload; /* of the block returned last */
	size_t payload_size;
	struct cap_block_header header;
	bool have_block;
	u8 *raw; /* its decoded body */
	size_t raw_size;
	struct cap_decompressor *decompressor;

	bool have_file_id;
	u64 file_id;
	u64 next_seq;
	u64 bad_payload_bytes; /* hashed in vain */

	bool have_facts;
	struct cap_file_facts facts;
	char tool_version[READER_INFO_STRING_BYTES], kernel_release[READER_INFO_STRING_BYTES],
		hostname[READER_INFO_STRING_BYTES];

	struct cap_schema
		*schemas[READER_MAX_SCHEMAS]; /* kept until close: sections point into them */
	u32 schema_count;
	const struct cap_schema *schema;      /* of the rows decoded last, else the last read */
	const struct cap_schema *file_schema; /* the last one read in this file; NULL: none yet */

	struct cap_damage damage;
	struct reader_tables tables;
};

/* Decodes a FILE_HEADER payload into the reader's facts. 0, CAP_EDAMAGED, CAP_EVERSION. */
int reader_take_file_header(struct cap_reader *reader, const u8 *bytes, size_t len,
			    struct cap_err *err);

/* An open descriptor of a regular file for a path, "-" or a pipe (copied to an unnamed temporary
 * file). */
int reader_input_open(const char *path, int *ret_fd, struct cap_err *err);

/* Sets reader->schema for the block of rows read last, and counts if the schema it names is not to
 * be had. */
void reader_choose_schema(struct cap_reader *reader);

/* Decompresses the frame of the block read last into reader->raw. */
int reader_decompress(struct cap_reader *reader, struct cap_err *err);

void reader_tables_done(struct reader_tables *tables);

/* Decodes row_count values by the column's encoding alone. 0 or CAP_EDAMAGED. */
int cap_values_decode(const struct cap_column *column, u32 row_count, u64 *ret_values);
