/* Each part is what a command prints, cut to a few lines of at most 80 columns. */
#include "analyzer/commands/bundle_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "formats/base/cleanup.h"

#define COLUMNS_SHOWN 80
#define MAX_STACKS 6
#define STACK_BYTES 220 /* of a stack: its root and its innermost functions */

static const struct section {
	const char *title;
	const char *arguments[5]; /* the command, its options */
	int lines;
} sections[] = {
	{"Host, recording, first answer", {"summary"}, 24},
	{"System calls", {"syscalls", "-n", "8"}, 12},
	{"Waits", {"offcpu", "-n", "8"}, 12},
	{"Cost and loss", {"overhead", "-n", "6"}, 14},
};

const char *kymo_bundle_left(const struct kymo_bundle_capture *capture, int i,
			     char ret_text[KYMO_BUNDLE_LEFT_BYTES])
{
	if (capture->no_copies && i-- == 0)
		return "copies of stacks: they were unwound, and their frames stay";
	if (!capture->is_cut || i != 0)
		return NULL;
	(void)snprintf(ret_text, KYMO_BUNDLE_LEFT_BYTES,
		       "%" PRIu64 " events outside %.3f s to %.3f s of the capture",
		       capture->events_left, capture->from_s, capture->to_s);
	return ret_text;
}

__attribute__((format(printf, 2, 3))) static void silent(const struct kymo_run *run,
							 const char *format, ...)
{
	(void)run, (void)format;
}

/* What a command prints about the capture. A report that has nothing to say fails: then *ret_text
 * is what it says instead. */
static int run_command(const struct kymo_run *run, const char *const *arguments, int fd,
		       char **ret_text, size_t *ret_len, struct cap_err *err)
{
	struct kymo_run part = {.command = kymo_command_find(arguments[0]),
				.note = silent,
				.columns = COLUMNS_SHOWN};
	char path[32], *argv[8] = {NULL};
	struct cap_err inner = {0};
	int argc = 0, rc;

	(void)run;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	part.out = open_memstream(ret_text, ret_len);
	if (!part.out || !part.command)
		return cap_fail(err, -ENOMEM, "out of memory");
	while (arguments[argc]) {
		argv[argc] = (char *)arguments[argc]; /* getopt only moves them */
		argc++;
	}
	argv[argc++] = path;
	rc = part.command->main(&part, argc, argv, &inner);
	if (rc < 0)
		(void)fprintf(part.out, "%s\n", inner.text);
	if (fclose(part.out) != 0 || rc == -ENOMEM)
		return cap_fail(err, -ENOMEM, "out of memory");
	return 0;
}

/* The first lines, in a fence. */
static void put_lines(FILE *out, const char *text, size_t len, int lines)
{
	(void)fputs("```\n", out);
	while (len > 0 && lines-- > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) + 1 : len;

		if (strncmp(text, "next: ", 6) != 0 && strncmp(text, "path: ", 6) != 0)
			(void)fwrite(text, 1, line, out);
		text += line;
		len -= line;
	}
	(void)fputs("```\n\n", out);
}

struct folded {
	const char *text;
	size_t len;
	u64 count;
};

static int by_count(const void *left, const void *right)
{
	const struct folded *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->len < b->len ? -1 : a->len > b->len;
}

/* "name;frame;frame COUNT" of each line; malloc'd. */
static struct folded *read_folded(char *text, size_t len, size_t *ret_count, u64 *ret_sum)
{
	struct folded *stacks = NULL;
	size_t count = 0, size = 0;

	*ret_sum = 0;
	for (char *line = text, *end; line < text + len; line = end + 1) {
		char *blank;

		end = memchr(line, '\n', len - (size_t)(line - text));
		if (!end)
			break;
		*end = '\0';
		blank = strrchr(line, ' ');
		if (!blank)
			continue;
		if (count == size) {
			struct folded *bigger =
				reallocarray(stacks, size ? size * 2 : 256, sizeof(*bigger));

			if (!bigger)
				break;
			stacks = bigger;
			size = size ? size * 2 : 256;
		}
		stacks[count] = (struct folded){.text = line,
						.len = (size_t)(blank - line),
						.count = strtoull(blank + 1, NULL, 10)};
		*ret_sum += stacks[count++].count;
	}
	if (stacks)
		qsort(stacks, count, sizeof(*stacks), by_count);
	*ret_count = count;
	return stacks;
}

static int put_stacks(const struct kymo_run *run, int fd, FILE *out, struct cap_err *err)
{
	static const char *const arguments[] = {"folded", NULL};
	CLEANUP(cap_freep) char *text = NULL;
	CLEANUP(cap_freep) struct folded *stacks = NULL;
	size_t len = 0, count = 0;
	u64 sum = 0;
	int rc = run_command(run, arguments, fd, &text, &len, err);

	if (rc < 0)
		return rc;
	stacks = read_folded(text, len, &count, &sum);
	(void)fputs("## Top stacks\n\n```\n", out);
	if (sum == 0)
		(void)fputs("no CPU samples\n", out);
	for (size_t i = 0; sum > 0 && i < count && i < MAX_STACKS; i++) {
		const struct folded *stack = &stacks[i];
		size_t tail = stack->len > STACK_BYTES ? stack->len - STACK_BYTES : 0;
		size_t head = tail ? strcspn(stack->text, ";") : 0;

		(void)fprintf(out, "%5.1f %%  %.*s%s%.*s\n",
			      100.0 * (double)stack->count / (double)sum, (int)head, stack->text,
			      tail ? ";.." : "", (int)(stack->len - tail), stack->text + tail);
	}
	(void)fputs("```\n\n", out);
	return 0;
}

static void put_head(const struct kymo_bundle_capture *capture, FILE *out)
{
	char text[KYMO_BUNDLE_LEFT_BYTES];
	const char *left;

	(void)fputs("# Kymo report\n\n", out);
	if (capture->has_manifest)
		(void)fprintf(out,
			      "Redacted, level %s: names like proc-3 stand for private ones.\n",
			      kymo_redact_level_name(capture->manifest.level));
	else
		(void)fputs("Not redacted.\n", out);
	for (int i = 0; (left = kymo_bundle_left(capture, i, text)) != NULL; i++)
		(void)fprintf(out, "Left out to save space: %s.\n", left);
	(void)fputs("\n", out);
}

int kymo_bundle_report(const struct kymo_run *run, const struct kymo_bundle_capture *capture,
		       char **ret_text, size_t *ret_len, struct cap_err *err)
{
	FILE *out = open_memstream(ret_text, ret_len);
	int rc = 0;

	if (!out)
		return cap_fail(err, -ENOMEM, "out of memory");
	put_head(capture, out);
	for (size_t i = 0; rc == 0 && i < sizeof(sections) / sizeof(sections[0]); i++) {
		CLEANUP(cap_freep) char *text = NULL;
		size_t len = 0;

		rc = run_command(run, sections[i].arguments, capture->fd, &text, &len, err);
		if (rc < 0)
			break;
		(void)fprintf(out, "## %s\n\n", sections[i].title);
		put_lines(out, text, len, sections[i].lines);
		if (i == 0)
			rc = put_stacks(run, capture->fd, out, err);
	}
	if (fclose(out) != 0 && rc == 0)
		rc = cap_fail(err, -ENOMEM, "out of memory");
	return rc;
}
