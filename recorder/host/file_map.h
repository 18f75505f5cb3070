#pragma once
/*
 * Where code of processes is mapped: turns a user address into a place in a file, so that it can be
 * named after the recording. Answers "may be", not "is": mappings stay known after they are
 * replaced, which costs a name too many at worst. Bounded in all that processes can make grow.
 * Opens nothing.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

#define REC_CODE_MAX_OBJECTS 8192u
#define REC_CODE_MAX_BUILD_ID 64u
#define REC_CODE_MAX_PLACES 2u /* that one address may be */

struct rec_file_map;

enum rec_code_kind {
	REC_CODE_FILE,
	REC_CODE_VDSO,	  /* the kernel's, of 64-bit programs */
	REC_CODE_NO_FILE, /* anonymous memory, memfd: what is in it, only the process knows */
};

struct rec_code_object {
	enum rec_code_kind kind;
	u32 tgid; /* the process in which it was hit last */
	u64 inode, file_bytes, file_mtime_ns;
	u32 dev_major, dev_minor;
	u32 build_id_bytes; /* 0: not known */
	u32 path_bytes;
	const u8 *build_id;
	const char *path; /* as mapped, terminated; may end in " (deleted)" */
};

struct rec_code_place {
	u32 object;
	u64 offset; /* in the file; with REC_CODE_NO_FILE the address itself */
};

struct rec_file_mapping {	      /* one executable mapping */
	const struct ev_mapping *row; /* its numbers; task, path and build_id are not used */
	u32 tgid;
	const char *path;
	size_t path_bytes;
	const u8 *build_id;
	size_t build_id_bytes;
};

/* NULL: out of memory. */
struct rec_file_map *rec_file_map_new(void);
struct rec_file_map *rec_file_map_free(struct rec_file_map *map);

/* map may be NULL in these: then nothing is kept. What memory or a limit refuses is counted:
 * rec_file_map_refused. */
void rec_file_map_add(struct rec_file_map *map, const struct rec_file_mapping *mapping);
void rec_file_map_fork(struct rec_file_map *map, u32 parent_tgid, u32 child_tgid);
void rec_file_map_exit(struct rec_file_map *map, u32 tgid);

/* The places that an address of a process may be, the likeliest first. Returns how many; 0: no
 * known mapping holds it. *steps grows by the work done. */
size_t rec_file_map_find(struct rec_file_map *map, u32 tgid, u64 address,
			 struct rec_code_place ret_places[REC_CODE_MAX_PLACES], u64 *steps);
const struct rec_code_object *rec_file_map_object(const struct rec_file_map *map, u32 object);
size_t rec_file_map_objects(const struct rec_file_map *map);

/* Forgets processes that ended before the last call. */
void rec_file_map_settle(struct rec_file_map *map);
/* Has the process ended? Its number may be another's by now. */
bool rec_file_map_is_over(const struct rec_file_map *map, u32 tgid);
u64 rec_file_map_refused(const struct rec_file_map *map);
