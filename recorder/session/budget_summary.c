/* The budgets' part of the summary: what was left out, for how long, and how to record everything.
 */
#include "recorder/session/budget_summary.h"

#include <inttypes.h>

#include "formats/table/schema.h"
#include "recorder/base/units.h"
#include "recorder/budget/budget_policy.h"

static double seconds(u64 ns)
{
	return (double)ns / 1e9;
}

static double spent_percent(const struct rec_budget_result *budget, u32 cpu_count)
{
	return budget->span_ns ? 100.0 * (double)budget->spent_ns / (double)budget->span_ns /
					 (cpu_count ? cpu_count : 1)
			       : 0;
}

static u64 reduced_ns(const struct rec_budget_result *budget, const struct rec_shed_step *step)
{
	return budget->reduced_ns[step->event_class][step->state];
}

static bool is_reduced(const struct rec_budget_result *budget)
{
	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++)
		if (reduced_ns(budget, step))
			return true;
	return false;
}

/* "; " between parts. */
static const char *next(const char **separator)
{
	const char *now = *separator;

	*separator = "; ";
	return now;
}

static void print_reduced(FILE *out, const struct rec_budget_result *budget)
{
	const char *separator = ": ";

	for (const struct rec_shed_step *step = rec_shed_steps;
	     step->event_class != EV_CLASS_UNKNOWN; step++) {
		if (!reduced_ns(budget, step))
			continue;
		(void)fprintf(out, "%s%s", next(&separator), step->said);
		if (step->how == REC_SHED_HALVE)
			(void)fprintf(out, ", down to %u Hz,", budget->sample_hz_min);
		(void)fprintf(out, " for %.1f s", seconds(reduced_ns(budget, step)));
		if (step->how == REC_SHED_SLICE && budget->cannot_attach_again)
			(void)fputs(", as this kernel refuses to attach their probes again", out);
	}
}

void rec_budget_text(FILE *out, const struct rec_options *options, const struct rec_result *result)
{
	const struct rec_budget_result *budget = &result->budget;
	char share[REC_UNIT_TEXT_BYTES], size[REC_UNIT_TEXT_BYTES];

	if (budget->is_measured) {
		rec_format_percent(budget->cpu_budget_ppm, share);
		(void)fprintf(out,
			      "kymo-record: recording cost %.2f %% of the host's CPU (recorder and "
			      "BPF programs), %s%s\n",
			      spent_percent(budget, result->cpu_count),
			      budget->cpu_budget_ppm ? "budget " : "no budget",
			      budget->cpu_budget_ppm ? share : "");
	}
	if (is_reduced(budget)) {
		(void)fprintf(out, "kymo-record: recorded less to stay within the budget");
		print_reduced(out, budget);
		(void)fputs("; --cpu-budget none records everything\n", out);
	}
	if (budget->memory_count) {
		rec_format_size(options->mem_budget_bytes, size);
		(void)fprintf(out,
			      "kymo-record: memory was above its budget of %s in %u checks, one "
			      "per second; see --mem-budget\n",
			      size, budget->memory_count);
	}
}

void rec_budget_json(FILE *out, const struct rec_result *result)
{
	const struct rec_budget_result *budget = &result->budget;

	(void)fprintf(out,
		      ",\"budget\":{\"cpu_ppm\":%u,\"spent_cpu_ns\":%" PRIu64
		      ",\"spent_percent\":%.3f,\"decisions\":%u",
		      budget->cpu_budget_ppm, budget->spent_ns,
		      spent_percent(budget, result->cpu_count), budget->decision_count);
	for (const struct rec_governed *row = rec_governed; row->event_class != EV_CLASS_UNKNOWN;
	     row++)
		for (const struct rec_shed_step *step = rec_shed_steps;
		     step->event_class != EV_CLASS_UNKNOWN; step++)
			if (step->event_class == row->event_class)
				(void)fprintf(out, ",\"%s_%s_ns\":%" PRIu64, row->noun,
					      cap_schema_enum_name(cap_schema_builtin(),
								   CAP_KIND_STATE, step->state),
					      reduced_ns(budget, step));
	(void)fprintf(out, ",\"over_memory\":%u}", budget->memory_count);
}
