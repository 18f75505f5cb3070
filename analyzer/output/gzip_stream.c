/* fopencookie gives deflate the face of a stream. No name and no time in the header: the same input
 * gives the same bytes. */
#include "analyzer/output/gzip_stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "formats/base/cleanup.h"

#define OUT_BYTES (64u << 10)
#define WINDOW_GZIP (15 + 16) /* zlib.h: 16 more asks for gzip */
#define MEMORY_LEVEL 8

struct gzip {
	FILE *out;
	z_stream stream;
	unsigned char bytes[OUT_BYTES];
};

/* Deflates what the stream was given. 0 or -errno. */
static int deflate_all(struct gzip *gzip, int flush)
{
	int rc;

	do {
		gzip->stream.next_out = gzip->bytes;
		gzip->stream.avail_out = OUT_BYTES;
		rc = deflate(&gzip->stream, flush);
		if (rc == Z_STREAM_ERROR)
			return -EIO;
		errno = 0;
		if (fwrite(gzip->bytes, 1, OUT_BYTES - gzip->stream.avail_out, gzip->out) <
		    OUT_BYTES - gzip->stream.avail_out)
			return errno ? -errno : -EIO;
	} while (gzip->stream.avail_out == 0);
	return 0;
}

static ssize_t gzip_write(void *cookie, const char *bytes, size_t len)
{
	struct gzip *gzip = cookie;
	int rc;

	gzip->stream.next_in = (unsigned char *)(uintptr_t)bytes; /* zlib only reads there */
	gzip->stream.avail_in = (unsigned int)len;		  /* a stdio buffer: small */
	rc = deflate_all(gzip, Z_NO_FLUSH);
	if (rc < 0)
		errno = -rc;
	return rc < 0 ? 0 : (ssize_t)len;
}

static int gzip_close(void *cookie)
{
	struct gzip *gzip = cookie;
	int rc;

	gzip->stream.avail_in = 0;
	rc = deflate_all(gzip, Z_FINISH);
	(void)deflateEnd(&gzip->stream); /* complains of what was not written */
	free(gzip);
	if (rc < 0)
		errno = -rc;
	return rc < 0 ? -1 : 0;
}

int kymo_gzip_open(FILE *out, FILE **ret_stream)
{
	const cookie_io_functions_t functions = {.write = gzip_write, .close = gzip_close};
	CLEANUP(cap_freep) struct gzip *gzip = calloc(1, sizeof(*gzip));
	FILE *stream;

	if (!gzip || deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP,
				  MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	gzip->out = out;
	stream = fopencookie(gzip, "w", functions);
	if (!stream) {
		(void)deflateEnd(&gzip->stream);
		return -ENOMEM;
	}
	(void)TAKE(gzip);
	*ret_stream = stream;
	return 0;
}

int kymo_gzip_close(FILE *stream)
{
	errno = 0;
	if (fclose(stream) == 0)
		return 0;
	return errno ? -errno : -EIO;
}
