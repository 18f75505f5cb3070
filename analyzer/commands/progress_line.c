/* Written to stderr, which the caller has found to be a terminal. */
#include "analyzer/commands/progress_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analyzer/output/safe_text.h"

#define FIRST_NS 500000000u
#define PERIOD_NS 200000000u

static u64 now_ns(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* it cannot fail for this clock */
	return (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
}

void kymo_progress_begin(struct kymo_progress_line *line, const char *what, const char *path,
			 bool shown)
{
	*line = (struct kymo_progress_line){.what = what, .path = path, .shown = shown};
	if (!shown)
		return;
	line->start_ns = now_ns();
	line->last_ns = line->start_ns + FIRST_NS - PERIOD_NS;
}

void kymo_progress_show(struct kymo_progress_line *line, u64 done_bytes, u64 total_bytes)
{
	double fraction = total_bytes ? (double)done_bytes / (double)total_bytes : 1;
	double elapsed_s;
	u64 now;

	if (!line->shown)
		return;
	now = now_ns();
	if (now < line->last_ns + PERIOD_NS)
		return;
	line->last_ns = now;
	line->wrote = true;
	elapsed_s = (double)(now - line->start_ns) / 1e9;
	(void)fprintf(stderr, "\r\033[K%s ", line->what);
	kymo_print_safe(stderr, line->path, strlen(line->path));
	(void)fprintf(stderr, "  %3.0f %%  %.0f MB/s", 100 * fraction,
		      (double)done_bytes / elapsed_s / 1e6);
	if (fraction > 0.02)
		(void)fprintf(stderr, "  ETA %.0f s", elapsed_s * (1 - fraction) / fraction);
	(void)fflush(stderr);
}

void kymo_progress_end(struct kymo_progress_line *line)
{
	if (line->wrote)
		(void)fputs("\r\033[K", stderr);
	line->wrote = false;
}
