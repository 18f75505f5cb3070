/* Said once, at the end: the results are data, and have no place for it. */
#include "analyzer/commands/reading_gaps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/commands/common_options.h"

bool kymo_tells_reductions(const struct cap_section *section)
{
	return strcmp(section->type->name, "governor") == 0 ||
	       strcmp(section->type->name, "syscall_count") == 0;
}

/* How often a class was not recorded in full, and how many calls were only counted. */
void kymo_count_reductions(struct kymo_reading_gaps *gaps, const struct cap_section *section,
			   const struct kymo_section_values *values)
{
	const char *type = section->type->name;
	const char *wanted = strcmp(type, "governor") == 0 ? "state" : "call_count";

	for (u32 i = 0; i < section->column_count && i < CAP_MAX_COLUMNS; i++) {
		const struct cap_field *field = section->columns[i].field;

		if (!field || strcmp(field->name, wanted) != 0 || !values->columns[i].usable)
			continue;
		for (u32 row = 0; row < section->row_count; row++) {
			u64 value = values->columns[i].values[row];

			if (wanted[0] == 's')
				gaps->thinning += value != STATE_FULL;
			else if (__builtin_add_overflow(gaps->counted, value, &gaps->counted))
				gaps->counted = UINT64_MAX;
		}
	}
}

static void note_reductions(const struct kymo_run *run, const struct kymo_reading_gaps *gaps)
{
	char decisions[64] = "", calls[80] = "";

	if (gaps->thinning)
		(void)snprintf(decisions, sizeof(decisions),
			       "--type governor (decisions: %" PRIu64 ")", gaps->thinning);
	if (gaps->counted)
		(void)snprintf(calls, sizeof(calls), "%s--type syscall_count (calls: %" PRIu64 ")",
			       gaps->thinning ? ", " : "", gaps->counted);
	run->note(run, "not everything was stored one by one: see %s%s%s",
		  strcmp(run->command->name, "dump") == 0 ? "" : "kymo dump ", decisions, calls);
}

int kymo_note_gaps(const struct kymo_run *run, const struct cap_reader *reader,
		   const struct kymo_reading_gaps *gaps, const char *path)
{
	const struct cap_damage *damage = cap_reader_damage(reader);
	const char *stopped = cap_reader_stopped(reader);
	bool damaged = damage->blocks_damaged || damage->blocks_lost || damage->bytes_skipped;

	if (damaged)
		run->note(run,
			  "'%s' is damaged: %" PRIu64 " blocks and %" PRIu64
			  " bytes could not be read%s%s",
			  path, damage->blocks_damaged + damage->blocks_lost, damage->bytes_skipped,
			  stopped ? "; stopped at the first damage: " : "", stopped ? stopped : "");
	else if (!damage->ended)
		run->note(run, "'%s' was cut off before its end: what came after is unknown", path);
	if (gaps->unknown_rows || damage->blocks_unknown)
		run->note(run, "%" PRIu64 " blocks and %" PRIu64 " rows of unknown type skipped",
			  damage->blocks_unknown, gaps->unknown_rows);
	if (damage->blocks_schema_unknown)
		run->note(run,
			  "the schema of %" PRIu64 " blocks in '%s' is missing, and not that of a "
			  "known release: new fields in them have no name",
			  damage->blocks_schema_unknown, path);
	if (gaps->columns_rejected)
		run->note(run, "%" PRIu64 " columns could not be decoded and read as null",
			  gaps->columns_rejected);
	if (damage->end_lost)
		run->note(run, "%" PRIu64 " events are missing: its loss rows say why",
			  damage->end_lost);
	if (gaps->thinning || gaps->counted)
		note_reductions(run, gaps);
	return damaged || !damage->ended || gaps->unknown_rows || damage->blocks_unknown ||
			       damage->blocks_schema_unknown || gaps->columns_rejected ||
			       damage->end_lost
		       ? KYMO_EXIT_LOSS
		       : 0;
}
