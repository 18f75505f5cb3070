/* Names that no symbol gives: stubs of the PLT, Go's table of functions, the symbol table inside
 * .gnu_debugdata. The files are made by the compilers and linkers that are here. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit_main.h"

#include "formats/base/cleanup.h"
#include "objects/elf/elf_mini.h"
#include "objects/elf/elf_symbols.h"

static char folder[64];

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[2048], line[2200];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	(void)snprintf(line, sizeof(line), "cd %s && { %s; } 2>/dev/null", folder, command);
	return system(line);
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct kymo_elf *open_file(const char *name)
{
	struct kymo_elf *elf = NULL;
	struct cap_err err;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (kymo_elf_open_fd(open(path, O_RDONLY | O_CLOEXEC), name, &elf, &err) < 0)
		fail_msg("%s", err.text);
	return elf;
}

static struct kymo_elf *load_file(const char *name)
{
	struct kymo_elf *elf = open_file(name);

	assert_int_equal(kymo_elf_load_functions(elf, NULL), 0);
	return elf;
}

static const struct kymo_function *function_named(const struct kymo_elf *elf, const char *name)
{
	for (size_t i = 0; i < kymo_elf_function_count(elf); i++)
		if (strcmp(kymo_elf_function_at(elf, i)->name, name) == 0)
			return kymo_elf_function_at(elf, i);
	return NULL;
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kymo_elf_XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return run("rm -rf %s", folder);
}

/* -------- stubs -------- */

/* Two ifuncs, one of them exported; functions of its own that are called through the PLT. */
static const char library_c[] =
	"static int one(int x) { return x + 1; }\n"
	"static int two(int x) { return x + 2; }\n"
	"static void *pick_one(void) { return (void *)one; }\n"
	"static void *pick_two(void) { return (void *)two; }\n"
	"__attribute__((visibility(\"hidden\"))) int hidden_choice(int) "
	"__attribute__((ifunc(\"pick_one\")));\n"
	"int open_choice(int) __attribute__((ifunc(\"pick_two\")));\n"
	"int third(int x) { return x * 3; }\n"
	"int fourth(int x) { return x * 4; }\n"
	"int unknown_five(int), unknown_six(int);\n"
	"int all(int n) { return third(n) + hidden_choice(n) + unknown_six(n) + open_choice(n)\n"
	"	+ fourth(n) + unknown_five(n); }\n"
	"void *address(void) { return (void *)unknown_five; }\n";

/* Compares every stub that objdump sees with ours. An ifunc has no name there, but an address. */
static void compare_stubs(const char *file, const char *objdump, size_t least)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = load_file(file);
	char command[512], line[512];
	size_t seen = 0, ifuncs = 0;
	FILE *dump;

	(void)snprintf(command, sizeof(command), "cd %s && %s -d %s", folder, objdump, file);
	dump = popen(command, "re");
	assert_non_null(dump);
	while (fgets(line, sizeof(line), dump)) {
		char *name = strstr(line, " <"), *end = strstr(line, "@plt>:");
		const struct kymo_function *function;
		uint64_t address;

		if (!name || !end)
			continue;
		*end = '\0';
		name += 2;
		address = strtoull(line, NULL, 16);
		function = kymo_elf_function(elf, address);
		if (!function || !function->plt)
			fail_msg("%s: %s at %llx: not found", file, name,
				 (unsigned long long)address);
		assert_int_equal(function->address, address);
		if (strncmp(name, "*ABS*", 5) == 0) {
			if (strcmp(function->name, "hidden_choice") != 0 &&
			    strcmp(function->name, "open_choice") != 0)
				fail_msg("%s: %s is called %s", file, name, function->name);
			ifuncs++;
		} else {
			assert_string_equal(function->name, name);
		}
		seen++;
	}
	assert_int_equal(pclose(dump), 0);
	if (seen < least)
		fail_msg("%s: objdump tells of %zu stubs", file, seen);
	assert_non_null(function_named(elf, "third"));
}

static void stubs_are_named_by_their_slot(void **state)
{
	static const char *const flags[] = {
		"",
		"-Wl,-z,now",
		"-fcf-protection=full -Wl,-z,ibtplt",
		"-fcf-protection=full -Wl,-z,ibtplt -Wl,-z,now",
		"-fuse-ld=gold",
		"-fuse-ld=gold -Wl,-z,now",
		"-fuse-ld=lld",
		"-fuse-ld=lld -Wl,-z,force-ibt",
		"-Wl,-O1 -Wl,--hash-style=gnu -Wl,--sort-common",
	};
	size_t made = 0;

	(void)state;
	write_file("library.c", library_c);
	if (run("objdump --version >objdump.out && gcc --version >gcc.out") != 0)
		unit_skip("gcc or objdump is missing");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (run("gcc -O1 -fPIC -shared %s -o library.so library.c", flags[i]) != 0)
			continue; /* another linker that is not here */
		compare_stubs("library.so", "objdump", 4);
		made++;
	}
	assert_true(made >= 4);
}

/* A program at a fixed address, and one without a dynamic loader. */
static void stubs_of_programs(void **state)
{
	static const char *const flags[] = {"-no-pie", "-pie -fPIE", "-static"};

	(void)state;
	write_file("library.c", library_c);
	write_file("main.c",
		   "int all(int);\nint unknown_five(int x) { return x; }\n"
		   "int unknown_six(int x) { return x; }\n"
		   "#include <string.h>\n#include <stdio.h>\n"
		   "int main(int n, char **v) { puts(strchr(v[0], n)); return all(n); }\n");
	if (run("objdump --version >objdump.out && gcc --version >gcc.out") != 0)
		unit_skip("gcc or objdump is missing");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
		const struct kymo_function *function = NULL;
		size_t stubs = 0;

		assert_int_equal(run("gcc -O1 %s -o program main.c library.c", flags[i]), 0);
		elf = load_file("program");
		for (size_t k = 0; k < kymo_elf_function_count(elf); k++) {
			function = kymo_elf_function_at(elf, k);
			stubs += function->plt && (strcmp(function->name, "hidden_choice") == 0 ||
						   strcmp(function->name, "open_choice") == 0);
		}
		assert_int_equal(stubs, 2);
	}
}

static void stubs_of_aarch64(void **state)
{
	static const char *const flags[] = {"", "-mbranch-protection=standard -Wl,-z,force-bti",
					    "-mbranch-protection=standard -Wl,-z,pac-plt"};

	(void)state;
	write_file("library.c", library_c);
	if (run("aarch64-linux-gnu-objdump --version >objdump.out && "
		"aarch64-linux-gnu-gcc --version >gcc.out") != 0)
		unit_skip("the compiler for aarch64 is missing");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(run("aarch64-linux-gnu-gcc -O1 -nostdlib -fPIC -shared %s "
				     "-o library.so library.c",
				     flags[i]),
				 0);
		compare_stubs("library.so", "aarch64-linux-gnu-objdump", 4);
	}
}

/* The stub of an ifunc whose name was stripped has none, and gets it back from the debug file. */
static void names_of_stripped_ifuncs(void **state)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *whole = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *stripped = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *again = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *debug = NULL;
	const struct kymo_function *stub, *found;
	uint64_t address = 0;

	(void)state;
	write_file("library.c", library_c);
	if (run("gcc -O1 -fPIC -shared -o library.so library.c && strip -o stripped.so library.so "
		"&& objcopy --only-keep-debug library.so library.debug") != 0)
		unit_skip("gcc or binutils are missing");
	whole = load_file("library.so");
	for (size_t i = 0; i < kymo_elf_function_count(whole); i++) {
		stub = kymo_elf_function_at(whole, i);
		if (stub->plt && strcmp(stub->name, "hidden_choice") == 0)
			address = stub->address;
	}
	assert_int_not_equal(address, 0);
	stripped = load_file("stripped.so");
	found = kymo_elf_function(stripped, address);
	if (found)
		fail_msg("the stub is called %s", found->name);
	assert_non_null(function_named(stripped, "unknown_five"));
	debug = load_file("library.debug");
	again = open_file("stripped.so");
	kymo_elf_take_ifuncs_of(again, debug);
	assert_int_equal(kymo_elf_load_functions(again, NULL), 0);
	found = kymo_elf_function(again, address);
	assert_non_null(found);
	assert_string_equal(found->name, "hidden_choice");
}

/* -------- several names of one address -------- */

static void one_name_of_several_wins(void **state)
{
	static const char source[] = "int zebra(void) { return 1; }\n"
				     "int ape(void) __attribute__((alias(\"zebra\")));\n"
				     "int bee(void) __attribute__((alias(\"zebra\")));\n"
				     "int __internal(void) __attribute__((alias(\"zebra\")));\n"
				     "static int a(void) __attribute__((alias(\"zebra\"), used));\n"
				     "static int it(void) { return 2; }\n"
				     "static void *resolver(void) { return (void *)it; }\n"
				     "int choice(void) __attribute__((ifunc(\"resolver\")));\n";
	CLEANUP(kymo_elf_closep) struct kymo_elf *whole = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *stripped = NULL;

	(void)state;
	write_file("names.c", source);
	if (run("gcc -O1 -fPIC -shared -o names.so names.c && strip -o stripped.so names.so") != 0)
		unit_skip("gcc or strip is missing");
	whole = load_file("names.so");
	stripped = load_file("stripped.so");
	/* exported before local, the shortest, then the alphabet: the same in both */
	assert_non_null(function_named(whole, "ape"));
	assert_null(function_named(whole, "a"));
	assert_null(function_named(whole, "bee"));
	assert_null(function_named(whole, "zebra"));
	assert_non_null(function_named(stripped, "ape"));
	assert_int_equal(function_named(whole, "ape")->address,
			 function_named(stripped, "ape")->address);
	/* what runs there is the resolver */
	assert_non_null(function_named(whole, "resolver"));
	assert_null(function_named(whole, "choice"));
}

/* -------- .gnu_debugdata -------- */

static const char program_c[] = "__attribute__((noinline)) static int inner_static(int x)\n"
				"{ return x * 3 + (x >> 2); }\n"
				"int exported(int x) { return inner_static(x) + 1; }\n"
				"int main(int n, char **v) { (void)v; return exported(n); }\n";

static void mini_symbols_are_read(void **state)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *whole = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *program = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *mini = NULL;

	(void)state;
	write_file("program.c", program_c);
	if (run("gcc -O1 -o whole program.c && objcopy --only-keep-debug whole mini && "
		"objcopy -S --remove-section .comment -K inner_static -K main mini mini2 && "
		"xz -k mini2 && strip -o stripped whole && "
		"objcopy --add-section .gnu_debugdata=mini2.xz stripped program") != 0)
		unit_skip("gcc, binutils or xz are missing");
	whole = load_file("whole");
	program = load_file("program");
	assert_null(function_named(program, "inner_static"));
	assert_int_equal(kymo_elf_open_mini(program, &mini, NULL), 0);
	assert_non_null(mini);
	assert_int_equal(kymo_elf_load_functions(mini, NULL), 0);
	assert_int_equal(function_named(mini, "inner_static")->address,
			 function_named(whole, "inner_static")->address);
	(void)kymo_elf_close(mini);
	assert_int_equal(kymo_elf_open_mini(whole, &mini, NULL), 0);
	assert_null(mini);
}

static void bad_mini_symbols_are_left_out(void **state)
{
	static const char *const makers[] = {
		"head -c 140000000 /dev/zero | xz -1 >section", /* more than it may be */
		"head -c 2000000 /dev/zero | xz -1 >section",	/* no ELF file */
		"xz -kc whole | head -c 500 >section",		/* cut */
		"xz -kc whole | tr a b >section",		/* damaged */
		"xz --format=lzma -kc whole >section",		/* not xz */
		"xz -kc whole >part; cat part part >section",	/* two streams */
		"xz -c --lzma2=dict=1GiB </dev/null >section",	/* a window too big */
		"head -c 100 /dev/urandom >section",
		": >section",
	};

	(void)state;
	write_file("program.c", program_c);
	if (run("gcc -O1 -o whole program.c && xz --version >xz.out") != 0)
		unit_skip("gcc or xz is missing");
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		CLEANUP(kymo_elf_closep) struct kymo_elf *program = NULL;
		CLEANUP(kymo_elf_closep) struct kymo_elf *mini = NULL;

		assert_int_equal(run("%s; objcopy --add-section .gnu_debugdata=section whole "
				     "program",
				     makers[i]),
				 0);
		program = open_file("program");
		assert_int_equal(kymo_elf_open_mini(program, &mini, NULL), 0);
		if (mini && i != 5) /* of two streams the first is whole */
			fail_msg("'%s' was taken", makers[i]);
	}
}

/* -------- Go -------- */

/*
 * Two functions behind another one, and a table of them as Go writes it. VERSION 116, 118 or 120;
 * START: what the header says of the text; with DATA there is moduledata.
 */
static const char go_s[] = ".text\n"
			   ".globl _start\n"
			   "_start: .fill 64, 1, 0x90\n"
			   "text_of_go:\n"
			   "first: .fill 32, 1, 0x90\n"
			   "second: .fill 48, 1, 0x90\n"
			   "etext_go: .fill 16, 1, 0x90\n"
			   ".section .gopclntab, FLAGS, @progbits\n"
			   "table:\n"
			   ".if VERSION == 116\n .long 0xfffffffa\n .endif\n"
			   ".if VERSION == 118\n .long 0xfffffff0\n .endif\n"
			   ".if VERSION == 120\n .long 0xfffffff1\n .endif\n"
			   ".byte 0, 0, 1, 8\n"
			   ".quad 2, 1\n"
			   ".if VERSION != 116\n .quad START\n .endif\n"
			   ".quad names - table, 0, 0, 0, index - table\n"
			   "names: .asciz \"main.first\"\n"
			   "name2: .asciz \"main.(*T).second[...]\"\n"
			   ".balign 8\n"
			   "index:\n"
			   ".if VERSION == 116\n"
			   " .quad first, record1 - index, second, record2 - index, etext_go\n"
			   "record1: .quad first\n .long 0\n"
			   "record2: .quad second\n .long name2 - names\n"
			   ".else\n"
			   " .long first - text_of_go, record1 - index, second - text_of_go, "
			   "record2 - index, etext_go - text_of_go\n"
			   "record1: .long first - text_of_go, 0\n"
			   "record2: .long second - text_of_go, name2 - names\n"
			   ".endif\n"
			   ".ifdef DATA\n"
			   ".data\n"
			   ".quad 1, 2, 3, table\n"
			   ".fill 19, 8, 7\n"
			   ".quad 5, first, etext_go, text_of_go, etext_go, 9\n"
			   ".endif\n";

static int make_go(int version, const char *start, bool data, const char *flags)
{
	bool pic = strstr(flags, "pie") != NULL;

	write_file("go.S", go_s);
	return run("gcc -nostdlib %s -DVERSION=%d -DSTART='%s' %s -DFLAGS='\"%s\"' -o whole go.S "
		   "&& strip -o program whole",
		   flags, version, start, data ? "-Wa,--defsym,DATA=1" : "", pic ? "aw" : "a");
}

static void check_go(int version, const char *start, bool data, const char *flags, bool named)
{
	CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
	CLEANUP(kymo_elf_closep) struct kymo_elf *whole = NULL;
	const struct kymo_function *first, *second;

	assert_int_equal(make_go(version, start, data, flags), 0);
	elf = load_file("program");
	whole = load_file("whole");
	first = function_named(elf, "main.first");
	second = function_named(elf, "main.(*T).second[...]");
	if (!named) {
		assert_null(first);
		assert_null(second);
		return;
	}
	if (!first || !second)
		fail_msg("version %d, start %s, moduledata %d, '%s': not named", version, start,
			 data, flags);
	assert_int_equal(first->address, function_named(whole, "first")->address);
	assert_int_equal(second->address, function_named(whole, "second")->address);
	assert_int_equal(first->end, second->address);
	assert_int_equal(second->end, function_named(whole, "etext_go")->address);
	assert_ptr_equal(kymo_elf_function(elf, second->address + 47), second);
	assert_null(kymo_elf_function(elf, second->end));
	assert_null(kymo_elf_function(elf, first->address - 1));
}

static void go_functions_are_named(void **state)
{
	static const char *const flags[] = {"-static -no-pie", "-static-pie",
					    "-pie -Wl,--no-dynamic-linker"};

	(void)state;
	if (run("gcc --version >gcc.out && strip --version >strip.out") != 0)
		unit_skip("gcc or strip is missing");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		for (int version = 116; version <= 120; version += 2) {
			if (version == 116 && i > 0)
				continue; /* its entries need relocations, each */
			check_go(version, "text_of_go", false, flags[i], true);
			check_go(version, "text_of_go", true, flags[i], true);
			if (version == 116)
				continue;
			/* newer versions leave it out; then moduledata tells, or nothing is named
			 */
			check_go(version, "0", true, flags[i], true);
			check_go(version, "0", false, flags[i], false);
			check_go(version, "0x123456789000", false, flags[i], false);
		}
	}
}

static void damaged_go_tables_do_no_harm(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	char path[128];
	uint32_t seed = 1;

	(void)state;
	if (run("gcc --version >gcc.out && strip --version >strip.out") != 0)
		unit_skip("gcc or strip is missing");
	assert_int_equal(make_go(120, "0", true, "-static -no-pie"), 0);
	(void)snprintf(path, sizeof(path), "%s/program", folder);
	for (int i = 0; i < 2000; i++) {
		CLEANUP(kymo_elf_closep) struct kymo_elf *elf = NULL;
		CLEANUP(cap_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
		uint8_t old, value;
		off_t at;

		seed = seed * 1664525u + 1013904223u;
		at = (off_t)(seed >> 8) % lseek(fd, 0, SEEK_END);
		value = values[seed % sizeof(values)];
		assert_int_equal(pread(fd, &old, 1, at), 1);
		assert_int_equal(pwrite(fd, &value, 1, at), 1);
		if (kymo_elf_open_fd(dup(fd), "mutant", &elf, NULL) == 0)
			assert_int_equal(kymo_elf_load_functions(elf, NULL), 0);
		assert_int_equal(pwrite(fd, &old, 1, at), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stubs_are_named_by_their_slot),
		cmocka_unit_test(stubs_of_programs),
		cmocka_unit_test(stubs_of_aarch64),
		cmocka_unit_test(names_of_stripped_ifuncs),
		cmocka_unit_test(one_name_of_several_wins),
		cmocka_unit_test(mini_symbols_are_read),
		cmocka_unit_test(bad_mini_symbols_are_left_out),
		cmocka_unit_test(go_functions_are_named),
		cmocka_unit_test(damaged_go_tables_do_no_harm),
	};

	return unit_status(cmocka_run_group_tests(tests, make_folder, remove_folder));
}
