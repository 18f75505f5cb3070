/*
 * All waits that are known singly are read into memory in the order of threads and time: then a
 * thread's waits within a span of time are found by halves. A database has no index for that.
 */
#include "analyzer/reports/wait_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/blob_table.h"
#include "analyzer/db/query.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/output/value_format.h"
#include "formats/base/cleanup.h"

/* Waits explain another one if they take up at least this part of it. */
#define EXPLAINS_DIVISOR 10
/* Waits of one thread that are looked at to explain one: of a capture that lies all may be there.
 */
#define LOOKED_AT 10000

enum text { TEXT_FAMILY, TEXT_CALL, TEXT_REASON, TEXT_KIND, TEXT_COMM, TEXT_WAKER, TEXTS };
#define ALIKE_TEXTS (TEXT_KIND + 1) /* waits are alike if these are */

struct wait {
	s64 capture_id, tid, tgid, waker_tid; /* waker_tid 0: no thread */
	s64 begin_ns, wake_ns,
		end_ns; /* woken, and running again; a preempted one is never woken */
	double at_s;
	u32 texts[TEXTS];
	bool chosen;
	bool told; /* part of a chain that began with a longer wait */
};

enum chain_end {
	END_CPU,       /* the last wait was for a CPU */
	END_INTERRUPT, /* a timer or a device ended it */
	END_UNKNOWN,   /* who ended it was not seen */
	END_RAN,       /* its waker was not seen waiting for long */
	END_HOPS       /* there is more */
};

struct chain {
	size_t waits[KYMO_CHAIN_HOPS];	 /* places among all waits */
	s64 overlap_ns[KYMO_CHAIN_HOPS]; /* of the wait before, what it and those like it take up */
	s64 times[KYMO_CHAIN_HOPS];	 /* how many these are */
	size_t count;
	enum chain_end end;
	s64 alike;    /* chains that this one stands for */
	s64 total_ns; /* the time of their first waits */
};

struct chains {
	struct kymo_blob_table texts;
	struct wait *waits;
	size_t wait_count, capacity;
	struct chain *list;
	size_t count;
};

/* A capture that lies may have waits of one thread that overlap, and sums without end. */
static void add_ns(s64 *sum, s64 ns)
{
	if (__builtin_add_overflow(*sum, ns, sum))
		*sum = INT64_MAX;
}

static void chains_done(struct chains *chains)
{
	kymo_blob_table_done(&chains->texts);
	free(chains->waits);
	free(chains->list);
}

static const char *text_of(const struct chains *chains, const struct wait *wait, enum text text)
{
	return kymo_blob_get(&chains->texts, wait->texts[text], NULL);
}

/* -------- reading -------- */

enum {
	ROW_CAPTURE,
	ROW_TID,
	ROW_TGID,
	ROW_WAKER,
	ROW_BEGIN,
	ROW_DURATION,
	ROW_RUNQ,
	ROW_AT,
	ROW_CHOSEN,
	ROW_TEXTS
};
#define COLUMNS                                                                          \
	"capture_id, tid, tgid, COALESCE(waker_tid, 0), time_ns, duration_ns, runq_ns, " \
	"at_s"
/* threads of a pool have numbers at the end of their names */
#define TEXT_COLUMNS "rtrim(comm, '0123456789'), name, reason, wait_kind, comm, woken_by"

static int add_wait(struct chains *chains, struct kymo_query *row)
{
	struct wait *wait;

	if (chains->wait_count == chains->capacity) {
		size_t capacity = chains->capacity ? chains->capacity * 2 : 1024;
		struct wait *waits = reallocarray(chains->waits, capacity, sizeof(*waits));

		if (!waits)
			return -ENOMEM;
		chains->waits = waits;
		chains->capacity = capacity;
	}
	wait = &chains->waits[chains->wait_count];
	*wait = (struct wait){.capture_id = kymo_query_int(row, ROW_CAPTURE),
			      .tid = kymo_query_int(row, ROW_TID),
			      .tgid = kymo_query_int(row, ROW_TGID),
			      .waker_tid = kymo_query_int(row, ROW_WAKER),
			      .begin_ns = kymo_query_int(row, ROW_BEGIN),
			      .at_s = kymo_query_real(row, ROW_AT),
			      .chosen = kymo_query_int(row, ROW_CHOSEN)};
	/* a capture that lies may have any numbers */
	if (__builtin_add_overflow(wait->begin_ns, kymo_query_int(row, ROW_DURATION),
				   &wait->end_ns) ||
	    __builtin_sub_overflow(wait->end_ns, kymo_query_int(row, ROW_RUNQ), &wait->wake_ns) ||
	    wait->wake_ns < wait->begin_ns || wait->end_ns < wait->wake_ns)
		return 0;
	for (int i = 0; i < TEXTS; i++) {
		size_t len = 0;
		const char *text = kymo_query_text(row, ROW_TEXTS + i, &len);
		s64 index = kymo_blob_add(&chains->texts, text, text ? len : 0, NULL);

		if (index < 0)
			return -ENOMEM;
		wait->texts[i] = (u32)index;
	}
	chains->wait_count++;
	return 0;
}

static int read_waits(struct kymo_db *db, const struct kymo_wait_choice *choice,
		      struct chains *chains, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_WAIT_SQL_BYTES];
	int rc;

	kymo_wait_sql(choice, "v.duration_ns", "v.duration_ns", where);
	if (asprintf(&sql,
		     "SELECT " COLUMNS ", waker_tid <> 0 AND reason <> 'preempted'"
		     " AND (:share_idle OR wait_kind <> 'idle') AND %s, " TEXT_COLUMNS
		     " FROM slow_waits v WHERE tid IS NOT NULL ORDER BY capture_id, tid, time_ns",
		     where) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "chains of waits");
	}
	rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);
	if (rc == 0)
		rc = kymo_wait_bind(choice, query);
	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0)
		if (add_wait(chains, query) < 0)
			return cap_fail(err, -ENOMEM, "chains of waits");
	return rc;
}

/* -------- following -------- */

static bool is_before(const struct wait *wait, s64 capture_id, s64 tid, s64 begin_ns)
{
	if (wait->capture_id != capture_id)
		return wait->capture_id < capture_id;
	return wait->tid != tid ? wait->tid < tid : wait->begin_ns < begin_ns;
}

/* The place of the first wait of this thread that began at or after begin_ns, or of what follows.
 */
static size_t find_first(const struct chains *chains, s64 capture_id, s64 tid, s64 begin_ns)
{
	size_t low = 0, high = chains->wait_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(&chains->waits[middle], capture_id, tid, begin_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static s64 overlap(const struct wait *wait, const struct wait *woken)
{
	s64 from_ns = wait->begin_ns > woken->begin_ns ? wait->begin_ns : woken->begin_ns;
	s64 to_ns = wait->end_ns < woken->wake_ns ? wait->end_ns : woken->wake_ns;

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* Waits of a thread within some time that are for the same, such as many short sleeps. */
struct cause {
	size_t place;		  /* the longest of them, of like ones the last */
	s64 longest_ns, total_ns; /* of their parts within that time */
	s64 times;
};
#define CAUSES 16 /* what comes after so many different ones is passed over */

static void add_cause(const struct chains *chains, size_t place, s64 ns, struct cause *causes,
		      size_t *count)
{
	const u32 *texts = chains->waits[place].texts;
	size_t i = 0;

	while (i < *count && (chains->waits[causes[i].place].texts[TEXT_CALL] != texts[TEXT_CALL] ||
			      chains->waits[causes[i].place].texts[TEXT_KIND] != texts[TEXT_KIND]))
		i++;
	if (i == CAUSES)
		return;
	if (i == *count)
		causes[(*count)++] = (struct cause){0};
	if (ns >= causes[i].longest_ns) {
		causes[i].longest_ns = ns;
		causes[i].place = place;
	}
	add_ns(&causes[i].total_ns, ns);
	causes[i].times++;
}

/* What the waker waited for during most of this time. false: nothing that explains it. */
static bool find_cause(const struct chains *chains, const struct wait *woken,
		       struct cause *ret_cause)
{
	size_t place = find_first(chains, woken->capture_id, woken->waker_tid, woken->begin_ns);
	struct cause causes[CAUSES], most = {0};
	size_t count = 0;

	place -= place > 0; /* it may have waited already */
	for (size_t last = place + LOOKED_AT; place < chains->wait_count && place < last; place++) {
		const struct wait *wait = &chains->waits[place];
		s64 ns = overlap(wait, woken);

		if (!is_before(wait, woken->capture_id, woken->waker_tid, woken->wake_ns))
			break;
		if (ns > 0 && wait->capture_id == woken->capture_id &&
		    wait->tid == woken->waker_tid)
			add_cause(chains, place, ns, causes, &count);
	}
	for (size_t i = 0; i < count; i++)
		if (causes[i].total_ns > most.total_ns)
			most = causes[i];
	*ret_cause = most;
	return most.total_ns > 0 &&
	       most.total_ns >= (woken->wake_ns - woken->begin_ns) / EXPLAINS_DIVISOR;
}

static enum chain_end end_of(const struct chains *chains, const struct wait *last)
{
	const char *reason = text_of(chains, last, TEXT_REASON);

	if (last->waker_tid != 0)
		return END_RAN;
	if (strcmp(reason, "preempted") == 0)
		return END_CPU;
	return strcmp(text_of(chains, last, TEXT_WAKER), "(interrupt)") == 0 ? END_INTERRUPT
									     : END_UNKNOWN;
}

static void follow(struct chains *chains, size_t start, struct chain *ret_chain)
{
	const struct wait *last = &chains->waits[start];
	struct chain chain = {.waits = {start}, .count = 1, .alike = 1};
	struct cause cause;

	chain.overlap_ns[0] = chain.total_ns = last->end_ns - last->begin_ns;
	chain.times[0] = 1;
	while (last->waker_tid != 0 && find_cause(chains, last, &cause)) {
		if (chain.count == KYMO_CHAIN_HOPS) {
			chain.end = END_HOPS;
			*ret_chain = chain;
			return;
		}
		chain.waits[chain.count] = cause.place;
		chain.times[chain.count] = cause.times;
		chain.overlap_ns[chain.count++] = cause.total_ns;
		chains->waits[cause.place].told = true;
		last = &chains->waits[cause.place];
	}
	chain.end = end_of(chains, last);
	*ret_chain = chain;
}

/* The thread that a chain leads to. */
static s64 root_tid(const struct chains *chains, const struct chain *chain)
{
	const struct wait *last = &chains->waits[chain->waits[chain->count - 1]];

	return last->waker_tid ? last->waker_tid : last->tid;
}

/* Whoever waits: for the same, and because of the same thread in the end. */
static bool are_alike(const struct chains *chains, const struct chain *a, const struct chain *b)
{
	if (a->count != b->count || a->end != b->end || root_tid(chains, a) != root_tid(chains, b))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (memcmp(chains->waits[a->waits[i]].texts, chains->waits[b->waits[i]].texts,
			   ALIKE_TEXTS * sizeof(u32)) != 0)
			return false;
	return true;
}

struct start {
	s64 duration_ns;
	size_t place;
};

static int longest_first(const void *left, const void *right)
{
	const struct start *a = left, *b = right;

	if (a->duration_ns != b->duration_ns)
		return a->duration_ns > b->duration_ns ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* Those that are chosen, the longest first. NULL: out of memory. */
static struct start *list_starts(const struct chains *chains, size_t *ret_count)
{
	struct start *starts = calloc(chains->wait_count + 1, sizeof(*starts));
	size_t count = 0;

	for (size_t i = 0; starts && i < chains->wait_count; i++) {
		const struct wait *wait = &chains->waits[i];

		if (wait->chosen)
			starts[count++] = (struct start){wait->end_ns - wait->begin_ns, i};
	}
	if (count > 0)
		qsort(starts, count, sizeof(*starts), longest_first);
	*ret_count = count < KYMO_CHAIN_STARTS ? count : KYMO_CHAIN_STARTS;
	return starts;
}

static int by_total(const void *left, const void *right)
{
	const struct chain *a = left, *b = right;

	if (a->total_ns != b->total_ns)
		return a->total_ns > b->total_ns ? -1 : 1;
	return a->waits[0] < b->waits[0] ? -1 : a->waits[0] > b->waits[0];
}

static int make_chains(struct kymo_db *db, const struct kymo_wait_choice *choice,
		       struct chains *chains, struct cap_err *err)
{
	CLEANUP(cap_freep) struct start *starts = NULL;
	size_t count = 0;
	int rc = read_waits(db, choice, chains, err);

	if (rc < 0)
		return rc;
	starts = list_starts(chains, &count);
	chains->list = calloc(count + 1, sizeof(*chains->list));
	if (!starts || !chains->list)
		return cap_fail(err, -ENOMEM, "chains of waits");
	for (size_t i = 0; i < count; i++) {
		struct chain *next = &chains->list[chains->count];
		size_t same = 0;

		if (chains->waits[starts[i].place].told)
			continue;
		follow(chains, starts[i].place, next);
		while (same < chains->count && !are_alike(chains, &chains->list[same], next))
			same++;
		if (same == chains->count) {
			chains->count++;
			continue;
		}
		chains->list[same].alike++;
		add_ns(&chains->list[same].total_ns, next->total_ns);
	}
	qsort(chains->list, chains->count, sizeof(*chains->list), by_total);
	return 0;
}

/* -------- writing -------- */

static const char *const end_names[] = {[END_CPU] = "cpu",
					[END_INTERRUPT] = "interrupt",
					[END_UNKNOWN] = "unknown",
					[END_RAN] = "ran",
					[END_HOPS] = "more"};

static void write_hop(const struct chains *chains, const struct chain *chain, size_t number,
		      size_t hop, struct kymo_writer *writer)
{
	const struct wait *wait = &chains->waits[chain->waits[hop]];
	const struct kymo_value values[] = {
		kymo_int((s64)number),
		kymo_int((s64)hop),
		kymo_int(chain->overlap_ns[hop]),
		kymo_int(chain->times[hop]),
		kymo_int(wait->end_ns - wait->begin_ns),
		kymo_real(wait->at_s),
		kymo_text(text_of(chains, wait, TEXT_COMM)),
		kymo_int(wait->tid),
		kymo_int(wait->tgid),
		kymo_text(text_of(chains, wait, TEXT_CALL)),
		kymo_text(text_of(chains, wait, TEXT_KIND)),
		kymo_text(text_of(chains, wait, TEXT_REASON)),
		kymo_text(text_of(chains, wait, TEXT_WAKER)),
		wait->waker_tid ? kymo_int(wait->waker_tid) : (struct kymo_value){0},
		kymo_text(hop + 1 == chain->count ? end_names[chain->end] : NULL),
		kymo_int(chain->alike),
		kymo_int(chain->total_ns),
		kymo_int(wait->begin_ns),
		kymo_int(wait->capture_id),
	};

	kymo_writer_row(writer, values);
}

static bool fits(const struct kymo_offcpu_options *options, s64 rows, size_t more)
{
	return options->limit < 0 || rows == 0 || rows + (s64)more <= options->limit;
}

s64 kymo_wait_chains(struct kymo_db *db, const struct kymo_offcpu_options *options,
		     struct kymo_writer *writer, struct cap_err *err)
{
	static const struct kymo_column columns[] = {
		{"chain", NULL, KYMO_SHOW_PLAIN},      {"hop", NULL, KYMO_SHOW_PLAIN},
		{"overlap_ns", NULL, KYMO_SHOW_NS},    {"times", NULL, KYMO_SHOW_COUNT},
		{"duration_ns", NULL, KYMO_SHOW_NS},   {"at_s", NULL, KYMO_SHOW_SECONDS},
		{"comm", NULL, KYMO_SHOW_PLAIN},       {"tid", NULL, KYMO_SHOW_PLAIN},
		{"tgid", NULL, KYMO_SHOW_PLAIN},       {"name", NULL, KYMO_SHOW_PLAIN},
		{"wait_kind", NULL, KYMO_SHOW_PLAIN},  {"reason", NULL, KYMO_SHOW_PLAIN},
		{"woken_by", NULL, KYMO_SHOW_PLAIN},   {"waker_tid", NULL, KYMO_SHOW_PLAIN},
		{"end", NULL, KYMO_SHOW_PLAIN},	       {"alike", NULL, KYMO_SHOW_COUNT},
		{"total_ns", NULL, KYMO_SHOW_NS},      {"time_ns", NULL, KYMO_SHOW_PLAIN},
		{"capture_id", NULL, KYMO_SHOW_PLAIN},
	};
	CLEANUP(chains_done) struct chains chains = {0};
	s64 rows = 0;
	int rc = make_chains(db, &options->choice, &chains, err);

	if (rc < 0)
		return rc;
	kymo_writer_table_begin(writer, "wait_chains", columns,
				sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < chains.count; i++) {
		for (size_t hop = 0;
		     fits(options, rows, chains.list[i].count) && hop < chains.list[i].count; hop++)
			write_hop(&chains, &chains.list[i], i + 1, hop, writer);
		rows += (s64)chains.list[i].count;
	}
	kymo_writer_table_end(writer);
	return rows;
}

static void put_safe(FILE *out, const char *text)
{
	kymo_print_safe(out, text, strlen(text));
}

static void put_time(FILE *out, s64 ns, enum kymo_show show)
{
	const struct kymo_value value = kymo_int(ns);
	char number[KYMO_NUMBER_BYTES];

	kymo_format_shown(&value, show, number);
	(void)fputs(number, out);
}

#define TIME_COLUMNS 8

/* "  301 ms    woken by " */
static void begin_line(FILE *out, s64 ns, size_t hop)
{
	const struct kymo_value value = kymo_int(ns);
	char number[KYMO_NUMBER_BYTES] = "";

	if (ns >= 0)
		kymo_format_shown(&value, KYMO_SHOW_SHORT_NS, number);
	(void)fprintf(out, "%*s  %*s%s", TIME_COLUMNS, number, (int)hop * 2, "",
		      hop > 0 ? "woken by " : "");
}

static void put_wait(const struct chains *chains, const struct chain *chain, size_t hop, FILE *out)
{
	const struct wait *wait = &chains->waits[chain->waits[hop]];
	const char *call = text_of(chains, wait, TEXT_CALL);

	begin_line(out, chain->overlap_ns[hop], hop);
	put_safe(out, text_of(chains, wait, TEXT_COMM));
	(void)fprintf(out, " %lld: ", (long long)wait->tid);
	put_safe(out, strcmp(call, "-") == 0 ? text_of(chains, wait, TEXT_REASON) : call);
	(void)fputs(" (", out);
	put_safe(out, text_of(chains, wait, TEXT_KIND));
	(void)fputc(')', out);
	if (hop == 0)
		(void)fprintf(out, ", at %.3f", wait->at_s);
	else if (chain->times[hop] > 1)
		(void)fprintf(out, ", %lld times", (long long)chain->times[hop]);
	if (hop == 0 && chain->alike > 1) {
		(void)fprintf(out, "; %lld alike, ", (long long)chain->alike);
		put_time(out, chain->total_ns, KYMO_SHOW_SHORT_NS);
	}
	(void)fputc('\n', out);
}

static size_t lines_of(const struct chain *chain)
{
	return chain->count + (chain->end != END_CPU);
}

static void put_end(const struct chains *chains, const struct chain *chain, FILE *out)
{
	const struct wait *last = &chains->waits[chain->waits[chain->count - 1]];

	if (chain->end == END_CPU) /* the kind of the wait says it */
		return;
	begin_line(out, -1, chain->count);
	if (chain->end == END_INTERRUPT) {
		(void)fputs("a timer or a device\n", out);
		return;
	}
	if (chain->end == END_UNKNOWN) {
		(void)fputs("whom was not seen\n", out);
		return;
	}
	put_safe(out, text_of(chains, last, TEXT_WAKER));
	(void)fprintf(out, " %lld%s\n", (long long)last->waker_tid,
		      chain->end == END_RAN ? ", which ran, or waited briefly" : ": ...");
}

s64 kymo_wait_chains_text(struct kymo_db *db, const struct kymo_offcpu_options *options, FILE *out,
			  struct cap_err *err)
{
	CLEANUP(chains_done) struct chains chains = {0};
	s64 lines = 0;
	int rc = make_chains(db, &options->choice, &chains, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < chains.count; i++) {
		const struct chain *chain = &chains.list[i];

		if (fits(options, lines, lines_of(chain))) {
			for (size_t hop = 0; hop < chain->count; hop++)
				put_wait(&chains, chain, hop, out);
			put_end(&chains, chain, out);
		}
		lines += (s64)lines_of(chain);
	}
	return lines;
}
