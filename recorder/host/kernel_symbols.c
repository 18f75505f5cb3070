/*
 * Names for the kernel addresses that were hit. The asker is asked first. What it does not know is
 * looked up in /proc/kallsyms, read once as a stream in any order: each symbol goes into the gap
 * between two neighbouring hits, of which only its highest symbol (the one that holds the next hit)
 * and its lowest (where the one before ends) are kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/kernel_map_state.h"
#include "recorder/host/maps_parse.h"

#define MAX_DYNAMIC_BYTES \
	(1u << 20) /* a BPF program; past its end there may be something without a name */

struct gap {		     /* symbols in (hit before, this hit] */
	u64 lowest, highest; /* 0: none */
	char *name;	     /* of highest */
	u32 name_size;
	bool is_weak;
};

struct symbol_search {
	u64 *hits;	  /* sorted, without repetitions */
	struct gap *gaps; /* hit_count + 1: the last one is past all hits */
	size_t hit_count;
};

static void search_done(struct symbol_search *search)
{
	if (search->gaps)
		for (size_t i = 0; i <= search->hit_count; i++)
			free(search->gaps[i].name);
	free(search->gaps);
	free(search->hits);
}

static int by_value(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

/* If a call does not return, its return address may be the start of the next function: the byte
 * before is looked up, too. */
static int search_init(struct symbol_search *search, const struct rec_kernel_hits *hits)
{
	size_t count = 0;

	search->hits = malloc(2 * hits->pending_count * sizeof(*search->hits));
	if (!search->hits)
		return -ENOMEM;
	for (size_t i = 0; i < hits->pending_count; i++) {
		search->hits[2 * i] = hits->pending[i];
		search->hits[2 * i + 1] = hits->pending[i] - 1;
	}
	qsort(search->hits, 2 * hits->pending_count, sizeof(*search->hits), by_value);
	for (size_t i = 0; i < 2 * hits->pending_count; i++)
		if (!count || search->hits[count - 1] != search->hits[i])
			search->hits[count++] = search->hits[i];
	search->hit_count = count;
	search->gaps = calloc(count + 1, sizeof(*search->gaps));
	return search->gaps ? 0 : -ENOMEM;
}

/* The first hit at or after the address; hit_count if there is none. */
static size_t find_gap(const struct symbol_search *search, u64 address)
{
	size_t low = 0, high = search->hit_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->hits[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Preference among several names of one address: not a section marker, not weak, few underscores;
 * else the first. */
static bool is_better_name(const struct gap *gap, const struct rec_kallsym *symbol)
{
	bool is_weak = symbol->type == 'w' || symbol->type == 'W';

	if (!strcmp(gap->name, "_stext") || !strcmp(gap->name, "_text"))
		return true;
	if (!strcmp(symbol->name, "_stext") || !strcmp(symbol->name, "_text"))
		return false;
	if (gap->is_weak != is_weak)
		return gap->is_weak;
	return strspn(symbol->name, "_") < strspn(gap->name, "_");
}

static int keep_name(struct gap *gap, const struct rec_kallsym *symbol)
{
	u32 bytes = (u32)strlen(symbol->name) + 1;

	if (bytes > gap->name_size) {
		u32 size = (bytes + 31) & ~31u;
		char *larger = realloc(gap->name, size);

		if (!larger)
			return -ENOMEM;
		gap->name = larger;
		gap->name_size = size;
	}
	memcpy(gap->name, symbol->name, bytes);
	gap->highest = symbol->address;
	gap->is_weak = symbol->type == 'w' || symbol->type == 'W';
	return 0;
}

static int take_symbol(struct symbol_search *search, const struct rec_kallsym *symbol)
{
	size_t at = find_gap(search, symbol->address);
	struct gap *gap = &search->gaps[at];

	if (!gap->lowest || symbol->address < gap->lowest)
		gap->lowest = symbol->address;
	if (at == search->hit_count) /* past all hits: it only ends the one before */
		return 0;
	if (!gap->name || symbol->address > gap->highest ||
	    (symbol->address == gap->highest && is_better_name(gap, symbol)))
		return keep_name(gap, symbol);
	return 0;
}

/* Text of the kernel, a module or "[bpf]" according to kallsyms; not boot code, which is gone. */
static bool is_wanted(const struct rec_kernel_map *map, const struct rec_kallsym *symbol)
{
	bool in_kernel = symbol->address >= map->kernel.start && symbol->address < map->kernel.end;

	return symbol->address && strchr("tTwW", symbol->type) && in_kernel == !symbol->module;
}

static int read_symbols(const struct rec_kernel_map *map, struct symbol_search *search,
			struct cap_err *err)
{
	struct rec_line_reader lines;
	char *line;
	int rc;

	if (lseek(map->kallsyms_fd, 0, SEEK_SET) < 0)
		return cap_fail_errno(err, errno, "kernel symbols: read '%s'", map->paths.kallsyms);
	rec_lines_init(&lines, map->kallsyms_fd);
	while ((rc = rec_lines_next(&lines, &line)) > 0) {
		struct rec_kallsym symbol;

		if (rec_kallsyms_parse_line(line, &symbol) < 0 || !is_wanted(map, &symbol))
			continue;
		if (take_symbol(search, &symbol) < 0)
			return cap_fail(err, -ENOMEM, "kernel symbols: out of memory");
	}
	return rc < 0 ? cap_fail_errno(err, -rc, "kernel symbols: read '%s'", map->paths.kallsyms)
		      : 0;
}

/* End of the function that starts at `start`; next_start: the lowest symbol after it, 0 if there is
 * none. */
static u64 symbol_end(const struct rec_kernel_object *object, u64 start, u64 next_start)
{
	u64 end = object ? object->end : start + MAX_DYNAMIC_BYTES;

	return next_start > start && next_start < end ? next_start : end;
}

/*
 * Whether the symbol at start is of the object the hit is in: the one below may be of another, and
 * the hit then has no name. Dynamic symbols must also be near what was seen, or their offset would
 * reveal the distance between text and modules.
 */
static bool is_of_hit(const struct rec_kernel_map *map, u64 hit, u64 start)
{
	const struct rec_kernel_object *object = rec_kernel_map_object(map, hit);
	u64 base = map->hits->dynamic_base;

	if (object != rec_kernel_map_object(map, start))
		return false;
	return object || (base && start - base < 2 * REC_DYNAMIC_ROOM_BYTES);
}

static int add_symbol_row(struct rec_kernel_map *map, struct cap_chunk *chunk,
			  const struct rec_kernel_symbol *symbol)
{
	const struct rec_kernel_object *object = rec_kernel_map_object(map, symbol->start);
	u64 base = object ? object->start : map->hits->dynamic_base;
	u64 end = symbol_end(object, symbol->start, symbol->start + symbol->size_bytes);
	const char *name = object ? object->name : REC_DYNAMIC_OBJECT;
	struct ev_symbol row = {
		.offset_bytes = symbol->start - base,
		.size_bytes = end - symbol->start,
	};

	row.object = cap_chunk_string(chunk, name, strlen(name));
	row.name = cap_chunk_string(chunk, symbol->name, strlen(symbol->name));
	if (object && object->build_id_bytes)
		row.build_id = cap_chunk_string(chunk, object->build_id, object->build_id_bytes);
	return cap_chunk_add(chunk, EV_SYMBOL, &row);
}

/* The symbol is the one at or below the hit. 1: a row was added; 0: there is one already, or the
 * symbol is not the hit's; or negative. */
static int name_hit(struct rec_kernel_map *map, struct cap_chunk *chunk, u64 hit,
		    const struct rec_kernel_symbol *symbol)
{
	int rc;

	if (!is_of_hit(map, hit, symbol->start) ||
	    !rec_kernel_hit_is_new(&map->hits->emitted, symbol->start))
		return 0;
	rc = add_symbol_row(map, chunk, symbol);
	return rc < 0 ? rc : 1;
}

/* From high to low, so that the lowest symbol above each gap is known. Rows added or negative. */
static int emit(struct rec_kernel_map *map, struct symbol_search *search, struct cap_chunk *chunk)
{
	u64 next_start = search->gaps[search->hit_count].lowest;
	int rows = 0;

	for (size_t i = search->hit_count; i-- > 0;) {
		const struct gap *gap = &search->gaps[i];
		struct rec_kernel_symbol symbol = {.start = gap->highest, .name = gap->name};
		int rc;

		if (!gap->name)
			continue;
		if (next_start > gap->highest)
			symbol.size_bytes = next_start - gap->highest;
		rc = name_hit(map, chunk, search->hits[i], &symbol);
		if (rc < 0)
			return rc;
		rows += rc;
		next_start = gap->lowest;
	}
	return rows;
}

/* ---- By /proc/kallsyms ---- */

static int find_names(struct rec_kernel_map *map, struct cap_chunk *chunk, struct cap_err *err)
{
	CLEANUP(search_done) struct symbol_search search = {0};
	int rc;

	if (search_init(&search, map->hits) < 0)
		return cap_fail(err, -ENOMEM, "kernel symbols: out of memory");
	rc = read_symbols(map, &search, err);
	if (rc < 0)
		return rc;
	rc = emit(map, &search, chunk);
	return rc < 0 ? cap_fail(err, rc, "kernel symbols: rows do not fit") : rc;
}

/* ---- By the asker ---- */

struct asking {
	struct rec_kernel_map *map;
	struct cap_chunk *chunk;
	size_t told_count;
	u64 *before; /* what is at the start of a function: the byte before it; NULL: not wanted */
	size_t before_count;
	int rows, rc;
};

static void take_answer(void *context, const struct rec_kernel_symbol *symbol)
{
	struct asking *asking = context;
	u64 hit = asking->map->hits->pending[asking->told_count++];
	int rc;

	if (!symbol || asking->rc < 0)
		return;
	if (asking->before && symbol->start == hit)
		asking->before[asking->before_count++] = hit - 1;
	rc = name_hit(asking->map, asking->chunk, hit, symbol);
	if (rc < 0)
		asking->rc = rc;
	else
		asking->rows += rc;
}

/* Removes answered addresses from the pending ones and adds those that follow from the answers. */
static void ask(struct asking *asking)
{
	const struct rec_kernel_asker *asker = asking->map->asker;
	struct rec_kernel_hits *hits = asking->map->hits;
	size_t rest;

	asking->told_count = asking->before_count = 0;
	(void)asker->name_all(asker->context, hits->pending, hits->pending_count, take_answer,
			      asking);
	rest = hits->pending_count - asking->told_count;
	memmove(hits->pending, hits->pending + asking->told_count, rest * sizeof(*hits->pending));
	if (asking->before_count)
		memcpy(hits->pending + rest, asking->before,
		       asking->before_count * sizeof(*asking->before));
	hits->pending_count = rest + asking->before_count;
}

/* Unanswered addresses stay pending. Rows added or negative. */
static int ask_names(struct rec_kernel_map *map, struct cap_chunk *chunk, struct cap_err *err)
{
	CLEANUP(cap_freep) u64 *before = malloc(map->hits->pending_count * sizeof(*before));
	struct asking asking = {.map = map, .chunk = chunk, .before = before};

	if (!before)
		return cap_fail(err, -ENOMEM, "kernel symbols: out of memory");
	ask(&asking);
	asking.before = NULL;
	if (asking.rc == 0 && map->hits->pending_count > 0)
		ask(&asking);
	return asking.rc < 0 ? cap_fail(err, asking.rc, "kernel symbols: rows do not fit")
			     : asking.rows;
}

int rec_kernel_map_symbols(struct rec_kernel_map *map, struct cap_chunk *chunk, struct cap_err *err)
{
	int rows = 0, rc;

	if (map->hits->pending_count && map->asker)
		rows = ask_names(map, chunk, err);
	if (rows < 0 || !map->hits->pending_count)
		return rows;
	rc = find_names(map, chunk, err);
	if (rc < 0)
		return rc;
	map->hits->pending_count = 0;
	return rows + rc;
}
