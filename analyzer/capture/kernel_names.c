/* A sorted list and binary search: captures hold some thousand ranges at most. */
#include "analyzer/capture/kernel_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void kymo_kernel_names_done(struct kymo_kernel_names *names)
{
	free(names->ranges);
	memset(names, 0, sizeof(*names));
}

int kymo_kernel_names_add(struct kymo_kernel_names *names, u32 module, u64 offset, u64 size_bytes,
			  u32 name)
{
	if (names->count == names->capacity) {
		u32 capacity = names->capacity ? names->capacity * 2 : 256;
		struct kymo_kernel_range *ranges =
			realloc(names->ranges, capacity * sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		names->ranges = ranges;
		names->capacity = capacity;
	}
	if (size_bytes == 0 || offset + size_bytes < offset)
		size_bytes = 1; /* a name without a size covers its own address only */
	names->ranges[names->count++] = (struct kymo_kernel_range){
		.start = offset, .end = offset + size_bytes, .module = module, .name = name};
	names->sorted = 0;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct kymo_kernel_range *a = left, *b = right;

	if (a->module != b->module)
		return a->module < b->module ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

u32 kymo_kernel_names_find(struct kymo_kernel_names *names, u32 module, u64 offset, u64 *ret_start)
{
	u32 low = 0, high;

	if (!names->sorted && names->count > 0)
		qsort(names->ranges, names->count, sizeof(*names->ranges), compare);
	names->sorted = 1;
	high = names->count;
	while (low < high) { /* the first range that starts after offset */
		u32 middle = low + (high - low) / 2;
		const struct kymo_kernel_range *range = &names->ranges[middle];

		if (range->module < module || (range->module == module && range->start <= offset))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || names->ranges[low - 1].module != module ||
	    offset >= names->ranges[low - 1].end)
		return 0;
	*ret_start = names->ranges[low - 1].start;
	return names->ranges[low - 1].name;
}
