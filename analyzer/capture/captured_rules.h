#pragma once
/* Rows of type unwind: how functions are unwound, as the recorder found it on the recorded host. By
 * file (a number of its build-id, or of its path where it has none) and file offset. */
#include <stdbool.h>
#include <stddef.h>

#include "analyzer/capture/blob_table.h"
#include "objects/unwind/cfi_decode.h"

struct kymo_captured_rule {
	u64 start, size_bytes; /* file offsets */
	u32 file;
	u32 cie, fde; /* in bytes; 0: looked up, and the file does not say */
	bool is_debug_frame;
};

struct kymo_captured_rules { /* all zero: none */
	struct kymo_captured_rule *list;
	u32 count, capacity;
	bool sorted;
	struct kymo_blob_table bytes;
};

void kymo_captured_rules_done(struct kymo_captured_rules *rules);

/* fde_len 0: the file does not say. 0 or -ENOMEM; a row too many is left out. */
int kymo_captured_rules_add(struct kymo_captured_rules *rules, u32 file,
			    const struct kymo_cfi_entry *entry);

/* The row that covers an offset of a file; entry->fde_bytes is 0 where the file does not say.
 * False: none does. */
bool kymo_captured_rules_find(struct kymo_captured_rules *rules, u32 file, u64 file_offset,
			      struct kymo_cfi_entry *ret_entry);
