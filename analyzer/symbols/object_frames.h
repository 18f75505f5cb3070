#pragma once
/* What a module's files say about unwinding, not interpreted. */
#include "objects/elf/elf_cfi.h"

#define KYMO_OBJECT_LOADS 64u /* parts of a file that are looked at; programs have 2 to 6 */

struct kymo_object_frames {
	uint32_t arch; /* enum kymo_unwind_arch; only where load_count is not 0 */
	size_t load_count;
	struct kymo_elf_load loads[KYMO_OBJECT_LOADS];
	struct kymo_cfi_sections sections; /* in link addresses */
};
