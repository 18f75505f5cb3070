/* Packages: chunks with the counts of what they hold. Memory is kept from one use to the next. */
#include "recorder/pipeline/queued_chunk.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/pipeline/event_counts.h"

struct rec_package *rec_package_free(struct rec_package *package)
{
	if (!package)
		return NULL;
	cap_chunk_free(package->chunk);
	free(package->class_counts);
	free(package);
	return NULL;
}

void rec_package_list_free(struct rec_package *package)
{
	while (package) {
		struct rec_package *next = package->next;

		rec_package_free(package);
		package = next;
	}
}

struct rec_package *rec_package_new(void)
{
	struct rec_package *package = calloc(1, sizeof(*package));

	if (!package)
		return NULL;
	package->chunk = cap_chunk_new();
	return package->chunk ? package : rec_package_free(package);
}

void rec_package_reset(struct rec_package *package)
{
	cap_chunk_reset(package->chunk);
	if (package->class_counts)
		memset(package->class_counts, 0,
		       (size_t)package->class_counts_cpus * EV_CLASS_COUNT * sizeof(u64));
	package->written = false;
	package->next = NULL;
}

/* NULL when out of memory. */
u64 *rec_package_count(struct rec_package *package, u32 event_class, u32 cpu)
{
	if (cpu >= package->class_counts_cpus) {
		u64 *grown;

		if (cpu >= REC_MAX_CPUS)
			return NULL;
		grown = reallocarray(package->class_counts, (size_t)(cpu + 1) * EV_CLASS_COUNT,
				     sizeof(u64));
		if (!grown)
			return NULL;
		memset(grown + (size_t)package->class_counts_cpus * EV_CLASS_COUNT, 0,
		       (size_t)(cpu + 1 - package->class_counts_cpus) * EV_CLASS_COUNT *
			       sizeof(u64));
		package->class_counts = grown;
		package->class_counts_cpus = cpu + 1;
	}
	return &package->class_counts[(size_t)cpu * EV_CLASS_COUNT + event_class];
}
