/* perf_event_open(2), "MMAP layout": what PERF_RECORD_MMAP2 and PERF_RECORD_LOST look like. */
#include "recorder/live/perf_record.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

#ifndef PERF_RECORD_MISC_MMAP_BUILD_ID
#define PERF_RECORD_MISC_MMAP_BUILD_ID (1 << 14)
#endif

struct sample_id { /* at the end of every record */
	u32 tgid, tid;
	u64 time_ns;
	u32 cpu, reserved;
};

struct mmap2_head {
	struct perf_event_header header;
	u32 tgid, tid;
	u64 start_address, size_bytes, file_offset;
	union {
		struct {
			u32 dev_major, dev_minor;
			u64 inode, inode_generation;
		};
		struct {
			u8 build_id_bytes, reserved[3];
			u8 build_id[REC_PERF_BUILD_ID_BYTES];
		};
	};
	u32 protection, flags;
};
_Static_assert(sizeof(struct mmap2_head) == 72, "PERF_RECORD_MMAP2 up to the file name");
_Static_assert(sizeof(struct sample_id) == 24, "sample_id of TID | TIME | CPU");

static int parse_mapping(const u8 *bytes, size_t len, struct rec_perf_record *record)
{
	struct mmap2_head head;
	struct sample_id id;

	if (len < sizeof(head) + sizeof(id))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	memcpy(&id, bytes + len - sizeof(id), sizeof(id));
	record->kind = REC_PERF_MAPPING;
	record->time_ns = id.time_ns;
	record->cpu = id.cpu;
	record->tgid = head.tgid;
	record->tid = head.tid;
	record->start_address = head.start_address;
	record->size_bytes = head.size_bytes;
	record->file_offset = head.file_offset;
	if (head.header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		if (head.build_id_bytes > REC_PERF_BUILD_ID_BYTES)
			return -EBADMSG;
		record->build_id_bytes = head.build_id_bytes;
		memcpy(record->build_id, head.build_id, head.build_id_bytes);
	} else {
		record->dev_major = head.dev_major;
		record->dev_minor = head.dev_minor;
		record->inode = head.inode;
	}
	record->path = (const char *)bytes + sizeof(head);
	record->path_len = strnlen(record->path, len - sizeof(head) - sizeof(id));
	return 0;
}

static int parse_lost(const u8 *bytes, size_t len, struct rec_perf_record *record)
{
	struct {
		struct perf_event_header header;
		u64 id, lost_count;
	} lost;

	if (len < sizeof(lost))
		return -EBADMSG;
	memcpy(&lost, bytes, sizeof(lost));
	record->kind = REC_PERF_LOST;
	record->lost_count = lost.lost_count;
	return 0;
}

/* The same of samples, which our events have none of: whatever it says counts. */
static int parse_lost_samples(const u8 *bytes, size_t len, struct rec_perf_record *record)
{
	struct {
		struct perf_event_header header;
		u64 lost_count;
	} lost;

	if (len < sizeof(lost))
		return -EBADMSG;
	memcpy(&lost, bytes, sizeof(lost));
	record->kind = REC_PERF_LOST;
	record->lost_count = lost.lost_count;
	return 0;
}

int rec_perf_parse(const void *bytes, size_t len, struct rec_perf_record *ret_record)
{
	struct rec_perf_record record = {.kind = REC_PERF_OTHER};
	struct perf_event_header header;
	int rc = 0;

	if (len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.size != len)
		return -EBADMSG;
	if (header.type == PERF_RECORD_MMAP2)
		rc = parse_mapping(bytes, len, &record);
	else if (header.type == PERF_RECORD_LOST)
		rc = parse_lost(bytes, len, &record);
	else if (header.type == PERF_RECORD_FORK || header.type == PERF_RECORD_EXIT)
		record.kind = REC_PERF_TASK;
	else if (header.type == PERF_RECORD_LOST_SAMPLES)
		rc = parse_lost_samples(bytes, len, &record);
	if (rc == 0)
		*ret_record = record;
	return rc;
}

static void copy_out(const struct rec_perf_ring *ring, u64 position, u8 *out, size_t len)
{
	size_t at = position & (ring->size_bytes - 1);
	size_t until_end = ring->size_bytes - at;
	size_t first = len < until_end ? len : until_end;

	memcpy(out, ring->data + at, first);
	memcpy(out + first, ring->data, len - first);
}

/* If the end of a record is unknown, nothing after it can be read. */
static int skip_all(struct rec_perf_ring *ring)
{
	ring->tail = ring->head;
	return -EBADMSG;
}

int rec_perf_next(struct rec_perf_ring *ring, u8 *scratch, const u8 **ret_record, size_t *ret_len)
{
	struct perf_event_header header;
	u64 available = ring->head - ring->tail;
	size_t at = ring->tail & (ring->size_bytes - 1);

	if (!available)
		return 0;
	if (available < sizeof(header) || available > ring->size_bytes)
		return skip_all(ring);
	copy_out(ring, ring->tail, (u8 *)&header, sizeof(header));
	if (header.size < sizeof(header) || header.size > available)
		return skip_all(ring);
	if (at + header.size <= ring->size_bytes) {
		*ret_record = ring->data + at;
	} else {
		copy_out(ring, ring->tail, scratch, header.size);
		*ret_record = scratch;
	}
	*ret_len = header.size;
	ring->tail += header.size;
	return 1;
}
