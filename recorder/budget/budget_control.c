/* Measures, asks the policy, carries out its decisions, and keeps the rows until there is a block
 * for them. */
#include "recorder/budget/budget_policy.h"
#include "recorder/budget/budget_control.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "formats/base/size_text.h"
#include "recorder/base/units.h"

#define ACCOUNT_NS REC_NS_PER_S
#define MAX_ROWS 256 /* some minutes of slices while a disk stalls */
#define MEMORY_EVERY_NS \
	(10 * REC_NS_PER_S) /* how long memory may exceed its budget without a message */

struct pending_row {
	struct ev_governor row; /* but for the texts */
	char cause[160], effect[128];
};

/* ---- The process's own meter ---- */

static u64 own_now_ns(void *context)
{
	(void)context;
	return rec_monotonic_ns();
}

static u64 own_cpu_ns(void *context)
{
	(void)context;
	return rec_own_cpu_ns();
}

static u64 own_once_ns(void *context)
{
	(void)context;
	return rec_own_once_cpu_ns();
}

static u64 own_rss_bytes(void *context)
{
	(void)context;
	return rec_own_rss_bytes();
}

static const struct rec_meter own_meter = {.now_ns = own_now_ns,
					   .cpu_ns = own_cpu_ns,
					   .once_ns = own_once_ns,
					   .rss_bytes = own_rss_bytes};

struct rec_budget_control {
	const struct rec_options *options;
	const struct rec_source_ops *ops;
	struct rec_source *source;
	struct rec_meter meter;
	struct rec_budget_policy policy;
	u32 cpu_count;
	bool started, can_reduce;
	struct rec_load begin, account; /* at the start, and at the last account */
	u64 noted_ns;  /* up to here the times of struct rec_budget_result are summed */
	u64 memory_ns; /* when memory was last found over its budget */
	struct rec_budget_result result;
	struct pending_row *rows;
	size_t row_count;
	size_t left_out; /* rows for which there was no place */
};

int rec_budget_control_open(const struct rec_options *options, const struct rec_source_ops *ops,
			    struct rec_source *source, u32 cpu_count,
			    struct rec_budget_control **ret_governing, struct cap_err *err)
{
	struct rec_budget_control *control = calloc(1, sizeof(*control));

	if (control)
		control->rows = calloc(MAX_ROWS, sizeof(*control->rows));
	if (!control || !control->rows) {
		(void)rec_budget_control_free(control);
		return cap_fail_errno(err, ENOMEM, "open the policy");
	}
	control->options = options;
	control->ops = ops;
	control->source = source;
	control->meter = own_meter;
	control->cpu_count = cpu_count ? cpu_count : 1;
	control->can_reduce = ops->load && ops->reduce;
	rec_budget_policy_init(
		&control->policy,
		&(struct rec_budget_policy_options){
			.budget_ppm = control->can_reduce ? options->cpu_budget_ppm : 0,
			.cpu_count = control->cpu_count,
			.classes = options->classes,
			.sample_hz = options->sample_hz,
			.duration_ns = options->duration_ns,
		});
	*ret_governing = control;
	return 0;
}

void rec_budget_control_use_meter(struct rec_budget_control *control, const struct rec_meter *meter)
{
	control->meter = *meter;
}

struct rec_budget_control *rec_budget_control_free(struct rec_budget_control *control)
{
	if (control)
		free(control->rows);
	free(control);
	return NULL;
}

/* ---- Rows ---- */

/* NULL if there is no room: the disk stalls for minutes. */
static struct pending_row *add_row(struct rec_budget_control *control,
				   const struct ev_governor *row)
{
	struct pending_row *pending;

	if (control->row_count == MAX_ROWS) {
		control->left_out++;
		return NULL;
	}
	pending = &control->rows[control->row_count++];
	*pending = (struct pending_row){.row = *row};
	return pending;
}

static void percent_text(double part, char text[16])
{
	(void)snprintf(text, 16, part < 0.1 ? "%.2f" : "%.1f", part * 100);
}

static double share(const struct rec_budget_control *control, u64 spent_ns, u64 span_ns)
{
	return span_ns ? (double)spent_ns / (double)span_ns / control->cpu_count : 0;
}

static void write_cause(const struct rec_budget_control *control,
			const struct rec_decision *decision, char *text, size_t size)
{
	u64 span_ns = decision->time_ns - decision->from_ns;
	char used[16], budget[REC_UNIT_TEXT_BYTES];
	const char *why = "";

	percent_text(share(control, decision->spent_ns, span_ns), used);
	rec_format_percent(control->options->cpu_budget_ppm, budget);
	if (decision->kind == REC_SLICE_BEGIN) {
		(void)snprintf(text, size, "the budget of %s has recovered", budget);
		return;
	}
	if (decision->kind == REC_RECOVER)
		why = ", with room for more";
	(void)snprintf(text, size,
		       "recorder and programs used %s %% of the host's CPU in the last %.2f s, "
		       "budget %s%s",
		       used, (double)span_ns / 1e9, budget, why);
}

/* shed.def's texts are ours: printf's formats with at most one %u. */
static void write_text(char *text, size_t size, const char *format, u32 rate_hz)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, size, format, rate_hz);
#pragma GCC diagnostic pop
}

/* The step that brings a class into a state; NULL: FULL, or a class that is not governed. */
static const struct rec_shed_step *step_to(u32 event_class, u32 state)
{
	const struct rec_shed_step *step = rec_shed_steps;

	while (step->event_class != EV_CLASS_UNKNOWN &&
	       (step->event_class != event_class || step->state != state))
		step++;
	return step->event_class != EV_CLASS_UNKNOWN ? step : NULL;
}

static const char *effect_of_all(u32 event_class)
{
	const struct rec_governed *row = rec_governed;

	while (row->event_class != event_class && row->event_class != EV_CLASS_UNKNOWN)
		row++;
	return row->all ? row->all : "everything that was asked for";
}

static void write_effect(const struct rec_budget_control *control,
			 const struct rec_decision *decision, char *text, size_t size)
{
	const struct rec_shed_step *step = step_to(decision->event_class, decision->state);
	bool sliced = decision->event_class == control->policy.sliced;

	if (decision->event_class == EV_CLASS_UNKNOWN)
		(void)snprintf(text, size,
			       "nothing left to reduce would help: processes are always recorded");
	else if (decision->kind == REC_SLICE_BEGIN && decision->state != STATE_OFF)
		(void)snprintf(text, size, "system calls are recorded for a short slice");
	else if (sliced && decision->state == STATE_OFF && control->result.cannot_attach_again)
		(void)snprintf(text, size,
			       "system calls are no longer seen: this kernel refuses to attach "
			       "their probes again");
	else /* a rate, if the text has a place for one */
		write_text(text, size, step ? step->effect : effect_of_all(decision->event_class),
			   decision->sample_hz);
}

static void put_decision(struct rec_budget_control *control, const struct rec_decision *decision,
			 u64 time_ns)
{
	struct pending_row *pending = add_row(control, &(struct ev_governor){
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
	write_cause(control, decision, pending->cause, sizeof(pending->cause));
	write_effect(control, decision, pending->effect, sizeof(pending->effect));
}

int rec_budget_control_rows(struct rec_budget_control *control, struct cap_chunk *chunk)
{
	for (size_t i = 0; i < control->row_count; i++) {
		struct pending_row *pending = &control->rows[i];
		int rc;

		pending->row.cause =
			cap_chunk_string(chunk, pending->cause, strlen(pending->cause));
		pending->row.effect =
			cap_chunk_string(chunk, pending->effect, strlen(pending->effect));
		rc = cap_chunk_add(chunk, EV_GOVERNOR, &pending->row);
		if (rc < 0)
			return rc;
	}
	control->row_count = 0;
	return 0;
}

/* ---- Measuring ---- */

static u64 now(const struct rec_budget_control *control)
{
	return control->meter.now_ns(control->meter.context);
}

static struct rec_load measure(struct rec_budget_control *control)
{
	struct rec_load load = {.now_ns = now(control)};

	if (control->can_reduce)
		control->ops->load(control->source, &load);
	load.recorder_ns = control->meter.cpu_ns(control->meter.context);
	if (control->meter.once_ns)
		load.once_ns = control->meter.once_ns(control->meter.context);
	return load;
}

static u64 allowed_ns(const struct rec_budget_control *control, u64 span_ns)
{
	return (u64)((double)span_ns * control->options->cpu_budget_ppm / 1e6 * control->cpu_count);
}

/* What was spent since the last account. */
static void put_account(struct rec_budget_control *control, const struct rec_load *load)
{
	u64 span_ns = load->now_ns - control->account.now_ns;
	struct pending_row *pending;

	pending = add_row(control,
			  &(struct ev_governor){
				  .time_ns = load->now_ns,
				  .from_ns = control->account.now_ns,
				  .limit_value = allowed_ns(control, span_ns),
				  .measured_value = rec_load_spent_ns(&control->account, load),
				  .resource = RESOURCE_CPU,
				  .event_class = EV_CLASS_UNKNOWN,
			  });
	if (pending)
		(void)snprintf(pending->cause, sizeof(pending->cause), "account");
	control->account = *load;
}

/* How long less than everything was recorded. */
static void note_states(struct rec_budget_control *control, u64 now_ns)
{
	struct rec_budget_result *result = &control->result;
	u64 span_ns = now_ns > control->noted_ns ? now_ns - control->noted_ns : 0;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		result->reduced_ns[i][rec_budget_policy_state(&control->policy, i)] += span_ns;
	control->noted_ns = now_ns;
}

/* ---- Start ---- */

static void put_start(struct rec_budget_control *control, u32 event_class, u64 now_ns)
{
	struct pending_row *pending;
	char budget[REC_UNIT_TEXT_BYTES];

	if (!(control->options->classes & (1u << event_class)))
		return;
	pending = add_row(control, &(struct ev_governor){
					   .time_ns = now_ns,
					   .from_ns = now_ns - REC_NS_PER_S,
					   .limit_value = allowed_ns(control, REC_NS_PER_S),
					   .resource = RESOURCE_CPU,
					   .event_class = event_class,
					   .state = STATE_FULL,
					   .sample_hz = event_class == control->policy.rated
								? control->options->sample_hz
								: 0,
				   });
	if (!pending)
		return;
	rec_format_percent(control->options->cpu_budget_ppm, budget);
	if (control->options->cpu_budget_ppm)
		(void)snprintf(pending->cause, sizeof(pending->cause),
			       "start, budget %s of %u CPUs", budget, control->cpu_count);
	else
		(void)snprintf(pending->cause, sizeof(pending->cause), "start, no budget");
	(void)snprintf(pending->effect, sizeof(pending->effect), "everything that was asked for");
}

static void put_limit(struct rec_budget_control *control, u32 resource, u64 limit_bytes, u64 now_ns)
{
	struct pending_row *pending = add_row(control, &(struct ev_governor){
							       .time_ns = now_ns,
							       .from_ns = now_ns,
							       .limit_value = limit_bytes,
							       .resource = resource,
							       .event_class = EV_CLASS_UNKNOWN,
						       });
	if (pending)
		(void)snprintf(pending->cause, sizeof(pending->cause), "start");
}

void rec_budget_control_start(struct rec_budget_control *control, u64 floor_bytes)
{
	struct rec_decision none;

	control->started = true;
	control->begin = measure(control);
	control->account = control->begin;
	control->noted_ns = control->begin.now_ns;
	(void)rec_budget_policy_step(&control->policy, &control->begin, &none);
	if (!control->can_reduce)
		return;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		put_start(control, i, control->begin.now_ns);
	put_limit(control, RESOURCE_MEMORY, control->options->mem_budget_bytes,
		  control->begin.now_ns);
	put_limit(control, RESOURCE_DISK, floor_bytes, control->begin.now_ns);
}

/* ---- Run ---- */

static void carry_out(struct rec_budget_control *control, struct rec_decision *decision)
{
	struct rec_load load;
	bool fuller = decision->kind == REC_RECOVER || decision->kind == REC_SLICE_BEGIN;
	int rc = 0;

	if (decision->event_class < EV_CLASS_COUNT)
		rc = control->ops->reduce(control->source, decision);
	load = measure(control);
	if (rc < 0 && decision->event_class == control->policy.sliced && fuller) {
		rec_budget_policy_refused(&control->policy, decision->event_class);
		control->result.cannot_attach_again = true;
		decision->state = STATE_OFF;
	}
	rec_budget_policy_done(&control->policy, &load);
	/* Nothing is promised in between: a reduction counts from its earliest moment, its end from
	 * the latest. */
	put_decision(control, decision, fuller ? load.now_ns : decision->time_ns);
	if (decision->kind == REC_SHED || decision->kind == REC_RECOVER)
		control->result.decision_count++;
	if (decision->sample_hz && (control->result.sample_hz_min == 0 ||
				    decision->sample_hz < control->result.sample_hz_min))
		control->result.sample_hz_min = decision->sample_hz;
}

void rec_budget_control_step(struct rec_budget_control *control)
{
	struct rec_decision decision;
	struct rec_load load;

	if (!control->can_reduce || !control->started)
		return;
	load = measure(control);
	note_states(control, load.now_ns);
	if (load.now_ns < control->account.now_ns) /* went back: nothing is known in between */
		control->account = load;
	if (load.now_ns - control->account.now_ns >= ACCOUNT_NS)
		put_account(control, &load);
	if (rec_budget_policy_step(&control->policy, &load, &decision))
		carry_out(control, &decision);
}

int rec_budget_control_wait_ms(const struct rec_budget_control *control)
{
	u64 wake_ns = rec_budget_policy_wake_ns(&control->policy), now_ns;

	if (!control->started || wake_ns == 0)
		return -1;
	now_ns = now(control);
	return wake_ns > now_ns ? (int)((wake_ns - now_ns + 999999) / 1000000) : -1;
}

void rec_budget_control_end(struct rec_budget_control *control)
{
	struct rec_load load;

	if (!control->started)
		return;
	load = measure(control);
	note_states(control, load.now_ns);
	if (control->can_reduce)
		put_account(control, &load);
	control->result.cpu_budget_ppm = control->policy.options.budget_ppm;
	control->result.is_measured = control->can_reduce;
	control->result.span_ns = load.now_ns - control->begin.now_ns;
	control->result.spent_ns = rec_load_spent_ns(&control->begin, &load);
}

/* ---- Memory and disk ---- */

static struct pending_row *add_resource_row(struct rec_budget_control *control, u32 resource,
					    u64 limit_bytes, u64 measured_bytes)
{
	u64 now_ns = now(control);

	return add_row(control, &(struct ev_governor){
					.time_ns = now_ns,
					.from_ns = now_ns,
					.limit_value = limit_bytes,
					.measured_value = measured_bytes,
					.resource = resource,
					.event_class = EV_CLASS_UNKNOWN,
				});
}

void rec_budget_control_watch_memory(struct rec_budget_control *control,
				     struct rec_pipeline *pipeline)
{
	u64 budget_bytes = control->options->mem_budget_bytes, queue_bytes;
	u64 rss_bytes = budget_bytes ? control->meter.rss_bytes(control->meter.context) : 0;
	u64 now_ns;
	struct pending_row *pending;
	char rss[32], budget[32], queue[32];

	if (rss_bytes <= budget_bytes || budget_bytes == 0)
		return;
	queue_bytes = rec_pipeline_use_less(pipeline);
	(void)malloc_trim(0); /* what the C library keeps for later */
	control->result.memory_count++;
	now_ns = now(control);
	if (control->memory_ns && now_ns - control->memory_ns < MEMORY_EVERY_NS)
		return;
	control->memory_ns = now_ns;
	pending = add_resource_row(control, RESOURCE_MEMORY, budget_bytes, rss_bytes);
	if (!pending)
		return;
	(void)snprintf(
		pending->cause, sizeof(pending->cause), "the recorder uses %s of memory, budget %s",
		cap_size_text((double)rss_bytes, rss), cap_size_text((double)budget_bytes, budget));
	(void)snprintf(pending->effect, sizeof(pending->effect), "at most %s may wait for the disk",
		       cap_size_text((double)queue_bytes, queue));
}

void rec_budget_control_at_floor(struct rec_budget_control *control, u64 floor_bytes)
{
	struct pending_row *pending =
		add_resource_row(control, RESOURCE_DISK, floor_bytes, floor_bytes);
	char text[32];

	if (!pending)
		return;
	(void)snprintf(pending->cause, sizeof(pending->cause),
		       "free disk space came close to the floor of %s",
		       cap_size_text((double)floor_bytes, text));
	(void)snprintf(pending->effect, sizeof(pending->effect), "the recording ends");
}

/* ---- What became of it ---- */

void rec_budget_control_result(const struct rec_budget_control *control,
			       struct rec_budget_result *ret_result)
{
	*ret_result = control->result;
}

const char *rec_budget_control_state_text(const struct rec_budget_control *control)
{
	const char *status = "";

	/* The most drastic step in force says most. */
	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++)
		if (rec_budget_policy_state(&control->policy, step->event_class) == step->state ||
		    (step->how == REC_SHED_SLICE && control->policy.slicing))
			status = step->status;
	return status;
}
