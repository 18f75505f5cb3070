/* The configuration file: what it may hold, and the exact text for everything it may not. */
#include "unit_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorder/options/config_yaml.h"
#include "recorder/options/option_values.h"
#include "recorder/options/options.h"
#include "recorder/base/units.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static int parse(const char *yaml, struct rec_options *options, u64 *ret_mask, struct cap_err *err)
{
	rec_options_init(options);
	return rec_config_parse("f.yaml", yaml, strlen(yaml), options, ret_mask, err);
}

static void test_everything(void **state)
{
	static const char yaml[] = "# comment\n"
				   "preset: staging\n"
				   "events: [cpu, syscalls, sched, net, mem, block]\n"
				   "freq: 50\n"
				   "args: true\n"
				   "filter:\n"
				   "  pid: [10, 20]\n"
				   "  comm: 'nginx'\n"
				   "  cgroup: \"/system.slice\"\n"
				   "limits: {duration: 2m, max-size: 1GiB, max-samples: 10M}\n"
				   "output:\n"
				   "  file: /var/tmp/x.kymo\n"
				   "rings:\n"
				   "  size: 8M\n"
				   "  drain: 50ms\n";
	struct rec_options options;
	struct cap_err err = {0};
	u64 mask;

	(void)state;
	if (parse(yaml, &options, &mask, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(options.preset, "staging");
	assert_int_equal(options.sample_hz, 50);
	assert_true(options.syscall_args);
	assert_int_equal(options.pid_count, 2);
	assert_int_equal(options.pids[1], 20);
	assert_string_equal(options.comm, "nginx");
	assert_string_equal(options.cgroup_path, "/system.slice");
	assert_int_equal(options.duration_ns, 120 * REC_NS_PER_S);
	assert_int_equal(options.max_size_bytes, 1 << 30);
	assert_int_equal(options.max_samples, 10000000);
	assert_string_equal(options.output_path, "/var/tmp/x.kymo");
	assert_int_equal(options.ring_bytes, 8 << 20);
	assert_int_equal(options.drain_ms, 50);
	assert_true(mask & REC_OPTION_BIT(DURATION));
	assert_false(mask & REC_OPTION_BIT(QUIET));
	rec_options_done(&options);
}

static void test_nothing(void **state)
{
	static const char *const empty[] = {"",
					    "# only a comment\n",
					    "---\n",
					    "---\n...\n",
					    "~\n",
					    "{}\n",
					    "\357\273\277freq: 7\n",
					    "%YAML 1.1\n---\nfreq: 7\n"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(empty); i++) {
		struct rec_options options;
		struct cap_err err = {0};
		u64 mask = 0;

		if (parse(empty[i], &options, &mask, &err) < 0)
			fail_msg("%zu: %s", i, err.text);
		rec_options_done(&options);
	}
}

struct error_case {
	const char *yaml, *message;
};

static void test_errors(void **state)
{
	static const struct error_case cases[] = {
		{"freq: 0\n", "f.yaml:1:7: freq: '0' is not a whole number from 1 to 1000 (Hz)\n  "
			      "freq: 0\n        ^"},
		{"freq: fast\n", "f.yaml:1:7: freq: 'fast' is not a whole number from 1 to 1000 "
				 "(Hz)\n  freq: fast\n        ^"},
		{"freq: [1]\n",
		 "f.yaml:1:7: freq: a single value is expected\n  freq: [1]\n        ^"},
		{"freq: {a: 1}\n",
		 "f.yaml:1:7: freq: a single value is expected\n  freq: {a: 1}\n        ^"},
		{"freq:\n", "f.yaml:1:6: freq: has no value\n  freq:\n       ^"},
		{"freq: null\n", "f.yaml:1:7: freq: has no value\n  freq: null\n        ^"},
		{"freq: 5\nfreq: 6\n",
		 "f.yaml:2:1: freq: is given twice, first in line 1\n  freq: 6\n  ^"},
		{"limits:\n  duration: 1s\nlimits:\n  max-size: 1M\n",
		 "f.yaml:3:1: limits: is given twice, first in line 1\n  limits:\n  ^"},
		{"limits:\n  duration: 1s\n  duration: 2s\n",
		 "f.yaml:3:3: limits.duration: is given twice, first in line 2\n    duration: 2s\n "
		 "   ^"},
		{"frequ: 5\n",
		 "f.yaml:1:1: frequ: unknown key; did you mean 'freq'?\n  frequ: 5\n  ^"},
		{"frequency: 5\n",
		 "f.yaml:1:1: frequency: unknown key; did you mean 'freq'?\n  frequency: 5\n  ^"},
		{"limts: {}\n",
		 "f.yaml:1:1: limts: unknown key; did you mean 'limits'?\n  limts: {}\n  ^"},
		{"output:\n  fiel: x\n", "f.yaml:2:3: output.fiel: unknown key; did you mean "
					 "'output.file'?\n    fiel: x\n    ^"},
		{"zebra: 5\n", "f.yaml:1:1: zebra: unknown key\n  zebra: 5\n  ^"},
		{"duration: 5\n", "f.yaml:1:1: duration: unknown key; did you mean "
				  "'limits.duration'?\n  duration: 5\n  ^"},
		{"limits:\n  pid: 5\n", "f.yaml:2:3: limits.pid: unknown key; did you mean "
					"'filter.pid'?\n    pid: 5\n    ^"},
		{"limits.duration: 5\n", "f.yaml:1:1: limits.duration: unknown key; did you mean "
					 "'limits.duration'?\n  limits.duration: 5\n  ^"},
		{"buffer: 1M\n",
		 "f.yaml:1:1: buffer: unknown key; did you mean 'rings.size'?\n  buffer: 1M\n  ^"},
		{"force: true\n",
		 "f.yaml:1:1: force: can be given as a flag only\n  force: true\n  ^"},
		{"source: synthetic\n",
		 "f.yaml:1:1: source: can be given as a flag only\n  source: synthetic\n  ^"},
		{"command: ls\n", "f.yaml:1:1: command: a command is given after --, never in a "
				  "file\n  command: ls\n  ^"},
		{"limits: 5\n", "f.yaml:1:9: limits: is a section: keys are expected below it\n  "
				"limits: 5\n          ^"},
		{"limits: [duration]\n", "f.yaml:1:9: limits: is a section: keys are expected "
					 "below it\n  limits: [duration]\n          ^"},
		{"limits:\n  duration: 5x\n",
		 "f.yaml:2:13: limits.duration: '5x' is not a duration: write 30s, 5m, 1m30s or "
		 "250ms\n    duration: 5x\n              ^"},
		{"args: yes\n",
		 "f.yaml:1:7: args: 'yes' is neither true nor false\n  args: yes\n        ^"},
		{"args: [true]\n",
		 "f.yaml:1:7: args: a single value is expected\n  args: [true]\n        ^"},
		{"events: cpu,disk\n",
		 "f.yaml:1:9: events: unknown event class 'disk' (known: "
		 "cpu, syscalls, sched, net, mem, block, files)\n  events: cpu,disk\n          ^"},
		{"events: []\n",
		 "f.yaml:1:10: events: the list is empty\n  events: []\n           ^"},
		{"events: [[cpu]]\n", "f.yaml:1:10: events: a list of single values is expected\n  "
				      "events: [[cpu]]\n           ^"},
		{"events: {cpu: 1}\n", "f.yaml:1:9: events: a value or a list of values is "
				       "expected\n  events: {cpu: 1}\n          ^"},
		{"preset: fast\n", "f.yaml:1:9: preset: unknown preset 'fast' (known: prod, "
				   "staging, dev, debug)\n  preset: fast\n          ^"},
		{"preset: &a prod\n",
		 "f.yaml:1:9: anchors are not allowed\n  preset: &a prod\n          ^"},
		{"&a preset: prod\n",
		 "f.yaml:1:1: anchors are not allowed\n  &a preset: prod\n  ^"},
		{"&a {freq: 5}\n", "f.yaml:1:1: anchors are not allowed\n  &a {freq: 5}\n  ^"},
		{"preset: *a\n", "f.yaml:1:9: aliases are not allowed: write the value out\n  "
				 "preset: *a\n          ^"},
		{"freq: !!int 5\n", "f.yaml:1:7: tags are not allowed\n  freq: !!int 5\n        ^"},
		{"events: !x [cpu]\n",
		 "f.yaml:1:9: tags are not allowed\n  events: !x [cpu]\n          ^"},
		{"!x {freq: 5}\n", "f.yaml:1:1: tags are not allowed\n  !x {freq: 5}\n  ^"},
		{"<<: {freq: 5}\n", "f.yaml:1:1: <<: unknown key\n  <<: {freq: 5}\n  ^"},
		{"[freq]\n",
		 "f.yaml:1:1: keys and values are expected, as in 'freq: 99'\n  [freq]\n  ^"},
		{"freq\n",
		 "f.yaml:1:1: keys and values are expected, as in 'freq: 99'\n  freq\n  ^"},
		{"? [a]\n: b\n", "f.yaml:1:3: a key must be a single word\n  ? [a]\n    ^"},
		{"freq: 5\n---\nfreq: 6\n",
		 "f.yaml:2:1: a second document begins; one is allowed\n  ---\n  ^"},
		{"freq: 5: 6\n", "f.yaml:1:8: mapping values are not allowed in this context\n  "
				 "freq: 5: 6\n         ^"},
		{"freq: \"5\n",
		 "f.yaml:2:1: while scanning a quoted scalar: found unexpected end of stream"},
		{"limits:\n\tduration: 5\n",
		 "f.yaml:2:1: while scanning for the next token: found character that cannot start "
		 "any token\n   duration: 5\n  ^"},
		{"freq: 5\ncomm: \x01\n",
		 "f.yaml:2:7: control characters are not allowed\n  comm: ?\n        ^"},
		{"freq: \xff\n", "f.yaml:1:7: invalid leading UTF-8 octet\n  freq: ?\n        ^"},
		{"filter:\n  comm: \"a\\0b\"\n",
		 "f.yaml:2:9: filter.comm: contains a NUL byte\n    comm: \"a\\0b\"\n          ^"},
		{"\"\\e[2J\": 1\n", "f.yaml:1:1: \\x1b[2J: unknown key\n  \"\\e[2J\": 1\n  ^"},
		{"filter: {comm: \xc3\xa9, pid: x}\n",
		 "f.yaml:1:24: filter.pid: 'x' is not a process id; to select by name use comm\n  "
		 "filter: {comm: ?, pid: x}\n  "
		 "                       ^"},
		{"output: {file: ''}\n", "f.yaml:1:16: output.file: must not be empty\n  output: "
					 "{file: ''}\n                 ^"},
		{"filter: {pid: [1, self]}\n",
		 "f.yaml:1:19: filter.pid: 'self' is not a process id; to select by name use "
		 "comm\n  filter: {pid: [1, "
		 "self]}\n                    ^"},
		{"rings: {size: 3K, drain: 5}\n",
		 "f.yaml:1:15: rings.size: '3K' is not between 4K and 256M\n  rings: {size: 3K, "
		 "drain: 5}\n                ^"},
		{"rings: {drain: 20s}\n",
		 "f.yaml:1:16: rings.drain: '20s' is not a time from 1ms to 10s in whole "
		 "milliseconds\n  rings: {drain: 20s}\n                 ^"},
		{"limits: {max-size: 1K}\n",
		 "f.yaml:1:20: limits.max-size: '1K' is less than 64K; 0 means no limit\n  limits: "
		 "{max-size: 1K}\n                     ^"},
		{"limits: {max-samples: many}\n",
		 "f.yaml:1:23: limits.max-samples: 'many' is not a count: write 5000, 10K or 1M\n  "
		 "limits: {max-samples: many}\n                        ^"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rec_options options;
		struct cap_err err = {0};
		u64 mask = 4711;
		int rc = parse(cases[i].yaml, &options, &mask, &err);

		if (rc != CAP_EUSAGE || strcmp(err.text, cases[i].message) != 0)
			fail_msg("%s: %d:\n%s\nexpected\n%s", cases[i].yaml, rc, err.text,
				 cases[i].message);
		assert_int_equal(mask, 4711);
		rec_options_done(&options);
		assert_int_equal(parse(cases[i].yaml, &options, &mask, NULL), CAP_EUSAGE);
		rec_options_done(&options);
	}
}

/* Deep nesting, endless lines and many keys end in an error at once, not in time or memory. */
static void test_bombs(void **state)
{
	static char bytes[REC_CONFIG_MAX_BYTES + 1];
	struct rec_options options;
	struct cap_err err;
	u64 mask;

	(void)state;
	rec_options_init(&options);
	memset(bytes, '[', sizeof(bytes));
	assert_int_equal(rec_config_parse("f", bytes, 100000, &options, &mask, &err), CAP_EUSAGE);
	assert_int_equal(rec_config_parse("f", bytes, sizeof(bytes), &options, &mask, &err),
			 CAP_EUSAGE);
	assert_string_equal(err.text, "f: larger than 1048576 bytes");
	memset(bytes, '{', sizeof(bytes));
	assert_int_equal(rec_config_parse("f", bytes, 100000, &options, &mask, &err), CAP_EUSAGE);
	memset(bytes, '-', sizeof(bytes));
	assert_int_equal(rec_config_parse("f", bytes, 100000, &options, &mask, &err), CAP_EUSAGE);
	for (size_t i = 0; i + 1 < sizeof(bytes); i += 2)
		memcpy(bytes + i, "- ", 2);
	assert_int_equal(rec_config_parse("f", bytes, 1000000, &options, &mask, &err), CAP_EUSAGE);
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(rec_config_parse("f", bytes, 1000000, &options, &mask, &err), CAP_EUSAGE);
	assert_in_range(strlen(err.text), 1, CAP_ERR_TEXT_BYTES - 1);
	rec_options_done(&options);
}

/* -------- files -------- */

struct folder {
	char path[64];
	char file[96];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/kymo_config_XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->file, sizeof(folder->file), "%s/f.yaml", folder->path);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	(void)unlink(folder->file);
	(void)rmdir(folder->path);
	free(folder);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static int load(const char *path, struct cap_err *err)
{
	struct rec_options options;
	u64 mask;
	int rc;

	rec_options_init(&options);
	rc = rec_config_load(path, &options, &mask, err);
	rec_options_done(&options);
	return rc;
}

static void assert_refused(const char *path, const char *ending)
{
	struct cap_err err = {0};
	char expected[512];

	assert_int_equal(load(path, &err), CAP_EUSAGE);
	snprintf(expected, sizeof(expected), "%s: %s", path, ending);
	assert_string_equal(err.text, expected);
}

static void test_what_is_no_file(void **state)
{
	const struct folder *folder = *state;
	char path[128];

	assert_refused(folder->file, "No such file or directory");
	assert_refused(folder->path, "not a regular file");
	assert_refused("/dev/null", "not a regular file");
	write_file(folder->file, "freq: 5\n");
	snprintf(path, sizeof(path), "%s/link", folder->path);
	assert_int_equal(symlink("f.yaml", path), 0);
	assert_refused(path, "is a symbolic link; name the file itself");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
	assert_refused(path, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(truncate(folder->file, REC_CONFIG_MAX_BYTES + 1), 0);
	assert_refused(folder->file, "larger than 1048576 bytes");
}

static void test_who_may_write_it(void **state)
{
	const struct folder *folder = *state;
	struct cap_err err = {0};
	char expected[512];

	if (geteuid() != 0)
		unit_skip("needs root");
	write_file(folder->file, "freq: 5\n");
	assert_int_equal(load(folder->file, &err), 0);
	assert_int_equal(chmod(folder->file, 0664), 0);
	snprintf(expected, sizeof(expected),
		 "writable by others (mode 0664), so a privileged recorder does not trust it: "
		 "chmod go-w '%s'",
		 folder->file);
	assert_refused(folder->file, expected);
	assert_int_equal(chmod(folder->file, 0644), 0);
	assert_int_equal(chown(folder->file, 12345, 12345), 0);
	snprintf(expected, sizeof(expected),
		 "owned by user 12345; a privileged recorder reads only files of root or of the "
		 "user who started it: sudo chown root '%s'",
		 folder->file);
	assert_refused(folder->file, expected);
}

static void test_flags_override_the_file(void **state)
{
	const struct folder *folder = *state;
	char *words[] = {(char *)"kymo-record", (char *)"-F", (char *)"7", (char *)"-p",
			 (char *)"5",		(char *)"-c", NULL,	   NULL};
	struct rec_options options;
	struct cap_err err = {0};

	words[6] = (char *)folder->file;
	write_file(folder->file, "freq: 50\npreset: prod\nfilter: {pid: [1, 2]}\nargs: true\n");
	if (rec_options_parse(7, words, &options, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(options.sample_hz, 7);
	assert_int_equal(options.pid_count, 1);
	assert_int_equal(options.pids[0], 5);
	assert_true(options.syscall_args);
	assert_int_equal(options.duration_ns, 300 * REC_NS_PER_S); /* the preset of the file */
	assert_string_equal(options.config_path, folder->file);
	rec_options_done(&options);
}

static char *check(const char *path)
{
	struct cap_err err = {0};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (rec_config_check(path, out, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What `config check` prints is a configuration that means the same. */
static void test_effective_configuration(void **state)
{
	const struct folder *folder = *state;
	char *first, *second;

	write_file(folder->file,
		   "preset: debug\nfilter: {comm: \"a\\\"b \\u00e9\\t\", pid: 7, cgroup: 'on'}\n"
		   "limits: {max-size: 65537}\nrings: {drain: 100, size: 65536}\n");
	first = check(folder->file);
	assert_string_equal(first, "preset: debug\n"
				   "events: [cpu, syscalls, sched, net, mem, block, files]\n"
				   "freq: 199\n"
				   "stacks: copy\n"
				   "faults: 100\n"
				   "args: false\n"
				   "no-exec-args: false\n"
				   "no-symbols: false\n"
				   "filter:\n"
				   "  pid: [7]\n"
				   "  comm: \"a\\\"b \xc3\xa9\\x09\"\n"
				   "  cgroup: \"on\"\n"
				   "limits:\n"
				   "  duration: 30s\n"
				   "  max-size: 65537\n"
				   "  max-samples: 0 # no limit\n"
				   "budget:\n"
				   "  cpu: 1%\n"
				   "  memory: 50M\n"
				   "rings:\n"
				   "  size: 64K\n"
				   "  drain: 100ms\n");
	write_file(folder->file, first);
	second = check(folder->file);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test_setup_teardown(test_what_is_no_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_who_may_write_it, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_flags_override_the_file, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_effective_configuration, make_folder,
						remove_folder),
	};

	return unit_status(cmocka_run_group_tests_name("rec_config", tests, NULL, NULL));
}
