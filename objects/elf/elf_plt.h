#pragma once
/* Functions that no symbol names: the entries of the procedure linkage table. */
#include "objects/elf/elf_functions.h"

/* Appends the entries of the PLT, named after their targets, on machines whose PLT layout is known.
 * 0 or -ENOMEM. */
int kymo_elf_add_plt(struct kymo_elf *elf);
