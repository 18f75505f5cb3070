#pragma once
/*
 * Finds the entry of a function in the sections of a file: by the sorted table of .eh_frame_hdr,
 * and where there is none, by walking .eh_frame or .debug_frame once. Interprets nothing but
 * lengths and addresses. The sections are of strangers.
 */
#include "objects/unwind/cfi_decode.h"

struct kymo_cfi_section {
	const u8 *bytes; /* NULL: the file has none */
	size_t len;
	u64 address; /* where it is loaded; 0 of .debug_frame */
};

struct kymo_cfi_sections {
	struct kymo_cfi_section eh_frame, eh_frame_hdr, debug_frame;
};

struct kymo_cfi_finder;

/* The bytes of the sections must outlive it. NULL: out of memory. */
struct kymo_cfi_finder *kymo_cfi_finder_new(const struct kymo_cfi_sections *sections);
struct kymo_cfi_finder *kymo_cfi_finder_free(struct kymo_cfi_finder *finder); /* returns NULL */

/* The entry of the function that holds an address, in link addresses. Its bytes are those of the
 * sections. False: there is none. */
bool kymo_cfi_find(struct kymo_cfi_finder *finder, u64 address, struct kymo_cfi_entry *ret_entry);
