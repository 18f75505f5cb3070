#pragma once
/* The symbol table inside .gnu_debugdata: what Fedora, RHEL and others leave in a stripped program.
 */
#include "objects/elf/elf_file.h"

/* Of its contents once decompressed; the biggest ones seen are below 32 MiB. */
#define KYMO_ELF_MAX_MINI_BYTES (128ull << 20)

/*
 * Opens the ELF file that a program carries compressed (xz) in its section .gnu_debugdata; its
 * addresses are the program's, and its functions those that are not exported. *ret_mini is NULL if
 * there is none, or it is damaged or bigger than it may be; close it like any file. 0 or -ENOMEM.
 */
int kymo_elf_open_mini(const struct kymo_elf *elf, struct kymo_elf **ret_mini, struct cap_err *err);
