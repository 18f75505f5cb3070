#pragma once
/*
 * An open ELF file: build-id, debug link, segments. Reads untrusted files: everything libelf
 * returns is checked, and left out if wrong. Finds no files (find_object.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "formats/base/cap_error.h"

#define KYMO_ELF_MAX_FILE_BYTES (1ull << 30)
#define KYMO_ELF_MAX_BUILD_ID_BYTES 64

struct kymo_elf;

/*
 * Opens a regular ELF file of at most KYMO_ELF_MAX_FILE_BYTES. Takes fd over, also on failure; name
 * is for messages only. -errno, -ENOEXEC (not ELF, or broken), CAP_ELIMIT (too big).
 */
int kymo_elf_open_fd(int fd, const char *name, struct kymo_elf **ret_elf, struct cap_err *err);
/* The same of a file in memory: image is malloc'd, taken over and freed, also on failure. 0,
 * -ENOMEM, -ENOEXEC. */
int kymo_elf_open_image(void *image, size_t bytes, const char *name, struct kymo_elf **ret_elf,
			struct cap_err *err);
struct kymo_elf *kymo_elf_close(struct kymo_elf *elf); /* accepts NULL, returns NULL */
void kymo_elf_closep(struct kymo_elf **elf);	       /* for CLEANUP */

/* The GNU build-id: its bytes (valid until close) and *ret_len, or NULL if the file has none of a
 * sane length. */
const uint8_t *kymo_elf_build_id(const struct kymo_elf *elf, size_t *ret_len);

/* The file name in .gnu_debuglink, or NULL. It is untrusted but free of '/', not "." or "..", and
 * terminated. */
const char *kymo_elf_debug_link(const struct kymo_elf *elf);

/* The checksum that .gnu_debuglink gives of the file it names; false if there is none. */
bool kymo_elf_debug_link_crc(const struct kymo_elf *elf, uint32_t *ret_crc);
/* That checksum of this whole file; false if it cannot be read, or is an image in memory. */
bool kymo_elf_file_crc(const struct kymo_elf *elf, uint32_t *ret_crc);

/* What the system says of the opened file; false of an image in memory. */
bool kymo_elf_stat(const struct kymo_elf *elf, struct stat *ret_status);

/* The file holds a .symtab with contents. */
bool kymo_elf_has_symtab(const struct kymo_elf *elf);

/* Only the debugging half of a program: its code sections are empty, so its segments have no valid
 * file offsets. */
bool kymo_elf_is_debug_only(const struct kymo_elf *elf);

/* Do two files have their code at the same addresses, as the halves of one program do? */
bool kymo_elf_same_layout(const struct kymo_elf *a, const struct kymo_elf *b);

/* Virtual address of a file offset, through the loaded segments, executable ones first. False if
 * none covers it. */
bool kymo_elf_address_of(const struct kymo_elf *elf, uint64_t file_offset, uint64_t *ret_address);

/* The file offset of a virtual address, through the loaded segments, executable ones first. False
 * if the file holds no byte for it. */
bool kymo_elf_offset_of(const struct kymo_elf *elf, uint64_t address, uint64_t *ret_offset);

/* Lowest page of the executable segments as the loader maps it: its virtual address. False if there
 * is none. */
bool kymo_elf_text_page(const struct kymo_elf *elf, uint64_t *ret_address);
