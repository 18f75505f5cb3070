/* The same sentences as those that stand above reports: coverage_line.h, reduced_note.h. */
#include "analyzer/exports/export_facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/output/safe_text.h"
#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/reduced_note.h"
#include "formats/base/cleanup.h"

__attribute__((format(printf, 2, 3))) static void add_line(struct kymo_export_facts *facts,
							   const char *format, ...)
{
	va_list arguments;

	if (facts->line_count == KYMO_FACT_LINES)
		return;
	va_start(arguments, format);
	(void)vsnprintf(facts->lines[facts->line_count++], KYMO_FACT_BYTES, format, arguments);
	va_end(arguments);
}

/* Untrusted text of a column, as safe as any output. */
static void copy_safe(struct kymo_query *query, int column, char *ret_text, size_t size)
{
	size_t len = 0, used = 0;
	const char *text = kymo_query_text(query, column, &len);

	for (size_t at = 0; text && at < len;) {
		struct kymo_visible visible = kymo_visible_next(text + at, len - at);

		if (used + visible.len >= size)
			break;
		memcpy(ret_text + used, visible.text, visible.len);
		used += visible.len;
		at += visible.consumed;
	}
	ret_text[used] = '\0';
}

enum { PATH, HOST, KERNEL, START, REALTIME, END, CPUS, REALTIME_TEXT, TOOL, HZ, COUNT };

static int read_capture(struct kymo_db *db, const struct kymo_filter *filter,
			struct kymo_export_facts *facts, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char path[256], when[64], tool[64];
	const char *slash;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT i.path, i.host, i.kernel, i.start_ns, c.start_realtime_ns, i.end_ns,"
		" i.cpu_count, substr(i.start_realtime, 1, 19) || 'Z', i.tool_version,"
		" (SELECT sample_hz FROM sampling s WHERE s.capture_id = c.id), count(*) OVER ()"
		" FROM capture_info i JOIN capture c ON c.id = i.capture_id"
		" WHERE :capture = 0 OR c.id = :capture ORDER BY c.id",
		&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, query);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	copy_safe(query, PATH, path, sizeof(path));
	copy_safe(query, HOST, facts->host, sizeof(facts->host));
	copy_safe(query, KERNEL, facts->kernel, sizeof(facts->kernel));
	copy_safe(query, REALTIME_TEXT, when, sizeof(when));
	copy_safe(query, TOOL, tool, sizeof(tool));
	slash = strrchr(path, '/');
	(void)snprintf(facts->name, sizeof(facts->name), "%s", slash ? slash + 1 : path);
	facts->start_ns = kymo_query_int(query, START);
	facts->start_realtime_ns = kymo_query_int(query, REALTIME);
	facts->end_ns = kymo_query_int(query, END);
	facts->cpu_count = kymo_query_int(query, CPUS);
	facts->sample_hz = kymo_query_int(query, HZ);
	facts->capture_count = kymo_query_int(query, COUNT);
	add_line(facts, "kymo export of %.80s: host %.80s, kernel %.80s, recorded %.40s for %.2f s",
		 facts->name, facts->host, facts->kernel, when,
		 (double)(facts->end_ns - facts->start_ns) / 1e9);
	return 0;
}

static void add_reduced(void *context, const char *path, const char *text)
{
	(void)path;
	add_line(context, "%s", text);
}

static void add_filter(struct kymo_export_facts *facts, const struct kymo_filter *filter)
{
	char comm[128];
	const double base = (double)facts->start_ns;

	if (filter->has_from || filter->has_to)
		add_line(facts, "only from second %.3f to %.3f of it",
			 filter->has_from ? ((double)filter->from_ns - base) / 1e9 : 0.0,
			 (filter->has_to ? (double)filter->to_ns - base
					 : (double)(facts->end_ns - facts->start_ns)) /
				 1e9);
	if (filter->pid >= 0)
		add_line(facts, "only process %lld", (long long)filter->pid);
	if (filter->comm)
		add_line(facts, "only threads named %s",
			 cap_escape_text(CAP_ESCAPE_ASCII, filter->comm, strlen(filter->comm), comm,
					 sizeof(comm)));
}

int kymo_export_facts_read(struct kymo_db *db, const struct kymo_filter *filter, unsigned classes,
			   struct kymo_export_facts *ret_facts, struct cap_err *err)
{
	const struct kymo_about about = {.classes = (int)classes};
	const struct kymo_coverage_style style = {.always = true};
	char coverage[KYMO_COVERAGE_BYTES];
	int rc;

	*ret_facts = (struct kymo_export_facts){0};
	rc = read_capture(db, filter, ret_facts, err);
	if (rc == 0)
		rc = kymo_coverage_line(db, filter, &about, &style, coverage, err);
	if (rc < 0)
		return rc;
	if (coverage[0])
		add_line(ret_facts, "%s", coverage);
	add_filter(ret_facts, filter);
	rc = kymo_reduced_each(db, filter, (int)classes, add_reduced, ret_facts, err);
	return rc < 0 ? rc : 0;
}
