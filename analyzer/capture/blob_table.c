/* One arena, one array of offsets, one table of slots. */
#include "analyzer/capture/blob_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"
#include "formats/base/hash.h"

#define FIRST_BLOBS 64u

void kymo_blob_table_done(struct kymo_blob_table *table)
{
	free(table->bytes);
	free(table->blobs);
	free(table->slots);
	memset(table, 0, sizeof(*table));
}

const char *kymo_blob_get(const struct kymo_blob_table *table, u32 index, size_t *ret_len)
{
	if (index == 0 || index >= table->count) {
		if (ret_len)
			*ret_len = 0;
		return "";
	}
	if (ret_len)
		*ret_len = table->blobs[index].len;
	return table->bytes + table->blobs[index].offset;
}

static u32 *find(const struct kymo_blob_table *table, const void *bytes, size_t len)
{
	u32 at = (u32)cap_hash_seeded(bytes, len, table->seed) & table->mask;

	while (table->slots[at] != 0) {
		const struct kymo_blob *blob = &table->blobs[table->slots[at]];

		if (blob->len == len && memcmp(table->bytes + blob->offset, bytes, len) == 0)
			break;
		at = (at + 1) & table->mask;
	}
	return &table->slots[at];
}

static int grow_blobs(struct kymo_blob_table *table)
{
	u32 capacity = table->blob_capacity ? table->blob_capacity * 2 : FIRST_BLOBS;
	struct kymo_blob *blobs = realloc(table->blobs, capacity * sizeof(*blobs));
	u32 *slots;

	if (!blobs)
		return -ENOMEM;
	table->blobs = blobs;
	slots = calloc((size_t)capacity * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(table->slots);
	table->slots = slots;
	table->mask = capacity * 2 - 1;
	table->seed = cap_hash_seed();
	table->blob_capacity = capacity;
	if (table->count == 0) {
		table->blobs[0] = (struct kymo_blob){0};
		table->count = 1;
	}
	for (u32 i = 1; i < table->count; i++)
		*find(table, table->bytes + blobs[i].offset, blobs[i].len) = i;
	return 0;
}

static int grow_bytes(struct kymo_blob_table *table, size_t len)
{
	size_t capacity = table->capacity ? table->capacity : 4096;
	char *bytes;

	while (capacity - table->used < len)
		capacity *= 2;
	bytes = realloc(table->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	table->bytes = bytes;
	table->capacity = capacity;
	return 0;
}

s64 kymo_blob_add(struct kymo_blob_table *table, const void *bytes, size_t len, bool *ret_new)
{
	u32 *slot;

	if (ret_new)
		*ret_new = false;
	if (len == 0)
		return 0;
	if (table->count >= table->blob_capacity &&
	    (table->count >= 1u << 30 || grow_blobs(table) < 0))
		return -ENOMEM;
	slot = find(table, bytes, len);
	if (*slot != 0)
		return *slot;
	if (table->capacity - table->used < len + 1 && grow_bytes(table, len + 1) < 0)
		return -ENOMEM;
	memcpy(table->bytes + table->used, bytes, len);
	table->bytes[table->used + len] = '\0';
	table->blobs[table->count] = (struct kymo_blob){.offset = table->used, .len = (u32)len};
	table->used += len + 1;
	*slot = table->count;
	if (ret_new)
		*ret_new = true;
	return table->count++;
}
