/* The table is read as a whole, entries one by one as they are asked for. */
#include "objects/elf/elf_unwind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "objects/elf/elf_state.h"

#define MAX_TABLE_BYTES (32u << 20) /* 4 million functions */
#define HEAD_BYTES 4u
#define ROW_BYTES 8u

/* Pointer encodings of the LSB, DWARF extensions. */
#define ENCODING_DATA_SDATA4 0x3b
#define ENCODING_UDATA4 0x03
#define ENCODING_PC_RELATIVE 0x10
#define ENCODING_FORM 0x0f
#define ENCODING_APPLICATION 0x70

struct kymo_unwind {
	const struct kymo_elf *elf;
	uint8_t *table; /* rows of two signed words, relative to head_address */
	size_t row_count;
	uint64_t head_address;
	uint8_t cie[KYMO_UNWIND_MAX_ENTRY_BYTES], fde[KYMO_UNWIND_MAX_ENTRY_BYTES];
};

static uint32_t load_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value)); /* the machines that are read are little-endian */
	return value;
}

static bool read_at(const struct kymo_elf *elf, uint64_t offset, void *bytes, size_t len)
{
	return offset <= elf->file_bytes && len <= elf->file_bytes - offset &&
	       pread(elf->fd, bytes, len, (off_t)offset) == (ssize_t)len;
}

/* The bytes at a virtual address, as far as the file holds them. */
static bool read_address(const struct kymo_elf *elf, uint64_t address, void *bytes, size_t len)
{
	uint64_t offset;

	return kymo_elf_offset_of(elf, address, &offset) && read_at(elf, offset, bytes, len);
}

static bool find_head(const struct kymo_elf *elf, GElf_Phdr *ret_header)
{
	size_t count;

	if (elf_getphdrnum(elf->handle, &count) < 0)
		return false;
	for (size_t i = 0; i < count && i < KYMO_ELF_MAX_SEGMENTS; i++)
		if (gelf_getphdr(elf->handle, (int)i, ret_header) &&
		    ret_header->p_type == PT_GNU_EH_FRAME)
			return true;
	return false;
}

/* Bytes of a pointer; 0: of a form that is not read. */
static size_t pointer_bytes(const struct kymo_elf *elf, uint8_t encoding)
{
	switch (encoding & ENCODING_FORM) {
	case 0x00:
		return gelf_getclass(elf->handle) == ELFCLASS32 ? 4 : 8;
	case 0x02:
	case 0x0a:
		return 2;
	case 0x03:
	case 0x0b:
		return 4;
	case 0x04:
	case 0x0c:
		return 8;
	default:
		return 0;
	}
}

void kymo_unwind_closep(struct kymo_unwind **unwind)
{
	*unwind = kymo_unwind_close(*unwind);
}

struct kymo_unwind *kymo_unwind_close(struct kymo_unwind *unwind)
{
	if (unwind)
		free(unwind->table);
	free(unwind);
	return NULL;
}

int kymo_unwind_open(const struct kymo_elf *elf, struct kymo_unwind **ret_unwind)
{
	CLEANUP(kymo_unwind_closep) struct kymo_unwind *unwind = NULL;
	uint8_t head[HEAD_BYTES + 8 + 4];
	size_t frame_bytes, rows_at;
	GElf_Phdr header;
	uint32_t count;

	if (!find_head(elf, &header) || header.p_filesz > MAX_TABLE_BYTES ||
	    header.p_filesz < HEAD_BYTES ||
	    !read_at(elf, header.p_offset, head,
		     header.p_filesz < sizeof(head) ? header.p_filesz : sizeof(head)))
		return -ENOENT;
	frame_bytes = pointer_bytes(elf, head[1]);
	rows_at = HEAD_BYTES + frame_bytes + 4;
	if (head[0] != 1 || frame_bytes == 0 || head[2] != ENCODING_UDATA4 ||
	    head[3] != ENCODING_DATA_SDATA4 || header.p_filesz < rows_at)
		return -ENOENT;
	count = load_u32(head + HEAD_BYTES + frame_bytes);
	if (count == 0 || count > (header.p_filesz - rows_at) / ROW_BYTES)
		return -ENOENT;
	unwind = calloc(1, sizeof(*unwind));
	if (!unwind)
		return -ENOMEM;
	unwind->elf = elf;
	unwind->row_count = count;
	unwind->head_address = header.p_vaddr;
	unwind->table = malloc((size_t)count * ROW_BYTES);
	if (!unwind->table)
		return -ENOMEM;
	if (!read_at(elf, header.p_offset + rows_at, unwind->table, (size_t)count * ROW_BYTES))
		return -ENOENT;
	*ret_unwind = TAKE(unwind);
	return 0;
}

static uint64_t table_word(const struct kymo_unwind *unwind, size_t row, size_t word)
{
	return unwind->head_address +
	       (uint64_t)(int64_t)(int32_t)load_u32(unwind->table + row * ROW_BYTES + 4 * word);
}

/* An entry of .eh_frame at a virtual address: its bytes after the length; 0: there is no sane one.
 */
static size_t read_entry(const struct kymo_elf *elf, uint64_t address, uint8_t *bytes)
{
	uint8_t length[4];
	uint32_t len;

	if (!read_address(elf, address, length, sizeof(length)))
		return 0;
	len = load_u32(length);
	/* 0 ends the section; all ones begin the 64-bit form, which no linker writes here. */
	if (len < 8 || len > KYMO_UNWIND_MAX_ENTRY_BYTES ||
	    !read_address(elf, address + 4, bytes, len))
		return 0;
	return len;
}

/* Over a LEB128 number. False past the end. */
static bool skip_number(const uint8_t *bytes, size_t len, size_t *at)
{
	while (*at < len)
		if (!(bytes[(*at)++] & 0x80))
			return true;
	return false;
}

/* The encoding of code addresses in the FDEs of a CIE (after its length). False: of a form that is
 * not read. */
static bool code_encoding(const struct kymo_unwind *unwind, size_t cie_bytes, uint8_t *ret_encoding)
{
	const uint8_t *cie = unwind->cie;
	const char *letters = (const char *)cie + 5;
	size_t at = 5 + strnlen(letters, cie_bytes - 5) + 1;

	*ret_encoding = 0;
	if (load_u32(cie) != 0 || (cie[4] != 1 && cie[4] != 3) || at > cie_bytes)
		return false;
	if (letters[0] == '\0')
		return true;
	if (letters[0] != 'z' || !skip_number(cie, cie_bytes, &at) ||
	    !skip_number(cie, cie_bytes, &at))
		return false;
	if (cie[4] == 1)
		at++; /* the column of the return address is a byte */
	else if (!skip_number(cie, cie_bytes, &at))
		return false;
	if (!skip_number(cie, cie_bytes, &at))
		return false;
	for (const char *letter = letters + 1; *letter; letter++) {
		size_t personality;

		if (at >= cie_bytes)
			return strchr("SBG", *letter) != NULL;
		switch (*letter) {
		case 'R':
			*ret_encoding = cie[at];
			return true;
		case 'L':
			at++;
			break;
		case 'P':
			personality = pointer_bytes(unwind->elf, cie[at]);
			if (personality == 0)
				return false;
			at += 1 + personality;
			break;
		case 'S':
		case 'B':
		case 'G':
			break;
		default:
			return false;
		}
	}
	return true;
}

/* The number of code bytes in an FDE; 0: none. Also checks that it begins where the table says. */
static uint64_t code_bytes(const struct kymo_unwind *unwind, size_t fde_bytes, uint8_t encoding,
			   uint64_t fde_address, uint64_t start)
{
	size_t width = pointer_bytes(unwind->elf, encoding);
	uint64_t begin = 0, size = 0, mask;

	if (width == 0 || 4 + 2 * width > fde_bytes)
		return 0;
	memcpy(&begin, unwind->fde + 4, width);
	memcpy(&size, unwind->fde + 4 + width, width);
	mask = width == 8 ? UINT64_MAX : (1ull << 8 * width) - 1;
	if ((encoding & ENCODING_APPLICATION) == ENCODING_PC_RELATIVE)
		begin += fde_address + 8;
	else if ((encoding & ENCODING_APPLICATION) != 0)
		return 0;
	return (begin & mask) == (start & mask) && size <= UINT64_MAX - start ? size : 0;
}

bool kymo_unwind_find(struct kymo_unwind *unwind, uint64_t address,
		      struct kymo_unwind_entry *ret_entry)
{
	size_t low = 0, high = unwind->row_count, fde_bytes, cie_bytes;
	uint64_t start, fde_address, size;
	uint8_t encoding;

	while (low < high) { /* the first row that begins after the address */
		size_t middle = low + (high - low) / 2;

		if (table_word(unwind, middle, 0) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	start = table_word(unwind, low - 1, 0);
	fde_address = table_word(unwind, low - 1, 1);
	fde_bytes = read_entry(unwind->elf, fde_address, unwind->fde);
	if (fde_bytes == 0 || load_u32(unwind->fde) == 0)
		return false;
	cie_bytes = read_entry(unwind->elf, fde_address + 4 - load_u32(unwind->fde), unwind->cie);
	if (cie_bytes == 0 || !code_encoding(unwind, cie_bytes, &encoding))
		return false;
	size = code_bytes(unwind, fde_bytes, encoding, fde_address, start);
	if (address < start || address - start >= size)
		return false;
	*ret_entry = (struct kymo_unwind_entry){
		.address = start,
		.size_bytes = size,
		.cie = unwind->cie,
		.fde = unwind->fde,
		.cie_bytes = cie_bytes,
		.fde_bytes = fde_bytes,
	};
	return true;
}
