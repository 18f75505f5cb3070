/* See the header. */
#include "analyzer/capture/reading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/archive/archive_input.h"
#include "analyzer/capture/capture_walk.h"
#include "formats/base/cleanup.h"

static void keep_first(void *context, const struct kymo_gap *gap)
{
	struct kymo_gap *first = context;

	/* according to SPEC.md, data of newer versions and a missing END are not damage */
	if (!first->text[0] && gap->kind != KYMO_GAP_UNKNOWN && gap->kind != KYMO_GAP_CUT)
		*first = *gap;
}

/* Reads and decodes the whole capture with a second reader. CAP_EREFUSED names its first damage. */
static int check_whole(const struct cap_reader *reader, struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *second = NULL;
	CLEANUP(kymo_walk_freep) struct kymo_walk *walk = NULL;
	struct kymo_gap first = {.text = ""};
	const struct kymo_walk_options options = {
		.decode = true, .gap = keep_first, .gap_context = &first};
	struct kymo_walk_block at;
	int rc = cap_reader_reopen(reader, &second, err);

	if (rc == 0)
		rc = kymo_walk_new(second, &options, &walk, err);
	if (rc < 0)
		return rc;
	while (!first.text[0] && (rc = kymo_walk_next(walk, &at, err)) == 1)
		;
	if (rc < 0)
		return rc;
	if (!first.text[0])
		return 0;
	return cap_fail(err, CAP_EREFUSED, "refused by --strict: byte %" PRIu64 ": %s",
			first.offset, first.text);
}

int kymo_reading_explain(const char *path, int rc, struct cap_err *err)
{
	char owner[24] = "root";
	struct cap_err inner;
	struct stat st;

	if (rc != -EACCES || !err || stat(path, &st) < 0)
		return rc;
	inner = *err;
	if (st.st_uid == geteuid())
		return cap_fail(err, rc, "%s: its mode is %04o; run: chmod u+r '%s'", inner.text,
				st.st_mode & 07777, path);
	if (st.st_uid != 0)
		(void)snprintf(owner, sizeof(owner), "user %u", st.st_uid);
	return cap_fail(err, rc, "%s: it belongs to %s, mode %04o; run: sudo chown $USER '%s'",
			inner.text, owner, st.st_mode & 07777, path);
}

int kymo_reading_open(const char *path, enum kymo_reading reading, struct cap_reader **ret_reader,
		      struct cap_err *err)
{
	CLEANUP(cap_reader_closep) struct cap_reader *reader = NULL;
	const struct cap_reader_options options = {
		.mode = reading == KYMO_READ_STOP ? CAP_READ_STOP : CAP_READ_SKIP_DAMAGE};
	int fd = -1, rc = 0;

	if (strcmp(path, "-") != 0)
		rc = kymo_archive_open(path, &fd, err);
	if (rc == 0 && fd >= 0)
		rc = cap_reader_open_fd(fd, path, &options, &reader, err);
	else if (rc == 0)
		rc = cap_reader_open(path, &options, &reader, err);
	if (rc == 0 && reading == KYMO_READ_STRICT)
		rc = check_whole(reader, err);
	if (rc < 0)
		return rc == CAP_EREFUSED ? cap_context(err, rc, "'%s'", path)
					  : kymo_reading_explain(path, rc, err);
	*ret_reader = TAKE(reader);
	return 0;
}
