/* Every flag, the ends of every range, and what is said about what is wrong. */
#include "unit_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/near_word.h"
#include "recorder/base/error_names.h"
#include "recorder/base/option_text.h"
#include "recorder/options/option_help.h"
#include "recorder/options/option_values.h"
#include "recorder/options/options.h"
#include "recorder/base/units.h"

#define MAX_WORDS 64
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* Splits at single spaces; no quoting. words[] points into line. */
static int split(char *line, char **words)
{
	int count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

static int parse(const char *line, struct rec_options *ret_options, struct cap_err *err)
{
	static char text[1024];
	static char *words[MAX_WORDS];

	snprintf(text, sizeof(text), "kymo-record %s", line);
	return rec_options_parse(split(text, words), words, ret_options, err);
}

static struct rec_options parse_ok(const char *line)
{
	struct rec_options options;
	struct cap_err err = {0};
	int rc = parse(line, &options, &err);

	if (rc != REC_OPTIONS_RECORD)
		fail_msg("'%s': %d: %s", line, rc, err.text);
	return options;
}

static void test_defaults(void **state)
{
	struct rec_options options = parse_ok("");

	(void)state;
	assert_int_equal(options.classes, 1u << CLASS_CPU | 1u << CLASS_SYSCALLS |
						  1u << CLASS_SCHED | 1u << CLASS_NET |
						  1u << CLASS_MEM | 1u << CLASS_BLOCK |
						  1u << CLASS_FILES);
	assert_int_equal(options.sample_hz, 99);
	assert_int_equal(options.fault_period, 100);
	assert_int_equal(options.duration_ns, 60 * REC_NS_PER_S);
	assert_string_equal(options.preset, "dev");
	assert_int_equal(strlen(options.output_path), strlen("kymo-20260102-030405.kymo"));
	assert_memory_equal(options.output_path, "kymo-20", 7);
	assert_string_equal(options.output_path + 20, ".kymo");
	assert_null(options.command);
	assert_string_equal(options.command_line, "kymo-record");
	assert_int_equal(options.source_kind, REC_SOURCE_LIVE);
	rec_options_done(&options);
}

static void test_every_flag(void **state)
{
	struct rec_options options = parse_ok(
		"-e cpu -F 7 -d 1m30s -p 3,4 -p 5 --comm redis --cgroup /a/b -o out.kymo -f "
		"--max-size 10M --max-samples 5K --args --buffer 256K --drain 20 --preset prod "
		"-q --json -- prog -x --pid 9");

	(void)state;
	assert_int_equal(options.classes, 1u << CLASS_CPU);
	assert_int_equal(options.sample_hz, 7);
	assert_int_equal(options.duration_ns, 90 * REC_NS_PER_S);
	assert_int_equal(options.pid_count, 3);
	assert_int_equal(options.pids[0], 3);
	assert_int_equal(options.pids[2], 5);
	assert_string_equal(options.comm, "redis");
	assert_string_equal(options.cgroup_path, "/a/b");
	assert_string_equal(options.output_path, "out.kymo");
	assert_true(options.force && options.syscall_args && options.quiet && options.json);
	assert_int_equal(options.max_size_bytes, 10 << 20);
	assert_int_equal(options.max_samples, 5000);
	assert_int_equal(options.ring_bytes, 256 << 10);
	assert_int_equal(options.drain_ms, 20);
	assert_string_equal(options.preset, "prod");
	assert_string_equal(options.command[0], "prog");
	assert_string_equal(options.command[3], "9");
	assert_null(options.command[4]);
	rec_options_done(&options);
}

static void test_budgets(void **state)
{
	struct rec_options options = parse_ok("");

	(void)state;
	assert_int_equal(options.cpu_budget_ppm, 10000);
	assert_int_equal(options.mem_budget_bytes, 50 << 20);
	assert_false(options.disk_floor.given);
	rec_options_done(&options);
	options = parse_ok("--cpu-budget 0.5% --mem-budget 200M --disk-floor 2.5%");
	assert_int_equal(options.cpu_budget_ppm, 5000);
	assert_int_equal(options.mem_budget_bytes, 200 << 20);
	assert_int_equal(options.disk_floor.ppm, 25000);
	rec_options_done(&options);
	options = parse_ok("--cpu-budget none --mem-budget none --disk-floor 3G");
	assert_int_equal(options.cpu_budget_ppm, 0);
	assert_int_equal(options.mem_budget_bytes, 0);
	assert_true(options.disk_floor.given && options.disk_floor.bytes == 3ull << 30);
	rec_options_done(&options);
	/* A command that is recorded alone costs what it costs, unless a budget was asked for. */
	options = parse_ok("-- sleep 1");
	assert_int_equal(options.cpu_budget_ppm, 0);
	rec_options_done(&options);
	options = parse_ok("--cpu-budget 1% -- sleep 1");
	assert_int_equal(options.cpu_budget_ppm, 10000);
	rec_options_done(&options);
	options = parse_ok("-a -- sleep 1");
	assert_int_equal(options.cpu_budget_ppm, 10000);
	rec_options_done(&options);
}

static void test_long_forms(void **state)
{
	struct rec_options options =
		parse_ok("--events=syscalls --freq=1000 --duration 0 --all --output - "
			 "--force --quiet --preset=debug");

	(void)state;
	assert_int_equal(options.classes, 1u << CLASS_SYSCALLS);
	assert_int_equal(options.sample_hz, 1000);
	assert_int_equal(options.duration_ns, 0);
	assert_true(options.all && options.force && options.quiet);
	assert_string_equal(options.output_path, "-");
	rec_options_done(&options);
}

struct limit_case {
	const char *line;
	u32 sample_hz;
	u64 duration_ns;
};

/* A command ends a recording by itself, so it has no limit of time unless one is asked for. */
static void test_presets_and_durations(void **state)
{
	static const struct limit_case cases[] = {
		{"--preset prod", 19, 300 * REC_NS_PER_S},
		{"--preset staging", 49, 120 * REC_NS_PER_S},
		{"--preset dev", 99, 60 * REC_NS_PER_S},
		{"--preset debug", 199, 30 * REC_NS_PER_S},
		{"--preset prod -F 5", 5, 300 * REC_NS_PER_S},
		{"--preset prod -d 2", 19, 2 * REC_NS_PER_S},
		{"-- true", 99, 0},
		{"--preset prod -- true", 19, 300 * REC_NS_PER_S},
		{"-d 250ms -- true", 99, 250 * REC_NS_PER_MS},
		{"--source synthetic", 99, 60 * REC_NS_PER_S},
		{"--source synthetic:events=10", 99, 0},
		{"--source x.kymo", 99, 0},
		{"-d 5 --source x.kymo", 99, 5 * REC_NS_PER_S},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rec_options options = parse_ok(cases[i].line);

		if (options.sample_hz != cases[i].sample_hz ||
		    options.duration_ns != cases[i].duration_ns)
			fail_msg("'%s': %u Hz, %llu ns", cases[i].line, options.sample_hz,
				 (unsigned long long)options.duration_ns);
		rec_options_done(&options);
	}
}

static void test_source(void **state)
{
	struct rec_options options =
		parse_ok("--source synthetic:events=2M,rate=10K,mix=syscalls,seed=42");

	(void)state;
	assert_int_equal(options.source_kind, REC_SOURCE_SYNTHETIC);
	assert_int_equal(options.synthetic.events, 2000000);
	assert_int_equal(options.synthetic.rate_hz, 10000);
	assert_int_equal(options.synthetic.seed, 42);
	assert_string_equal(options.synthetic.mix, "syscalls");
	rec_options_done(&options);

	options = parse_ok("--source ./synthetic");
	assert_int_equal(options.source_kind, REC_SOURCE_CAPTURE);
	assert_string_equal(options.source_path, "./synthetic");
	rec_options_done(&options);
}

static void test_help_and_version(void **state)
{
	struct rec_options options;
	struct cap_err err;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_int_equal(parse("-F 5 --help", &options, &err), REC_OPTIONS_HELP);
	assert_int_equal(parse("-h", &options, &err), REC_OPTIONS_HELP);
	assert_int_equal(parse("-V", &options, &err), REC_OPTIONS_VERSION);
	assert_int_equal(parse("--version", &options, &err), REC_OPTIONS_VERSION);
	rec_options_help(out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\n  -F, --freq HZ         CPU samples per second"));
	assert_non_null(strstr(text, "\n      --max-samples COUNT\n"));
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		if (end - line > 84)
			fail_msg("help line of %zd columns: %.*s", end - line, (int)(end - line),
				 line);
	free(text);
}

struct error_case {
	const char *line, *message;
};

static void test_errors(void **state)
{
	static const struct error_case cases[] = {
		{"-F 0", "--freq: '0' is not a whole number from 1 to 1000 (Hz)"},
		{"-F 1001", "--freq: '1001' is not a whole number from 1 to 1000 (Hz)"},
		{"-F 9.5", "--freq: '9.5' is not a whole number from 1 to 1000 (Hz)"},
		{"-F -1", "--freq: '-1' is not a whole number from 1 to 1000 (Hz)"},
		{"-F 99999999999999999999",
		 "--freq: '99999999999999999999' is not a whole number from 1 to 1000 (Hz)"},
		{"-F", "-F needs a value: HZ"},
		{"--freq", "--freq needs a value: HZ"},
		{"-e", "-e needs a value: LIST"},
		{"-e disk", "--events: unknown event class 'disk' (known: cpu, syscalls, "
			    "sched, net, mem, block, files)"},
		{"-e cpu,,syscalls", "--events: has an empty item"},
		{"-e cpu,", "--events: has an empty item"},
		{"--faults -1", "--faults: '-1' is not a whole number from 0 to 1000000"},
		{"--faults 1000001", "--faults: '1000001' is not a whole number from 0 to 1000000"},
		{"-d 5x", "--duration: '5x' is not a duration: write 30s, 5m, 1m30s or 250ms"},
		{"-d 366d", "--duration: '366d' is longer than 365d; 0 means no limit"},
		{"-d 1us", "--duration: '1us' is shorter than 1ms"},
		{"-p 0", "--pid: '0' is not a process id"},
		{"-p 4194305", "--pid: '4194305' is not a process id"},
		{"-p self", "--pid: 'self' is not a process id; to select by name use comm"},
		{"-p 1 -a", "--all and --pid cannot be combined"},
		{"--comm fifteen_letters", NULL}, /* 15 bytes: fits */
		{"--comm sixteen_letters__", "--comm: 'sixteen_letters__' is longer than 15 bytes, "
					     "which is all the kernel keeps of a name"},
		{"--max-size 63K", "--max-size: '63K' is less than 64K; 0 means no limit"},
		{"--max-size 1X", "--max-size: '1X' is not a size: write 64K, 10M or 1GiB"},
		{"--max-size 99999999999T", "--max-size: '99999999999T' is too large"},
		{"--max-samples 1.0001K",
		 "--max-samples: '1.0001K' is not a count: write 5000, 10K or 1M"},
		{"--buffer 300K", "--buffer: '300K' is not a power of two: write 256K or 512K"},
		{"--buffer 2K", "--buffer: '2K' is not between 4K and 256M"},
		{"--buffer 512M", "--buffer: '512M' is not between 4K and 256M"},
		{"--buffer 4096", NULL},
		{"--buffer 256M", NULL},
		{"--cpu-budget none", NULL},
		{"--cpu-budget 0.01%", NULL},
		{"--cpu-budget 100%", NULL},
		{"--cpu-budget 1", "--cpu-budget: '1' is not a share from 0.01% to 100%: write 1%, "
				   "0.5%, or none"},
		{"--cpu-budget 0%", "--cpu-budget: '0%' is not a share from 0.01% to 100%: write "
				    "1%, 0.5%, or none"},
		{"--cpu-budget 101%", "--cpu-budget: '101%' is not a share from 0.01% to 100%: "
				      "write 1%, 0.5%, or none"},
		{"--cpu-budget 0.00001%", "--cpu-budget: '0.00001%' is not a share from 0.01% to "
					  "100%: write 1%, 0.5%, or none"},
		{"--cpu-budget 1%%", "--cpu-budget: '1%%' is not a share from 0.01% to 100%: write "
				     "1%, 0.5%, or none"},
		{"--mem-budget none", NULL},
		{"--mem-budget 24M", NULL},
		{"--mem-budget 23M",
		 "--mem-budget: '23M' is less than 24M, the least a recording needs"},
		{"--mem-budget 0", "--mem-budget: '0' is not a size: write 50M, 200M, or none"},
		{"--disk-floor none", NULL},
		{"--disk-floor 0", NULL},
		{"--disk-floor 12.5%", NULL},
		{"--disk-floor 99%", "--disk-floor: '99%' leaves no room to record: write 95% or "
				     "less"},
		{"--disk-floor much", "--disk-floor: 'much' is neither a size nor a share: write "
				      "2G, 10%, or none"},
		{"--durations fast", "--durations: 'fast' is not one of exact, blocked"},
		{"-e syscalls --durations blocked",
		 "--durations blocked needs class sched, which knows the time off the CPU: add "
		 "sched to --events"},
		{"-e cpu,sched --durations blocked",
		 "--durations blocked is about system calls, which are not recorded: add syscalls "
		 "to --events"},
		{"-e syscalls,sched --durations blocked", NULL},
		{"--durations exact", NULL},
		{"--drain 0", "--drain: '0' is not a time from 1ms to 10s in whole milliseconds"},
		{"--drain 10001",
		 "--drain: '10001' is not a time from 1ms to 10s in whole milliseconds"},
		{"--drain 1500us",
		 "--drain: '1500us' is not a time from 1ms to 10s in whole milliseconds"},
		{"--drain 10s", NULL},
		{"--preset fast",
		 "--preset: unknown preset 'fast' (known: prod, staging, dev, debug)"},
		{"--source synthetic:evnts=5", "--source: synthetic has no setting 'evnts' (known: "
					       "events, rate, mix, seed, counted)"},
		{"--source synthetic:events", "--source: 'events' is not of the form name=value"},
		{"--source synthetic:mix=disk",
		 "--source: unknown mix 'disk' (known: syscalls, all)"},
		{"--source synthetic:rate=x",
		 "--source: 'x' is not a count: write 5000, 10K or 1M"},
		{"--source x.kymo -p 5", "--source takes no --pid, --comm or --cgroup: only live "
					 "recordings start or choose processes"},
		{"--source x.kymo -- ls",
		 "--source takes no command: only live recordings start or choose processes"},
		{"-c a -c b", "--config is given twice; one file is read"},
		{"--json -o -",
		 "--json and '-o -' would both write to standard output: give the capture a file"},
		{"--frequ 5", "unknown option --frequ; did you mean --freq?"},
		{"--ouptut=x", "unknown option --ouptut; did you mean --output?"},
		{"--frequency 5", "unknown option --frequency; did you mean --freq?"},
		{"--zebra", "unknown option --zebra; --help lists them"},
		{"--max 5", "--max could be --max-size or --max-samples: write it in full"},
		{"--quiet=1", "--quiet takes no value"},
		{"-z", "unknown option -z; --help lists them"},
		{"-qz", "unknown option -z; --help lists them"},
		{"sleep 5",
		 "unexpected 'sleep': a command to record is given after --, as in: -- sleep"},
		{"-q sleep",
		 "unexpected 'sleep': a command to record is given after --, as in: -- sleep"},
		{"-o -- sleep",
		 "unexpected 'sleep': a command to record is given after --, as in: -- sleep"},
		{"--", "no command after --"},
		{"-c /nonexistent/x.yaml",
		 "ConfigError: /nonexistent/x.yaml: No such file or directory\ntry it with: "
		 "kymo-record config check /nonexistent/x.yaml"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rec_options options = {.drain_ms = 4711};
		struct cap_err err = {0};
		char text[REC_ERROR_TEXT_BYTES];
		int rc;

		rc = parse(cases[i].line, &options, &err);
		if (!cases[i].message) {
			if (rc != 0)
				fail_msg("'%s': %s", cases[i].line, err.text);
			rec_options_done(&options);
			continue;
		}
		if (rc != CAP_EUSAGE || strcmp(rec_error_text(&err, text), cases[i].message) != 0)
			fail_msg("'%s': %d:\n  %s\nexpected\n  %s", cases[i].line, rc, err.text,
				 cases[i].message);
		assert_int_equal(options.drain_ms, 4711);
	}
}

/* What a stranger typed must not reach the terminal as it is. */
static void test_messages_are_printable(void **state)
{
	char *words[] = {(char *)"kymo-record", (char *)"--\x1b[2J\x07\xc3\xa9", NULL};
	char *value[] = {(char *)"kymo-record", (char *)"-F", (char *)"\x1b]0;x\n", NULL};
	struct rec_options options;
	struct cap_err err;

	(void)state;
	assert_int_equal(rec_options_parse(2, words, &options, &err), CAP_EUSAGE);
	assert_string_equal(err.text,
			    "unknown option --\\x1b[2J\\x07\\xc3\\xa9; --help lists them");
	assert_int_equal(rec_options_parse(3, value, &options, &err), CAP_EUSAGE);
	assert_string_equal(err.text,
			    "--freq: '\\x1b]0;x\\x0a' is not a whole number from 1 to 1000 (Hz)");
}

static void test_too_many_pids(void **state)
{
	char line[1024] = "-p 1";
	struct rec_options options;
	struct cap_err err;
	size_t at = strlen(line);

	(void)state;
	for (int i = 2; i <= REC_MAX_PIDS; i++)
		at += (size_t)snprintf(line + at, sizeof(line) - at, ",%d", i);
	options = parse_ok(line);
	assert_int_equal(options.pid_count, REC_MAX_PIDS);
	rec_options_done(&options);
	snprintf(line + at, sizeof(line) - at, ",5"); /* again: not one more */
	options = parse_ok(line);
	rec_options_done(&options);
	snprintf(line + at, sizeof(line) - at, ",65");
	assert_int_equal(parse(line, &options, &err), CAP_EUSAGE);
	assert_string_equal(err.text, "--pid: more than 64 processes: use a cgroup, or record all");
}

static void test_command_line_is_quoted(void **state)
{
	char *words[] = {(char *)"kymo-record",	  (char *)"--", (char *)"sh", (char *)"-c",
			 (char *)"echo 'a b' $x", (char *)"",	NULL};
	struct rec_options options;
	struct cap_err err;

	(void)state;
	assert_int_equal(rec_options_parse(6, words, &options, &err), 0);
	assert_string_equal(options.command_line,
			    "kymo-record -- sh -c 'echo '\\''a b'\\'' $x' ''");
	assert_ptr_equal(options.command, words + 2);
	rec_options_done(&options);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int rc;
		u64 ns;
	} cases[] = {
		{"0", 0, 0},
		{"1", 0, REC_NS_PER_S},
		{"1.5", 0, 1500 * REC_NS_PER_MS},
		{"1.1s", 0, 1100 * REC_NS_PER_MS},
		{"250ms", 0, 250 * REC_NS_PER_MS},
		{"7us", 0, 7000},
		{"7ns", 0, 7},
		{"1m30s", 0, 90 * REC_NS_PER_S},
		{"2h", 0, 7200 * REC_NS_PER_S},
		{"1d1ns", 0, 86400 * REC_NS_PER_S + 1},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"1S", -EINVAL, 0},
		{"1min", -EINVAL, 0},
		{"30s1m", -EINVAL, 0},
		{"1m30", -EINVAL, 0},
		{"1m1m", -EINVAL, 0},
		{" 1s", -EINVAL, 0},
		{"+1s", -EINVAL, 0},
		{"1.s", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"1.5ns", -EINVAL, 0},
		{"0.0000000001s", -EINVAL, 0},
		{"1..5s", -EINVAL, 0},
		{"1e3s", -EINVAL, 0},
		{"213504d", -ERANGE, 0},
		{"18446744073709551615ns", 0, UINT64_MAX},
		{"18446744073709551616ns", -ERANGE, 0},
		{"584y", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		u64 ns = 0;
		int rc = rec_parse_duration(cases[i].text, REC_NS_PER_S, &ns);

		if (rc != cases[i].rc || ns != cases[i].ns)
			fail_msg("'%s': %d, %llu ns", cases[i].text, rc, (unsigned long long)ns);
	}
}

static void test_sizes_and_counts(void **state)
{
	static const struct {
		const char *text;
		int rc;
		u64 bytes;
	} cases[] = {
		{"0", 0, 0},
		{"64K", 0, 65536},
		{"64k", 0, 65536},
		{"64KiB", 0, 65536},
		{"64kB", 0, 64000},
		{"64KB", 0, 64000},
		{"1.5M", 0, 3 << 19},
		{"1GiB", 0, 1 << 30},
		{"2T", 0, 2ull << 40},
		{"10B", 0, 10},
		{"1.5", -EINVAL, 0},
		{"1Kb2", -EINVAL, 0},
		{"K", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"1 K", -EINVAL, 0},
		{"16777216T", -ERANGE, 0},
		{"16777215T", 0, 16777215ull << 40},
		{"0x10", -EINVAL, 0},
	};
	u64 value = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		u64 bytes = 0;
		int rc = rec_parse_size(cases[i].text, &bytes);

		if (rc != cases[i].rc || bytes != cases[i].bytes)
			fail_msg("'%s': %d, %llu", cases[i].text, rc, (unsigned long long)bytes);
	}
	assert_int_equal(rec_parse_count("1.25M", &value), 0);
	assert_int_equal(value, 1250000);
	assert_int_equal(rec_parse_count("1MiB", &value), -EINVAL);
}

static void test_formats_parse_back(void **state)
{
	static const u64 values[] = {0,		 1,	    999,      1000,	    1024,
				     1536,	 65536,	    10000000, 300000000000, 90000000000,
				     1ull << 40, UINT64_MAX};
	char text[REC_UNIT_TEXT_BYTES];
	u64 back;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		rec_format_duration(values[i], text);
		assert_int_equal(rec_parse_duration(text, 1, &back), 0);
		assert_int_equal(back, values[i]);
		rec_format_size(values[i], text);
		assert_int_equal(rec_parse_size(text, &back), 0);
		assert_int_equal(back, values[i]);
		rec_format_count(values[i], text);
		assert_int_equal(rec_parse_count(text, &back), 0);
		assert_int_equal(back, values[i]);
	}
	rec_format_duration(300 * REC_NS_PER_S, text);
	assert_string_equal(text, "5m");
	rec_format_size(65536, text);
	assert_string_equal(text, "64K");
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(cap_word_distance("freq", "freq"), 0);
	assert_int_equal(cap_word_distance("ferq", "freq"), 1);
	assert_int_equal(cap_word_distance("", "abc"), 3);
	assert_int_equal(cap_word_distance("frequency", "freq"), 5);
	assert_int_equal(cap_word_distance("0123456789012345678901234567890123456789x", ""), 99);
}

static void test_nearest(void **state)
{
	static const char *const known[] = {"info",	"import",     "flame",	  "syscalls",
					    "show-pid", "by-process", "show-tid", NULL};

	(void)state;
	assert_string_equal(cap_word_nearest("sycalls", known), "syscalls");
	assert_string_equal(cap_word_nearest("syscal", known), "syscalls");
	assert_string_equal(cap_word_nearest("flamegraph", known), "flame");
	assert_string_equal(cap_word_nearest("ifno", known), "info");
	assert_string_equal(cap_word_nearest("by-pid", known), "by-process");
	assert_null(cap_word_nearest("report", known)); /* two letters from import */
	assert_null(cap_word_nearest("show", (const char *const[]){"abc", NULL}));
	assert_null(cap_word_nearest("", known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_flag),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_long_forms),
		cmocka_unit_test(test_presets_and_durations),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_messages_are_printable),
		cmocka_unit_test(test_too_many_pids),
		cmocka_unit_test(test_command_line_is_quoted),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes_and_counts),
		cmocka_unit_test(test_formats_parse_back),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests_name("rec_options", tests, NULL, NULL);
}
