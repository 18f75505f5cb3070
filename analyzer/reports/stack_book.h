#pragma once
/*
 * The frames and stacks of a database in memory, and on demand its modules and tasks: what turns
 * the ids of a row into names. Ids need not be dense; an entry's place in its list is its number
 * here.
 */
#include <stdbool.h>

#include "analyzer/db/filter.h"
#include "analyzer/db/open_db.h"
#include "formats/base/cap_error.h"
#include "formats/base/limits.h"

#define KYMO_BOOK_NONE UINT32_MAX /* no such entry */

/* Frames of a stack at most: a walk may end in the middle twice. */
#define KYMO_BOOK_MAX_DEPTH (CAP_MAX_STACK_DEPTH + EV_MAX_FRAMES + 2)

struct kymo_book_module {
	s64 id;
	char *name, *path, *build_id; /* path, build_id: NULL where not known */
	bool kernel;
};

struct kymo_book_frame {
	s64 id;
	char *name; /* as recorded: any bytes; terminated all the same */
	u32 name_len;
	u32 module;	   /* in modules, where they were read; KYMO_BOOK_NONE: not known */
	u64 offset;	   /* in the module */
	u64 symbol_offset; /* in the function, where it has a name */
	bool kernel, cut;  /* cut: no function, but where frames are missing */
	bool named;	   /* its function is known, not only its place */
	bool known;	   /* at least its module is */
};

struct kymo_book_stack {
	s64 id;
	u32 parent; /* in stacks; KYMO_BOOK_NONE: it is a root */
	u32 frame;  /* in frames; KYMO_BOOK_NONE: the database lacks it */
};

struct kymo_book_task {
	s64 id;
	u32 tgid, tid;
	char *comm;    /* of the thread */
	char *process; /* name of the process */
	bool kernel_thread;
	bool wanted; /* the filter's process and name are its own */
};

struct kymo_book_list { /* of entries that begin with their id, in order of it */
	void *entries;
	size_t count, capacity, entry_bytes;
};

struct kymo_stack_book {
	struct kymo_book_list frames, stacks, modules, tasks;
	bool tasks_chosen; /* the filter names a process or a thread: not all are wanted */
};

enum kymo_book_part { KYMO_BOOK_MODULES = 1, KYMO_BOOK_TASKS = 2 };

/* Frames, stacks, and the parts that are asked for (ored). filter: resolved; says which tasks are
 * wanted. 0, -ENOMEM, or the database's error. The caller frees what there is in either case. */
int kymo_stack_book_read(struct kymo_db *db, const struct kymo_filter *filter, unsigned parts,
			 struct kymo_stack_book *ret_book, struct cap_err *err);
void kymo_stack_book_done(struct kymo_stack_book *book); /* for CLEANUP */

/* The number of the entry with that id; KYMO_BOOK_NONE. */
u32 kymo_book_find(const struct kymo_book_list *list, s64 id);

static inline const struct kymo_book_frame *kymo_book_frame(const struct kymo_stack_book *book,
							    u32 frame)
{
	return (const struct kymo_book_frame *)book->frames.entries + frame;
}

static inline const struct kymo_book_stack *kymo_book_stack(const struct kymo_stack_book *book,
							    u32 stack)
{
	return (const struct kymo_book_stack *)book->stacks.entries + stack;
}

static inline const struct kymo_book_module *kymo_book_module(const struct kymo_stack_book *book,
							      u32 module)
{
	return (const struct kymo_book_module *)book->modules.entries + module;
}

static inline const struct kymo_book_task *kymo_book_task(const struct kymo_stack_book *book,
							  u32 task)
{
	return (const struct kymo_book_task *)book->tasks.entries + task;
}

/* The frames of a stack, innermost first, in ret_frames[KYMO_BOOK_MAX_DEPTH]; how many. */
size_t kymo_book_path(const struct kymo_stack_book *book, u32 stack, u32 *ret_frames);
