#pragma once
/*
 * Where each process has executable memory, as far as mappings were seen: what tells return
 * addresses from data in copies of stacks. Knows too much rather than too little: what was unmapped
 * stays until the process ends or has run two more programs. Bounded in memory; a process that does
 * not fit is unknown. Not thread-safe.
 */
#include <stdbool.h>

#include "formats/base/ints.h"

struct rec_code_map;
struct rec_code_set; /* of one process */

/* NULL when out of memory. rec_code_map_free accepts NULL and returns NULL. */
struct rec_code_map *rec_code_map_new(void);
struct rec_code_map *rec_code_map_free(struct rec_code_map *map);

/* A process whose mappings are about to be listed. start_ns: of its leader, CLOCK_BOOTTIME, as ring
 * records have it. */
void rec_code_map_listed(struct rec_code_map *map, u32 tgid, u64 start_ns);
/* Executable memory [start, start + size_bytes) of a process, listed or mapped just now. */
void rec_code_map_add(struct rec_code_map *map, u32 tgid, u64 start_address, u64 size_bytes);
/* A new process has the memory of its parent. May come after mappings of its own. */
void rec_code_map_fork(struct rec_code_map *map, u32 parent_tgid, u32 child_tgid,
		       u64 child_start_ns);
/* All memory of the process is new. Its first mappings come before this. */
void rec_code_map_exec(struct rec_code_map *map, u32 tgid, u64 start_ns);
/* It ends. Known until rec_code_map_settle was called twice. */
void rec_code_map_exit(struct rec_code_map *map, u32 tgid);
/* Once per drain, behind it: forgets processes that have ended, and programs that were
 * replaced. */
void rec_code_map_settle(struct rec_code_map *map);

/* NULL: its mappings are not known, or not all. start_ns as above. */
const struct rec_code_set *rec_code_map_find(const struct rec_code_map *map, u32 tgid,
					     u64 start_ns);
bool rec_code_set_has(const struct rec_code_set *set, u64 address);
