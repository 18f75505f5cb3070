/* Status line: one carriage-returned line; a message that follows finds the line cleared. */
#include "recorder/session/status_line.h"

#include <time.h>
#include <unistd.h>

#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "recorder/base/quantity_text.h"

#define EVERY_NS 200000000ull

static u64 own_cpu_ns(void)
{
	struct rec_own_cost cost;

	rec_own_cost_read(&cost);
	return cost.cpu_user_ns + cost.cpu_system_ns;
}

void rec_status_open(struct rec_status *status, FILE *out, u64 duration_ns, u32 cpu_count)
{
	*status = (struct rec_status){.duration_ns = duration_ns, .cpu_count = cpu_count};
	if (!out || !isatty(fileno(out)))
		return;
	status->out = out;
	status->begin_ns = rec_monotonic_ns();
	status->shown_ns = status->begin_ns;
	status->begin_cpu_ns = own_cpu_ns();
}

bool rec_status_due(const struct rec_status *status, u64 now_ns)
{
	return status->out && now_ns - status->shown_ns >= EVERY_NS;
}

void rec_status_show(struct rec_status *status, u64 now_ns,
		     const struct rec_pipeline_counts *counts, const char *thinned)
{
	double seconds = (double)(now_ns - status->begin_ns) / 1e9;
	double since = (double)(now_ns - status->shown_ns) / 1e9;
	u64 added = counts->stored_count - status->shown_count;
	double cpu_percent = (double)(own_cpu_ns() - status->begin_cpu_ns) / 1e7 / seconds /
			     (status->cpu_count ? status->cpu_count : 1);
	char events[32], rate[32], bytes[32], lost[32], total[32] = "", counted[48] = "";

	if (counts->stored_count < status->shown_count) /* a chunk was dropped since */
		added = 0;
	if (status->duration_ns)
		(void)snprintf(total, sizeof(total), "/%.0f", (double)status->duration_ns / 1e9);
	if (counts->counted_count)
		(void)snprintf(counted, sizeof(counted), "  counted only %s",
			       rec_count_text(counts->counted_count, lost, sizeof(lost)));
	(void)fprintf(status->out,
		      "\r\033[K%.1f%s s  %s events  %s/s  %s%s  lost %s  own CPU %.2f %%%s%s",
		      seconds, total, rec_count_text(counts->stored_count, events, sizeof(events)),
		      rec_count_text((u64)((double)added / since), rate, sizeof(rate)),
		      rec_bytes_text(counts->written_bytes, bytes, sizeof(bytes)), counted,
		      rec_count_text(counts->lost_count, lost, sizeof(lost)), cpu_percent,
		      thinned[0] ? "  " : "", thinned);
	(void)fflush(status->out);
	status->shown_ns = now_ns;
	status->shown_count = counts->stored_count;
	status->visible = true;
}

void rec_status_clear(struct rec_status *status)
{
	if (!status->out || !status->visible)
		return;
	(void)fputs("\r\033[K", status->out);
	(void)fflush(status->out);
	status->visible = false;
}
