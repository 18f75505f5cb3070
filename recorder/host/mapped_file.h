#pragma once
/*
 * Which file a mapping of a running process is of, where the kernel does not give a build-id by
 * itself: the build-id in the file's mapped first pages, and the file's size and time. Opens no
 * file that a process chose: it reads /proc/PID/mem, and asks for attributes only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"
#include "recorder/host/elf_page.h"

/* What may be asked of files on a device. Some wait for a server or another process, perhaps for
 * ever. */
enum rec_device_kind {
	REC_DEVICE_UNKNOWN, /* in no mount table that was looked at: as REC_DEVICE_SLOW */
	REC_DEVICE_SLOW,    /* network, FUSE: nothing */
	REC_DEVICE_MEMORY,  /* tmpfs and the like: pages that are not there may be another process's
			       to  provide (userfaultfd) */
	REC_DEVICE_LOCAL,   /* everything */
};

/* Devices already judged. */
struct rec_dev_verdicts {
	struct {
		u32 dev_major, dev_minor;
		enum rec_device_kind kind;
	} known[32];
	size_t count;
};

/* Judges by the mount table of the process whose /proc directory is dir_fd, else by our own. */
enum rec_device_kind rec_device_kind(struct rec_dev_verdicts *verdicts, int dir_fd, u32 dev_major,
				     u32 dev_minor);

struct rec_image {
	bool valid;
	u64 start; /* address of the file's first byte */
	struct rec_elf_page page;
	u8 build_id[REC_ELF_BUILD_ID_BYTES];
	size_t build_id_bytes; /* 0: none */
};

/* Memory of a process, opened when it is first needed. */
struct rec_process_memory {
	int dir_fd;
	int mem_fd, pagemap_fd; /* -1: not open yet, -2: refused */
};

/*
 * Reads the image that begins at start. Pages that the process changed are not believed. kind: of
 * the file's device. False (and ret_image->valid): it cannot be read, or is not ELF.
 */
bool rec_image_read(struct rec_process_memory *memory, enum rec_device_kind kind, u64 start,
		    struct rec_image *ret_image);
void rec_process_memory_close(struct rec_process_memory *memory);

/*
 * Fills file_bytes and file_mtime_ns of a row that has inode and device, and path as path is. By
 * the mapping itself where we may (then device and inode become those that stat(2) gives), else by
 * the path, whose device and inode must agree. Leaves them 0 where it is not certain that this is
 * the very file.
 */
void rec_mapped_file_stat(int dir_fd, const char *path, struct ev_mapping *row);
