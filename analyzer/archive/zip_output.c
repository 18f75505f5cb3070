/* Made in memory, since libzip wants to go back: bundles are small by their purpose. */
#include "analyzer/archive/zip_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/archive/zip_library.h"
#include "formats/base/cleanup.h"

#define COPY_BYTES (256u << 10)

struct output {
	struct zip_functions zip;
	zip_source_t *memory;
	zip_t *file;
};

static void output_done(struct output *output)
{
	if (output->file)
		output->zip.zip_discard(output->file);
	if (output->memory)
		output->zip.zip_source_free(output->memory);
}

static int fail_zip(struct output *output, struct cap_err *err)
{
	return cap_fail(err, -ENOMEM, "make a zip file: %s",
			output->file ? output->zip.zip_strerror(output->file) : "out of memory");
}

static int add_member(struct output *output, const struct kymo_zip_member *member,
		      struct cap_err *err)
{
	zip_source_t *source = NULL;
	FILE *file = NULL;
	s64 index;
	int fd;

	if (member->bytes) {
		source = output->zip.zip_source_buffer(output->file, member->bytes, member->len, 0);
	} else {
		/* libzip reads on from where the file is */
		fd = lseek(member->fd, 0, SEEK_SET) == 0 ? fcntl(member->fd, F_DUPFD_CLOEXEC, 3)
							 : -1;
		file = fd >= 0 ? fdopen(fd, "rb") : NULL;
		if (!file)
			return cap_fail_errno(err, errno, "read the capture again");
		source = output->zip.zip_source_filep(output->file, file, 0, -1);
		if (!source)
			(void)fclose(file);
	}
	index = source ? output->zip.zip_file_add(output->file, member->name, source, 0) : -1;
	if (index < 0) {
		if (source)
			output->zip.zip_source_free(source);
		return fail_zip(output, err);
	}
	(void)output->zip.zip_set_file_compression(output->file, (zip_uint64_t)index,
						   member->bytes ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
						   0);
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len, struct cap_err *err)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cap_fail_errno(err, errno, "write");
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static int copy_out(struct output *output, int fd, u64 *ret_bytes, struct cap_err *err)
{
	CLEANUP(cap_freep) char *buffer = malloc(COPY_BYTES);
	s64 got = 0;
	int rc = 0;

	if (!buffer || output->zip.zip_source_open(output->memory) < 0)
		return cap_fail(err, -ENOMEM, "out of memory");
	*ret_bytes = 0;
	while (rc == 0 &&
	       (got = output->zip.zip_source_read(output->memory, buffer, COPY_BYTES)) > 0) {
		*ret_bytes += (u64)got;
		rc = fd < 0 ? 0 : write_all(fd, buffer, (size_t)got, err);
	}
	(void)output->zip.zip_source_close(output->memory);
	return rc == 0 && got < 0 ? cap_fail(err, -ENOMEM, "out of memory") : rc;
}

int kymo_zip_write(int fd, const struct kymo_zip_member *members, size_t count, u64 *ret_bytes,
		   struct cap_err *err)
{
	CLEANUP(output_done) struct output output = {0};
	zip_error_t error;
	int rc = kymo_zip_functions(&output.zip, err);

	if (rc < 0)
		return rc;
	output.zip.zip_error_init(&error);
	output.memory = output.zip.zip_source_buffer_create(NULL, 0, 0, &error);
	if (output.memory)
		output.file = output.zip.zip_open_from_source(output.memory, ZIP_TRUNCATE, &error);
	output.zip.zip_error_fini(&error);
	if (!output.file)
		return fail_zip(&output, err);
	output.zip.zip_source_keep(output.memory); /* zip_close takes one */
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_member(&output, &members[i], err);
	if (rc == 0 && output.zip.zip_close(output.file) < 0)
		rc = fail_zip(&output, err);
	else if (rc == 0)
		output.file = NULL;
	return rc < 0 ? rc : copy_out(&output, fd, ret_bytes, err);
}
