/* The first page of a mapped program: what the linker makes, and what nobody should believe. */
#include "unit_main.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recorder/host/elf_page.h"

struct made {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	u8 rest[4096 - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
};
_Static_assert(sizeof(struct made) == REC_ELF_PAGE_BYTES, "one page");

static struct made make(void)
{
	struct made made = {
		.header = {.e_phoff = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 4},
		.segments = {{.p_type = PT_LOAD,
			      .p_flags = PF_R,
			      .p_vaddr = 0x400000,
			      .p_memsz = 0x800},
			     {.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_offset = 0x1000,
			      .p_vaddr = 0x401000,
			      .p_memsz = 0x1234},
			     {.p_type = PT_NOTE,
			      .p_offset = 0x200,
			      .p_vaddr = 0x400200,
			      .p_memsz = 0x24},
			     {.p_type = PT_GNU_STACK}},
	};

	memcpy(made.header.e_ident, ELFMAG, SELFMAG);
	made.header.e_ident[EI_CLASS] = ELFCLASS64;
	made.header.e_ident[EI_DATA] = ELFDATA2LSB;
	return made;
}

static void code_and_notes_are_relative_to_the_image(void **state)
{
	struct made made = make();
	struct rec_elf_page page;

	(void)state;
	assert_int_equal(rec_elf_page_parse((u8 *)&made, sizeof(made), &page), 0);
	assert_int_equal(page.code_count, 1);
	assert_int_equal(page.code[0].start, 0x1000);
	assert_int_equal(page.code[0].end, 0x3000);
	assert_int_equal(page.code[0].file_offset, 0x1000);
	assert_int_equal(page.note_count, 1);
	assert_int_equal(page.notes[0].start, 0x200);
	assert_int_equal(page.notes[0].size_bytes, 0x24);
}

static void nonsense_is_refused(void **state)
{
	struct made good = make(), bad;
	struct rec_elf_page page = {.code_count = 77};

	(void)state;
	for (size_t len = 0; len < sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr); len++)
		assert_int_equal(rec_elf_page_parse((u8 *)&good, len, &page), -ENOEXEC);
	bad = good;
	bad.header.e_phoff = UINT64_MAX - 10;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), -ENOEXEC);
	bad = good;
	bad.header.e_phnum = 0xffff;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), -ENOEXEC);
	bad = good;
	bad.header.e_phentsize = 1;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), -ENOEXEC);
	bad = good;
	bad.header.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), -ENOEXEC);
	bad = good; /* nothing is mapped from the beginning of the file */
	bad.segments[0].p_offset = 0x1000;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), -ENOEXEC);
	assert_int_equal(page.code_count, 77);
	bad = good; /* beyond the end of all memory: left out */
	bad.segments[1].p_memsz = UINT64_MAX;
	assert_int_equal(rec_elf_page_parse((u8 *)&bad, sizeof(bad), &page), 0);
	assert_int_equal(page.code_count, 0);
}

static void build_ids_are_found_behind_other_notes(void **state)
{
	u8 note[] = {4, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 'G', 'N', 'U', 0, 1, 2, 3, 4, /* another */
		     4, 0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 9, 8, 7, 6, 5, 4, 0, 0};
	u8 id[REC_ELF_BUILD_ID_BYTES] = {0};

	(void)state;
	assert_int_equal(rec_elf_note_build_id(note, sizeof(note), id), 6);
	assert_memory_equal(id, "\x09\x08\x07\x06\x05\x04", 6);
	for (size_t len = 0; len < sizeof(note); len++) /* cut */
		assert_int_equal(rec_elf_note_build_id(note, len, id), 0);
	note[4] = 0xff, note[7] = 0xff; /* longer than everything */
	assert_int_equal(rec_elf_note_build_id(note, sizeof(note), id), 0);
}

/* Any page: never outside of it (sanitizers), and never more than is kept. */
static void any_bytes(void **state)
{
	struct made made = make();
	u8 *bytes = (u8 *)&made;
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct rec_elf_page page = {0};
		u8 id[REC_ELF_BUILD_ID_BYTES];

		seed = seed * 1103515245 + 12345;
		bytes[(seed >> 8) % (sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr))] ^=
			(u8)(seed >> 24);
		(void)rec_elf_page_parse(bytes, sizeof(made), &page);
		assert_true(page.code_count <= REC_ELF_MAX_CODE &&
			    page.note_count <= REC_ELF_MAX_NOTES);
		for (size_t k = 0; k < page.note_count; k++)
			assert_true(page.notes[k].size_bytes <= REC_ELF_NOTE_BYTES);
		assert_true(rec_elf_note_build_id(bytes, seed % sizeof(made), id) <= sizeof(id));
		if (i % 64 == 0)
			made = make();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_and_notes_are_relative_to_the_image),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(build_ids_are_found_behind_other_notes),
		cmocka_unit_test(any_bytes),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
