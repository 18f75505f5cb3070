/* The pages are read from memory and not from the file, since only the process knows its file for
 * sure: paths are those of its mount namespace, and the file may be replaced or deleted. */
#include "recorder/host/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/base/units.h"
#include "recorder/host/maps_parse.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* 5.12 */
#endif

/* Bits of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGE_PRESENT (1ull << 63)
#define PAGE_SWAPPED (1ull << 62)
#define PAGE_OF_FILE (1ull << 61)

static bool is_one_of(const char *type, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (len >= strlen(*list) && !strncmp(type, *list, strlen(*list)))
			return true;
	return false;
}

static enum rec_device_kind kind_of_type(const char *type, size_t len)
{
	static const char *const slow[] = {"fuse", "nfs",	"cifs",	    "smb",
					   "9p",   "ceph",	"afs",	    "lustre",
					   "coda", "glusterfs", "orangefs", NULL};
	static const char *const memory[] = {"tmpfs",	  "ramfs",    "rootfs", "shmem",
					     "hugetlbfs", "devtmpfs", NULL};

	return is_one_of(type, len, slow)     ? REC_DEVICE_SLOW
	       : is_one_of(type, len, memory) ? REC_DEVICE_MEMORY
					      : REC_DEVICE_LOCAL;
}

static enum rec_device_kind judge_by(int dir_fd, const char *table, u32 dev_major, u32 dev_minor)
{
	CLEANUP(cap_closep) int fd = openat(dir_fd, table, O_RDONLY | O_CLOEXEC);
	struct rec_line_reader lines;
	char *line;

	if (fd < 0)
		return REC_DEVICE_UNKNOWN;
	rec_lines_init(&lines, fd);
	while (rec_lines_next(&lines, &line) > 0) {
		size_t len;
		const char *type = rec_mountinfo_type(line, dev_major, dev_minor, &len);

		if (type)
			return kind_of_type(type, len);
	}
	return REC_DEVICE_UNKNOWN;
}

enum rec_device_kind rec_device_kind(struct rec_dev_verdicts *verdicts, int dir_fd, u32 dev_major,
				     u32 dev_minor)
{
	enum rec_device_kind kind;

	for (size_t i = 0; i < verdicts->count; i++)
		if (verdicts->known[i].dev_major == dev_major &&
		    verdicts->known[i].dev_minor == dev_minor)
			return verdicts->known[i].kind;
	kind = judge_by(dir_fd, "mountinfo", dev_major, dev_minor);
	/* Below an overlay the device is that of a layer, which only the host has mounted. */
	if (kind == REC_DEVICE_UNKNOWN)
		kind = judge_by(AT_FDCWD, "/proc/self/mountinfo", dev_major, dev_minor);
	/* Cache only certain answers: another process may have the device in its table. */
	if (kind != REC_DEVICE_UNKNOWN && kind != REC_DEVICE_SLOW &&
	    verdicts->count < sizeof(verdicts->known) / sizeof(*verdicts->known)) {
		verdicts->known[verdicts->count].dev_major = dev_major;
		verdicts->known[verdicts->count].dev_minor = dev_minor;
		verdicts->known[verdicts->count++].kind = kind;
	}
	return kind;
}

static int opened(int dir_fd, const char *name, int *fd)
{
	if (*fd == -1)
		*fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (*fd == -1)
		*fd = -2;
	return *fd;
}

/* May the page be read, and is it still the file's? A process could write anything into a copy of
 * its own. */
static bool page_is_of_file(struct rec_process_memory *memory, enum rec_device_kind kind,
			    u64 address)
{
	int fd = opened(memory->dir_fd, "pagemap", &memory->pagemap_fd);
	u64 page_bytes = (u64)sysconf(_SC_PAGESIZE), entry;

	if (fd < 0 || pread(fd, &entry, sizeof(entry),
			    (off_t)(address / page_bytes * sizeof(entry))) != sizeof(entry))
		return false;
	if (entry & PAGE_SWAPPED)
		return false;
	if (entry & PAGE_PRESENT)
		return entry & PAGE_OF_FILE;
	return kind == REC_DEVICE_LOCAL;
}

/* Bytes read, 0 where they may not be. Stays within what is left of the first page's pages. */
static size_t read_memory(struct rec_process_memory *memory, enum rec_device_kind kind, u64 address,
			  u8 *bytes, size_t size)
{
	u64 page_bytes = (u64)sysconf(_SC_PAGESIZE);
	u64 in_page = page_bytes - address % page_bytes;
	ssize_t got;

	if (address > INT64_MAX - page_bytes || !page_is_of_file(memory, kind, address) ||
	    opened(memory->dir_fd, "mem", &memory->mem_fd) < 0)
		return 0;
	got = pread(memory->mem_fd, bytes, size < in_page ? size : in_page, (off_t)address);
	return got > 0 ? (size_t)got : 0;
}

bool rec_image_read(struct rec_process_memory *memory, enum rec_device_kind kind, u64 start,
		    struct rec_image *ret_image)
{
	struct rec_image image = {.start = start};
	u8 bytes[REC_ELF_PAGE_BYTES];
	size_t len = 0;

	if (kind == REC_DEVICE_LOCAL || kind == REC_DEVICE_MEMORY)
		len = read_memory(memory, kind, start, bytes, sizeof(bytes));
	image.valid = rec_elf_page_parse(bytes, len, &image.page) == 0;
	for (size_t i = 0; image.valid && i < image.page.note_count && !image.build_id_bytes; i++) {
		u64 at;

		if (__builtin_add_overflow(start, image.page.notes[i].start, &at))
			continue;
		len = read_memory(memory, kind, at, bytes, image.page.notes[i].size_bytes);
		image.build_id_bytes = rec_elf_note_build_id(bytes, len, image.build_id);
	}
	*ret_image = image;
	return image.valid;
}

void rec_process_memory_close(struct rec_process_memory *memory)
{
	if (memory->mem_fd >= 0)
		(void)close(memory->mem_fd); /* only read */
	if (memory->pagemap_fd >= 0)
		(void)close(memory->pagemap_fd); /* only read */
	memory->mem_fd = memory->pagemap_fd = -1;
}

/* Attributes as they are known here, without asking a server. */
#define ASK (AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT)

static bool ask(int fd, const char *name, int flags, struct statx *ret_stat)
{
	return statx(fd, name, ASK | flags, STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME,
		     ret_stat) == 0 &&
	       S_ISREG(ret_stat->stx_mode);
}

static bool is_file_of(const struct statx *stat, const struct ev_mapping *row)
{
	return stat->stx_ino == row->inode && stat->stx_dev_major == row->dev_major &&
	       stat->stx_dev_minor == row->dev_minor;
}

/* By the path in the process's own root. Nothing is opened (O_PATH) and, where the kernel can
 * promise that (5.12), nothing waited for: directories on the way may be any. */
static bool ask_path(int dir_fd, const char *path, struct statx *ret_stat)
{
	CLEANUP(cap_closep) int root_fd = openat(dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(cap_closep) int fd = -1;
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_CACHED,
	};

	if (root_fd < 0)
		return false;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	return fd >= 0 && ask(fd, "", AT_EMPTY_PATH, ret_stat);
}

void rec_mapped_file_stat(int dir_fd, const char *path, struct ev_mapping *row)
{
	struct statx stat;
	char name[64];

	(void)snprintf(name, sizeof(name), "map_files/%llx-%llx",
		       (unsigned long long)row->start_address,
		       (unsigned long long)(row->start_address + row->size_bytes));
	if (ask(dir_fd, name, 0, &stat)) {
		row->inode = stat.stx_ino;
		row->dev_major = stat.stx_dev_major;
		row->dev_minor = stat.stx_dev_minor;
	} else if (!(ask(dir_fd, "exe", 0, &stat) && is_file_of(&stat, row)) &&
		   !(path[0] == '/' && ask_path(dir_fd, path, &stat) && is_file_of(&stat, row))) {
		return;
	}
	row->file_bytes = stat.stx_size;
	row->file_mtime_ns = (u64)stat.stx_mtime.tv_sec * REC_NS_PER_S + stat.stx_mtime.tv_nsec;
}
