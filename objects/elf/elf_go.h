#pragma once
/* Functions of Go programs without symbols: Go's own table of functions, which strip leaves. */
#include "objects/elf/elf_functions.h"

/*
 * Appends the functions of section .gopclntab (or .data.rel.ro.gopclntab) as Go 1.16 and newer
 * write it, little-endian. Nothing is appended if there is no such section, it contradicts itself,
 * or it does not tell where its code begins. 0, -ENOMEM, or CAP_ELIMIT.
 */
int kymo_elf_add_go(struct kymo_elf *elf);
