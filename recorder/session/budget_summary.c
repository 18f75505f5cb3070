/* The budgets' part of the summary: what was left out, for how long, and how to have all of it. */
#include "recorder/session/budget_summary.h"

#include <inttypes.h>

#include "recorder/base/units.h"

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

static bool is_reduced(const struct rec_budget_result *budget)
{
	return budget->syscalls_counts_ns || budget->syscalls_off_ns ||
	       budget->samples_reduced_ns || budget->samples_off_ns;
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

	if (budget->syscalls_counts_ns)
		(void)fprintf(out, "%ssystem calls only counted for %.1f s", next(&separator),
			      seconds(budget->syscalls_counts_ns));
	if (budget->syscalls_off_ns)
		(void)fprintf(out, "%ssystem calls not seen for %.1f s%s", next(&separator),
			      seconds(budget->syscalls_off_ns),
			      budget->cannot_attach_again
				      ? ", as this kernel refuses to attach their probes again"
				      : "");
	if (budget->samples_reduced_ns)
		(void)fprintf(out, "%sfewer samples, down to %u Hz, for %.1f s", next(&separator),
			      budget->sample_hz_min, seconds(budget->samples_reduced_ns));
	if (budget->samples_off_ns)
		(void)fprintf(out, "%sno samples for %.1f s", next(&separator),
			      seconds(budget->samples_off_ns));
}

void rec_budget_text(FILE *out, const struct rec_options *options, const struct rec_result *result)
{
	const struct rec_budget_result *budget = &result->budget;
	char share[REC_UNIT_TEXT_BYTES], size[REC_UNIT_TEXT_BYTES];

	if (budget->cpu_budget_ppm) {
		rec_format_percent(budget->cpu_budget_ppm, share);
		(void)fprintf(out,
			      "kymo-record: it cost %.2f %% of the host's CPU (recorder and its "
			      "programs), budget %s\n",
			      spent_percent(budget, result->cpu_count), share);
	}
	if (is_reduced(budget)) {
		(void)fprintf(out, "kymo-record: less than all was recorded, to keep the budget");
		print_reduced(out, budget);
		(void)fputs("; --cpu-budget none records everything\n", out);
	}
	if (budget->memory_count) {
		rec_format_size(options->mem_budget_bytes, size);
		(void)fprintf(out,
			      "kymo-record: memory was above its budget of %s %u times, looking "
			      "each second; see --mem-budget\n",
			      size, budget->memory_count);
	}
}

void rec_budget_json(FILE *out, const struct rec_result *result)
{
	const struct rec_budget_result *budget = &result->budget;

	(void)fprintf(out,
		      ",\"budget\":{\"cpu_ppm\":%u,\"spent_cpu_ns\":%" PRIu64
		      ",\"spent_percent\":%.3f,\"decisions\":%u,\"syscalls_counts_ns\":%" PRIu64
		      ",\"syscalls_off_ns\":%" PRIu64 ",\"samples_reduced_ns\":%" PRIu64
		      ",\"samples_off_ns\":%" PRIu64 ",\"over_memory\":%u}",
		      budget->cpu_budget_ppm, budget->spent_ns,
		      spent_percent(budget, result->cpu_count), budget->decision_count,
		      budget->syscalls_counts_ns, budget->syscalls_off_ns,
		      budget->samples_reduced_ns, budget->samples_off_ns, budget->memory_count);
}
