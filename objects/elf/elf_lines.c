/*
 * Ranges of all units are sorted once; within a unit, ranges of its functions, when it is first
 * asked for. .debug_aranges would do for the first, but clang leaves it out.
 */
#include "objects/elf/elf_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "formats/base/cleanup.h"

#define MAX_NESTING 64u /* of namespaces and types that functions stand in */
#define MAX_RANGES \
	50000000u /* of a whole file; 16 bytes each and more: the child's memory ends first */

struct range {
	uint64_t low, high; /* high is the first address after it */
	Dwarf_Off die;	    /* of the unit, or of the function */
};

struct ranges { /* in order of low, once sorted */
	struct range *entries;
	size_t count, capacity;
};

struct kymo_source_lines {
	Dwarf *dwarf, *alternate;
	struct ranges units, functions;
	Dwarf_Off functions_of; /* the unit that functions holds */
	bool has_functions;
};

/* -------- ranges -------- */

static int add_range(struct ranges *ranges, uint64_t low, uint64_t high, Dwarf_Off die)
{
	if (high <= low)
		return 0;
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 256;
		struct range *grown;

		if (capacity > MAX_RANGES)
			return -ENOMEM;
		grown = reallocarray(ranges->entries, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ranges->entries = grown;
		ranges->capacity = capacity;
	}
	ranges->entries[ranges->count++] = (struct range){low, high, die};
	return 0;
}

static int add_ranges_of(struct ranges *ranges, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	int rc = 0;

	while (rc == 0 && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0)
		rc = add_range(ranges, low, high, dwarf_dieoffset(die));
	return rc;
}

static int by_low(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->low != right->low)
		return left->low < right->low ? -1 : 1;
	return left->die < right->die ? -1 : left->die > right->die;
}

static void sort_ranges(struct ranges *ranges)
{
	if (ranges->count > 0)
		qsort(ranges->entries, ranges->count, sizeof(*ranges->entries), by_low);
}

/* The last range that begins at or before the address, if it reaches there. */
static const struct range *range_at(const struct ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->entries[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && address < ranges->entries[low - 1].high ? &ranges->entries[low - 1]
								  : NULL;
}

/* -------- functions of a unit -------- */

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

/* Of Rust and D, functions stand inside namespaces and types. */
static int take_functions(struct ranges *functions, Dwarf_Die *parent, unsigned nesting)
{
	Dwarf_Die die;
	int found = dwarf_child(parent, &die), rc = 0;

	for (; found == 0 && rc == 0; found = dwarf_siblingof(&die, &die)) {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			rc = add_ranges_of(functions, &die);
		else if (holds_functions(tag) && nesting < MAX_NESTING)
			rc = take_functions(functions, &die, nesting + 1);
	}
	return rc;
}

static bool use_unit(struct kymo_source_lines *lines, Dwarf_Die *unit)
{
	Dwarf_Off at = dwarf_dieoffset(unit);

	if (lines->has_functions && lines->functions_of == at)
		return true;
	lines->functions.count = 0;
	lines->functions_of = at;
	lines->has_functions = take_functions(&lines->functions, unit, 0) == 0;
	sort_ranges(&lines->functions);
	return lines->has_functions;
}

/* -------- opening -------- */

static int take_units(struct kymo_source_lines *lines)
{
	Dwarf_Off at = 0, next;
	size_t head_bytes;
	int rc = 0;

	while (rc == 0 &&
	       dwarf_nextcu(lines->dwarf, at, &next, &head_bytes, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(lines->dwarf, at + head_bytes, &unit) &&
		    dwarf_tag(&unit) == DW_TAG_compile_unit)
			rc = add_ranges_of(&lines->units, &unit);
		if (next <= at)
			break;
		at = next;
	}
	sort_ranges(&lines->units);
	return rc;
}

static void freep(struct kymo_source_lines **lines)
{
	*lines = kymo_source_lines_free(*lines);
}

int kymo_source_lines_open(const struct kymo_elf *elf, const struct kymo_elf *alternate,
			   struct kymo_source_lines **ret_lines, struct cap_err *err)
{
	CLEANUP(freep) struct kymo_source_lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return cap_fail(err, -ENOMEM, "source lines");
	lines->dwarf = dwarf_begin_elf(kymo_elf_handle(elf), DWARF_C_READ, NULL);
	if (!lines->dwarf)
		return cap_fail(err, -ENODATA, "no debugging information");
	if (alternate)
		lines->alternate = dwarf_begin_elf(kymo_elf_handle(alternate), DWARF_C_READ, NULL);
	if (lines->alternate)
		dwarf_setalt(lines->dwarf, lines->alternate);
	if (take_units(lines) < 0)
		return cap_fail(err, -ENOMEM, "source lines");
	*ret_lines = TAKE(lines);
	return 0;
}

struct kymo_source_lines *kymo_source_lines_free(struct kymo_source_lines *lines)
{
	if (!lines)
		return NULL;
	if (lines->dwarf)
		(void)dwarf_end(lines->dwarf); /* fails only for NULL */
	if (lines->alternate)
		(void)dwarf_end(lines->alternate);
	free(lines->units.entries);
	free(lines->functions.entries);
	free(lines);
	return NULL;
}

/* -------- asking -------- */

static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

/* Where an inlined function was called. */
static void call_place(Dwarf_Die *unit, Dwarf_Die *inlined, struct kymo_source_place *ret_place)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;
	size_t count;

	ret_place->file = NULL;
	ret_place->line = 0;
	if (dwarf_attr(inlined, DW_AT_call_file, &attribute) &&
	    dwarf_formudata(&attribute, &number) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &count) == 0 && number < count)
		ret_place->file = dwarf_filesrc(files, number, NULL, NULL);
	if (dwarf_attr(inlined, DW_AT_call_line, &attribute) &&
	    dwarf_formudata(&attribute, &number) == 0 && number <= UINT32_MAX)
		ret_place->line = (uint32_t)number;
}

static void line_place(Dwarf_Die *unit, uint64_t address, struct kymo_source_place *ret_place)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number;

	ret_place->file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	ret_place->line =
		line && dwarf_lineno(line, &number) == 0 && number > 0 ? (uint32_t)number : 0;
}

/* The child scope of *scope that holds the address. */
static bool inner_scope(Dwarf_Die *scope, uint64_t address, Dwarf_Die *ret_inner)
{
	int found = dwarf_child(scope, ret_inner);

	for (; found == 0; found = dwarf_siblingof(ret_inner, ret_inner)) {
		int tag = dwarf_tag(ret_inner);

		if ((tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine ||
		     tag == DW_TAG_try_block || tag == DW_TAG_catch_block ||
		     tag == DW_TAG_subprogram) &&
		    dwarf_haspc(ret_inner, address) > 0)
			return true;
	}
	return false;
}

size_t kymo_source_lines_find(struct kymo_source_lines *lines, uint64_t address,
			      struct kymo_source_place ret_places[KYMO_LINE_DEPTH])
{
	struct kymo_source_place outward[KYMO_LINE_DEPTH]; /* outermost first */
	const struct range *in_unit = range_at(&lines->units, address), *in_function;
	Dwarf_Die unit, scope, inner;
	size_t count = 0;

	if (!in_unit || !dwarf_offdie(lines->dwarf, in_unit->die, &unit))
		return 0;
	in_function = use_unit(lines, &unit) ? range_at(&lines->functions, address) : NULL;
	if (!in_function || !dwarf_offdie(lines->dwarf, in_function->die, &scope)) {
		/* Assembly has lines, but no functions. */
		line_place(&unit, address, &ret_places[0]);
		ret_places[0].function = NULL;
		return ret_places[0].line != 0;
	}
	outward[count++] = (struct kymo_source_place){.function = function_name(&scope)};
	for (unsigned depth = 0; depth < 4 * KYMO_LINE_DEPTH; depth++) {
		int tag;

		if (!inner_scope(&scope, address, &inner))
			break;
		scope = inner;
		tag = dwarf_tag(&scope);
		if (tag == DW_TAG_subprogram) { /* nested, and not inlined: it stands for itself */
			count = 0;
		} else if (tag != DW_TAG_inlined_subroutine || count == KYMO_LINE_DEPTH) {
			continue;
		} else {
			call_place(&unit, &scope, &outward[count - 1]);
		}
		outward[count++] = (struct kymo_source_place){.function = function_name(&scope)};
	}
	line_place(&unit, address, &outward[count - 1]);
	for (size_t i = 0; i < count; i++)
		ret_places[i] = outward[count - 1 - i];
	return count;
}
