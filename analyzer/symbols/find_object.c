/*
 * The search: the recorded path below --symfs, or without that below "/", then debug directories by
 * build-id, then the debug link. With --symfs nothing that a capture says is looked up elsewhere.
 * Files are opened read-only and non-blocking, devices and pipes never: a capture must not make us
 * open anything with side effects.
 */
#include "analyzer/symbols/find_object.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "objects/elf/elf_dwarf.h"

#define SYSTEM_DEBUG_DIR "/usr/lib/debug"
#define SYSTEM_BUILD_ID_DIR "/usr/lib/.build-id" /* links to programs, on Fedora and RHEL */
#define DELETED " (deleted)"
#define MAX_PATH_BYTES 8192

struct finding {
	const struct kymo_object_search *search;
	const struct kymo_wanted_object *wanted;
	bool has_build_id;
	char hex[2 * KYMO_ELF_MAX_BUILD_ID_BYTES + 1];
	char path[4096];   /* the recorded one, without " (deleted)"; "": none to look at */
	bool is_deleted;   /* so it ended */
	uint32_t link_crc; /* of the debug link of the program at hand */
	bool has_link_crc;
	bool saw_other_build; /* a candidate of the right name is another file */
	bool saw_unreadable;
	bool saw_refused;
	bool out_of_memory;
};

/* -------- opening -------- */

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
 * involve others. On FUSE there may be programs: where a user names such a folder, it is meant. */
static bool on_special_file_system(int fd, bool named_by_user)
{
	static const uint32_t special[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,	DEBUGFS_MAGIC,	     TRACEFS_MAGIC,
		SECURITYFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
		AUTOFS_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, EFIVARFS_MAGIC,
	};
	struct statfs file_system;

	if (fstatfs(fd, &file_system) < 0)
		return true;
	if ((uint32_t)file_system.f_type == FUSE_SUPER_MAGIC)
		return !named_by_user;
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

int kymo_open_object_file(const char *root, const char *path, bool named_by_user)
{
	CLEANUP(cap_closep) int found = -1;
	char link[64];
	struct stat status;
	int fd;

	if (root && strcmp(root, "/") != 0) {
		CLEANUP(cap_closep) int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (directory < 0)
			return KYMO_OPEN_NOTHING;
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
	if (found < 0 || fstat(found, &status) < 0 || !S_ISREG(status.st_mode))
		return KYMO_OPEN_NOTHING;
	if (on_special_file_system(found, named_by_user))
		return KYMO_OPEN_REFUSED;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? KYMO_OPEN_NOTHING : fd;
}

static bool is_in_debug_dir(const struct kymo_object_search *search, const char *path)
{
	for (size_t i = 0; i < search->debug_dir_count; i++) {
		const char *directory = search->debug_dirs[i];
		size_t len = strlen(directory);

		/* The rest is made of a recorded path, which must not lead out again. */
		if (strncmp(path, directory, len) == 0 && path_is_plain(path + len))
			return true;
	}
	return false;
}

int kymo_open_in_place(const struct kymo_object_search *search, enum kymo_place place,
		       const char *path)
{
	switch (place) {
	case KYMO_PLACE_SYSTEM:
		return kymo_open_object_file(NULL, path, false);
	case KYMO_PLACE_SYMFS:
		return search->symfs ? kymo_open_object_file(search->symfs, path, true)
				     : KYMO_OPEN_NOTHING;
	case KYMO_PLACE_DEBUG_DIR:
		return is_in_debug_dir(search, path) ? kymo_open_object_file(NULL, path, true)
						     : KYMO_OPEN_NOTHING;
	}
	return KYMO_OPEN_NOTHING;
}

/* -------- is it the one? -------- */

/* The file that was mapped, by what the kernel said of it then. */
static bool is_same_file(const struct kymo_wanted_object *wanted, const struct kymo_elf *elf)
{
	const int64_t second = 1000000000;
	int64_t mtime_ns, ctime_ns;
	bool dated = wanted->file_bytes != 0 && wanted->mtime_ns != 0;
	struct stat status;

	if (!wanted->same_boot || wanted->inode == 0 || !kymo_elf_stat(elf, &status) ||
	    status.st_ino != wanted->inode)
		return false;
	/* btrfs and overlayfs give mappings another device than stat; of such (major number 0) size
	 * and time must do. */
	if ((major(status.st_dev) != wanted->dev_major ||
	     minor(status.st_dev) != wanted->dev_minor) &&
	    !(dated && major(status.st_dev) == 0 && wanted->dev_major == 0))
		return false;
	if (wanted->file_bytes != 0 && (uint64_t)status.st_size != wanted->file_bytes)
		return false;
	mtime_ns = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec;
	if (wanted->mtime_ns != 0)
		return mtime_ns == wanted->mtime_ns;
	/* The number of an inode may have been given to another file since. */
	ctime_ns = status.st_ctim.tv_sec * second + status.st_ctim.tv_nsec;
	return mtime_ns <= wanted->seen_ns && ctime_ns <= wanted->seen_ns;
}

static bool has_wanted_id(const struct finding *finding, const struct kymo_elf *elf,
			  bool *ret_has_any)
{
	const struct kymo_wanted_object *wanted = finding->wanted;
	const uint8_t *build_id;
	size_t len = 0;

	build_id = kymo_elf_build_id(elf, &len);
	*ret_has_any = build_id != NULL;
	return build_id && len == wanted->build_id_len &&
	       memcmp(build_id, wanted->build_id, len) == 0;
}

static bool is_linked(const struct finding *finding, const struct kymo_elf *elf)
{
	uint32_t crc;

	return finding->has_link_crc && kymo_elf_file_crc(elf, &crc) && crc == finding->link_crc;
}

enum candidate {
	CANDIDATE_RECORDED, /* at the recorded path */
	CANDIDATE_DEBUG,    /* in a debug directory */
	CANDIDATE_LINKED,   /* named by the debug link of the program at hand */
};

static bool is_wanted(const struct finding *finding, const struct kymo_elf *elf,
		      enum kymo_place place, enum candidate candidate,
		      const struct kymo_elf *program)
{
	const struct kymo_wanted_object *wanted = finding->wanted;
	struct stat status;
	bool has_any = false;

	if (finding->has_build_id && has_wanted_id(finding, elf, &has_any))
		return true;
	if (candidate == CANDIDATE_LINKED)
		return (!finding->has_build_id || !has_any) && is_linked(finding, elf);
	if (finding->has_build_id)
		return false;
	if (place == KYMO_PLACE_SYSTEM)
		return candidate == CANDIDATE_RECORDED && is_same_file(wanted, elf);
	/* The user says so; what can be compared must agree. */
	if (program)
		return kymo_elf_same_layout(program, elf);
	return candidate == CANDIDATE_DEBUG || wanted->file_bytes == 0 ||
	       (kymo_elf_stat(elf, &status) && (uint64_t)status.st_size == wanted->file_bytes);
}

/* The file at that path if it is an ELF file and the one wanted, else NULL. program: its other
 * half, if that is here. */
static struct kymo_elf *try_file(struct finding *finding, enum kymo_place place,
				 enum candidate candidate, const struct kymo_elf *program,
				 const char *path)
{
	const struct kymo_object_search *search = finding->search;
	struct kymo_elf *elf;
	int rc;
	int fd = search->open_file ? search->open_file(search->open_context, place, path)
				   : kymo_open_in_place(search, place, path);

	if (fd < 0) {
		if (fd == KYMO_OPEN_REFUSED && candidate == CANDIDATE_RECORDED)
			finding->saw_refused = true;
		return NULL;
	}
	rc = kymo_elf_open_fd(fd, path, &elf, NULL);
	if (rc < 0) {
		finding->saw_unreadable = true;
		finding->out_of_memory = finding->out_of_memory || rc == -ENOMEM;
		return NULL;
	}
	if (is_wanted(finding, elf, place, candidate, program))
		return elf;
	/* What is at that path says something only if it could have been the one. */
	if (candidate == CANDIDATE_RECORDED &&
	    (place != KYMO_PLACE_SYSTEM || finding->has_build_id || finding->wanted->same_boot))
		finding->saw_other_build = true;
	return kymo_elf_close(elf);
}

__attribute__((format(printf, 5, 6))) static struct kymo_elf *
try_path(struct finding *finding, enum kymo_place place, enum candidate candidate,
	 const struct kymo_elf *program, const char *format, ...)
{
	char path[MAX_PATH_BYTES];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= sizeof(path))
		return NULL;
	return try_file(finding, place, candidate, program, path);
}

/* -------- where it may be -------- */

/* By build-id, in the layouts of debug packages, of perf's cache, and of debuginfod clients. */
static struct kymo_elf *find_by_id(struct finding *finding, enum kymo_place place,
				   const struct kymo_elf *program, const char *directory)
{
	const char *hex = finding->hex, *rest = hex + 2;
	struct kymo_elf *elf = NULL;

	if (!finding->has_build_id)
		return NULL;
	elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/.build-id/%.2s/%s.debug",
		       directory, hex, rest);
	if (elf || place == KYMO_PLACE_SYSTEM)
		return elf;
	elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/%.2s/%s.debug", directory, hex,
		       rest);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/%s/debuginfo",
			       directory, hex);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/.build-id/%.2s/%s",
			       directory, hex, rest);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/.build-id/%.2s/%s/elf",
			       directory, hex, rest);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_DEBUG, program, "%s/%s/executable",
			       directory, hex);
	return elf;
}

static struct kymo_elf *find_in_debug_dir(struct finding *finding, const struct kymo_elf *program,
					  const char *directory)
{
	const char *path = finding->path, *base = strrchr(path, '/');
	struct kymo_elf *elf = find_by_id(finding, KYMO_PLACE_DEBUG_DIR, program, directory);

	if (!base || !base[1])
		return elf;
	if (!elf)
		elf = try_path(finding, KYMO_PLACE_DEBUG_DIR, CANDIDATE_DEBUG, program,
			       "%s%s.debug", directory, path);
	if (!elf)
		elf = try_path(finding, KYMO_PLACE_DEBUG_DIR, CANDIDATE_DEBUG, program, "%s%s",
			       directory, path);
	if (!elf && base != path)
		elf = try_path(finding, KYMO_PLACE_DEBUG_DIR, CANDIDATE_DEBUG, program, "%s%s",
			       directory, base);
	if (!elf && base != path)
		elf = try_path(finding, KYMO_PLACE_DEBUG_DIR, CANDIDATE_DEBUG, program,
			       "%s%s.debug", directory, base);
	return elf;
}

static struct kymo_elf *find_debug_link(struct finding *finding, enum kymo_place place,
					const struct kymo_elf *program)
{
	const char *path = finding->path, *link = kymo_elf_debug_link(program);
	int folder = (int)(strrchr(path, '/') - path);
	struct kymo_elf *elf;

	finding->has_link_crc = kymo_elf_debug_link_crc(program, &finding->link_crc);
	elf = try_path(finding, place, CANDIDATE_LINKED, program, "%.*s/%s", folder, path, link);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_LINKED, program, "%.*s/.debug/%s", folder,
			       path, link);
	if (!elf)
		elf = try_path(finding, place, CANDIDATE_LINKED, program,
			       SYSTEM_DEBUG_DIR "%.*s/%s", folder, path, link);
	for (size_t i = 0; !elf && i < finding->search->debug_dir_count; i++)
		elf = try_path(finding, KYMO_PLACE_DEBUG_DIR, CANDIDATE_LINKED, program, "%s/%s",
			       finding->search->debug_dirs[i], link);
	return elf;
}

static struct kymo_elf *find_debug(struct finding *finding, const struct kymo_elf *program)
{
	const struct kymo_object_search *search = finding->search;
	struct kymo_elf *elf = NULL;

	for (size_t i = 0; !elf && i < search->debug_dir_count; i++)
		elf = find_in_debug_dir(finding, program, search->debug_dirs[i]);
	if (!elf && search->symfs)
		elf = find_by_id(finding, KYMO_PLACE_SYMFS, program, SYSTEM_DEBUG_DIR);
	if (!elf)
		elf = find_by_id(finding, KYMO_PLACE_SYSTEM, program, SYSTEM_DEBUG_DIR);
	if (!elf && program && finding->path[0] && kymo_elf_debug_link(program))
		elf = find_debug_link(finding, search->symfs ? KYMO_PLACE_SYMFS : KYMO_PLACE_SYSTEM,
				      program);
	return elf;
}

static struct kymo_elf *find_recorded(struct finding *finding, const char *path)
{
	return try_file(finding, finding->search->symfs ? KYMO_PLACE_SYMFS : KYMO_PLACE_SYSTEM,
			CANDIDATE_RECORDED, NULL, path);
}

/* What was mapped: at its path, or where a link by its build-id leads to it. */
static struct kymo_elf *find_program(struct finding *finding)
{
	const char *hex = finding->hex;
	struct kymo_elf *elf = NULL;

	if (finding->is_deleted) /* or it is a name like any other */
		elf = find_recorded(finding, finding->wanted->path);
	if (!elf && finding->path[0])
		elf = find_recorded(finding, finding->path);
	if (!elf && finding->has_build_id && finding->search->symfs)
		elf = try_path(finding, KYMO_PLACE_SYMFS, CANDIDATE_DEBUG, NULL,
			       SYSTEM_BUILD_ID_DIR "/%.2s/%s", hex, hex + 2);
	if (!elf && finding->has_build_id)
		elf = try_path(finding, KYMO_PLACE_SYSTEM, CANDIDATE_DEBUG, NULL,
			       SYSTEM_BUILD_ID_DIR "/%.2s/%s", hex, hex + 2);
	return elf;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Names that the kernel gives to memory; of devices, too, no program is mapped. */
static bool is_memory(const char *path)
{
	return begins(path, "/memfd:") || begins(path, "/SYSV") ||
	       (begins(path, "/dev/") && !begins(path, "/dev/shm/")) ||
	       begins(path, "/anon_hugepage") || begins(path, "/[aio]") ||
	       begins(path, "anon_inode:");
}

/* The vDSO of this very kernel, as it is mapped here. Its section headers come last. */
static void begin(struct finding *finding)
{
	const struct kymo_wanted_object *wanted = finding->wanted;
	size_t len;

	finding->has_build_id =
		wanted->build_id_len >= 2 && wanted->build_id_len <= KYMO_ELF_MAX_BUILD_ID_BYTES;
	if (finding->has_build_id)
		for (size_t i = 0; i < wanted->build_id_len; i++)
			(void)snprintf(finding->hex + 2 * i, 3, "%02x", wanted->build_id[i]);
	if (!path_is_plain(wanted->path) || is_memory(wanted->path))
		return;
	len = strlen(wanted->path);
	finding->is_deleted =
		len > strlen(DELETED) && strcmp(wanted->path + len - strlen(DELETED), DELETED) == 0;
	(void)snprintf(finding->path, sizeof(finding->path), "%.*s",
		       (int)(len - (finding->is_deleted ? strlen(DELETED) : 0)), wanted->path);
}

/* Of Debian and Fedora, debug files of one package share a part (dwz): by its build-id, or where
 * its path says. */
static struct kymo_elf *find_alternate(struct finding *finding, const struct kymo_elf *debug)
{
	const struct kymo_object_search *search = finding->search;
	const char *path;
	struct kymo_wanted_object shared = {.file_bytes = 0};
	struct finding other = {.search = search, .wanted = &shared};
	struct kymo_elf *elf = NULL;

	if (!kymo_elf_debug_alternate(debug, &path, &shared.build_id, &shared.build_id_len))
		return NULL;
	begin(&other);
	for (size_t i = 0; !elf && i < search->debug_dir_count; i++) {
		const char *base = strstr(path, "/.dwz/");

		elf = find_by_id(&other, KYMO_PLACE_DEBUG_DIR, NULL, search->debug_dirs[i]);
		if (!elf && base)
			elf = try_path(&other, KYMO_PLACE_DEBUG_DIR, CANDIDATE_DEBUG, NULL, "%s%s",
				       search->debug_dirs[i], base);
	}
	if (!elf && path[0] == '/' && search->symfs)
		elf = try_path(&other, KYMO_PLACE_SYMFS, CANDIDATE_DEBUG, NULL, "%s", path);
	if (!elf)
		elf = find_by_id(&other, KYMO_PLACE_SYSTEM, NULL, SYSTEM_DEBUG_DIR);
	if (!elf && path[0] == '/')
		elf = try_path(&other, KYMO_PLACE_SYSTEM, CANDIDATE_DEBUG, NULL, "%s", path);
	/* "../../.dwz/...": below the debug directory */
	if (!elf && path[0] != '/' && strstr(path, ".dwz/"))
		elf = try_path(&other, KYMO_PLACE_SYSTEM, CANDIDATE_DEBUG, NULL,
			       SYSTEM_DEBUG_DIR "/%s", strstr(path, ".dwz/"));
	finding->out_of_memory = finding->out_of_memory || other.out_of_memory;
	return elf;
}

const struct kymo_elf *kymo_object_dwarf(const struct kymo_object *object)
{
	if (object->debug && kymo_elf_has_dwarf(object->debug))
		return object->debug;
	return object->program && kymo_elf_has_dwarf(object->program) ? object->program : NULL;
}

/* -------- what there is no file of -------- */

static struct kymo_elf *own_vdso(struct finding *finding)
{
	const Elf64_Ehdr *header = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct kymo_elf *elf = NULL;
	size_t bytes;
	void *image;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	bytes = header->e_shoff + (size_t)header->e_shentsize * header->e_shnum;
	image = malloc(bytes);
	if (image)
		memcpy(image, header, bytes);
	finding->out_of_memory =
		!image || kymo_elf_open_image(image, bytes, "[vdso]", &elf, NULL) == -ENOMEM;
	return elf;
}

static void find_vdso(struct finding *finding, struct kymo_object *object)
{
	const struct kymo_wanted_object *wanted = finding->wanted;
	bool has_any;

	object->state = KYMO_OBJECT_VDSO;
	if (wanted->compat || (!finding->has_build_id && !wanted->same_boot))
		return;
	object->program = own_vdso(finding);
	if (object->program && finding->has_build_id &&
	    !has_wanted_id(finding, object->program, &has_any))
		object->program = kymo_elf_close(object->program);
	if (!object->program)
		return;
	object->state = KYMO_OBJECT_FOUND;
	object->verified = true;
}

/* -------- the whole -------- */

static enum kymo_object_state missing_state(const struct finding *finding)
{
	const struct kymo_wanted_object *wanted = finding->wanted;

	if (!wanted->path || wanted->path[0] == '\0' || wanted->path[0] == '[')
		return finding->has_build_id ? KYMO_OBJECT_NOT_FOUND : KYMO_OBJECT_NO_FILE;
	if (is_memory(wanted->path))
		return KYMO_OBJECT_MEMORY;
	if (finding->saw_other_build)
		return KYMO_OBJECT_OTHER_BUILD;
	if (finding->saw_refused)
		return KYMO_OBJECT_REFUSED;
	if (finding->saw_unreadable)
		return KYMO_OBJECT_UNREADABLE;
	if (finding->is_deleted)
		return KYMO_OBJECT_DELETED;
	return finding->has_build_id || wanted->same_boot ? KYMO_OBJECT_NOT_FOUND
							  : KYMO_OBJECT_NO_BUILD_ID;
}

static enum kymo_object_state state_of(const struct finding *finding,
				       const struct kymo_object *object)
{
	if (object->debug || (object->program && kymo_elf_has_symtab(object->program)))
		return KYMO_OBJECT_FOUND;
	return object->program ? KYMO_OBJECT_NO_SYMBOLS : missing_state(finding);
}

int kymo_find_object(const struct kymo_object_search *search,
		     const struct kymo_wanted_object *wanted, struct kymo_object *ret_object,
		     struct cap_err *err)
{
	struct finding finding = {.search = search, .wanted = wanted};
	struct kymo_object object = {0};

	begin(&finding);
	if (wanted->path && strcmp(wanted->path, "[vdso]") == 0) {
		find_vdso(&finding, &object);
		if (finding.out_of_memory)
			return cap_fail(err, -ENOMEM, "out of memory for '[vdso]'");
		*ret_object = object;
		return 0;
	}
	object.program = find_program(&finding);
	if (object.program && kymo_elf_is_debug_only(object.program))
		object.debug = TAKE(object.program);
	if (!object.debug && (!object.program || !kymo_elf_has_symtab(object.program) ||
			      (search->lines && !kymo_elf_has_dwarf(object.program))))
		object.debug = find_debug(&finding, object.program);
	/* A whole program found in a debug directory is used as the program. */
	if (object.debug && !object.program && !kymo_elf_is_debug_only(object.debug))
		object.program = TAKE(object.debug);
	if (search->lines && kymo_object_dwarf(&object))
		object.alternate = find_alternate(&finding, kymo_object_dwarf(&object));
	/* other candidates that fail are not errors: the state tells */
	if (finding.out_of_memory) {
		kymo_object_done(&object);
		return cap_fail(err, -ENOMEM, "out of memory for '%s'",
				wanted->path ? wanted->path : finding.hex);
	}
	object.verified = finding.has_build_id && !wanted->presumed;
	object.state = state_of(&finding, &object);
	*ret_object = object;
	return 0;
}

void kymo_object_done(struct kymo_object *object)
{
	object->program = kymo_elf_close(object->program);
	object->debug = kymo_elf_close(object->debug);
	object->alternate = kymo_elf_close(object->alternate);
}

const char *kymo_object_advice(enum kymo_object_state state, bool verified, bool has_build_id)
{
	switch (state) {
	case KYMO_OBJECT_FOUND:
		return verified	      ? "symbols found"
		       : has_build_id ? "symbols found, not verified: presumed to be a copy of "
					"this file's "
					"code"
				      : "symbols found, not verified: the file has no build-id";
	case KYMO_OBJECT_NO_BUILD_ID:
		return "no build-id, and recorded on another machine or before it was restarted: "
		       "pass --symfs or --debug-dir with a copy of the file";
	case KYMO_OBJECT_NOT_FOUND:
		return "not on this machine: pass --symfs or --debug-dir";
	case KYMO_OBJECT_OTHER_BUILD:
		return "this machine has another version: pass --symfs or --debug-dir with the "
		       "recorded one";
	case KYMO_OBJECT_NO_SYMBOLS:
		return has_build_id ? "stripped: install its -dbgsym or -debuginfo package, or "
				      "pass --debug-dir"
				    : "stripped, and no build-id to find a debug file by: pass "
				      "--debug-dir with a copy that has symbols";
	case KYMO_OBJECT_UNREADABLE:
		return "not a readable ELF file";
	case KYMO_OBJECT_GAVE_UP:
		return "reading its symbols failed: it is damaged or malicious";
	case KYMO_OBJECT_DELETED:
		return "deleted or replaced while it was mapped: pass --symfs or --debug-dir with "
		       "a copy of the recorded file";
	case KYMO_OBJECT_REFUSED:
		return "on a FUSE or kernel file system, which is read only where you name it: "
		       "pass --symfs or --debug-dir";
	case KYMO_OBJECT_NO_FILE:
		return "code without a file, as JIT compilers make it: let the program write "
		       "/tmp/perf-PID.map, and record again";
	case KYMO_OBJECT_MEMORY:
		return has_build_id ? "code in memory without a path: pass --debug-dir with the "
				      "file that it was made from"
				    : "code in memory without a path or build-id: it cannot be "
				      "named";
	case KYMO_OBJECT_VDSO:
		return "code of the recorded kernel, which another kernel or boot cannot name";
	case KYMO_OBJECT_STATES:
		break;
	}
	return "unknown";
}

const char *kymo_object_state_name(enum kymo_object_state state)
{
	static const char *const names[KYMO_OBJECT_STATES] = {
		[KYMO_OBJECT_FOUND] = "found",		 [KYMO_OBJECT_NO_BUILD_ID] = "no_build_id",
		[KYMO_OBJECT_NOT_FOUND] = "not_found",	 [KYMO_OBJECT_OTHER_BUILD] = "other_build",
		[KYMO_OBJECT_NO_SYMBOLS] = "no_symbols", [KYMO_OBJECT_UNREADABLE] = "unreadable",
		[KYMO_OBJECT_GAVE_UP] = "gave_up",	 [KYMO_OBJECT_DELETED] = "deleted",
		[KYMO_OBJECT_REFUSED] = "refused",	 [KYMO_OBJECT_NO_FILE] = "no_file",
		[KYMO_OBJECT_MEMORY] = "memory",	 [KYMO_OBJECT_VDSO] = "vdso",
	};

	return names[state];
}
