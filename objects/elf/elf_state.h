#pragma once
/* The inside of an open ELF file, and its sections (elf_file.c). Only for elf_*.c. */
#include <gelf.h>

#include "objects/elf/elf_file.h"

#define KYMO_ELF_MAX_SECTIONS 65536u
#define KYMO_ELF_MAX_SEGMENTS 1024u
#define KYMO_ELF_MAX_NOTES 64u		     /* sections or segments searched for the build-id */
#define KYMO_ELF_MAX_NOTE_BYTES (256u << 10) /* bigger ones hold something else */

struct kymo_segment {
	uint64_t offset, file_bytes, address, memory_bytes;
	bool executable, writable;
};

struct kymo_ifunc {	   /* a name whose function is chosen at load time */
	uint64_t resolver; /* address of the code that chooses */
	const char *name;
};

struct kymo_elf {
	int fd;	     /* -1: an image in memory */
	void *image; /* owned; NULL: a file */
	Elf *handle;
	uint64_t file_bytes;
	uint16_t machine;
	struct kymo_segment *segments; /* PT_LOAD, executable ones first */
	size_t segment_count;
	uint8_t build_id[KYMO_ELF_MAX_BUILD_ID_BYTES];
	size_t build_id_len;
	char debug_link[256];
	uint32_t debug_link_crc;
	bool has_debug_link_crc;
	bool has_symtab;
	bool debug_only;
	bool has_go; /* functions of Go's own table */
	bool little_endian;
	struct kymo_function *functions;
	size_t function_count, function_capacity;
	struct kymo_ifunc *ifuncs; /* in order of resolver */
	size_t ifunc_count, ifunc_capacity;
	const struct kymo_elf *ifunc_source; /* kymo_elf_take_ifuncs_of; NULL: none */
};

/*
 * Contents of a section; false if it has none, or is not within the file. *ret_header may be NULL.
 */
bool kymo_elf_section_data(const struct kymo_elf *elf, Elf_Scn *section, GElf_Shdr *ret_header,
			   Elf_Data **ret_data);

/*
 * A string of a string table, or NULL if it is outside. Safe for tables of any content: libelf's
 * own look-up searches the whole table for the end of each string, so a hostile table would take
 * hours.
 */
const char *kymo_elf_string(const Elf_Data *strings, size_t offset);

/* Did libelf fail because memory ran out? It returns NULL for that and for damage alike. */
bool kymo_elf_ran_out(void);

/* The first section with that name, or NULL. */
Elf_Scn *kymo_elf_section_by_name(const struct kymo_elf *elf, const char *name);
