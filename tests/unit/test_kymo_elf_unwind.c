/* Unwind entries of this program, and of damaged copies of it. */
#include "unit_main.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "objects/elf/elf_unwind.h"

/* Not a leaf, so that it has more than the shortest entry. */
static __attribute__((noinline)) int find_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1; /* the first is the program */
}

static uint64_t link_address(const void *code)
{
	uintptr_t base = 0;

	(void)dl_iterate_phdr(find_base, &base);
	return (uint64_t)((uintptr_t)code - base);
}

static struct kymo_elf *open_self(void)
{
	struct kymo_elf *elf = NULL;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(kymo_elf_open_fd(fd, "self", &elf, NULL), 0);
	return elf;
}

static void finds_entries(void **state)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = open_self();
	CLEANUP(kymo_unwind_closep) struct kymo_unwind *unwind = NULL;
	uint64_t address = link_address((const void *)find_base), offset;
	struct kymo_unwind_entry entry, again;

	(void)state;
	assert_int_equal(kymo_unwind_open(elf, &unwind), 0);
	assert_true(kymo_unwind_find(unwind, address, &entry));
	assert_int_equal(entry.address, address);
	assert_in_range(entry.size_bytes, 4, 400);
	assert_in_range(entry.fde_bytes, 12, 200);
	assert_in_range(entry.cie_bytes, 12, 100);
	assert_memory_equal(entry.cie, "\0\0\0\0", 4); /* what makes it a CIE */
	assert_memory_not_equal(entry.fde, "\0\0\0\0", 4);
	assert_true(kymo_unwind_find(unwind, address + entry.size_bytes - 1, &again));
	assert_int_equal(again.address, address);
	if (kymo_unwind_find(unwind, address + entry.size_bytes,
			     &again)) /* the next one, or a gap */
		assert_true(again.address >= address + entry.size_bytes);
	assert_false(kymo_unwind_find(unwind, 0, &again));
	assert_false(kymo_unwind_find(unwind, UINT64_MAX, &again));
	assert_true(kymo_elf_offset_of(elf, address, &offset));
	assert_false(kymo_elf_offset_of(elf, UINT64_MAX, &offset));
}

/* Asks about addresses all over a copy with some bytes changed, or cut off: whatever it says, its
 * lengths are sane. */
static void ask_all(const uint8_t *bytes, size_t len)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	CLEANUP(kymo_unwind_closep) struct kymo_unwind *unwind = NULL;
	int fd = memfd_create("copy", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	if (kymo_elf_open_fd(fd, "copy", &elf, NULL) < 0 || kymo_unwind_open(elf, &unwind) < 0)
		return;
	for (uint64_t address = 0; address < len; address += 509) {
		struct kymo_unwind_entry entry;

		if (!kymo_unwind_find(unwind, address, &entry))
			continue;
		assert_in_range(entry.fde_bytes, 8, KYMO_UNWIND_MAX_ENTRY_BYTES);
		assert_in_range(entry.cie_bytes, 8, KYMO_UNWIND_MAX_ENTRY_BYTES);
		assert_true(address >= entry.address && address - entry.address < entry.size_bytes);
	}
}

static void survives_damage(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint32_t random = 1;
	struct stat facts;
	uint8_t *copy;
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &facts), 0);
	len = (size_t)facts.st_size < (256u << 10) ? (size_t)facts.st_size : 256u << 10;
	copy = malloc(len);
	assert_non_null(copy);
	for (int round = 0; round < 40; round++) {
		assert_int_equal(pread(fd, copy, len, 0), (ssize_t)len);
		for (int i = 0; i < 200 * round; i++) {
			random = random * 1664525u + 1013904223u;
			copy[(random >> 8) % len] = (uint8_t)(random >> 3);
		}
		memcpy(copy, "\x7f\x45\x4c\x46", 4);
		ask_all(copy, round % 2 ? len : len - len / 41 * (size_t)round);
	}
	free(copy);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_entries),
		cmocka_unit_test(survives_damage),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
