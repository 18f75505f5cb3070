/* The share is of sampled frames; the modules come from view module_names, which counts each frame
 * once. */
#include "analyzer/reports/names_note.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"

#define MENTION_PERCENT 1.0 /* of frames without a name: fewer are normal */

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

/* The modules with the most frames without a name, and those whose names are not verified. */
static int note_modules(struct kymo_db *db, const struct kymo_filter *filter,
			struct kymo_names_note *note, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT module, help, state = 'found' AND NOT verified FROM module_names WHERE "
		"help IS NOT NULL AND space = 'user' "
		"AND (:capture = 0 OR capture_id = :capture) GROUP BY module, help "
		"ORDER BY sum(frames - frames_named) DESC, sum(frames) DESC, module, help LIMIT 4",
		&query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	while (rc >= 0 && (rc = kymo_query_step(query, err)) > 0 &&
	       note->module_count < KYMO_NAMES_LINES) {
		const char *module = kymo_query_text(query, 0, NULL);
		const char *help = kymo_query_text(query, 1, NULL);

		note->unverified[note->module_count] = kymo_query_int(query, 2) != 0;
		(void)snprintf(note->modules[note->module_count++], KYMO_NAMES_LINE_BYTES,
			       "%.60s: %s", module ? module : "?", help ? help : "?");
	}
	return rc < 0 ? rc : 0;
}

int kymo_names_note(struct kymo_db *db, const struct kymo_filter *filter,
		    const struct kymo_stack_facts *facts, struct kymo_names_note *ret_note,
		    struct cap_err *err)
{
	double unnamed = percent(facts->frames_unnamed, facts->frames);
	double unknown = percent(facts->frames_unknown, facts->frames);
	struct kymo_names_note note = {.many_unnamed = unnamed >= MENTION_PERCENT};
	s64 looked_up = 0, copied = 0;
	int rc = kymo_query_one_int(kymo_db_handle(db), "SELECT count(*) FROM module_symbols",
				    &looked_up, err);

	/* A stack that was copied says itself why it is not complete. */
	if (rc == 0 && unknown >= MENTION_PERCENT)
		rc = kymo_query_one_int(
			kymo_db_handle(db),
			"SELECT EXISTS (SELECT 1 FROM stack WHERE stack_how IN ('copy', 'both'))",
			&copied, err);
	/* Of waits the modules are not told: a database also holds the frames of samples, and would
	 * answer otherwise than its capture, of which only the stacks of waits were read. */
	if (rc == 0 && looked_up && facts->of == KYMO_STACKS_OF_SAMPLES)
		rc = note_modules(db, filter, &note, err);
	if (rc < 0)
		return rc;
	if (facts->frames > 0)
		(void)snprintf(note.share, sizeof(note.share), "%.1f %% of the frames have names%s",
			       100.0 - unnamed - unknown,
			       looked_up || !note.many_unnamed
				       ? ""
				       : "; those of user functions were not looked up "
					 "(--no-symbols)");
	if (unknown >= MENTION_PERCENT)
		(void)snprintf(note.unknown, sizeof(note.unknown),
			       "%.0f %% of the frames lie in no known file%s", unknown,
			       copied ? ""
				      : ": programs built without frame pointers have incomplete "
					"stacks");
	*ret_note = note;
	return 0;
}

void kymo_names_note_line(const struct kymo_names_note *note, char *ret_line, size_t line_bytes)
{
	size_t len = 0;

	ret_line[0] = '\0';
	if (note->many_unnamed)
		len = (size_t)snprintf(ret_line, line_bytes, "%s", note->share);
	for (size_t i = 0; i < note->module_count && len < line_bytes; i++)
		if (note->many_unnamed || note->unverified[i])
			len += (size_t)snprintf(ret_line + len, line_bytes - len, "%s%s",
						len ? "; " : "", note->modules[i]);
	if (note->unknown[0] && len < line_bytes)
		(void)snprintf(ret_line + len, line_bytes - len, "%s%s", len ? "; " : "",
			       note->unknown);
}

int kymo_names_table(struct kymo_db *db, const struct kymo_filter *filter,
		     struct kymo_writer *writer, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	s64 rows;
	int rc = kymo_query_new(
		kymo_db_handle(db),
		"SELECT module, frames, frames_named, CASE verified WHEN 1 THEN 'yes' WHEN 0 THEN "
		"'no' END AS verified, state, path, build_id, help FROM module_names WHERE space = "
		"'user' AND (:capture = 0 OR capture_id = :capture) ORDER BY frames - frames_named "
		"DESC, frames DESC, module, path, build_id",
		&query, err);

	if (rc == 0)
		rc = kymo_query_bind_int(query, ":capture", filter->capture_id);
	if (rc < 0)
		return rc;
	rows = kymo_query_to_writer(query, writer, "modules", NULL, err);
	return rows < 0 ? (int)rows : 0;
}
