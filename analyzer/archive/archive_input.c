/* See the header. Only methods "stored" and "deflated" are decompressed. */
#include "analyzer/archive/archive_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "analyzer/archive/zip_library.h"
#include "formats/base/cleanup.h"
#include "formats/base/unnamed_file.h"

#define MAX_MEMBERS 1000 /* a bundle has three */
#define COPY_BYTES (256u << 10)
/* Captures are compressed already: what grows by more is made to do harm. */
#define MAX_BYTES(archive_bytes) ((64ull << 20) + 20 * (archive_bytes))
#define CAPTURE_NAME ".kymo"

struct archive {
	const char *path;
	u64 bytes; /* of the file */
	struct zip_functions zip;
	zip_t *file;
};

static void archive_done(struct archive *archive)
{
	if (archive->file)
		archive->zip.zip_discard(archive->file);
}

bool kymo_is_archive(const u8 *head)
{
	return memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0 ||
	       (head[0] == 0x1f && head[1] == 0x8b);
}

static int write_out(int fd, const char *bytes, size_t len, struct cap_err *err)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cap_fail_errno(err, errno,
					      "unpack it into a temporary file (set TMPDIR to a "
					      "place with room)");
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static int refuse_size(const struct archive *archive, struct cap_err *err)
{
	return cap_fail(err, CAP_ELIMIT,
			"'%s': refused: its capture would be more than %" PRIu64
			" MiB, from a file of %" PRIu64 " bytes",
			archive->path, (u64)(MAX_BYTES(archive->bytes) >> 20), archive->bytes);
}

/* -------- zip -------- */

/* A name that stays within the folder that it is unpacked in. */
static bool is_tame(const char *name)
{
	if (!name || !name[0] || name[0] == '/' || strchr(name, '\\') || strchr(name, ':'))
		return false;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
	}
	return true;
}

static bool is_capture(const char *name)
{
	size_t len = strlen(name), tail = strlen(CAPTURE_NAME);

	return len > tail && strcmp(name + len - tail, CAPTURE_NAME) == 0;
}

/* The one member that is a capture. */
static int find_capture(struct archive *archive, zip_stat_t *ret_stat, struct cap_err *err)
{
	s64 count = archive->zip.zip_get_num_entries(archive->file, 0), captures = 0;

	if (count > MAX_MEMBERS)
		return cap_fail(err, CAP_EREFUSED,
				"'%s': refused: it has %" PRId64 " members; bundles have three",
				archive->path, count);
	for (s64 i = 0; i < count; i++) {
		zip_stat_t stat;

		if (archive->zip.zip_stat_index(archive->file, (zip_uint64_t)i, 0, &stat) < 0 ||
		    !(stat.valid & ZIP_STAT_NAME) || !is_tame(stat.name))
			return cap_fail(err, CAP_EREFUSED,
					"'%s': refused: the name of member %" PRId64
					" leads out of the archive, or is none",
					archive->path, i + 1);
		if (!is_capture(stat.name))
			continue;
		captures++;
		*ret_stat = stat;
	}
	if (captures == 0)
		return cap_fail(err, CAP_EREFUSED, "'%s' is a zip file without a capture (.kymo)",
				archive->path);
	if (captures > 1)
		return cap_fail(err, CAP_EREFUSED,
				"'%s': refused: it has %" PRId64
				" captures: unzip it, and name one",
				archive->path, captures);
	return 0;
}

static int check_capture(const struct archive *archive, const zip_stat_t *stat, struct cap_err *err)
{
	const zip_uint64_t needed =
		ZIP_STAT_SIZE | ZIP_STAT_INDEX | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;

	if ((stat->valid & needed) != needed)
		return cap_fail(err, CAP_EREFUSED, "'%s': refused: its sizes are not said",
				archive->path);
	if (stat->encryption_method != ZIP_EM_NONE)
		return cap_fail(err, CAP_EREFUSED, "'%s' is encrypted: unzip it first",
				archive->path);
	if (stat->comp_method != ZIP_CM_STORE && stat->comp_method != ZIP_CM_DEFLATE)
		return cap_fail(err, CAP_EREFUSED,
				"'%s' is compressed in an unusual way: unzip it first",
				archive->path);
	return stat->size > MAX_BYTES(archive->bytes) ? refuse_size(archive, err) : 0;
}

static int unzip(struct archive *archive, const zip_stat_t *stat, int to, struct cap_err *err)
{
	CLEANUP(cap_freep) char *buffer = malloc(COPY_BYTES);
	zip_file_t *member;
	u64 left = stat->size;
	s64 got = 0;
	int rc = 0;

	if (!buffer)
		return cap_fail(err, -ENOMEM, "out of memory");
	member = archive->zip.zip_fopen_index(archive->file, stat->index, 0);
	while (member && rc == 0 &&
	       (got = archive->zip.zip_fread(member, buffer, COPY_BYTES)) > 0) {
		if ((u64)got > left)
			rc = refuse_size(archive, err);
		left -= (u64)got;
		if (rc == 0)
			rc = write_out(to, buffer, (size_t)got, err);
	}
	if (rc == 0 && (!member || got < 0 || left > 0))
		rc = cap_fail(err, CAP_EDAMAGED, "'%s' is damaged: its capture cannot be unpacked",
			      archive->path);
	if (member)
		(void)archive->zip.zip_fclose(member);
	return rc;
}

static int open_zip(struct archive *archive, int fd, int to, struct cap_err *err)
{
	zip_stat_t stat = {0};
	int code = 0, rc = kymo_zip_functions(&archive->zip, err);

	if (rc < 0)
		return rc;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return cap_fail_errno(err, errno, "open '%s'", archive->path);
	archive->file = archive->zip.zip_fdopen(fd, 0, &code); /* takes fd */
	if (!archive->file) {
		(void)close(fd);
		return cap_fail(err, code == ZIP_ER_MEMORY ? -ENOMEM : CAP_EDAMAGED,
				"'%s' is no intact zip file", archive->path);
	}
	rc = find_capture(archive, &stat, err);
	if (rc == 0)
		rc = check_capture(archive, &stat, err);
	return rc < 0 ? rc : unzip(archive, &stat, to, err);
}

/* -------- gzip -------- */

static int open_gzip(const struct archive *archive, int fd, int to, struct cap_err *err)
{
	CLEANUP(cap_freep) char *buffer = malloc(COPY_BYTES);
	u64 limit = MAX_BYTES(archive->bytes), total = 0;
	gzFile file;
	int got = 0, rc = 0;

	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return cap_fail_errno(err, errno, "open '%s'", archive->path);
	file = buffer ? gzdopen(fd, "rb") : NULL;
	if (!file) {
		(void)close(fd);
		return cap_fail(err, -ENOMEM, "out of memory");
	}
	while (rc == 0 && (got = gzread(file, buffer, COPY_BYTES)) > 0) {
		total += (u64)got;
		rc = total > limit ? refuse_size(archive, err)
				   : write_out(to, buffer, (size_t)got, err);
	}
	/* One that was cut still has its beginning: the capture then says what is missing. */
	if (rc == 0 && got < 0 && total == 0)
		rc = cap_fail(err, CAP_EDAMAGED, "'%s' is no intact gzip file", archive->path);
	(void)gzclose_r(file);
	return rc;
}

int kymo_archive_open(const char *path, int *ret_fd, struct cap_err *err)
{
	CLEANUP(archive_done) struct archive archive = {.path = path};
	CLEANUP(cap_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CLEANUP(cap_closep) int to = -1;
	struct stat stat;
	u8 head[4];
	int rc;

	*ret_fd = -1;
	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) ||
	    pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) || !kymo_is_archive(head))
		return 0;
	archive.bytes = (u64)stat.st_size;
	to = cap_unnamed_file(err);
	if (to < 0)
		return to;
	rc = head[0] == 'P' ? open_zip(&archive, fd, to, err) : open_gzip(&archive, fd, to, err);
	if (rc < 0)
		return rc;
	*ret_fd = to;
	to = -1;
	return 0;
}
