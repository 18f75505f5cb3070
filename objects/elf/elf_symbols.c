/* Symbols that are functions, the best name of each address. */
#include "objects/elf/elf_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "objects/elf/elf_go.h"
#include "objects/elf/elf_plt.h"
#include "objects/elf/elf_state.h"

#define MAX_COMPARED 255 /* bytes of names that decide which of two is better */

struct section_range { /* an executable section; start == end: not executable */
	uint64_t start, end;
};

struct ranked_symbol { /* a symbol while the best name of its address is chosen */
	const char *name;
	uint64_t address, size_bytes, section_end;
	uint32_t index; /* in the file: the last resort, so that the choice is always the same */
	uint8_t rank;	/* higher is better */
	uint8_t name_bytes; /* without a version; at most MAX_COMPARED */
	bool ifunc;
};

struct symbol_list {
	struct ranked_symbol *symbols;
	size_t count;
};

static int load_executable_sections(const struct kymo_elf *elf, struct section_range **ret_ranges,
				    size_t *ret_count)
{
	struct section_range *ranges;
	size_t count;

	if (elf_getshdrnum(elf->handle, &count) < 0)
		count = 0;
	if (count > KYMO_ELF_MAX_SECTIONS)
		count = KYMO_ELF_MAX_SECTIONS;
	ranges = calloc(count + 1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		Elf_Scn *section = elf_getscn(elf->handle, i);
		GElf_Shdr header;

		if (!section || !gelf_getshdr(section, &header) ||
		    !(header.sh_flags & SHF_EXECINSTR) ||
		    header.sh_addr + header.sh_size < header.sh_addr)
			continue;
		ranges[i] = (struct section_range){header.sh_addr, header.sh_addr + header.sh_size};
	}
	*ret_ranges = ranges;
	*ret_count = count;
	return 0;
}

/*
 * Several names of one address (aliases, functions that the linker folded into one) are ranked by
 * what a reader would expect: a sized function before a bare label; code before the ifunc that it
 * chooses for; what is exported before what is local, so that a stripped file gives the same names;
 * then the public name, which is the one without leading underscores (libc's own names for sendto
 * or puts have them); then global before weak. Among equals the shortest wins, then the alphabet.
 */
static uint8_t rank_of(const GElf_Sym *symbol, const char *name)
{
	uint8_t binding = GELF_ST_BIND(symbol->st_info);
	uint8_t type = GELF_ST_TYPE(symbol->st_info);
	uint8_t rank = 0;

	if (symbol->st_size > 0)
		rank += 128;
	rank += type == STT_FUNC ? 64 : type == STT_GNU_IFUNC ? 32 : 0;
	rank += binding != STB_LOCAL ? 16 : 0;
	if (!strncmp(name, "__vdso_", 7)) /* the vDSO's own names; others there are weak */
		rank += 8;
	else
		rank += name[0] != '_' ? 8 : name[1] != '_' ? 4 : 0;
	rank += binding == STB_GLOBAL ? 2 : 0;
	return rank;
}

static uint8_t compared_bytes(const char *name)
{
	size_t len = strnlen(name, MAX_COMPARED);
	const char *version = memchr(name, '@', len);

	return (uint8_t)(version && version != name ? version - name : (ptrdiff_t)len);
}

/* The symbol names code; *ret_ranked is then filled in. */
static bool is_function(const struct kymo_elf *elf, const GElf_Sym *symbol, const char *name,
			const struct section_range *ranges, size_t range_count,
			struct ranked_symbol *ret_ranked)
{
	uint8_t type = GELF_ST_TYPE(symbol->st_info);
	const struct section_range *range = NULL;
	uint64_t address = symbol->st_value;

	if (symbol->st_shndx == SHN_UNDEF || !name || name[0] == '\0')
		return false;
	if (symbol->st_shndx < SHN_LORESERVE && symbol->st_shndx < range_count)
		range = &ranges[symbol->st_shndx];
	if (type == STT_NOTYPE) {
		/* Labels of assembly; not ARM's and RISC-V's "$x", nor the compiler's own. */
		if (!range || range->start == range->end || name[0] == '$' || name[0] == '.')
			return false;
	} else if (type != STT_FUNC && type != STT_GNU_IFUNC) {
		return false;
	}
	if (elf->machine == EM_ARM && type == STT_FUNC)
		address &= ~(uint64_t)1; /* bit 0 says Thumb */
	if (address + symbol->st_size < address)
		return false;
	*ret_ranked = (struct ranked_symbol){
		.name = name,
		.address = address,
		.size_bytes = symbol->st_size,
		.section_end =
			range && address >= range->start && address < range->end ? range->end : 0,
		.rank = rank_of(symbol, name),
		.name_bytes = compared_bytes(name),
		.ifunc = type == STT_GNU_IFUNC,
	};
	return true;
}

static Elf_Scn *section_of_type(const struct kymo_elf *elf, uint32_t type)
{
	Elf_Scn *section = NULL;
	size_t seen = 0;

	while ((section = elf_nextscn(elf->handle, section)) && seen++ < KYMO_ELF_MAX_SECTIONS) {
		GElf_Shdr header;
		Elf_Data *data;

		if (gelf_getshdr(section, &header) && header.sh_type == type &&
		    kymo_elf_section_data(elf, section, NULL, &data))
			return section;
	}
	return NULL;
}

static int read_symbols(const struct kymo_elf *elf, Elf_Scn *section, struct symbol_list *list)
{
	struct section_range *ranges;
	size_t range_count, count;
	GElf_Shdr header;
	Elf_Data *data, *names;
	int rc;

	if (!kymo_elf_section_data(elf, section, &header, &data) ||
	    !kymo_elf_section_data(elf, elf_getscn(elf->handle, header.sh_link), NULL, &names))
		return 0;
	rc = load_executable_sections(elf, &ranges, &range_count);
	if (rc < 0)
		return rc;
	count = data->d_size / gelf_fsize(elf->handle, ELF_T_SYM, 1, EV_CURRENT);
	if (count > KYMO_ELF_MAX_SYMBOLS)
		count = KYMO_ELF_MAX_SYMBOLS;
	list->symbols = calloc(count + 1, sizeof(*list->symbols));
	if (!list->symbols) {
		free(ranges);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			continue;
		if (is_function(elf, &symbol, kymo_elf_string(names, symbol.st_name), ranges,
				range_count, &list->symbols[list->count]))
			list->symbols[list->count++].index = (uint32_t)i;
	}
	free(ranges);
	return 0;
}

static int symbol_order(const void *left, const void *right)
{
	const struct ranked_symbol *a = left, *b = right;
	int order;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->name != b->name && a->name_bytes != b->name_bytes)
		return a->name_bytes < b->name_bytes ? -1 : 1;
	order = a->name != b->name ? memcmp(a->name, b->name, a->name_bytes) : 0;
	if (order != 0)
		return order;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* One function per address; one without a size reaches to the next, or to the end of its section.
 */
static int keep_best(struct kymo_elf *elf, const struct symbol_list *list)
{
	for (size_t i = 0; i < list->count;) {
		const struct ranked_symbol *best = &list->symbols[i];
		uint64_t end = best->address + best->size_bytes;
		struct kymo_function function;
		int rc = 0;

		for (; rc == 0 && i < list->count && list->symbols[i].address == best->address; i++)
			if (list->symbols[i].ifunc)
				rc = kymo_elf_add_ifunc(elf, best->address, list->symbols[i].name);
		if (rc < 0)
			return rc;
		if (best->size_bytes == 0) {
			uint64_t next = i < list->count ? list->symbols[i].address : UINT64_MAX;

			end = best->section_end;
			if (end == 0 || next < end)
				end = next;
			if (end == UINT64_MAX)
				end = best->address + 1;
		}
		function = (struct kymo_function){best->name, best->address, end, false};
		rc = kymo_elf_add_function(elf, &function);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_go(struct kymo_elf *elf)
{
	size_t before = elf->function_count;
	int rc = kymo_elf_add_go(elf);

	elf->has_go = elf->function_count > before;
	return rc;
}

bool kymo_elf_has_go(const struct kymo_elf *elf)
{
	return elf->has_go;
}

int kymo_elf_load_functions(struct kymo_elf *elf, struct cap_err *err)
{
	struct symbol_list list = {0};
	Elf_Scn *section = section_of_type(elf, SHT_SYMTAB);
	int rc;

	if (!section)
		section = section_of_type(elf, SHT_DYNSYM);
	rc = read_symbols(elf, section, &list);
	if (rc == 0 && list.count > 0) {
		qsort(list.symbols, list.count, sizeof(*list.symbols), symbol_order);
		rc = keep_best(elf, &list);
	}
	free(list.symbols);
	if (rc == 0 && !elf->has_symtab)
		rc = add_go(elf);
	if (rc == 0)
		rc = kymo_elf_add_plt(elf);
	if (rc == -ENOMEM || kymo_elf_ran_out())
		return cap_fail(err, -ENOMEM, "symbol table");
	kymo_elf_sort_functions(elf);
	return 0;
}
