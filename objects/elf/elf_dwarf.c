/* Finds the sections; libdw reads them. */
#include "objects/elf/elf_dwarf.h"

#include <string.h>

#include "objects/elf/elf_state.h"

bool kymo_elf_has_dwarf(const struct kymo_elf *elf)
{
	return kymo_elf_section_by_name(elf, ".debug_info") ||
	       kymo_elf_section_by_name(elf, ".zdebug_info"); /* compressed by older tools */
}

struct Elf *kymo_elf_handle(const struct kymo_elf *elf)
{
	return elf->handle;
}

bool kymo_elf_debug_alternate(const struct kymo_elf *elf, const char **ret_path,
			      const uint8_t **ret_build_id, size_t *ret_len)
{
	Elf_Data *data;
	const char *path;
	size_t len;

	if (!kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, ".gnu_debugaltlink"), NULL,
				   &data))
		return false;
	path = data->d_buf;
	len = strnlen(path, data->d_size);
	if (len == 0 || len == data->d_size)
		return false;
	*ret_path = path;
	*ret_build_id = (const uint8_t *)path + len + 1;
	*ret_len = data->d_size - len - 1;
	return *ret_len >= 2 && *ret_len <= KYMO_ELF_MAX_BUILD_ID_BYTES;
}
