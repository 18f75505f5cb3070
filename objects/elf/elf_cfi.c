#include "objects/elf/elf_cfi.h"

#include "objects/elf/elf_state.h"
#include "objects/unwind/unwind_walk.h"

static void load_section(const struct kymo_elf *elf, const char *name,
			 struct kymo_cfi_section *ret_section)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, name), &header, &data) ||
	    header.sh_flags & SHF_COMPRESSED)
		return;
	*ret_section = (struct kymo_cfi_section){
		.bytes = data->d_buf, .len = data->d_size, .address = header.sh_addr};
}

void kymo_elf_cfi_sections(const struct kymo_elf *elf, struct kymo_cfi_sections *ret_sections)
{
	*ret_sections = (struct kymo_cfi_sections){0};
	load_section(elf, ".eh_frame", &ret_sections->eh_frame);
	load_section(elf, ".eh_frame_hdr", &ret_sections->eh_frame_hdr);
	load_section(elf, ".debug_frame", &ret_sections->debug_frame);
}

size_t kymo_elf_loads(const struct kymo_elf *elf, struct kymo_elf_load *ret_loads, size_t most)
{
	size_t count = elf->segment_count < most ? elf->segment_count : most;

	for (size_t i = 0; i < count; i++) {
		const struct kymo_segment *segment = &elf->segments[i];

		ret_loads[i] = (struct kymo_elf_load){.offset = segment->offset,
						      .bytes = segment->file_bytes,
						      .address = segment->address};
	}
	return count;
}

bool kymo_elf_unwind_arch(const struct kymo_elf *elf, uint32_t *ret_arch)
{
	*ret_arch = elf->machine == EM_AARCH64 ? KYMO_UNWIND_AARCH64 : KYMO_UNWIND_X86_64;
	return elf->machine == EM_X86_64 || elf->machine == EM_AARCH64;
}
