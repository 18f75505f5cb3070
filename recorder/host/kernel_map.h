#pragma once
/*
 * The kernel's text and modules: turns kernel addresses into (module, offset), so that no absolute
 * kernel address is stored, and names those that were hit from /proc/kallsyms. Reads only files of
 * /proc and /sys that the kernel makes.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"

struct rec_kernel_map;

struct rec_kernel_symbol {
	u64 start, size_bytes; /* absolute */
	const char *name;      /* for the time of a call */
};

/* NULL: the address has no name. */
typedef void (*rec_symbol_fn)(void *context, const struct rec_kernel_symbol *symbol);

/* A source of single symbols; /proc/kallsyms can only be read as a whole, which takes some 50 ms of
 * CPU. What this source does not answer is read there. */
struct rec_kernel_asker {
	void *context;
	/* Of a symbol of the kernel itself, not of a module. 0 or -errno. */
	int (*address_of)(void *context, const char *name, u64 *ret_address);
	/* Calls take once per address, in order. Returns how many it answered, from the first on.
	 */
	size_t (*name_all)(void *context, const u64 *addresses, size_t count, rec_symbol_fn take,
			   void *take_context);
};

/*
 * Reads text base and modules. Works without kallsyms addresses (kptr_restrict): frames are then
 * unknown. asker: NULL, or there until the map is freed.
 */
int rec_kernel_map_open(const struct rec_kernel_asker *asker, struct rec_kernel_map **ret_map,
			struct cap_err *err);
struct rec_kernel_map *rec_kernel_map_free(struct rec_kernel_map *map);

/* Why kernel frames of this recording are unknown, and what to do: for PROBES and messages. NULL:
 * they are known. */
const char *rec_kernel_map_why_unknown(const struct rec_kernel_map *map);

/* Frame of a kernel address, interned in chunk. Remembers the address as hit. Cheap enough for
 * every sample. */
u32 rec_kernel_map_frame(const struct rec_kernel_map *map, struct cap_chunk *chunk, u64 address);

/* Adds MODULE rows. */
int rec_kernel_map_modules(const struct rec_kernel_map *map, struct cap_chunk *chunk);

/* Adds SYMBOL rows for addresses hit and not yet named; reads kallsyms once, streaming, for what
 * the asker does not know. Returns rows added or negative. */
int rec_kernel_map_symbols(struct rec_kernel_map *map, struct cap_chunk *chunk,
			   struct cap_err *err);
bool rec_kernel_map_has_unnamed(const struct rec_kernel_map *map);
