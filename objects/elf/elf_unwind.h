#pragma once
/*
 * How the functions of an open ELF file are unwound: the raw entries of .eh_frame, found through
 * the sorted table of .eh_frame_hdr. Nothing is interpreted but lengths and the encodings needed to
 * find them. Reads untrusted files: every offset and length is checked, and what is wrong is left
 * out.
 */
#include "objects/elf/elf_file.h"

#define KYMO_UNWIND_MAX_ENTRY_BYTES \
	(32u << 10) /* longer entries are left out: genuine ones have some ten to thousand */

struct kymo_unwind;

struct kymo_unwind_entry {
	uint64_t address, size_bytes; /* of the code that it is about; virtual */
	const uint8_t *cie, *fde;     /* after their length fields; valid until the next call */
	size_t cie_bytes, fde_bytes;
};

/* elf must stay open as long. -ENOENT: the file has no such table, or one of a form that nobody
 * writes; -ENOMEM. */
int kymo_unwind_open(const struct kymo_elf *elf, struct kymo_unwind **ret_unwind);
struct kymo_unwind *kymo_unwind_close(struct kymo_unwind *unwind); /* accepts NULL, returns NULL */
void kymo_unwind_closep(struct kymo_unwind **unwind);		   /* for CLEANUP */

/* The entry that covers a virtual address. False if there is none, or it is damaged or too long. */
bool kymo_unwind_find(struct kymo_unwind *unwind, uint64_t address,
		      struct kymo_unwind_entry *ret_entry);
