/* FILE_HEADER payload: a fixed part that may grow, then tag-length-value strings. SPEC.md,
 * "FILE_HEADER". */
#include "formats/base/bytes.h"
#include "formats/base/limits.h"
#include "formats/read/reader_state.h"

enum { TLV_TOOL_VERSION = 1, TLV_KERNEL_RELEASE = 2, TLV_HOSTNAME = 3 };

static void take_string(char *ret_text, const u8 *bytes, u32 len)
{
	u32 kept = len < READER_INFO_STRING_BYTES - 1 ? len : READER_INFO_STRING_BYTES - 1;

	memcpy(ret_text, bytes, kept);
	ret_text[kept] = '\0';
}

static int take_tlvs(struct reader_facts *read, struct cap_cursor *cursor, struct cap_err *err)
{
	while (cap_cursor_left(cursor)) {
		u16 tag = cap_get_u16(cursor);
		const u8 *bytes;
		u32 len;

		(void)cap_get_u16(cursor); /* sensitivity: for redaction */
		len = cap_get_u32(cursor);
		if (len > CAP_MAX_TLV_BYTES)
			return cap_fail(err, CAP_ELIMIT, "file header: length %u exceeds limit %u",
					len, CAP_MAX_TLV_BYTES);
		bytes = cap_get_bytes(cursor, ((size_t)len + 7) & ~(size_t)7);
		if (cursor->failed)
			return cap_fail(err, CAP_EDAMAGED, "file header: entry %u is cut short",
					tag);
		if (tag == TLV_TOOL_VERSION)
			take_string(read->tool_version, bytes, len);
		else if (tag == TLV_KERNEL_RELEASE)
			take_string(read->kernel_release, bytes, len);
		else if (tag == TLV_HOSTNAME)
			take_string(read->hostname, bytes, len);
	}
	return 0;
}

/* Check the major version first: in another major version, nothing else is known to mean the same.
 */
static int check_version(const u8 *bytes, size_t len, struct cap_err *err)
{
	u32 major = len < 4 ? CAP_VERSION_MAJOR : (u32)cap_load_le(bytes, 2);
	u32 minor = len < 4 ? 0 : (u32)cap_load_le(bytes + 2, 2);
	u64 incompatible;

	if (major != CAP_VERSION_MAJOR)
		return cap_fail(err, CAP_EVERSION,
				"format version %u.%u; this program reads %u.x: use %s kymo", major,
				minor, CAP_VERSION_MAJOR,
				major > CAP_VERSION_MAJOR ? "a newer" : "an older");
	if (len < CAP_FILE_HEADER_BYTES)
		return cap_fail(err, CAP_EDAMAGED, "file header of %zu bytes is too short", len);
	incompatible = cap_load_u64(bytes + 16);
	if (incompatible)
		return cap_fail(err, CAP_EVERSION,
				"format version %u.%u with features %#llx, which version %u.%u of "
				"this program lacks: use a newer kymo",
				major, minor, (unsigned long long)incompatible, CAP_VERSION_MAJOR,
				CAP_VERSION_MINOR);
	return 0;
}

int reader_read_file_header(struct cap_reader *reader, const u8 *bytes, size_t len,
			    struct cap_err *err)
{
	struct reader_facts *read = &reader->read;
	struct cap_file_info *info = &read->facts.info;
	struct cap_cursor cursor;
	u32 fixed_len;
	int rc = check_version(bytes, len, err);

	if (rc < 0)
		return rc;
	fixed_len = cap_load_u32(bytes + 4);
	if (fixed_len < CAP_FILE_HEADER_BYTES || fixed_len > len)
		return cap_fail(err, CAP_EDAMAGED, "file header: fixed length %u", fixed_len);
	memset(read, 0, sizeof(*read));
	read->facts.version_major = (u16)cap_load_le(bytes, 2);
	read->facts.version_minor = (u16)cap_load_le(bytes + 2, 2);
	memcpy(info->session_uuid, bytes + 24, 16);
	memcpy(info->file_uuid, bytes + 40, 16);
	info->file_index = cap_load_u32(bytes + 56);
	info->machine = (u16)cap_load_le(bytes + 60, 2);
	info->word_bytes = bytes[62];
	info->page_shift = bytes[63];
	info->realtime_ns = cap_load_u64(bytes + 64);
	info->monotonic_ns = cap_load_u64(bytes + 72);
	info->boottime_ns = cap_load_u64(bytes + 80);
	info->cpu_count = cap_load_u32(bytes + 92);
	memcpy(info->boot_id, bytes + 96, 16);
	cursor = cap_cursor_of(bytes + fixed_len, len - fixed_len);
	return take_tlvs(read, &cursor, err);
}
