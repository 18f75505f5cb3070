#pragma once
/* Finds and reads records in a perf ring. Works on bytes only, so that it can be
 * tested without a kernel. */
#include <stddef.h>

#include "formats/table/events.h"

#define REC_PERF_BUILD_ID_BYTES 20
#define REC_PERF_MAX_RECORD_BYTES 65536 /* a record's size is a u16 */

enum rec_perf_kind { REC_PERF_OTHER, REC_PERF_MAPPING, REC_PERF_LOST, REC_PERF_TASK };

struct rec_perf_record {
	enum rec_perf_kind kind;
	u64 lost_count; /* REC_PERF_LOST: records of any kind */

	/* REC_PERF_MAPPING */
	u64 time_ns, start_address, size_bytes, file_offset;
	u64 inode; /* 0 with dev_* where the kernel gave a build-id instead */
	u32 tgid, tid, cpu, dev_major, dev_minor;
	u8 build_id[REC_PERF_BUILD_ID_BYTES];
	size_t build_id_bytes; /* 0: none */
	const char *path;      /* into the record; not terminated */
	size_t path_len;
};

/*
 * Reads one whole record of an event with sample_id_all and TID | TIME | CPU. 0, or -EBADMSG where
 * the lengths in it do not fit.
 */
int rec_perf_parse(const void *record, size_t len, struct rec_perf_record *ret_record);

struct rec_perf_ring { /* a window [tail, head) of a ring of size_bytes, a power of two */
	const u8 *data;
	size_t size_bytes;
	u64 head, tail;
};

/*
 * The next record; moves tail past it. One that wraps around is put together in scratch
 * (REC_PERF_MAX_RECORD_BYTES). 1: *ret_record and *ret_len are set, 0: none left, -EBADMSG:
 * nonsense; tail is then at head.
 */
int rec_perf_next(struct rec_perf_ring *ring, u8 *scratch, const u8 **ret_record, size_t *ret_len);
