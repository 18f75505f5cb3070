/* Finds blocks in the bytes of a file: a header and its payload at one place, or the next header.
 * Does not know what blocks contain. SPEC.md, "Reader". */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

#define SCAN_BYTES (256u << 10)

/* -------- bytes of the file -------- */

/* Reads up to len bytes at offset; fewer only at the end of the file. */
static int read_at(const struct cap_reader *reader, u64 offset, u8 *bytes, size_t len,
		   size_t *ret_got, struct cap_err *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t rc = pread(reader->fd, bytes + got, len - got, (off_t)(offset + got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return cap_fail_errno(err, errno, "'%s': read at byte %llu", reader->name,
					      (unsigned long long)(offset + got));
		if (rc == 0)
			break;
		got += (size_t)rc;
	}
	*ret_got = got;
	return 0;
}

static int reserve(u8 **bytes, size_t *size, size_t wanted)
{
	u8 *bigger;

	if (wanted <= *size)
		return 0;
	bigger = realloc(*bytes, wanted);
	if (!bigger)
		return -ENOMEM;
	*bytes = bigger;
	*size = wanted;
	return 0;
}

/* -------- one place -------- */

int reader_look_at(struct cap_reader *reader, u64 offset, enum reader_place *ret_place,
		   struct cap_block_header *ret_header, struct cap_err *reason, struct cap_err *err)
{
	u8 bytes[CAP_MAX_HEADER_BYTES];
	size_t got = 0, payload_len;
	int rc = read_at(reader, offset, bytes, sizeof(bytes), &got, err);

	if (rc < 0)
		return rc;
	*ret_place = PLACE_BAD_HEADER;
	if (cap_block_header_decode(bytes, got, ret_header, reason) < 0)
		return 0;
	payload_len = cap_block_payload_bytes(ret_header);
	*ret_place = PLACE_CUT;
	if (payload_len > reader->file_bytes - offset - ret_header->header_len) {
		(void)cap_fail(reason, CAP_EDAMAGED, "the file ends inside it");
		return 0;
	}
	if (reserve(&reader->payload, &reader->payload_size, payload_len))
		return cap_fail(err, -ENOMEM, "'%s': out of memory for a block of %zu bytes",
				reader->name, payload_len);
	rc = read_at(reader, offset + ret_header->header_len, reader->payload, payload_len, &got,
		     err);
	if (rc < 0)
		return rc;
	if (got < payload_len)
		return 0; /* it shrank since fstat */
	*ret_place = PLACE_BAD_PAYLOAD;
	if (cap_hash(reader->payload, payload_len) != ret_header->payload_hash) {
		(void)cap_fail(reason, CAP_EDAMAGED, "payload checksum is wrong");
		return 0;
	}
	*ret_place = PLACE_GOOD;
	return 0;
}

/* Decodes the header at offset, if there is a good one. */
static bool header_at(const struct cap_reader *reader, u64 offset,
		      struct cap_block_header *ret_header)
{
	u8 bytes[CAP_MAX_HEADER_BYTES];
	size_t got = 0;

	return read_at(reader, offset, bytes, sizeof(bytes), &got, NULL) == 0 &&
	       cap_block_header_decode(bytes, got, ret_header, NULL) == 0;
}

bool reader_successor_at(const struct cap_reader *reader, u64 offset,
			 const struct cap_block_header *header)
{
	struct cap_block_header next;

	return header_at(reader, offset, &next) && next.file_id == header->file_id &&
	       next.seq == header->seq + 1;
}

/* Checks every byte, not every eighth: bytes inserted or deleted in transfer break the alignment of
 * blocks. */
int reader_find_header(const struct cap_reader *reader, u64 from, u64 *ret_offset,
		       struct cap_err *err)
{
	CLEANUP(cap_freep) u8 *window = malloc(SCAN_BYTES);
	struct cap_block_header header;

	if (!window)
		return cap_fail(err, -ENOMEM, "'%s': out of memory", reader->name);
	while (from + CAP_HEADER_BYTES <= reader->file_bytes) {
		size_t got = 0;
		const u8 *at = window;
		int rc = read_at(reader, from, window, SCAN_BYTES, &got, err);

		if (rc < 0)
			return rc;
		while ((at = memmem(at, got - (size_t)(at - window), CAP_MARKER,
				    CAP_MARKER_BYTES))) {
			u64 offset = from + (u64)(at - window);

			if (at >= window + CAP_MARKER_OFFSET &&
			    header_at(reader, offset - CAP_MARKER_OFFSET, &header)) {
				*ret_offset = offset - CAP_MARKER_OFFSET;
				return 0;
			}
			at++;
		}
		if (got < SCAN_BYTES)
			break;
		from += SCAN_BYTES - CAP_MARKER_OFFSET - CAP_MARKER_BYTES;
	}
	*ret_offset = reader->file_bytes;
	return 0;
}
