/* A table, sorted by address and searched by halves. */
#include "objects/elf/elf_functions.h"

#include <errno.h>
#include <stdlib.h>

#include "objects/elf/elf_state.h"

/* How many enclosing functions a look-up tries: functions seldom nest, but in a hostile table all
 * might. */
#define MAX_NESTING 32

int kymo_elf_add_function(struct kymo_elf *elf, const struct kymo_function *function)
{
	if (elf->function_count == elf->function_capacity) {
		size_t capacity = elf->function_capacity ? elf->function_capacity * 2 : 256;
		struct kymo_function *grown;

		if (elf->function_count >= KYMO_ELF_MAX_SYMBOLS)
			return CAP_ELIMIT;
		grown = reallocarray(elf->functions, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		elf->functions = grown;
		elf->function_capacity = capacity;
	}
	elf->functions[elf->function_count++] = *function;
	return 0;
}

static int function_order(const void *left, const void *right)
{
	const struct kymo_function *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (int)a->plt - (int)b->plt;
}

void kymo_elf_sort_functions(struct kymo_elf *elf)
{
	if (elf->function_count > 1)
		qsort(elf->functions, elf->function_count, sizeof(*elf->functions), function_order);
}

size_t kymo_elf_function_count(const struct kymo_elf *elf)
{
	return elf->function_count;
}

const struct kymo_function *kymo_elf_function_at(const struct kymo_elf *elf, size_t index)
{
	return &elf->functions[index];
}

const struct kymo_function *kymo_elf_function(const struct kymo_elf *elf, uint64_t address)
{
	size_t low = 0, high = elf->function_count;

	while (low < high) { /* first function that starts after address */
		size_t middle = low + (high - low) / 2;

		if (elf->functions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t tries = 0; low > 0 && tries < MAX_NESTING; tries++)
		if (address < elf->functions[--low].end)
			return &elf->functions[low];
	return NULL;
}
