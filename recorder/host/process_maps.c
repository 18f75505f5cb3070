/* Two ways to the same rows: the PROCMAP_QUERY ioctl, and the text of /proc/PID/maps, which has no
 * build-ids. */
#include "recorder/host/process_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "recorder/host/maps_parse.h"
#include "recorder/base/monotonic.h"
#include "recorder/base/units.h"

#define MAX_BUILD_ID_BYTES 20
#define CHUNK_LIMIT_BYTES (CAP_WRITER_MAX_RAW_BYTES - (1u << 20))

/* struct procmap_query of linux/fs.h since 6.11; older headers do not have it. */
struct maps_query {
	u64 size;
	u64 query_flags;
	u64 query_address;
	u64 start_address, end_address;
	u64 flags;
	u64 page_bytes;
	u64 file_offset;
	u64 inode;
	u32 dev_major, dev_minor;
	u32 name_bytes;
	u32 build_id_bytes;
	u64 name_address;
	u64 build_id_address;
};
_Static_assert(sizeof(struct maps_query) == 104, "layout of struct procmap_query");
#define MAPS_QUERY _IOWR('f', 17, struct maps_query)
#define MAPS_QUERY_EXECUTABLE 0x04
#define MAPS_QUERY_THIS_OR_NEXT 0x10

struct maps_scan {
	int dir_fd, maps_fd;
	u64 time_ns;
	u32 task;
	u32 row_count;
	struct rec_dev_verdicts *verdicts;
	struct cap_chunk *chunk;
	const struct rec_mapping_taker *taker; /* may be NULL */
	u32 tgid;
};

/* 0, 1: no more rows fit, -ENOMEM. row holds everything but task, time, flags and the interned
 * fields. */
static int add_row(struct maps_scan *scan, struct ev_mapping *row, const char *path,
		   size_t path_len, const u8 *build_id, size_t build_id_bytes)
{
	int rc;

	if (scan->row_count == REC_MAX_MAPPINGS ||
	    cap_chunk_raw_bytes(scan->chunk) > CHUNK_LIMIT_BYTES)
		return 1;
	row->time_ns = scan->time_ns;
	row->flags = EV_MAPPING_KEYFRAME;
	row->task = scan->task;
	row->path = cap_chunk_string(scan->chunk, path, path_len);
	row->build_id =
		build_id_bytes ? cap_chunk_string(scan->chunk, build_id, build_id_bytes) : 0;
	rc = cap_chunk_add(scan->chunk, EV_MAPPING, row);
	if (rc == CAP_ELIMIT)
		return 1;
	scan->row_count++;
	if (rc == 0 && scan->taker)
		scan->taker->mapping(scan->taker->context, scan->tgid, row->start_address,
				     row->size_bytes);
	return rc;
}

/* Reading a file there may wait for a server or for another process, perhaps for ever. */
static bool is_slow_type(const char *type, size_t len)
{
	static const char *const slow[] = {"fuse", "nfs",    "cifs", "smb",	  "9p",	     "ceph",
					   "afs",  "lustre", "coda", "glusterfs", "orangefs"};

	for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++)
		if (len >= strlen(slow[i]) && !strncmp(type, slow[i], strlen(slow[i])))
			return true;
	return false;
}

/* The process's own mount table says the type; a device that is not in it is not trusted. */
static bool judge_device(int dir_fd, u32 dev_major, u32 dev_minor)
{
	CLEANUP(cap_closep) int fd = openat(dir_fd, "mountinfo", O_RDONLY | O_CLOEXEC);
	struct rec_line_reader lines;
	char *line;

	if (fd < 0)
		return false;
	rec_lines_init(&lines, fd);
	while (rec_lines_next(&lines, &line) > 0) {
		size_t len;
		const char *type = rec_mountinfo_type(line, dev_major, dev_minor, &len);

		if (type)
			return !is_slow_type(type, len);
	}
	return false;
}

static bool may_read_device(struct maps_scan *scan, u32 dev_major, u32 dev_minor)
{
	struct rec_dev_verdicts *verdicts = scan->verdicts;
	bool may_read;

	for (size_t i = 0; i < verdicts->count; i++)
		if (verdicts->known[i].dev_major == dev_major &&
		    verdicts->known[i].dev_minor == dev_minor)
			return verdicts->known[i].may_read;
	may_read = judge_device(scan->dir_fd, dev_major, dev_minor);
	/* Cache only certain answers: another process may have the device in its table. */
	if (may_read && verdicts->count < sizeof(verdicts->known) / sizeof(*verdicts->known)) {
		verdicts->known[verdicts->count].dev_major = dev_major;
		verdicts->known[verdicts->count].dev_minor = dev_minor;
		verdicts->known[verdicts->count++].may_read = true;
	}
	return may_read;
}

/* Asks for the first executable mapping at or after the address. 0 or -errno (-ENOENT: no more). */
static int query(int maps_fd, u64 address, char *name, u32 name_bytes, struct maps_query *ret_query)
{
	struct maps_query query = {
		.size = sizeof(query),
		.query_flags = MAPS_QUERY_EXECUTABLE | MAPS_QUERY_THIS_OR_NEXT,
		.query_address = address,
		.name_bytes = name_bytes,
		.name_address = name_bytes ? (u64)(uintptr_t)name : 0,
	};

	if (ioctl(maps_fd, MAPS_QUERY, &query) < 0)
		return -errno;
	*ret_query = query;
	return 0;
}

/* Bytes of the build-id, 0: none. A second query, because the first says which file this one would
 * read. */
static size_t query_build_id(const struct maps_scan *scan, const struct maps_query *mapping,
			     u8 ret_build_id[MAX_BUILD_ID_BYTES])
{
	struct maps_query query = {
		.size = sizeof(query),
		.query_flags = MAPS_QUERY_EXECUTABLE,
		.query_address = mapping->start_address,
		.build_id_bytes = MAX_BUILD_ID_BYTES,
		.build_id_address = (u64)(uintptr_t)ret_build_id,
	};

	if (ioctl(scan->maps_fd, MAPS_QUERY, &query) < 0)
		return 0;
	if (query.start_address != mapping->start_address || query.inode != mapping->inode ||
	    query.build_id_bytes > MAX_BUILD_ID_BYTES)
		return 0;
	return query.build_id_bytes;
}

static int add_queried(struct maps_scan *scan, const struct maps_query *mapping, const char *name)
{
	u8 build_id[MAX_BUILD_ID_BYTES];
	size_t build_id_bytes = 0;
	struct ev_mapping row = {
		.start_address = mapping->start_address,
		.size_bytes = mapping->end_address - mapping->start_address,
		.file_offset = mapping->file_offset,
		.inode = mapping->inode,
		.dev_major = mapping->dev_major,
		.dev_minor = mapping->dev_minor,
	};

	if (mapping->inode && may_read_device(scan, mapping->dev_major, mapping->dev_minor))
		build_id_bytes = query_build_id(scan, mapping, build_id);
	/* name_bytes counts the terminator. */
	return add_row(scan, &row, name, mapping->name_bytes ? mapping->name_bytes - 1 : 0,
		       build_id, build_id_bytes);
}

/* 0, -ENOTTY if the kernel does not know the query, -ENOMEM. */
static int scan_by_query(struct maps_scan *scan)
{
	char name[PATH_MAX];
	u64 address = 0;

	for (;;) {
		struct maps_query mapping = {0};
		int rc = query(scan->maps_fd, address, name, sizeof(name), &mapping);

		if (rc == -ENAMETOOLONG) {
			name[0] = '\0';
			rc = query(scan->maps_fd, address, name, 0, &mapping);
		}
		if (rc == -ENOTTY || rc == -EINVAL)
			return scan->row_count ? 0 : -ENOTTY;
		if (rc < 0)
			return 0; /* no more, or the process ended */
		if (mapping.end_address <= address || mapping.name_bytes > sizeof(name))
			return 0;
		rc = add_queried(scan, &mapping, name);
		if (rc)
			return rc < 0 ? rc : 0;
		address = mapping.end_address;
	}
}

static int scan_by_text(struct maps_scan *scan)
{
	struct rec_line_reader lines;
	char *line;

	rec_lines_init(&lines, scan->maps_fd);
	while (rec_lines_next(&lines, &line) > 0) {
		struct rec_maps_line parsed;
		struct ev_mapping row = {0};
		int rc;

		if (rec_maps_parse_line(line, &parsed) < 0 || !parsed.executable ||
		    parsed.start_address >>
			    63) /* [vsyscall]: the kernel's, no mapping of the process */
			continue;
		row.start_address = parsed.start_address;
		row.size_bytes = parsed.end_address - parsed.start_address;
		row.file_offset = parsed.file_offset;
		row.inode = parsed.inode;
		row.dev_major = parsed.dev_major;
		row.dev_minor = parsed.dev_minor;
		rc = add_row(scan, &row, parsed.path, parsed.path_len, NULL, 0);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return 0;
}

int rec_process_maps(int dir_fd, const struct cap_task *task, struct rec_dev_verdicts *verdicts,
		     const struct rec_mapping_taker *taker, struct cap_chunk *chunk)
{
	CLEANUP(cap_closep) int maps_fd = openat(dir_fd, "maps", O_RDONLY | O_CLOEXEC);
	struct maps_scan scan = {
		.dir_fd = dir_fd,
		.maps_fd = maps_fd,
		.time_ns = rec_monotonic_ns(),
		.verdicts = verdicts,
		.chunk = chunk,
		.taker = taker,
		.tgid = task->tgid,
	};
	int rc;

	if (maps_fd < 0)
		return 0; /* ended, or not permitted: then no mappings are recorded */
	scan.task = cap_chunk_task(chunk, task);
	if (taker)
		taker->listed(taker->context, task->tgid, task->leader_start_ns);
	rc = scan_by_query(&scan);
	return rc == -ENOTTY ? scan_by_text(&scan) : rc;
}
