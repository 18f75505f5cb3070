/* Iterator streams: whole records, but a read may end anywhere. */
#include "recorder/live/pending_calls.h"
#include "recorder/base/error_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define READ_BYTES (64u << 10)
#define CALL_BYTES (sizeof(struct ring_syscall))
#define CALL_BYTES_WITH_ARGS (sizeof(struct ring_syscall) + EV_SYSCALL_ARGS * sizeof(u64))

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

/* All that the iterator tells; *ret_bytes is malloc'd. */
static int read_all(int fd, const char *what, char **ret_bytes, size_t *ret_len,
		    struct cap_err *err)
{
	CLEANUP(cap_freep) char *bytes = NULL;
	size_t used = 0, size = 0;
	ssize_t got;

	do {
		if (size - used < READ_BYTES) {
			char *more = realloc(bytes, size + size / 2 + 2 * READ_BYTES);

			if (!more)
				return cap_fail(err, -ENOMEM, "%s", what);
			bytes = more;
			size += size / 2 + 2 * READ_BYTES;
		}
		got = read_some(fd, bytes + used, size - used, err);
		if (got < 0)
			return (int)got;
		used += (size_t)got;
	} while (got > 0);
	*ret_bytes = TAKE(bytes);
	*ret_len = used;
	return 0;
}

int live_processes_read(int fd, struct ring_process **ret_processes, size_t *ret_count,
			struct cap_err *err)
{
	char *bytes;
	size_t len;
	int rc = read_all(fd, "list of running processes", &bytes, &len, err);

	if (rc < 0)
		return rc;
	*ret_count = len / sizeof(struct ring_process);
	*ret_processes = (struct ring_process *)bytes;
	return 0;
}

/* Length of the record at the start of bytes, or 0 if it is not all there yet. */
static size_t call_length(const char *bytes, size_t len)
{
	struct ring_syscall call;
	size_t need = CALL_BYTES;

	if (len < need)
		return 0;
	memcpy(&call, bytes, sizeof(call));
	if (call.flags & EV_SYSCALL_ARGS_RECORDED)
		need = CALL_BYTES_WITH_ARGS;
	return len < need ? 0 : need;
}

int live_calls_read(int fd, char **ret_bytes, size_t *ret_len, struct cap_err *err)
{
	return read_all(fd, "calls in flight", ret_bytes, ret_len, err);
}

void live_calls_put(const char *bytes, size_t len, struct rec_pipeline *pipeline,
		    u64 *attempted_by_cpu, size_t cpu_count)
{
	size_t at = 0, record_bytes;

	while ((record_bytes = call_length(bytes + at, len - at)) > 0) {
		u64 aligned[CALL_BYTES_WITH_ARGS / sizeof(u64)];
		u32 cpu;

		memcpy(aligned, bytes + at, record_bytes);
		cpu = ((const struct ring_head *)aligned)->cpu;
		if (cpu < cpu_count)
			attempted_by_cpu[cpu]++;
		rec_pipeline_record(pipeline, aligned, record_bytes);
		at += record_bytes;
	}
}
