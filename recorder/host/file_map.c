/* A process has its own ranges and, until they are dropped, those of the process that forked it. */
#include "recorder/host/file_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/word_map.h"

#define MAX_RANGES (256u << 10) /* of all processes: 8 MiB */
#define MAX_RANGES_EACH 4096u	/* of one: a browser has some hundred */
#define MAX_ANCESTORS 16u
#define MAX_TEXT_BYTES (4u << 20) /* paths and build-ids of all objects */
#define COMPAT_END (1ull << 32)	  /* where a 32-bit program has its vDSO, which is another one */

struct code_range {
	u64 start, end;
	u64 offset; /* of start, in the file */
	u32 object;
};

struct code_space {
	u32 users; /* processes, and spaces whose parent it is */
	u32 count, capacity;
	struct code_range *ranges; /* in the order in which they came */
	struct code_space *parent;
	u32 depth; /* of parents */
};

struct code_process {
	u32 tgid;
	bool is_over, was_over; /* ended; ended before the last settling */
	struct code_space *space;
};

struct rec_file_map {
	struct rec_code_object *objects;
	size_t object_count, object_capacity;
	struct cap_word_map by_key; /* hashes of what identifies an object -> index + 1 */
	struct code_process *processes;
	size_t process_count, process_capacity;
	struct cap_word_map by_tgid; /* -> index + 1; rebuilt when processes are forgotten */
	size_t range_count, text_bytes;
	size_t over_count;
	u64 refused, seed;
};

struct rec_file_map *rec_file_map_new(void)
{
	struct rec_file_map *map = calloc(1, sizeof(*map));

	if (map)
		map->seed = cap_hash_seed();
	return map;
}

static void space_release(struct rec_file_map *map, struct code_space *space)
{
	while (space && --space->users == 0) {
		struct code_space *parent = space->parent;

		map->range_count -= space->count;
		free(space->ranges);
		free(space);
		space = parent;
	}
}

struct rec_file_map *rec_file_map_free(struct rec_file_map *map)
{
	if (!map)
		return NULL;
	for (size_t i = 0; i < map->process_count; i++)
		space_release(map, map->processes[i].space);
	for (size_t i = 0; i < map->object_count; i++)
		free((void *)map->objects[i].build_id); /* path lies behind it */
	free(map->processes);
	free(map->objects);
	cap_word_map_done(&map->by_key);
	cap_word_map_done(&map->by_tgid);
	free(map);
	return NULL;
}

/* -------- objects -------- */

static enum rec_code_kind kind_of(const struct rec_file_mapping *mapping)
{
	static const char *const none[] = {"//anon", "/memfd:",	       "/dev/zero",
					   "/SYSV",  "/anon_hugepage", "/[aio]"};

	if (mapping->path_bytes == 6 && !memcmp(mapping->path, "[vdso]", 6))
		return mapping->row->start_address < COMPAT_END ? REC_CODE_NO_FILE : REC_CODE_VDSO;
	if (mapping->path_bytes == 0 || mapping->path[0] != '/')
		return REC_CODE_NO_FILE;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (mapping->path_bytes >= strlen(none[i]) &&
		    !memcmp(mapping->path, none[i], strlen(none[i])))
			return REC_CODE_NO_FILE;
	return REC_CODE_FILE;
}

struct object_key {
	u64 a, b;
};

static struct object_key key_of(const struct rec_file_map *map,
				const struct rec_file_mapping *mapping, enum rec_code_kind kind)
{
	const struct ev_mapping *row = mapping->row;
	const u64 file[] = {row->inode, row->file_bytes, row->file_mtime_ns, row->dev_major,
			    row->dev_minor};
	bool has_build_id = mapping->build_id_bytes > 0;

	if (kind != REC_CODE_FILE)
		return (struct object_key){kind, 1};
	return (struct object_key){
		cap_hash_seeded(mapping->path, mapping->path_bytes, map->seed),
		has_build_id
			? cap_hash_seeded(mapping->build_id, mapping->build_id_bytes, map->seed) | 1
			: cap_hash_seeded(file, sizeof(file), map->seed) & ~1ull,
	};
}

static bool has_room(void **list, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *larger;

	if (count < *capacity)
		return true;
	larger = reallocarray(*list, wanted, item_bytes);
	if (!larger)
		return false;
	*list = larger;
	*capacity = wanted;
	return true;
}

static bool add_object(struct rec_file_map *map, const struct rec_file_mapping *mapping,
		       enum rec_code_kind kind)
{
	const struct ev_mapping *row = mapping->row;
	size_t bytes = mapping->build_id_bytes + mapping->path_bytes + 1;
	u8 *text;

	if (map->object_count >= REC_CODE_MAX_OBJECTS || bytes > MAX_TEXT_BYTES - map->text_bytes ||
	    !has_room((void **)&map->objects, &map->object_capacity, map->object_count,
		      sizeof(*map->objects)))
		return false;
	text = malloc(bytes);
	if (!text)
		return false;
	if (mapping->build_id_bytes)
		memcpy(text, mapping->build_id, mapping->build_id_bytes);
	if (mapping->path_bytes)
		memcpy(text + mapping->build_id_bytes, mapping->path, mapping->path_bytes);
	text[bytes - 1] = '\0';
	map->text_bytes += bytes;
	map->objects[map->object_count++] = (struct rec_code_object){
		.kind = kind,
		.tgid = mapping->tgid,
		.inode = row->inode,
		.file_bytes = row->file_bytes,
		.file_mtime_ns = row->file_mtime_ns,
		.dev_major = row->dev_major,
		.dev_minor = row->dev_minor,
		.build_id_bytes = (u32)mapping->build_id_bytes,
		.path_bytes = (u32)mapping->path_bytes,
		.build_id = text,
		.path = (const char *)text + mapping->build_id_bytes,
	};
	return true;
}

/* Its index; -1: no room. */
static s64 object_of(struct rec_file_map *map, const struct rec_file_mapping *mapping)
{
	enum rec_code_kind kind = kind_of(mapping);
	struct object_key key = key_of(map, mapping, kind);
	u64 found = cap_word_map_get(&map->by_key, key.a, key.b);

	if (found)
		return (s64)found - 1;
	if (!add_object(map, mapping, kind))
		return -1;
	if (cap_word_map_put(&map->by_key, key.a, key.b, map->object_count) < 0)
		return -1;
	return (s64)map->object_count - 1;
}

const struct rec_code_object *rec_file_map_object(const struct rec_file_map *map, u32 object)
{
	return &map->objects[object];
}

size_t rec_file_map_objects(const struct rec_file_map *map)
{
	return map->object_count;
}

/* -------- processes -------- */

static struct code_process *process_of(const struct rec_file_map *map, u32 tgid)
{
	u64 found = cap_word_map_get(&map->by_tgid, tgid, 0);

	return found ? &map->processes[found - 1] : NULL;
}

static struct code_space *space_new(struct code_space *parent)
{
	struct code_space *space = calloc(1, sizeof(*space));

	if (!space)
		return NULL;
	space->users = 1;
	if (parent && parent->depth < MAX_ANCESTORS) {
		space->parent = parent;
		space->depth = parent->depth + 1;
		parent->users++;
	}
	return space;
}

static struct code_process *make_process(struct rec_file_map *map, u32 tgid)
{
	struct code_process *process = process_of(map, tgid);
	struct code_space *space;

	if (process)
		return process;
	if (!has_room((void **)&map->processes, &map->process_capacity, map->process_count,
		      sizeof(*map->processes)))
		return NULL;
	space = space_new(NULL);
	if (!space || cap_word_map_put(&map->by_tgid, tgid, 0, map->process_count + 1) < 0) {
		free(space);
		return NULL;
	}
	process = &map->processes[map->process_count++];
	*process = (struct code_process){.tgid = tgid, .space = space};
	return process;
}

/* The same range again, as of a key-frame after the event, takes no room. */
static bool has_range(const struct code_space *space, const struct code_range *range)
{
	for (u32 i = space->count; i-- > 0;)
		if (space->ranges[i].start == range->start)
			return !memcmp(&space->ranges[i], range, sizeof(*range));
	return false;
}

static bool add_range(struct rec_file_map *map, struct code_space *space,
		      const struct code_range *range)
{
	if (has_range(space, range))
		return true;
	if (space->count == MAX_RANGES_EACH) { /* the older half is likely gone */
		space->count /= 2;
		map->range_count -= space->count;
		memmove(space->ranges, space->ranges + space->count,
			space->count * sizeof(*space->ranges));
	}
	if (map->range_count >= MAX_RANGES)
		return false;
	if (space->count == space->capacity) {
		u32 capacity = space->capacity ? space->capacity * 2 : 8;
		struct code_range *larger = reallocarray(space->ranges, capacity, sizeof(*larger));

		if (!larger)
			return false;
		space->ranges = larger;
		space->capacity = capacity;
	}
	space->ranges[space->count++] = *range;
	map->range_count++;
	return true;
}

void rec_file_map_add(struct rec_file_map *map, const struct rec_file_mapping *mapping)
{
	const struct ev_mapping *row = mapping->row;
	struct code_process *process;
	struct code_range range;
	s64 object;

	if (!map || row->size_bytes == 0 ||
	    row->start_address + row->size_bytes < row->start_address)
		return;
	object = mapping->build_id_bytes <= REC_CODE_MAX_BUILD_ID ? object_of(map, mapping) : -1;
	process = object < 0 ? NULL : make_process(map, mapping->tgid);
	memset(&range, 0, sizeof(range)); /* padding too: ranges are compared as bytes */
	range.start = row->start_address;
	range.end = row->start_address + row->size_bytes;
	range.offset = row->file_offset;
	range.object = (u32)object;
	if (!process || !add_range(map, process->space, &range))
		map->refused++;
}

void rec_file_map_fork(struct rec_file_map *map, u32 parent_tgid, u32 child_tgid)
{
	struct code_process *parent = map ? process_of(map, parent_tgid) : NULL, *child;
	struct code_space *space;

	if (!parent || parent_tgid == child_tgid)
		return;
	space = space_new(parent->space); /* before the list of processes may move */
	child = space ? make_process(map, child_tgid) : NULL;
	if (!child) {
		space_release(map, space);
		map->refused++;
		return;
	}
	if (child->is_over || child->space->count == 0) { /* else its mappings came first */
		map->over_count -= child->is_over;
		space_release(map, child->space);
		*child = (struct code_process){.tgid = child_tgid, .space = space};
	} else {
		space_release(map, space);
	}
}

void rec_file_map_exit(struct rec_file_map *map, u32 tgid)
{
	struct code_process *process = map ? process_of(map, tgid) : NULL;

	if (!process || process->is_over)
		return;
	process->is_over = true;
	map->over_count++;
}

bool rec_file_map_is_over(const struct rec_file_map *map, u32 tgid)
{
	const struct code_process *process = process_of(map, tgid);

	return !process || process->is_over;
}

void rec_file_map_settle(struct rec_file_map *map)
{
	size_t kept = 0;

	if (map->over_count == 0)
		return;
	cap_word_map_clear(&map->by_tgid);
	for (size_t i = 0; i < map->process_count; i++) {
		struct code_process process = map->processes[i];

		if (process.was_over) {
			space_release(map, process.space);
			map->over_count--;
			continue;
		}
		process.was_over = process.is_over;
		if (cap_word_map_put(&map->by_tgid, process.tgid, 0, kept + 1) < 0) {
			space_release(map, process.space);
			map->over_count -= process.is_over;
			map->refused++;
			continue;
		}
		map->processes[kept++] = process;
	}
	map->process_count = kept;
}

u64 rec_file_map_refused(const struct rec_file_map *map)
{
	return map->refused;
}

/* -------- addresses -------- */

static size_t find_in(const struct code_space *space, u64 address, struct rec_code_place *places,
		      size_t found, u64 *steps)
{
	for (u32 i = space->count; i-- > 0 && found < REC_CODE_MAX_PLACES; (*steps)++) {
		const struct code_range *range = &space->ranges[i];

		if (address < range->start || address >= range->end)
			continue;
		places[found++] = (struct rec_code_place){range->object,
							  address - range->start + range->offset};
	}
	return found;
}

size_t rec_file_map_find(struct rec_file_map *map, u32 tgid, u64 address,
			 struct rec_code_place ret_places[REC_CODE_MAX_PLACES], u64 *steps)
{
	const struct code_process *process = process_of(map, tgid);
	size_t found = 0;

	for (const struct code_space *space = process ? process->space : NULL;
	     space && found < REC_CODE_MAX_PLACES; space = space->parent)
		found = find_in(space, address, ret_places, found, steps);
	for (size_t i = 0; i < found; i++) {
		struct rec_code_object *object = &map->objects[ret_places[i].object];

		object->tgid = tgid;
		if (object->kind == REC_CODE_NO_FILE)
			ret_places[i].offset = address;
	}
	return found;
}
