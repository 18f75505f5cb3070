/* Status line: one line ended by a carriage return, and cleared before any message. */
#include "recorder/session/status_line.h"

#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "formats/base/size_text.h"
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

size_t rec_status_fit(const struct rec_status_part *parts, size_t count, size_t columns,
		      char *ret_text, size_t text_bytes)
{
	unsigned int shown_rank = UINT_MAX;
	size_t len, used = 0;

	do { /* what matters least goes first */
		unsigned int highest = 0;

		len = 0;
		for (size_t i = 0; i < count; i++) {
			if (!parts[i].text[0] || parts[i].rank >= shown_rank)
				continue;
			len += strlen(parts[i].text) + (len ? 2 : 0);
			highest = parts[i].rank > highest ? parts[i].rank : highest;
		}
		if (len <= columns || highest == 0)
			break;
		shown_rank = highest;
	} while (true);
	ret_text[0] = '\0';
	for (size_t i = 0; i < count && used < text_bytes; i++)
		if (parts[i].text[0] && parts[i].rank < shown_rank)
			used += (size_t)snprintf(ret_text + used, text_bytes - used, "%s%s",
						 used ? "  " : "", parts[i].text);
	used = strlen(ret_text);
	if (used > columns)
		ret_text[used = columns] = '\0';
	return used;
}

static size_t columns_of(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void rec_status_show(struct rec_status *status, u64 now_ns,
		     const struct rec_pipeline_counts *counts, const char *thinned)
{
	double seconds = (double)(now_ns - status->begin_ns) / 1e9;
	double since = (double)(now_ns - status->shown_ns) / 1e9;
	u64 added = counts->stored_count - status->shown_count;
	double cpu_percent = (double)(own_cpu_ns() - status->begin_cpu_ns) / 1e7 / seconds /
			     (status->cpu_count ? status->cpu_count : 1);
	char time[48], events[48], rate[48], size[CAP_SIZE_TEXT_BYTES], lost[48], cpu[32],
		counted[48] = "", number[32], line[256];
	const struct rec_status_part parts[] = {
		{time, 0},    {events, 2}, {rate, 6}, {size, 3},
		{counted, 5}, {lost, 1},   {cpu, 7},  {thinned, 4},
	};

	if (counts->stored_count < status->shown_count) /* a chunk was dropped since */
		added = 0;
	if (status->duration_ns)
		(void)snprintf(time, sizeof(time), "%.1f/%.0f s", seconds,
			       (double)status->duration_ns / 1e9);
	else
		(void)snprintf(time, sizeof(time), "%.1f s", seconds);
	(void)snprintf(events, sizeof(events), "%s events",
		       rec_count_text(counts->stored_count, number, sizeof(number)));
	(void)snprintf(rate, sizeof(rate), "%s/s",
		       rec_count_text((u64)((double)added / since), number, sizeof(number)));
	(void)cap_size_text((double)counts->written_bytes, size);
	if (counts->counted_count)
		(void)snprintf(counted, sizeof(counted), "counted only %s",
			       rec_count_text(counts->counted_count, number, sizeof(number)));
	(void)snprintf(lost, sizeof(lost), "lost %s",
		       rec_count_text(counts->lost_count, number, sizeof(number)));
	(void)snprintf(cpu, sizeof(cpu), "own CPU %.2f %%", cpu_percent);
	/* a line that reaches the last column would wrap, and stay */
	(void)rec_status_fit(parts, sizeof(parts) / sizeof(parts[0]), columns_of(status->out) - 1,
			     line, sizeof(line));
	(void)fprintf(status->out, "\r\033[K%s", line);
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
