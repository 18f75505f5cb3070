/* Shares are sums of view class_spans, cut to the time that the report is limited to. Of several
 * wordings the first that fits is taken. */
#include "analyzer/reports/coverage_line.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/output/value_format.h"
#include "formats/base/cleanup.h"

#define SHARE(state, name, none)                          \
	" COALESCE(100.0 * total(CASE state WHEN " #state \
	" THEN ns END) / NULLIF(total(ns), 0), " #none ") AS " #name "_percent,"
/* A capture without rows about a budget was recorded in full. */
#define SHARES_SQL                                                                               \
	"WITH spans AS (SELECT r.class, r.event_class, r.place,"                                 \
	" CASE WHEN s.capture_id IS NULL THEN 0 ELSE s.state_number END AS state,"               \
	" max(0, min(COALESCE(s.to_ns, c.end_ns), :to) - max(COALESCE(s.from_ns, c.start_ns),"   \
	" :from)) AS ns FROM recorded_classes r JOIN capture c ON c.id = r.capture_id"           \
	" LEFT JOIN class_spans s ON s.capture_id = r.capture_id"                                \
	" AND s.event_class = r.event_class"                                                     \
	" WHERE (:capture = 0 OR r.capture_id = :capture) AND (:classes >> r.event_class) & 1)," \
	" shares AS (SELECT class," SHARE(0, full, 100.0) SHARE(1, counts, 0.0)                  \
		SHARE(2, reduced, 0.0)                                                           \
			SHARE(3, off, 0.0) " (SELECT CAST(total(t.lost_count) AS INTEGER)"       \
					   " FROM class_totals t WHERE t.class ="                \
					   " spans.class AND (:capture = 0 OR"                   \
					   " t.capture_id = :capture)) AS lost_count,"           \
					   " event_class, place FROM spans"                      \
					   " GROUP BY class)"
static const char shares_sql[] =
	SHARES_SQL " SELECT event_class, full_percent, counts_percent, reduced_percent, lost_count"
		   " FROM shares ORDER BY place";
enum { CLASS, FULL, COUNTS, REDUCED, LOST };
static const char table_sql[] = SHARES_SQL
	" SELECT class, full_percent, counts_percent, reduced_percent, off_percent, lost_count"
	" FROM shares ORDER BY place";

/* Of all classes; and system calls that were counted, also where nothing was decided, but a buffer
 * had no room. */
static const char sums_sql[] = "SELECT CAST(total(events_dropped) AS INTEGER), "
			       "total(events_dropped) + total(events_stored)"
			       " + total(events_counted), (SELECT CAST(total(s.call_count) AS "
			       "INTEGER) FROM syscall_count s"
			       " WHERE (:capture = 0 OR s.capture_id = :capture) AND s.time_ns > "
			       ":from AND s.from_ns < :to)"
			       " FROM capture WHERE :capture = 0 OR id = :capture";
enum { ALL_LOST, ALL_ATTEMPTED, CALLS_COUNTED };

#define MAX_CLASSES EV_CLASS_COUNT
#define ALL_OF_IT (100.0 - 1e-6)

struct share {
	s64 event_class;
	double full, counts, reduced;
};

struct coverage {
	struct share shares[MAX_CLASSES];
	size_t count;
	s64 lost, lost_elsewhere, calls_counted;
	double attempted;
	bool missing; /* something of what the report shows */
};

enum wording { /* from the clearest to the shortest */
	       WORDS_FULL,
	       WORDS_BRIEF,   /* always; no rates of samples */
	       WORDS_TERSE,   /* only the first share says of what it is one */
	       WORDS_SHARES,  /* shares alone */
	       WORDS_MINIMAL, /* no counted events */
	       WORDS_LEAST,   /* shares alone, and no counted events */
	       WORDS_COUNT
};

/* -------- numbers -------- */

int kymo_classes_query(struct kymo_db *db, const struct kymo_filter *filter, int classes,
		       const char *sql, struct kymo_query **ret_query, struct cap_err *err)
{
	int rc = kymo_query_new(kymo_db_handle(db), sql, ret_query, err);

	if (rc == 0)
		rc = kymo_filter_bind(filter, *ret_query);
	if (rc == 0)
		rc = kymo_query_bind_int(*ret_query, ":classes", classes);
	return rc;
}

static int load_shares(struct kymo_db *db, const struct kymo_filter *filter,
		       const struct kymo_about *about, struct coverage *coverage,
		       struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	int rc = kymo_classes_query(db, filter, about->classes | about->beside, shares_sql, &row,
				    err);

	while (rc == 0 && (rc = kymo_query_step(row, err)) == 1) {
		struct share *share = &coverage->shares[coverage->count];

		rc = 0;
		if (coverage->count == MAX_CLASSES)
			continue;
		share->event_class = kymo_query_int(row, CLASS);
		share->full = kymo_query_real(row, FULL);
		share->counts = kymo_query_real(row, COUNTS);
		share->reduced = kymo_query_real(row, REDUCED);
		coverage->lost += kymo_query_int(row, LOST);
		coverage->missing |=
			share->full < ALL_OF_IT && (about->classes >> share->event_class & 1);
		coverage->count++;
	}
	return rc;
}

static int load(struct kymo_db *db, const struct kymo_filter *filter,
		const struct kymo_about *about, struct coverage *ret_coverage, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *row = NULL;
	struct coverage coverage = {0};
	int rc = load_shares(db, filter, about, &coverage, err);
	s64 all;

	if (rc == 0)
		rc = kymo_classes_query(db, filter, 0, sums_sql, &row, err);
	if (rc == 0)
		rc = kymo_query_step(row, err);
	if (rc < 0)
		return rc;
	all = kymo_query_int(row, ALL_LOST);
	if (about->classes == KYMO_ABOUT_ALL || coverage.lost > all)
		coverage.lost = all;
	coverage.lost_elsewhere = all - coverage.lost;
	coverage.attempted = kymo_query_real(row, ALL_ATTEMPTED);
	coverage.calls_counted = kymo_query_int(row, CALLS_COUNTED);
	coverage.missing |= all > 0 || (coverage.calls_counted > 0 &&
					(about->classes & KYMO_ABOUT_SYSCALLS) != 0);
	*ret_coverage = coverage;
	return 0;
}

/* -------- words -------- */

__attribute__((format(printf, 2, 3))) static void append(char text[KYMO_COVERAGE_BYTES],
							 const char *format, ...)
{
	size_t len = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + len, KYMO_COVERAGE_BYTES - len, format, arguments);
	va_end(arguments);
}

/* Shares are rounded down: 100 % is all of it. */
static void append_share(char text[KYMO_COVERAGE_BYTES], double percent)
{
	if (percent > 0 && percent < 1)
		append(text, "%.1f %%", percent < 0.1 ? 0.1 : floor(percent * 10) / 10);
	else
		append(text, "%.0f %%", floor(percent + 1e-6));
}

static void append_count(char text[KYMO_COVERAGE_BYTES], s64 count, const char *what)
{
	const struct kymo_value value = kymo_int(count);
	char number[KYMO_NUMBER_BYTES];

	kymo_format_shown(&value, KYMO_SHOW_COUNT, number);
	append(text, "%s %s", number, what);
}

static const char *class_name(s64 event_class, enum wording wording)
{
	if (event_class == CLASS_SYSCALLS)
		return "calls";
	if (event_class == CLASS_SCHED)
		return "waits";
	if (event_class == CLASS_NET)
		return "network";
	if (event_class == CLASS_MEM)
		return "memory";
	if (event_class == CLASS_BLOCK)
		return wording >= WORDS_TERSE ? "disks" : "disk requests";
	return wording >= WORDS_TERSE ? "CPU" : "CPU samples";
}

/* What there is of counts, beside what is stored one by one. */
static void say_counted(const struct share *share, s64 calls_counted, enum wording wording,
			char text[KYMO_COVERAGE_BYTES])
{
	bool terse = wording >= WORDS_TERSE;

	if (wording >= WORDS_MINIMAL || (share->counts <= 0 && calls_counted <= 0))
		return;
	append(text, terse ? " (" : ", ");
	if (share->counts > 0) {
		append_share(text, share->counts);
		append(text, " counted");
	} else {
		append_count(text, calls_counted, "counted");
	}
	append(text, terse ? ")" : "");
}

/* How much of the time a class was recorded: "4 % of the time, 2 % counted". */
static void say_class(const struct coverage *coverage, size_t number, enum wording wording,
		      bool is_first, char ret_how[KYMO_COVERAGE_BYTES])
{
	const struct share *share = &coverage->shares[number];
	double stored = share->full + share->reduced;
	bool says_of_what = wording < WORDS_TERSE ||
			    (is_first && (wording == WORDS_TERSE || wording == WORDS_MINIMAL));

	ret_how[0] = '\0';
	if (stored < ALL_OF_IT) {
		append_share(ret_how, stored);
		append(ret_how, "%s%s", says_of_what ? " of the time" : "",
		       wording == WORDS_FULL && share->counts > 0 ? " one by one" : "");
	} else {
		append(ret_how, wording == WORDS_FULL	 ? "all of the time"
				: wording == WORDS_BRIEF ? "always"
				: says_of_what		 ? "100 %% of the time"
							 : "100 %%");
	}
	if (wording == WORDS_FULL && share->reduced > 0) {
		append(ret_how, ", ");
		append_share(ret_how, share->reduced);
		append(ret_how, " more slowly");
	}
	say_counted(share, share->event_class == CLASS_SYSCALLS ? coverage->calls_counted : 0,
		    wording, ret_how);
}

/* Classes that were recorded alike stand together. */
static void say_classes(const struct coverage *coverage, enum wording wording,
			char text[KYMO_COVERAGE_BYTES])
{
	bool is_first = true;

	for (size_t i = 0; i < coverage->count; i++) {
		char how[KYMO_COVERAGE_BYTES], next[KYMO_COVERAGE_BYTES] = "";

		say_class(coverage, i, wording, is_first, how);
		if (i + 1 < coverage->count)
			say_class(coverage, i + 1, wording, is_first, next);
		append(text, "%s", class_name(coverage->shares[i].event_class, wording));
		if (strcmp(how, next) == 0) {
			append(text, ", ");
			continue;
		}
		append(text, ": %s; ", how);
		is_first = false;
	}
}

static void say_lost(const struct coverage *coverage, enum wording wording,
		     char text[KYMO_COVERAGE_BYTES])
{
	append_count(text, coverage->lost, "lost");
	if (coverage->lost > 0 && coverage->attempted > 0 && wording < WORDS_TERSE) {
		append(text, " (");
		append_share(text, 100.0 * (double)coverage->lost / coverage->attempted);
		append(text, ")");
	}
	if (coverage->lost_elsewhere > 0) {
		append(text, ", ");
		append_count(text, coverage->lost_elsewhere, "elsewhere");
	}
}

int kymo_coverage_line(struct kymo_db *db, const struct kymo_filter *filter,
		       const struct kymo_about *about, const struct kymo_coverage_style *style,
		       char ret_text[KYMO_COVERAGE_BYTES], struct cap_err *err)
{
	bool has_clause = about->clause && about->clause[0];
	struct coverage coverage;
	int rc = load(db, filter, about, &coverage, err);

	if (rc < 0)
		return cap_context(err, rc, "ask what was left out");
	ret_text[0] = '\0';
	if (!coverage.missing && !style->always && !has_clause)
		return 0;
	for (enum wording wording = WORDS_FULL; wording < WORDS_COUNT; wording++) {
		ret_text[0] = '\0';
		say_classes(&coverage, wording, ret_text);
		say_lost(&coverage, wording, ret_text);
		if (has_clause)
			append(ret_text, "; %s", about->clause);
		if (style->refer && coverage.missing)
			append(ret_text, "; see kymo overhead");
		if (style->columns == 0 || strlen(ret_text) <= style->columns)
			break;
	}
	return 0;
}

int kymo_coverage_table(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_about *about, struct kymo_writer *writer,
			struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_classes_query(db, filter, about->classes, table_sql, &query, err);
	s64 rows;

	if (rc < 0)
		return cap_context(err, rc, "ask what was left out");
	rows = kymo_query_to_writer(query, writer, "coverage", NULL, err);
	return rows < 0 ? (int)rows : 0;
}
