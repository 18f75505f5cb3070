#pragma once
/* What of an ELF file is needed to unwind its functions: sections and segments, not interpreted. */
#include "objects/elf/elf_file.h"
#include "objects/unwind/cfi_find.h"

struct kymo_elf_load { /* a part of the file that is loaded */
	uint64_t offset, bytes, address;
};

/* Sections that are not there, or are compressed, have no bytes. Valid until close. */
void kymo_elf_cfi_sections(const struct kymo_elf *elf, struct kymo_cfi_sections *ret_sections);

/* Up to `most` loaded segments, executable ones first; returns how many. */
size_t kymo_elf_loads(const struct kymo_elf *elf, struct kymo_elf_load *ret_loads, size_t most);

/* Which registers its machine has; false: it cannot be unwound. */
bool kymo_elf_unwind_arch(const struct kymo_elf *elf, uint32_t *ret_arch);
