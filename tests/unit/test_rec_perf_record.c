/* perf records as the kernel writes them, and as a damaged ring would have them. */
#include "unit_main.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/live/perf_record.h"

struct mmap2_record {
	struct perf_event_header header;
	u32 tgid, tid;
	u64 start, bytes, offset;
	u8 identity[24];
	u32 protection, flags;
	char path[16];
	u32 id_tgid, id_tid;
	u64 time_ns;
	u32 cpu, reserved;
};

static struct mmap2_record make_record(const char *path)
{
	struct mmap2_record record = {
		.header = {.type = PERF_RECORD_MMAP2, .size = sizeof(record)},
		.tgid = 10,
		.tid = 11,
		.start = 0x1000,
		.bytes = 0x2000,
		.offset = 0x3000,
		.id_tgid = 10,
		.id_tid = 11,
		.time_ns = 123456789,
		.cpu = 3,
	};
	u32 device[2] = {0xfe, 1};
	u64 inode = 77;

	memcpy(record.identity, device, sizeof(device));
	memcpy(record.identity + sizeof(device), &inode, sizeof(inode));
	memcpy(record.path, path, strnlen(path, sizeof(record.path)));
	return record;
}

static void test_mmap2(void **state)
{
	struct mmap2_record record = make_record("/bin/x");
	struct rec_perf_record parsed;

	(void)state;
	assert_int_equal(rec_perf_parse(&record, sizeof(record), &parsed), 0);
	assert_int_equal(parsed.kind, REC_PERF_MAPPING);
	assert_int_equal(parsed.tgid, 10);
	assert_int_equal(parsed.tid, 11);
	assert_int_equal(parsed.cpu, 3);
	assert_int_equal(parsed.time_ns, 123456789);
	assert_int_equal(parsed.start_address, 0x1000);
	assert_int_equal(parsed.size_bytes, 0x2000);
	assert_int_equal(parsed.file_offset, 0x3000);
	assert_int_equal(parsed.dev_major, 0xfe);
	assert_int_equal(parsed.dev_minor, 1);
	assert_int_equal(parsed.inode, 77);
	assert_int_equal(parsed.build_id_bytes, 0);
	assert_int_equal(parsed.path_len, 6);
	assert_memory_equal(parsed.path, "/bin/x", 6);

	record = make_record("sixteen_letters_"); /* not terminated */
	assert_int_equal(rec_perf_parse(&record, sizeof(record), &parsed), 0);
	assert_int_equal(parsed.path_len, 16);
}

static void test_mmap2_build_id(void **state)
{
	struct mmap2_record record = make_record("/bin/x");
	struct rec_perf_record parsed;

	(void)state;
	record.header.misc |= 1 << 14; /* PERF_RECORD_MISC_MMAP_BUILD_ID */
	memset(record.identity, 0, 24);
	record.identity[0] = 20;
	memset(record.identity + 4, 0xab, 20);
	assert_int_equal(rec_perf_parse(&record, sizeof(record), &parsed), 0);
	assert_int_equal(parsed.build_id_bytes, 20);
	assert_int_equal(parsed.build_id[0], 0xab);
	assert_int_equal(parsed.build_id[19], 0xab);
	assert_int_equal(parsed.inode, 0);
	record.identity[0] = 21;
	assert_int_equal(rec_perf_parse(&record, sizeof(record), &parsed), -EBADMSG);
}

static void test_lost_and_others(void **state)
{
	struct {
		struct perf_event_header header;
		u64 id, lost;
		u8 sample_id[24];
	} lost = {.header = {.type = PERF_RECORD_LOST, .size = sizeof(lost)}, .lost = 42};
	struct rec_perf_record parsed;

	(void)state;
	assert_int_equal(rec_perf_parse(&lost, sizeof(lost), &parsed), 0);
	assert_int_equal(parsed.kind, REC_PERF_LOST);
	assert_int_equal(parsed.lost_count, 42);
	lost.header.type = 9999;
	assert_int_equal(rec_perf_parse(&lost, sizeof(lost), &parsed), 0);
	assert_int_equal(parsed.kind, REC_PERF_OTHER);
	lost.header.type = PERF_RECORD_LOST;
	lost.header.size = 16;
	assert_int_equal(rec_perf_parse(&lost, 16, &parsed), -EBADMSG);
}

static void test_records_cut(void **state)
{
	struct mmap2_record record = make_record("/bin/x");
	struct rec_perf_record parsed;

	(void)state;
	for (size_t len = 0; len < sizeof(record); len++) {
		u8 *cut = malloc(len + 1);

		assert_true(len <= UINT16_MAX);
		record.header.size = (u16)len;
		memcpy(cut, &record, len);
		if (len < 72 + 24) /* no room for the path */
			assert_int_equal(rec_perf_parse(cut, len, &parsed), -EBADMSG);
		else
			assert_int_equal(rec_perf_parse(cut, len, &parsed), 0);
		free(cut);
	}
	record.header.size = sizeof(record) - 8;
	assert_int_equal(rec_perf_parse(&record, sizeof(record), &parsed), -EBADMSG);
}

/* A record is put together wherever in it the ring ends, the header included. */
static void test_ring_wraps(void **state)
{
	enum { RING = 4096 };
	struct mmap2_record record = make_record("/bin/x");
	u8 *data = malloc(RING), *scratch = malloc(REC_PERF_MAX_RECORD_BYTES);

	(void)state;
	for (u64 tail = RING - sizeof(record) - 8; tail <= RING + 8; tail += 8) {
		struct rec_perf_ring ring = {.data = data,
					     .size_bytes = RING,
					     .tail = tail,
					     .head = tail + 2 * sizeof(record)};
		struct rec_perf_record parsed;
		const u8 *bytes;
		size_t len;

		for (size_t i = 0; i < 2 * sizeof(record); i++)
			data[(tail + i) % RING] = ((u8 *)&record)[i % sizeof(record)];
		for (int i = 0; i < 2; i++) {
			assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), 1);
			assert_int_equal(rec_perf_parse(bytes, len, &parsed), 0);
			assert_int_equal(parsed.time_ns, 123456789);
			assert_int_equal(parsed.path_len, 6);
		}
		assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), 0);
	}
	free(data);
	free(scratch);
}

static void test_ring_nonsense(void **state)
{
	struct perf_event_header header = {.type = PERF_RECORD_LOST, .size = 4};
	u8 data[4096] = {0}, *scratch = malloc(REC_PERF_MAX_RECORD_BYTES);
	struct rec_perf_ring ring = {.data = data, .size_bytes = sizeof(data), .head = 64};
	const u8 *bytes;
	size_t len;

	(void)state;
	memcpy(data, &header, sizeof(header)); /* shorter than itself */
	assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), -EBADMSG);
	assert_int_equal(ring.tail, ring.head);
	header.size = 72; /* longer than what is there */
	memcpy(data, &header, sizeof(header));
	ring.tail = 0;
	assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), -EBADMSG);
	ring.tail = 60; /* less than a header */
	assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), -EBADMSG);
	ring.tail = 0;
	ring.head = 5000; /* more than the ring */
	assert_int_equal(rec_perf_next(&ring, scratch, &bytes, &len), -EBADMSG);
	free(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmap2),		cmocka_unit_test(test_mmap2_build_id),
		cmocka_unit_test(test_lost_and_others), cmocka_unit_test(test_records_cut),
		cmocka_unit_test(test_ring_wraps),	cmocka_unit_test(test_ring_nonsense),
	};

	return cmocka_run_group_tests_name("rec_perf_record", tests, NULL, NULL);
}
