#pragma once
/* State of a reader between calls; for the reader's own files only. */
#include "formats/base/block_header.h"
#include "formats/read/capture_reader.h"
#include "formats/base/limits.h"
#include "formats/base/number_set.h"
#include "formats/base/zstd_frame.h"

#define READER_INFO_STRING_BYTES 256

enum reader_place { PLACE_GOOD, PLACE_BAD_HEADER, PLACE_BAD_PAYLOAD, PLACE_CUT };

struct reader_facts { /* what a FILE_HEADER says; the strings of facts.info point into it */
	struct cap_file_facts facts;
	char tool_version[READER_INFO_STRING_BYTES], kernel_release[READER_INFO_STRING_BYTES],
		hostname[READER_INFO_STRING_BYTES];
};

struct reader_capture { /* the capture of the file that is being walked */
	u64 file_id;
	u64 next_seq;			 /* above all numbers seen */
	struct number_set read, damaged; /* the numbers seen */
	bool have_end;
	u64 end_seq, end_events, end_lost; /* of the END with the highest number */
};

struct reader_tables { /* decoded local tables; memory is kept from block to block */
	struct cap_string *strings;
	struct cap_frame *frames;
	struct cap_stack_node *stacks;
	struct cap_task *tasks;
	struct cap_word *words;
	struct cap_copy *copies;
	u16 *depths;
	struct cap_section *sections;
	struct cap_column *columns;
	u64 *values; /* one column of a table */
	size_t string_size, frame_size, stack_size, task_size, word_size, copy_size, depth_size,
		section_size, column_size, value_size;
};

struct cap_reader {
	int fd;
	char *name; /* for messages */
	struct cap_reader_options options;
	u64 file_bytes;
	u64 position;			    /* of the next block to look at */
	u64 decoded_bytes, entries, values; /* handed out since the start: budgets of limits.h */
	u64 text_left;			    /* bytes of strings that may still be handed out */
	u64 words_left;			    /* kept words, likewise */

	u8 *payload; /* of the block returned last */
	size_t payload_size;
	struct cap_block_header header;
	u64 block_offset;
	bool have_block;
	bool block_rejected;	/* its body cannot be read: counted once */
	struct cap_err failure; /* code < 0: what ended a strict reading */
	u8 *raw;		/* its decoded body */
	size_t raw_size;
	struct cap_decompressor *decompressor;

	bool have_damage; /* damage.first_damage_offset is set */
	bool have_capture;
	struct reader_capture capture;
	u64 captures_ended, past_events, past_lost; /* of the captures before it */
	u64 bad_payload_bytes;			    /* hashed in vain */

	bool have_facts;
	struct reader_facts known, read; /* the one in use, and that of the block checked last */

	struct cap_schema
		*schemas[CAP_MAX_SCHEMAS]; /* kept until close: sections point into them */
	u32 schema_count;
	const struct cap_schema *read_schema;	/* of the block looked at last */
	const struct cap_schema *opened_schema; /* the first there is; NULL: none */
	const struct cap_schema *latest_schema; /* read last, or opened_schema; NULL: none */
	const struct cap_schema *schema;	/* of the block at hand; never NULL */
	bool schema_guessed; /* the one it names was not read and is not a released one */

	struct cap_damage damage;
	void (*trouble)(void *context, const struct cap_trouble *trouble); /* may be NULL */
	void *trouble_context;
	struct cap_err stopped;		 /* stop mode: the damage it ends before; code 0: none */
	struct cap_damage damage_before; /* the block at hand */
	struct reader_tables tables;
};

/* Looks at a header and its payload at offset. 0 and *ret_place (reason says what is wrong with
 * it), or a negative code for I/O and memory. */
int reader_look_at(struct cap_reader *reader, u64 offset, enum reader_place *ret_place,
		   struct cap_block_header *ret_header, struct cap_err *reason,
		   struct cap_err *err);
/*
 * Is the block after `header` at offset? Only the very next one counts: if bytes were removed, a
 * damaged block's length may by chance end at the start of a later block.
 */
bool reader_successor_at(const struct cap_reader *reader, u64 offset,
			 const struct cap_block_header *header);
/* First offset >= from with a good header, or the file's size. */
int reader_find_header(const struct cap_reader *reader, u64 from, u64 *ret_offset,
		       struct cap_err *err);

/* Block type, with bit 31: private blocks mean something to their writer only, whatever their
 * number.
 */
static inline u32 reader_block_type(const struct cap_block_header *header)
{
	return header->type & (CAP_TYPE_MASK | CAP_TYPE_PRIVATE);
}

/* Reads a FILE_HEADER or SCHEMA in reader->payload without applying it; any other block is fine. 0,
 * CAP_EVERSION, -ENOMEM, or another code: the block is damaged. */
int reader_check_content(struct cap_reader *reader, const struct cap_block_header *header,
			 struct cap_err *err);
/* Points the strings of facts at those beside it. */
void reader_facts_point(struct reader_facts *facts);
/* Applies what reader_check_content read, or END. */
void reader_take_content(struct cap_reader *reader, const struct cap_block_header *header);
/* Damage at offset: counts `passed` bytes as skipped and returns 0, or what the mode requires
 * instead. */
int reader_note_damage(struct cap_reader *reader, u64 offset, u64 passed,
		       const struct cap_err *what, struct cap_err *err);
/* What the caller of cap_reader_next sees; also chooses the schema of a block of rows. */
void reader_describe(struct cap_reader *reader, u64 offset, struct cap_block *ret_block);

/* Decodes a FILE_HEADER payload into reader->read. 0, CAP_EDAMAGED, CAP_ELIMIT, CAP_EVERSION. */
int reader_read_file_header(struct cap_reader *reader, const u8 *bytes, size_t len,
			    struct cap_err *err);

/* An open descriptor of a regular file for a path, "-" or a pipe (copied to an unnamed temporary
 * file). */
int reader_input_open(const char *path, int *ret_fd, struct cap_err *err);

/* Decompresses the frame of the block read last into reader->raw. */
int reader_decompress(struct cap_reader *reader, struct cap_err *err);

struct reader_section { /* of a body, as its directory says */
	u16 kind;
	u32 type_id, row_count;
	const u8 *bytes;
	u32 len;
};

/* Makes *items (any pointer to items) at least `wanted` of item_bytes each. 0 or -ENOMEM. */
int reader_make_room(void *items_pointer, size_t *size, size_t wanted, size_t item_bytes);

/* Decodes column `field_id` of a table; the values last until the next call. CAP_EDAMAGED if the
 * column is missing or bad. */
int reader_table_column(struct cap_reader *reader, const struct reader_section *raw,
			const struct cap_column *columns, u32 column_count, u16 field_id,
			const u64 **ret_values, struct cap_err *err);

/* The tables WORDS and COPIES. FRAMES are decoded already, and WORDS before COPIES. 0,
 * CAP_EDAMAGED, -ENOMEM. */
int reader_take_words(struct cap_reader *reader, const struct reader_section *raw,
		      const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		      struct cap_err *err);
int reader_take_copies(struct cap_reader *reader, const struct reader_section *raw,
		       const struct cap_column *columns, u32 column_count, struct cap_rows *rows,
		       struct cap_err *err);
/* A number of COPIES as it is read: one that refers to nothing becomes 0. */
u64 reader_bound_copy(const struct cap_rows *rows, u16 field_id, u64 value);

void reader_tables_done(struct reader_tables *tables);

/* Decodes row_count values by the column's encoding alone. 0 or CAP_EDAMAGED. */
int cap_values_decode(const struct cap_column *column, u32 row_count, u64 *ret_values);
