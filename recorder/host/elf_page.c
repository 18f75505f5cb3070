/* By hand and not by libelf, because this runs with privileges and needs two tables only. */
#include "recorder/host/elf_page.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define PAGE_MASK 4095ull

struct segment {
	u32 type, flags;
	u64 offset, address, memory_bytes;
};

static struct segment segment_of(const u8 *bytes, bool wide)
{
	if (wide) {
		Elf64_Phdr header;

		memcpy(&header, bytes, sizeof(header));
		return (struct segment){header.p_type, header.p_flags, header.p_offset,
					header.p_vaddr, header.p_memsz};
	}
	Elf32_Phdr header;

	memcpy(&header, bytes, sizeof(header));
	return (struct segment){header.p_type, header.p_flags, header.p_offset, header.p_vaddr,
				header.p_memsz};
}

static void take_segment(struct rec_elf_page *page, const struct segment *segment, u64 base)
{
	u64 end;

	if (segment->address < base ||
	    __builtin_add_overflow(segment->address, segment->memory_bytes, &end) ||
	    end > UINT64_MAX - PAGE_MASK)
		return;
	if (segment->type == PT_NOTE && page->note_count < REC_ELF_MAX_NOTES) {
		page->notes[page->note_count].start = segment->address - base;
		page->notes[page->note_count].file_offset = segment->offset;
		page->notes[page->note_count++].size_bytes =
			segment->memory_bytes < REC_ELF_NOTE_BYTES ? (u32)segment->memory_bytes
								   : REC_ELF_NOTE_BYTES;
	}
	if (segment->type == PT_LOAD && segment->flags & PF_X &&
	    page->code_count < REC_ELF_MAX_CODE) {
		page->code[page->code_count].start = (segment->address & ~PAGE_MASK) - base;
		page->code[page->code_count].end = ((end + PAGE_MASK) & ~PAGE_MASK) - base;
		page->code[page->code_count++].file_offset = segment->offset & ~PAGE_MASK;
	}
}

/* Where the program headers are. */
static int find_table(const u8 *bytes, size_t len, bool *ret_wide, u64 *ret_at, u64 *ret_count)
{
	if (len < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
	    bytes[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (bytes[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr header;

		memcpy(&header, bytes, sizeof(header));
		*ret_wide = true;
		*ret_at = header.e_phoff;
		*ret_count = header.e_phentsize == sizeof(Elf64_Phdr) ? header.e_phnum : 0;
	} else if (bytes[EI_CLASS] == ELFCLASS32) {
		Elf32_Ehdr header;

		memcpy(&header, bytes, sizeof(header));
		*ret_wide = false;
		*ret_at = header.e_phoff;
		*ret_count = header.e_phentsize == sizeof(Elf32_Phdr) ? header.e_phnum : 0;
	} else {
		return -ENOEXEC;
	}
	return 0;
}

int rec_elf_page_parse(const u8 *bytes, size_t len, struct rec_elf_page *ret_page)
{
	struct rec_elf_page page = {0};
	bool wide, has_base = false;
	u64 at, count, base = 0;
	size_t each;
	int rc = find_table(bytes, len, &wide, &at, &count);

	if (rc < 0)
		return rc;
	each = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (count == 0 || at > len || count > (len - at) / each)
		return -ENOEXEC;
	for (u64 i = 0; i < count && !has_base; i++) {
		struct segment segment = segment_of(bytes + at + i * each, wide);

		has_base = segment.type == PT_LOAD && (segment.offset & ~PAGE_MASK) == 0;
		base = segment.address & ~PAGE_MASK;
	}
	if (!has_base)
		return -ENOEXEC;
	for (u64 i = 0; i < count; i++) {
		struct segment segment = segment_of(bytes + at + i * each, wide);

		take_segment(&page, &segment, base);
	}
	*ret_page = page;
	return 0;
}

size_t rec_elf_note_build_id(const u8 *note, size_t len, u8 ret_build_id[REC_ELF_BUILD_ID_BYTES])
{
	while (len >= sizeof(Elf32_Nhdr)) {
		Elf32_Nhdr header; /* the same in both classes */
		size_t name_bytes, body_bytes;

		memcpy(&header, note, sizeof(header));
		note += sizeof(header);
		len -= sizeof(header);
		name_bytes = ((size_t)header.n_namesz + 3) & ~3ull;
		if (name_bytes > len)
			return 0;
		body_bytes = ((size_t)header.n_descsz + 3) & ~3ull;
		if (body_bytes > len - name_bytes)
			return 0;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof("GNU") &&
		    !memcmp(note, "GNU", sizeof("GNU")) && header.n_descsz > 0) {
			size_t bytes = header.n_descsz < REC_ELF_BUILD_ID_BYTES
					       ? header.n_descsz
					       : REC_ELF_BUILD_ID_BYTES;

			memcpy(ret_build_id, note + name_bytes, bytes);
			return bytes;
		}
		note += name_bytes + body_bytes;
		len -= name_bytes + body_bytes;
	}
	return 0;
}
