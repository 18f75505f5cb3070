#pragma once
/*
 * Finds the ELF files of a mapped file on this machine. A file counts only if it is the very one:
 * its own build-id is the one wanted, so that another version of a program never gives wrong names.
 * Without a build-id it is known by inode, size and time on the boot that was recorded, or where
 * the user named the folder; such names are marked as not verified. Paths come from captures and
 * are untrusted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "objects/elf/elf_symbols.h"
#include "formats/base/cap_error.h"

#define KYMO_MAX_DEBUG_DIRS 16

enum kymo_place {			 /* how a path is opened, and whether a user named it */
		  KYMO_PLACE_SYSTEM = 0, /* below "/" */
		  KYMO_PLACE_SYMFS,	 /* below symfs */
		  KYMO_PLACE_DEBUG_DIR,	 /* a whole path, in one of debug_dirs */
};

#define KYMO_OPEN_NOTHING (-1)
#define KYMO_OPEN_REFUSED (-2) /* a file system that is not read unasked, or not at all */

struct kymo_object_search {
	/* Each holds .build-id/xx/rest.debug, or is such a folder; or the layout of /usr/lib/debug;
	 * or files by their base name; or what debuginfod clients keep. */
	const char *debug_dirs[KYMO_MAX_DEBUG_DIRS];
	size_t debug_dir_count; /* /usr/lib/debug is searched after them */
	bool lines; /* debugging information is wanted, too, where there are names without it */
	const char *symfs; /* root for recorded paths, before "/" itself; NULL: none */
	/* How files are opened; NULL: kymo_open_object_file. */
	int (*open_file)(void *context, enum kymo_place place, const char *path);
	void *open_context;
};

/* What a capture says of a mapped file. */
struct kymo_wanted_object {
	const uint8_t *build_id;
	size_t build_id_len; /* 0: it has none, or the capture does not tell */
	const char *path;    /* as recorded: NULL or anything */
	/* File offset at which its code was mapped (page-aligned), or UINT64_MAX where unknown; it
	 * is needed when only the separate debug file is here, whose segments tell no offsets. */
	uint64_t text_file_offset;
	bool same_boot; /* the capture was made on this boot of this machine */
	bool compat;   /* mapped below 4 GiB: for "[vdso]", of which 32-bit programs have another */
	bool presumed; /* no mapping of the file, but code that was copied from it */
	uint32_t dev_major, dev_minor;
	uint64_t inode;	     /* 0: not known */
	uint64_t file_bytes; /* 0: not known */
	int64_t mtime_ns;    /* 0: not known */
	int64_t seen_ns;     /* CLOCK_REALTIME of the first mapping of it: without mtime_ns the file
				must     be older */
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
			 KYMO_OBJECT_DELETED = 7, /* its path holds nothing any more */
			 KYMO_OBJECT_REFUSED = 8, /* on a file system that is not read unasked */
			 KYMO_OBJECT_NO_FILE = 9, /* code without a file: of a JIT compiler */
			 KYMO_OBJECT_MEMORY = 10, /* memfd, shared memory, a device: never a file */
			 KYMO_OBJECT_VDSO = 11,	  /* the kernel's, and not of this boot */
			 KYMO_OBJECT_STATES,
};

struct kymo_object {
	struct kymo_elf *program;   /* what was mapped; NULL if only debug is known */
	struct kymo_elf *debug;	    /* its separate debug file; NULL if not needed or not found */
	struct kymo_elf *alternate; /* what several debug files share; with lines only, or NULL */
	enum kymo_object_state state;
	bool verified; /* by a build-id, or as the kernel's own; else by what the header says */
};

/*
 * Looks for the object. *ret_object is always set on success, possibly with no file in it; state
 * then says why. 0 or -ENOMEM.
 */
int kymo_find_object(const struct kymo_object_search *search,
		     const struct kymo_wanted_object *wanted, struct kymo_object *ret_object,
		     struct cap_err *err);
void kymo_object_done(struct kymo_object *object); /* closes all files; for CLEANUP too */
/* The half that holds debugging information, or NULL. */
const struct kymo_elf *kymo_object_dwarf(const struct kymo_object *object);

/*
 * Opens a regular file of an ordinary file system for reading: a descriptor, or KYMO_OPEN_NOTHING,
 * or KYMO_OPEN_REFUSED. Nothing else is ever opened, to avoid side effects; FUSE only where the
 * user named the folder. root: NULL for "/", else path and its links stay below it.
 */
int kymo_open_object_file(const char *root, const char *path, bool named_by_user);

/* The same for a place of a search; a path that is not in the place is refused. */
int kymo_open_in_place(const struct kymo_object_search *search, enum kymo_place place,
		       const char *path);

/* One line about a state, for people: what is missing and what would help. has_build_id: what was
 * wanted has one. */
const char *kymo_object_advice(enum kymo_object_state state, bool verified, bool has_build_id);

/* The names of the states in databases and JSON: "found" and so on. */
const char *kymo_object_state_name(enum kymo_object_state state);
