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

/* The function that the resolver at this address chooses for, as this file or else the one of
 * kymo_elf_take_ifuncs_of calls it; NULL if neither names it. */
const char *kymo_elf_ifunc_name(const struct kymo_elf *elf, uint64_t resolver);
/*
 * The other half of this file, which may know ifuncs that this one was stripped of. Call before
 * this file's functions are loaded, and after those of source, which must live until then.
 */
void kymo_elf_take_ifuncs_of(struct kymo_elf *elf, const struct kymo_elf *source);

/* For those who read the table. Appends an ifunc; of two with one resolver the first counts, and
 * they come in order of address. 0 or -ENOMEM. */
int kymo_elf_add_ifunc(struct kymo_elf *elf, uint64_t resolver, const char *name);
/* For those who read the table. Appends one function. 0, -ENOMEM, or CAP_ELIMIT when there are too
 * many. */
int kymo_elf_add_function(struct kymo_elf *elf, const struct kymo_function *function);
/* After the last one: puts them in order. */
void kymo_elf_sort_functions(struct kymo_elf *elf);
