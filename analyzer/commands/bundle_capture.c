/* Each step reads the file of the step before, through its descriptor. */
#include "analyzer/commands/bundle_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/archive/archive_input.h"
#include "analyzer/capture/capture_open.h"
#include "analyzer/commands/redact_manifest.h"
#include "analyzer/commands/redact_run.h"
#include "analyzer/rewrite/cut_capture.h"
#include "formats/base/cleanup.h"
#include "formats/base/unnamed_file.h"

#define COPY_BYTES (256u << 10)
#define FD_PATH_BYTES 32
#define SPANS 256	  /* in which the busiest time is looked for */
#define MAX_CUTS 10	  /* until the part fits */
#define LEAST_NS 1000000u /* a part shorter than that says nothing */

void kymo_bundle_capture_done(struct kymo_bundle_capture *capture)
{
	if (capture->fd >= 0)
		(void)close(capture->fd);
	capture->fd = -1;
	kymo_redact_manifest_done(&capture->manifest);
}

static void path_of(int fd, char ret_path[FD_PATH_BYTES])
{
	(void)snprintf(ret_path, FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}

/* Takes fd as the capture at hand. */
static int take_file(struct kymo_bundle_capture *capture, int fd, struct cap_err *err)
{
	struct stat stat;

	if (capture->fd >= 0)
		(void)close(capture->fd);
	capture->fd = fd;
	if (fstat(fd, &stat) < 0)
		return cap_fail_errno(err, errno, "read the capture again");
	capture->bytes = (u64)stat.st_size;
	return 0;
}

/* -------- the whole -------- */

static int copy_bytes(int from, int to, struct cap_err *err)
{
	CLEANUP(cap_freep) char *buffer = malloc(COPY_BYTES);
	u64 at = 0;
	ssize_t got;

	if (!buffer)
		return cap_fail(err, -ENOMEM, "out of memory");
	while ((got = pread(from, buffer, COPY_BYTES, (off_t)at)) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t put = write(to, buffer + done, (size_t)(got - done));

			if (put < 0 && errno != EINTR)
				return cap_fail_errno(err, errno,
						      "copy it into a temporary file (set TMPDIR "
						      "to a place with room)");
			done += put > 0 ? put : 0;
		}
		at += (u64)got;
	}
	return got < 0 ? cap_fail_errno(err, errno, "read it") : 0;
}

static int copy_whole(const struct kymo_bundle_wanted *wanted, struct kymo_bundle_capture *capture,
		      struct cap_err *err)
{
	CLEANUP(cap_closep) int from = -1;
	CLEANUP(cap_closep) int to = -1;
	int rc;

	if (strcmp(wanted->path, "-") == 0)
		return cap_fail(err, CAP_EUSAGE, "--no-redact needs a file, not standard input");
	rc = kymo_archive_open(wanted->path, &from, err);
	if (rc == 0 && from >= 0) {
		rc = take_file(capture, from, err);
		from = -1;
		return rc;
	}
	from = rc == 0 ? open(wanted->path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	if (rc == 0 && from < 0)
		return cap_fail_errno(err, errno, "open '%s'", wanted->path);
	to = rc == 0 ? cap_unnamed_file(err) : rc;
	rc = to < 0 ? to : copy_bytes(from, to, err);
	if (rc < 0)
		return rc;
	rc = take_file(capture, to, err);
	to = -1;
	return rc;
}

static int redact(const struct kymo_bundle_wanted *wanted, const char *path,
		  struct kymo_redact_options *options, struct kymo_bundle_capture *capture,
		  struct kymo_redact_manifest *ret_manifest, struct cap_err *err)
{
	CLEANUP(cap_closep) int to = cap_unnamed_file(err);
	int rc;

	if (to < 0)
		return to;
	options->output_fd = to;
	options->progress = wanted->progress;
	options->progress_context = wanted->progress_context;
	rc = kymo_redact_file(path, wanted->search, options, ret_manifest, err);
	if (rc < 0)
		return rc;
	capture->is_partial |= kymo_redact_is_partial(ret_manifest);
	rc = take_file(capture, to, err);
	to = -1;
	return rc;
}

/* -------- less of it -------- */

/* Frames instead of copies of stacks; nothing else changes. */
static int drop_copies(const struct kymo_bundle_wanted *wanted, struct kymo_bundle_capture *capture,
		       struct cap_err *err)
{
	struct kymo_redact_manifest manifest = {0};
	struct kymo_redact_options options = {.level = KYMO_REDACT_SHARE};
	char path[FD_PATH_BYTES];
	int rc;

	memset(options.keep, true, sizeof(options.keep));
	options.drop[KYMO_REDACT_STACK] = true;
	path_of(capture->fd, path);
	rc = redact(wanted, path, &options, capture, &manifest, err);
	kymo_redact_manifest_done(&manifest);
	capture->no_copies = true;
	return rc;
}

/* The middle of the time of which the file says most, of that length. */
static u64 busiest(const struct kymo_capture *capture, u64 start_ns, u64 end_ns, u64 length_ns)
{
	u64 bytes[SPANS] = {0}, span_ns = (end_ns - start_ns) / SPANS + 1, sum = 0, most = 0;
	size_t wide = (size_t)(length_ns / span_ns), best = 0;

	for (size_t i = 0; i + 1 < capture->block_count; i++) {
		const struct kymo_block_place *block = &capture->blocks[i];
		u64 middle = block->first_ns / 2 + block->last_ns / 2;

		if (block->timed && middle >= start_ns && middle <= end_ns)
			bytes[(middle - start_ns) / span_ns] += block[1].offset - block->offset;
	}
	wide = wide < 1 ? 1 : wide > SPANS ? SPANS : wide;
	for (size_t i = 0; i < SPANS; i++) {
		sum += bytes[i] - (i >= wide ? bytes[i - wide] : 0);
		if (sum > most) {
			most = sum;
			best = i + 1;
		}
	}
	return start_ns + (best > wide ? best - wide : 0) * span_ns + length_ns / 2;
}

static int cut_once(const struct kymo_bundle_wanted *wanted, struct kymo_capture *opened,
		    u64 length_ns, struct kymo_bundle_capture *ret_part, struct cap_err *err)
{
	u64 start_ns = kymo_capture_start_ns(opened), end_ns = kymo_capture_end_ns(opened);
	u64 middle = wanted->around_ns >= 0 ? start_ns + (u64)wanted->around_ns
					    : busiest(opened, start_ns, end_ns, length_ns);
	struct kymo_cut_options cut = {.pid = -1,
				       .progress = wanted->progress,
				       .progress_context = wanted->progress_context};
	CLEANUP(cap_closep) int to = cap_unnamed_file(err);
	struct kymo_cut_found found = {0};
	int rc;

	if (to < 0)
		return to;
	if (middle > end_ns)
		return cap_fail(err, CAP_EUSAGE, "--around: the capture covers %.3f s",
				(double)(end_ns - start_ns) / 1e9);
	cut.from_ns = middle > start_ns + length_ns / 2 ? middle - length_ns / 2 : start_ns;
	if (cut.from_ns + length_ns > end_ns)
		cut.from_ns = end_ns > start_ns + length_ns ? end_ns - length_ns : start_ns;
	cut.to_ns = cut.from_ns + length_ns;
	cut.output_fd = to;
	rc = kymo_cut(opened, &cut, &found, err);
	if (rc < 0)
		return rc;
	ret_part->is_cut = true;
	ret_part->from_s = (double)(cut.from_ns - start_ns) / 1e9;
	ret_part->to_s = (double)(cut.to_ns - start_ns) / 1e9;
	ret_part->events_left = found.events_left;
	rc = take_file(ret_part, to, err);
	to = -1;
	return rc;
}

static int cut_to_fit(const struct kymo_bundle_wanted *wanted, struct kymo_bundle_capture *capture,
		      struct cap_err *err)
{
	CLEANUP(kymo_capture_closep) struct kymo_capture *opened = NULL;
	const struct kymo_capture_options options = {.progress = wanted->progress,
						     .progress_context = wanted->progress_context};
	struct kymo_bundle_capture part = *capture;
	char path[FD_PATH_BYTES];
	double length_ns, ratio = (double)wanted->max_bytes / (double)capture->bytes;
	int rc;

	path_of(capture->fd, path);
	rc = kymo_capture_open(path, &options, &opened, err);
	if (rc < 0)
		return rc;
	length_ns = (double)(kymo_capture_end_ns(opened) - kymo_capture_start_ns(opened));
	part.fd = -1;
	for (int i = 0; i < MAX_CUTS && length_ns * ratio * 0.9 >= LEAST_NS; i++) {
		length_ns *= ratio * 0.9;
		rc = cut_once(wanted, opened, (u64)length_ns, &part, err);
		if (rc < 0 || part.bytes <= wanted->max_bytes)
			break;
		ratio = (double)wanted->max_bytes / (double)part.bytes;
	}
	if (rc == 0 && (part.fd < 0 || part.bytes > wanted->max_bytes))
		rc = cap_fail(err, CAP_EUSAGE,
			      "--max-size: what explains the events alone takes about %" PRIu64
			      " KiB: allow more",
			      part.bytes / 1024 + 64);
	if (rc < 0) {
		if (part.fd >= 0)
			(void)close(part.fd);
		return rc;
	}
	(void)close(capture->fd);
	*capture = part;
	return 0;
}

int kymo_bundle_capture_make(const struct kymo_bundle_wanted *wanted,
			     struct kymo_bundle_capture *ret_capture, struct cap_err *err)
{
	struct kymo_redact_options options = {.level = wanted->level};
	int rc;

	if (wanted->redact) {
		rc = redact(wanted, wanted->path, &options, ret_capture, &ret_capture->manifest,
			    err);
		ret_capture->has_manifest = rc == 0;
	} else {
		rc = copy_whole(wanted, ret_capture, err);
	}
	if (rc == 0 && wanted->max_bytes && ret_capture->bytes > wanted->max_bytes &&
	    !wanted->redact)
		rc = drop_copies(wanted, ret_capture, err);
	if (rc == 0 && wanted->max_bytes && ret_capture->bytes > wanted->max_bytes)
		rc = cut_to_fit(wanted, ret_capture, err);
	return rc;
}
