#pragma once
/* The functions of an open ELF file, by address. */
#include "objects/elf/elf_file.h"

#define KYMO_ELF_MAX_SYMBOLS (8u << 20)

struct kymo_function {
	const char *name; /* as in the file, mangled, any bytes but NUL; never empty */
	uint64_t address; /* virtual, of the first byte */
	uint64_t end;	  /* first byte after it; > address */
	bool plt;	  /* an entry of the PLT: name is the function it leads to */
};

size_t kymo_elf_function_count(const struct kymo_elf *elf);
/* Functions in order of address; index < kymo_elf_function_count. Valid until close. */
const struct kymo_function *kymo_elf_function_at(const struct kymo_elf *elf, size_t index);
/* The function that covers a virtual address, the innermost where they nest; NULL if there is none.
 * Valid until close. */
const struct kymo_function *kymo_elf_function(const struct kymo_elf *elf, uint64_t address);

/* For those who read the table. Appends one function. 0, -ENOMEM, or CAP_ELIMIT when there are too
 * many. */
int kymo_elf_add_function(struct kymo_elf *elf, const struct kymo_function *function);
/* After the last one: puts them in order. */
void kymo_elf_sort_functions(struct kymo_elf *elf);
