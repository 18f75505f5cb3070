#pragma once
/*
 * Finds the ELF files of a build-id on this machine. A file counts only if its own build-id is the
 * one wanted, so that another version of a program never gives wrong names. Paths come from
 * captures and are untrusted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "objects/elf/elf_symbols.h"
#include "formats/base/cap_error.h"

#define KYMO_MAX_DEBUG_DIRS 16

struct kymo_object_search {
	const char *debug_dirs[KYMO_MAX_DEBUG_DIRS]; /* each holds .build-id/xx/rest.debug, or files
							by their base name */
	size_t debug_dir_count;			     /* /usr/lib/debug is searched after them */
	const char *symfs;			     /* root for recorded paths; NULL: "/" */
	/* How files are opened; NULL: kymo_open_object_file. */
	int (*open_file)(void *context, bool below_symfs, const char *path);
	void *open_context;
};

enum kymo_object_state { /* also in the database: append only */
			 KYMO_OBJECT_FOUND = 0,
			 KYMO_OBJECT_NO_BUILD_ID =
				 1, /* the capture does not say which version: no guessing */
			 KYMO_OBJECT_NOT_FOUND =
				 2, /* neither the program nor its debug file is here */
			 KYMO_OBJECT_OTHER_BUILD = 3, /* the recorded path holds another version */
			 KYMO_OBJECT_NO_SYMBOLS =
				 4, /* found, but stripped, and no debug file beside it */
			 KYMO_OBJECT_UNREADABLE = 5, /* found, but not a sound ELF file */
			 KYMO_OBJECT_GAVE_UP =
				 6, /* reading it crashed, or took too much: symbol_helper.h */
};

struct kymo_object {
	struct kymo_elf *program; /* what was mapped; NULL if only debug is known */
	struct kymo_elf *debug;	  /* its separate debug file; NULL if not needed or not found */
	enum kymo_object_state state;
};

/*
 * Looks for the object. *ret_object is always set on success, possibly with no file in it; state
 * then says why. path may be NULL or anything. 0 or -ENOMEM.
 */
int kymo_find_object(const struct kymo_object_search *search, const uint8_t *build_id,
		     size_t build_id_len, const char *path, struct kymo_object *ret_object,
		     struct cap_err *err);
void kymo_object_done(struct kymo_object *object); /* closes both files; for CLEANUP too */

/*
 * Opens a regular file of an ordinary file system for reading, or returns -1. Nothing else is ever
 * opened, to avoid side effects. root: NULL for "/", else path and its links stay below it.
 */
int kymo_open_object_file(const char *root, const char *path);

/* One line about a state, for people: what is missing and what would help. */
const char *kymo_object_state_text(enum kymo_object_state state);
