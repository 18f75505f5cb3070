/* The first screen. Parts without rows are left out with their heading; names that are too long for
 * their column end in "..". */
#include "analyzer/reports/summary_report.h"

#include <stdarg.h>
#include <string.h>

#include "analyzer/output/safe_text.h"
#include "analyzer/output/value_format.h"
#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/summary_parts.h"
#include "formats/base/cleanup.h"

#define LINE_COLUMNS 80
#define HOST_COLUMNS 8 /* at least */
#define NUMBER_COLUMNS 10
#define NAME_COLUMNS 22
#define KIND_COLUMNS 7
#define CALL_COLUMNS (LINE_COLUMNS - 2 * NUMBER_COLUMNS - NAME_COLUMNS - KIND_COLUMNS - 8)
#define FUNCTION_COLUMNS (LINE_COLUMNS - 2 * NUMBER_COLUMNS - NAME_COLUMNS - 6)
#define FILE_MIN_COLUMNS 5 /* less of a file's name tells nothing */
#define LINE_BYTES 512

static void put_blanks(FILE *out, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		(void)fputc(' ', out);
}

/* A cell of text and the gap behind it. */
static void put_cell(FILE *out, const char *text, size_t len, size_t columns)
{
	put_blanks(out, columns + 2 - kymo_print_fitting(out, text, len, columns));
}

static void put_column(FILE *out, struct kymo_query *row, int column, size_t columns)
{
	size_t len = 0;
	const char *text = kymo_query_text(row, column, &len);

	put_cell(out, text ? text : "-", text ? len : 1, columns);
}

/* The last cell of a line. */
static void end_column(FILE *out, struct kymo_query *row, int column, size_t columns)
{
	size_t len = 0;
	const char *text = kymo_query_text(row, column, &len);

	(void)kymo_print_fitting(out, text ? text : "-", text ? len : 1, columns);
	(void)fputc('\n', out);
}

/* The last cell of a line: a call, and the file or peer that it was about, of which the end tells
 * most; and that there are others. */
static void end_call(FILE *out, struct kymo_query *row, int call_column, int file_column, s64 files)
{
	size_t len = 0, file_len = 0, used;
	const char *call = kymo_query_text(row, call_column, &len);
	const char *file = kymo_query_text(row, file_column, &file_len);
	char others[24] = "";

	used = kymo_print_fitting(out, call ? call : "-", call ? len : 1, CALL_COLUMNS);
	if (files > 1)
		(void)snprintf(others, sizeof(others), " +%lld", (long long)files - 1);
	if (file && used + strlen(others) + FILE_MIN_COLUMNS < CALL_COLUMNS) {
		(void)fputc(' ', out);
		(void)kymo_print_end(out, file, file_len, CALL_COLUMNS - used - 1 - strlen(others));
		(void)fputs(others, out);
	}
	(void)fputc('\n', out);
}

/* A number to the right of its cell. */
static void put_number(FILE *out, struct kymo_query *row, int column, enum kymo_show show,
		       const char *mark)
{
	struct kymo_value value = kymo_query_value(row, column);
	char number[KYMO_NUMBER_BYTES], cell[KYMO_NUMBER_BYTES + 8];

	kymo_format_shown(&value, show, number);
	if (strlen(mark) + strlen(number) > NUMBER_COLUMNS) /* of a capture that lies */
		(void)snprintf(number, sizeof(number), "%.0e",
			       value.type == KYMO_REAL ? value.real : (double)value.integer);
	(void)snprintf(cell, sizeof(cell), "%s%s", mark, number);
	(void)fprintf(out, "%*s  ", NUMBER_COLUMNS, cell);
}

/* "nginx (4)": a name, and of how many processes it is. */
static void put_name(FILE *out, struct kymo_query *row, int name_column, s64 processes)
{
	char count[24] = "";
	size_t len = 0, used;
	const char *name = kymo_query_text(row, name_column, &len);

	if (processes > 1)
		(void)snprintf(count, sizeof(count), " (%lld)", (long long)processes);
	used = kymo_print_fitting(out, name ? name : "-", name ? len : 1,
				  NAME_COLUMNS - strlen(count));
	(void)fputs(count, out);
	put_blanks(out, NAME_COLUMNS + 2 - used - strlen(count));
}

/* -------- the head -------- */

static int write_head(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
		      struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	char duration[KYMO_NUMBER_BYTES], text[LINE_BYTES];
	const char *host, *kernel, *start;
	struct kymo_value ns;
	long long cpus;
	size_t rest;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_CAPTURE, &row, err);

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0)
		return rc;
	host = kymo_query_text(row, CAPTURE_HOST, NULL);
	kernel = kymo_query_text(row, CAPTURE_KERNEL, NULL);
	start = kymo_query_text(row, CAPTURE_START, NULL); /* 2026-11-30T21:16:36.123456789Z */
	ns = kymo_query_value(row, CAPTURE_DURATION);
	kymo_format_shown(&ns, KYMO_SHOW_NS, duration);
	cpus = kymo_query_int(row, CAPTURE_CPUS);
	(void)snprintf(text, sizeof(text), ", Linux %.24s, %lld CPU%s, %.10s %.8s UTC, %s",
		       kernel ? kernel : "-", cpus, cpus == 1 ? "" : "s", start ? start : "-",
		       start && strlen(start) > 11 ? start + 11 : "-", duration);
	/* a long name of the host cuts only itself */
	rest = kymo_safe_width(text, strlen(text));
	rest = rest < LINE_COLUMNS - HOST_COLUMNS ? rest : LINE_COLUMNS - HOST_COLUMNS;
	(void)kymo_print_fitting(out, host ? host : "-", host ? strlen(host) : 1,
				 LINE_COLUMNS - rest);
	(void)kymo_print_fitting(out, text, strlen(text), rest);
	(void)fputc('\n', out);
	return 0;
}

__attribute__((format(printf, 2, 3))) static void append(char text[LINE_BYTES], const char *format,
							 ...)
{
	size_t len = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + len, LINE_BYTES - len, format, arguments);
	va_end(arguments);
}

static int write_coverage(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
			  struct cap_err *err)
{
	const struct kymo_about about = {.classes = KYMO_ABOUT_ALL};
	const struct kymo_coverage_style style = {.columns = LINE_COLUMNS, .always = true};
	char text[KYMO_COVERAGE_BYTES];
	int rc = kymo_coverage_line(db, filter, &about, &style, text, err);

	if (rc == 0)
		(void)fprintf(out, "%.80s\n", text);
	return rc;
}

static int write_cost(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
		      struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_COST, &row, err);
	double cpu, budget;

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0 || kymo_query_is_null(row, COST_CPU))
		return rc < 0 ? rc : 0;
	cpu = kymo_query_real(row, COST_CPU);
	budget = kymo_query_real(row, COST_BUDGET);
	(void)fprintf(out, "recording cost %.2f %% of the host", cpu);
	if (kymo_query_is_null(row, COST_BUDGET))
		(void)fputs(", without a budget\n", out);
	else
		(void)fprintf(out, ", %s %.4g %%\n", cpu > budget ? "over its budget of" : "budget",
			      budget);
	return 0;
}

/* -------- tables -------- */

static int write_cpu(struct kymo_db *db, const struct kymo_filter *filter, FILE *out, s64 *ret_rows,
		     struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_CPU, &row, err);

	while (rc == 0 && (rc = kymo_query_step(row, err)) == 1) {
		rc = 0;
		if ((*ret_rows)++ == 0)
			(void)fprintf(out, "%*s  %-*s  %*s  %s\n", NUMBER_COLUMNS, "CPU TIME",
				      NAME_COLUMNS, "PROCESS", NUMBER_COLUMNS, "CPU TIME",
				      "TOP FUNCTION");
		put_number(out, row, CPU_SHARE, KYMO_SHOW_PERCENT, "");
		put_name(out, row, CPU_NAME, kymo_query_int(row, CPU_PROCESSES));
		put_number(out, row, CPU_FUNCTION_SHARE, KYMO_SHOW_PERCENT, "");
		end_column(out, row, CPU_FUNCTION, FUNCTION_COLUMNS);
	}
	return rc;
}

static int write_waits(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
		       s64 *ret_rows, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_WAITS, &row, err);

	while (rc == 0 && (rc = kymo_query_step(row, err)) == 1) {
		rc = 0;
		if ((*ret_rows)++ == 0)
			(void)fprintf(out, "%*s  %-*s  %*s  %-*s  %s\n", NUMBER_COLUMNS, "WAITED",
				      NAME_COLUMNS, "PROCESS", NUMBER_COLUMNS, "LONGEST",
				      KIND_COLUMNS, "KIND", "IN CALL");
		put_number(out, row, WAITS_TOTAL, KYMO_SHOW_NS, "");
		put_name(out, row, WAITS_NAME, kymo_query_int(row, WAITS_PROCESSES));
		put_number(out, row, WAITS_LONGEST, KYMO_SHOW_NS,
			   kymo_query_int(row, WAITS_BOUND) ? "<" : "");
		put_column(out, row, WAITS_KIND, KIND_COLUMNS);
		end_call(out, row, WAITS_CALL, WAITS_FILE_SHORT, kymo_query_int(row, WAITS_FILES));
	}
	return rc;
}

static int write_slowest(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
			 struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_SLOWEST, &row, err);
	const char *label = "SLOWEST";

	while (rc == 0 && (rc = kymo_query_step(row, err)) == 1) {
		rc = 0;
		(void)fprintf(out, "%*s  ", NUMBER_COLUMNS, label);
		label = "";
		put_name(out, row, SLOWEST_NAME, 1);
		put_number(out, row, SLOWEST_DURATION, KYMO_SHOW_NS, "");
		put_column(out, row,
			   kymo_query_is_null(row, SLOWEST_WAIT_KIND) ? SLOWEST_KIND
								      : SLOWEST_WAIT_KIND,
			   KIND_COLUMNS);
		end_call(out, row, SLOWEST_CALL, SLOWEST_FILE_SHORT, 1);
	}
	return rc;
}

static int write_in_flight(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
			   struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_IN_FLIGHT, &row, err);
	char text[LINE_BYTES] = "", longest[KYMO_NUMBER_BYTES];
	struct kymo_value ns;
	s64 all, for_work;

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0)
		return rc;
	all = kymo_query_int(row, FLIGHT_ALL);
	for_work = kymo_query_int(row, FLIGHT_ALL_FOR_WORK);
	append(text, "in flight: %lld call%s", (long long)all, all == 1 ? "" : "s");
	if (for_work > 0)
		append(text, " (%lld waiting for work)", (long long)for_work);
	if (!kymo_query_int(row, FLIGHT_FOR_WORK)) {
		const char *name = kymo_query_text(row, FLIGHT_NAME, NULL);
		const char *call = kymo_query_text(row, FLIGHT_CALL, NULL);
		const char *file = kymo_query_text(row, FLIGHT_FILE_SHORT, NULL);

		ns = kymo_query_value(row, FLIGHT_LONGEST);
		kymo_format_shown(&ns, KYMO_SHOW_NS, longest);
		append(text, "; %s in %.20s of %.40s", longest, call ? call : "-",
		       name ? name : "-");
		if (file)
			append(text, ": %.200s", file);
	}
	(void)kymo_print_fitting(out, text, strlen(text), LINE_COLUMNS);
	(void)fputc('\n', out);
	return 0;
}

/* One line, where there were connections. */
static int write_net(struct kymo_db *db, const struct kymo_filter *filter, FILE *out, bool *ret_any,
		     struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_NET, &row, err);
	char cells[NET_CONNECTIONS][KYMO_NUMBER_BYTES], text[LINE_BYTES] = "";

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0 || kymo_query_int(row, NET_CONNECTIONS) == 0)
		return rc < 0 ? rc : 0;
	*ret_any = true;
	for (int i = 0; i < NET_CONNECTIONS; i++) {
		struct kymo_value value = kymo_query_value(row, i);

		kymo_format_shown(&value,
				  i == NET_SENT || i == NET_RECEIVED ? KYMO_SHOW_BYTES
								     : KYMO_SHOW_COUNT,
				  cells[i]);
	}
	append(text, "TCP: %s opened, %s accepted; %s sent, %s received", cells[NET_OPENED],
	       cells[NET_ACCEPTED], cells[NET_SENT], cells[NET_RECEIVED]);
	if (kymo_query_int(row, NET_FAILED) > 0)
		append(text, "; %s failed", cells[NET_FAILED]);
	if (kymo_query_int(row, NET_RETRANS) > 0)
		append(text, "; %s resent", cells[NET_RETRANS]);
	(void)kymo_print_fitting(out, text, strlen(text), LINE_COLUMNS);
	(void)fputc('\n', out);
	return 0;
}

/* The next column as people read it. */
static void append_number(char text[LINE_BYTES], struct kymo_query *row, int column,
			  enum kymo_show show)
{
	struct kymo_value value = kymo_query_value(row, column);
	char number[KYMO_NUMBER_BYTES];

	kymo_format_shown(&value, show, number);
	append(text, "%s", number);
}

static int write_disks(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
		       bool *ret_any, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_DISKS, &row, err);
	char text[LINE_BYTES] = "disks: ";

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0 || kymo_query_int(row, DISKS_REQUESTS) == 0)
		return rc < 0 ? rc : 0;
	*ret_any = true;
	append_number(text, row, DISKS_REQUESTS, KYMO_SHOW_COUNT);
	append(text, " requests, ");
	append_number(text, row, DISKS_READ, KYMO_SHOW_BYTES);
	append(text, " read, ");
	append_number(text, row, DISKS_WRITTEN, KYMO_SHOW_BYTES);
	append(text, " written, slowest ");
	append_number(text, row, DISKS_SLOWEST, KYMO_SHOW_SHORT_NS);
	if (kymo_query_int(row, DISKS_FAILED) > 0) {
		append(text, ", failed ");
		append_number(text, row, DISKS_FAILED, KYMO_SHOW_COUNT);
	}
	(void)kymo_print_fitting(out, text, strlen(text), LINE_COLUMNS);
	(void)fputc('\n', out);
	return 0;
}

static int write_memory(struct kymo_db *db, const struct kymo_filter *filter, FILE *out,
			bool *ret_any, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_summary_ask(db, filter, KYMO_SUMMARY_MEMORY, &row, err);
	char text[LINE_BYTES] = "memory: ";
	const char *name;

	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc <= 0)
		return rc;
	*ret_any = true;
	if (kymo_query_int(row, MEMORY_KILLS) > 0) {
		append_number(text, row, MEMORY_KILLS, KYMO_SHOW_COUNT);
		append(text, " OOM kill%s, ", kymo_query_int(row, MEMORY_KILLS) == 1 ? "" : "s");
	}
	if (kymo_query_int(row, MEMORY_STALLS) > 0) {
		append_number(text, row, MEMORY_STALLS, KYMO_SHOW_COUNT);
		append(text, " stalls of ");
		append_number(text, row, MEMORY_STALL, KYMO_SHOW_SHORT_NS);
		append(text, ", ");
	}
	append_number(text, row, MEMORY_MINOR, KYMO_SHOW_COUNT);
	append(text, " page faults, and ");
	append_number(text, row, MEMORY_MAJOR, KYMO_SHOW_COUNT);
	append(text, " from disk");
	name = kymo_query_text(row, MEMORY_NAME, NULL);
	if (name) {
		append(text, "; %.16s grew by ", name);
		append_number(text, row, MEMORY_GROWN, KYMO_SHOW_BYTES);
	}
	(void)kymo_print_fitting(out, text, strlen(text), LINE_COLUMNS);
	(void)fputc('\n', out);
	return 0;
}

/* -------- what to ask next -------- */

/* A word that a shell takes as it is. */
static bool is_plain(const char *path)
{
	return path[0] != '-' && strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "0123456789_./+,:@%-") == strlen(path);
}

struct next { /* reports that have something to show */
	bool offcpu, flame, net, disks, memory;
};

#define NEXT_REPORTS 6

/* Each with the file, or, where that is too long, only what there is. */
static void say_next(const char *file, const struct next *next, bool brief,
		     char ret_text[LINE_BYTES])
{
	const char *reports[NEXT_REPORTS] = {"syscalls"};
	size_t count = 1;

	if (next->offcpu)
		reports[count++] = "offcpu";
	if (next->net)
		reports[count++] = "net";
	if (next->disks)
		reports[count++] = "block";
	if (next->memory)
		reports[count++] = "mem";
	if (next->flame)
		reports[count++] = "flame";
	ret_text[0] = '\0';
	append(ret_text, "next: kymo ");
	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		if (brief)
			append(ret_text, "%s%s", i == 0 ? "" : last ? " or " : ", ", reports[i]);
		else
			append(ret_text, "%s%s %s", i > 0 ? "; kymo " : "", reports[i], file);
	}
	if (brief)
		append(ret_text, " %s", file);
	else if (next->flame)
		append(ret_text, " -o %s.svg", file);
}

static void write_next(const char *path, const struct next *next, FILE *out)
{
	const char *file = strlen(path) < LINE_COLUMNS && is_plain(path) ? path : "FILE";
	char text[LINE_BYTES];

	say_next(file, next, false, text);
	if (strlen(text) > LINE_COLUMNS)
		say_next("FILE", next, false, text);
	if (strlen(text) > LINE_COLUMNS)
		say_next(file, next, true, text);
	if (strlen(text) > LINE_COLUMNS)
		say_next("FILE", next, true, text);
	(void)fprintf(out, "%s\n", text);
}

int kymo_summary_text(struct kymo_db *db, const struct kymo_filter *filter, bool has_offcpu,
		      FILE *out, struct cap_err *err)
{
	struct next next = {0};
	s64 cpu_rows = 0, wait_rows = 0;
	int rc = write_head(db, filter, out, err);

	if (rc == 0)
		rc = write_coverage(db, filter, out, err);
	if (rc == 0)
		rc = write_cost(db, filter, out, err);
	if (rc == 0)
		rc = write_cpu(db, filter, out, &cpu_rows, err);
	if (rc == 0)
		rc = write_waits(db, filter, out, &wait_rows, err);
	if (rc == 0)
		rc = write_slowest(db, filter, out, err);
	if (rc == 0)
		rc = write_in_flight(db, filter, out, err);
	if (rc == 0)
		rc = write_net(db, filter, out, &next.net, err);
	if (rc == 0)
		rc = write_disks(db, filter, out, &next.disks, err);
	if (rc == 0)
		rc = write_memory(db, filter, out, &next.memory, err);
	next.offcpu = has_offcpu && wait_rows > 0;
	next.flame = cpu_rows > 0;
	if (rc == 0)
		write_next(kymo_db_path(db), &next, out);
	return rc;
}
