/*
 * Writes a sound capture of 30 s that lacks something on purpose: see kinds below. Every figure in
 * it is round, so that a test knows what reports must say. Usage: make_marked FILE [KIND ...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/write/capture_writer.h"

#define SECOND 1000000000ull
#define START_NS (100 * SECOND)
#define SECONDS 30
#define CPUS 2

enum kind {
	LOSS = 1,	/* 300 system calls and 20 samples lost in seconds 12 to 14 */
	COUNTED = 2,	/* 5,000 calls of seconds 5 to 10 counted */
	THINNED = 4,	/* the governor: see decisions[] */
	GOVERNED = 8,	/* the governor with nothing to do */
	NO_LIMIT = 16,	/* with GOVERNED: no budget of CPU time */
	NO_PERIOD = 32, /* samples do not say what they stand for */
	CYCLES = 64,	/* samples of hardware cycles */
	ACCOUNTS = 128, /* as the recorder writes them: an account each second, of the recorder's
			   own rows one in ten seconds */
};

static const struct {
	const char *name;
	unsigned kind;
} kinds[] = {{"loss", LOSS},	     {"counted", COUNTED},   {"thinned", THINNED},
	     {"governed", GOVERNED}, {"no-limit", NO_LIMIT}, {"no-period", NO_PERIOD},
	     {"cycles", CYCLES},     {"accounts", ACCOUNTS}};

/* 0.1 s: 100 Hz for 10 s, 50 for 5 s, 10 for 5 s, off for 5 s, 100 for 5 s. */
static const struct {
	u32 at_tenths, event_class, state, sample_hz, limit_percent, used_percent;
	const char *cause, *effect;
} decisions[] = {
	{50, CLASS_SYSCALLS, STATE_COUNTS, 0, 1, 4,
	 "recorder and programs used 4.0 % of the host's CPU, budget 1 %",
	 "system calls are counted, not stored one by one"},
	{100, CLASS_SYSCALLS, STATE_OFF, 0, 1, 5,
	 "counting used 5.0 % of the host's CPU, budget 1 %",
	 "system calls are not recorded, but for slices"},
	{100, CLASS_CPU, STATE_REDUCED, 50, 1, 2,
	 "sampling used 2.0 % of the host's CPU, budget 1 %",
	 "50 instead of 100 samples per second and CPU"},
	{120, CLASS_SYSCALLS, STATE_COUNTS, 0, 1, 1, "a slice is paid for",
	 "system calls are counted"},
	{125, CLASS_SYSCALLS, STATE_OFF, 0, 1, 5, "the slice ended",
	 "system calls are not recorded"},
	{150, CLASS_CPU, STATE_REDUCED, 10, 1, 2,
	 "sampling used 2.0 % of the host's CPU, budget 1 %",
	 "10 instead of 100 samples per second and CPU"},
	{200, CLASS_SYSCALLS, STATE_FULL, 0, 1, 0, "0.4 % used for 3 s",
	 "system calls are stored one by one"},
	{200, CLASS_CPU, STATE_OFF, 0, 1, 3, "sampling used 3.0 % of the host's CPU, budget 1 %",
	 "no samples are taken"},
	{250, CLASS_CPU, STATE_FULL, 100, 1, 0, "0.4 % used for 3 s",
	 "100 samples per second and CPU"},
};

static void need(int sound, const char *step)
{
	if (!sound) {
		(void)fprintf(stderr, "make_marked: %s failed\n", step);
		exit(1);
	}
}

static void add(struct cap_chunk *chunk, enum ev_type type, const void *row)
{
	need(cap_chunk_add(chunk, type, row) == 0, "adding a row");
}

static u32 text(struct cap_chunk *chunk, const char *string)
{
	return cap_chunk_string(chunk, string, strlen(string));
}

static u32 task_of(struct cap_chunk *chunk)
{
	struct cap_task task = {
		.leader_start_ns = 1000, .tgid = 100, .tid = 100, .exec_id = 1, .comm = "work"};

	return cap_chunk_task(chunk, &task);
}

/* -------- decisions -------- */

/* hz of samples in a tenth of a second; 0: none are taken */
static u32 sample_hz_at(unsigned kind, u32 tenths)
{
	u32 hz = 100;

	for (size_t i = 0; (kind & THINNED) && i < sizeof(decisions) / sizeof(decisions[0]); i++)
		if (decisions[i].event_class == CLASS_CPU && decisions[i].at_tenths <= tenths)
			hz = decisions[i].sample_hz;
	return hz;
}

static u32 calls_state_at(unsigned kind, u32 tenths)
{
	u32 state = (kind & COUNTED) && tenths >= 50 && tenths < 100 ? STATE_COUNTS : STATE_FULL;

	for (size_t i = 0; (kind & THINNED) && i < sizeof(decisions) / sizeof(decisions[0]); i++)
		if (decisions[i].event_class == CLASS_SYSCALLS && decisions[i].at_tenths <= tenths)
			state = decisions[i].state;
	return state;
}

static void add_start(struct cap_chunk *chunk, unsigned kind)
{
	const struct {
		u32 resource, event_class, sample_hz;
		u64 limit_value;
	} rows[] = {
		{RESOURCE_CPU, CLASS_CPU, 100, kind & NO_LIMIT ? 0 : SECOND * CPUS / 100},
		{RESOURCE_CPU, CLASS_SYSCALLS, 0, kind & NO_LIMIT ? 0 : SECOND * CPUS / 100},
		{RESOURCE_MEMORY, EV_CLASS_UNKNOWN, 0, 50ull << 20},
		{RESOURCE_DISK, EV_CLASS_UNKNOWN, 0, 1ull << 30},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ev_governor row = {.time_ns = START_NS,
					  .from_ns = START_NS - SECOND,
					  .limit_value = rows[i].limit_value,
					  .resource = rows[i].resource,
					  .event_class = rows[i].event_class,
					  .sample_hz = rows[i].sample_hz,
					  .cause = text(chunk, "recording begins"),
					  .effect = text(chunk, "everything is recorded")};

		add(chunk, EV_GOVERNOR, &row);
	}
}

static void add_decisions(struct cap_chunk *chunk, unsigned kind, u32 second)
{
	for (size_t i = 0; (kind & THINNED) && i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		struct ev_governor row = {
			.time_ns = START_NS + decisions[i].at_tenths * (SECOND / 10),
			.limit_value = SECOND * CPUS / 200 * decisions[i].limit_percent,
			.measured_value = SECOND * CPUS / 200 * decisions[i].used_percent,
			.resource = RESOURCE_CPU,
			.event_class = decisions[i].event_class,
			.state = decisions[i].state,
			.sample_hz = decisions[i].sample_hz};

		if (decisions[i].at_tenths / 10 != second)
			continue;
		row.from_ns = row.time_ns - SECOND / 2;
		row.cause = text(chunk, decisions[i].cause);
		row.effect = text(chunk, decisions[i].effect);
		add(chunk, EV_GOVERNOR, &row);
	}
}

/* What the governor counted in the time before: 0.75 %; once, with ACCOUNTS, 1.5 %. */
static void add_account(struct cap_chunk *chunk, unsigned kind, u64 time_ns)
{
	u64 span_ns = kind & ACCOUNTS ? SECOND : 10 * SECOND;
	u64 times = kind & ACCOUNTS && time_ns == START_NS + 8 * SECOND ? 150 : 75;
	struct ev_governor row = {.time_ns = time_ns,
				  .from_ns = time_ns - span_ns,
				  .limit_value = kind & NO_LIMIT ? 0 : span_ns * CPUS / 100,
				  .measured_value = span_ns * CPUS / 10000 * times,
				  .resource = RESOURCE_CPU,
				  .event_class = EV_CLASS_UNKNOWN,
				  .cause = text(chunk, "account")};

	add(chunk, EV_GOVERNOR, &row);
}

/* -------- events -------- */

struct sums {
	u64 calls, samples, counted;
};

/* Samples on one CPU: of one function in the first 10 s, of another in the next 10, of a third. */
static void add_samples(struct cap_chunk *chunk, unsigned kind, u32 tenths, struct sums *sums)
{
	const char *where = tenths < 100 ? "first" : tenths < 200 ? "second" : "third";
	u32 hz = sample_hz_at(kind, tenths), count = hz / 10, task = task_of(chunk);
	u32 stack = cap_chunk_stack(
		chunk, 0, cap_chunk_frame(chunk, CAP_SPACE_MODULE, text(chunk, where), 0x10));

	for (u32 i = 0; i < count; i++) {
		struct ev_cpu_sample row = {.time_ns = START_NS + tenths * (SECOND / 10) +
						       i * (SECOND / hz),
					    .period = kind & NO_PERIOD ? 0
						      : kind & CYCLES  ? 3 * SECOND / hz
								       : SECOND / hz,
					    .task = task,
					    .stack = stack};

		add(chunk, EV_CPU_SAMPLE, &row);
		sums->samples++;
	}
}

/* 10 calls of 1 ms in a tenth of a second. */
static void add_calls(struct cap_chunk *chunk, unsigned kind, u32 tenths, struct sums *sums)
{
	if (calls_state_at(kind, tenths) != STATE_FULL)
		return;
	for (u32 i = 0; i < 10; i++) {
		struct ev_syscall row = {.time_ns = START_NS + tenths * (SECOND / 10) +
						    i * (SECOND / 100),
					 .duration_ns = SECOND / 1000,
					 .task = task_of(chunk),
					 .sysno = i % 2};

		add(chunk, EV_SYSCALL, &row);
		sums->calls++;
	}
}

static void add_second(struct cap_chunk *chunk, unsigned kind, u32 second, struct sums *sums)
{
	for (u32 tenths = second * 10; tenths < second * 10 + 10; tenths++) {
		add_samples(chunk, kind, tenths, sums);
		add_calls(chunk, kind, tenths, sums);
	}
}

/* -------- statistics -------- */

static void add_counts(struct cap_chunk *chunk, unsigned kind, u32 second, struct sums *sums)
{
	for (u32 tenths = second * 10; tenths < second * 10 + 10; tenths++) {
		struct ev_syscall_count row = {.from_ns = START_NS + tenths * (SECOND / 10),
					       .time_ns = START_NS + (tenths + 1) * (SECOND / 10),
					       .call_count = 100,
					       .total_ns = SECOND / 10,
					       .task = task_of(chunk),
					       .sysno = 0,
					       .bucket = 19};

		if (calls_state_at(kind, tenths) != STATE_COUNTS)
			continue;
		add(chunk, EV_SYSCALL_COUNT, &row);
		sums->counted += row.call_count;
	}
}

static void add_loss(struct cap_chunk *chunk, u32 event_class, u64 count)
{
	struct ev_loss row = {.from_ns = START_NS + 12 * SECOND,
			      .time_ns = START_NS + 14 * SECOND,
			      .lost_count = count,
			      .event_class = event_class,
			      .reason = REASON_RING_FULL};

	add(chunk, EV_LOSS, &row);
}

static void add_totals(struct cap_chunk *chunk, unsigned kind, u64 time_ns, const struct sums *sums,
		       bool lost)
{
	const struct ev_class_total rows[] = {
		{.time_ns = time_ns,
		 .stored_count = sums->samples,
		 .lost_count = lost && (kind & LOSS) ? 20 : 0,
		 .event_class = CLASS_CPU},
		{.time_ns = time_ns,
		 .stored_count = sums->calls,
		 .lost_count = lost && (kind & LOSS) ? 300 : 0,
		 .counted_count = sums->counted,
		 .event_class = CLASS_SYSCALLS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ev_class_total row = rows[i];

		row.attempted_count = row.stored_count + row.lost_count + row.counted_count;
		add(chunk, EV_CLASS_TOTAL, &row);
	}
}

/* The recorder uses 5 ms of CPU time in each second: 0.25 % of two CPUs, its programs as much. */
static void add_stats(struct cap_chunk *chunk, unsigned kind, u32 second, struct sums *sums)
{
	u64 time_ns = START_NS + (second + 1) * SECOND;
	struct ev_recorder recorder = {.time_ns = time_ns,
				       .cpu_user_ns = 50000000 + second * 5000000ull,
				       .rss_bytes = 20u << 20,
				       .peak_rss_bytes = 20u << 20,
				       .written_bytes = (second + 1) * 100000ull,
				       .stored_count = sums->calls + sums->samples};
	struct ev_bpf_program program = {.time_ns = time_ns - SECOND / 2,
					 .window_ns = SECOND / 10,
					 .run_count = 1000,
					 .run_time_ns = SECOND / 2000,
					 .name = text(chunk, "on_call"),
					 .event_class = CLASS_SYSCALLS};

	if (!(kind & ACCOUNTS) || second % 10 == 9 || second == 0)
		add(chunk, EV_RECORDER, &recorder);
	add(chunk, EV_BPF_PROGRAM, &program);
	add_counts(chunk, kind, second, sums);
	add_decisions(chunk, kind, second);
	if ((kind & (THINNED | GOVERNED)) && (kind & ACCOUNTS || second % 10 == 9))
		add_account(chunk, kind, time_ns);
	if ((kind & LOSS) && second == 13) {
		add_loss(chunk, CLASS_CPU, 20);
		add_loss(chunk, CLASS_SYSCALLS, 300);
	}
	add_totals(chunk, kind, time_ns, sums, second >= 13);
}

static void add_meta(struct cap_chunk *chunk, unsigned kind)
{
	struct ev_meta row = {.key = text(chunk, "cpu.event"),
			      .value = text(chunk, kind & CYCLES ? "cycles" : "cpu-clock")};

	add(chunk, EV_META, &row);
}

static void put_block(struct cap_writer *writer, enum cap_block_type block, struct cap_chunk *chunk,
		      const struct cap_totals *totals)
{
	need(cap_chunk_failed(chunk) == 0, "a block");
	need(cap_writer_rows(writer, block, chunk, totals, NULL) == 0, "writing a block");
	cap_chunk_reset(chunk);
}

static void write_capture(struct cap_writer *writer, unsigned kind)
{
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {0};
	struct sums sums = {0};

	need(chunk != NULL, "memory");
	add_meta(chunk, kind);
	put_block(writer, CAP_BLOCK_META, chunk, NULL);
	if (kind & (THINNED | GOVERNED)) {
		add_start(chunk, kind);
		put_block(writer, CAP_BLOCK_STATS, chunk, NULL);
	}
	for (u32 second = 0; second < SECONDS; second++) {
		add_second(chunk, kind, second, &sums);
		totals.stored_count = sums.calls + sums.samples;
		totals.lost_count = (kind & LOSS) && second >= 13 ? 320 : 0;
		totals.attempted_count = totals.stored_count + totals.lost_count + sums.counted;
		put_block(writer, CAP_BLOCK_CHUNK, chunk, &totals);
		add_stats(chunk, kind, second, &sums);
		put_block(writer, CAP_BLOCK_STATS, chunk, NULL);
	}
	totals.attempted_count = totals.stored_count + totals.lost_count + sums.counted;
	need(cap_writer_end(writer, CAP_END_NORMAL, &totals, NULL) == 0, "ending the capture");
	(void)cap_chunk_free(chunk);
}

int main(int argc, char **argv)
{
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = START_NS,
				     .boottime_ns = START_NS,
				     .cpu_count = CPUS,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .file_uuid = {1, 2, 3},
				     .hostname = "host"};
	struct cap_writer_options options = {.fd = -1};
	struct cap_writer *writer = NULL;
	unsigned kind = 0;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: make_marked FILE [KIND ...]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		size_t k = 0;

		while (k < sizeof(kinds) / sizeof(kinds[0]) && strcmp(argv[i], kinds[k].name) != 0)
			k++;
		need(k < sizeof(kinds) / sizeof(kinds[0]), "knowing that kind");
		kind |= kinds[k].kind;
	}
	options.fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	need(options.fd >= 0, "creating the file");
	need(cap_writer_new(&options, &info, &writer, NULL) == 0 &&
		     cap_writer_begin(writer, NULL) == 0,
	     "beginning the capture");
	write_capture(writer, kind);
	(void)cap_writer_free(writer);
	return close(options.fd) ? 1 : 0;
}
