#pragma once
/*
 * What the first page of a mapped program or library says: where its code is, and where its
 * build-id is. Works on bytes that a process may have made up: bounded, opens nothing.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"

#define REC_ELF_PAGE_BYTES 4096u
#define REC_ELF_BUILD_ID_BYTES 20u /* what captures hold of one */
#define REC_ELF_MAX_CODE 8u	   /* segments of code that are kept */
#define REC_ELF_MAX_NOTES 4u
#define REC_ELF_NOTE_BYTES 1024u /* of a note segment that are looked at */

struct rec_elf_page {
	struct { /* executable segments, in whole pages, relative to the first byte of the file's
		    image */
		u64 start, end, file_offset;
	} code[REC_ELF_MAX_CODE];
	size_t code_count;
	struct { /* note segments, relative as well */
		u64 start, file_offset;
		u32 size_bytes; /* at most REC_ELF_NOTE_BYTES */
	} notes[REC_ELF_MAX_NOTES];
	size_t note_count;
};

/* Little-endian ELF of 32 or 64 bits whose program headers lie in these bytes. 0 or -ENOEXEC. */
int rec_elf_page_parse(const u8 *bytes, size_t len, struct rec_elf_page *ret_page);

/* The GNU build-id in the contents of a note segment; its first REC_ELF_BUILD_ID_BYTES bytes where
 * it is longer. Bytes of it, 0: none. */
size_t rec_elf_note_build_id(const u8 *note, size_t len, u8 ret_build_id[REC_ELF_BUILD_ID_BYTES]);
