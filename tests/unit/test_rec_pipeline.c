/* The pipeline: ring records become rows, nothing is lost uncounted, nothing malformed gets
 * through. */
#include "recording_kit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "recorder/pipeline/counted_rows.h"
#include "formats/base/limits.h"

static void test_syscall_fields(void **state)
{
	struct {
		struct ring_syscall record;
		u64 args[EV_SYSCALL_ARGS];
	} with_args = {.record = kit_syscall(300, 12, 1, 5), .args = {1, 2, 3, 4, 5, ~0ull}};
	struct ring_syscall good = kit_syscall(100, 11, 0, 42),
			    bad = kit_syscall(200, 12, 1, -ENOENT);
	struct ring_syscall address = kit_syscall(150, 12, 1, -4096); /* not an errno: an address */
	struct kit_capture calls;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	with_args.record.flags = EV_SYSCALL_ARGS_RECORDED;
	rec_pipeline_record(pipeline, &good, sizeof(good));
	rec_pipeline_record(pipeline, &address, sizeof(address));
	rec_pipeline_record(pipeline, &bad, sizeof(bad));
	rec_pipeline_record(pipeline, &with_args, sizeof(with_args));
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);

	calls = kit_read(fd, EV_SYSCALL, NULL);
	assert_int_equal(calls.count, 4);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 0, "time_ns"), 100);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 0, "ret"), 42);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 0, "error"), 0);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 0, "task"), 11);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 1, "ret"), (u64)-4096);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 1, "error"), 0);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 2, "ret"), 0);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 2, "error"), ENOENT);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 2, "cpu"), 1);
	assert_int_equal(kit_field(&calls, EV_SYSCALL, 3, "arg0"), 1);
	assert_true(kit_field(&calls, EV_SYSCALL, 3, "arg5") == ~0ull);
	assert_true(calls.damage.ended);
	assert_int_equal(calls.damage.end_events, 4);
	kit_free(&calls);
	close(fd);
}

/* Each error is stored as the number that the call returned. */
static void test_errors(void **state)
{
	struct kit_capture calls;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	for (u32 number = 1; number <= 4095; number++) {
		struct ring_syscall call = kit_syscall(number, 11, 0, -(s64)number);

		rec_pipeline_record(pipeline, &call, sizeof(call));
	}
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	calls = kit_read(fd, EV_SYSCALL, NULL);
	assert_int_equal(calls.count, 4095);
	for (u32 i = 0; i < calls.count; i++)
		assert_int_equal(kit_field(&calls, EV_SYSCALL, i, "error"),
				 kit_field(&calls, EV_SYSCALL, i, "time_ns"));
	kit_free(&calls);
	close(fd);
}

/* Offsets of the stack's frames, root first, as decimal digits of one number. */
static u64 stack_digits(const struct cap_rows *rows, u64 stack)
{
	u64 digits = 0, place = 1;

	for (; stack; stack = rows->stacks[stack].parent, place *= 10)
		digits += place * (rows->frames[rows->stacks[stack].frame].space == CAP_SPACE_USER
					   ? rows->frames[rows->stacks[stack].frame].offset
					   : 9);
	return digits;
}

static void test_stack_order(void **state)
{
	struct {
		struct ring_cpu_sample record;
		u64 addresses[5];
	} sample = {
		.record = {.head = kit_head(EV_CPU_SAMPLE, 5, 1, 0),
			   .period = 7,
			   .kernel_frames = 2,
			   .user_frames = 3},
		/* innermost first: two of the kernel, then 3 called by 2 called by 1 */
		.addresses = {0xffffffff81000010, 0xffffffff81000000, 3, 2, 1},
	};
	struct kit_capture samples;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	rec_pipeline_record(pipeline, &sample, sizeof(sample));
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	samples = kit_read(fd, EV_CPU_SAMPLE, stack_digits);
	assert_int_equal(samples.count, 1);
	assert_int_equal(kit_field(&samples, EV_CPU_SAMPLE, 0, "stack"), 12399);
	assert_int_equal(kit_field(&samples, EV_CPU_SAMPLE, 0, "period"), 7);
	kit_free(&samples);
	close(fd);
}

static void test_lifecycle_strings(void **state)
{
	struct {
		struct ring_task_exec record;
		char path[16];
	} exec = {
		.record = {.head = kit_head(EV_TASK_EXEC, 1, 9, 0), .old_tid = 8, .path_bytes = 10},
		.path = "/bin/true"};
	struct ring_task_name name = {.head = kit_head(EV_TASK_NAME, 2, 9, 0), .target_tid = 10};
	char full[EV_COMM_BYTES + 1] = "0123456789abcdef"; /* no room for a NUL */
	struct kit_capture rows;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	memcpy(&name.name_lo, full, 8);
	memcpy(&name.name_hi, full + 8, 8);
	rec_pipeline_record(pipeline, &exec, sizeof(exec));
	rec_pipeline_record(pipeline, &name, sizeof(name));
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	rows = kit_read(fd, EV_TASK_EXEC, NULL);
	assert_string_equal(rows.texts[kit_field(&rows, EV_TASK_EXEC, 0, "path")], "/bin/true");
	assert_int_equal(kit_field(&rows, EV_TASK_EXEC, 0, "old_tid"), 8);
	kit_free(&rows);
	rows = kit_read(fd, EV_TASK_NAME, NULL);
	assert_string_equal(rows.texts[kit_field(&rows, EV_TASK_NAME, 0, "name")], full);
	assert_int_equal(kit_field(&rows, EV_TASK_NAME, 0, "target_tid"), 10);
	kit_free(&rows);
	close(fd);
}

/* Every record that is shorter than it claims is refused and counted, whatever its type. */
static void test_malformed_records(void **state)
{
	struct {
		union {
			struct ring_head head;
			struct ring_syscall syscall;
			struct ring_cpu_sample sample;
			struct ring_task_exec exec;
		};
		u64 room[600];
	} record;
	struct rec_pipeline_counts counts;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);
	u64 refused = 0;

	(void)state;
	for (u16 type = 0; type < 30; type++) {
		for (size_t len = 0; len < sizeof(struct ring_head); len += 7, refused++) {
			memset(&record, 0xff, sizeof(record));
			record.head = kit_head(type, 1, 1, 0);
			rec_pipeline_record(pipeline, &record, len);
		}
	}
	memset(&record, 0xff, sizeof(record));
	record.syscall = kit_syscall(1, 1, 0, 0);
	record.syscall.flags = EV_SYSCALL_ARGS_RECORDED;
	rec_pipeline_record(pipeline, &record,
			    sizeof(struct ring_syscall) + 47); /* arguments cut */
	rec_pipeline_record(pipeline, &record, sizeof(struct ring_syscall) - 1);
	record.sample = (struct ring_cpu_sample){
		.head = kit_head(EV_CPU_SAMPLE, 1, 1, 0), .kernel_frames = 1, .user_frames = 1};
	rec_pipeline_record(pipeline, &record,
			    sizeof(struct ring_cpu_sample) + 15); /* a frame cut */
	record.sample.user_frames = 0xffff;
	rec_pipeline_record(pipeline, &record, sizeof(record)); /* more frames than there can be */
	record.exec =
		(struct ring_task_exec){.head = kit_head(EV_TASK_EXEC, 1, 1, 0), .path_bytes = 100};
	rec_pipeline_record(pipeline, &record, sizeof(struct ring_task_exec) + 99);
	record.exec.path_bytes = (u16)~0u;
	rec_pipeline_record(pipeline, &record, sizeof(record));
	record.head.type = 999;
	rec_pipeline_record(pipeline, &record, sizeof(record)); /* no such type */
	refused += 7;

	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.stored_count, 0);
	assert_int_equal(counts.lost_count, refused);
	assert_int_equal(counts.lost_by_reason[REASON_RECORDER], refused);
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	close(fd);
}

/* A task is interned anew in each chunk, although the encoder remembers it. */
static void test_many_chunks(void **state)
{
	enum { EVENTS = 400000 };
	struct kit_capture calls;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);
	u64 random = 1;

	(void)state;
	for (u32 i = 0; i < EVENTS; i++) {
		struct ring_syscall record;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		record = kit_syscall(1000 + i, 1 + i % 5000, i & 1, (s64)(random >> 44));
		rec_pipeline_record(pipeline, &record, sizeof(record));
	}
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	calls = kit_read(fd, EV_SYSCALL, NULL);
	assert_int_equal(calls.count, EVENTS);
	for (u32 i = 0; i < EVENTS; i++) {
		if (kit_field(&calls, EV_SYSCALL, i, "task") != 1 + i % 5000 ||
		    kit_field(&calls, EV_SYSCALL, i, "time_ns") != 1000 + i)
			fail_msg("row %u: tid %lu time %lu", i,
				 (unsigned long)kit_field(&calls, EV_SYSCALL, i, "task"),
				 (unsigned long)kit_field(&calls, EV_SYSCALL, i, "time_ns"));
	}
	assert_true(calls.damage.blocks_read > 8); /* several chunks, or this tested nothing */
	kit_free(&calls);
	close(fd);
}

struct pump { /* a reader that starts late */
	int from, to;
};

static void *pump_run(void *argument)
{
	const struct pump *pump = argument;
	char bytes[65536];
	ssize_t got;

	while ((got = read(pump->from, bytes, sizeof(bytes))) > 0)
		if (write(pump->to, bytes, (size_t)got) != got)
			break;
	return NULL;
}

/* Nobody reads for a while: chunks are dropped, and stored + lost is what was attempted, per class
 * and CPU, in the file itself. */
static void test_backpressure_is_exact(void **state)
{
	enum { EVENTS = 600000 };
	struct kit_capture calls, losses, totals;
	struct rec_pipeline_counts counts;
	struct pump pump;
	pthread_t thread;
	int ends[2], fd = kit_file();
	struct rec_pipeline *pipeline;
	u64 attempted[2] = {0}, lost[2] = {0}, stored[2] = {0};

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pipeline = kit_sink_with(ends[1], 2 * CAP_WRITER_CHUNK_BYTES, false);
	for (u32 i = 0; i < EVENTS; i++) {
		u16 cpu = i % 3 == 0;
		struct ring_syscall record =
			kit_syscall(1000 + i, 1 + i % 7, cpu, (s64)i * 0x9e3779b97f4aull >> 20);

		attempted[cpu]++;
		rec_pipeline_record(pipeline, &record, sizeof(record));
	}
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.stored_count + counts.lost_count, EVENTS);
	assert_true(counts.lost_by_reason[REASON_BACKPRESSURE] > 0);
	assert_int_equal(rec_pipeline_tick(pipeline, 1000 + EVENTS, NULL), 0);

	pump = (struct pump){.from = ends[0], .to = fd};
	assert_int_equal(pthread_create(&thread, NULL, pump_run, &pump), 0);
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);

	calls = kit_read(fd, EV_SYSCALL, NULL);
	losses = kit_read(fd, EV_LOSS, NULL);
	totals = kit_read(fd, EV_CLASS_TOTAL, NULL);
	for (u32 i = 0; i < calls.count; i++)
		stored[kit_field(&calls, EV_SYSCALL, i, "cpu")]++;
	for (u32 i = 0; i < losses.count; i++) {
		assert_int_equal(kit_field(&losses, EV_LOSS, i, "reason"), REASON_BACKPRESSURE);
		assert_int_equal(kit_field(&losses, EV_LOSS, i, "event_class"), CLASS_SYSCALLS);
		assert_true(kit_field(&losses, EV_LOSS, i, "from_ns") >= 999);
		assert_true(kit_field(&losses, EV_LOSS, i, "time_ns") >
			    kit_field(&losses, EV_LOSS, i, "from_ns"));
		assert_true(kit_field(&losses, EV_LOSS, i, "time_ns") < 1000 + EVENTS);
		lost[kit_field(&losses, EV_LOSS, i, "cpu")] +=
			kit_field(&losses, EV_LOSS, i, "lost_count");
	}
	for (u32 cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(stored[cpu] + lost[cpu], attempted[cpu]);
		assert_true(totals.count >= 2);
		assert_int_equal(
			kit_field(&totals, EV_CLASS_TOTAL, totals.count - 2 + cpu, "stored_count"),
			stored[cpu]);
		assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 2 + cpu,
					   "attempted_count"),
				 attempted[cpu]);
	}
	assert_int_equal(calls.damage.end_lost, lost[0] + lost[1]);
	kit_free(&calls);
	kit_free(&losses);
	kit_free(&totals);
	close(fd);
}

/* Attempted, as the source tells it, is written as told in the last row: a difference would show,
 * not hide. */
static void test_attempted_is_as_reported(void **state)
{
	struct ring_syscall record = kit_syscall(10, 1, 1, 0);
	struct kit_capture totals, losses;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	rec_pipeline_polled(pipeline, 5);
	rec_pipeline_record(pipeline, &record, sizeof(record));
	rec_pipeline_lost(pipeline, CLASS_SYSCALLS, 1, REASON_RING_FULL, 2);
	rec_pipeline_attempted(pipeline, CLASS_SYSCALLS, 1, 3, 4);
	assert_int_equal(rec_pipeline_tick(pipeline, 20, NULL), 0);
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	totals = kit_read(fd, EV_CLASS_TOTAL, NULL);
	losses = kit_read(fd, EV_LOSS, NULL);
	assert_int_equal(losses.count, 1);
	assert_int_equal(kit_field(&losses, EV_LOSS, 0, "from_ns"), 5);
	assert_int_equal(kit_field(&losses, EV_LOSS, 0, "time_ns"), 20);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "attempted_count"),
			 3);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "stored_count"), 1);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "lost_count"), 2);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "unmatched_count"),
			 4);
	kit_free(&totals);
	kit_free(&losses);
	close(fd);
}

/* A disk that takes nothing: the error comes out, and everything counts as lost. */
static void test_write_error(void **state)
{
	struct ring_syscall record = kit_syscall(10, 1, 0, 0);
	struct rec_pipeline_counts counts;
	struct cap_err err = {0};
	struct cap_file_info info = {.cpu_count = 1};
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), pair[2];
	struct rec_pipeline_options options = {.fd = full, .info = &info};
	struct rec_pipeline *pipeline = NULL;

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(rec_pipeline_open(&options, &pipeline, &err),
			 -ENOSPC); /* the header fails already */
	assert_null(pipeline);
	close(full);

	assert_int_equal(pipe(pair), 0);
	signal(SIGPIPE, SIG_IGN);
	pipeline = kit_sink_with(pair[1], 0, false);
	close(pair[0]);
	for (int i = 0; i < 1000; i++)
		rec_pipeline_record(pipeline, &record, sizeof(record));
	assert_int_equal(rec_pipeline_finish(pipeline, CAP_END_NORMAL, &err), -EPIPE);
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.stored_count, 0);
	assert_int_equal(counts.lost_by_reason[REASON_WRITE_ERROR], 1000);
	rec_pipeline_free(pipeline);
	close(pair[1]);
}

/* A STATS block of counted calls on CPU 1: 7 of one kind, 5 of another. */
static void put_counted(struct rec_pipeline *pipeline)
{
	const struct cap_task leader = {.leader_start_ns = 77, .tgid = 11, .tid = 11};
	struct rec_counted_rows rows = {.pipeline = pipeline, .from_ns = 10, .to_ns = 20};
	struct ev_syscall_count row = {.call_count = 7, .sysno = 1, .bucket = 3, .cpu = 1};
	struct rec_counted counted = REC_COUNTED(SYSCALL_COUNT, &row);

	assert_int_equal(rec_counted_rows_add(&rows, &leader, &counted), 0);
	row.call_count = 5;
	row.error = ENOENT;
	assert_int_equal(rec_counted_rows_add(&rows, &leader, &counted), 0);
	assert_int_equal(rec_counted_rows_end(&rows), 0);
}

static void test_counted_calls(void **state)
{
	struct ring_syscall record = kit_syscall(10, 1, 1, 0);
	struct rec_pipeline_counts counts;
	struct kit_capture totals, rows;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	rec_pipeline_record(pipeline, &record, sizeof(record));
	put_counted(pipeline);
	rec_pipeline_attempted(pipeline, CLASS_SYSCALLS, 1, 13, 0);
	kit_finish(pipeline);
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.counted_count, 12);
	assert_int_equal(counts.stored_count, 1);
	assert_int_equal(counts.lost_count, 0);
	assert_int_equal(counts.attempted_count, 13);
	rec_pipeline_free(pipeline);
	totals = kit_read(fd, EV_CLASS_TOTAL, NULL);
	rows = kit_read(fd, EV_SYSCALL_COUNT, NULL);
	assert_int_equal(rows.count, 2);
	assert_int_equal(kit_field(&rows, EV_SYSCALL_COUNT, 1, "call_count"), 5);
	assert_int_equal(kit_field(&rows, EV_SYSCALL_COUNT, 1, "from_ns"), 10);
	assert_int_equal(kit_field(&rows, EV_SYSCALL_COUNT, 1, "time_ns"), 20);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "counted_count"), 12);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "attempted_count"),
			 13);
	assert_int_equal(kit_field(&totals, EV_CLASS_TOTAL, totals.count - 1, "lost_count"), 0);
	kit_free(&totals);
	kit_free(&rows);
	close(fd);
}

/* What was counted and could not be written is lost, not forgotten. */
static void test_counted_calls_unwritten(void **state)
{
	struct rec_pipeline_counts counts;
	struct cap_err err = {0};
	struct rec_pipeline *pipeline;
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	signal(SIGPIPE, SIG_IGN);
	pipeline = kit_sink_with(pair[1], 0, false);
	close(pair[0]);
	put_counted(pipeline);
	assert_int_equal(rec_pipeline_finish(pipeline, CAP_END_NORMAL, &err), -EPIPE);
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.counted_count, 0);
	assert_int_equal(counts.lost_by_reason[REASON_WRITE_ERROR], 12);
	assert_int_equal(counts.attempted_count, 12);
	rec_pipeline_free(pipeline);
	close(pair[1]);
}

/* Old chunks close by time, so that a killed recorder loses little. */
static void test_chunk_closes_by_age(void **state)
{
	struct ring_syscall record = kit_syscall(10, 1, 0, 0);
	struct rec_pipeline_counts counts;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);

	(void)state;
	rec_pipeline_record(pipeline, &record, sizeof(record));
	assert_int_equal(rec_pipeline_tick(pipeline, 1, NULL), 0);
	rec_pipeline_counts(pipeline, &counts);
	assert_true(counts.open_bytes > 0);
	assert_int_equal(rec_pipeline_tick(pipeline, 1 + CAP_WRITER_CHUNK_NS, NULL), 0);
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.open_bytes, 0);
	assert_int_equal(counts.stored_count, 1);
	kit_finish(pipeline);
	rec_pipeline_free(pipeline);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscall_fields),
		cmocka_unit_test(test_stack_order),
		cmocka_unit_test(test_lifecycle_strings),
		cmocka_unit_test(test_malformed_records),
		cmocka_unit_test(test_many_chunks),
		cmocka_unit_test(test_backpressure_is_exact),
		cmocka_unit_test(test_attempted_is_as_reported),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_counted_calls),
		cmocka_unit_test(test_counted_calls_unwritten),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_chunk_closes_by_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
