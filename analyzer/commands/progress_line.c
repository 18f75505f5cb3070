/* Written to stderr, which the caller has found to be a terminal. */
#include "analyzer/commands/progress_line.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/output/safe_text.h"
#include "formats/base/size_text.h"

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
	*line = (struct kymo_progress_line){.path = path, .shown = shown};
	(void)snprintf(line->what, sizeof(line->what), "%s", what);
	line->start_ns = now_ns();
	line->last_ns = line->start_ns + FIRST_NS - PERIOD_NS;
}

bool kymo_progress_due(const struct kymo_progress_line *line)
{
	return line->shown && now_ns() >= line->last_ns + PERIOD_NS;
}

double kymo_progress_seconds(const struct kymo_progress_line *line)
{
	return (double)(now_ns() - line->start_ns) / 1e9;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The end of a path says more than its beginning: that is cut off until the rest fits. */
static void print_path(const char *path, size_t columns)
{
	size_t len = strlen(path);
	bool cut = kymo_safe_width(path, len) > columns;

	while (len > 0 && kymo_safe_width(path, len) + (cut ? 3 : 0) > columns) {
		path++;
		len--;
	}
	if (cut)
		(void)fputs("...", stderr);
	kymo_print_safe(stderr, path, len);
}

void kymo_progress_show(struct kymo_progress_line *line, double fraction, const char *speed)
{
	size_t columns = terminal_columns(), used;
	char rest[96], eta[32] = "";

	if (fraction > 0.02)
		(void)snprintf(eta, sizeof(eta), "  ETA %.0f s",
			       kymo_progress_seconds(line) * (1 - fraction) / fraction);
	(void)snprintf(rest, sizeof(rest), "  %3.0f %%  %s%s", 100 * fraction, speed, eta);
	(void)fprintf(stderr, "\r\033[K%s ", line->what);
	/* a line that reaches the last column would wrap, and stay */
	used = strlen(line->what) + 1 + strlen(rest) + 1;
	if (columns > used + 4)
		print_path(line->path, columns - used);
	(void)fputs(rest, stderr);
	(void)fflush(stderr);
	line->last_ns = now_ns();
	line->wrote = true;
}

void kymo_progress_bytes(struct kymo_progress_line *line, u64 done_bytes, u64 total_bytes)
{
	char size[CAP_SIZE_TEXT_BYTES], speed[CAP_SIZE_TEXT_BYTES + 2];

	if (!kymo_progress_due(line))
		return;
	(void)snprintf(speed, sizeof(speed), "%s/s",
		       cap_size_text((double)done_bytes / kymo_progress_seconds(line), size));
	kymo_progress_show(line, total_bytes ? (double)done_bytes / (double)total_bytes : 1, speed);
}

void kymo_progress_end(struct kymo_progress_line *line)
{
	if (line->wrote)
		(void)fputs("\r\033[K", stderr);
	line->wrote = false;
}
