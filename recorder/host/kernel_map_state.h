#pragma once
/* Internals of the kernel map, shared by kernel_map.c (addresses to frames) and kernel_symbols.c
 * (names of what was hit) only. */
#include "formats/base/word_map.h"
#include "recorder/host/kernel_files.h"
#include "recorder/host/kernel_map.h"

#define REC_MODULE_NAME_BYTES 64       /* the kernel's MODULE_NAME_LEN is 56 on 64-bit machines */
#define REC_MAX_KERNEL_HITS 32768u     /* addresses, and functions, of one recording */
#define REC_DYNAMIC_OBJECT "[dynamic]" /* text generated at run time: BPF programs, trampolines */

/* Keeps offsets of dynamic text positive, whatever is loaded below the first address seen. */
#define REC_DYNAMIC_ROOM_BYTES (4ull << 30)

struct rec_kernel_paths { /* another place in tests */
	const char *kallsyms, *modules, *notes;
	const char *module_dir; /* module_dir/NAME/notes/.note.gnu.build-id */
};

struct rec_kernel_object {
	u64 start, end; /* addresses, [start, end) */
	char name[REC_MODULE_NAME_BYTES];
	u8 build_id[REC_BUILD_ID_BYTES];
	size_t build_id_bytes;
};

/* What looking up frames changes. */
struct rec_kernel_hits {
	struct cap_word_map seen, emitted; /* addresses hit; starts of functions named */
	u64 *pending;			   /* hit since the last rec_kernel_map_symbols */
	size_t pending_count, pending_size;
	u64 dynamic_base; /* offsets of dynamic text count from here; 0: none seen yet */
};

struct rec_kernel_map {
	struct rec_kernel_paths paths;
	const struct rec_kernel_asker *asker; /* NULL: none */
	/* Opened once: the kernel decides at open, by the capabilities of that moment, whether it
	 * shows addresses. -1: none. */
	int kallsyms_fd;
	struct rec_kernel_object kernel;   /* start is _stext; 0: addresses are hidden */
	struct rec_kernel_object *modules; /* sorted by start */
	size_t module_count;
	struct rec_kernel_hits *hits;
};

int rec_kernel_map_open_at(const struct rec_kernel_paths *paths,
			   const struct rec_kernel_asker *asker, struct rec_kernel_map **ret_map,
			   struct cap_err *err);

/* Object of an address; NULL: dynamic text, or no kernel text at all. */
const struct rec_kernel_object *rec_kernel_map_object(const struct rec_kernel_map *map,
						      u64 address);

struct rec_kallsym {
	u64 address;
	char type;
	const char *name;
	const char *module; /* without brackets; NULL: the kernel's own */
};

/* One line of /proc/kallsyms, changed in place. 0 or -EBADMSG. */
int rec_kallsyms_parse_line(char *line, struct rec_kallsym *ret_symbol);

/* True if the address was not in the set and now is. False also for 0, if the set is full (the
 * limit of named functions per recording), or out of memory. */
bool rec_kernel_hit_is_new(struct cap_word_map *set, u64 address);
