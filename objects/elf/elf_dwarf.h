#pragma once
/* Whether an ELF file holds debugging information (DWARF), and what its readers start from. */
#include "objects/elf/elf_file.h"

bool kymo_elf_has_dwarf(const struct kymo_elf *elf);

/* What libelf knows the file by, for libraries that read it through that; valid until close. */
struct Elf *kymo_elf_handle(const struct kymo_elf *elf);

/*
 * The file that dwz moved parts of the debugging information to (.gnu_debugaltlink): its path,
 * which is untrusted and relative to the debug file where it does not begin with '/', and its
 * build-id. Both are valid until close. False if there is none, or it is malformed.
 */
bool kymo_elf_debug_alternate(const struct kymo_elf *elf, const char **ret_path,
			      const uint8_t **ret_build_id, size_t *ret_len);
