/* A table, sorted by address and searched by halves. */
#include "objects/elf/elf_functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "objects/elf/elf_state.h"

/* How many enclosing functions a look-up tries: functions seldom nest, but in a hostile table all
 * might. */
#define MAX_NESTING 32
#define MAX_COMPARED 255 /* bytes of names that decide which of two is meant */

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
	if (a->plt != b->plt)
		return (int)a->plt - (int)b->plt;
	return strncmp(b->name, a->name, MAX_COMPARED); /* the last one is found: any, but always it
							 */
}

int kymo_elf_add_ifunc(struct kymo_elf *elf, uint64_t resolver, const char *name)
{
	if (elf->ifunc_count > 0 && elf->ifuncs[elf->ifunc_count - 1].resolver >= resolver)
		return 0;
	if (elf->ifunc_count == elf->ifunc_capacity) {
		size_t capacity = elf->ifunc_capacity ? elf->ifunc_capacity * 2 : 64;
		struct kymo_ifunc *grown = reallocarray(elf->ifuncs, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		elf->ifuncs = grown;
		elf->ifunc_capacity = capacity;
	}
	elf->ifuncs[elf->ifunc_count++] = (struct kymo_ifunc){resolver, name};
	return 0;
}

static int ifunc_order(const void *left, const void *right)
{
	const struct kymo_ifunc *a = left, *b = right;

	return a->resolver < b->resolver ? -1 : a->resolver > b->resolver;
}

const char *kymo_elf_ifunc_name(const struct kymo_elf *elf, uint64_t resolver)
{
	const struct kymo_ifunc key = {.resolver = resolver};
	const struct kymo_ifunc *found = NULL;

	if (elf->ifunc_count > 0)
		found = bsearch(&key, elf->ifuncs, elf->ifunc_count, sizeof(key), ifunc_order);
	if (!found && elf->ifunc_source && elf->ifunc_source->ifunc_count > 0)
		found = bsearch(&key, elf->ifunc_source->ifuncs, elf->ifunc_source->ifunc_count,
				sizeof(key), ifunc_order);
	return found ? found->name : NULL;
}

void kymo_elf_take_ifuncs_of(struct kymo_elf *elf, const struct kymo_elf *source)
{
	elf->ifunc_source = source;
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
