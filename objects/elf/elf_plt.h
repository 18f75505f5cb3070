#pragma once
/* Functions that no symbol names: the stubs of the procedure linkage table. */
#include "objects/elf/elf_functions.h"

/*
 * Appends the stubs of the PLT, each named after the function whose GOT slot it jumps through: the
 * order of stubs and of relocations is the linker's own affair. A stub that is not understood, or
 * whose slot no relocation names, is left out. Call after the symbols were read. 0, -ENOMEM, or
 * CAP_ELIMIT when there are too many functions.
 */
int kymo_elf_add_plt(struct kymo_elf *elf);
