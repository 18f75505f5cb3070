#pragma once
/* How rows are changed on their way from one capture into another. Holds no code. */
#include <stdbool.h>

#include "analyzer/capture/row_fields.h"
#include "formats/read/capture_reader.h"

struct kymo_rewrite_part { /* the rows of one section, column by column */
	const struct cap_block *block;
	const struct cap_rows *rows;
	const struct cap_type *type; /* built-in */
	u32 row_count;
	/* By place in events.def; NULL: there are none. May be changed in place, or set to NULL. */
	u64 *values[ROW_MAX_FIELDS];
	bool *keep; /* by row; all true before. Rows that are not kept are left out */
};

enum kymo_left {		    /* what is not written */
		 KYMO_LEFT_BLOCK,   /* a block of a type that is not known; id: the type */
		 KYMO_LEFT_FOREIGN, /* blocks of another capture, or repeated ones */
		 KYMO_LEFT_TYPE,    /* rows of a type that is not known; id: the type */
		 KYMO_LEFT_FIELD,   /* columns that are not known; id: type << 16 | field */
		 KYMO_LEFT_COLUMN,  /* columns that cannot be decoded; id: type << 16 | field */
		 KYMO_LEFT_KINDS,
};

/* What is changed. All functions may be NULL: then nothing is. They return 0 or a negative code. */
struct kymo_rewrite_rules {
	void *context;
	bool all_tasks; /* also those that no row names, in their order */
	/* The header of a capture; info holds what the input says. */
	int (*begin)(void *context, const struct cap_file_facts *facts, struct cap_file_info *info);
	bool (*keeps_type)(void *context, const struct cap_type *type);
	int (*part)(void *context, struct kymo_rewrite_part *part);
	/* A STRING or BYTES field of a row; *ret_to is `from` before. Its bytes must last until the
	 * next call. */
	int (*string)(void *context, const struct kymo_rewrite_part *part, unsigned int field,
		      u32 row, struct cap_string *ret_to);
	int (*object)(void *context, struct cap_string *ret_to); /* name of a kernel module */
	int (*task)(void *context, struct cap_task *ret_to);
	/* Where user addresses go; with it, copies of stacks are unwound. NULL: all stays. */
	u64 (*address)(void *context, u64 address);
	/* Events attempted, stored and lost up to and with the rows that are being written. */
	void (*totals)(void *context, struct cap_totals *ret_totals);
	void (*unwound)(void *context, u32 copies);
	void (*left)(void *left_context, enum kymo_left kind, u32 id, u64 count);
	void *left_context;
	int (*progress)(void *context, u64 done_bytes, u64 total_bytes);
};

/* Fields of built-in types that the output's schema has: a bit per place, by type id. */
struct kymo_rewrite_schema {
	u64 fields[EV_TYPE_MAX + 1];
};
