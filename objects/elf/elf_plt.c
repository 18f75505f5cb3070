/*
 * Names for the entries of the procedure linkage table: linkers give them no symbols, but samples
 * hit them.
 */
#include "objects/elf/elf_plt.h"

#include <errno.h>

#include "objects/elf/elf_state.h"

struct plt_layout {
	uint64_t first; /* address of the entry of relocation 0 */
	uint64_t entry_bytes;
	uint64_t end;
};

/* Where the entries lie. x86-64 with IBT keeps them in .plt.sec, else they follow the head of .plt.
 */
static bool find_layout(const struct kymo_elf *elf, struct plt_layout *ret_layout)
{
	uint64_t head_bytes = elf->machine == EM_AARCH64 ? 32 : 16;
	Elf_Scn *section = kymo_elf_section_by_name(elf, ".plt.sec");
	GElf_Shdr header;

	if (elf->machine != EM_X86_64 && elf->machine != EM_AARCH64)
		return false;
	if (section)
		head_bytes = 0;
	else
		section = kymo_elf_section_by_name(elf, ".plt");
	if (!section || !gelf_getshdr(section, &header) || header.sh_size < head_bytes ||
	    header.sh_addr + header.sh_size < header.sh_addr)
		return false;
	*ret_layout = (struct plt_layout){header.sh_addr + head_bytes, 16,
					  header.sh_addr + header.sh_size};
	return true;
}

int kymo_elf_add_plt(struct kymo_elf *elf)
{
	Elf_Data *relocations, *symbols, *names;
	GElf_Shdr relocation_header, symbol_header;
	struct plt_layout layout;
	size_t count;

	if (!find_layout(elf, &layout) ||
	    !kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, ".rela.plt"),
				   &relocation_header, &relocations) ||
	    relocation_header.sh_type != SHT_RELA ||
	    !kymo_elf_section_data(elf, elf_getscn(elf->handle, relocation_header.sh_link),
				   &symbol_header, &symbols) ||
	    symbol_header.sh_type != SHT_DYNSYM ||
	    !kymo_elf_section_data(elf, elf_getscn(elf->handle, symbol_header.sh_link), NULL,
				   &names))
		return 0;
	count = relocations->d_size / gelf_fsize(elf->handle, ELF_T_RELA, 1, EV_CURRENT);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = layout.first + i * layout.entry_bytes;
		const char *name;
		GElf_Rela relocation;
		GElf_Sym symbol;
		int rc;

		if (address >= layout.end)
			break;
		if (!gelf_getrela(relocations, (int)i, &relocation) ||
		    GELF_R_SYM(relocation.r_info) >= symbols->d_size / sizeof(Elf32_Sym) ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol))
			continue;
		name = kymo_elf_string(names, symbol.st_name);
		if (!name || name[0] == '\0')
			continue;
		rc = kymo_elf_add_function(elf, &(struct kymo_function){
							.name = name,
							.address = address,
							.end = address + layout.entry_bytes,
							.plt = true,
						});
		if (rc == -ENOMEM)
			return rc;
		if (rc < 0)
			break;
	}
	return 0;
}
