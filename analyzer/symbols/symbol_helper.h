#pragma once
/*
 * Names of one module's functions, read in a child process. ELF files that a capture points at may
 * be malicious, and the libraries that read them were not made for that: the child holds nothing
 * but a socket, opens files only through us, and may use 30 s of CPU and 1 GiB. If it fails, the
 * module has no symbols, and everything else continues.
 */
#include "analyzer/symbols/find_object.h"
#include "analyzer/symbols/object_frames.h"
#include "objects/elf/elf_lines.h"

struct kymo_symbol_helper;

/* As kymo_object_names_open. *ret_helper is set even if nothing was found. 0 or -ENOMEM; -errno if
 * no process can be made. */
int kymo_symbol_helper_open(const struct kymo_object_search *search,
			    const struct kymo_wanted_object *wanted,
			    struct kymo_symbol_helper **ret_helper, struct cap_err *err);
struct kymo_symbol_helper *kymo_symbol_helper_free(struct kymo_symbol_helper *helper);

/* May turn into KYMO_OBJECT_GAVE_UP while names are asked for. */
enum kymo_object_state kymo_symbol_helper_state(const struct kymo_symbol_helper *helper);
bool kymo_symbol_helper_verified(const struct kymo_symbol_helper *helper);

/* The function that covers a file offset, demangled: terminated, valid until the next
 * call. NULL if there is none. *ret_into is how far into it the offset lies. */
const char *kymo_symbol_helper_find(struct kymo_symbol_helper *helper, uint64_t file_offset,
				    uint64_t *ret_into);

/*
 * As kymo_source_lines_find, of a file offset, names demangled: how many places are in ret_places,
 * whose texts are valid until the next call; no text is NULL: "" is one that is not known. 0 also
 * if the search did not ask for lines.
 */
size_t kymo_symbol_helper_lines(struct kymo_symbol_helper *helper, uint64_t file_offset,
				struct kymo_source_place ret_places[KYMO_LINE_DEPTH]);

/*
 * How its functions are unwound. *ret_bytes is malloc'd and holds what the sections point to; NULL
 * where there is nothing. Sections that pass max_bytes together are left out. 0 or -ENOMEM.
 */
int kymo_symbol_helper_frames(struct kymo_symbol_helper *helper, size_t max_bytes,
			      struct kymo_object_frames *ret_frames, uint8_t **ret_bytes);

/* One that reads no file, and only demangles: names in captures are untrusted, too. As
 * kymo_symbol_helper_open. */
int kymo_symbol_helper_open_demangler(struct kymo_symbol_helper **ret_helper, struct cap_err *err);
/* The name demangled, or as it is if it is not mangled or the helper has ended: terminated, valid
 * until the next call.
 * "@plt" at its end stays. Any helper can do it. */
const char *kymo_symbol_helper_demangle(struct kymo_symbol_helper *helper, const char *name);
