#include "analyzer/capture/captured_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RULES (4u << 20) /* a recorder writes at most 128 Ki */

void kymo_captured_rules_done(struct kymo_captured_rules *rules)
{
	free(rules->list);
	kymo_blob_table_done(&rules->bytes);
	memset(rules, 0, sizeof(*rules));
}

int kymo_captured_rules_add(struct kymo_captured_rules *rules, u32 file,
			    const struct kymo_cfi_entry *entry)
{
	bool says = entry->fde_bytes > 0 && entry->cie_bytes > 0;
	s64 cie = says ? kymo_blob_add(&rules->bytes, entry->cie, entry->cie_bytes, NULL) : 0;
	s64 fde = says ? kymo_blob_add(&rules->bytes, entry->fde, entry->fde_bytes, NULL) : 0;

	if (rules->count == MAX_RULES || entry->size_bytes == 0 || file == 0 ||
	    entry->start + entry->size_bytes < entry->start)
		return 0;
	if (cie < 0 || fde < 0)
		return -ENOMEM;
	if (rules->count == rules->capacity) {
		u32 capacity = rules->capacity ? rules->capacity * 2 : 256;
		struct kymo_captured_rule *list = realloc(rules->list, capacity * sizeof(*list));

		if (!list)
			return -ENOMEM;
		rules->list = list;
		rules->capacity = capacity;
	}
	rules->list[rules->count++] =
		(struct kymo_captured_rule){.start = entry->start,
					    .size_bytes = entry->size_bytes,
					    .file = file,
					    .cie = (u32)cie,
					    .fde = (u32)fde,
					    .is_debug_frame = entry->is_debug_frame};
	rules->sorted = false;
	return 0;
}

/* What says something comes last among those of one start, and is found first. */
static int rule_order(const void *left, const void *right)
{
	const struct kymo_captured_rule *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->fde < b->fde ? -1 : a->fde > b->fde;
}

bool kymo_captured_rules_find(struct kymo_captured_rules *rules, u32 file, u64 file_offset,
			      struct kymo_cfi_entry *ret_entry)
{
	const struct kymo_captured_rule *rule;
	u32 low = 0, high = rules->count;

	if (!rules->sorted && rules->count > 0)
		qsort(rules->list, rules->count, sizeof(*rules->list), rule_order);
	rules->sorted = true;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		rule = &rules->list[middle];
		if (rule->file < file || (rule->file == file && rule->start <= file_offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	rule = &rules->list[low - 1];
	if (rule->file != file || file_offset - rule->start >= rule->size_bytes)
		return false;
	*ret_entry = (struct kymo_cfi_entry){.start = rule->start,
					     .size_bytes = rule->size_bytes,
					     .is_debug_frame = rule->is_debug_frame};
	if (rule->fde != 0) {
		ret_entry->cie =
			(const u8 *)kymo_blob_get(&rules->bytes, rule->cie, &ret_entry->cie_bytes);
		ret_entry->fde =
			(const u8 *)kymo_blob_get(&rules->bytes, rule->fde, &ret_entry->fde_bytes);
	}
	return true;
}
