#pragma once
/* What tells a file apart from others of its name: build-id, size, time. Opens the file: not to be
 * used with privileges, and it may hang on some file systems. */
#include <stddef.h>

#include "formats/table/events.h"
#include "recorder/host/elf_page.h"
#include "recorder/host/mapped_file.h"

struct rec_file_identity {
	u64 file_bytes;
	u64 file_mtime_ns; /* CLOCK_REALTIME */
	u8 build_id[REC_ELF_BUILD_ID_BYTES];
	size_t build_id_bytes; /* 0: none */
};

struct rec_file_key {
	u64 inode;
	u32 dev_major, dev_minor;
};

/*
 * Looks the file up by its path in our mount namespace; it must be the regular file that the key
 * names, on a device that is local. 0, or -ENOENT: it is not, or cannot be read.
 */
int rec_file_identify(const char *path, const struct rec_file_key *key,
		      struct rec_dev_verdicts *verdicts, struct rec_file_identity *ret_identity);
