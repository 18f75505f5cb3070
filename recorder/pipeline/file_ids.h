#pragma once
/*
 * Numbers for open files. Programs know them by keys, which are long, and forget which they told;
 * this remembers at least as long as they do, in memory that does not grow.
 */
#include "formats/base/ints.h"

struct rec_file_ids;

/* NULL when out of memory. */
struct rec_file_ids *rec_file_ids_new(void);
struct rec_file_ids *rec_file_ids_free(struct rec_file_ids *ids);

/* The number of an open file, by open_file of a ring record (events.h), a new one if it is not
 * known; from 1 on. 0 stands for none, as it does there. */
u32 rec_file_id(struct rec_file_ids *ids, u64 open_file);
