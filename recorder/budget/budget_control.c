/* Measures, asks the policy, has it done, and keeps the rows until there is a block for them. */
#include "recorder/budget/budget_control.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "recorder/base/quantity_text.h"
#include "recorder/base/units.h"

#define ACCOUNT_NS REC_NS_PER_S
#define MAX_ROWS 256 /* some minutes of slices while a disk stalls */
#define MEMORY_EVERY_NS \
	(10 * REC_NS_PER_S) /* so long memory may stay over its budget without a word */

struct pending_row {
	struct ev_governor row; /* but for the texts */
	char cause[160], effect[128];
};

struct rec_governing {
	const struct rec_options *options;
	const struct rec_source_ops *ops;
	struct rec_source *source;
	struct rec_governor governor;
	u32 cpu_count;
	bool started, can_thin;
	struct rec_load begin, account; /* at the start, and at the last account */
	u64 noted_ns;  /* up to here the times of struct rec_budget_result are summed */
	u64 memory_ns; /* when memory was last found over its budget */
	struct rec_budget_result result;
	struct pending_row *rows;
	size_t row_count;
	size_t left_out; /* rows for which there was no place */
};

int rec_governing_open(const struct rec_options *options, const struct rec_source_ops *ops,
		       struct rec_source *source, u32 cpu_count,
		       struct rec_governing **ret_governing, struct cap_err *err)
{
	struct rec_governing *governing = calloc(1, sizeof(*governing));

	if (governing)
		governing->rows = calloc(MAX_ROWS, sizeof(*governing->rows));
	if (!governing || !governing->rows) {
		(void)rec_governing_free(governing);
		return cap_fail_errno(err, ENOMEM, "open the governor");
	}
	governing->options = options;
	governing->ops = ops;
	governing->source = source;
	governing->cpu_count = cpu_count ? cpu_count : 1;
	governing->can_thin = ops->load && ops->thin;
	rec_governor_init(&governing->governor,
			  &(struct rec_governor_options){
				  .budget_ppm = governing->can_thin ? options->cpu_budget_ppm : 0,
				  .cpu_count = governing->cpu_count,
				  .classes = options->classes,
				  .sample_hz = options->sample_hz,
			  });
	*ret_governing = governing;
	return 0;
}

struct rec_governing *rec_governing_free(struct rec_governing *governing)
{
	if (governing)
		free(governing->rows);
	free(governing);
	return NULL;
}

/* ---- Rows ---- */

/* NULL where there is no place: a disk that stalls for minutes. */
static struct pending_row *add_row(struct rec_governing *governing, const struct ev_governor *row)
{
	struct pending_row *pending;

	if (governing->row_count == MAX_ROWS) {
		governing->left_out++;
		return NULL;
	}
	pending = &governing->rows[governing->row_count++];
	*pending = (struct pending_row){.row = *row};
	return pending;
}

static void percent_text(double part, char text[16])
{
	(void)snprintf(text, 16, part < 0.1 ? "%.2f" : "%.1f", part * 100);
}

static double share(const struct rec_governing *governing, u64 spent_ns, u64 span_ns)
{
	return span_ns ? (double)spent_ns / (double)span_ns / governing->cpu_count : 0;
}

static void write_cause(const struct rec_governing *governing, const struct rec_decision *decision,
			char *text, size_t size)
{
	u64 span_ns = decision->time_ns - decision->from_ns;
	char used[16], budget[REC_UNIT_TEXT_BYTES];
	const char *why = "";

	percent_text(share(governing, decision->spent_ns, span_ns), used);
	rec_format_percent(governing->options->cpu_budget_ppm, budget);
	if (decision->kind == REC_SLICE_BEGIN) {
		(void)snprintf(text, size, "the budget of %s has paid for the time before", budget);
		return;
	}
	if (decision->kind == REC_RECOVER)
		why = ", and more has fitted for a while";
	(void)snprintf(text, size,
		       "recorder and programs used %s %% of the host's CPU in the last %.2f s, "
		       "budget %s%s",
		       used, (double)span_ns / 1e9, budget, why);
}

static void write_effect(const struct rec_governing *governing, const struct rec_decision *decision,
			 char *text, size_t size)
{
	const char *what = "";

	if (decision->event_class == CLASS_CPU && decision->state != STATE_OFF) {
		(void)snprintf(text, size, "%u samples per second and CPU%s", decision->sample_hz,
			       decision->state == STATE_FULL ? ", as asked for" : "");
		return;
	}
	if (decision->event_class == CLASS_CPU)
		what = "no samples are taken";
	else if (decision->event_class == EV_CLASS_UNKNOWN)
		what = "nothing that may be left out would help: starts and ends of processes are "
		       "always recorded";
	else if (decision->state == STATE_FULL)
		what = "each system call is stored by itself";
	else if (decision->state == STATE_COUNTS && decision->kind != REC_SLICE_BEGIN)
		what = "system calls are counted, not stored one by one";
	else if (decision->state == STATE_COUNTS)
		what = "system calls are counted for a moment";
	else if (governing->result.cannot_attach_again)
		what = "system calls are not seen any more: this kernel refuses to attach their "
		       "probes again";
	else
		what = "system calls are seen in slices only: their probes are detached";
	(void)snprintf(text, size, "%s", what);
}

static void put_decision(struct rec_governing *governing, const struct rec_decision *decision,
			 u64 time_ns)
{
	struct pending_row *pending =
		add_row(governing, &(struct ev_governor){
					   .time_ns = time_ns,
					   .from_ns = decision->from_ns,
					   .limit_value = decision->limit_ns,
					   .measured_value = decision->spent_ns,
					   .resource = RESOURCE_CPU,
					   .event_class = decision->event_class,
					   .state = decision->state,
					   .sample_hz = decision->sample_hz,
				   });

	if (!pending)
		return;
	write_cause(governing, decision, pending->cause, sizeof(pending->cause));
	write_effect(governing, decision, pending->effect, sizeof(pending->effect));
}

int rec_governing_rows(struct rec_governing *governing, struct cap_chunk *chunk)
{
	for (size_t i = 0; i < governing->row_count; i++) {
		struct pending_row *pending = &governing->rows[i];
		int rc;

		pending->row.cause =
			cap_chunk_string(chunk, pending->cause, strlen(pending->cause));
		pending->row.effect =
			cap_chunk_string(chunk, pending->effect, strlen(pending->effect));
		rc = cap_chunk_add(chunk, EV_GOVERNOR, &pending->row);
		if (rc < 0)
			return rc;
	}
	governing->row_count = 0;
	return 0;
}

/* ---- Measuring ---- */

static struct rec_load measure(struct rec_governing *governing)
{
	struct rec_load load = {.now_ns = rec_monotonic_ns()};

	if (governing->can_thin)
		governing->ops->load(governing->source, &load);
	load.recorder_ns = rec_own_cpu_ns();
	return load;
}

static u64 allowed_ns(const struct rec_governing *governing, u64 span_ns)
{
	return (u64)((double)span_ns * governing->options->cpu_budget_ppm / 1e6 *
		     governing->cpu_count);
}

/* What was spent since the last account. */
static void put_account(struct rec_governing *governing, const struct rec_load *load)
{
	u64 span_ns = load->now_ns - governing->account.now_ns;
	struct pending_row *pending;

	pending = add_row(governing,
			  &(struct ev_governor){
				  .time_ns = load->now_ns,
				  .from_ns = governing->account.now_ns,
				  .limit_value = allowed_ns(governing, span_ns),
				  .measured_value = rec_load_spent_ns(&governing->account, load),
				  .resource = RESOURCE_CPU,
				  .event_class = EV_CLASS_UNKNOWN,
			  });
	if (pending)
		(void)snprintf(pending->cause, sizeof(pending->cause), "account");
	governing->account = *load;
}

/* How long less than everything was recorded. */
static void note_states(struct rec_governing *governing, u64 now_ns)
{
	struct rec_budget_result *result = &governing->result;
	u64 span_ns = now_ns > governing->noted_ns ? now_ns - governing->noted_ns : 0;
	u32 syscalls = rec_governor_state(&governing->governor, CLASS_SYSCALLS);
	u32 samples = rec_governor_state(&governing->governor, CLASS_CPU);

	if (syscalls == STATE_COUNTS)
		result->syscalls_counts_ns += span_ns;
	if (syscalls == STATE_OFF)
		result->syscalls_off_ns += span_ns;
	if (samples == STATE_REDUCED)
		result->samples_reduced_ns += span_ns;
	if (samples == STATE_OFF)
		result->samples_off_ns += span_ns;
	governing->noted_ns = now_ns;
}

/* ---- Start ---- */

static void put_start(struct rec_governing *governing, u32 event_class, u64 now_ns)
{
	struct pending_row *pending;
	char budget[REC_UNIT_TEXT_BYTES];

	if (!(governing->options->classes & (1u << event_class)))
		return;
	pending = add_row(
		governing,
		&(struct ev_governor){
			.time_ns = now_ns,
			.from_ns = now_ns - REC_NS_PER_S,
			.limit_value = allowed_ns(governing, REC_NS_PER_S),
			.resource = RESOURCE_CPU,
			.event_class = event_class,
			.state = STATE_FULL,
			.sample_hz = event_class == CLASS_CPU ? governing->options->sample_hz : 0,
		});
	if (!pending)
		return;
	rec_format_percent(governing->options->cpu_budget_ppm, budget);
	if (governing->options->cpu_budget_ppm)
		(void)snprintf(pending->cause, sizeof(pending->cause),
			       "start, budget %s of %u CPUs", budget, governing->cpu_count);
	else
		(void)snprintf(pending->cause, sizeof(pending->cause), "start, no budget");
	(void)snprintf(pending->effect, sizeof(pending->effect), "all that was asked for");
}

static void put_limit(struct rec_governing *governing, u32 resource, u64 limit_bytes, u64 now_ns)
{
	struct pending_row *pending = add_row(governing, &(struct ev_governor){
								 .time_ns = now_ns,
								 .from_ns = now_ns,
								 .limit_value = limit_bytes,
								 .resource = resource,
								 .event_class = EV_CLASS_UNKNOWN,
							 });
	if (pending)
		(void)snprintf(pending->cause, sizeof(pending->cause), "start");
}

void rec_governing_start(struct rec_governing *governing, u64 floor_bytes)
{
	struct rec_decision none;

	governing->started = true;
	governing->begin = measure(governing);
	governing->account = governing->begin;
	governing->noted_ns = governing->begin.now_ns;
	(void)rec_governor_step(&governing->governor, &governing->begin, &none);
	if (!governing->can_thin)
		return;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		put_start(governing, i, governing->begin.now_ns);
	put_limit(governing, RESOURCE_MEMORY, governing->options->mem_budget_bytes,
		  governing->begin.now_ns);
	put_limit(governing, RESOURCE_DISK, floor_bytes, governing->begin.now_ns);
}

/* ---- Run ---- */

static void carry_out(struct rec_governing *governing, struct rec_decision *decision)
{
	struct rec_load load;
	bool fuller = decision->kind == REC_RECOVER || decision->kind == REC_SLICE_BEGIN;
	int rc = 0;

	if (decision->event_class < EV_CLASS_COUNT)
		rc = governing->ops->thin(governing->source, decision);
	load = measure(governing);
	if (rc < 0 && decision->event_class == CLASS_SYSCALLS && fuller) {
		rec_governor_refused(&governing->governor, decision->event_class);
		governing->result.cannot_attach_again = true;
		decision->state = STATE_OFF;
	}
	rec_governor_done(&governing->governor, &load);
	/* Of what lies between, nothing is promised: less begins early, more begins late. */
	put_decision(governing, decision, fuller ? load.now_ns : decision->time_ns);
	if (decision->kind == REC_SHED || decision->kind == REC_RECOVER)
		governing->result.decision_count++;
	if (decision->event_class == CLASS_CPU && decision->sample_hz &&
	    (governing->result.sample_hz_min == 0 ||
	     decision->sample_hz < governing->result.sample_hz_min))
		governing->result.sample_hz_min = decision->sample_hz;
}

void rec_governing_step(struct rec_governing *governing)
{
	struct rec_decision decision;
	struct rec_load load;

	if (!governing->can_thin || !governing->started)
		return;
	load = measure(governing);
	note_states(governing, load.now_ns);
	if (load.now_ns - governing->account.now_ns >= ACCOUNT_NS)
		put_account(governing, &load);
	if (rec_governor_step(&governing->governor, &load, &decision))
		carry_out(governing, &decision);
}

int rec_governing_wait_ms(const struct rec_governing *governing)
{
	u64 wake_ns = rec_governor_wake_ns(&governing->governor), now_ns;

	if (!governing->started || wake_ns == 0)
		return -1;
	now_ns = rec_monotonic_ns();
	return wake_ns > now_ns ? (int)((wake_ns - now_ns + 999999) / 1000000) : -1;
}

void rec_governing_end(struct rec_governing *governing)
{
	struct rec_load load;

	if (!governing->started)
		return;
	load = measure(governing);
	note_states(governing, load.now_ns);
	if (governing->can_thin)
		put_account(governing, &load);
	governing->result.cpu_budget_ppm = governing->governor.options.budget_ppm;
	governing->result.span_ns = load.now_ns - governing->begin.now_ns;
	governing->result.spent_ns = rec_load_spent_ns(&governing->begin, &load);
}

/* ---- Memory and disk ---- */

static struct pending_row *add_resource_row(struct rec_governing *governing, u32 resource,
					    u64 limit_bytes, u64 measured_bytes)
{
	u64 now_ns = rec_monotonic_ns();

	return add_row(governing, &(struct ev_governor){
					  .time_ns = now_ns,
					  .from_ns = now_ns,
					  .limit_value = limit_bytes,
					  .measured_value = measured_bytes,
					  .resource = resource,
					  .event_class = EV_CLASS_UNKNOWN,
				  });
}

void rec_governing_watch_memory(struct rec_governing *governing, struct rec_sink *sink)
{
	u64 budget_bytes = governing->options->mem_budget_bytes, queue_bytes;
	u64 rss_bytes = budget_bytes ? rec_own_rss_bytes() : 0;
	struct pending_row *pending;
	char rss[32], budget[32], queue[32];

	if (rss_bytes <= budget_bytes || budget_bytes == 0)
		return;
	queue_bytes = rec_sink_use_less(sink);
	(void)malloc_trim(0); /* what the C library keeps for later */
	governing->result.memory_count++;
	if (governing->memory_ns && rec_monotonic_ns() - governing->memory_ns < MEMORY_EVERY_NS)
		return;
	governing->memory_ns = rec_monotonic_ns();
	pending = add_resource_row(governing, RESOURCE_MEMORY, budget_bytes, rss_bytes);
	if (!pending)
		return;
	(void)snprintf(pending->cause, sizeof(pending->cause),
		       "the recorder has %s in memory, budget %s",
		       rec_bytes_text(rss_bytes, rss, sizeof(rss)),
		       rec_bytes_text(budget_bytes, budget, sizeof(budget)));
	(void)snprintf(pending->effect, sizeof(pending->effect),
		       "no more than %s wait for the disk",
		       rec_bytes_text(queue_bytes, queue, sizeof(queue)));
}

void rec_governing_at_floor(struct rec_governing *governing, u64 floor_bytes)
{
	struct pending_row *pending =
		add_resource_row(governing, RESOURCE_DISK, floor_bytes, floor_bytes);
	char text[32];

	if (!pending)
		return;
	(void)snprintf(pending->cause, sizeof(pending->cause),
		       "free space of the disk came near the floor of %s",
		       rec_bytes_text(floor_bytes, text, sizeof(text)));
	(void)snprintf(pending->effect, sizeof(pending->effect), "the recording ends");
}

/* ---- What became of it ---- */

void rec_governing_result(const struct rec_governing *governing,
			  struct rec_budget_result *ret_result)
{
	*ret_result = governing->result;
}

const char *rec_governing_state_text(const struct rec_governing *governing)
{
	u32 syscalls = rec_governor_state(&governing->governor, CLASS_SYSCALLS);
	u32 samples = rec_governor_state(&governing->governor, CLASS_CPU);

	if (governing->governor.slicing)
		return "calls in slices";
	if (syscalls == STATE_COUNTS)
		return "calls counted";
	if (samples == STATE_OFF)
		return "no samples";
	return samples == STATE_REDUCED ? "fewer samples" : "";
}
