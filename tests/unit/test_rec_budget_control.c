/*
 * Control and policy of the CPU budget together, on a simulated clock: loads that were recorded
 * (traces/, made by record_trace.sh) or made up are offered to a host whose costs are known. Asked
 * are what it cost in the end, when it was done, and that the rows tell just that.
 */
#include "recording_kit.h"

#include "made_host.h"
#include "recorder/budget/budget_control.h"

#define MAX_STEPS 4096

struct control {
	struct host host; /* the source, too */
	struct rec_options options;
	struct rec_budget_control *budget;
	struct cap_chunk *chunk;
	u64 rss_bytes, begin_ns, taken_ns, drained_ns;
	u64 begin_spent_ns;
	u64 state_ns[STATE_OFF + 1]; /* of system calls */
	u32 states[MAX_STEPS], state_count;
	u64 slice_calls, slice_begin_calls;
	u32 slices, empty_slices;
};

/* -------- a host that can be measured -------- */

static u64 meter_now(void *context)
{
	return ((struct control *)context)->host.load.now_ns;
}

static u64 meter_cpu(void *context)
{
	return ((struct control *)context)->host.load.recorder_ns;
}

static u64 meter_rss(void *context)
{
	return ((struct control *)context)->rss_bytes;
}

static void source_load(struct rec_source *source, struct rec_load *load)
{
	const struct control *control = (const struct control *)source;

	memcpy(load->program_ns, control->host.load.program_ns, sizeof(load->program_ns));
	memcpy(load->event_count, control->host.load.event_count, sizeof(load->event_count));
	memcpy(load->single_count, control->host.load.single_count, sizeof(load->single_count));
}

static int source_reduce(struct rec_source *source, const struct rec_decision *wanted)
{
	struct control *control = (struct control *)source;
	u64 calls = control->host.load.event_count[CLASS_SYSCALLS];
	int rc;

	count_decision(&control->host, wanted);
	rc = host_reduce(&control->host, wanted);
	if (rc < 0 || wanted->event_class != CLASS_SYSCALLS)
		return rc;
	assert_true(control->state_count < MAX_STEPS);
	control->states[control->state_count++] = wanted->state;
	if (wanted->kind == REC_SLICE_BEGIN)
		control->slice_begin_calls = calls;
	if (wanted->kind == REC_SLICE_END) {
		control->slices++;
		control->empty_slices += calls == control->slice_begin_calls;
	}
	return 0;
}

static const struct rec_source_ops source_ops = {.load = source_load, .reduce = source_reduce};

static void control_begin(struct control *control, u32 budget_ppm)
{
	struct cap_err err = {0};

	*control = (struct control){.options = {.classes = 1u << CLASS_SYSCALLS | 1u << CLASS_CPU,
						.sample_hz = 99,
						.cpu_budget_ppm = budget_ppm}};
	host_init(&control->host, 2, budget_ppm);
	control->chunk = cap_chunk_new();
	assert_non_null(control->chunk);
	assert_int_equal(rec_budget_control_open(&control->options, &source_ops,
						 (struct rec_source *)control, 2, &control->budget,
						 &err),
			 0);
	rec_budget_control_use_meter(control->budget, &(struct rec_meter){.now_ns = meter_now,
									  .cpu_ns = meter_cpu,
									  .rss_bytes = meter_rss,
									  .context = control});
	control->begin_ns = control->taken_ns = control->drained_ns = control->host.load.now_ns;
	control->begin_spent_ns = spent_ns(&control->host);
	rec_budget_control_start(control->budget, 0);
}

/* Lets seconds pass as the loop of a recording does: a drain each 100 ms, or when control wants
 * one; rows go into the capture each second. */
static void control_run(struct control *control, double seconds)
{
	u64 end_ns = control->host.load.now_ns + (u64)(seconds * 1e9), now_ns;

	while ((now_ns = control->host.load.now_ns) < end_ns) {
		int wait_ms = rec_budget_control_wait_ms(control->budget);
		u64 next_ns = control->drained_ns + 100 * MS;

		if (wait_ms >= 0 && now_ns + (u64)wait_ms * MS < next_ns)
			next_ns = now_ns + (u64)wait_ms * MS;
		if (next_ns > end_ns)
			next_ns = end_ns;
		control->state_ns[control->host.state[CLASS_SYSCALLS]] += next_ns - now_ns;
		pass(&control->host, next_ns - now_ns);
		if (next_ns >= control->drained_ns + 100 * MS)
			control->drained_ns = next_ns;
		rec_budget_control_step(control->budget);
		if (next_ns - control->taken_ns < SECOND)
			continue;
		control->taken_ns = next_ns;
		assert_int_equal(rec_budget_control_rows(control->budget, control->chunk), 0);
	}
}

/* What it cost, as a multiple of the budget. */
static double control_cost(struct control *control, double seconds)
{
	u64 before_ns = spent_ns(&control->host);

	control_run(control, seconds);
	return (double)(spent_ns(&control->host) - before_ns) / 1e9 / seconds /
	       ((double)control->options.cpu_budget_ppm / 1e6 * control->host.cpus);
}

static struct kit_capture rows_of(struct control *control)
{
	static const struct cap_file_info info = {.tool_version = "test"};
	struct cap_writer_options options = {.fd = kit_file()};
	struct cap_writer *writer = NULL;
	struct kit_capture rows;
	struct cap_err err = {0};

	assert_int_equal(rec_budget_control_rows(control->budget, control->chunk), 0);
	assert_int_equal(cap_writer_new(&options, &info, &writer, &err), 0);
	assert_int_equal(cap_writer_begin(writer, &err), 0);
	assert_int_equal(cap_writer_rows(writer, CAP_BLOCK_STATS, control->chunk, NULL, &err), 0);
	assert_int_equal(cap_writer_end(writer, CAP_END_NORMAL, NULL, &err), 0);
	cap_writer_free(writer);
	rows = kit_read(options.fd, EV_GOVERNOR, NULL);
	(void)close(options.fd);
	return rows;
}

#define FIELD_OF(rows, row, name) kit_field(rows, EV_GOVERNOR, row, name)

static bool cause_is(const struct kit_capture *rows, u32 row, const char *text)
{
	return strcmp(rows->texts[FIELD_OF(rows, row, "cause")], text) == 0;
}

/* Accounts follow on one another without a gap, and add up to what was spent. */
static void check_accounts(const struct control *control, const struct kit_capture *rows,
			   const struct rec_budget_result *result)
{
	u64 until_ns = control->begin_ns, sum_ns = 0;

	for (u32 i = 0; i < rows->count; i++) {
		u64 span_ns = FIELD_OF(rows, i, "time_ns") - FIELD_OF(rows, i, "from_ns");
		u64 limit_ns = (u64)((double)span_ns * control->options.cpu_budget_ppm / 1e6 * 2);

		if (!cause_is(rows, i, "account"))
			continue;
		assert_int_equal(FIELD_OF(rows, i, "from_ns"), until_ns);
		assert_int_equal(FIELD_OF(rows, i, "limit_value"), limit_ns);
		until_ns = FIELD_OF(rows, i, "time_ns");
		sum_ns += FIELD_OF(rows, i, "measured_value");
	}
	assert_int_equal(until_ns, control->host.load.now_ns);
	assert_int_equal(sum_ns, result->spent_ns);
}

/* The rows of system calls are the steps that the source took, in their order. */
static void check_states(const struct control *control, const struct kit_capture *rows)
{
	u32 seen = 0, last_state = STATE_FULL;

	for (u32 i = 0; i < rows->count; i++) {
		if (FIELD_OF(rows, i, "event_class") != CLASS_SYSCALLS)
			continue;
		last_state = (u32)FIELD_OF(rows, i, "state");
		assert_true(FIELD_OF(rows, i, "from_ns") <= FIELD_OF(rows, i, "time_ns"));
		if (seen > 0 && seen <= control->state_count)
			assert_int_equal(last_state, control->states[seen - 1]);
		seen++;
	}
	if (!control->host.refuses)
		assert_int_equal(seen, control->state_count + 1); /* and how it started */
	assert_int_equal(last_state, control->host.state[CLASS_SYSCALLS]);
}

static struct rec_budget_result control_end(struct control *control)
{
	struct rec_budget_result result;
	struct kit_capture rows;

	rec_budget_control_end(control->budget);
	rec_budget_control_result(control->budget, &result);
	assert_int_equal(result.spent_ns, spent_ns(&control->host) - control->begin_spent_ns);
	assert_int_equal(result.span_ns, control->host.load.now_ns - control->begin_ns);
	assert_int_equal(result.reduced_ns[CLASS_SYSCALLS][STATE_COUNTS],
			 control->state_ns[STATE_COUNTS]);
	assert_int_equal(result.reduced_ns[CLASS_SYSCALLS][STATE_OFF],
			 control->state_ns[STATE_OFF]);
	rows = rows_of(control);
	check_accounts(control, &rows, &result);
	check_states(control, &rows);
	kit_free(&rows);
	(void)rec_budget_control_free(control->budget);
	(void)cap_chunk_free(control->chunk);
	return result;
}

/* -------- loads that were made up -------- */

static void test_steady(void **state)
{
	static const double call_hz[] = {0, 300, 15000};

	(void)state;
	for (size_t i = 0; i < sizeof(call_hz) / sizeof(*call_hz); i++) {
		struct control control;

		control_begin(&control, 10000);
		control.host.call_hz = call_hz[i];
		control_run(&control, 300);
		assert_int_equal(control.host.decisions, 0);
		assert_string_equal(rec_budget_control_state_text(control.budget), "");
		assert_int_equal(control_end(&control).decision_count, 0);
	}
}

static void test_storm(void **state)
{
	static const double call_hz[] = {2e5, 2e6};

	(void)state;
	for (size_t i = 0; i < sizeof(call_hz) / sizeof(*call_hz); i++) {
		struct control control;

		control_begin(&control, 10000);
		control_run(&control, 5);
		control.host.call_hz = call_hz[i];
		control_run(&control, 3);
		assert_below(control_cost(&control, 27), 1.2);
		assert_int_equal(control.states[0], STATE_OFF);
		assert_int_equal(control.states[1], STATE_FULL);
		assert_in_range(control.slices, 5, 60);
		assert_int_equal(control.empty_slices, 0);
		assert_int_equal(control.host.state[CLASS_CPU], STATE_FULL);
		assert_string_equal(rec_budget_control_state_text(control.budget),
				    "calls in slices");
		assert_int_equal(control_end(&control).decision_count, 1);
	}
}

/* All is recorded again within 11 s of a storm of 3 s. */
static void test_wave(void **state)
{
	struct control control;

	(void)state;
	control_begin(&control, 20000);
	control.host.call_hz = 2e6;
	control_run(&control, 3);
	assert_true(control.host.state[CLASS_SYSCALLS] != STATE_FULL);
	control.host.call_hz = 300;
	control_run(&control, 11);
	assert_int_equal(control.host.state[CLASS_SYSCALLS], STATE_FULL);
	assert_true(control_end(&control).decision_count >= 2);
}

/* A hypervisor takes 30 % of each CPU: programs seem to run longer. What is calm stays so, and a
 * storm stays within the budget by what the account says. */
static void test_steal(void **state)
{
	struct control control;

	(void)state;
	control_begin(&control, 10000);
	control.host.steal = 0.3;
	control.host.call_hz = 15000;
	control_run(&control, 300);
	assert_int_equal(control.host.decisions, 0);
	control.host.call_hz = 2e6;
	control_run(&control, 3);
	assert_below(control_cost(&control, 27), 1.2);
	assert_int_equal(control.empty_slices, 0);
	control.host.steal = 0;
	control.host.call_hz = 300;
	control_run(&control, 60);
	assert_int_equal(control.host.state[CLASS_SYSCALLS], STATE_FULL);
	(void)control_end(&control);
}

/* A program that was stopped for 10 ms in one run, at any moment: while all is recorded it sheds
 * nothing, and while less is it keeps nothing from coming back. */
static void test_outlier(void **state)
{
	(void)state;
	for (int moment = 0; moment < 40; moment++) {
		struct control control;

		control_begin(&control, 4000);
		control.host.call_hz = 1000;
		control_run(&control, 0.05 + 0.33 * moment);
		control.host.load.program_ns[CLASS_SYSCALLS] += 10 * MS;
		control_run(&control, 60);
		assert_int_equal(control.host.decisions, 0);
		control.host.call_hz = 2e6;
		control_run(&control, 5);
		control.host.call_hz = 300;
		control_run(&control, 0.05 + 0.33 * moment);
		control.host.load.program_ns[CLASS_SYSCALLS] += 10 * MS;
		control_run(&control, 120);
		assert_int_equal(control.host.state[CLASS_SYSCALLS], STATE_FULL);
		(void)control_end(&control);
	}
}

/* The clock of a recording does neither, but no answer to it may be wild. */
static void test_clock_steps(void **state)
{
	static const s64 step_s[] = {3600, 86400, -1, -500};

	(void)state;
	for (size_t i = 0; i < sizeof(step_s) / sizeof(*step_s); i++) {
		struct control control;

		control_begin(&control, 10000);
		control.host.load.now_ns += 1000 * SECOND;
		control.drained_ns = control.taken_ns = control.host.load.now_ns;
		control.host.call_hz = 5000;
		control_run(&control, 20);
		control.host.load.now_ns += (u64)(step_s[i] * (s64)SECOND);
		control.drained_ns = control.taken_ns = control.host.load.now_ns;
		control_run(&control, 20);
		assert_int_equal(control.host.decisions, 0);
		control.host.call_hz = 2e6;
		control_run(&control, 3);
		assert_below(control_cost(&control, 27), 1.2);
		rec_budget_control_end(control.budget);
		{
			struct kit_capture rows = rows_of(&control);

			for (u32 row = 0; row < rows.count; row++)
				assert_true(FIELD_OF(&rows, row, "from_ns") <=
					    FIELD_OF(&rows, row, "time_ns"));
			kit_free(&rows);
		}
		(void)rec_budget_control_free(control.budget);
		(void)cap_chunk_free(control.chunk);
	}
}

static void test_refused(void **state)
{
	struct rec_budget_result result;
	struct control control;
	struct kit_capture rows;

	(void)state;
	control_begin(&control, 10000);
	control.host.refuses = true;
	control.host.call_hz = 2e6;
	control_run(&control, 60);
	control.host.call_hz = 0;
	control_run(&control, 60);
	rec_budget_control_result(control.budget, &result);
	assert_true(result.cannot_attach_again);
	rows = rows_of(&control);
	assert_int_equal(FIELD_OF(&rows, rows.count - 1, "event_class"), EV_CLASS_UNKNOWN);
	for (u32 i = rows.count; i-- > 0;) {
		if (FIELD_OF(&rows, i, "event_class") != CLASS_SYSCALLS)
			continue;
		assert_int_equal(FIELD_OF(&rows, i, "state"), STATE_OFF);
		assert_non_null(strstr(rows.texts[FIELD_OF(&rows, i, "effect")],
				       "refuses to attach their probes again"));
		break;
	}
	kit_free(&rows);
	assert_int_equal(control.host.slice_count, 1);
	(void)control_end(&control);
}

/* -------- loads that were recorded -------- */

/* Offers a trace: calls in 100 ms, and steal in percent. Returns what it cost of the budget. */
static double control_trace(struct control *control, const char *name)
{
	u64 before_ns = spent_ns(&control->host), from_ns = control->host.load.now_ns;
	FILE *file = fopen(name, "r");
	unsigned calls, steal, lines = 0;
	char line[80];

	if (!file)
		fail_msg("%s: not there", name);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u %u", &calls, &steal) != 2)
			continue;
		control->host.call_hz = calls * 10.0;
		control->host.steal = steal / 100.0;
		control_run(control, 0.1);
		lines++;
	}
	(void)fclose(file);
	assert_true(lines > 100);
	return (double)(spent_ns(&control->host) - before_ns) /
	       (double)(control->host.load.now_ns - from_ns) /
	       ((double)control->options.cpu_budget_ppm / 1e6 * control->host.cpus);
}

static void test_traces(void **state)
{
	static const char *const names[] = {"traces/compile.trace", "traces/waves.trace"};
	static const u32 budgets_ppm[] = {2000, 10000, 50000};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 3; j++) {
			struct control control;

			control_begin(&control, budgets_ppm[j]);
			control.host.base = 0.0005;
			(void)control_trace(&control, names[i]); /* it may spend what is in hand */
			assert_below(control_trace(&control, names[i]), 1.2);
			control.host.call_hz = 100;
			control.host.steal = 0;
			control_run(&control, 150);
			assert_int_equal(control.host.state[CLASS_SYSCALLS], STATE_FULL);
			assert_int_equal(control.empty_slices, 0);
			(void)control_end(&control);
		}
	}
}

/* What is recorded of a compilation at the default budget: all of it but for moments. */
static void test_compile_is_recorded(void **state)
{
	struct control control;
	u64 all_ns;

	(void)state;
	control_begin(&control, 20000);
	(void)control_trace(&control, "traces/compile.trace");
	all_ns = control.host.load.now_ns - control.begin_ns;
	assert_above((double)control.state_ns[STATE_FULL] / (double)all_ns, 0.9);
	(void)control_end(&control);
}

/* -------- memory -------- */

static void test_memory(void **state)
{
	struct rec_budget_result result;
	int fd = kit_file();
	struct rec_pipeline *pipeline = kit_sink(fd);
	struct control control;
	struct kit_capture rows;
	u32 told = 0;

	(void)state;
	control_begin(&control, 10000);
	control.options.mem_budget_bytes = 64u << 20;
	control.rss_bytes = 64u << 20;
	for (int second = 0; second < 5; second++) {
		control_run(&control, 1);
		rec_budget_control_watch_memory(control.budget, pipeline);
	}
	rec_budget_control_result(control.budget, &result);
	assert_int_equal(result.memory_count, 0);
	control.rss_bytes++;
	for (int second = 0; second < 25; second++) {
		control_run(&control, 1);
		rec_budget_control_watch_memory(control.budget, pipeline);
	}
	rec_budget_control_result(control.budget, &result);
	assert_int_equal(result.memory_count, 25);
	rows = rows_of(&control);
	for (u32 i = 0; i < rows.count; i++) {
		if (FIELD_OF(&rows, i, "resource") != RESOURCE_MEMORY ||
		    cause_is(&rows, i, "start"))
			continue;
		assert_int_equal(FIELD_OF(&rows, i, "measured_value"), (64u << 20) + 1);
		assert_int_equal(FIELD_OF(&rows, i, "limit_value"), 64u << 20);
		told++;
	}
	assert_int_equal(told, 3); /* each 10 s */
	kit_free(&rows);
	(void)control_end(&control);
	kit_finish(pipeline);
	(void)rec_pipeline_free(pipeline);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_wave),
		cmocka_unit_test(test_steal),
		cmocka_unit_test(test_outlier),
		cmocka_unit_test(test_clock_steps),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_compile_is_recorded),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
