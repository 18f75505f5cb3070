/* Synthetic events follow from the seed alone, and a capture recorded again has the same events. */
#include "recording_kit.h"

#include "recorder/pipeline/rec_source.h"

/* Drains a source to its end into a file; returns how many events that were. */
static u64 drain_all(const struct rec_source_ops *ops, const struct rec_options *options, int fd)
{
	struct cap_file_info info = {.cpu_count = 1};
	struct rec_pipeline_options sink_options = {
		.fd = fd, .info = &info, .wait_when_full = true, .replay = ops->is_replay};
	struct rec_source *source = NULL;
	struct rec_pipeline *pipeline = NULL;
	struct rec_pipeline_counts counts;
	struct cap_chunk *stats;
	struct cap_err err = {0};
	int rc = ops->open(options, &source, &err);

	if (rc < 0)
		fail_msg("open: %s", err.text);
	ops->describe(source, &info);
	assert_int_equal(rec_pipeline_open(&sink_options, &pipeline, &err), 0);
	assert_int_equal(ops->start(source, pipeline, &err), 0);
	do {
		rc = ops->drain(source, pipeline, &err);
		if (rc < 0)
			fail_msg("drain: %s", err.text);
		assert_int_equal(rec_pipeline_tick(pipeline, ops->now(source), &err), 0);
	} while (rc == 0);
	assert_int_equal(ops->stop(source, pipeline, &err), 0);
	stats = rec_pipeline_info_chunk(pipeline);
	if (ops->stats)
		assert_int_equal(ops->stats(source, pipeline, stats, ops->now(source)), 0);
	assert_int_equal(rec_pipeline_put_info(pipeline, CAP_BLOCK_STATS, stats), 0);
	kit_finish(pipeline);
	rec_pipeline_counts(pipeline, &counts);
	assert_int_equal(counts.lost_count, 0);
	assert_int_equal(counts.attempted_count, counts.stored_count);
	ops->free(source);
	rec_pipeline_free(pipeline);
	return counts.stored_count;
}

static struct rec_options synthetic(u64 events, const char *mix, u64 seed)
{
	struct rec_options options = {.source_kind = REC_SOURCE_SYNTHETIC,
				      .synthetic = {.events = events, .seed = seed}};

	strcpy(options.synthetic.mix, mix);
	return options;
}

static u64 stack_hash(const struct cap_rows *rows, u64 stack)
{
	u64 hash = 0;

	for (; stack; stack = rows->stacks[stack].parent) {
		const struct cap_frame *frame = &rows->frames[rows->stacks[stack].frame];

		hash = hash * 31 + frame->offset + frame->space;
	}
	return hash;
}

/* Rows of a type as one number: order, values, names and stacks count, places in tables do not. */
static u64 hash_of(int fd, u32 type_id, u32 *ret_count)
{
	struct kit_capture capture = kit_read(fd, type_id, stack_hash);
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), type_id);
	u64 hash = 14695981039346656037ull;

	for (u32 i = 0; i < capture.count; i++) {
		for (size_t f = 0; f < type->field_count; f++) {
			u64 value = capture.rows[i][f];

			if (type->fields[f].kind == CAP_KIND_BYTES)
				continue; /* an index of the table */
			if (type->fields[f].kind == CAP_KIND_STRING && capture.text_count > 0)
				value = (u64)strlen(capture.texts[value]) * 131 +
					(unsigned char)capture.texts[value][0];
			hash = (hash ^ value) * 1099511628211ull;
		}
	}
	*ret_count = capture.count;
	kit_free(&capture);
	return hash;
}

static const u32 event_types[] = {EV_SYSCALL,	EV_CPU_SAMPLE, EV_TASK_FORK, EV_TASK_EXEC,
				  EV_TASK_EXIT, EV_TASK_NAME,  EV_MAPPING};
#define EVENT_TYPES (sizeof(event_types) / sizeof(event_types[0]))

static void test_same_seed_same_events(void **state)
{
	struct rec_options options = synthetic(200000, "all", 5),
			   other = synthetic(200000, "all", 6);
	int one = kit_file(), two = kit_file(), three = kit_file();

	(void)state;
	assert_int_equal(drain_all(&rec_synthetic_source, &options, one), 200000);
	assert_int_equal(drain_all(&rec_synthetic_source, &options, two), 200000);
	assert_int_equal(drain_all(&rec_synthetic_source, &other, three), 200000);
	for (size_t i = 0; i < EVENT_TYPES; i++) {
		u32 count_one, count_two;

		assert_true(hash_of(one, event_types[i], &count_one) ==
			    hash_of(two, event_types[i], &count_two));
		assert_int_equal(count_one, count_two);
		assert_true(count_one > 0);
		assert_true(hash_of(one, event_types[i], &count_one) !=
			    hash_of(three, event_types[i], &count_two));
	}
	close(one);
	close(two);
	close(three);
}

static void test_key_frames_of_mix_all(void **state)
{
	static const u32 types[] = {EV_PROCESS, EV_MAPPING, EV_MODULE, EV_SYMBOL};
	struct rec_options options = synthetic(1024, "all", 1);
	int fd = kit_file();

	(void)state;
	assert_int_equal(drain_all(&rec_synthetic_source, &options, fd), 1024);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		u32 count;

		(void)hash_of(fd, types[i], &count);
		assert_true(count > 0);
	}
	close(fd);
}

/* Only system calls, many kinds of them, some of them failing, none inside another of the same
 * thread. */
static void test_mix_syscalls_is_plausible(void **state)
{
	struct rec_options options = synthetic(100000, "syscalls", 9);
	bool seen[1024] = {false};
	u64 *free_ns = calloc(65536, sizeof(*free_ns));
	u32 kinds = 0, errors = 0, samples;
	struct kit_capture calls;
	int fd = kit_file();

	(void)state;
	assert_non_null(free_ns);
	assert_int_equal(drain_all(&rec_synthetic_source, &options, fd), 100000);
	(void)hash_of(fd, EV_CPU_SAMPLE, &samples);
	assert_int_equal(samples, 0);
	calls = kit_read(fd, EV_SYSCALL, NULL);
	assert_int_equal(calls.count, 100000);
	for (u32 i = 0; i < calls.count; i++) {
		u64 sysno = kit_field(&calls, EV_SYSCALL, i, "sysno");
		u64 tid = kit_field(&calls, EV_SYSCALL, i, "task");
		u64 enter_ns = kit_field(&calls, EV_SYSCALL, i, "time_ns");

		assert_true(sysno < 1024 && tid < 65536);
		kinds += !seen[sysno];
		seen[sysno] = true;
		errors += kit_field(&calls, EV_SYSCALL, i, "error") != 0;
		assert_true(enter_ns >= free_ns[tid]);
		free_ns[tid] = enter_ns + kit_field(&calls, EV_SYSCALL, i, "duration_ns");
	}
	assert_true(kinds >= 40);
	assert_true(errors > 1000 && errors < 20000);
	free(free_ns);
	kit_free(&calls);
	close(fd);
}

static void test_recording_a_capture_again(void **state)
{
	struct rec_options options = synthetic(300000, "all", 21),
			   again = {.source_kind = REC_SOURCE_CAPTURE};
	char path[64];
	int one = kit_file(), two = kit_file();

	(void)state;
	assert_int_equal(drain_all(&rec_synthetic_source, &options, one), 300000);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", one);
	again.source_path = path;
	assert_int_equal(drain_all(&rec_capture_source, &again, two), 300000);
	for (u32 type = 1; type <= EV_TYPE_MAX; type++) {
		u32 count_one, count_two;
		u64 hash_one = hash_of(one, type, &count_one),
		    hash_two = hash_of(two, type, &count_two);

		if (type == EV_CLASS_TOTAL || type == EV_LOSS) /* counted anew, at other times */
			continue;
		if (hash_one != hash_two || count_one != count_two)
			fail_msg("type %u: %u rows against %u", type, count_one, count_two);
	}
	close(one);
	close(two);
}

static void test_unknown_mix(void **state)
{
	struct rec_options options = synthetic(1, "nonsense", 1);
	struct rec_source *source = NULL;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(rec_synthetic_source.open(&options, &source, &err), CAP_EUSAGE);
	assert_non_null(strstr(err.text, "nonsense"));
	assert_non_null(strstr(err.text, "syscalls, all"));
	assert_null(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_events),
		cmocka_unit_test(test_key_frames_of_mix_all),
		cmocka_unit_test(test_mix_syscalls_is_plausible),
		cmocka_unit_test(test_recording_a_capture_again),
		cmocka_unit_test(test_unknown_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
