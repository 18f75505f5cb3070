/*
 * A line keeps the address space of one moment as a sorted list of ranges and moves it forward on
 * demand. Samples come almost in time order, so going back (which starts over) is rare. Hostile
 * captures could make it common: total work is bounded, and beyond the bound everything is unknown.
 */
#include "analyzer/capture/mapping_timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"

/*
 * Before 1.4, an exec has the time of its end, and the kernel maps the new program before that:
 * there it can only be guessed which mappings belong to what follows, as those shortly before it.
 * In that time the process does nothing else; 100 ms allows for a program on a slow disk.
 */
#define EXEC_WINDOW_NS 100000000ull
#define MAX_FORK_DEPTH 64u
#define MOVED_RANGES_PER_WORK 8u       /* that take about as long as one event */
#define MAX_CACHED_RANGES (1ull << 16) /* in the current states of all lines: 2 MiB */

enum line_event_kind {
	LINE_EXEC = 0,
	LINE_FORK,
	LINE_KEYFRAME,
	LINE_MAP
}; /* order at equal times */

struct line_event {
	u64 time_ns;
	u64 seq; /* order of adding */
	enum line_event_kind kind;
	u32 parent_tgid; /* LINE_FORK */
	bool at_begin;	 /* LINE_EXEC: its mappings come after it */
	struct kymo_mapping mapping;
};

struct ranges {
	struct kymo_mapping *list; /* sorted, disjoint */
	size_t count, capacity;
};

struct line {
	u32 tgid;
	u32 first_epoch; /* epoch of "before the first event" */
	struct line_event *events;
	size_t count, capacity;
	struct ranges now; /* after the first `applied` events */
	size_t applied;
	bool valid; /* `now` means something */
};

struct kymo_mappings {
	struct line *lines;
	size_t count, capacity;
	struct cap_word_map by_tgid; /* index + 1 */
	u64 next_seq;
	u64 work, max_work; /* events applied, and ranges moved in their share */
	u64 cached_ranges;
	bool failed; /* an address space could not be built: out of memory */
};

struct kymo_mappings *kymo_mappings_new(void)
{
	struct kymo_mappings *mappings = calloc(1, sizeof(*mappings));

	if (mappings)
		mappings->max_work = UINT64_MAX;
	return mappings;
}

void kymo_mappings_bound(struct kymo_mappings *mappings, u64 max_work)
{
	mappings->max_work = max_work;
}

struct kymo_mappings *kymo_mappings_free(struct kymo_mappings *mappings)
{
	if (!mappings)
		return NULL;
	for (size_t i = 0; i < mappings->count; i++) {
		free(mappings->lines[i].events);
		free(mappings->lines[i].now.list);
	}
	free(mappings->lines);
	cap_word_map_done(&mappings->by_tgid);
	free(mappings);
	return NULL;
}

static struct line *find_line(const struct kymo_mappings *mappings, u32 tgid)
{
	u32 index = cap_word_map_get(&mappings->by_tgid, tgid, 0);

	return index ? &mappings->lines[index - 1] : NULL;
}

static struct line *make_line(struct kymo_mappings *mappings, u32 tgid)
{
	struct line *line = find_line(mappings, tgid);

	if (line)
		return line;
	if (mappings->count == mappings->capacity) {
		size_t capacity = mappings->capacity ? mappings->capacity * 2 : 64;
		struct line *lines = realloc(mappings->lines, capacity * sizeof(*lines));

		if (!lines)
			return NULL;
		mappings->lines = lines;
		mappings->capacity = capacity;
	}
	if (cap_word_map_put(&mappings->by_tgid, tgid, 0, (u32)mappings->count + 1) < 0)
		return NULL;
	line = &mappings->lines[mappings->count++];
	*line = (struct line){.tgid = tgid};
	return line;
}

static int add_event(struct kymo_mappings *mappings, u32 tgid, const struct line_event *event)
{
	struct line *line = make_line(mappings, tgid);

	if (!line)
		return -ENOMEM;
	if (line->count == line->capacity) {
		size_t capacity = line->capacity ? line->capacity * 2 : 4;
		struct line_event *events = realloc(line->events, capacity * sizeof(*events));

		if (!events)
			return -ENOMEM;
		line->events = events;
		line->capacity = capacity;
	}
	line->events[line->count] = *event;
	line->events[line->count++].seq = mappings->next_seq++;
	return 0;
}

int kymo_mappings_add(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, bool keyframe,
		      const struct kymo_mapping *mapping)
{
	if (mapping->end <= mapping->start)
		return 0;
	return add_event(mappings, tgid,
			 &(struct line_event){.time_ns = time_ns,
					      .kind = keyframe ? LINE_KEYFRAME : LINE_MAP,
					      .mapping = *mapping});
}

int kymo_mappings_add_exec(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, bool at_begin)
{
	return add_event(
		mappings, tgid,
		&(struct line_event){.time_ns = time_ns, .kind = LINE_EXEC, .at_begin = at_begin});
}

int kymo_mappings_add_fork(struct kymo_mappings *mappings, u32 child_tgid, u32 parent_tgid,
			   u64 time_ns)
{
	return add_event(mappings, child_tgid,
			 &(struct line_event){.time_ns = time_ns,
					      .kind = LINE_FORK,
					      .parent_tgid = parent_tgid});
}

/* -------- order -------- */

static int compare_events(const void *left, const void *right)
{
	const struct line_event *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/*
 * Moves each exec that has the time of its end before the mappings it made, and each key-frame back
 * to the creation of its address space: as far as is known, what was "already there" was there
 * since then.
 */
static void settle_line(struct line *line)
{
	u64 birth_ns = 0; /* of the address space we are in */
	size_t birth_index = 0;

	for (size_t i = 0; i < line->count; i++) {
		struct line_event *event = &line->events[i];

		if (event->kind == LINE_EXEC && !event->at_begin) {
			size_t first = i;

			while (first > birth_index && line->events[first - 1].kind == LINE_MAP &&
			       event->time_ns - line->events[first - 1].time_ns <= EXEC_WINDOW_NS)
				first--;
			event->time_ns = line->events[first].time_ns;
		}
		if (event->kind == LINE_KEYFRAME) {
			event->time_ns = birth_ns;
		} else if (event->kind != LINE_MAP) {
			birth_ns = event->time_ns;
			birth_index = i + 1;
		}
	}
}

void kymo_mappings_seal(struct kymo_mappings *mappings)
{
	u32 epoch = 1;

	for (size_t i = 0; i < mappings->count; i++) {
		struct line *line = &mappings->lines[i];

		qsort(line->events, line->count, sizeof(*line->events), compare_events);
		settle_line(line);
		qsort(line->events, line->count, sizeof(*line->events), compare_events);
		line->first_epoch = epoch;
		epoch += (u32)line->count + 1;
	}
}

/* Events that happened up to and including time_ns. */
static size_t events_until(const struct line *line, u64 time_ns)
{
	size_t low = 0, high = line->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (line->events[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

u32 kymo_mappings_epoch(struct kymo_mappings *mappings, u32 tgid, u64 time_ns)
{
	const struct line *line = find_line(mappings, tgid);

	return line ? line->first_epoch + (u32)events_until(line, time_ns) : 0;
}

/* -------- ranges -------- */

static int reserve_ranges(struct ranges *ranges, size_t count)
{
	size_t capacity = ranges->capacity ? ranges->capacity : 4;
	struct kymo_mapping *list;

	if (count <= ranges->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	list = realloc(ranges->list, capacity * sizeof(*list));
	if (!list)
		return -ENOMEM;
	ranges->list = list;
	ranges->capacity = capacity;
	return 0;
}

/* First range that ends after address. */
static size_t range_after(const struct ranges *ranges, u64 address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->list[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#define HUGE_PAGE_BYTES (2ull << 20)

/*
 * Anonymous memory exactly over code of a file, or over huge pages of it: a program that moves its
 * code to such memory, for huge pages as a rule, presumably still runs that code. Memory that a
 * compiler at run time gets where a library was before lies there by chance only.
 */
static bool is_moved_code(const struct ranges *ranges, size_t first,
			  const struct kymo_mapping *mapping)
{
	const struct kymo_mapping *there;

	if (!mapping->anonymous || first == ranges->count)
		return false;
	there = &ranges->list[first];
	if (there->anonymous || there->start > mapping->start || there->end < mapping->end)
		return false;
	return (there->start == mapping->start && there->end == mapping->end) ||
	       (mapping->start % HUGE_PAGE_BYTES == 0 && mapping->end % HUGE_PAGE_BYTES == 0);
}

/* Puts a mapping over whatever was there; *ret_moved ranges made room for it. */
static int overlay(struct ranges *ranges, const struct kymo_mapping *mapping, size_t *ret_moved)
{
	size_t first = range_after(ranges, mapping->start), last = first;
	struct kymo_mapping pieces[3];
	size_t piece_count = 0;

	if (is_moved_code(ranges, first, mapping))
		return 0;
	while (last < ranges->count && ranges->list[last].start < mapping->end)
		last++;
	if (first < last && ranges->list[first].start < mapping->start) {
		pieces[piece_count] = ranges->list[first];
		pieces[piece_count++].end = mapping->start;
	}
	pieces[piece_count++] = *mapping;
	if (first < last && ranges->list[last - 1].end > mapping->end) {
		pieces[piece_count] = ranges->list[last - 1];
		pieces[piece_count].file_offset += mapping->end - pieces[piece_count].start;
		pieces[piece_count++].start = mapping->end;
	}
	if (reserve_ranges(ranges, ranges->count + piece_count) < 0)
		return -ENOMEM;
	memmove(ranges->list + first + piece_count, ranges->list + last,
		(ranges->count - last) * sizeof(*ranges->list));
	memcpy(ranges->list + first, pieces, piece_count * sizeof(*pieces));
	*ret_moved = ranges->count - last;
	ranges->count = ranges->count - (last - first) + piece_count;
	return 0;
}

/* -------- moving in time -------- */

static struct line *line_at(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, unsigned depth);

static void reset_line(struct kymo_mappings *mappings, struct line *line)
{
	mappings->cached_ranges -= line->now.count;
	line->now.count = 0;
	line->applied = 0;
	line->valid = true;
}

static int copy_parent(struct kymo_mappings *mappings, struct line *line,
		       const struct line_event *event, unsigned depth)
{
	struct line *parent =
		event->parent_tgid == line->tgid || depth >= MAX_FORK_DEPTH
			? NULL
			: line_at(mappings, event->parent_tgid, event->time_ns, depth + 1);

	line->now.count = 0;
	if (!parent)
		return 0;
	if (reserve_ranges(&line->now, parent->now.count) < 0)
		return -ENOMEM;
	if (parent->now.count > 0)
		memcpy(line->now.list, parent->now.list,
		       parent->now.count * sizeof(*line->now.list));
	line->now.count = parent->now.count;
	return 0;
}

static int apply_event(struct kymo_mappings *mappings, struct line *line,
		       const struct line_event *event, unsigned depth)
{
	size_t before = line->now.count, moved = 0;
	int rc = 0;

	if (event->kind == LINE_EXEC)
		line->now.count = 0;
	else if (event->kind == LINE_FORK)
		rc = copy_parent(mappings, line, event, depth);
	else
		rc = overlay(&line->now, &event->mapping, &moved);
	if (event->kind == LINE_FORK)
		moved = line->now.count;
	mappings->work += 1 + moved / MOVED_RANGES_PER_WORK;
	mappings->cached_ranges += line->now.count - before;
	return rc;
}

/* Drops the states of all other lines; they are rebuilt when asked. */
static void drop_states(struct kymo_mappings *mappings, const struct line *keep)
{
	for (size_t i = 0; i < mappings->count; i++) {
		struct line *line = &mappings->lines[i];

		if (line == keep || !line->valid)
			continue;
		mappings->cached_ranges -= line->now.count;
		free(line->now.list);
		line->now = (struct ranges){0};
		line->applied = 0;
		line->valid = false;
	}
}

/* The line with `now` being its address space at time_ns; NULL if nothing is known. */
static struct line *line_at(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, unsigned depth)
{
	struct line *line = find_line(mappings, tgid);
	size_t wanted;

	if (!line || mappings->work > mappings->max_work)
		return NULL;
	wanted = events_until(line, time_ns);
	if (!line->valid || line->applied > wanted) {
		reset_line(mappings, line);
		/* nothing before the last exec or birth counts */
		for (size_t i = wanted; i > 0; i--) {
			if (line->events[i - 1].kind == LINE_EXEC ||
			    line->events[i - 1].kind == LINE_FORK) {
				line->applied = i - 1;
				break;
			}
		}
	}
	while (line->applied < wanted) {
		/* a fork line may ask this one again through a cycle of parents: count first */
		const struct line_event *event = &line->events[line->applied++];

		if (apply_event(mappings, line, event, depth) < 0) {
			mappings->failed = true;
			line->valid = false;
			return NULL;
		}
		if (mappings->work > mappings->max_work)
			return NULL;
	}
	if (depth == 0 && mappings->cached_ranges > MAX_CACHED_RANGES)
		drop_states(mappings, line);
	return line;
}

bool kymo_mappings_find(struct kymo_mappings *mappings, u32 tgid, u64 time_ns, u64 address,
			struct kymo_mapping *ret_mapping)
{
	const struct line *line = line_at(mappings, tgid, time_ns, 0);
	size_t at;

	if (!line)
		return false;
	at = range_after(&line->now, address);
	if (at == line->now.count || line->now.list[at].start > address)
		return false;
	*ret_mapping = line->now.list[at];
	return true;
}

bool kymo_mappings_failed(const struct kymo_mappings *mappings)
{
	return mappings->failed;
}
