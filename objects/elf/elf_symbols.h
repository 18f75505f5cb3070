#pragma once
/* Fills the functions of an ELF file: from .symtab, else .dynsym and Go's own table; plus the stubs
 * of the PLT. Demangles nothing. */
#include "objects/elf/elf_functions.h"

/* Reads the function table; call once before kymo_elf_function. A file without symbols has an empty
 * table. 0 or -ENOMEM. */
int kymo_elf_load_functions(struct kymo_elf *elf, struct cap_err *err);

/* Go's own table named functions of this file. */
bool kymo_elf_has_go(const struct kymo_elf *elf);
