#pragma once
/* Reading the task iterators: what runs at the start, which system calls are in flight at the stop.
 */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "recorder/pipeline/pipeline.h"

/* Reads a find_self iterator to its end: its program leaves what it learnt in the control words. 0
 * or negative. */
int live_iterator_run(int fd, struct cap_err *err);

/* Reads the processes that pass the filter. *ret_processes is malloc'd, for the caller to free. 0
 * or negative. */
int live_processes_read(int fd, struct ring_process **ret_processes, size_t *ret_count,
			struct cap_err *err);

/* Reads the calls in flight. *ret_bytes is malloc'd, for the caller to free. 0 or negative. */
int live_calls_read(int fd, char **ret_bytes, size_t *ret_len, struct cap_err *err);

/* Hands each call that was read to the pipeline and counts it in attempted_by_cpu (cpu_count of
 * them).
 */
void live_calls_put(const char *bytes, size_t len, struct rec_pipeline *pipeline,
		    u64 *attempted_by_cpu, size_t cpu_count);
