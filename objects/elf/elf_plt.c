/*
 * A stub is decoded for the GOT slot it jumps through, and the relocation of that slot says which
 * function the loader puts there. Linkers disagree about everything else: where stubs of ifuncs
 * stand, whether there is a head, how long a stub is.
 */
#include "objects/elf/elf_plt.h"

#include <errno.h>
#include <stdlib.h>

#include "objects/elf/elf_state.h"

#define MAX_SLOTS (1u << 20)
#define NO_INDEX SIZE_MAX

struct slot { /* a word that the loader fills in with the address of a function */
	uint64_t address;
	const char *name;
};

struct slots {
	struct slot *list; /* in order of address once all are there */
	size_t count, capacity;
	/* Relocations that the dynamic loader binds lazily, by their number; not sorted. NULL: no
	 * name. */
	const char **lazy;
	size_t lazy_count;
};

struct stub {
	uint64_t slot;	   /* address of its GOT slot; 0 with lazy_index */
	size_t lazy_index; /* of its relocation, or NO_INDEX */
	size_t bytes;
};

/* -------- relocations -------- */

static const char *symbol_name(const struct kymo_elf *elf, const GElf_Shdr *relocations,
			       size_t index)
{
	Elf_Data *symbols, *names;
	GElf_Shdr header;
	GElf_Sym symbol;
	const char *name;

	if (!kymo_elf_section_data(elf, elf_getscn(elf->handle, relocations->sh_link), &header,
				   &symbols) ||
	    header.sh_type != SHT_DYNSYM ||
	    !kymo_elf_section_data(elf, elf_getscn(elf->handle, header.sh_link), NULL, &names) ||
	    index >= symbols->d_size / sizeof(Elf32_Sym) ||
	    !gelf_getsym(symbols, (int)index, &symbol))
		return NULL;
	name = kymo_elf_string(names, symbol.st_name);
	return name && name[0] != '\0' ? name : NULL;
}

/* The function that a relocation puts into its slot; NULL: it is of another kind, or not told. */
static const char *target_of(const struct kymo_elf *elf, const GElf_Shdr *header,
			     const GElf_Rela *relocation)
{
	uint64_t type = GELF_R_TYPE(relocation->r_info);
	bool x86 = elf->machine == EM_X86_64;

	if (type == (x86 ? R_X86_64_IRELATIVE : R_AARCH64_IRELATIVE))
		return kymo_elf_ifunc_name(elf, (uint64_t)relocation->r_addend);
	if (type == (x86 ? R_X86_64_JUMP_SLOT : R_AARCH64_JUMP_SLOT) ||
	    type == (x86 ? R_X86_64_GLOB_DAT : R_AARCH64_GLOB_DAT))
		return symbol_name(elf, header, GELF_R_SYM(relocation->r_info));
	return NULL;
}

static int add_slot(struct slots *slots, uint64_t address, const char *name)
{
	if (slots->count == slots->capacity) {
		size_t capacity = slots->capacity ? slots->capacity * 2 : 64;
		struct slot *grown;

		if (slots->count >= MAX_SLOTS)
			return CAP_ELIMIT;
		grown = reallocarray(slots->list, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		slots->list = grown;
		slots->capacity = capacity;
	}
	slots->list[slots->count++] = (struct slot){address, name};
	return 0;
}

static int read_relocations(const struct kymo_elf *elf, Elf_Scn *section, bool lazy,
			    struct slots *slots)
{
	GElf_Shdr header;
	Elf_Data *data;
	size_t count;

	if (!kymo_elf_section_data(elf, section, &header, &data) || header.sh_type != SHT_RELA)
		return 0;
	count = data->d_size / gelf_fsize(elf->handle, ELF_T_RELA, 1, EV_CURRENT);
	if (lazy && count > 0 && count <= MAX_SLOTS && !slots->lazy) {
		slots->lazy = calloc(count, sizeof(*slots->lazy));
		if (!slots->lazy)
			return -ENOMEM;
		slots->lazy_count = count;
	}
	for (size_t i = 0; i < count; i++) {
		GElf_Rela relocation;
		const char *name;
		int rc;

		if (!gelf_getrela(data, (int)i, &relocation))
			break;
		name = target_of(elf, &header, &relocation);
		if (!name)
			continue;
		if (lazy && i < slots->lazy_count)
			slots->lazy[i] = name;
		rc = add_slot(slots, relocation.r_offset, name);
		if (rc < 0)
			return rc == -ENOMEM ? rc : 0; /* with the slots that there are */
	}
	return 0;
}

static int slot_order(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static int load_slots(const struct kymo_elf *elf, struct slots *slots)
{
	Elf_Scn *lazy = kymo_elf_section_by_name(elf, ".rela.plt");
	Elf_Scn *section = NULL;
	size_t seen = 0, kept = 0;
	int rc = read_relocations(elf, lazy, true, slots);

	while (rc == 0 && (section = elf_nextscn(elf->handle, section)) &&
	       seen++ < KYMO_ELF_MAX_SECTIONS) {
		GElf_Shdr header;

		/* Of object files and what linkers keep for themselves (-q) the loader knows
		 * nothing. */
		if (section != lazy && gelf_getshdr(section, &header) &&
		    header.sh_type == SHT_RELA && header.sh_flags & SHF_ALLOC)
			rc = read_relocations(elf, section, false, slots);
	}
	if (rc < 0 || slots->count == 0)
		return rc;
	qsort(slots->list, slots->count, sizeof(*slots->list), slot_order);
	/* A slot with two names has none. */
	for (size_t i = 0, next; i < slots->count; i = next) {
		next = i + 1;
		while (next < slots->count && slots->list[next].address == slots->list[i].address)
			next++;
		if (next == i + 1)
			slots->list[kept++] = slots->list[i];
	}
	slots->count = kept;
	return 0;
}

static const char *name_of_stub(const struct slots *slots, const struct stub *stub)
{
	const struct slot key = {.address = stub->slot};
	const struct slot *found;

	if (stub->lazy_index != NO_INDEX)
		return stub->lazy_index < slots->lazy_count ? slots->lazy[stub->lazy_index] : NULL;
	if (slots->count == 0)
		return NULL;
	found = bsearch(&key, slots->list, slots->count, sizeof(key), slot_order);
	return found ? found->name : NULL;
}

/* -------- stubs -------- */

static uint32_t word_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* [endbr64] [bnd] jmp *slot(%rip), or the lazy half of a stub with IBT: endbr64; push number. */
static bool decode_x86(const uint8_t *bytes, size_t len, uint64_t address, struct stub *ret_stub)
{
	size_t at = 0;
	bool ibt = len >= 4 && word_at(bytes) == 0xfa1e0ff3;

	if (ibt)
		at = 4;
	if (ibt && at + 5 <= len && bytes[at] == 0x68) {
		ret_stub->lazy_index = word_at(bytes + at + 1);
		ret_stub->bytes = len < 16 ? len : 16;
		return true;
	}
	if (at < len && bytes[at] == 0xf2)
		at++;
	if (at + 6 > len || bytes[at] != 0xff || bytes[at + 1] != 0x25)
		return false;
	/* Stubs without a lazy half are 8 bytes where there is no IBT, one after the other. */
	ret_stub->bytes = at > 2 || !(len >= 14 && bytes[8] == 0xff && bytes[9] == 0x25) ? 16 : 8;
	if (ret_stub->bytes > len)
		ret_stub->bytes = len;
	ret_stub->lazy_index = NO_INDEX;
	ret_stub->slot = address + at + 6 + (uint64_t)(int64_t)(int32_t)word_at(bytes + at + 2);
	return true;
}

/* [bti c]; adrp x16, page; ldr x17, [x16, #low]; add; [autia1716]; br x17 */
static bool decode_aarch64(const uint8_t *bytes, size_t len, uint64_t address,
			   struct stub *ret_stub)
{
	size_t at = len >= 4 && word_at(bytes) == 0xd503245f ? 4 : 0;
	uint32_t adrp, ldr;
	uint64_t pages;

	if (at + 16 > len)
		return false;
	adrp = word_at(bytes + at);
	ldr = word_at(bytes + at + 4);
	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return false;
	pages = (uint64_t)(adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3); /* 21 bits, signed */
	if (pages & 1u << 20)
		pages |= ~(uint64_t)0x1fffff;
	ret_stub->lazy_index = NO_INDEX;
	ret_stub->slot = ((address + at) & ~(uint64_t)4095) + (pages << 12) +
			 (uint64_t)(ldr >> 10 & 0xfff) * 8;
	for (at += 12; at + 4 <= len && at < 24; at += 4) {
		if (word_at(bytes + at) == 0xd61f0220) {
			ret_stub->bytes = at + 4;
			return true;
		}
	}
	return false;
}

static int add_stubs(struct kymo_elf *elf, const char *section, const struct slots *slots)
{
	bool x86 = elf->machine == EM_X86_64;
	size_t step = x86 ? 8 : 4; /* stubs begin at such multiples */
	GElf_Shdr header;
	Elf_Data *data;

	if (!kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, section), &header, &data) ||
	    header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_EXECINSTR) ||
	    header.sh_addr + header.sh_size < header.sh_addr)
		return 0;
	for (size_t at = 0; at < data->d_size;) {
		const uint8_t *bytes = (const uint8_t *)data->d_buf + at;
		size_t left = data->d_size - at;
		uint64_t address = header.sh_addr + at;
		struct stub stub = {0};
		bool known = x86 ? decode_x86(bytes, left, address, &stub)
				 : decode_aarch64(bytes, left, address, &stub);
		const char *name = known ? name_of_stub(slots, &stub) : NULL;
		int rc = 0;

		at += known ? stub.bytes : step;
		if (name)
			rc = kymo_elf_add_function(elf, &(struct kymo_function){
								.name = name,
								.address = address,
								.end = address + stub.bytes,
								.plt = true,
							});
		if (rc < 0)
			return rc;
	}
	return 0;
}

int kymo_elf_add_plt(struct kymo_elf *elf)
{
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got", ".plt.bnd", ".iplt"};
	struct slots slots = {0};
	int rc = 0;

	/* Code is in the file's own byte order there; big-endian aarch64 has it little, too, but
	 * its words were never seen. */
	if ((elf->machine != EM_X86_64 && elf->machine != EM_AARCH64) || !elf->little_endian)
		return 0;
	rc = load_slots(elf, &slots);
	for (size_t i = 0; rc == 0 && i < sizeof(sections) / sizeof(sections[0]); i++)
		rc = add_stubs(elf, sections[i], &slots);
	free(slots.list);
	free(slots.lazy);
	return rc;
}
