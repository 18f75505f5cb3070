/* Kernel addresses to (object, offset): the base never leaves this file and kernel_symbols.c. */
#include "recorder/host/kernel_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"
#include "recorder/host/kernel_map_state.h"
#include "recorder/host/maps_parse.h"

#define KERNEL_HALF (1ull << 63)
#define MAX_MODULES 4096u
#define NOTES_BYTES 16384

static const struct rec_kernel_paths live_paths = {
	.kallsyms = "/proc/kallsyms",
	.modules = "/proc/modules",
	.notes = "/sys/kernel/notes",
	.module_dir = "/sys/module",
};

bool rec_kernel_hit_is_new(struct cap_word_map *set, u64 address)
{
	return address && set->used < REC_MAX_KERNEL_HITS && !cap_word_map_get(set, address, 0) &&
	       cap_word_map_put(set, address, 0, 1) == 0;
}

static void map_freep(struct rec_kernel_map **map)
{
	rec_kernel_map_free(*map);
}

struct rec_kernel_map *rec_kernel_map_free(struct rec_kernel_map *map)
{
	if (!map)
		return NULL;
	if (map->hits) {
		cap_word_map_done(&map->hits->seen);
		cap_word_map_done(&map->hits->emitted);
		free(map->hits->pending);
	}
	free(map->hits);
	cap_closep(&map->kallsyms_fd);
	free(map->modules);
	free(map);
	return NULL;
}

static void read_build_id(const char *path, struct rec_kernel_object *object)
{
	u8 notes[NOTES_BYTES];
	ssize_t len = rec_read_text_at(AT_FDCWD, path, (char *)notes, sizeof(notes));

	if (len > 0)
		object->build_id_bytes = rec_notes_build_id(notes, (size_t)len, object->build_id);
}

/* "name size users dependents state 0xaddress [(taints)]" */
static bool parse_module(char *line, struct rec_kernel_object *ret_module)
{
	struct rec_kernel_object module = {0};
	char *rest = NULL, *word = strtok_r(line, " ", &rest);
	u64 size_bytes = 0;

	for (int field = 0; word; field++, word = strtok_r(NULL, " ", &rest)) {
		if (field == 0) {
			if (strlen(word) >= sizeof(module.name) || strchr(word, '/'))
				return false;
			memcpy(module.name, word, strlen(word) + 1);
		} else if (field == 1) {
			size_bytes = strtoull(word, NULL, 10);
		} else if (field == 5) {
			module.start = strtoull(word, NULL, 16);
		}
	}
	if (!module.start || !size_bytes ||
	    __builtin_add_overflow(module.start, size_bytes, &module.end))
		return false; /* hidden by kptr_restrict, or going away */
	*ret_module = module;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct rec_kernel_object *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static int add_module(struct rec_kernel_map *map, const struct rec_kernel_object *module)
{
	struct rec_kernel_object *larger;

	if (map->module_count == MAX_MODULES)
		return 0;
	if (!(map->module_count & (map->module_count - 1))) { /* full at each power of two */
		size_t size = map->module_count ? map->module_count * 2 : 1;

		larger = realloc(map->modules, size * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		map->modules = larger;
	}
	map->modules[map->module_count++] = *module;
	return 0;
}

/* No such file on a kernel without modules. */
static int read_modules(struct rec_kernel_map *map)
{
	CLEANUP(cap_closep) int fd = open(map->paths.modules, O_RDONLY | O_CLOEXEC);
	struct rec_line_reader lines;
	char *line, path[512];

	if (fd < 0)
		return 0;
	rec_lines_init(&lines, fd);
	while (rec_lines_next(&lines, &line) > 0) {
		struct rec_kernel_object module;

		if (!parse_module(line, &module))
			continue;
		snprintf(path, sizeof(path), "%s/%s/notes/.note.gnu.build-id",
			 map->paths.module_dir, module.name);
		read_build_id(path, &module);
		if (add_module(map, &module) < 0)
			return -ENOMEM;
	}
	if (map->module_count)
		qsort(map->modules, map->module_count, sizeof(*map->modules), by_start);
	return 0;
}

int rec_kallsyms_parse_line(char *line, struct rec_kallsym *ret_symbol)
{
	struct rec_kallsym symbol = {0};
	char *end, *name, *tab;

	symbol.address = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return -EBADMSG;
	symbol.type = end[1];
	name = end + 3;
	tab = strchr(name, '\t');
	if (tab) {
		size_t len = strlen(tab + 1);

		*tab = '\0';
		if (len < 3 || tab[1] != '[' || tab[len] != ']')
			return -EBADMSG;
		tab[len] = '\0';
		symbol.module = tab + 2;
	}
	symbol.name = name;
	*ret_symbol = symbol;
	return 0;
}

static bool ask_text_bounds(struct rec_kernel_map *map)
{
	const struct rec_kernel_asker *asker = map->asker;
	u64 start, end;

	if (!asker || asker->address_of(asker->context, "_stext", &start) < 0 ||
	    asker->address_of(asker->context, "_etext", &end) < 0 || end <= start)
		return false;
	map->kernel.start = start;
	map->kernel.end = end;
	return true;
}

/* Bounds of the text. They come before the modules, so symbols of modules need not be read. */
static void read_text_bounds(struct rec_kernel_map *map)
{
	u64 start = 0, end = 0, highest = 0;
	struct rec_line_reader lines;
	char *line;

	if (map->kallsyms_fd < 0)
		return;
	rec_lines_init(&lines, map->kallsyms_fd);
	while (rec_lines_next(&lines, &line) > 0 && !(start && end)) {
		struct rec_kallsym symbol;

		if (rec_kallsyms_parse_line(line, &symbol) < 0)
			continue;
		if (symbol.module || (!symbol.address && !strcmp(symbol.name, "_stext")))
			break;
		if (!strcmp(symbol.name, "_stext"))
			start = symbol.address;
		else if (!strcmp(symbol.name, "_etext"))
			end = symbol.address;
		if (strchr("tTwW", symbol.type) && symbol.address > highest)
			highest = symbol.address;
	}
	if (!end && highest != UINT64_MAX)
		end = highest + 1;
	if (start && end > start) {
		map->kernel.start = start;
		map->kernel.end = end;
	}
}

int rec_kernel_map_open_at(const struct rec_kernel_paths *paths,
			   const struct rec_kernel_asker *asker, struct rec_kernel_map **ret_map,
			   struct cap_err *err)
{
	CLEANUP(map_freep) struct rec_kernel_map *map = calloc(1, sizeof(*map));
	int rc;

	if (!map)
		return cap_fail(err, -ENOMEM, "kernel map: out of memory");
	map->paths = *paths;
	map->asker = asker;
	map->kallsyms_fd = open(paths->kallsyms, O_RDONLY | O_CLOEXEC);
	map->hits = calloc(1, sizeof(*map->hits));
	if (!map->hits)
		return cap_fail(err, -ENOMEM, "kernel map: out of memory");
	memcpy(map->kernel.name, "kernel", sizeof("kernel"));
	read_build_id(paths->notes, &map->kernel);
	if (!ask_text_bounds(map))
		read_text_bounds(map);
	rc = read_modules(map);
	if (rc < 0)
		return cap_fail(err, rc, "kernel map: out of memory");
	*ret_map = TAKE(map);
	return 0;
}

int rec_kernel_map_open(const struct rec_kernel_asker *asker, struct rec_kernel_map **ret_map,
			struct cap_err *err)
{
	return rec_kernel_map_open_at(&live_paths, asker, ret_map, err);
}

const struct rec_kernel_object *rec_kernel_map_object(const struct rec_kernel_map *map, u64 address)
{
	size_t low = 0, high = map->module_count;

	if (address >= map->kernel.start && address < map->kernel.end)
		return &map->kernel;
	while (low < high) { /* the number of modules that start at or before the address */
		size_t middle = low + (high - low) / 2;

		if (map->modules[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < map->modules[low - 1].end ? &map->modules[low - 1] : NULL;
}

const char *rec_kernel_map_why_unknown(const struct rec_kernel_map *map)
{
	if (map->kernel.start)
		return NULL;
	return map->kallsyms_fd < 0 ? "this kernel has no /proc/kallsyms"
				    : "kernel addresses are hidden (kptr_restrict, "
				      "perf_event_paranoid): run as root or add CAP_SYSLOG";
}

static void note_hit(struct rec_kernel_hits *hits, u64 address)
{
	u64 *larger;

	if (!rec_kernel_hit_is_new(&hits->seen, address))
		return;
	if (hits->pending_count == hits->pending_size) {
		size_t size = hits->pending_size ? hits->pending_size * 2 : 512;

		larger = realloc(hits->pending, size * sizeof(*larger));
		if (!larger)
			return; /* this address stays without a name */
		hits->pending = larger;
		hits->pending_size = size;
	}
	hits->pending[hits->pending_count++] = address;
}

u32 rec_kernel_map_frame(const struct rec_kernel_map *map, struct cap_chunk *chunk, u64 address)
{
	struct rec_kernel_hits *hits = map->hits;
	const struct rec_kernel_object *object;
	u32 name;

	if (!map->kernel.start || address < KERNEL_HALF)
		return cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0);
	object = rec_kernel_map_object(map, address);
	note_hit(hits, address);
	if (object == &map->kernel)
		return cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, address - object->start);
	if (object) {
		name = cap_chunk_string(chunk, object->name, strlen(object->name));
		return cap_chunk_frame(chunk, CAP_SPACE_MODULE, name, address - object->start);
	}
	/* Relative to a base of this recording: neither absolute nor relative to the text base,
	 * which would reveal the distance. */
	if (!hits->dynamic_base)
		hits->dynamic_base = (address & ~0xfffull) - REC_DYNAMIC_ROOM_BYTES;
	name = cap_chunk_string(chunk, REC_DYNAMIC_OBJECT, strlen(REC_DYNAMIC_OBJECT));
	return cap_chunk_frame(chunk, CAP_SPACE_MODULE, name, address - hits->dynamic_base);
}

static int add_module_row(struct cap_chunk *chunk, const struct rec_kernel_object *object)
{
	struct ev_module row = {.size_bytes = object->end - object->start};

	row.name = cap_chunk_string(chunk, object->name, strlen(object->name));
	if (object->build_id_bytes)
		row.build_id = cap_chunk_string(chunk, object->build_id, object->build_id_bytes);
	return cap_chunk_add(chunk, EV_MODULE, &row);
}

int rec_kernel_map_modules(const struct rec_kernel_map *map, struct cap_chunk *chunk)
{
	int rc = add_module_row(chunk, &map->kernel);

	for (size_t i = 0; i < map->module_count && rc == 0; i++)
		rc = add_module_row(chunk, &map->modules[i]);
	return rc;
}

bool rec_kernel_map_has_unnamed(const struct rec_kernel_map *map)
{
	return map->hits->pending_count > 0;
}
