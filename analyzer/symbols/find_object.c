/*
 * The search: the recorded path below --symfs, then debug directories by build-id, then the debug
 * link. Files are opened read-only and non-blocking, devices and pipes never: a capture must not
 * make us open anything with side effects.
 */
#include "analyzer/symbols/find_object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define SYSTEM_DEBUG_DIR "/usr/lib/debug"
#define MAX_PATH_BYTES 8192

struct wanted {
	const struct kymo_object_search *search;
	const uint8_t *build_id;
	size_t build_id_len;
	char hex[2 * KYMO_ELF_MAX_BUILD_ID_BYTES + 1];
	bool saw_other_build; /* a candidate of the right name had another build-id */
	bool saw_unreadable;
	bool out_of_memory;
};

/* A recorded path is used only if it is absolute and free of "..": it must not lead out of symfs.
 */
static bool path_is_plain(const char *path)
{
	if (!path || path[0] != '/' || strlen(path) >= 4096)
		return false;
	for (const char *part = path; part; part = strchr(part + 1, '/'))
		if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0'))
			return false;
	return true;
}

/* No programs are on these file systems, and reading from them may have side effects, block, or
 * involve others. */
static bool on_special_file_system(int fd)
{
	static const uint32_t special[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,	DEBUGFS_MAGIC,	     TRACEFS_MAGIC,
		SECURITYFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
		AUTOFS_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, EFIVARFS_MAGIC,	     FUSE_SUPER_MAGIC,
	};
	struct statfs file_system;

	if (fstatfs(fd, &file_system) < 0)
		return true;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if ((uint32_t)file_system.f_type == special[i])
			return true;
	return false;
}

/* As openat with O_PATH, but never through the links of /proc, which lead into other processes. */
static int find_path(int directory, const char *path, uint64_t resolve)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = resolve | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

int kymo_open_object_file(const char *root, const char *path)
{
	CLEANUP(cap_closep) int found = -1;
	char link[64];
	struct stat status;

	if (root && strcmp(root, "/") != 0) {
		CLEANUP(cap_closep) int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (directory < 0)
			return -1;
		found = find_path(directory, path, RESOLVE_IN_ROOT);
		if (found < 0 && errno == ENOSYS) { /* before Linux 5.6: links may lead out */
			while (*path == '/')
				path++;
			found = openat(directory, path, O_PATH | O_CLOEXEC);
		}
	} else {
		found = find_path(AT_FDCWD, path, 0);
		if (found < 0 && errno == ENOSYS)
			found = open(path, O_PATH | O_CLOEXEC);
	}
	/* O_PATH opens nothing yet, so a device or a pipe is recognised before it notices us. */
	if (found < 0 || fstat(found, &status) < 0 || !S_ISREG(status.st_mode) ||
	    on_special_file_system(found))
		return -1;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	return open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

/* The file at root/path if it is an ELF file with the wanted build-id, else NULL. */
static struct kymo_elf *try_file(struct wanted *wanted, const char *root, const char *path)
{
	const struct kymo_object_search *search = wanted->search;
	struct kymo_elf *elf;
	const uint8_t *build_id;
	size_t len;
	int rc;
	int fd = search->open_file ? search->open_file(search->open_context, root != NULL, path)
				   : kymo_open_object_file(root, path);

	if (fd < 0)
		return NULL;
	rc = kymo_elf_open_fd(fd, path, &elf, NULL);
	if (rc < 0) {
		wanted->saw_unreadable = true;
		wanted->out_of_memory = wanted->out_of_memory || rc == -ENOMEM;
		return NULL;
	}
	build_id = kymo_elf_build_id(elf, &len);
	if (!build_id || len != wanted->build_id_len ||
	    memcmp(build_id, wanted->build_id, len) != 0) {
		wanted->saw_other_build = true;
		return kymo_elf_close(elf);
	}
	return elf;
}

__attribute__((format(printf, 3, 4))) static struct kymo_elf *
try_path(struct wanted *wanted, const char *root, const char *format, ...)
{
	char path[MAX_PATH_BYTES];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= sizeof(path))
		return NULL;
	return try_file(wanted, root, path);
}

static struct kymo_elf *find_in_debug_dir(struct wanted *wanted, const char *root,
					  const char *directory, const char *path)
{
	struct kymo_elf *elf;
	const char *base = path ? strrchr(path, '/') : NULL;

	elf = try_path(wanted, root, "%s/.build-id/%.2s/%s.debug", directory, wanted->hex,
		       wanted->hex + 2);
	if (!elf && base && base[1])
		elf = try_path(wanted, root, "%s%s", directory, base);
	if (!elf && base && base[1])
		elf = try_path(wanted, root, "%s%s.debug", directory, base);
	return elf;
}

static struct kymo_elf *find_debug_link(struct wanted *wanted, const char *path, const char *link)
{
	const char *root = wanted->search->symfs;
	int folder = (int)(strrchr(path, '/') - path);
	struct kymo_elf *elf;

	elf = try_path(wanted, root, "%.*s/%s", folder, path, link);
	if (!elf)
		elf = try_path(wanted, root, "%.*s/.debug/%s", folder, path, link);
	if (!elf)
		elf = try_path(wanted, root, SYSTEM_DEBUG_DIR "%.*s/%s", folder, path, link);
	return elf;
}

static struct kymo_elf *find_debug(struct wanted *wanted, const char *path,
				   const struct kymo_elf *program)
{
	const struct kymo_object_search *search = wanted->search;
	struct kymo_elf *elf = NULL;

	for (size_t i = 0; !elf && i < search->debug_dir_count; i++)
		elf = find_in_debug_dir(wanted, NULL, search->debug_dirs[i], path);
	if (!elf)
		elf = find_in_debug_dir(wanted, search->symfs, SYSTEM_DEBUG_DIR, NULL);
	if (!elf && search->symfs)
		elf = find_in_debug_dir(wanted, NULL, SYSTEM_DEBUG_DIR, NULL);
	if (!elf && program && path && kymo_elf_debug_link(program))
		elf = find_debug_link(wanted, path, kymo_elf_debug_link(program));
	return elf;
}

static enum kymo_object_state state_of(const struct wanted *wanted,
				       const struct kymo_object *object, bool recorded_path_differs)
{
	if (object->debug || (object->program && kymo_elf_has_symtab(object->program)))
		return KYMO_OBJECT_FOUND;
	if (object->program)
		return KYMO_OBJECT_NO_SYMBOLS;
	if (recorded_path_differs)
		return KYMO_OBJECT_OTHER_BUILD;
	return wanted->saw_unreadable ? KYMO_OBJECT_UNREADABLE : KYMO_OBJECT_NOT_FOUND;
}

int kymo_find_object(const struct kymo_object_search *search, const uint8_t *build_id,
		     size_t build_id_len, const char *path, struct kymo_object *ret_object,
		     struct cap_err *err)
{
	struct wanted wanted = {
		.search = search, .build_id = build_id, .build_id_len = build_id_len};
	struct kymo_object object = {0};
	bool other_build;

	if (!path_is_plain(path))
		path = NULL;
	if (build_id_len < 2 || build_id_len > KYMO_ELF_MAX_BUILD_ID_BYTES) {
		object.state = KYMO_OBJECT_NO_BUILD_ID;
		*ret_object = object;
		return 0;
	}
	for (size_t i = 0; i < build_id_len; i++)
		(void)snprintf(wanted.hex + 2 * i, 3, "%02x", build_id[i]);
	if (path)
		object.program = try_file(&wanted, search->symfs, path);
	other_build = wanted.saw_other_build;
	if (object.program && kymo_elf_is_debug_only(object.program))
		object.debug = TAKE(object.program);
	if (!object.debug && (!object.program || !kymo_elf_has_symtab(object.program)))
		object.debug = find_debug(&wanted, path, object.program);
	/* A whole program found in a debug directory is used as the program. */
	if (object.debug && !object.program && !kymo_elf_is_debug_only(object.debug))
		object.program = TAKE(object.debug);
	/* other candidates that fail are not errors: the state tells */
	if (wanted.out_of_memory) {
		kymo_object_done(&object);
		return cap_fail(err, -ENOMEM, "out of memory for '%s'", path ? path : wanted.hex);
	}
	object.state = state_of(&wanted, &object, other_build);
	*ret_object = object;
	return 0;
}

void kymo_object_done(struct kymo_object *object)
{
	object->program = kymo_elf_close(object->program);
	object->debug = kymo_elf_close(object->debug);
}

const char *kymo_object_state_text(enum kymo_object_state state)
{
	switch (state) {
	case KYMO_OBJECT_FOUND:
		return "symbols found";
	case KYMO_OBJECT_NO_BUILD_ID:
		return "the capture holds no build-id for it";
	case KYMO_OBJECT_NOT_FOUND:
		return "not on this machine: pass --symfs or --debug-dir";
	case KYMO_OBJECT_OTHER_BUILD:
		return "this machine has another version: pass --symfs or --debug-dir";
	case KYMO_OBJECT_NO_SYMBOLS:
		return "stripped: install its -dbgsym package or pass --debug-dir";
	case KYMO_OBJECT_UNREADABLE:
		return "not a readable ELF file";
	case KYMO_OBJECT_GAVE_UP:
		return "reading its symbols failed: it is damaged or malicious";
	}
	return "unknown";
}
