/* The symbol tables of ELF files of any content, as the search for names opens and asks them. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "objects/elf/elf_mini.h"
#include "objects/elf/elf_symbols.h"
#include "fuzz_target.h"

static void ask(const struct kymo_elf *elf, size_t file_bytes)
{
	uint64_t before = 0, address;
	size_t len;

	(void)kymo_elf_build_id(elf, &len);
	(void)kymo_elf_debug_link(elf);
	(void)kymo_elf_text_page(elf, &address);
	for (size_t i = 0; i < kymo_elf_function_count(elf); i++) {
		const struct kymo_function *function = kymo_elf_function_at(elf, i);

		if (function->address < before || function->end <= function->address ||
		    function->name[0] == '\0')
			__builtin_trap(); /* what the header promises */
		before = function->address;
		if (!kymo_elf_function(elf, function->end - 1) &&
		    i + 32 > kymo_elf_function_count(elf))
			__builtin_trap(); /* a function covers its own last byte */
	}
	for (size_t offset = 0; offset < file_bytes; offset += 1 + file_bytes / 64)
		if (kymo_elf_address_of(elf, offset, &address))
			(void)kymo_elf_function(elf, address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kymo_elf *elf, *mini;
	int fd = memfd_create("elf", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len ||
	    kymo_elf_open_fd(fd, "input", &elf, NULL) < 0)
		return 0;
	if (kymo_elf_load_functions(elf, NULL) == 0)
		ask(elf, len);
	if (kymo_elf_open_mini(elf, &mini, NULL) == 0 && mini) {
		if (kymo_elf_load_functions(mini, NULL) == 0)
			ask(mini, len);
		(void)kymo_elf_close(mini);
	}
	(void)kymo_elf_close(elf);
	return 0;
}
