#pragma once
/* One module's file offsets to function names: joins find_object.h, elf_symbols.h and elf_mini.h.
 * Knows no database. */
#include "analyzer/symbols/find_object.h"
#include "analyzer/symbols/object_frames.h"
#include "objects/elf/elf_lines.h"

struct kymo_object_names;

/*
 * Opens what can be found of a mapped file. *ret_names is set even if nothing was found:
 * kymo_object_names_state then says why. 0 or -ENOMEM.
 */
int kymo_object_names_open(const struct kymo_object_search *search,
			   const struct kymo_wanted_object *wanted,
			   struct kymo_object_names **ret_names, struct cap_err *err);
struct kymo_object_names *kymo_object_names_free(struct kymo_object_names *names);
void kymo_object_names_freep(struct kymo_object_names **names); /* for CLEANUP */

enum kymo_object_state kymo_object_names_state(const struct kymo_object_names *names);
bool kymo_object_names_verified(const struct kymo_object_names *names);

/*
 * Finds the function that covers a file offset; of a return address, the caller passes one less,
 * which lies in the call. False if no function covers it. *ret_function is valid until free;
 * *ret_into is how far into it the offset lies.
 */
bool kymo_object_names_find(const struct kymo_object_names *names, uint64_t file_offset,
			    const struct kymo_function **ret_function, uint64_t *ret_into);

/* How its functions are unwound: of the program, or of what its debug file has. The bytes are valid
 * until free. */
void kymo_object_names_frames(const struct kymo_object_names *names,
			      struct kymo_object_frames *ret_frames);

/* As kymo_source_lines_find, of a file offset; 0 also if the search did not ask for lines, or no
 * file that was found has them. */
size_t kymo_object_names_lines(struct kymo_object_names *names, uint64_t file_offset,
			       struct kymo_source_place ret_places[KYMO_LINE_DEPTH]);
