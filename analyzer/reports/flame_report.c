/* Captions come from views; the shares of samples from the facts that were counted with the stacks.
 */
#include "analyzer/reports/flame_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "analyzer/reports/coverage_line.h"
#include "analyzer/reports/names_note.h"
#include "analyzer/reports/reduced_note.h"
#include "analyzer/reports/stack_ends.h"
#include "formats/base/cleanup.h"

__attribute__((format(printf, 3, 4))) static void caption(struct kymo_flame_captions *captions,
							  bool warning, const char *format, ...)
{
	size_t at = captions->count;
	va_list arguments;

	if (at == KYMO_FLAME_CAPTIONS)
		return;
	va_start(arguments, format);
	(void)vsnprintf(captions->text[at], KYMO_CAPTION_BYTES, format, arguments);
	va_end(arguments);
	captions->captions[at] = (struct kymo_caption){captions->text[at], warning};
	captions->count++;
}

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

int kymo_flame_about(const struct kymo_stack_facts *facts)
{
	return facts->of == KYMO_STACKS_OF_WAITS    ? KYMO_ABOUT_WAITS
	       : facts->of == KYMO_STACKS_OF_FAULTS ? KYMO_ABOUT_MEM
						    : KYMO_ABOUT_SAMPLES;
}

static const char *noun_of(const struct kymo_stack_facts *facts)
{
	return facts->of == KYMO_STACKS_OF_WAITS    ? "waits"
	       : facts->of == KYMO_STACKS_OF_FAULTS ? "page faults with stacks"
						    : "samples";
}

/* Events lost in the class that is drawn while the filter's time ran. */
static int lost_samples(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_stack_facts *facts, s64 *ret_lost, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc;

	rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT COALESCE(CAST(total(lost_count) AS INTEGER), 0) FROM loss_spans WHERE "
		"class = :class"
		" AND (:capture = 0 OR capture_id = :capture) AND to_ns >= :from AND from_ns < :to",
		&query, err);
	if (rc < 0)
		return rc;
	(void)kymo_query_bind_int(query, ":capture", filter->capture_id);
	(void)kymo_query_bind_int(query, ":from", filter->from_ns);
	(void)kymo_query_bind_int(query, ":to", filter->to_ns);
	(void)kymo_query_bind_text(query, ":class",
				   facts->of == KYMO_STACKS_OF_WAITS	? "sched"
				   : facts->of == KYMO_STACKS_OF_FAULTS ? "mem"
									: "cpu");
	rc = kymo_query_step(query, err);
	if (rc > 0)
		*ret_lost = kymo_query_int(query, 0);
	return rc < 0 ? rc : 0;
}

/* "only: process 12, threads named x, from 0.50 s, to 2.00 s" */
static int filter_caption(struct kymo_db *db, const struct kymo_filter *filter,
			  struct kymo_flame_captions *captions, struct cap_err *err)
{
	char line[KYMO_CAPTION_BYTES] = "";
	size_t len = 0;
	s64 start_ns = 0;
	int rc = kymo_query_one_int(kymo_db_handle(db), "SELECT min(start_ns) FROM capture",
				    &start_ns, err);

	if (rc < 0 || kymo_filter_is_open(filter))
		return rc;
	if (filter->pid >= 0)
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", process %" PRId64,
					filter->pid);
	if (filter->comm)
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", threads named %.60s",
					filter->comm);
	if (filter->has_from)
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", from %.2f s",
					((double)filter->from_ns - (double)start_ns) / 1e9);
	if (filter->has_to)
		(void)snprintf(line + len, sizeof(line) - len, ", to %.2f s",
			       ((double)filter->to_ns - (double)start_ns) / 1e9);
	caption(captions, false, "only: %s", line + 2);
	return 0;
}

#define CAPTURE_SQL(rate)                                                                         \
	"SELECT i.host, substr(i.start_realtime, 1, 19), i.duration_ns, i.cpu_count, (" rate ")," \
	" (SELECT count(*) FROM capture)"                                                         \
	" FROM capture_info i WHERE :capture = 0 OR i.capture_id = :capture ORDER BY 1"
#define RATE_OF_SAMPLES "SELECT sample_hz FROM sampling r WHERE r.capture_id = i.capture_id"
/* The same, by the samples that were looked at when a capture was opened. */
#define RATE_OF_SUMS                                                               \
	"SELECT COALESCE((SELECT NULLIF(max(full_hz), 0) FROM class_spans g"       \
	" WHERE g.capture_id = i.capture_id AND g.event_class = 0),"               \
	" (SELECT CAST(round(1e9 / longest) AS INTEGER) FROM temp.sample_period p" \
	" JOIN meta m ON m.capture_id = p.capture_id AND m.key = 'cpu.event'"      \
	" AND m.value = 'cpu-clock' WHERE p.capture_id = i.capture_id))"

static int capture_caption(struct kymo_db *db, const struct kymo_filter *filter,
			   const struct kymo_stack_facts *facts, s64 lost,
			   struct kymo_flame_captions *captions, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	const char *host, *rate, *start;
	double seconds;
	int rc;

	rc = kymo_query_new(kymo_db_handle(db),
			    facts->of != KYMO_STACKS_OF_SAMPLES ? CAPTURE_SQL("NULL")
			    : kymo_db_has_sample_sums(db)	? CAPTURE_SQL(RATE_OF_SUMS)
								: CAPTURE_SQL(RATE_OF_SAMPLES),
			    &query, err);
	if (rc < 0)
		return rc;
	(void)kymo_query_bind_int(query, ":capture", filter->capture_id);
	rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	host = kymo_query_text(query, 0, NULL);
	start = kymo_query_text(query, 1, NULL);
	rate = kymo_query_text(query, 4, NULL);
	seconds = (double)kymo_query_int(query, 2) / 1e9;
	if (filter->capture_id == 0 && kymo_query_int(query, 5) > 1)
		caption(captions, false, "%" PRIu64 " %s from %" PRId64 " captures%s",
			facts->samples, noun_of(facts), kymo_query_int(query, 5),
			lost ? "" : ", none lost");
	else
		caption(captions, false,
			"%s%s%" PRIu64 " %s%s%s%s in %.2f %s on %" PRId64 " CPU%s%s, %s UTC",
			host ? host : "", host ? ": " : "", facts->samples, noun_of(facts),
			rate ? " at " : "", rate ? rate : "", rate ? " Hz" : "",
			seconds < 1 ? seconds * 1e3 : seconds, seconds < 1 ? "ms" : "s",
			kymo_query_int(query, 3), kymo_query_int(query, 3) == 1 ? "" : "s",
			lost ? "" : ", none lost", start ? start : "?");
	return 0;
}

/* "of the samples, 1.2 % have no user stack, 0.5 % have a stack cut at the depth limit" */
static void quality_caption(const struct kymo_stack_facts *facts,
			    struct kymo_flame_captions *captions)
{
	const struct {
		u64 count;
		const char *text;
	} lacks[] = {
		{facts->no_user_stack, "no user stack"},
		{facts->no_kernel_stack, "no kernel stack"},
		{facts->truncated, "a stack cut at the depth limit"},
	};
	char line[KYMO_CAPTION_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
		if (lacks[i].count > 0)
			len += (size_t)snprintf(line + len, sizeof(line) - len, ", %.1f %% have %s",
						percent(lacks[i].count, facts->samples),
						lacks[i].text);
	if (len > 0)
		caption(captions, true, "of the %s%s", noun_of(facts), line);
}

void kymo_weight_text(const struct kymo_sample_weight *weight, char ret_text[KYMO_CAPTION_BYTES])
{
	int len;

	ret_text[0] = '\0';
	if (weight->weight == KYMO_WEIGHT_SAMPLES)
		return;
	if (weight->weight == KYMO_WEIGHT_UNKNOWN) {
		(void)snprintf(ret_text, KYMO_CAPTION_BYTES,
			       "the sampling rate changed, and samples carry no period: times of a "
			       "low rate look smaller than they were");
		return;
	}
	len = snprintf(ret_text, KYMO_CAPTION_BYTES,
		       "counted in %s, not in samples, because the sampling rate changed",
		       kymo_weight_name(weight->weight));
	if (weight->without_period > 0)
		(void)snprintf(ret_text + len, KYMO_CAPTION_BYTES - (size_t)len,
			       "; %" PRId64 " samples carry no period and count as average ones",
			       weight->without_period);
}

/* Damage: what it took, nobody may know. */
static int damage_caption(struct kymo_db *db, const struct kymo_filter *filter,
			  struct kymo_flame_captions *captions, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT total(complete = 0), total(events_damaged), total(end_reason = 'cut'),"
		" count(*), total(EXISTS (SELECT 1 FROM loss_spans l WHERE l.capture_id = "
		"capture.id"
		" AND l.reason = 'damaged')) FROM capture WHERE :capture = 0 OR id = :capture",
		&query, err);
	long long incomplete, events, cut, recovered;
	char what[KYMO_CAPTION_BYTES / 2] = "";

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	if (rc == 0)
		rc = kymo_query_step(query, err);
	if (rc <= 0)
		return rc;
	incomplete = kymo_query_int(query, 0);
	events = kymo_query_int(query, 1);
	cut = kymo_query_int(query, 2);
	recovered = kymo_query_int(query, 4);
	if (incomplete == 0 && events == 0 && recovered == 0)
		return 0;
	if (events > 0)
		(void)snprintf(what, sizeof(what),
			       ": at least %lld events of any class are missing", events);
	if (kymo_query_int(query, 3) == 1)
		caption(captions, true, "%s%s",
			recovered > 0 ? "the capture was recovered from a damaged one"
			: cut > 0     ? "the capture was cut off: what came after is unknown"
				      : "the capture is damaged",
			what);
	else
		caption(captions, true, "%lld of these captures are damaged or cut%s",
			incomplete > recovered ? incomplete : recovered, what);
	return 0;
}

#define THINNED_CAPTIONS 4 /* of several captures: the others are told by their number */

struct thinned {
	struct kymo_flame_captions *captions;
	bool several; /* captures: each line names its own */
	int told, left;
};

static void reduced_caption(void *context, const char *path, const char *text)
{
	struct thinned *thinned = context;

	if (thinned->told == THINNED_CAPTIONS) {
		thinned->left++;
		return;
	}
	thinned->told++;
	if (thinned->several)
		caption(thinned->captions, true, "%.200s: %s", path, text);
	else
		caption(thinned->captions, true, "%s", text);
}

/* What the picture lacks on purpose, and what its widths therefore mean. */
static int reduced_captions(struct kymo_db *db, const struct kymo_filter *filter,
			    const struct kymo_stack_facts *facts,
			    struct kymo_flame_captions *captions, struct cap_err *err)
{
	struct thinned thinned = {.captions = captions, .several = filter->capture_id == 0};
	char text[KYMO_CAPTION_BYTES];
	int classes = kymo_flame_about(facts);
	int rc = kymo_reduced_each(db, filter, classes, reduced_caption, &thinned, err);

	if (rc < 0)
		return rc;
	if (thinned.left > 0)
		caption(captions, true, "and %d more: `kymo info --capture` lists them",
			thinned.left);
	if (facts->of == KYMO_STACKS_OF_FAULTS) {
		caption(captions, false,
			"widths are page faults, estimated from those that were stored");
		return 0;
	}
	if (facts->of == KYMO_STACKS_OF_WAITS) {
		caption(captions, false,
			"widths are time off the CPU; kernel threads and threads that waited all "
			"the time are left out");
		return 0;
	}
	kymo_weight_text(&facts->weight, text);
	if (text[0])
		caption(captions, !kymo_weight_is_period(facts->weight.weight), "%s", text);
	return 0;
}

/* How many frames have a name; where they lack one, why, and what would help. */
static int names_captions(struct kymo_db *db, const struct kymo_filter *filter,
			  const struct kymo_stack_facts *facts,
			  struct kymo_flame_captions *captions, struct cap_err *err)
{
	struct kymo_names_note note;
	int rc = kymo_names_note(db, filter, facts, &note, err);

	if (rc < 0)
		return rc;
	if (note.share[0])
		caption(captions, note.many_unnamed, "%s", note.share);
	for (size_t i = 0; i < note.module_count; i++)
		if (note.many_unnamed || note.unverified[i])
			caption(captions, note.many_unnamed, "%s", note.modules[i]);
	if (note.unknown[0])
		caption(captions, true, "%s", note.unknown);
	return 0;
}

int kymo_flame_captions(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_stack_facts *facts,
			struct kymo_flame_captions *ret_captions, struct cap_err *err)
{
	struct kymo_flame_captions *captions = ret_captions;
	struct kymo_stack_ends ends;
	s64 lost = 0;
	int rc;

	captions->count = 0;
	rc = lost_samples(db, filter, facts, &lost, err);
	if (rc == 0)
		rc = capture_caption(db, filter, facts, lost, captions, err);
	if (rc < 0)
		return rc;
	rc = filter_caption(db, filter, captions, err);
	if (rc < 0)
		return rc;
	if (lost > 0)
		caption(captions, true, "%" PRId64 " %s were lost (%.2f %% of all)", lost,
			noun_of(facts), percent((u64)lost, (u64)lost + facts->samples));
	rc = damage_caption(db, filter, captions, err);
	if (rc == 0)
		rc = reduced_captions(db, filter, facts, captions, err);
	if (rc < 0)
		return rc;
	quality_caption(facts, captions);
	rc = kymo_stack_ends_line(db, filter, facts->of, &ends, err);
	if (rc < 0)
		return rc;
	if (ends.text[0])
		caption(captions, ends.warning, "%s", ends.text);
	return names_captions(db, filter, facts, captions, err);
}

void kymo_weight_fields(struct kymo_writer *writer, const struct kymo_sample_weight *weight)
{
	if (weight->weight == KYMO_WEIGHT_SAMPLES)
		return;
	kymo_writer_field_text(writer, "counted", kymo_weight_unit(weight->weight));
	kymo_writer_field_int(writer, "without_period", KYMO_SHOW_COUNT, weight->without_period);
}

void kymo_flame_to_writer(struct kymo_writer *writer, const struct kymo_tree *tree,
			  enum kymo_weight weight)
{
	bool by_period = kymo_weight_is_period(weight);
	const struct kymo_column columns[] = {
		{.name = "id"},
		{.name = "parent_id"},
		{.name = "name"},
		{.name = "kind"},
		{.name = by_period ? "self_weight" : "self_samples"},
		{.name = by_period ? "total_weight" : "total_samples"},
	};
	static const char *const kinds[] = {
		[KYMO_FRAME_PROCESS] = "process",
		[KYMO_FRAME_USER] = "user",
		[KYMO_FRAME_KERNEL] = "kernel",
		[KYMO_FRAME_UNNAMED] = "unnamed",
	};
	uint32_t at = 0;

	kymo_writer_table_begin(writer, "frames", columns, 6);
	do {
		const struct kymo_tree_node *node = kymo_tree_node(tree, at);
		struct kymo_value values[] = {
			kymo_int(at),
			at ? kymo_int(node->parent) : (struct kymo_value){.type = KYMO_NULL},
			{.type = KYMO_TEXT,
			 .text = at ? node->name : "all",
			 .text_bytes = at ? node->name_len : 3},
			{.type = KYMO_TEXT,
			 .text = kinds[node->kind],
			 .text_bytes = strlen(kinds[node->kind])},
			kymo_int((s64)node->self),
			kymo_int((s64)node->total),
		};

		kymo_writer_row(writer, values);
		at = kymo_tree_next(tree, at);
	} while (at != 0);
	kymo_writer_table_end(writer);
}
