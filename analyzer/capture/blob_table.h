#pragma once
/* Interned byte strings: names, paths, identities. Index 0 is the empty one. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

struct kymo_blob {
	size_t offset; /* in bytes */
	u32 len;
};

struct kymo_blob_table {
	char *bytes; /* each blob is followed by a NUL */
	size_t used, capacity;
	struct kymo_blob *blobs;
	u32 count, blob_capacity; /* count includes index 0, once anything was added */
	u32 *slots;
	u32 mask;
	u64 seed;
};

void kymo_blob_table_done(struct kymo_blob_table *table);

/* Index of the blob, added if it is new (*ret_new may be NULL). 0 for an empty one. Negative:
 * -ENOMEM. */
s64 kymo_blob_add(struct kymo_blob_table *table, const void *bytes, size_t len, bool *ret_new);

/* Bytes, NUL-terminated; "" for index 0 or past the end. Valid until the next add. */
const char *kymo_blob_get(const struct kymo_blob_table *table, u32 index, size_t *ret_len);
