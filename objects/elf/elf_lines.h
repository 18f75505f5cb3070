#pragma once
/*
 * Source lines and inlined functions, from a program's debugging information (DWARF, read by
 * libdw). Files are untrusted and the library was not made for that: only the sandboxed child of
 * symbol_helper.h calls this.
 */
#include <stddef.h>
#include <stdint.h>

#include "formats/base/cap_error.h"
#include "objects/elf/elf_dwarf.h"

#define KYMO_LINE_DEPTH 64u /* inlined into each other; genuine programs have up to 20 */

struct kymo_source_place {
	const char *function; /* as linkers name it, to be demangled; NULL: it has no name */
	const char *file;     /* path at the compiler; NULL: not known */
	uint32_t line;	      /* 0: not known */
};

struct kymo_source_lines;

/*
 * elf holds .debug_info and outlives the result; alternate: the file that dwz moved parts of it to,
 * or NULL. 0; -ENOMEM; -ENODATA if there is no debugging information that can be read.
 */
int kymo_source_lines_open(const struct kymo_elf *elf, const struct kymo_elf *alternate,
			   struct kymo_source_lines **ret_lines, struct cap_err *err);
struct kymo_source_lines *
kymo_source_lines_free(struct kymo_source_lines *lines); /* NULL is fine */

/*
 * The functions that a link address lies in, innermost first: those that were inlined, then the one
 * that is in the symbol table. Returns how many of at most KYMO_LINE_DEPTH; 0: nothing is known.
 * Texts are valid until free.
 */
size_t kymo_source_lines_find(struct kymo_source_lines *lines, uint64_t address,
			      struct kymo_source_place ret_places[KYMO_LINE_DEPTH]);
