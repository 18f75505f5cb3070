#pragma once
/* Reads the task iterators: what runs at the start, what has not ended at the stop. */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "recorder/pipeline/pipeline.h"

/* Reads a find_self iterator to its end: its program stores what it found in the control words. 0
 * or negative. */
int live_iterator_run(int fd, struct cap_err *err);

/* Reads the processes that pass the filter. *ret_processes is malloc'd, for the caller to free. 0
 * or negative. */
int live_processes_read(int fd, struct ring_process **ret_processes, size_t *ret_count,
			struct cap_err *err);

/*
 * Appends what an iterator reports as not ended to the len bytes already in *bytes (NULL: none);
 * *bytes is malloc'd, for the caller to free. 0 or negative.
 */
int live_pending_read(int fd, char **bytes, size_t *len, struct cap_err *err);

/* Hands each record that was read to the pipeline and counts it in attempted, which is by
 * [class * cpu_count + cpu]. */
void live_pending_put(const char *bytes, size_t len, struct rec_pipeline *pipeline, u64 *attempted,
		      size_t cpu_count);
