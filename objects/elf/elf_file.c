/*
 * Opens an ELF file: segments, build-id, debug link, sections. Trusts no size and no offset in the
 * file.
 */
#include "objects/elf/elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "objects/elf/elf_state.h"
#include "formats/base/cleanup.h"

#define LOWEST_PAGE_BYTES \
	4096u /* segments are mapped by whole pages; this is the smallest page there is */

bool kymo_elf_section_data(const struct kymo_elf *elf, Elf_Scn *section, GElf_Shdr *ret_header,
			   Elf_Data **ret_data)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, &header))
		return false;
	if (header.sh_type == SHT_NOBITS || header.sh_size == 0 ||
	    header.sh_offset > elf->file_bytes ||
	    header.sh_size > elf->file_bytes - header.sh_offset)
		return false;
	data = elf_getdata(section, NULL);
	if (!data || !data->d_buf || data->d_size == 0 || data->d_size > header.sh_size)
		return false;
	if (ret_header)
		*ret_header = header;
	*ret_data = data;
	return true;
}

const char *kymo_elf_string(const Elf_Data *strings, size_t offset)
{
	const char *bytes = strings->d_buf;

	/* A table ends in a NUL, so every string in it ends. */
	if (offset >= strings->d_size || bytes[strings->d_size - 1] != '\0')
		return NULL;
	return bytes + offset;
}

Elf_Scn *kymo_elf_section_by_name(const struct kymo_elf *elf, const char *name)
{
	Elf_Scn *section = NULL;
	size_t names_index, seen = 0;
	Elf_Data *names;

	if (elf_getshdrstrndx(elf->handle, &names_index) < 0 ||
	    !kymo_elf_section_data(elf, elf_getscn(elf->handle, names_index), NULL, &names))
		return NULL;
	while ((section = elf_nextscn(elf->handle, section)) && seen++ < KYMO_ELF_MAX_SECTIONS) {
		GElf_Shdr header;
		const char *found;

		if (!gelf_getshdr(section, &header))
			continue;
		found = kymo_elf_string(names, header.sh_name);
		if (found && strcmp(found, name) == 0) /* ends with the shorter one */
			return section;
	}
	return NULL;
}

static int segment_order(const void *left, const void *right)
{
	const struct kymo_segment *a = left, *b = right;

	if (a->executable != b->executable)
		return a->executable ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

static int load_segments(struct kymo_elf *elf, struct cap_err *err)
{
	size_t count;

	if (elf_getphdrnum(elf->handle, &count) < 0 || count == 0)
		return 0;
	if (count > KYMO_ELF_MAX_SEGMENTS)
		count = KYMO_ELF_MAX_SEGMENTS;
	elf->segments = calloc(count, sizeof(*elf->segments));
	if (!elf->segments)
		return cap_fail(err, -ENOMEM, "segments");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf->handle, (int)i, &header) || header.p_type != PT_LOAD)
			continue;
		/* A segment that wraps around the address space maps nothing we could name. */
		if (header.p_vaddr + header.p_memsz < header.p_vaddr ||
		    header.p_offset + header.p_filesz < header.p_offset)
			continue;
		elf->segments[elf->segment_count++] = (struct kymo_segment){
			.offset = header.p_offset,
			.file_bytes = header.p_filesz,
			.address = header.p_vaddr,
			.memory_bytes = header.p_memsz,
			.executable = header.p_flags & PF_X,
			.writable = header.p_flags & PF_W,
		};
	}
	qsort(elf->segments, elf->segment_count, sizeof(*elf->segments), segment_order);
	if (elf->segment_count > 0) {
		const struct kymo_segment *text = &elf->segments[0];

		/* Code has no zeroed tail. What may be left of it in a debug file is the headers
		 * and notes, where these share the segment (aarch64, -z noseparate-code). */
		elf->debug_only = text->executable && !text->writable &&
				  text->file_bytes < text->memory_bytes;
	}
	return 0;
}

/* Takes the build-id out of notes; true if there is one of a sane length. */
static bool build_id_in_notes(struct kymo_elf *elf, Elf_Data *notes)
{
	GElf_Nhdr note;
	size_t at = 0, next, name_at, body_at;

	while ((next = gelf_getnote(notes, at, &note, &name_at, &body_at)) > at) {
		const char *bytes = notes->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    note.n_descsz >= 2 && note.n_descsz <= KYMO_ELF_MAX_BUILD_ID_BYTES &&
		    body_at <= notes->d_size && note.n_descsz <= notes->d_size - body_at &&
		    memcmp(bytes + name_at, "GNU", sizeof("GNU")) == 0) {
			memcpy(elf->build_id, bytes + body_at, note.n_descsz);
			elf->build_id_len = note.n_descsz;
			return true;
		}
		at = next;
	}
	return false;
}

/* Without section headers, use the segments. */
static void load_build_id_of_segments(struct kymo_elf *elf)
{
	size_t count, tried = 0;

	if (elf_getphdrnum(elf->handle, &count) < 0)
		return;
	for (size_t i = 0; i < count && i < KYMO_ELF_MAX_SEGMENTS && tried < KYMO_ELF_MAX_NOTES;
	     i++) {
		GElf_Phdr header;
		Elf_Data *data;

		if (!gelf_getphdr(elf->handle, (int)i, &header) || header.p_type != PT_NOTE ||
		    header.p_offset > elf->file_bytes ||
		    header.p_filesz > elf->file_bytes - header.p_offset || header.p_filesz == 0 ||
		    header.p_filesz > KYMO_ELF_MAX_NOTE_BYTES)
			continue;
		tried++;
		data = elf_getdata_rawchunk(elf->handle, (int64_t)header.p_offset, header.p_filesz,
					    header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data && data->d_buf && build_id_in_notes(elf, data))
			return;
	}
}

static void load_build_id(struct kymo_elf *elf)
{
	Elf_Scn *section = NULL;
	size_t seen = 0, tried = 0;

	while ((section = elf_nextscn(elf->handle, section)) && seen++ < KYMO_ELF_MAX_SECTIONS &&
	       tried < KYMO_ELF_MAX_NOTES) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE ||
		    header.sh_size > KYMO_ELF_MAX_NOTE_BYTES)
			continue;
		tried++;
		if (kymo_elf_section_data(elf, section, NULL, &data) &&
		    build_id_in_notes(elf, data))
			return;
	}
	load_build_id_of_segments(elf);
}

static void load_debug_link(struct kymo_elf *elf)
{
	Elf_Data *data;
	const char *name;
	size_t len;

	if (!kymo_elf_section_data(elf, kymo_elf_section_by_name(elf, ".gnu_debuglink"), NULL,
				   &data))
		return;
	name = data->d_buf;
	len = strnlen(name, data->d_size);
	if (len == 0 || len == data->d_size || len >= sizeof(elf->debug_link) ||
	    memchr(name, '/', len) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	memcpy(elf->debug_link, name, len + 1);
	len = (len + 4) & ~(size_t)3; /* with its NUL, to the next word */
	if (len > data->d_size || data->d_size - len < sizeof(elf->debug_link_crc))
		return;
	/* libelf leaves the bytes of such a section as they are. */
	for (size_t i = 0; i < 4; i++) {
		size_t shift = elf->little_endian ? 8 * i : 8 * (3 - i);

		elf->debug_link_crc |= (uint32_t)(uint8_t)name[len + i] << shift;
	}
	elf->has_debug_link_crc = true;
}

static void look_for_symtab(struct kymo_elf *elf)
{
	Elf_Scn *section = NULL;
	size_t seen = 0;

	while ((section = elf_nextscn(elf->handle, section)) && seen++ < KYMO_ELF_MAX_SECTIONS) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB &&
		    header.sh_size > 0)
			elf->has_symtab = true;
	}
}

bool kymo_elf_ran_out(void)
{
	int error = elf_errno(); /* and forgets it */

	return error != 0 && strcmp(elf_errmsg(error), "out of memory") == 0;
}

/* What an opened handle tells; takes elf over. */
static int read_head(struct kymo_elf *elf, const char *name, struct kymo_elf **ret_elf,
		     struct cap_err *err)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *owned = elf;
	GElf_Ehdr header;
	int rc;

	if (!elf->handle && kymo_elf_ran_out())
		return cap_fail(err, -ENOMEM, "'%s'", name);
	if (!elf->handle || elf_kind(elf->handle) != ELF_K_ELF ||
	    !gelf_getehdr(elf->handle, &header))
		return cap_fail(err, -ENOEXEC, "'%s' is not a readable ELF file", name);
	elf->machine = header.e_machine;
	elf->little_endian = header.e_ident[EI_DATA] == ELFDATA2LSB;
	rc = load_segments(elf, err);
	if (rc < 0)
		return rc;
	load_build_id(elf);
	load_debug_link(elf);
	look_for_symtab(elf);
	if (kymo_elf_ran_out())
		return cap_fail(err, -ENOMEM, "'%s'", name);
	*ret_elf = TAKE(owned);
	return 0;
}

int kymo_elf_open_image(void *image, size_t bytes, const char *name, struct kymo_elf **ret_elf,
			struct cap_err *err)
{
	struct kymo_elf *elf = calloc(1, sizeof(*elf));

	if (!elf || elf_version(EV_CURRENT) == EV_NONE) {
		free(image);
		free(elf);
		return cap_fail(err, -ENOMEM, "'%s'", name);
	}
	elf->fd = -1;
	elf->image = image;
	elf->file_bytes = bytes;
	(void)kymo_elf_ran_out(); /* forgets what came of another file */
	elf->handle = elf_memory(image, bytes);
	return read_head(elf, name, ret_elf, err);
}

int kymo_elf_open_fd(int fd, const char *name, struct kymo_elf **ret_elf, struct cap_err *err)
{
	CLEANUP(cap_closep) int owned_fd = fd; /* until elf owns it */
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return cap_fail_errno(err, errno, "'%s'", name);
	if (!S_ISREG(status.st_mode))
		return cap_fail(err, -ENOEXEC, "'%s' is not a regular file", name);
	if ((uint64_t)status.st_size > KYMO_ELF_MAX_FILE_BYTES)
		return cap_fail(err, CAP_ELIMIT, "'%s': %lld bytes exceed the limit of %llu", name,
				(long long)status.st_size, KYMO_ELF_MAX_FILE_BYTES);
	elf = calloc(1, sizeof(*elf));
	if (!elf)
		return cap_fail(err, -ENOMEM, "'%s'", name);
	elf->fd = fd;
	owned_fd = -1;
	elf->file_bytes = (uint64_t)status.st_size;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return cap_fail(err, -ENOEXEC, "libelf is too old");
	(void)kymo_elf_ran_out(); /* forgets what came of another file */
	/* Read, not mapped: a file that shrinks under a mapping would kill us with SIGBUS. */
	elf->handle = elf_begin(elf->fd, ELF_C_READ, NULL);
	return read_head(TAKE(elf), name, ret_elf, err);
}

struct kymo_elf *kymo_elf_close(struct kymo_elf *elf)
{
	if (!elf)
		return NULL;
	free(elf->functions);
	free(elf->ifuncs);
	free(elf->segments);
	if (elf->handle)
		(void)elf_end(elf->handle); /* returns a reference count */
	free(elf->image);
	if (elf->fd >= 0)
		(void)close(elf->fd); /* only read */
	free(elf);
	return NULL;
}

void kymo_elf_closep(struct kymo_elf **elf)
{
	*elf = kymo_elf_close(*elf);
}

const uint8_t *kymo_elf_build_id(const struct kymo_elf *elf, size_t *ret_len)
{
	if (elf->build_id_len == 0)
		return NULL;
	*ret_len = elf->build_id_len;
	return elf->build_id;
}

const char *kymo_elf_debug_link(const struct kymo_elf *elf)
{
	return elf->debug_link[0] ? elf->debug_link : NULL;
}

bool kymo_elf_debug_link_crc(const struct kymo_elf *elf, uint32_t *ret_crc)
{
	if (elf->has_debug_link_crc)
		*ret_crc = elf->debug_link_crc;
	return elf->has_debug_link_crc;
}

bool kymo_elf_file_crc(const struct kymo_elf *elf, uint32_t *ret_crc)
{
	uint32_t table[256], crc = ~0u;
	uint8_t bytes[65536];
	uint64_t at = 0;

	if (elf->fd < 0)
		return false;
	for (uint32_t i = 0; i < 256; i++) { /* CRC-32 as in zip and Ethernet, reflected */
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
	while (at < elf->file_bytes) {
		ssize_t got = pread(elf->fd, bytes, sizeof(bytes), (off_t)at);

		if (got <= 0)
			return false;
		for (ssize_t i = 0; i < got; i++)
			crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
		at += (uint64_t)got;
	}
	*ret_crc = ~crc;
	return true;
}

bool kymo_elf_stat(const struct kymo_elf *elf, struct stat *ret_status)
{
	return elf->fd >= 0 && fstat(elf->fd, ret_status) == 0;
}

bool kymo_elf_has_symtab(const struct kymo_elf *elf)
{
	return elf->has_symtab;
}

bool kymo_elf_is_debug_only(const struct kymo_elf *elf)
{
	return elf->debug_only;
}

bool kymo_elf_address_of(const struct kymo_elf *elf, uint64_t file_offset, uint64_t *ret_address)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct kymo_segment *segment = &elf->segments[i];

		if (file_offset >= segment->offset &&
		    file_offset - segment->offset < segment->file_bytes) {
			*ret_address = segment->address + (file_offset - segment->offset);
			return true;
		}
	}
	return false;
}

bool kymo_elf_same_layout(const struct kymo_elf *a, const struct kymo_elf *b)
{
	if (a->machine != b->machine)
		return false;
	for (size_t i = 0; i < a->segment_count || i < b->segment_count; i++) {
		bool in_a = i < a->segment_count && a->segments[i].executable;
		bool in_b = i < b->segment_count && b->segments[i].executable;

		if (in_a != in_b)
			return false;
		if (!in_a) /* they come first */
			return i > 0;
		if (a->segments[i].address != b->segments[i].address ||
		    a->segments[i].memory_bytes != b->segments[i].memory_bytes)
			return false;
	}
	return a->segment_count > 0;
}

bool kymo_elf_offset_of(const struct kymo_elf *elf, uint64_t address, uint64_t *ret_offset)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct kymo_segment *segment = &elf->segments[i];

		if (address >= segment->address &&
		    address - segment->address < segment->file_bytes) {
			*ret_offset = segment->offset + (address - segment->address);
			return true;
		}
	}
	return false;
}

bool kymo_elf_text_page(const struct kymo_elf *elf, uint64_t *ret_address)
{
	if (elf->segment_count == 0 || !elf->segments[0].executable)
		return false;
	*ret_address = elf->segments[0].address & ~(uint64_t)(LOWEST_PAGE_BYTES - 1);
	return true;
}
