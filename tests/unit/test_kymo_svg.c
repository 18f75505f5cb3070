/* Flame graphs: well-formed whatever the names hold, right in their geometry, the same for the same
 * samples. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_main.h"

#include "analyzer/output/svg_flame.h"
#include "analyzer/output/safe_text.h"
#include "formats/base/cleanup.h"

/* -------- a small strict checker of XML -------- */

#define MAX_OPEN 16

struct checker {
	const char *at, *end;
	char open[MAX_OPEN][32];
	size_t depth;
	size_t cdata_count, element_count;
};

static void wrong(const struct checker *checker, const char *what)
{
	fail_msg("not well-formed: %s at '%.60s'", what, checker->at);
}

static void check_entity(struct checker *checker)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strncmp(checker->at, entities[i], strlen(entities[i])) == 0) {
			checker->at += strlen(entities[i]);
			return;
		}
	wrong(checker, "entity");
}

static void check_text_until(struct checker *checker, char stop)
{
	while (checker->at < checker->end && *checker->at != stop) {
		if (*checker->at == '<')
			wrong(checker, "'<' in text");
		if (*checker->at == '&')
			check_entity(checker);
		else
			checker->at++;
	}
}

static void check_name(struct checker *checker, char ret_name[32])
{
	size_t len = 0;

	while (isalnum((unsigned char)checker->at[len]) || checker->at[len] == '-')
		len++;
	if (len == 0 || len > 31)
		wrong(checker, "name");
	memcpy(ret_name, checker->at, len);
	ret_name[len] = '\0';
	checker->at += len;
}

static void check_tag(struct checker *checker)
{
	char name[32], attribute[32];

	checker->at++;
	if (*checker->at == '/') {
		checker->at++;
		check_name(checker, name);
		if (checker->depth == 0 || strcmp(checker->open[--checker->depth], name) != 0)
			wrong(checker, name);
		if (*checker->at++ != '>')
			wrong(checker, "'>'");
		return;
	}
	check_name(checker, name);
	checker->element_count++;
	while (*checker->at == ' ') {
		checker->at++;
		check_name(checker, attribute);
		if (strncmp(attribute, "on", 2) == 0 || strcmp(attribute, "href") == 0)
			wrong(checker, "an attribute that acts");
		if (strncmp(checker->at, "=\"", 2) != 0)
			wrong(checker, attribute);
		checker->at += 2;
		check_text_until(checker, '"');
		checker->at++;
	}
	if (strncmp(checker->at, "/>", 2) == 0) {
		checker->at += 2;
		return;
	}
	if (*checker->at++ != '>' || checker->depth == MAX_OPEN)
		wrong(checker, name);
	strcpy(checker->open[checker->depth++], name);
}

/* Fails unless text is one well-formed element of printable UTF-8; returns what it saw. */
static struct checker check_svg(const char *text, size_t len)
{
	struct checker checker = {.at = text, .end = text + len};

	for (size_t at = 0; at < len;) {
		struct kymo_visible visible = kymo_visible_next(text + at, len - at);

		if (text[at] != '\n' && text[at] != '\t' &&
		    (visible.consumed != visible.len ||
		     memcmp(visible.text, text + at, visible.len) != 0))
			fail_msg("byte %02x stands in the picture", (unsigned char)text[at]);
		at += visible.consumed;
	}
	assert_memory_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", 44);
	checker.at = strchr(text, '\n') + 1;
	while (checker.at < checker.end) {
		if (strncmp(checker.at, "<![CDATA[", 9) == 0) {
			checker.cdata_count++;
			checker.at = strstr(checker.at, "]]>") + 3;
		} else if (*checker.at == '<') {
			check_tag(&checker);
		} else {
			check_text_until(&checker, '<');
		}
	}
	assert_int_equal(checker.depth, 0);
	return checker;
}

/* -------- pictures -------- */

static const struct kymo_flame_options *defaults(void)
{
	static struct kymo_flame_options options = {
		.title = "CPU", .width_px = 1200, .min_width_px = 0.1, .count_name = "samples"};

	options.palette = kymo_palette_by_name("hot");
	return &options;
}

/* The picture as malloc'd text. */
static char *draw(const struct kymo_tree *tree, const struct kymo_flame_options *options,
		  size_t *ret_len)
{
	char *text;
	FILE *out = open_memstream(&text, ret_len);
	struct cap_err err;

	if (kymo_svg_flame(out, tree, options, &err) < 0)
		fail_msg("%s", err.text);
	fclose(out);
	return text;
}

static void add(struct kymo_tree *tree, const char *const *names, size_t count, uint64_t weight)
{
	uint32_t at = 0;

	for (size_t i = 0; i < count; i++)
		at = kymo_tree_child(tree, at, i ? KYMO_FRAME_USER : KYMO_FRAME_PROCESS, names[i],
				     strlen(names[i]));
	kymo_tree_add(tree, at, weight);
}

static struct kymo_tree *small_tree(void)
{
	struct kymo_tree *tree = kymo_tree_new();

	add(tree, (const char *[]){"prog", "main", "left"}, 3, 30);
	add(tree, (const char *[]){"prog", "main", "right"}, 3, 60);
	add(tree, (const char *[]){"prog", "main"}, 2, 10);
	add(tree, (const char *[]){"prog", "main", "left"}, 3, 0);
	assert_int_equal(kymo_tree_finish(tree), 0);
	return tree;
}

static void geometry_follows_weight(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	size_t len;
	CLEANUP(cap_freep) char *text = draw(tree, defaults(), &len);

	(void)state;
	check_svg(text, len);
	assert_non_null(strstr(text, "<title>all (100 samples, 100.00 %)</title>"));
	assert_non_null(strstr(
		text, "<g data-s=\"0\" data-n=\"30\"><title>left (30 samples, 30.00 %)</title>"
		      "<rect x=\"10.00\""));
	assert_non_null(strstr(text, "width=\"354.00\"")); /* 30 % of 1180 */
	assert_non_null(strstr(
		text, "<g data-s=\"30\" data-n=\"60\"><title>right (60 samples, 60.00 %)</title>"
		      "<rect x=\"364.00\""));
	assert_non_null(strstr(text, "width=\"708.00\""));
}

static void same_samples_same_bytes(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	CLEANUP(kymo_tree_freep) struct kymo_tree *other = kymo_tree_new();
	size_t len, other_len;
	CLEANUP(cap_freep) char *text = draw(tree, defaults(), &len);
	CLEANUP(cap_freep) char *other_text = NULL;

	(void)state;
	add(other, (const char *[]){"prog", "main"}, 2, 10);
	add(other, (const char *[]){"prog", "main", "right"}, 3, 60);
	for (int i = 0; i < 30; i++)
		add(other, (const char *[]){"prog", "main", "left"}, 3, 1);
	assert_int_equal(kymo_tree_finish(other), 0);
	other_text = draw(other, defaults(), &other_len);
	assert_int_equal(len, other_len);
	assert_memory_equal(text, other_text, len);
}

static void reversed_keeps_the_sum(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	CLEANUP(kymo_tree_freep) struct kymo_tree *reversed = kymo_tree_reversed(tree);

	(void)state;
	assert_non_null(reversed);
	assert_int_equal(kymo_tree_node(reversed, 0)->total, 100);
	assert_int_equal(kymo_tree_node_count(reversed),
			 9); /* all, left>main>prog, main>prog, right>main>prog */
}

static void empty_input_is_a_picture_too(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	CLEANUP(cap_freep) char *text = NULL;
	size_t len;

	(void)state;
	assert_int_equal(kymo_tree_finish(tree), 0);
	text = draw(tree, defaults(), &len);
	check_svg(text, len);
	assert_non_null(strstr(text, "No samples."));
}

static void narrow_frames_are_counted(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	struct kymo_flame_options options = *defaults();
	CLEANUP(cap_freep) char *text = NULL;
	size_t len;

	(void)state;
	add(tree, (const char *[]){"prog", "wide"}, 2, 100000);
	add(tree, (const char *[]){"prog", "thin", "thinner", "thinnest"}, 4, 1);
	assert_int_equal(kymo_tree_finish(tree), 0);
	options.min_width_px = 1;
	text = draw(tree, &options, &len);
	check_svg(text, len);
	assert_null(strstr(text, "thin"));
	assert_non_null(strstr(text, ">3 narrower than 1 px not drawn<"));
}

static const struct {
	const char *bytes;
	size_t len;
	const char *expected; /* in the title */
} hostile[] = {
#define HOSTILE(text, expected)                  \
	{                                        \
		text, sizeof(text) - 1, expected \
	}
	HOSTILE("</script><script>alert(1)</script>",
		"&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
	HOSTILE("]]>", "]]&gt;"),
	HOSTILE("<![CDATA[", "&lt;![CDATA["),
	HOSTILE("\" onload=\"alert(1)", "&quot; onload=&quot;alert(1)"),
	HOSTILE("a'b&amp;", "a&#39;b&amp;amp;"),
	HOSTILE("nul\0byte", "nul\\x00byte"),
	HOSTILE("\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m"),
	HOSTILE("bad\xff\xfe\xc0\x80utf", "bad\\xff\\xfe\\xc0\\x80utf"),
	HOSTILE("cut\xe2\x82", "cut\\xe2\\x82"),
	HOSTILE("\xed\xa0\x80", "\\xed\\xa0\\x80"),
	HOSTILE("abc\xe2\x80\xaetxt.exe", "abc\\xe2\\x80\\xaetxt.exe"),
	HOSTILE("zero\xe2\x80\x8bwidth", "zero\\xe2\\x80\\x8bwidth"),
	HOSTILE("\xef\xbf\xbe\xef\xbf\xbf", "\\xef\\xbf\\xbe\\xef\\xbf\\xbf"),
	HOSTILE("line\nfeed\r\ttab", "line\\x0afeed\\x0d\\x09tab"),
	HOSTILE("c1\xc2\x9b", "c1\\xc2\\x9b"),
	HOSTILE("gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2", "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2"),
	HOSTILE("&#0;%s%n", "&amp;#0;%s%n"),
#undef HOSTILE
};

static void hostile_names_are_only_text(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	CLEANUP(cap_freep) char *text = NULL;
	CLEANUP(cap_freep) char *huge = malloc(65536);
	size_t len, count = sizeof(hostile) / sizeof(hostile[0]);
	struct checker checker;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		uint32_t at = kymo_tree_child(tree, 0, KYMO_FRAME_PROCESS, hostile[i].bytes,
					      hostile[i].len);

		at = kymo_tree_child(tree, at, KYMO_FRAME_KERNEL, hostile[i].bytes, hostile[i].len);
		kymo_tree_add(tree, at, 100);
	}
	for (size_t i = 0; i < 65536; i++)
		huge[i] = (char)(i * 7 + i / 256);
	kymo_tree_add(tree, kymo_tree_child(tree, 0, KYMO_FRAME_UNNAMED, huge, 65536), 100);
	kymo_tree_add(tree, kymo_tree_child(tree, 0, KYMO_FRAME_UNNAMED, "", 0), 100);
	assert_int_equal(kymo_tree_finish(tree), 0);
	text = draw(tree, defaults(), &len);
	checker = check_svg(text, len);
	assert_int_equal(checker.cdata_count, 2); /* our style and our script */
	for (size_t i = 0; i < count; i++) {
		char title[256];

		(void)snprintf(title, sizeof(title), "<title>%s (100 samples", hostile[i].expected);
		if (!strstr(text, title))
			fail_msg("'%s' is not in the picture", title);
		(void)snprintf(title, sizeof(title), "<title>%s [kernel] (100 samples",
			       hostile[i].expected);
		assert_non_null(strstr(text, title));
	}
}

static void captions_and_titles_are_escaped_and_wrapped(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	struct kymo_flame_options options = *defaults();
	CLEANUP(cap_freep) char *long_word = calloc(1, 5001);
	CLEANUP(cap_freep) char *text = NULL;
	size_t len;

	(void)state;
	memset(long_word, 'w', 5000);
	options.captions = (struct kymo_caption[]){
		{"<b>\033 & \"host\" ]]>", false},
		{"one two three four five six seven eight nine ten eleven twelve thirteen", true},
		{long_word, false},
		{"", false},
	};
	options.caption_count = 4;
	options.width_px = KYMO_FLAME_MIN_WIDTH_PX;
	options.title = "</title><script>";
	options.count_name = "<samples>";
	text = draw(tree, &options, &len);
	check_svg(text, len);
	assert_non_null(strstr(text, "&lt;b&gt;\\x1b &amp;"));
	assert_non_null(strstr(text, "(30 &lt;samples&gt;, 30.00 %)"));
	assert_non_null(strstr(text, "class=\"note warning\""));
}

static void every_palette_draws(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	CLEANUP(cap_freep) char *names = strdup(kymo_palette_names());
	char *rest = names;
	size_t len, count = 0;

	(void)state;
	for (const char *name; (name = strtok_r(rest, ", ", &rest)); count++) {
		struct kymo_flame_options options = *defaults();
		char *text;

		options.palette = kymo_palette_by_name(name);
		assert_non_null(options.palette);
		options.inverted = count % 2;
		text = draw(tree, &options, &len);
		check_svg(text, len);
		free(text);
	}
	assert_true(count >= 10);
	assert_null(kymo_palette_by_name("plaid"));
}

static void deep_and_heavy_stacks(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = kymo_tree_new();
	CLEANUP(cap_freep) char *text = NULL;
	uint32_t at = 0;
	size_t len;

	(void)state;
	for (int i = 0; i < 1024; i++)
		at = kymo_tree_child(tree, at, KYMO_FRAME_USER, "recurse", 7);
	kymo_tree_add(tree, at, UINT64_MAX / 2);
	kymo_tree_add(tree, at, UINT64_MAX); /* stays at the top instead of wrapping */
	assert_int_equal(kymo_tree_finish(tree), 0);
	assert_true(kymo_tree_node(tree, 0)->total == UINT64_MAX);
	text = draw(tree, defaults(), &len);
	check_svg(text, len);
}

static void write_errors_are_reported(void **state)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = small_tree();
	FILE *full = fopen("/dev/full", "w");
	struct cap_err err;

	(void)state;
	if (!full)
		unit_skip("no /dev/full");
	assert_true(kymo_svg_flame(full, tree, defaults(), &err) < 0);
	assert_non_null(strstr(err.text, "No space left"));
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_follows_weight),
		cmocka_unit_test(same_samples_same_bytes),
		cmocka_unit_test(reversed_keeps_the_sum),
		cmocka_unit_test(empty_input_is_a_picture_too),
		cmocka_unit_test(narrow_frames_are_counted),
		cmocka_unit_test(hostile_names_are_only_text),
		cmocka_unit_test(captions_and_titles_are_escaped_and_wrapped),
		cmocka_unit_test(every_palette_draws),
		cmocka_unit_test(deep_and_heavy_stacks),
		cmocka_unit_test(write_errors_are_reported),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
