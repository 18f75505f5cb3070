/*
 * Files are opened as soon as they were hit, so that they can be read when their process is gone
 * and they are deleted; they are read when they are asked about. Nothing here is trusted by the
 * other end.
 */
#include "recorder/names/name_child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"
#include "objects/elf/elf_symbols.h"
#include "objects/elf/elf_unwind.h"
#include "recorder/host/maps_parse.h"
#include "recorder/names/name_protocol.h"
#include "recorder/names/name_sandbox.h"
#include "recorder/names/open_target.h"
#include "recorder/names/perf_map.h"

#define MAX_OPEN 512u /* files kept open */
#define MAX_VDSO_BYTES (1u << 20)
#define DEBUG_DIR "/usr/lib/debug/.build-id"
#define DELETED " (deleted)"
#define DELETED_LEN (sizeof(DELETED) - 1)

struct child_object {
	struct name_object *asked; /* NULL: not told of */
	int fd;			   /* -1: not open */
	int error;		   /* why not: -errno; 0: not tried, or not kept open */
};

struct child_process {
	u32 tgid;
	int fd; /* of its perf map; -1 */
	char path[REC_PERF_MAP_PATH_BYTES];
};

struct child {
	int fd, vdso_fd;
	size_t open_count;
	struct child_object *objects;
	size_t object_count;
	struct child_process *processes;
	size_t process_count;
	/* the object read last, since questions come object by object */
	u32 current;
	struct kymo_elf *elf,
		*debug; /* debug: its separate debug file, if it has no .symtab itself; NULL */
	struct kymo_unwind *unwind;
	struct name_packet packet;
	size_t packet_bytes;
};

/* -------- answers -------- */

static void send_packet(struct child *child)
{
	if (child->packet.head.count == 0)
		return;
	child->packet.head.message = NAME_ITEMS;
	if (write(child->fd, &child->packet, sizeof(child->packet.head) + child->packet_bytes) < 0)
		_exit(0); /* nobody asks any more */
	child->packet.head.count = 0;
	child->packet_bytes = 0;
}

/* Of whom the next items are. */
static void begin_items(struct child *child, u32 id, bool is_process)
{
	child->packet.head.id = id;
	child->packet.head.state = is_process;
}

static void add_item(struct child *child, const struct name_item *item, const void *first,
		     const void *second)
{
	size_t bytes = (sizeof(*item) + item->first_bytes + item->second_bytes + 7) & ~(size_t)7;
	u8 *at;

	if (bytes > sizeof(child->packet.items))
		return;
	if (bytes > sizeof(child->packet.items) - child->packet_bytes)
		send_packet(child);
	at = child->packet.items + child->packet_bytes;
	memset(at, 0, bytes);
	memcpy(at, item, sizeof(*item));
	if (item->first_bytes)
		memcpy(at + sizeof(*item), first, item->first_bytes);
	if (item->second_bytes)
		memcpy(at + sizeof(*item) + item->first_bytes, second, item->second_bytes);
	child->packet_bytes += bytes;
	child->packet.head.count++;
}

static void send_done(struct child *child, u32 id, u32 count, int state)
{
	const struct name_head done = {
		.message = NAME_DONE, .id = id, .count = count, .state = state};

	send_packet(child);
	if (write(child->fd, &done, sizeof(done)) < 0)
		_exit(0); /* as above */
}

/* -------- files -------- */

static bool is_file(const struct name_object *asked, int fd, struct kymo_elf *elf)
{
	const uint8_t *build_id;
	struct stat facts;
	size_t len;

	if (asked->build_id_bytes) {
		build_id = kymo_elf_build_id(elf, &len);
		return build_id && len == asked->build_id_bytes &&
		       !memcmp(build_id, asked->build_id, len);
	}
	if (asked->inode == 0 || fstat(fd, &facts) < 0 || facts.st_ino != asked->inode ||
	    facts.st_dev != makedev(asked->dev_major, asked->dev_minor))
		return false;
	return (asked->file_bytes == 0 || (u64)facts.st_size == asked->file_bytes) &&
	       (asked->file_mtime_ns == 0 ||
		(u64)facts.st_mtim.tv_sec * 1000000000ull + (u64)facts.st_mtim.tv_nsec ==
			asked->file_mtime_ns);
}

/* fd if it is an ELF file, and the one asked for; else closes it. */
static int check_file(const struct name_object *asked, int fd)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	int own, rc;

	if (fd < 0)
		return fd;
	own = dup(fd);
	rc = own < 0 ? -errno : kymo_elf_open_fd(own, "", &elf, NULL);
	if (rc == 0 && !is_file(asked, fd, elf))
		rc = -ESTALE;
	if (rc == 0)
		return fd;
	(void)close(fd); /* only read */
	return rc;
}

static int open_below(const struct name_object *asked, u32 tgid, const char *path)
{
	CLEANUP(rec_target_root_done) struct rec_target_root root = {.fd = -1, .mountinfo_fd = -1};

	return rec_target_root_open(tgid, &root) ? check_file(asked, rec_target_open(&root, path))
						 : -ESRCH;
}

/*
 * Where the process sees it, where we see it, and, if it is the program itself, where even a
 * deleted one is found. A file that was deleted while it is mapped keeps its name with "
 * (deleted)", and the new one may be the same.
 */
static int find_file(const struct name_object *asked)
{
	char path[sizeof(asked->path) + 1];
	size_t len = asked->path_bytes;
	const u32 roots[] = {asked->tgid, 0};
	int fd = -ENOENT, first = 0;

	memcpy(path, asked->path, len);
	path[len] = '\0';
	for (int cut = 0; cut < 2; cut++) {
		for (size_t i = 0; i < 2; i++) {
			fd = open_below(asked, roots[i], path);
			if (fd >= 0)
				return fd;
			first = first == 0 || fd == -ESTALE ? fd : first;
		}
		if (len <= DELETED_LEN || strcmp(path + len - DELETED_LEN, DELETED) != 0)
			break;
		path[len - DELETED_LEN] = '\0';
	}
	fd = check_file(asked, rec_target_open_program(asked->tgid));
	return fd >= 0 ? fd : first;
}

static int open_object(struct child *child, struct child_object *object)
{
	if (object->fd >= 0)
		return dup(object->fd);
	return object->asked->is_vdso ? dup(child->vdso_fd) : find_file(object->asked);
}

static void keep_open(struct child *child, struct child_object *object)
{
	int fd;

	if (object->fd >= 0 || child->open_count >= MAX_OPEN)
		return;
	fd = open_object(child, object);
	object->error = fd < 0 ? fd : 0;
	object->fd = fd < 0 ? -1 : fd;
	child->open_count += fd >= 0;
}

static bool grow(void **list, size_t *count, size_t wanted, size_t item_bytes)
{
	u8 *larger = wanted <= *count ? *list : reallocarray(*list, wanted, item_bytes);

	if (!larger)
		return false;
	if (wanted > *count) {
		memset(larger + *count * item_bytes, 0, (wanted - *count) * item_bytes);
		*count = wanted;
	}
	*list = larger;
	return true;
}

static void take_object(struct child *child, const struct name_object *asked)
{
	size_t before = child->object_count;
	struct child_object *object;

	if (asked->head.id >= REC_CODE_MAX_OBJECTS || asked->path_bytes >= sizeof(asked->path) ||
	    asked->build_id_bytes > sizeof(asked->build_id) ||
	    !grow((void **)&child->objects, &child->object_count, asked->head.id + 1,
		  sizeof(*child->objects)))
		return;
	for (size_t i = before; i < child->object_count; i++)
		child->objects[i].fd = -1;
	object = &child->objects[asked->head.id];
	if (!object->asked)
		object->asked = malloc(sizeof(*asked));
	if (!object->asked)
		return;
	memcpy(object->asked, asked, sizeof(*asked));
	keep_open(child, object);
}

/* -------- functions of a file -------- */

static void forget_current(struct child *child)
{
	child->unwind = kymo_unwind_close(child->unwind);
	child->elf = kymo_elf_close(child->elf);
	child->debug = kymo_elf_close(child->debug);
	child->current = UINT32_MAX;
	(void)malloc_trim(0); /* a large table does not stay for the whole recording */
}

/* The debug file of that build-id, where distributions install it: below the root of the process,
 * or ours. */
static void load_debug(struct child *child, const struct name_object *asked)
{
	char path[sizeof(DEBUG_DIR "/xx/.debug") + 2 * REC_CODE_MAX_BUILD_ID];
	size_t len = (size_t)snprintf(path, sizeof(path), DEBUG_DIR "/%02x/", asked->build_id[0]);
	const u32 roots[] = {asked->tgid, 0};

	if (asked->build_id_bytes < 2 || kymo_elf_has_symtab(child->elf))
		return;
	for (u32 i = 1; i < asked->build_id_bytes; i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "%02x", asked->build_id[i]);
	(void)snprintf(path + len, sizeof(path) - len, ".debug");
	for (size_t i = 0; i < 2 && !child->debug; i++) {
		int fd = open_below(asked, roots[i], path);

		if (fd >= 0 && (kymo_elf_open_fd(fd, "", &child->debug, NULL) < 0 ||
				kymo_elf_load_functions(child->debug, NULL) < 0))
			child->debug = kymo_elf_close(child->debug);
	}
}

static int load(struct child *child, u32 id)
{
	struct child_object *object = id < child->object_count ? &child->objects[id] : NULL;
	int fd, rc;

	if (child->current == id && child->elf)
		return 0;
	forget_current(child);
	if (!object || !object->asked)
		return -ENOENT;
	fd = open_object(child, object);
	if (fd < 0)
		return fd;
	rc = kymo_elf_open_fd(fd, "", &child->elf, NULL);
	if (rc == 0)
		rc = kymo_elf_load_functions(child->elf, NULL);
	if (rc < 0) {
		forget_current(child);
		return rc;
	}
	load_debug(child, object->asked);
	(void)kymo_unwind_open(child->elf, &child->unwind); /* a file may well have none */
	child->current = id;
	return 0;
}

static void add_symbol(struct child *child, const struct kymo_function *function, u64 to_offset)
{
	char name[NAME_MAX_NAME_BYTES + 8];
	int len = snprintf(name, sizeof(name), "%s%s", function->name, function->plt ? "@plt" : "");
	struct name_item item = {
		.kind = NAME_ITEM_SYMBOL,
		.start = function->address + to_offset,
		.size_bytes = function->end - function->address,
	};

	if (len <= 0 || (size_t)len > NAME_MAX_NAME_BYTES)
		return;
	item.first_bytes = (u32)len;
	add_item(child, &item, name, NULL);
}

/* Both tables are asked: the debug file has the functions, the program the PLT. */
static const struct kymo_function *function_at(const struct child *child, u64 address)
{
	const struct kymo_function *function =
		child->debug ? kymo_elf_function(child->debug, address) : NULL;

	return function ? function : kymo_elf_function(child->elf, address);
}

/* What covers one address; to_offset turns addresses of its segment into file offsets. */
static void answer(struct child *child, u64 address, u64 to_offset, bool exact)
{
	const struct kymo_function *function = function_at(child, address);
	struct kymo_unwind_entry entry;
	bool has_entry = child->unwind && kymo_unwind_find(child->unwind, address, &entry);
	struct name_item none = {.start = address + to_offset, .size_bytes = 1};

	if (has_entry) {
		const struct name_item item = {
			.kind = NAME_ITEM_UNWIND,
			.first_bytes = (u32)entry.cie_bytes,
			.second_bytes = (u32)entry.fde_bytes,
			.start = entry.address + to_offset,
			.size_bytes = entry.size_bytes,
		};

		add_item(child, &item, entry.cie, entry.fde);
	}
	if (function) {
		add_symbol(child, function, to_offset);
	} else if (exact) {
		/* As far as the unwinding entry reaches, it is one function at least. */
		none.kind = NAME_ITEM_NO_SYMBOL;
		if (has_entry) {
			none.start = entry.address + to_offset;
			none.size_bytes = entry.size_bytes;
		}
		add_item(child, &none, NULL, NULL);
	}
	if (!has_entry && exact) {
		none = (struct name_item){
			.kind = NAME_ITEM_NO_UNWIND, .start = address + to_offset, .size_bytes = 1};
		if (function) {
			none.start = function->address + to_offset;
			none.size_bytes = function->end - function->address;
		}
		add_item(child, &none, NULL, NULL);
	}
}

/* Is the byte before an address of another function, or the address itself of none? */
static bool differs_before(struct child *child, u64 before, u64 address)
{
	struct kymo_unwind_entry entry;
	u64 start;

	if (function_at(child, before) != function_at(child, address))
		return true;
	if (!child->unwind || !kymo_unwind_find(child->unwind, before, &entry))
		return false;
	start = entry.address;
	return !kymo_unwind_find(child->unwind, address, &entry) || entry.address != start;
}

/*
 * Most offsets are of return addresses. After a call that does not return there is padding, or the
 * next function: so the byte before is looked up, too, where that makes a difference.
 */
static void find(struct child *child, const struct name_find *asked)
{
	int rc = load(child, asked->head.id);

	begin_items(child, asked->head.id, false);
	for (u32 i = 0; rc == 0 && i < asked->head.count; i++) {
		u64 offset = asked->offsets[i], address, before;
		bool exact;

		if (!kymo_elf_address_of(child->elf, offset, &address))
			continue;
		exact = true;
		if (offset > 0 && kymo_elf_address_of(child->elf, offset - 1, &before) &&
		    differs_before(child, before, address)) {
			answer(child, before, offset - 1 - before, false);
			exact = !function_at(child, before);
		}
		answer(child, address, offset - address, exact);
	}
	send_done(child, asked->head.id, asked->head.count, rc);
}

/* -------- code that is in no file -------- */

static struct child_process *process_of(struct child *child, u32 tgid, bool make)
{
	struct child_process *larger;

	for (size_t i = 0; i < child->process_count; i++)
		if (child->processes[i].tgid == tgid)
			return &child->processes[i];
	if (!make)
		return NULL;
	larger = reallocarray(child->processes, child->process_count + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	child->processes = larger;
	larger[child->process_count] = (struct child_process){.tgid = tgid, .fd = -1};
	return &larger[child->process_count++];
}

static void open_map(struct child *child, struct child_process *process)
{
	if (!process || process->fd >= 0 || child->open_count >= MAX_OPEN)
		return;
	process->fd = rec_perf_map_open(process->tgid, process->path);
	child->open_count += process->fd >= 0;
}

static void forget_process(struct child *child, struct child_process *process)
{
	if (!process)
		return;
	child->open_count -= process->fd >= 0;
	cap_closep(&process->fd);
	*process = child->processes[--child->process_count];
}

static int by_address(const void *left, const void *right)
{
	const struct rec_perf_map_find *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static void find_in_process(struct child *child, const struct name_find *asked)
{
	struct child_process *process = process_of(child, asked->head.id, true);
	static struct rec_perf_map_find finds[NAME_MAX_OFFSETS];
	int rc = -ENOENT;

	begin_items(child, asked->head.id, true);
	open_map(child, process);
	memset(finds, 0, sizeof(finds));
	for (u32 i = 0; i < asked->head.count; i++)
		finds[i].address = asked->offsets[i];
	qsort(finds, asked->head.count, sizeof(finds[0]), by_address);
	if (process && process->fd >= 0)
		rc = rec_perf_map_search(process->fd, finds, asked->head.count);
	for (u32 i = 0; i < asked->head.count; i++) {
		const struct rec_perf_map_find *found = &finds[i];
		const struct name_item item = {
			.kind = found->size_bytes ? NAME_ITEM_SYMBOL : NAME_ITEM_NO_SYMBOL,
			.first_bytes = (u32)found->name_bytes,
			.second_bytes =
				process && found->size_bytes ? (u32)strlen(process->path) : 0,
			.start = found->size_bytes ? found->start : found->address,
			.size_bytes = found->size_bytes ? found->size_bytes : 1,
		};

		if (found->size_bytes || rc == 0)
			add_item(child, &item, found->name, process ? process->path : NULL);
		free(found->name);
	}
	send_done(child, asked->head.id, asked->head.count, rc);
}

/* -------- life -------- */

/* The vDSO's image is the same in each 64-bit program: ours is kept as a file, which can be read
 * like others. */
static int copy_vdso(void)
{
	CLEANUP(cap_closep) int maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	const u8 *image = (const u8 *)getauxval(AT_SYSINFO_EHDR); /* NOLINT: the kernel's address */
	struct rec_line_reader lines;
	char *line;
	int fd;

	if (!image || maps_fd < 0)
		return -1;
	rec_lines_init(&lines, maps_fd);
	while (rec_lines_next(&lines, &line) > 0) {
		struct rec_maps_line parsed;
		size_t len;

		if (rec_maps_parse_line(line, &parsed) < 0 ||
		    parsed.start_address != (u64)(uintptr_t)image)
			continue;
		len = parsed.end_address - parsed.start_address;
		fd = len <= MAX_VDSO_BYTES ? memfd_create("vdso", MFD_CLOEXEC) : -1;
		if (fd >= 0 && write(fd, image, len) == (ssize_t)len)
			return fd;
		cap_closep(&fd);
		break;
	}
	return -1;
}

static void serve(struct child *child)
{
	static union {
		struct name_head head;
		struct name_object object;
		struct name_find find;
	} asked;
	ssize_t len = read(child->fd, &asked, sizeof(asked));
	bool finds;

	if (len < (ssize_t)sizeof(asked.head))
		_exit(0); /* the recorder is gone */
	finds = asked.head.count <= NAME_MAX_OFFSETS &&
		(size_t)len == offsetof(struct name_find, offsets) + asked.head.count * sizeof(u64);
	if (asked.head.message == NAME_OBJECT && (size_t)len == sizeof(asked.object))
		take_object(child, &asked.object);
	else if (asked.head.message == NAME_PROCESS)
		open_map(child, process_of(child, asked.head.id, true));
	else if (asked.head.message == NAME_FORGET)
		forget_process(child, process_of(child, asked.head.id, false));
	else if (asked.head.message == NAME_FIND && finds)
		find(child, &asked.find);
	else if (asked.head.message == NAME_FIND_PROCESS && finds)
		find_in_process(child, &asked.find);
	else
		_exit(1); /* a mistake of ours */
}

/* Signals of the terminal or of a service manager are for the recorder: it may still ask when it
 * ends. */
static void ignore_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGTSTP};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)signal(numbers[i], SIG_IGN); /* cannot fail for these */
}

_Noreturn void rec_name_child(int fd, pid_t parent)
{
	static struct child child;

	ignore_signals();
	rec_name_close_others(fd);
	child.fd = fd;
	child.current = UINT32_MAX;
	child.vdso_fd = copy_vdso();
	if (rec_name_confine(parent) < 0)
		_exit(1);
	for (;;)
		serve(&child);
}
