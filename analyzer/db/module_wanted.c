/* Build-ids are hex in the database and bytes in files. */
#include "analyzer/db/module_wanted.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/symbols/own_boot.h"

enum {
	COL_MODULE,
	COL_BUILD_ID,
	COL_PATH,
	COL_FIRST_OFFSET,
	COL_PRESUMED,
	COL_COMPAT,
	COL_DEV_MAJOR,
	COL_DEV_MINOR,
	COL_INODE,
	COL_FILE_BYTES,
	COL_MTIME,
	COL_SEEN,
	COL_BOOT_ID,
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

size_t kymo_build_id_bytes(const char *hex, uint8_t ret_bytes[KYMO_ELF_MAX_BUILD_ID_BYTES])
{
	size_t len = hex ? strlen(hex) : 0;

	if (len % 2 != 0 || len / 2 > KYMO_ELF_MAX_BUILD_ID_BYTES ||
	    (len > 0 && strspn(hex, "0123456789abcdef") != len))
		return 0;
	for (size_t i = 0; i < len / 2; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		ret_bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return len / 2;
}

void kymo_module_row(struct kymo_query *query, int first, struct kymo_module_row *ret_row)
{
	size_t path_len = 0;
	const char *path = kymo_query_text(query, first + COL_PATH, &path_len);

	if (path && strlen(path) != path_len)
		path = NULL; /* no file has such a name, least of all the one up to the NUL */
	ret_row->id = kymo_query_int(query, first + COL_MODULE);
	ret_row->build_id = kymo_query_text(query, first + COL_BUILD_ID, NULL);
	ret_row->wanted = (struct kymo_wanted_object){
		.build_id = ret_row->build_id_bytes,
		.build_id_len = kymo_build_id_bytes(ret_row->build_id, ret_row->build_id_bytes),
		.path = path,
		.text_file_offset =
			kymo_query_is_null(query, first + COL_FIRST_OFFSET)
				? UINT64_MAX
				: (uint64_t)kymo_query_int(query, first + COL_FIRST_OFFSET),
		.same_boot =
			kymo_is_own_boot_text(kymo_query_text(query, first + COL_BOOT_ID, NULL)),
		.compat = kymo_query_int(query, first + COL_COMPAT) != 0,
		.presumed = kymo_query_int(query, first + COL_PRESUMED) != 0,
		.dev_major = (uint32_t)kymo_query_int(query, first + COL_DEV_MAJOR),
		.dev_minor = (uint32_t)kymo_query_int(query, first + COL_DEV_MINOR),
		.inode = (uint64_t)kymo_query_int(query, first + COL_INODE),
		.file_bytes = (uint64_t)kymo_query_int(query, first + COL_FILE_BYTES),
		.mtime_ns = kymo_query_int(query, first + COL_MTIME),
		.seen_ns = kymo_query_int(query, first + COL_SEEN),
	};
}

bool kymo_module_is(const struct kymo_module_row *row, const char *build_id, const char *path,
		    bool presumed)
{
	return row->build_id && row->wanted.presumed == presumed &&
	       same_text(row->build_id, build_id) && same_text(row->wanted.path, path);
}
