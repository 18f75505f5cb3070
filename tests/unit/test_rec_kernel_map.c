/* Kernel addresses to frames and names, from made-up /proc and /sys files: order, aliases, modules,
 * hidden addresses. */
#include "unit_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/host/kernel_map.h"
#include "recorder/host/kernel_map_state.h"
#include "row_text.h"

struct fixture {
	char folder[64];
	char kallsyms[96], modules[96], notes[96];
	struct rec_kernel_paths paths;
	struct rec_kernel_map *map;
	struct cap_chunk *chunk;
};

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/kymo_kernel_XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->kallsyms, sizeof(f->kallsyms), "%s/kallsyms", f->folder);
	snprintf(f->modules, sizeof(f->modules), "%s/modules", f->folder);
	snprintf(f->notes, sizeof(f->notes), "%s/notes", f->folder);
	f->paths = (struct rec_kernel_paths){f->kallsyms, f->modules, f->notes, f->folder};
	f->chunk = cap_chunk_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	rec_kernel_map_free(f->map);
	cap_chunk_free(f->chunk);
	(void)unlink(f->kallsyms);
	(void)unlink(f->modules);
	(void)unlink(f->notes);
	(void)rmdir(f->folder);
	free(f);
	return 0;
}

static void open_map_with(struct fixture *f, const struct rec_kernel_asker *asker)
{
	struct cap_err err = {0};

	f->map = rec_kernel_map_free(f->map);
	if (rec_kernel_map_open_at(&f->paths, asker, &f->map, &err) < 0)
		fail_msg("%s", err.text);
}

static void open_map(struct fixture *f)
{
	open_map_with(f, NULL);
}

static char *symbols_text(struct fixture *f, int expected_rows)
{
	struct cap_err err = {0};
	int rows;

	cap_chunk_reset(f->chunk);
	rows = rec_kernel_map_symbols(f->map, f->chunk, &err);
	if (rows != expected_rows)
		fail_msg("%d rows, not %d: %s", rows, expected_rows, err.text);
	return rows ? row_text(f->chunk, CAP_BLOCK_SYMBOLS) : strdup("");
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in:\n%s", part, text);
}

static const char symbols[] = "ffffffff81000000 T _text\n"
			      "ffffffff81000000 T _stext\n"
			      "ffffffff81000000 T first\n"
			      "ffffffff81000100 W weak_name\n"
			      "ffffffff81000100 T __long_name\n"
			      "ffffffff81000100 T name\n"
			      "ffffffff81000300 t third\n"
			      "ffffffff81000180 t second\n" /* out of order */
			      "ffffffff81000200 d data\n"
			      "ffffffff81001000 T _etext\n"
			      "ffffffff82000000 T _sinittext\n"
			      "ffffffffc0000400 t mod_b\t[beta]\n"
			      "ffffffffc0000080 t mod_a2\t[alpha]\n"
			      "ffffffffc0000010 t mod_a1\t[alpha]\n"
			      "ffffffffc0200000 t bpf_prog_0123456789abcdef_count\t[bpf]\n";

static const char modules[] = "beta 4096 0 - Live 0xffffffffc0000400 (OE)\n"
			      "alpha 1024 1 beta, Live 0xffffffffc0000000\n"
			      "leaving 4096 0 - Unloading 0x0000000000000000\n";

static void test_names(void **state)
{
	static const u64 hits[] = {0xffffffff81000004, 0xffffffff81000150, 0xffffffff81000250,
				   0xffffffff81000fff, 0xffffffffc0000090, 0xffffffffc0000410};
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	open_map(f);
	for (size_t i = 0; i < sizeof(hits) / sizeof(*hits); i++)
		assert_int_not_equal(rec_kernel_map_frame(f->map, f->chunk, hits[i]), 0);
	assert_true(rec_kernel_map_has_unnamed(f->map));
	text = symbols_text(f, 6);
	assert_has(text,
		   "symbol offset_bytes=0 size_bytes=256 object='kernel' build_id= name='first'");
	assert_has(text,
		   "symbol offset_bytes=256 size_bytes=128 object='kernel' build_id= name='name'");
	assert_has(
		text,
		"symbol offset_bytes=384 size_bytes=384 object='kernel' build_id= name='second'");
	assert_has(
		text,
		"symbol offset_bytes=768 size_bytes=3328 object='kernel' build_id= name='third'");
	assert_has(text,
		   "symbol offset_bytes=128 size_bytes=896 object='alpha' build_id= name='mod_a2'");
	assert_has(text,
		   "symbol offset_bytes=0 size_bytes=4096 object='beta' build_id= name='mod_b'");
	free(text);
	assert_false(rec_kernel_map_has_unnamed(f->map));

	/* Hit again, or in the same function: no row twice. */
	rec_kernel_map_frame(f->map, f->chunk, hits[0]);
	assert_false(rec_kernel_map_has_unnamed(f->map));
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000008);
	assert_true(rec_kernel_map_has_unnamed(f->map));
	text = symbols_text(f, 0);
	free(text);
}

/* A call that does not return ends its function: the return address is the next one's start. */
static void test_return_address_past_the_end(void **state)
{
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	open_map(f);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000300);
	text = symbols_text(f, 2);
	assert_has(text, "name='second'");
	assert_has(text, "name='third'");
	free(text);
}

static void test_frames(void **state)
{
	struct fixture *f = *state;
	struct cap_chunk *chunk = f->chunk;
	u32 alpha, dynamic;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	open_map(f);
	alpha = cap_chunk_string(chunk, "alpha", 5);
	assert_int_equal(rec_kernel_map_frame(f->map, chunk, 0xffffffff81000004),
			 cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 4));
	assert_int_equal(rec_kernel_map_frame(f->map, chunk, 0xffffffffc0000090),
			 cap_chunk_frame(chunk, CAP_SPACE_MODULE, alpha, 0x90));
	/* The end of a module's range where the next one begins. */
	assert_int_equal(
		rec_kernel_map_frame(f->map, chunk, 0xffffffffc0000400),
		cap_chunk_frame(chunk, CAP_SPACE_MODULE, cap_chunk_string(chunk, "beta", 4), 0));
	/* Not a kernel address at all. */
	assert_int_equal(rec_kernel_map_frame(f->map, chunk, 0x7fff00001000),
			 cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0));
	/* Made at run time: from a base of this recording, not from the text base. */
	dynamic = cap_chunk_string(chunk, REC_DYNAMIC_OBJECT, strlen(REC_DYNAMIC_OBJECT));
	assert_int_equal(rec_kernel_map_frame(f->map, chunk, 0xffffffffc0200010),
			 cap_chunk_frame(chunk, CAP_SPACE_MODULE, dynamic, (4ull << 30) + 0x10));
	assert_int_equal(rec_kernel_map_frame(f->map, chunk, 0xffffffffc01ffff0),
			 cap_chunk_frame(chunk, CAP_SPACE_MODULE, dynamic, (4ull << 30) - 0x10));
}

static void test_dynamic_text(void **state)
{
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	open_map(f);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffffc0200010);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000004);
	text = symbols_text(f, 2);
	assert_has(text,
		   "symbol offset_bytes=4294967296 size_bytes=1048576 object='[dynamic]' build_id= "
		   "name='bpf_prog_0123456789abcdef_count'");
	assert_has_not(text, "_sinittext");
	free(text);
}

/* Nothing of the kernel's place may be in what is written. */
static void test_no_address_is_stored(void **state)
{
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	open_map(f);
	cap_chunk_reset(f->chunk);
	assert_int_equal(rec_kernel_map_modules(f->map, f->chunk), 0);
	text = row_text(f->chunk, CAP_BLOCK_MODULES);
	assert_string_equal(text, "module size_bytes=4096 name='kernel' build_id=\n"
				  "module size_bytes=1024 name='alpha' build_id=\n"
				  "module size_bytes=4096 name='beta' build_id=\n");
	free(text);
}

static void test_hidden_addresses(void **state)
{
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms, "0000000000000000 T _text\n0000000000000000 T _stext\n"
				"0000000000000000 T first\n0000000000000000 T _etext\n");
	write_text(f->modules, "alpha 1024 1 beta, Live 0x0000000000000000\n");
	open_map(f);
	assert_int_equal(rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000004),
			 cap_chunk_frame(f->chunk, CAP_SPACE_KERNEL, 0, 0));
	assert_has(rec_kernel_map_why_unknown(f->map), "add CAP_SYSLOG");
	assert_false(rec_kernel_map_has_unnamed(f->map));
	text = symbols_text(f, 0);
	free(text);
}

static void test_files_missing(void **state)
{
	struct fixture *f = *state;
	char *text;

	open_map(f);
	assert_has(rec_kernel_map_why_unknown(f->map), "no /proc/kallsyms");
	assert_int_not_equal(rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000004), 0);
	rec_kernel_map_free(f->map);
	f->map = NULL;

	write_text(f->kallsyms, symbols);
	open_map(f);
	assert_null(rec_kernel_map_why_unknown(f->map));
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000004);
	/* The names come through the descriptor of the start, when the recorder still had its
	 * privileges. */
	assert_int_equal(unlink(f->kallsyms), 0);
	text = symbols_text(f, 1);
	assert_has(text, "name='first'");
	free(text);
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;
	char *text;

	write_text(f->kallsyms,
		   "\n \nzz T x\nffffffff81000000\nffffffff81000000 T\nffffffff81000000 T \n"
		   "ffffffff81000000 T _stext\nffffffff81000010 T f\t[\nffffffff81000020 T g\t\n"
		   "ffffffff81000030 T h\tx\nffffffff81001000 T _etext");
	write_text(f->modules, "\nx\ny 1\n../../etc 4096 0 - Live 0xffffffffc0000000\n"
			       "z 99999999999999999999 0 - Live 0xffffffffffffffff\n");
	open_map(f);
	assert_int_equal(f->map->module_count, 0);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000015);
	text = symbols_text(f, 1);
	assert_has(text,
		   "symbol offset_bytes=0 size_bytes=4096 object='kernel' build_id= name='_stext'");
	free(text);
}

/* More hits than are remembered: bounded, and what is remembered is named. */
static void test_many_hits(void **state)
{
	struct fixture *f = *state;
	FILE *out = fopen(f->kallsyms, "w");
	char *text;

	assert_non_null(out);
	fprintf(out, "ffffffff81000000 T _stext\n");
	for (u32 i = 50000; i > 0; i--) /* falling: the worst order */
		fprintf(out, "%016llx t f%u\n", 0xffffffff81000000ull + i * 16, i);
	fprintf(out, "ffffffff82000000 T _etext\n");
	assert_int_equal(fclose(out), 0);
	open_map(f);
	for (u32 i = 1; i <= 50000; i++) {
		rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000000ull + i * 16 + 8);
		if (i % 1000 == 0)
			cap_chunk_reset(f->chunk);
	}
	assert_int_equal(f->map->hits->pending_count, REC_MAX_KERNEL_HITS);
	text = symbols_text(f, REC_MAX_KERNEL_HITS);
	assert_has(text, "offset_bytes=16 size_bytes=16 object='kernel' build_id= name='f1'\n");
	assert_has(text,
		   "offset_bytes=524288 size_bytes=16 object='kernel' build_id= name='f32768'\n");
	assert_has_not(text, "name='f32769'");
	free(text);
}

static void test_build_id_notes(void **state)
{
	/* A foreign note of odd length, then the build-id. */
	static const u8 notes[] = {5, 0,   0,	0,   3,	  0,   0, 0,	9,    0,    0,
				   0, 'L', 'i', 'n', 'u', 'x', 0, 0,	0,    1,    2,
				   3, 0,   4,	0,   0,	  0,   4, 0,	0,    0,    3,
				   0, 0,   0,	'G', 'N', 'U', 0, 0xde, 0xad, 0xbe, 0xef};
	struct fixture *f = *state;
	u8 build_id[REC_BUILD_ID_BYTES];
	u8 lie[sizeof(notes)];
	char *text;

	assert_int_equal(rec_notes_build_id(notes, sizeof(notes), build_id), 4);
	assert_memory_equal(build_id, "\xde\xad\xbe\xef", 4);
	for (size_t len = 0; len < sizeof(notes); len++) /* cut anywhere: none, and no overrun */
		assert_int_equal(rec_notes_build_id(notes, len, build_id), 0);
	for (size_t at = 0; at < sizeof(notes); at++) {
		memcpy(lie, notes, sizeof(notes));
		lie[at] = 0xff;
		(void)rec_notes_build_id(lie, sizeof(lie), build_id);
	}
	write_text(f->kallsyms, symbols);
	write_file(f->notes, notes, sizeof(notes));
	open_map(f);
	assert_int_equal(rec_kernel_map_modules(f->map, f->chunk), 0);
	text = row_text(f->chunk, CAP_BLOCK_MODULES);
	assert_has(text, "name='kernel' build_id=deadbeef\n");
	free(text);
}

/* ---- Somebody who knows the same symbols ---- */

struct asker_state {
	size_t answers;	    /* so many addresses are answered, in all */
	bool knows_places;  /* where the text is */
	size_t asked_count; /* addresses asked for, or asked for again */
};

static int fake_address_of(void *context, const char *name, u64 *ret_address)
{
	const struct asker_state *state = context;

	if (!state->knows_places)
		return -ENOENT;
	*ret_address = strcmp(name, "_stext") ? 0xffffffff81001000 : 0xffffffff81000000;
	return 0;
}

static size_t fake_name_all(void *context, const u64 *addresses, size_t count, rec_symbol_fn take,
			    void *take_context)
{
	static const struct rec_kernel_symbol known[] = {
		{0xffffffff81000000, 0x100, "first"},
		{0xffffffff81000100, 0x80, "name"},
		{0xffffffff81000180, 0x180, "second"},
		{0xffffffff81000300, 0xd00, "third"},
		{0xffffffff82000000, 0x1000, "_sinittext"},
		{0xffffffffc0000010, 0x70, "mod_a1"},
		{0xffffffffc0000080, 0x9999, "mod_a2"}, /* past its module */
		{0xffffffffc0000400, 0x1000, "mod_b"},
		{0xffffffffc0200000, 0x100000, "bpf_prog_0123456789abcdef_count"},
	};
	struct asker_state *state = context;
	size_t told = 0;

	state->asked_count += count;
	for (; told < count && state->answers > 0; told++, state->answers--) {
		const struct rec_kernel_symbol *found = NULL;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (known[i].start <= addresses[told] &&
			    addresses[told] - known[i].start < known[i].size_bytes)
				found = &known[i];
		take(take_context, found);
	}
	return told;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Rows come in the order of the hits or of the addresses. */
static char *sorted_lines(char *text)
{
	char *lines[32], *sorted = calloc(1, strlen(text) + 2), *rest = NULL;
	size_t count = 0;

	for (char *line = strtok_r(text, "\n", &rest); line && count < 32;
	     line = strtok_r(NULL, "\n", &rest))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++) {
		strcat(sorted, lines[i]);
		strcat(sorted, "\n");
	}
	free(text);
	return sorted;
}

static char *names_with(struct fixture *f, const struct rec_kernel_asker *asker)
{
	static const u64 hits[] = {0xffffffff81000300, 0xffffffffc0000090, 0xffffffff81000004,
				   0xffffffffc0200010, 0xffffffff81000150, 0xffffffff81000340,
				   0xffffffffc0000410};

	open_map_with(f, asker);
	for (size_t i = 0; i < sizeof(hits) / sizeof(*hits); i++)
		rec_kernel_map_frame(f->map, f->chunk, hits[i]);
	return sorted_lines(symbols_text(f, 7));
}

/* Whoever is asked, and however much is answered: the rows are those of /proc/kallsyms. */
static void test_asker(void **state)
{
	struct fixture *f = *state;
	char *by_file, *by_asker;

	write_text(f->kallsyms, symbols);
	write_text(f->modules, modules);
	by_file = names_with(f, NULL);
	assert_has(by_file, "name='second'"); /* before the return address at the start of third */
	for (size_t answers = 0; answers <= 8; answers++) {
		struct asker_state asker_state = {.answers = answers,
						  .knows_places = answers % 2 == 0};
		struct rec_kernel_asker asker = {&asker_state, fake_address_of, fake_name_all};

		by_asker = names_with(f, &asker);
		assert_false(rec_kernel_map_has_unnamed(f->map));
		assert_string_equal(by_asker, by_file);
		assert_true(asker_state.asked_count >= 7);
		free(by_asker);
	}
	free(by_file);
}

/* Without the file all comes from the asker, and what has no name gets no row. */
static void test_asker_alone(void **state)
{
	struct asker_state asker_state = {.answers = 100, .knows_places = true};
	struct rec_kernel_asker asker = {&asker_state, fake_address_of, fake_name_all};
	struct fixture *f = *state;
	char *text;

	open_map_with(f, &asker);
	assert_null(rec_kernel_map_why_unknown(f->map));
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000004);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffffd0000000); /* dynamic, unknown */
	text = symbols_text(f, 1);
	assert_has(text, "name='first'");
	assert_false(rec_kernel_map_has_unnamed(f->map));
	free(text);
	rec_kernel_map_frame(f->map, f->chunk, 0xffffffff81000008);
	free(symbols_text(f, 0));
}

/* This machine's own files: at least they can be read. */
static void test_this_kernel(void **state)
{
	struct rec_kernel_map *map = NULL;
	struct cap_err err = {0};

	(void)state;
	assert_int_equal(rec_kernel_map_open(NULL, &map, &err), 0);
	rec_kernel_map_free(map);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_names),
		WITH_FILES(test_return_address_past_the_end),
		WITH_FILES(test_frames),
		WITH_FILES(test_dynamic_text),
		WITH_FILES(test_no_address_is_stored),
		WITH_FILES(test_hidden_addresses),
		WITH_FILES(test_files_missing),
		WITH_FILES(test_nonsense),
		WITH_FILES(test_many_hits),
		WITH_FILES(test_build_id_notes),
		WITH_FILES(test_asker),
		WITH_FILES(test_asker_alone),
		cmocka_unit_test(test_this_kernel),
	};

	return cmocka_run_group_tests_name("rec_kernel_map", tests, NULL, NULL);
}
