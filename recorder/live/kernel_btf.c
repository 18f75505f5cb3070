/*
 * libbpf would index all types of the kernel for this, which takes ten times as long as to look for
 * the one.
 */
#include "recorder/live/kernel_btf.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MAX_BYTES (64u << 20) /* today's kernels have 5 to 10 MiB */

static char *read_file(const char *path, size_t *ret_size)
{
	CLEANUP(cap_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(cap_freep) char *bytes = NULL;
	struct stat info;
	size_t size = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &info) < 0 || info.st_size <= 0 || info.st_size > MAX_BYTES)
		return NULL;
	bytes = malloc((size_t)info.st_size);
	while (bytes && size < (size_t)info.st_size) {
		got = read(fd, bytes + size, (size_t)info.st_size - size);
		if (got <= 0)
			return NULL;
		size += (size_t)got;
	}
	*ret_size = size;
	return TAKE(bytes);
}

/* False: not the form that is known here. */
static bool find_types(const char *bytes, size_t size, struct live_kernel_btf *ret_types)
{
	const struct btf_header *header = (const struct btf_header *)bytes;
	size_t rest;

	if (size < sizeof(*header) || header->magic != 0xeb9f || header->hdr_len > size)
		return false;
	rest = size - header->hdr_len;
	if (header->type_off > rest || header->type_len > rest - header->type_off ||
	    header->str_off > rest || header->str_len > rest - header->str_off ||
	    header->str_len == 0 || header->type_off % 4 || header->hdr_len % 4)
		return false;
	ret_types->types = bytes + header->hdr_len + header->type_off;
	ret_types->type_bytes = header->type_len;
	ret_types->strings = bytes + header->hdr_len + header->str_off;
	ret_types->string_bytes = header->str_len;
	return ret_types->strings[header->str_len - 1] == '\0';
}

/* Bytes behind the head of a type, include/uapi/linux/btf.h; negative: an unknown kind. */
static long tail_bytes(u32 info)
{
	u32 count = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * (long)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * (long)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return count * (long)sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return count * (long)sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return count * (long)sizeof(struct btf_var_secinfo);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

int live_kernel_btf_read(struct live_kernel_btf *ret_btf)
{
	size_t size = 0;
	CLEANUP(cap_freep) char *bytes = read_file(KERNEL_BTF, &size);
	struct live_kernel_btf btf = {0};

	if (!bytes || !find_types(bytes, size, &btf))
		return -1;
	btf.bytes = TAKE(bytes);
	*ret_btf = btf;
	return 0;
}

void live_kernel_btf_done(struct live_kernel_btf *btf)
{
	free(btf->bytes);
	*btf = (struct live_kernel_btf){0};
}

const struct btf_type *live_kernel_btf_find(const struct live_kernel_btf *btf, u32 kind,
					    const char *name, u32 *ret_id)
{
	const char *found = btf->strings;
	size_t len = strlen(name) + 1, left = btf->string_bytes;
	u32 name_off = 0, id = 0;

	/* a whole string of the table, which begins with an empty one */
	while (!name_off && (found = memmem(found, left, name, len))) {
		if (found > btf->strings && found[-1] == '\0')
			name_off = (u32)(found - btf->strings);
		found++;
		left = btf->string_bytes - (size_t)(found - btf->strings);
	}
	for (size_t at = 0; name_off && at + sizeof(struct btf_type) <= btf->type_bytes;) {
		const struct btf_type *type = (const struct btf_type *)(btf->types + at);
		long tail = tail_bytes(type->info);

		at += sizeof(*type);
		id++;
		if (tail < 0 || (size_t)tail > btf->type_bytes - at)
			return NULL;
		if (BTF_INFO_KIND(type->info) == kind && type->name_off == name_off) {
			*ret_id = id;
			return type;
		}
		at += (size_t)tail;
	}
	return NULL;
}
