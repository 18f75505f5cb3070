/* Iterator streams consist of whole records, but a read may end anywhere. */
#include "recorder/live/iterators.h"
#include "recorder/base/error_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/table/schema.h"
#include "recorder/pipeline/encode.h"

#define READ_BYTES (64u << 10)
#define RECORD_MAX_BYTES (sizeof(struct ring_head) + 256 + 2 * EV_MAX_FRAMES * sizeof(u64))
_Static_assert(RECORD_MAX_BYTES >= sizeof(struct ring_open_file) + EV_MAX_NAMES_BYTES,
	       "the largest record");

/* Bytes read, 0 at the end, or negative. */
static ssize_t read_some(int fd, void *bytes, size_t size, struct cap_err *err)
{
	for (;;) {
		ssize_t got = read(fd, bytes, size);

		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
					"read a task iterator: %s; record without "
					"-p, or on another kernel",
					strerror(errno));
	}
}

int live_iterator_run(int fd, struct cap_err *err)
{
	char bytes[64];
	ssize_t got;

	do
		got = read_some(fd, bytes, sizeof(bytes), err);
	while (got > 0);
	return (int)got;
}

/* Appends everything the iterator returns to the *len bytes in *bytes, which is malloc'd. */
static int read_all(int fd, const char *what, char **bytes, size_t *len, struct cap_err *err)
{
	size_t size = *len;
	ssize_t got;

	do {
		if (size - *len < READ_BYTES) {
			char *more = realloc(*bytes, size + size / 2 + 2 * READ_BYTES);

			if (!more)
				return cap_fail(err, -ENOMEM, "%s", what);
			*bytes = more;
			size += size / 2 + 2 * READ_BYTES;
		}
		got = read_some(fd, *bytes + *len, size - *len, err);
		if (got < 0)
			return (int)got;
		*len += (size_t)got;
	} while (got > 0);
	return 0;
}

int live_processes_read(int fd, struct ring_process **ret_processes, size_t *ret_count,
			struct cap_err *err)
{
	CLEANUP(cap_freep) char *bytes = NULL;
	size_t len = 0;
	int rc = read_all(fd, "list of running processes", &bytes, &len, err);

	if (rc < 0)
		return rc;
	*ret_count = len / sizeof(struct ring_process);
	*ret_processes = (struct ring_process *)TAKE(bytes);
	return 0;
}

int live_pending_read(int fd, char **bytes, size_t *len, struct cap_err *err)
{
	return read_all(fd, "what has not ended", bytes, len, err);
}

void live_pending_put(const char *bytes, size_t len, struct rec_pipeline *pipeline, u64 *attempted,
		      size_t cpu_count)
{
	u64 aligned[RECORD_MAX_BYTES / sizeof(u64)];
	const struct ring_head *head = (const struct ring_head *)aligned;
	size_t record_bytes;

	for (size_t at = 0; at < len; at += record_bytes) {
		size_t there = len - at < sizeof(aligned) ? len - at : sizeof(aligned);
		u32 event_class;

		memcpy(aligned, bytes + at, there);
		record_bytes = rec_record_bytes(aligned, there);
		if (record_bytes == 0 || record_bytes > there)
			return;
		event_class = cap_class_of_type(head->type);
		if (event_class < EV_CLASS_COUNT && head->cpu < cpu_count)
			attempted[event_class * cpu_count + head->cpu]++;
		rec_pipeline_record(pipeline, aligned, record_bytes);
	}
}
