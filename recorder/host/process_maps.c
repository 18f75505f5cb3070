/* Two ways to the same rows: the PROCMAP_QUERY ioctl, and the text of /proc/PID/maps, where
 * build-ids are read from the process's memory. */
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
#include "recorder/host/file_systems.h"
#include "recorder/host/maps_parse.h"
#include "recorder/base/monotonic.h"
#include "recorder/base/units.h"

#define MAX_BUILD_ID_BYTES REC_ELF_BUILD_ID_BYTES
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

/* The mapping of the first byte of a file: its headers are there. */
struct maps_head {
	bool known, tried; /* tried: image was asked for */
	u64 start, end, inode;
	u32 dev_major, dev_minor;
	struct rec_image image;
	size_t path_len;
	char path[PATH_MAX];
};

struct maps_scan {
	int dir_fd, maps_fd;
	struct rec_process_memory memory;
	struct maps_head head; /* the last one at or before the mapping in question */
	u64 head_until;	       /* by query: where the next one begins */
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
	if (scan->taker)
		rec_file_map_add(scan->taker->files, &(struct rec_file_mapping){
							     .row = row,
							     .tgid = scan->tgid,
							     .path = path,
							     .path_bytes = path_len,
							     .build_id = build_id,
							     .build_id_bytes = build_id_bytes,
						     });
	row->time_ns = scan->time_ns;
	row->flags |= EV_MAPPING_KEYFRAME;
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

/* ---- what the file of a mapping is ---- */

static bool is_same_file(const struct ev_mapping *row, const struct maps_head *head)
{
	return head->inode == row->inode && head->dev_major == row->dev_major &&
	       head->dev_minor == row->dev_minor;
}

static void set_head(struct maps_scan *scan, const struct rec_maps_line *line)
{
	struct maps_head *head = &scan->head;
	size_t len = line->path_len < sizeof(head->path) ? line->path_len : 0;

	*head = (struct maps_head){
		.known = true,
		.start = line->start_address,
		.end = line->end_address,
		.inode = line->inode,
		.dev_major = line->dev_major,
		.dev_minor = line->dev_minor,
		.path_len = len,
	};
	memcpy(head->path, line->path, len);
}

/* The ELF image that begins there, read when it is first asked for. NULL: it cannot be had. */
static const struct rec_image *image_of(struct maps_scan *scan)
{
	struct maps_head *head = &scan->head;

	if (head->known && !head->tried) {
		head->tried = true;
		(void)rec_image_read(&scan->memory,
				     rec_device_kind(scan->verdicts, scan->dir_fd, head->dev_major,
						     head->dev_minor),
				     head->start, &head->image);
	}
	return head->known && head->image.valid ? &head->image : NULL;
}

/* Is it the beginning of a file? */
static bool is_head(const struct rec_maps_line *line)
{
	return line->inode != 0 && line->file_offset == 0 && line->path_len > 0;
}

/* Makes head the last beginning of a file at or before an address, and head_until the next. The
 * whole text is read, but once for all mappings between the same two files only. */
static void find_head(struct maps_scan *scan, u64 address)
{
	CLEANUP(cap_closep) int fd = -1;
	struct rec_line_reader lines;
	char *text;

	if (scan->head_until > address && (!scan->head.known || scan->head.start <= address))
		return;
	fd = openat(scan->dir_fd, "maps", O_RDONLY | O_CLOEXEC);
	scan->head.known = false;
	scan->head_until = UINT64_MAX;
	if (fd < 0)
		return;
	rec_lines_init(&lines, fd);
	while (rec_lines_next(&lines, &text) > 0) {
		struct rec_maps_line line;

		if (rec_maps_parse_line(text, &line) < 0 || !is_head(&line))
			continue;
		if (line.start_address > address) {
			scan->head_until = line.start_address;
			return;
		}
		set_head(scan, &line);
	}
}

static void stat_file(struct maps_scan *scan, const char *path, struct ev_mapping *row)
{
	enum rec_device_kind kind =
		rec_device_kind(scan->verdicts, scan->dir_fd, row->dev_major, row->dev_minor);

	if (kind == REC_DEVICE_LOCAL || kind == REC_DEVICE_MEMORY)
		rec_mapped_file_stat(scan->dir_fd, path, row);
}

/* The same for a row of presumed code, by the mapping of the file's beginning. */
static void stat_head(struct maps_scan *scan, struct ev_mapping *row)
{
	struct ev_mapping head = {
		.start_address = scan->head.start,
		.size_bytes = scan->head.end - scan->head.start,
		.inode = row->inode,
		.dev_major = row->dev_major,
		.dev_minor = row->dev_minor,
	};

	stat_file(scan, scan->head.path, &head);
	row->inode = head.inode;
	row->dev_major = head.dev_major;
	row->dev_minor = head.dev_minor;
	row->file_bytes = head.file_bytes;
	row->file_mtime_ns = head.file_mtime_ns;
}

static bool is_anonymous(const char *path, size_t len)
{
	static const char *const names[] = {"//anon", "[anon:", "/anon_hugepage",
					    "/memfd:", "/dev/zero"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (len >= strlen(names[i]) && !memcmp(path, names[i], strlen(names[i])))
			return true;
	return len == 0;
}

/*
 * Anonymous memory within what the file before it calls its code: a program moved its code there,
 * to huge pages as a rule. Nothing else can lie inside a loaded image, unless the process unmapped
 * a part of it. Adds the row of the file. 0, 1 or negative, as add_row; -ENOENT: it is not so.
 */
static int add_presumed(struct maps_scan *scan, struct ev_mapping row)
{
	const struct rec_image *image = image_of(scan);
	const struct maps_head *head = &scan->head;

	for (size_t i = 0; image && i < image->page.code_count; i++) {
		u64 start, end;

		if (__builtin_add_overflow(image->start, image->page.code[i].start, &start) ||
		    __builtin_add_overflow(image->start, image->page.code[i].end, &end) ||
		    row.start_address < start || row.start_address + row.size_bytes > end)
			continue;
		row.file_offset = image->page.code[i].file_offset + (row.start_address - start);
		row.inode = head->inode;
		row.dev_major = head->dev_major;
		row.dev_minor = head->dev_minor;
		row.flags = EV_MAPPING_PRESUMED;
		if (!image->build_id_bytes)
			stat_head(scan, &row);
		return add_row(scan, &row, head->path, head->path_len, image->build_id,
			       image->build_id_bytes);
	}
	return -ENOENT;
}

/* ---- the two ways ---- */

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
	/* name_bytes counts the terminator. */
	size_t build_id_bytes = 0, name_len = mapping->name_bytes ? mapping->name_bytes - 1 : 0;
	struct ev_mapping row = {
		.start_address = mapping->start_address,
		.size_bytes = mapping->end_address - mapping->start_address,
		.file_offset = mapping->file_offset,
		.inode = mapping->inode,
		.dev_major = mapping->dev_major,
		.dev_minor = mapping->dev_minor,
	};

	if (is_anonymous(name, name_len)) {
		int rc;

		find_head(scan, row.start_address);
		rc = add_presumed(scan, row);
		if (rc != -ENOENT)
			return rc;
	}
	if (mapping->inode) {
		enum rec_device_kind kind = rec_device_kind(scan->verdicts, scan->dir_fd,
							    mapping->dev_major, mapping->dev_minor);

		if (kind == REC_DEVICE_LOCAL || kind == REC_DEVICE_MEMORY)
			build_id_bytes = query_build_id(scan, mapping, build_id);
		if (!build_id_bytes)
			stat_file(scan, name, &row);
	}
	return add_row(scan, &row, name, name_len, build_id, build_id_bytes);
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

/* One executable mapping; head is the last beginning of a file at or before it. */
static int add_line(struct maps_scan *scan, const struct rec_maps_line *line)
{
	const struct rec_image *image = NULL;
	struct ev_mapping row = {
		.start_address = line->start_address,
		.size_bytes = line->end_address - line->start_address,
		.file_offset = line->file_offset,
		.inode = line->inode,
		.dev_major = line->dev_major,
		.dev_minor = line->dev_minor,
	};

	if (is_anonymous(line->path, line->path_len)) {
		int rc = add_presumed(scan, row);

		if (rc != -ENOENT)
			return rc;
	}
	if (row.inode && scan->head.known && is_same_file(&row, &scan->head))
		image = image_of(scan);
	if (row.inode && !(image && image->build_id_bytes))
		stat_file(scan, line->path, &row);
	return add_row(scan, &row, line->path, line->path_len, image ? image->build_id : NULL,
		       image ? image->build_id_bytes : 0);
}

static int scan_by_text(struct maps_scan *scan)
{
	struct rec_line_reader lines;
	char *line;

	rec_lines_init(&lines, scan->maps_fd);
	while (rec_lines_next(&lines, &line) > 0) {
		struct rec_maps_line parsed;
		int rc;

		if (rec_maps_parse_line(line, &parsed) < 0)
			continue;
		if (is_head(&parsed))
			set_head(scan, &parsed);
		if (!parsed.executable ||
		    parsed.start_address >>
			    63) /* [vsyscall]: the kernel's, no mapping of the process */
			continue;
		rc = add_line(scan, &parsed);
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
		.memory = {.dir_fd = dir_fd, .mem_fd = -1, .pagemap_fd = -1},
	};
	int rc;

	if (maps_fd < 0)
		return 0; /* ended, or not permitted: then no mappings are recorded */
	scan.task = cap_chunk_task(chunk, task);
	if (taker)
		taker->listed(taker->context, task->tgid, task->leader_start_ns);
	rc = scan_by_query(&scan);
	if (rc == -ENOTTY)
		rc = scan_by_text(&scan);
	rec_process_memory_close(&scan.memory);
	return rc < 0 ? rc : (int)scan.row_count;
}
