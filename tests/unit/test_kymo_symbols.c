/* ELF symbol tables, the search for them, and demangling; with files that are stripped, split,
 * wrong, cut and mutated. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_main.h"

#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/object_names.h"
#include "formats/base/cleanup.h"

#define MUTATIONS 500

/* Two functions the test looks for in its own file; volatile keeps them apart and alive. */
static volatile int writer;

__attribute__((noinline, used)) static void kymo_test_first_function(int value)
{
	for (int i = 0; i < value; i++)
		writer += i;
}

__attribute__((noinline, used)) void kymo_test_second_function(int value);
void kymo_test_second_function(int value)
{
	for (int i = 0; i < value; i++)
		writer -= i * 3;
}

struct place { /* where a pointer of this program lies in its file */
	uintptr_t pointer;
	uint64_t address, file_offset, text_file_offset;
};

static int find_place(struct dl_phdr_info *info, size_t size, void *data)
{
	struct place *place = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		place->address = place->pointer - info->dlpi_addr;
		place->file_offset = place->address - segment->p_vaddr + segment->p_offset;
		place->text_file_offset = segment->p_offset & ~(uint64_t)4095;
		return 1;
	}
	return 1; /* only the program itself, which comes first */
}

static struct place place_of(void (*function)(int))
{
	struct place place = {.pointer = (uintptr_t)function};

	dl_iterate_phdr(find_place, &place);
	return place;
}

static struct kymo_elf *open_self(void)
{
	struct kymo_elf *elf;
	struct cap_err err;

	if (kymo_elf_open_fd(open("/proc/self/exe", O_RDONLY), "self", &elf, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(kymo_elf_load_functions(elf, &err), 0);
	return elf;
}

static void own_functions_are_found(void **state)
{
	struct kymo_elf *elf = open_self();
	struct place first = place_of(kymo_test_first_function);
	struct place second = place_of(kymo_test_second_function);
	const struct kymo_function *function;
	uint64_t address;
	size_t len;

	(void)state;
	assert_non_null(kymo_elf_build_id(elf, &len));
	assert_true(kymo_elf_has_symtab(elf));
	assert_false(kymo_elf_is_debug_only(elf));
	assert_true(kymo_elf_address_of(elf, first.file_offset, &address));
	assert_int_equal(address, first.address);
	function = kymo_elf_function(elf, first.address);
	assert_non_null(function);
	assert_string_equal(function->name, "kymo_test_first_function");
	assert_int_equal(function->address, first.address);
	assert_ptr_equal(kymo_elf_function(elf, function->end - 1), function);
	function = kymo_elf_function(elf, second.address + 3);
	assert_string_equal(function->name, "kymo_test_second_function");
	assert_null(kymo_elf_function(elf, UINT64_MAX));
	assert_null(kymo_elf_function(elf, 0));
	kymo_elf_close(elf);
}

static void table_is_sorted_and_sane(void **state)
{
	struct kymo_elf *elf = open_self();
	uint64_t before = 0;

	(void)state;
	assert_true(kymo_elf_function_count(elf) > 10);
	for (size_t i = 0; i < kymo_elf_function_count(elf); i++) {
		const struct kymo_function *function = kymo_elf_function_at(elf, i);

		assert_true(function->address >= before);
		assert_true(function->end > function->address);
		assert_true(function->name[0] != '\0');
		before = function->address;
		/* it holds its own bytes, and not the one after them */
		assert_true(kymo_elf_function(elf, function->end) != function);
	}
	kymo_elf_close(elf);
}

static void what_is_not_elf_is_refused(void **state)
{
	char path[] = "/tmp/kymo_symbols_XXXXXX";
	struct kymo_elf *elf = NULL;
	struct cap_err err;
	int fd = mkstemp(path);
	int pipe_fds[2];

	(void)state;
	assert_int_equal(kymo_elf_open_fd(dup(fd), path, &elf, &err), -ENOEXEC); /* empty */
	assert_int_equal(write(fd, "\177ELF", 4), 4);
	assert_int_equal(kymo_elf_open_fd(dup(fd), path, &elf, &err), -ENOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)KYMO_ELF_MAX_FILE_BYTES + 1), 0);
	assert_int_equal(kymo_elf_open_fd(dup(fd), path, &elf, &err), CAP_ELIMIT);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(kymo_elf_open_fd(pipe_fds[0], "pipe", &elf, &err), -ENOEXEC);
	assert_int_equal(kymo_elf_open_fd(open("/tmp", O_RDONLY), "/tmp", &elf, &err), -ENOEXEC);
	assert_null(elf);
	close(pipe_fds[1]);
	close(fd);
	unlink(path);
}

/* -------- damage -------- */

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void use_everything(int fd, uint64_t file_bytes)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	uint64_t address;
	size_t len;

	if (kymo_elf_open_fd(dup(fd), "mutant", &elf, NULL) < 0)
		return;
	assert_int_equal(kymo_elf_load_functions(elf, NULL), 0);
	(void)kymo_elf_build_id(elf, &len);
	(void)kymo_elf_debug_link(elf);
	(void)kymo_elf_text_page(elf, &address);
	for (int i = 0; i < 50; i++) {
		const struct kymo_function *function;

		(void)kymo_elf_address_of(elf, next_random() % (file_bytes + 1), &address);
		function =
			kymo_elf_function(elf, i % 2 ? next_random() : next_random() % file_bytes);
		if (function)
			assert_true(strlen(function->name) > 0);
	}
	for (size_t i = 0; i < kymo_elf_function_count(elf); i += 97)
		free(kymo_demangle(kymo_elf_function_at(elf, i)->name));
}

/* For other programs: /proc/PID/exe is to them the emulator, where one runs us. */
static const char *own_path(void)
{
	static char path[512];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(len > 0 && len < (ssize_t)sizeof(path) - 1);
	path[len] = '\0';
	return path;
}

/* A small file whose every byte matters more: this program, stripped of debugging information, if
 * strip is here. */
static int copy_of_self(uint64_t *ret_bytes)
{
	char path[] = "/tmp/kymo_symbols_XXXXXX", command[640];
	int copy = memfd_create("elf", MFD_CLOEXEC), from = mkstemp(path);
	char buffer[65536];
	ssize_t got;

	(void)snprintf(command, sizeof(command), "strip -g -o %s '%s' 2>/dev/null", path,
		       own_path());
	if (system(command) != 0) {
		close(from);
		from = open("/proc/self/exe", O_RDONLY);
	} else {
		close(from);
		from = open(path, O_RDONLY);
	}
	unlink(path);
	*ret_bytes = 0;
	while ((got = read(from, buffer, sizeof(buffer))) > 0) {
		assert_int_equal(write(copy, buffer, (size_t)got), got);
		*ret_bytes += (uint64_t)got;
	}
	close(from);
	return copy;
}

static uint64_t interesting_offset(int fd, uint64_t file_bytes)
{
	ElfW(Ehdr) header;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return 0;
	switch (next_random() % 4) {
	case 0:
		return next_random() % sizeof(header);
	case 1:
		return header.e_shoff + next_random() % (64ull * (header.e_shnum + 1));
	case 2:
		return header.e_phoff + next_random() % (56ull * (header.e_phnum + 1));
	}
	return next_random() % file_bytes;
}

static void mutants_do_no_harm(void **state)
{
	uint64_t file_bytes;
	int fd = copy_of_self(&file_bytes);

	(void)state;
	use_everything(fd, file_bytes);
	for (int i = 0; i < MUTATIONS; i++) {
		static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
		uint64_t offsets[8];
		uint8_t old[8];
		int count = 1 + (int)(next_random() % 8);

		for (int k = 0; k < count; k++) {
			uint8_t value = next_random() % 2 ? (uint8_t)next_random()
							  : values[next_random() % sizeof(values)];

			offsets[k] = interesting_offset(fd, file_bytes) % file_bytes;
			assert_int_equal(pread(fd, &old[k], 1, (off_t)offsets[k]), 1);
			assert_int_equal(pwrite(fd, &value, 1, (off_t)offsets[k]), 1);
		}
		use_everything(fd, file_bytes);
		for (int k = count; --k >= 0;)
			assert_int_equal(pwrite(fd, &old[k], 1, (off_t)offsets[k]), 1);
	}
	close(fd);
}

static void cut_files_do_no_harm(void **state)
{
	uint64_t file_bytes;
	int fd = copy_of_self(&file_bytes);

	(void)state;
	for (int i = 0; i < 60; i++) {
		file_bytes = file_bytes * 9 / 10;
		assert_int_equal(ftruncate(fd, (off_t)file_bytes), 0);
		use_everything(fd, file_bytes + 1);
	}
	close(fd);
}

/* -------- the search -------- */

struct tree { /* a folder with a program, stripped, and its debug file */
	char path[64];
	uint8_t build_id[KYMO_ELF_MAX_BUILD_ID_BYTES];
	size_t build_id_len;
	char hex[2 * KYMO_ELF_MAX_BUILD_ID_BYTES + 1];
	char other[80]; /* a folder in it */
};

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command);
}

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	struct kymo_elf *elf = open_self();
	const uint8_t *build_id = kymo_elf_build_id(elf, &tree->build_id_len);

	memcpy(tree->build_id, build_id, tree->build_id_len);
	for (size_t i = 0; i < tree->build_id_len; i++)
		(void)snprintf(tree->hex + 2 * i, 3, "%02x", build_id[i]);
	kymo_elf_close(elf);
	strcpy(tree->path, "/tmp/kymo_symbols_XXXXXX");
	if (!mkdtemp(tree->path) ||
	    run("cd %s && mkdir -p root/usr/bin dbg && cp '%s' full && "
		"objcopy --only-keep-debug full dbg/prog.debug && strip -o root/usr/bin/prog full "
		"&& "
		"objcopy --add-gnu-debuglink=dbg/prog.debug root/usr/bin/prog 2>/dev/null",
		tree->path, own_path()) != 0) {
		(void)run("rm -rf %s", tree->path);
		free(tree);
		tree = NULL; /* binutils is missing: the tests below skip */
	}
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;

	if (tree)
		(void)run("rm -rf %s", tree->path);
	free(tree);
	return 0;
}

/* Name at an offset, as the search finds it; "" for none. */
static const char *name_by_search(const struct tree *tree, const struct kymo_object_search *search,
				  const char *path, enum kymo_object_state *ret_state)
{
	static char text[128];
	CLEANUP(kymo_object_names_freep) struct kymo_object_names *names = NULL;
	struct place place = place_of(kymo_test_second_function);
	const struct kymo_function *function;
	struct cap_err err;
	uint64_t into;

	assert_int_equal(kymo_object_names_open(search,
						&(struct kymo_wanted_object){
							.build_id = tree->build_id,
							.build_id_len = tree->build_id_len,
							.path = path,
							.text_file_offset = place.text_file_offset,
						},
						&names, &err),
			 0);
	*ret_state = kymo_object_names_state(names);
	text[0] = '\0';
	if (kymo_object_names_find(names, place.file_offset + 2, &function, &into)) {
		assert_int_equal(into, 2);
		(void)snprintf(text, sizeof(text), "%s", function->name);
	}
	return text;
}

static void whole_program_below_symfs(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	enum kymo_object_state found;

	if (!tree)
		unit_skip("binutils is missing");
	search.symfs = tree->path;
	assert_string_equal(name_by_search(tree, &search, "/full", &found),
			    "kymo_test_second_function");
	assert_int_equal(found, KYMO_OBJECT_FOUND);
}

static void debug_link_is_followed(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	enum kymo_object_state found;
	char root[80];

	if (!tree)
		unit_skip("binutils is missing");
	(void)snprintf(root, sizeof(root), "%s/root", tree->path);
	search.symfs = root;
	/* dynamic symbols alone do not know the functions of a program */
	assert_string_equal(name_by_search(tree, &search, "/usr/bin/prog", &found), "");
	assert_int_equal(found, KYMO_OBJECT_NO_SYMBOLS);
	static const char *const folders[] = {"usr/bin", "usr/bin/.debug", "usr/lib/debug/usr/bin"};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run("cd %s && mkdir -p %s && cp %s/dbg/prog.debug %s/", root,
				     folders[i], tree->path, folders[i]),
				 0);
		assert_string_equal(name_by_search(tree, &search, "/usr/bin/prog", &found),
				    "kymo_test_second_function");
		assert_int_equal(found, KYMO_OBJECT_FOUND);
		assert_int_equal(run("rm %s/%s/prog.debug", root, folders[i]), 0);
	}
}

static void debug_directory_by_build_id(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {.debug_dir_count = 1};
	enum kymo_object_state found;
	char directory[80];

	if (!tree)
		unit_skip("binutils is missing");
	(void)snprintf(directory, sizeof(directory), "%s/d", tree->path);
	search.debug_dirs[0] = directory;
	assert_int_equal(run("cd %s && mkdir -p d/.build-id/%.2s && cp dbg/prog.debug "
			     "d/.build-id/%.2s/%s.debug",
			     tree->path, tree->hex, tree->hex, tree->hex + 2),
			 0);
	/* without the program: the offset of its text is taken from the mapping */
	assert_string_equal(name_by_search(tree, &search, "/not/here", &found),
			    "kymo_test_second_function");
	assert_int_equal(found, KYMO_OBJECT_FOUND);
	assert_string_equal(name_by_search(tree, &search, NULL, &found),
			    "kymo_test_second_function");
	/* a file of that name with another build-id lends no names */
	assert_int_equal(run("cp /bin/true %s/d/.build-id/%.2s/%s.debug", tree->path, tree->hex,
			     tree->hex + 2),
			 0);
	assert_string_equal(name_by_search(tree, &search, NULL, &found), "");
	assert_int_equal(found, KYMO_OBJECT_NOT_FOUND);
	assert_int_equal(run("rm -r %s/d/.build-id && cp %s/full %s/d/renamed", tree->path,
			     tree->path, tree->path),
			 0);
	assert_string_equal(name_by_search(tree, &search, "/any/folder/renamed", &found),
			    "kymo_test_second_function");
}

static void other_versions_lend_no_names(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	enum kymo_object_state found;
	char path[128];

	if (!tree)
		unit_skip("binutils is missing");
	search.symfs = tree->path;
	tree->build_id[0] ^= 1;
	assert_string_equal(name_by_search(tree, &search, "/full", &found), "");
	assert_int_equal(found, KYMO_OBJECT_OTHER_BUILD);
	tree->build_id[0] ^= 1;
	/* without a build-id it could be any file of that name, unless the user named the folder */
	tree->build_id_len = 0;
	assert_string_equal(name_by_search(tree, &search, "/full", &found),
			    "kymo_test_second_function");
	assert_int_equal(found, KYMO_OBJECT_FOUND);
	search.symfs = NULL;
	(void)snprintf(path, sizeof(path), "%s/full", tree->path);
	assert_string_equal(name_by_search(tree, &search, path, &found), "");
	assert_int_equal(found, KYMO_OBJECT_NO_BUILD_ID);
	tree->build_id_len = 20;
}

/* What kymo_find_object says of a file, and whether it is a verified one. */
static enum kymo_object_state state_of(const struct kymo_object_search *search,
				       const struct kymo_wanted_object *wanted, bool *ret_verified)
{
	struct kymo_object object;
	enum kymo_object_state state;

	assert_int_equal(kymo_find_object(search, wanted, &object, NULL), 0);
	state = object.state;
	*ret_verified = object.verified;
	kymo_object_done(&object);
	return state;
}

static void files_without_build_id(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	struct kymo_wanted_object wanted = {.text_file_offset = UINT64_MAX, .same_boot = true};
	char path[128], gone[160];
	struct stat status;
	bool verified;

	if (!tree)
		unit_skip("binutils is missing");
	(void)snprintf(path, sizeof(path), "%s/full", tree->path);
	(void)snprintf(gone, sizeof(gone), "%s/nothing (deleted)", tree->path);
	assert_int_equal(stat(path, &status), 0);
	wanted.path = path;
	wanted.dev_major = major(status.st_dev);
	wanted.dev_minor = minor(status.st_dev);
	wanted.inode = status.st_ino;
	wanted.file_bytes = (uint64_t)status.st_size;
	wanted.mtime_ns = status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);
	assert_false(verified);

	/* each of them makes it another file */
	wanted.inode++;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	wanted.inode--;
	wanted.file_bytes++;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	search.symfs = tree->path; /* of another size, also where the user names it */
	wanted.path = "/full";
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	wanted.file_bytes--;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);
	search.symfs = NULL;
	wanted.path = path;
	wanted.mtime_ns++;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	wanted.mtime_ns--;
	wanted.dev_minor++;
	wanted.dev_major = 250;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	wanted.dev_minor--;
	wanted.dev_major = major(status.st_dev);
	wanted.same_boot = false;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_NO_BUILD_ID);
	wanted.same_boot = true;

	/* of unknown time: it must be older than its first mapping */
	wanted.mtime_ns = 0;
	wanted.seen_ns = status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec - 1;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
	wanted.seen_ns++;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);

	/* gone, or with what the kernel appends then */
	wanted.path = gone;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_DELETED);
	(void)snprintf(gone, sizeof(gone), "%s/full (deleted)", tree->path);
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);
	wanted.inode++;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_OTHER_BUILD);
}

static void deleted_files_by_build_id(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	enum kymo_object_state found;
	char path[128];

	if (!tree)
		unit_skip("binutils is missing");
	(void)snprintf(path, sizeof(path), "%s/full (deleted)", tree->path);
	assert_string_equal(name_by_search(tree, &search, path, &found),
			    "kymo_test_second_function");
	/* a file that is really called so */
	assert_int_equal(run("mv %s/full '%s'", tree->path, path), 0);
	assert_string_equal(name_by_search(tree, &search, path, &found),
			    "kymo_test_second_function");
	assert_int_equal(run("rm '%s'", path), 0);
	assert_string_equal(name_by_search(tree, &search, path, &found), "");
	assert_int_equal(found, KYMO_OBJECT_DELETED);
	/* the kept copy, below another root */
	assert_int_equal(run("mkdir -p %s/keep%s && cp '%s' %s/keep%s/full", tree->path, tree->path,
			     own_path(), tree->path, tree->path),
			 0);
	(void)snprintf(tree->other, sizeof(tree->other), "%s/keep", tree->path);
	search.symfs = tree->other;
	assert_string_equal(name_by_search(tree, &search, path, &found),
			    "kymo_test_second_function");
}

/* A debug file that no build-id proves: the checksum of the link does. */
static void debug_link_by_checksum(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	struct kymo_wanted_object wanted = {.path = "/prog", .text_file_offset = UINT64_MAX};
	bool verified;

	if (!tree)
		unit_skip("binutils is missing");
	if (run("cd %s && mkdir r && objcopy --remove-section .note.gnu.build-id full bare && "
		"objcopy --only-keep-debug bare r/prog.dbg && strip -o r/prog bare && "
		"cd r && objcopy --add-gnu-debuglink=prog.dbg prog",
		tree->path) != 0)
		unit_skip("objcopy cannot");
	(void)snprintf(tree->other, sizeof(tree->other), "%s/r", tree->path);
	search.symfs = tree->other;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);
	assert_int_equal(run("cd %s && printf x >>prog.dbg", tree->other), 0);
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_NO_SYMBOLS);
}

static void what_is_no_file_is_told_as_such(void **state)
{
	static const struct {
		const char *path;
		enum kymo_object_state expected;
	} cases[] = {
		{NULL, KYMO_OBJECT_NO_FILE},
		{"", KYMO_OBJECT_NO_FILE},
		{"[stack]", KYMO_OBJECT_NO_FILE},
		{"/memfd:jit (deleted)", KYMO_OBJECT_MEMORY},
		{"/SYSV00000000 (deleted)", KYMO_OBJECT_MEMORY},
		{"/dev/zero (deleted)", KYMO_OBJECT_MEMORY},
		{"/dev/dri/card0", KYMO_OBJECT_MEMORY},
		{"/proc/self/exe", KYMO_OBJECT_NOT_FOUND}, /* a link into another process */
		{"/proc/version", KYMO_OBJECT_REFUSED},
		{"/nowhere/at/all", KYMO_OBJECT_NOT_FOUND},
		{"/etc/passwd", KYMO_OBJECT_UNREADABLE},
	};
	const struct kymo_object_search search = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct kymo_wanted_object wanted = {.path = cases[i].path, .same_boot = true};
		bool verified;

		if (state_of(&search, &wanted, &verified) != cases[i].expected)
			fail_msg("'%s': not %s", cases[i].path ? cases[i].path : "(none)",
				 kymo_object_state_name(cases[i].expected));
	}
	for (int i = 0; i < KYMO_OBJECT_STATES; i++) {
		for (int k = 0; k < 4; k++) {
			const char *advice =
				kymo_object_advice((enum kymo_object_state)i, k & 1, k & 2);

			assert_non_null(kymo_object_state_name((enum kymo_object_state)i));
			assert_true(strlen(advice) > 10);
			/* packages are found by build-ids */
			if (!(k & 2) || i != KYMO_OBJECT_NO_SYMBOLS)
				assert_null(strstr(advice, "-dbgsym"));
		}
	}
}

static void the_vdso_of_this_boot(void **state)
{
	const struct kymo_object_search search = {0};
	struct kymo_wanted_object wanted = {.path = "[vdso]", .same_boot = true};
	CLEANUP(kymo_object_names_freep) struct kymo_object_names *names = NULL;
	const struct kymo_function *function;
	uint64_t into;
	bool verified, found = false;

	(void)state;
	if (!getauxval(AT_SYSINFO_EHDR))
		unit_skip("there is no vDSO");
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_FOUND);
	assert_true(verified);
	assert_int_equal(kymo_object_names_open(&search, &wanted, &names, NULL), 0);
	for (uint64_t offset = 0; offset < 8192 && !found; offset += 16)
		found = kymo_object_names_find(names, offset, &function, &into) &&
			strstr(function->name, "clock_gettime");
	assert_true(found);
	wanted.compat = true;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_VDSO);
	wanted.compat = wanted.same_boot = false;
	assert_int_equal(state_of(&search, &wanted, &verified), KYMO_OBJECT_VDSO);
}

/* Only below the folders that were named, whatever the path says. */
static void places_hold_their_paths(void **state)
{
	struct tree *tree = *state;
	struct kymo_object_search search = {.debug_dir_count = 1};
	char path[160];
	int fd;

	if (!tree)
		unit_skip("binutils is missing");
	search.debug_dirs[0] = tree->path;
	(void)snprintf(path, sizeof(path), "%s/full", tree->path);
	fd = kymo_open_in_place(&search, KYMO_PLACE_DEBUG_DIR, path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(kymo_open_in_place(&search, KYMO_PLACE_DEBUG_DIR, own_path()),
			 KYMO_OPEN_NOTHING);
	(void)snprintf(path, sizeof(path), "%s/../%s/full", tree->path,
		       strrchr(tree->path, '/') + 1);
	assert_int_equal(kymo_open_in_place(&search, KYMO_PLACE_DEBUG_DIR, path),
			 KYMO_OPEN_NOTHING);
	(void)snprintf(path, sizeof(path), "%sx/full", tree->path);
	assert_int_equal(kymo_open_in_place(&search, KYMO_PLACE_DEBUG_DIR, path),
			 KYMO_OPEN_NOTHING);
	assert_int_equal(kymo_open_in_place(&search, KYMO_PLACE_SYMFS, "/full"), KYMO_OPEN_NOTHING);
}

static bool kernel_has_openat2(void)
{
	return syscall(SYS_openat2, -1, "", NULL, 0) >= 0 || errno != ENOSYS;
}

static void odd_paths_are_left_alone(void **state)
{
	static const char *const paths[] = {"",	    "full",    "/../full", "/root/../full", "/pipe",
					    "/dev", "/device", "//anon",   "/outside"};
	struct tree *tree = *state;
	struct kymo_object_search search = {0};
	enum kymo_object_state found;

	if (!tree)
		unit_skip("binutils is missing");
	search.symfs = tree->path;
	assert_int_equal(run("cd %s && mkfifo pipe && mkdir dev && ln -s /dev/zero device && "
			     "cp full /tmp/kymo_outside_%d && ln -s /tmp/kymo_outside_%d outside",
			     tree->path, getpid(), getpid()),
			 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(paths[i], "/outside") == 0 && !kernel_has_openat2())
			continue; /* before Linux 5.6 links may lead out */
		assert_string_equal(name_by_search(tree, &search, paths[i], &found), "");
		assert_int_equal(found, KYMO_OBJECT_NOT_FOUND);
	}
	(void)run("rm /tmp/kymo_outside_%d", getpid());
}

/* Headers, notes and code in one segment: its debug file keeps the notes, so not all of it is gone.
 */
static void debug_file_with_notes_among_code(void **state)
{
	static const char *const names[] = {"p", "p.debug"};
	char folder[] = "/tmp/kymo_symbols_XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	if (run("cd %s && echo 'int main(void){return 0;}' > p.c && "
		"cc -g -Wl,-z,noseparate-code -o p p.c 2>/dev/null && "
		"objcopy --only-keep-debug p p.debug 2>/dev/null",
		folder) != 0) {
		(void)run("rm -rf %s", folder);
		unit_skip("binutils is missing");
	}
	for (int i = 0; i < 2; i++) {
		struct kymo_elf *elf = NULL;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		assert_int_equal(kymo_elf_open_fd(open(path, O_RDONLY), path, &elf, NULL), 0);
		assert_int_equal(kymo_elf_is_debug_only(elf), i);
		kymo_elf_close(elf);
	}
	(void)run("rm -rf %s", folder);
}

static void programs_at_fixed_addresses(void **state)
{
	struct kymo_elf *elf = NULL;
	const struct kymo_function *function = NULL;
	char folder[] = "/tmp/kymo_symbols_XXXXXX", path[64];
	uint64_t address;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/p", folder);
	if (run("cd %s && printf 'int fixed_function(int a){return a*3;}int main(int c){return "
		"fixed_function(c);}' > p.c && cc -O0 -no-pie -o p p.c 2>/dev/null",
		folder) != 0) {
		(void)run("rm -rf %s", folder);
		unit_skip("binutils is missing");
	}
	assert_int_equal(kymo_elf_open_fd(open(path, O_RDONLY), path, &elf, NULL), 0);
	assert_int_equal(kymo_elf_load_functions(elf, NULL), 0);
	for (size_t i = 0; i < kymo_elf_function_count(elf); i++)
		if (strcmp(kymo_elf_function_at(elf, i)->name, "fixed_function") == 0)
			function = kymo_elf_function_at(elf, i);
	assert_non_null(function);
	assert_true(kymo_elf_text_page(elf, &address));
	assert_true(address >= 0x10000); /* linked at an address of its own */
	assert_false(kymo_elf_address_of(elf, function->address,
					 &address)); /* an address is no offset */
	kymo_elf_close(elf);
	(void)run("rm -rf %s", folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_functions_are_found),
		cmocka_unit_test(table_is_sorted_and_sane),
		cmocka_unit_test(what_is_not_elf_is_refused),
		cmocka_unit_test(mutants_do_no_harm),
		cmocka_unit_test(cut_files_do_no_harm),
		cmocka_unit_test_setup_teardown(whole_program_below_symfs, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(debug_link_is_followed, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(files_without_build_id, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(deleted_files_by_build_id, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(debug_link_by_checksum, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(places_hold_their_paths, make_tree, remove_tree),
		cmocka_unit_test(what_is_no_file_is_told_as_such),
		cmocka_unit_test(the_vdso_of_this_boot),
		cmocka_unit_test_setup_teardown(debug_directory_by_build_id, make_tree,
						remove_tree),
		cmocka_unit_test_setup_teardown(other_versions_lend_no_names, make_tree,
						remove_tree),
		cmocka_unit_test_setup_teardown(odd_paths_are_left_alone, make_tree, remove_tree),
		cmocka_unit_test(debug_file_with_notes_among_code),
		cmocka_unit_test(programs_at_fixed_addresses),
	};

	kymo_test_first_function(3);
	kymo_test_second_function(3);
	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
