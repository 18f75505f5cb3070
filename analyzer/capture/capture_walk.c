/* The contents of a gap are computed as soon as a later block of the same capture gives times and
 * totals; until then gaps wait in a short queue. */
#include "analyzer/capture/capture_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/counted_tally.h"
#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

/* Gaps waiting for a block with a prologue; few other blocks come between two of those. */
#define WAITING_GAPS 32
#define REASON_BYTES 160

struct waiting_gap {
	struct kymo_gap gap;
	bool open;		 /* filled in from a later block */
	u64 first_seq, last_seq; /* of the missing blocks, if block_count */
	u32 type;		 /* of the one damaged block, if named */
	bool named;
	char reason[REASON_BYTES];
};

struct kymo_walk {
	struct cap_reader *reader;
	struct kymo_walk_options options;
	struct kymo_walk_counts counts;
	struct waiting_gap waiting[WAITING_GAPS];
	size_t waiting_count;
	bool growing; /* the last one: no good block has come since */

	/* the capture that the walk is in */
	bool started, ended, broken;
	bool unknown; /* a block of unknown type was in it: its rows may be events */
	u64 file_id;
	bool times_known;
	u64 last_ns; /* latest time so far */
	u64 stored;  /* events written up to here, as its blocks say */
	u64 seen;    /* events of its blocks that are whole */
	u64 next_seq;
	u64 next_offset; /* where the block returned last ends */

	u64 *values; /* one column */
	size_t value_capacity;
	struct kymo_counted_tally tally;
};

/* -------- words -------- */

const char *kymo_gap_kind_name(enum kymo_gap_kind kind)
{
	static const char *const names[] = {
		[KYMO_GAP_DAMAGED] = "damaged", [KYMO_GAP_LOST] = "lost",
		[KYMO_GAP_CUT] = "cut",		[KYMO_GAP_UNKNOWN] = "unknown",
		[KYMO_GAP_FOREIGN] = "foreign",
	};

	return names[kind];
}

static void write_text(struct waiting_gap *waiting)
{
	struct kymo_gap *gap = &waiting->gap;
	char blocks[80], *text = gap->text;

	if (waiting->last_seq > waiting->first_seq)
		(void)snprintf(blocks, sizeof(blocks), "blocks %" PRIu64 " to %" PRIu64,
			       waiting->first_seq, waiting->last_seq);
	else
		(void)snprintf(blocks, sizeof(blocks), "block %" PRIu64, waiting->first_seq);
	if (gap->kind == KYMO_GAP_LOST)
		(void)snprintf(text, KYMO_GAP_TEXT_BYTES, "%s %s missing here", blocks,
			       gap->block_count == 1 ? "is" : "are");
	else if (waiting->named && gap->block_count == 1)
		(void)snprintf(text, KYMO_GAP_TEXT_BYTES, "%s (%s): %s", blocks,
			       cap_block_name(waiting->type), waiting->reason);
	else if (gap->block_count > 0)
		(void)snprintf(text, KYMO_GAP_TEXT_BYTES, "%s: %s", blocks, waiting->reason);
	else
		(void)snprintf(text, KYMO_GAP_TEXT_BYTES, "no intact block here: %s",
			       waiting->reason);
}

/* -------- telling -------- */

static void tell(struct kymo_walk *walk, const struct kymo_gap *gap)
{
	walk->counts.gaps[gap->kind]++;
	if (gap->events_known && gap->kind != KYMO_GAP_FOREIGN && gap->kind != KYMO_GAP_UNKNOWN)
		walk->counts.events_missing += gap->events;
	if (walk->options.gap)
		walk->options.gap(walk->options.gap_context, gap);
}

static void tell_all(struct kymo_walk *walk)
{
	for (size_t i = 0; i < walk->waiting_count; i++) {
		if (walk->waiting[i].open) {
			write_text(&walk->waiting[i]);
			walk->waiting[i].gap.first_seq = walk->waiting[i].first_seq;
			walk->waiting[i].gap.last_seq = walk->waiting[i].last_seq;
		}
		tell(walk, &walk->waiting[i].gap);
	}
	walk->waiting_count = 0;
	walk->growing = false;
}

static struct waiting_gap *add_gap(struct kymo_walk *walk, enum kymo_gap_kind kind, u64 offset)
{
	struct waiting_gap *waiting;

	if (walk->waiting_count == WAITING_GAPS)
		tell_all(walk);
	waiting = &walk->waiting[walk->waiting_count++];
	*waiting = (struct waiting_gap){
		.gap = {.kind = kind,
			.offset = offset,
			.from_known = walk->times_known,
			.from_ns = walk->last_ns},
	};
	walk->growing = false;
	return waiting;
}

/* A finding whose text is known immediately. */
static struct kymo_gap *add_fact(struct kymo_walk *walk, enum kymo_gap_kind kind,
				 const struct cap_block *block)
{
	struct kymo_gap *gap = &add_gap(walk, kind, block->offset)->gap;

	gap->size_bytes = block->size_bytes;
	gap->block_count = 1;
	gap->first_seq = gap->last_seq = block->seq;
	gap->from_known = gap->to_known = block->last_ns != 0;
	gap->from_ns = block->first_ns;
	gap->to_ns = block->last_ns;
	return gap;
}

/* -------- what the reader passes over -------- */

static void join_blocks(struct waiting_gap *waiting, u64 seq, u64 count)
{
	if (waiting->gap.block_count == 0 || seq < waiting->first_seq)
		waiting->first_seq = seq;
	if (waiting->gap.block_count == 0 || seq + count - 1 > waiting->last_seq)
		waiting->last_seq = seq + count - 1;
	waiting->gap.block_count += count;
}

static void take_foreign(struct kymo_walk *walk, const struct cap_trouble *trouble)
{
	struct waiting_gap *last =
		walk->waiting_count > 0 ? &walk->waiting[walk->waiting_count - 1] : NULL;
	struct kymo_gap *gap;

	if (!trouble->moved && last && last->gap.kind == KYMO_GAP_FOREIGN && !last->named &&
	    last->gap.offset + last->gap.size_bytes == trouble->offset) {
		gap = &last->gap;
	} else {
		gap = &add_gap(walk, KYMO_GAP_FOREIGN, trouble->offset)->gap;
		gap->from_known = false;
	}
	gap->size_bytes += trouble->size_bytes;
	gap->block_count++;
	if (trouble->moved) {
		walk->waiting[walk->waiting_count - 1].named = true;
		(void)snprintf(gap->text, sizeof(gap->text),
			       "block %" PRIu64 " (%s) comes after later ones", trouble->seq,
			       cap_block_name(trouble->type));
		return;
	}
	(void)snprintf(gap->text, sizeof(gap->text),
		       "%" PRIu64 " intact block%s of another capture, or repeated here",
		       gap->block_count, gap->block_count == 1 ? "" : "s");
}

static void on_trouble(void *context, const struct cap_trouble *trouble)
{
	struct kymo_walk *walk = context;
	struct waiting_gap *waiting;

	if (trouble->kind == CAP_TROUBLE_FOREIGN) {
		take_foreign(walk, trouble);
		return;
	}
	waiting = walk->growing ? &walk->waiting[walk->waiting_count - 1]
				: add_gap(walk,
					  trouble->kind == CAP_TROUBLE_LOST ? KYMO_GAP_LOST
									    : KYMO_GAP_DAMAGED,
					  trouble->offset);
	walk->growing = waiting->open = walk->broken = true;
	if (trouble->block_count > 0)
		join_blocks(waiting, trouble->seq, trouble->block_count);
	if (trouble->kind == CAP_TROUBLE_LOST)
		return;
	if (waiting->gap.kind == KYMO_GAP_LOST) { /* numbers are missing before it, too */
		waiting->gap.kind = KYMO_GAP_DAMAGED;
		waiting->gap.offset = trouble->offset;
	}
	waiting->gap.size_bytes = trouble->offset + trouble->size_bytes - waiting->gap.offset;
	if (!waiting->reason[0]) {
		waiting->named = trouble->header_good;
		waiting->type = trouble->type;
		(void)snprintf(waiting->reason, sizeof(waiting->reason), "%s", trouble->text);
	}
}

/* -------- what a block says of the gaps before it -------- */

static void bound_gaps(struct kymo_walk *walk, u64 first_ns, u64 last_ns)
{
	for (size_t i = 0; i < walk->waiting_count; i++) {
		struct kymo_gap *gap = &walk->waiting[i].gap;

		if (!walk->waiting[i].open || gap->to_known || last_ns == 0)
			continue;
		/* A long call that began before the gap makes a block's first time early: then the
		 * loss is before its last time. */
		gap->to_known = true;
		gap->to_ns = !gap->from_known || first_ns > gap->from_ns ? first_ns : last_ns;
		if (gap->from_known && gap->to_ns < gap->from_ns)
			gap->to_ns = gap->from_ns;
	}
}

/* events: written since the last block that said so, without those of whole blocks. */
static void count_gaps(struct kymo_walk *walk, u64 events)
{
	struct waiting_gap *last = NULL;

	for (size_t i = 0; i < walk->waiting_count; i++) {
		if (walk->waiting[i].open)
			last = &walk->waiting[i];
	}
	if (!last)
		return;
	/* Of several gaps only the sum is known; the last one carries it. */
	last->gap.events_known = true;
	last->gap.events = events;
}

static void take_prologue(struct kymo_walk *walk, const struct cap_block *block)
{
	u64 own = block->type == CAP_BLOCK_CHUNK ? block->row_count : 0;
	u64 stored = block->totals.stored_count;

	bound_gaps(walk, block->first_ns, block->last_ns);
	if (block->last_ns > walk->last_ns) {
		walk->last_ns = block->last_ns;
		walk->times_known = true;
	}
	if (stored >= own && stored - own >= walk->stored && block->totals.attempted_count > 0) {
		count_gaps(walk, stored - own - walk->stored);
		walk->stored = stored;
		tell_all(walk);
	} else { /* a writer that says no totals */
		walk->stored += own;
		if (block->type == CAP_BLOCK_CHUNK)
			tell_all(walk);
	}
}

/* A block that counted as missing when later ones appeared. */
static void take_moved(struct kymo_walk *walk, const struct cap_block *block)
{
	u64 own = block->type == CAP_BLOCK_CHUNK ? block->row_count : 0;

	walk->counts.events_missing -=
		own < walk->counts.events_missing ? own : walk->counts.events_missing;
}

/* Totals say how many calls were counted; if rows of counts are lost with a block, the difference
 * is missing. */
static void tell_counts(struct kymo_walk *walk, u64 offset)
{
	u64 missing = kymo_counted_tally_missing(&walk->tally);
	struct kymo_gap *gap;

	if (missing == 0 || (!walk->broken && walk->counts.columns_rejected == 0))
		return;
	gap = &add_gap(walk, KYMO_GAP_LOST, offset)->gap;
	gap->from_known = false;
	gap->counts = gap->events_known = true;
	gap->events = missing;
	(void)snprintf(gap->text, sizeof(gap->text),
		       "some of the missing blocks held counts of system calls: %" PRIu64
		       " calls are missing",
		       missing);
}

/* END says how much there was: checked if nothing is missing. */
static void take_end(struct kymo_walk *walk, const struct cap_block *block)
{
	struct cap_block_bytes bytes;
	u64 rows;

	cap_reader_block_bytes(walk->reader, &bytes);
	if (bytes.plain_len < CAP_END_BYTES)
		return;
	walk->ended = true;
	rows = cap_load_u64(bytes.plain + 16);
	if (rows >= walk->stored)
		count_gaps(walk, rows - walk->stored);
	tell_all(walk);
	tell_counts(walk, block->offset);
	if (!walk->broken && !walk->unknown && rows != walk->seen) {
		struct kymo_gap *gap = add_fact(walk, KYMO_GAP_LOST, block);

		gap->events_known = rows > walk->seen;
		gap->events = rows - walk->seen;
		(void)snprintf(gap->text, sizeof(gap->text),
			       "END counts %" PRIu64 " events; the blocks before it hold %" PRIu64,
			       rows, walk->seen);
	}
}

static void finish_capture(struct kymo_walk *walk, u64 offset)
{
	struct kymo_gap *gap;

	if (!walk->started || walk->ended)
		return;
	if (walk->waiting_count > 0) { /* half a block before the end */
		gap = &walk->waiting[walk->waiting_count - 1].gap;
		if (gap->offset + gap->size_bytes > offset)
			offset = gap->offset + gap->size_bytes;
	}
	tell_all(walk);
	tell_counts(walk, offset);
	gap = &add_gap(walk, KYMO_GAP_CUT, offset)->gap;
	(void)snprintf(gap->text, sizeof(gap->text),
		       "no END: cut off, or its recorder was killed; what came after is unknown");
	tell_all(walk);
}

static void begin_capture(struct kymo_walk *walk, const struct cap_block *block)
{
	finish_capture(walk, block->offset);
	walk->counts.captures++;
	walk->started = true;
	walk->ended = walk->times_known = walk->unknown = false;
	walk->broken = walk->growing;
	walk->file_id = block->file_id;
	walk->last_ns = walk->stored = walk->seen = 0;
	kymo_counted_tally_begin(&walk->tally);
}

/* -------- rows -------- */

static int reserve_values(struct kymo_walk *walk, u32 row_count, struct cap_err *err)
{
	u64 *values;

	if (row_count <= walk->value_capacity)
		return 0;
	values = realloc(walk->values, row_count * sizeof(*values));
	if (!values)
		return cap_fail(err, -ENOMEM, "out of memory");
	walk->values = values;
	walk->value_capacity = row_count;
	return 0;
}

static int decode_section(struct kymo_walk *walk, struct kymo_walk_block *at,
			  const struct cap_section *section, struct cap_err *err)
{
	struct kymo_gap *gap;
	int rc = reserve_values(walk, section->row_count, err);

	if (!section->type) {
		gap = add_fact(walk, KYMO_GAP_UNKNOWN, &at->block);
		(void)snprintf(gap->text, sizeof(gap->text),
			       "%" PRIu32 " rows of unknown type %" PRIu32, section->row_count,
			       section->type_id);
	}
	for (u32 i = 0; rc == 0 && i < section->column_count; i++) {
		const struct cap_column *column = &section->columns[i];

		walk->counts.columns++;
		if (cap_column_decode(&at->rows, section, column, walk->values) == 0)
			continue;
		at->columns_rejected++;
		gap = add_fact(walk, KYMO_GAP_DAMAGED, &at->block);
		gap->events_known = true;
		(void)snprintf(gap->text, sizeof(gap->text), "column %s.%s cannot be decoded",
			       section->type ? section->type->name : "?",
			       column->field ? column->field->name : "?");
	}
	return rc;
}

/* The reader's message without the file's name, which every line would repeat. */
static void name_reason(const struct cap_block *block, const char *message, char *ret_text)
{
	char prefix[40];
	const char *fact;

	(void)snprintf(prefix, sizeof(prefix), "block %" PRIu64 ": ", block->seq);
	fact = strstr(message, prefix);
	(void)snprintf(ret_text, KYMO_GAP_TEXT_BYTES, "block %" PRIu64 " (%s): %.*s", block->seq,
		       cap_block_name(block->type), REASON_BYTES,
		       fact ? fact + strlen(prefix) : message);
}

static int tally_counts(struct kymo_walk *walk, const struct kymo_walk_block *at,
			struct cap_err *err)
{
	u64 calls;

	if (kymo_counted_tally_rows(&walk->tally, &at->rows, &calls) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	walk->counts.calls_counted += calls;
	return 0;
}

/* 1: at->rows is available; 0: it cannot be read, which is reported; -ENOMEM. */
static int read_rows(struct kymo_walk *walk, struct kymo_walk_block *at, struct cap_err *err)
{
	bool is_chunk = at->block.type == CAP_BLOCK_CHUNK;
	struct cap_err reason = {0};
	struct kymo_gap *gap;
	int rc = cap_reader_rows(walk->reader, &at->rows, &reason);

	if (rc == -ENOMEM)
		return cap_fail(err, rc, "%s", reason.text);
	at->rows_decoded = rc >= 0;
	if (rc >= 0)
		return 1;
	gap = add_fact(walk, KYMO_GAP_DAMAGED, &at->block);
	gap->events_known = true;
	gap->events = is_chunk ? at->block.row_count : 0;
	name_reason(&at->block, reason.text, gap->text);
	walk->broken = true;
	return 0;
}

static int decode_rows(struct kymo_walk *walk, struct kymo_walk_block *at, struct cap_err *err)
{
	u64 guessed = cap_reader_damage(walk->reader)->blocks_schema_unknown;
	struct { /* tables of the block: what their rows do that have defects */
		u32 defects;
		const char *what;
	} tables[] = {{0, "stacks refer to"},
		      {0, "words of stacks refer to"},
		      {0, "copies of stacks refer to"}};
	struct kymo_gap *gap;
	int rc = read_rows(walk, at, err);

	if (rc <= 0)
		return rc;
	tables[0].defects = at->rows.stack_defects;
	tables[1].defects = at->rows.word_defects;
	tables[2].defects = at->rows.copy_defects;
	rc = 0;
	if (cap_reader_damage(walk->reader)->blocks_schema_unknown > guessed) {
		gap = add_fact(walk, KYMO_GAP_UNKNOWN, &at->block);
		(void)snprintf(gap->text, sizeof(gap->text),
			       "its schema is missing, and not that of a known release");
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].defects == 0)
			continue;
		at->columns_rejected++;
		gap = add_fact(walk, KYMO_GAP_DAMAGED, &at->block);
		gap->events_known = true;
		(void)snprintf(gap->text, sizeof(gap->text), "%" PRIu32 " %s missing entries",
			       tables[i].defects, tables[i].what);
	}
	for (u32 i = 0; rc == 0 && i < at->rows.section_count; i++)
		rc = decode_section(walk, at, &at->rows.sections[i], err);
	walk->counts.columns_rejected += at->columns_rejected;
	if (rc == 0)
		rc = tally_counts(walk, at, err);
	return rc;
}

/* Without decode: reads only the counts in the few blocks of counters. */
static int count_rows(struct kymo_walk *walk, struct kymo_walk_block *at, struct cap_err *err)
{
	int rc = read_rows(walk, at, err);

	return rc <= 0 ? rc : tally_counts(walk, at, err);
}

static int take_rows(struct kymo_walk *walk, struct kymo_walk_block *at, struct cap_err *err)
{
	bool counted = true;
	struct kymo_gap *gap;
	int rc = 0;

	if (at->block.replica)
		return 0; /* it repeats rows, it adds none */
	if (at->moved)
		take_moved(walk, &at->block);
	else
		take_prologue(walk, &at->block);
	if (walk->options.decode || at->block.type == CAP_BLOCK_STATS) {
		rc = walk->options.decode ? decode_rows(walk, at, err) : count_rows(walk, at, err);
		counted = at->rows_decoded;
	} else if (at->block.plain_len < CAP_PROLOGUE_BYTES || at->block.raw_len == 0) {
		counted = false;
		gap = add_fact(walk, KYMO_GAP_DAMAGED, &at->block);
		(void)snprintf(gap->text, sizeof(gap->text),
			       "block %" PRIu64 ": too short for a block of rows", at->block.seq);
	}
	if (counted) {
		walk->counts.rows += at->block.row_count;
		if (at->block.type == CAP_BLOCK_CHUNK) {
			walk->counts.events += at->block.row_count;
			walk->seen += at->block.row_count;
		}
	}
	return rc;
}

/* -------- walking -------- */

int kymo_walk_next(struct kymo_walk *walk, struct kymo_walk_block *ret_block, struct cap_err *err)
{
	struct kymo_walk_block at = {0};
	struct kymo_gap *gap;
	int rc = cap_reader_next(walk->reader, &at.block, err);

	if (rc == 0) {
		if (walk->options.decode)
			walk->counts.rows_unknown_type =
				cap_reader_damage(walk->reader)->rows_unknown_type;
		finish_capture(walk, walk->next_offset);
		tell_all(walk);
	}
	if (rc <= 0)
		return rc;
	if (!walk->started || at.block.file_id != walk->file_id) {
		at.begins = true;
		begin_capture(walk, &at.block);
	}
	at.moved = !at.begins && at.block.seq < walk->next_seq;
	if (!at.moved)
		walk->next_seq = at.block.seq + 1;
	walk->growing = false;
	walk->next_offset = at.block.offset + at.block.size_bytes;
	rc = 0;
	if (cap_block_holds_rows(at.block.type))
		rc = take_rows(walk, &at, err);
	else if (at.block.type == CAP_BLOCK_END)
		take_end(walk, &at.block);
	else if (strcmp(cap_block_name(at.block.type), "unknown") == 0 && !at.block.skippable) {
		walk->unknown = true;
		gap = add_fact(walk, KYMO_GAP_UNKNOWN, &at.block);
		(void)snprintf(gap->text, sizeof(gap->text),
			       "block type %" PRIu32 " is unknown to this version", at.block.type);
	}
	if (rc < 0)
		return rc;
	*ret_block = at;
	return 1;
}

int kymo_walk_new(struct cap_reader *reader, const struct kymo_walk_options *options,
		  struct kymo_walk **ret_walk, struct cap_err *err)
{
	CLEANUP(kymo_walk_freep) struct kymo_walk *walk = calloc(1, sizeof(*walk));
	int rc;

	if (!walk)
		return cap_fail(err, -ENOMEM, "out of memory");
	walk->reader = reader;
	walk->options = *options;
	rc = cap_reader_rewind(reader, err);
	if (rc < 0)
		return rc;
	cap_reader_tell(reader, on_trouble, walk);
	*ret_walk = TAKE(walk);
	return 0;
}

struct kymo_walk *kymo_walk_free(struct kymo_walk *walk)
{
	if (!walk)
		return NULL;
	cap_reader_tell(walk->reader, NULL, NULL);
	free(walk->values);
	kymo_counted_tally_done(&walk->tally);
	free(walk);
	return NULL;
}

void kymo_walk_freep(struct kymo_walk **walk)
{
	*walk = kymo_walk_free(*walk);
}

const struct kymo_walk_counts *kymo_walk_counts(const struct kymo_walk *walk)
{
	return &walk->counts;
}

bool kymo_walk_is_whole(const struct kymo_walk *walk)
{
	return !walk->counts.gaps[KYMO_GAP_DAMAGED] && !walk->counts.gaps[KYMO_GAP_LOST] &&
	       !walk->counts.gaps[KYMO_GAP_CUT];
}
