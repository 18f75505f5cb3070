/* Syntax and meaning of option values. Each setter says what is wrong with the value; its caller
 * adds the option. */
#include "recorder/options/option_values.h"
#include "recorder/options/event_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/option_text.h"
#include "recorder/base/units.h"

#define MAX_PID 4194304 /* the kernel's PID_MAX_LIMIT */
#define MAX_DURATION_NS (365ull * 86400 * REC_NS_PER_S)
#define MIN_SIZE_BYTES (64ull << 10) /* headers and one small chunk */
#define MIN_RING_BYTES 4096ull
#define MAX_RING_BYTES (256ull << 20)
#define MAX_DRAIN_NS (10 * REC_NS_PER_S)
#define DEFAULT_CPU_BUDGET_PPM 10000 /* 1 % */
#define DEFAULT_MEM_BUDGET_BYTES (50ull << 20)
#define MIN_BUDGET_PPM 100 /* 0.01 % */
#define ALL_PPM 1000000
#define MAX_FLOOR_PPM 950000

struct preset {
	const char *name;
	u32 sample_hz;
	u64 duration_s;
};

static const struct preset presets[] = {
	{"prod", 19, 300}, {"staging", 49, 120}, {"dev", 99, 60}, {"debug", 199, 30}, {NULL, 0, 0},
};

const char *rec_preset_names(void)
{
	return "prod, staging, dev, debug";
}

static const struct preset *find_preset(const char *name)
{
	for (const struct preset *preset = presets; preset->name; preset++)
		if (!strcmp(preset->name, name))
			return preset;
	return NULL;
}

/* "'text' " + message; code CAP_EUSAGE. */
static int refuse(struct cap_err *err, const char *text, const char *message)
{
	char shown[REC_SHOWN_BYTES];

	return cap_fail(err, CAP_EUSAGE, "'%s' %s", rec_text_show(text, strlen(text), shown),
			message);
}

static int replace_string(char **string, const char *text, struct cap_err *err)
{
	char *copy;

	if (!*text)
		return cap_fail(err, CAP_EUSAGE, "must not be empty");
	copy = strdup(text);
	if (!copy)
		return cap_fail(err, -ENOMEM, "out of memory");
	free(*string);
	*string = copy;
	return 0;
}

/* Cuts the next item of a comma list off *rest into ret_item. 1: there was one, 0: the end,
 * CAP_EUSAGE: too long or empty. */
static int next_item(const char **rest, char *ret_item, size_t item_bytes, struct cap_err *err)
{
	size_t len;

	if (!*rest)
		return 0;
	len = strcspn(*rest, ",");
	if (!len)
		return cap_fail(err, CAP_EUSAGE, "has an empty item");
	if (len >= item_bytes)
		return refuse(err, *rest, "is not a valid item: too long");
	memcpy(ret_item, *rest, len);
	ret_item[len] = '\0';
	*rest = (*rest)[len] ? *rest + len + 1 : NULL;
	return 1;
}

/* Decimal digits only. */
static int parse_u64(const char *text, u64 *ret_value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

static int read_switch(bool *value, const char *text, struct cap_err *err)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(err, text, "is neither true nor false");
	*value = !strcmp(text, "true");
	return 0;
}

static int set_preset(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	(void)first;
	if (!find_preset(text)) {
		char shown[REC_SHOWN_BYTES];

		return cap_fail(err, CAP_EUSAGE, "unknown preset '%s' (known: %s)",
				rec_text_show(text, strlen(text), shown), rec_preset_names());
	}
	memcpy(options->preset, text, strlen(text) + 1); /* one of the names above: it fits */
	return 0;
}

/* EV_CLASS_COUNT if there is none. */
static u32 find_class(const char *name)
{
	u32 id = 0;

	while (id < EV_CLASS_COUNT && strcmp(rec_event_classes[id].name, name) != 0)
		id++;
	return id;
}

static int set_events(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	u32 classes = first ? 0 : options->classes;
	char item[32], shown[REC_SHOWN_BYTES], names[128];
	int rc;

	while ((rc = next_item(&text, item, sizeof(item), err)) > 0) {
		u32 id = find_class(item);

		if (id == EV_CLASS_COUNT)
			return cap_fail(err, CAP_EUSAGE, "unknown event class '%s' (known: %s)",
					rec_text_show(item, strlen(item), shown),
					rec_class_names(names, sizeof(names)));
		if (rec_event_classes[id].when == REC_CLASS_LATER)
			return cap_fail(err, CAP_EUSAGE,
					"event class '%s' is not built in this version (built: %s)",
					item, rec_class_names(names, sizeof(names)));
		/* Naming a class that is always recorded is not a mistake. */
		classes |= 1u << id;
	}
	if (rc < 0)
		return rc;
	options->classes = classes;
	return 0;
}

static int set_freq(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	u64 hz;

	(void)first;
	if (parse_u64(text, &hz) < 0 || hz < REC_MIN_HZ || hz > REC_MAX_HZ)
		return refuse(err, text, "is not a whole number from 1 to 1000 (Hz)");
	options->sample_hz = (u32)hz;
	return 0;
}

static int set_faults(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	u64 period;

	(void)first;
	if (parse_u64(text, &period) < 0 || period > REC_MAX_FAULT_PERIOD)
		return refuse(err, text, "is not a whole number from 0 to 1000000");
	options->fault_period = (u32)period;
	return 0;
}

/* copy, copy,SIZE, fp or none. */
static int set_stacks(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	u64 bytes = REC_COPY_DEFAULT_BYTES;

	(void)first;
	if (!strcmp(text, "fp") || !strcmp(text, "none")) {
		options->stacks = *text == 'f' ? REC_STACKS_FP : REC_STACKS_NONE;
		return 0;
	}
	if (strncmp(text, "copy", 4) != 0 || (text[4] && text[4] != ','))
		return refuse(err, text, "is neither copy, fp nor none");
	if (text[4] && (rec_parse_size(text + 5, &bytes) < 0 || bytes < REC_COPY_MIN_BYTES ||
			bytes > REC_COPY_MAX_BYTES || bytes % 4096))
		return refuse(err, text, "has no size from 4K to 64K in steps of 4K");
	options->stacks = REC_STACKS_COPY;
	options->copy_bytes = (u32)bytes;
	return 0;
}

static int set_durations(struct rec_options *options, const char *text, bool first,
			 struct cap_err *err)
{
	(void)first;
	if (strcmp(text, "exact") != 0 && strcmp(text, "blocked") != 0)
		return refuse(err, text, "is not one of exact, blocked");
	options->blocked_durations = !strcmp(text, "blocked");
	return 0;
}

#define SWITCH_SETTER(name, member)                                                      \
	static int set_##name(struct rec_options *options, const char *text, bool first, \
			      struct cap_err *err)                                       \
	{                                                                                \
		(void)first;                                                             \
		return read_switch(&options->member, text, err);                         \
	}
SWITCH_SETTER(args, syscall_args)
SWITCH_SETTER(no_exec_args, no_exec_args)
SWITCH_SETTER(no_symbols, no_symbols)
SWITCH_SETTER(all, all)
SWITCH_SETTER(force, force)
SWITCH_SETTER(quiet, quiet)
SWITCH_SETTER(verbose, verbose)
SWITCH_SETTER(json, json)

/* --help and --version: options.c acts on them. */
static int set_nothing(struct rec_options *options, const char *text, bool first,
		       struct cap_err *err)
{
	(void)options, (void)text, (void)first, (void)err;
	return 0;
}

#ifdef KYMO_SYNTHETIC
static int set_synthetic_item(struct rec_synthetic *synthetic, char *item, struct cap_err *err)
{
	char *value = strchr(item, '='), shown[REC_SHOWN_BYTES];
	u64 *number = NULL;

	if (!value)
		return refuse(err, item, "is not of the form name=value");
	*value++ = '\0';
	if (!strcmp(item, "mix")) {
		if (strcmp(value, "syscalls") != 0 && strcmp(value, "all") != 0)
			return cap_fail(err, CAP_EUSAGE, "unknown mix '%s' (known: syscalls, all)",
					rec_text_show(value, strlen(value), shown));
		memcpy(synthetic->mix, value, strlen(value) + 1);
		return 0;
	}
	if (!strcmp(item, "events"))
		number = &synthetic->events;
	else if (!strcmp(item, "rate"))
		number = &synthetic->rate_hz;
	else if (!strcmp(item, "seed"))
		number = &synthetic->seed;
	else if (!strcmp(item, "counted"))
		number = &synthetic->counted_percent;
	else
		return cap_fail(err, CAP_EUSAGE,
				"synthetic has no setting '%s' (known: events, rate, mix, seed, "
				"counted)",
				rec_text_show(item, strlen(item), shown));
	if (rec_parse_count(value, number) < 0)
		return refuse(err, value, "is not a count: write 5000, 10K or 1M");
	if (synthetic->counted_percent > 100)
		return refuse(err, value, "is not a percentage: write 0 to 100");
	return 0;
}

static int set_source(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	static const char synthetic[] = "synthetic";
	size_t len = strlen(synthetic);
	char item[64];
	int rc;

	(void)first;
	if (strncmp(text, synthetic, len) != 0 || (text[len] && text[len] != ':')) {
		options->source_kind = REC_SOURCE_CAPTURE;
		return replace_string(&options->source_path, text, err);
	}
	options->source_kind = REC_SOURCE_SYNTHETIC;
	options->synthetic = (struct rec_synthetic){.mix = "all", .seed = 1};
	text = text[len] ? text + len + 1 : NULL;
	while ((rc = next_item(&text, item, sizeof(item), err)) > 0) {
		rc = set_synthetic_item(&options->synthetic, item, err);
		if (rc < 0)
			break;
	}
	return rc;
}
#endif

static int add_pid(struct rec_options *options, const char *text, struct cap_err *err)
{
	u64 pid;

	if (parse_u64(text, &pid) < 0 || !pid || pid > MAX_PID)
		return refuse(err, text,
			      *text >= '0' && *text <= '9'
				      ? "is not a process id"
				      : "is not a process id; to select by name use comm");
	for (size_t i = 0; i < options->pid_count; i++)
		if (options->pids[i] == (pid_t)pid)
			return 0;
	if (options->pid_count == REC_MAX_PIDS)
		return cap_fail(err, CAP_EUSAGE,
				"more than %d processes: use a cgroup, or record all",
				REC_MAX_PIDS);
	options->pids[options->pid_count++] = (pid_t)pid;
	return 0;
}

static int set_pid(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	char item[16];
	int rc;

	if (first)
		options->pid_count = 0;
	while ((rc = next_item(&text, item, sizeof(item), err)) > 0) {
		rc = add_pid(options, item, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int set_comm(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	(void)first;
	if (!*text)
		return cap_fail(err, CAP_EUSAGE, "must not be empty");
	if (strlen(text) >= EV_COMM_BYTES)
		return refuse(err, text,
			      "is longer than 15 bytes, which is all the kernel keeps of a name");
	memset(options->comm, 0, sizeof(options->comm));
	memcpy(options->comm, text, strlen(text));
	return 0;
}

static int set_cgroup(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	(void)first;
	return replace_string(&options->cgroup_path, text, err);
}

static int set_duration(struct rec_options *options, const char *text, bool first,
			struct cap_err *err)
{
	u64 ns;
	int rc = rec_parse_duration(text, REC_NS_PER_S, &ns);

	(void)first;
	if (rc == -EINVAL)
		return refuse(err, text, "is not a duration: write 30s, 5m, 1m30s or 250ms");
	if (rc < 0 || ns > MAX_DURATION_NS)
		return refuse(err, text, "is longer than 365d; 0 means no limit");
	if (ns && ns < REC_NS_PER_MS)
		return refuse(err, text, "is shorter than 1ms");
	options->duration_ns = ns;
	return 0;
}

static int set_max_size(struct rec_options *options, const char *text, bool first,
			struct cap_err *err)
{
	u64 bytes;
	int rc = rec_parse_size(text, &bytes);

	(void)first;
	if (rc == -EINVAL)
		return refuse(err, text, "is not a size: write 64K, 10M or 1GiB");
	if (rc < 0)
		return refuse(err, text, "is too large");
	if (bytes && bytes < MIN_SIZE_BYTES)
		return refuse(err, text, "is less than 64K; 0 means no limit");
	options->max_size_bytes = bytes;
	return 0;
}

static int set_max_samples(struct rec_options *options, const char *text, bool first,
			   struct cap_err *err)
{
	u64 count;
	int rc = rec_parse_count(text, &count);

	(void)first;
	if (rc == -EINVAL)
		return refuse(err, text, "is not a count: write 5000, 10K or 1M");
	if (rc < 0)
		return refuse(err, text, "is too large");
	options->max_samples = count;
	return 0;
}

static int set_output(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	(void)first;
	return replace_string(&options->output_path, text, err);
}

static int set_buffer(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	u64 bytes;

	(void)first;
	if (rec_parse_size(text, &bytes) == -EINVAL)
		return refuse(err, text, "is not a size: write 256K or 8M");
	if (rec_parse_size(text, &bytes) < 0 || bytes < MIN_RING_BYTES || bytes > MAX_RING_BYTES)
		return refuse(err, text, "is not between 4K and 256M");
	if (bytes & (bytes - 1)) {
		char below[REC_UNIT_TEXT_BYTES], above[REC_UNIT_TEXT_BYTES], message[128];
		u64 power = 1ull << (63 - __builtin_clzll(bytes));

		rec_format_size(power, below);
		rec_format_size(power << 1, above);
		snprintf(message, sizeof(message), "is not a power of two: write %s or %s", below,
			 above);
		return refuse(err, text, message);
	}
	options->ring_bytes = bytes;
	return 0;
}

static const char *const sync_names[] = {
	[REC_SYNC_INTERVAL] = "interval",
	[REC_SYNC_NONE] = "none",
	[REC_SYNC_CHUNK] = "chunk",
};

const char *rec_sync_name(enum rec_sync sync)
{
	return sync_names[sync];
}

static int set_sync(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	(void)first;
	for (size_t i = 0; i < sizeof(sync_names) / sizeof(*sync_names); i++) {
		if (strcmp(text, sync_names[i]) != 0)
			continue;
		options->sync = (enum rec_sync)i;
		return 0;
	}
	return refuse(err, text, "is not one of interval, chunk, none");
}

static int set_drain(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	u64 ns;

	(void)first;
	if (rec_parse_duration(text, REC_NS_PER_MS, &ns) < 0 || ns < REC_NS_PER_MS ||
	    ns > MAX_DRAIN_NS || ns % REC_NS_PER_MS)
		return refuse(err, text, "is not a time from 1ms to 10s in whole milliseconds");
	options->drain_ms = (u32)(ns / REC_NS_PER_MS);
	return 0;
}

static int set_btf(struct rec_options *options, const char *text, bool first, struct cap_err *err)
{
	(void)first;
	return replace_string(&options->btf_path, text, err);
}

static int set_cpu_budget(struct rec_options *options, const char *text, bool first,
			  struct cap_err *err)
{
	u64 ppm = 0;

	(void)first;
	if (strcmp(text, "none") != 0 &&
	    (rec_parse_percent(text, &ppm) < 0 || ppm < MIN_BUDGET_PPM || ppm > ALL_PPM))
		return refuse(err, text,
			      "is not a share from 0.01% to 100%: write 1%, 0.5%, or none");
	options->cpu_budget_ppm = (u32)ppm;
	return 0;
}

static int set_mem_budget(struct rec_options *options, const char *text, bool first,
			  struct cap_err *err)
{
	u64 bytes = 0;

	(void)first;
	if (strcmp(text, "none") != 0 && (rec_parse_size(text, &bytes) < 0 || bytes == 0))
		return refuse(err, text, "is not a size: write 50M, 200M, or none");
	if (bytes && bytes < REC_MIN_MEM_BUDGET_BYTES)
		return refuse(err, text, "is less than 24M, the least a recording needs");
	options->mem_budget_bytes = bytes;
	return 0;
}

static int set_disk_floor(struct rec_options *options, const char *text, bool first,
			  struct cap_err *err)
{
	struct rec_floor floor = {.given = true};
	u64 ppm = 0;

	(void)first;
	if (strcmp(text, "none") != 0 && rec_parse_percent(text, &ppm) < 0 &&
	    rec_parse_size(text, &floor.bytes) < 0)
		return refuse(err, text, "is neither a size nor a share: write 2G, 10%, or none");
	if (ppm > MAX_FLOOR_PPM)
		return refuse(err, text, "leaves no room to record: write 95% or less");
	floor.ppm = (u32)ppm;
	options->disk_floor = floor;
	return 0;
}

static int set_config(struct rec_options *options, const char *text, bool first,
		      struct cap_err *err)
{
	(void)first;
	return replace_string(&options->config_path, text, err);
}

int rec_option_set(enum rec_option_id id, struct rec_options *options, const char *text, bool first,
		   struct cap_err *err)
{
	static int (*const setters[REC_OPTION_COUNT])(struct rec_options *, const char *, bool,
						      struct cap_err *) = {
#define GROUP(title)
#define OPTION(upper, short_name, long_name, key, arg, shape, value, values, help) set_##value,
#define FLAG(upper, short_name, long_name, arg, shape, value, values, help) set_##value,
#include "recorder/options/option_table.def"
#undef GROUP
#undef OPTION
#undef FLAG
	};

	return setters[id](options, text, first, err);
}

void rec_options_init(struct rec_options *ret_options)
{
	*ret_options = (struct rec_options){
		.classes = rec_classes_when(REC_CLASS_DEFAULT),
		.preset = "dev",
		.cpu_budget_ppm = DEFAULT_CPU_BUDGET_PPM,
		.mem_budget_bytes = DEFAULT_MEM_BUDGET_BYTES,
		.stacks = REC_STACKS_COPY,
		.copy_bytes = REC_COPY_DEFAULT_BYTES,
		.fault_period = REC_FAULT_PERIOD,
	};
}

void rec_options_done(struct rec_options *options)
{
	free(options->cgroup_path);
	free(options->output_path);
	free(options->source_path);
	free(options->config_path);
	free(options->btf_path);
	free(options->config_text);
	free(options->command_line);
	memset(options, 0, sizeof(*options));
}

/* The preset's time limit, unless something else says when to end: a command, a capture, a number
 * of synthetic events. */
static u64 default_duration_ns(const struct rec_options *options, const struct preset *preset,
			       bool preset_is_given)
{
	bool ends_by_itself =
		options->command || options->source_kind == REC_SOURCE_CAPTURE ||
		(options->source_kind == REC_SOURCE_SYNTHETIC && options->synthetic.events);

	return ends_by_itself && !preset_is_given ? 0 : preset->duration_s * REC_NS_PER_S;
}

static int check_together(const struct rec_options *options, struct cap_err *err)
{
	bool filtered = options->pid_count || options->comm[0] || options->cgroup_path;

	if (options->source_kind != REC_SOURCE_LIVE && (filtered || options->command))
		return cap_fail(
			err, CAP_EUSAGE,
			"--source takes no %s: only live recordings start or choose processes",
			options->command ? "command" : "--pid, --comm or --cgroup");
	if (options->blocked_durations && !(options->classes & 1u << CLASS_SYSCALLS))
		return cap_fail(err, CAP_EUSAGE,
				"--durations blocked is about system calls, which are not "
				"recorded: add syscalls to --events");
	if (options->blocked_durations && !(options->classes & 1u << CLASS_SCHED))
		return cap_fail(err, CAP_EUSAGE,
				"--durations blocked needs class sched, which knows the time off "
				"the CPU: add sched to --events");
	if (options->all && options->pid_count)
		return cap_fail(err, CAP_EUSAGE, "--all and --pid cannot be combined");
	if (options->json && options->output_path && !strcmp(options->output_path, "-"))
		return cap_fail(err, CAP_EUSAGE,
				"--json and '-o -' would both write to standard output: "
				"give the capture a file");
	return 0;
}

int rec_options_complete(struct rec_options *options, u64 set_mask, struct cap_err *err)
{
	const struct preset *preset = find_preset(options->preset);

	if (!(set_mask & REC_OPTION_BIT(FREQ)))
		options->sample_hz = preset->sample_hz;
	if (!(set_mask & REC_OPTION_BIT(DURATION)))
		options->duration_ns =
			default_duration_ns(options, preset, set_mask & REC_OPTION_BIT(PRESET));
	/* Who starts a command to record it alone has chosen what it costs; it is said at the end.
	 */
	if (options->command && !options->all && !(set_mask & REC_OPTION_BIT(CPU_BUDGET)))
		options->cpu_budget_ppm = 0;
	return check_together(options, err);
}
