/*
 * enum skb_drop_reason, as the kernel's BTF has it. libbpf would index all types of the kernel for
 * this, which takes ten times as long as to look for the one.
 */
#include "recorder/live/drop_reasons.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MAX_BYTES (64u << 20) /* today's kernels have 5 to 10 MiB */
#define MAX_REASONS 1024u     /* subsystems have numbers of their own above these */
#define ENUM_NAME "skb_drop_reason"

/* The parts of a file that was checked to hold them. */
struct types {
	const char *bytes, *strings;
	size_t type_bytes, string_bytes;
};

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
static bool find_types(const char *bytes, size_t size, struct types *ret_types)
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
	ret_types->bytes = bytes + header->hdr_len + header->type_off;
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

/* NULL: there is none. */
static const struct btf_type *find_enum(const struct types *types)
{
	static const char wanted[] = "\0" ENUM_NAME; /* a whole string */
	const char *name = memmem(types->strings, types->string_bytes, wanted, sizeof(wanted));
	u32 name_off = name ? (u32)(name + 1 - types->strings) : 0;

	for (size_t at = 0; name && at + sizeof(struct btf_type) <= types->type_bytes;) {
		const struct btf_type *type = (const struct btf_type *)(types->bytes + at);
		long tail = tail_bytes(type->info);

		at += sizeof(*type);
		if (tail < 0 || (size_t)tail > types->type_bytes - at)
			return NULL;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_ENUM && type->name_off == name_off)
			return type;
		at += (size_t)tail;
	}
	return NULL;
}

static const char *without_prefix(const char *name)
{
	static const char *const prefixes[] = {"SKB_DROP_REASON_", "SKB_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	return name;
}

static void add_names(struct live_drop_reasons *reasons, const struct types *types,
		      const struct btf_type *type)
{
	const struct btf_enum *values = (const struct btf_enum *)(type + 1);

	reasons->names = calloc(MAX_REASONS, sizeof(*reasons->names));
	if (!reasons->names)
		return;
	reasons->count = MAX_REASONS;
	for (u32 i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		u32 number = (u32)values[i].val;

		if (values[i].name_off < types->string_bytes && number < MAX_REASONS &&
		    !reasons->names[number])
			reasons->names[number] =
				strdup(without_prefix(types->strings + values[i].name_off));
	}
}

void live_drop_reasons_read(struct live_drop_reasons *ret_reasons)
{
	size_t size = 0;
	CLEANUP(cap_freep) char *bytes = read_file(KERNEL_BTF, &size);
	const struct btf_type *type;
	struct types types;

	*ret_reasons = (struct live_drop_reasons){0};
	if (!bytes || !find_types(bytes, size, &types))
		return;
	type = find_enum(&types);
	if (type)
		add_names(ret_reasons, &types, type);
}

void live_drop_reasons_done(struct live_drop_reasons *reasons)
{
	for (u32 i = 0; i < reasons->count; i++)
		free(reasons->names[i]);
	free(reasons->names);
	*reasons = (struct live_drop_reasons){0};
}

const char *live_drop_reason(const struct live_drop_reasons *reasons, u32 number)
{
	return number < reasons->count ? reasons->names[number] : NULL;
}
