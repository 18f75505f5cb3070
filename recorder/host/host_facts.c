/* Facts about the machine for the reader of a capture. Each comes from one small file or call; none
 * is required. */
#include "recorder/host/host_facts.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "formats/table/schema.h"
#include "recorder/host/kernel_files.h"
#include "recorder/host/maps_parse.h"
#include "recorder/base/units.h"

#define VALUE_BYTES 256
#define CPUINFO_BYTES 8192 /* the first CPU's part */

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__powerpc64__)
#define HOST_MACHINE EM_PPC64
#elif defined(__s390x__)
#define HOST_MACHINE EM_S390
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#else
#define HOST_MACHINE EM_NONE
#endif

/* Of libbpf. Weak: a build without the live source does not link it. */
extern const char *libbpf_version_string(void) __attribute__((weak));

static u64 read_clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (u64)ts.tv_sec * REC_NS_PER_S + (u64)ts.tv_nsec;
}

/* Version 4, variant 1 of RFC 9562. */
static int make_uuid(u8 ret_uuid[16])
{
	if (getrandom(ret_uuid, 16, 0) != 16)
		return -EIO;
	ret_uuid[6] = (u8)((ret_uuid[6] & 0x0f) | 0x40);
	ret_uuid[8] = (u8)((ret_uuid[8] & 0x3f) | 0x80);
	return 0;
}

/* "01234567-89ab-..." to 16 bytes; all zero where the kernel gives none. */
static void read_boot_id(u8 ret_id[16])
{
	char text[64];
	size_t digits = 0;

	memset(ret_id, 0, 16);
	if (rec_read_line("/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		return;
	for (const char *p = text; *p && digits < 32; p++) {
		int digit = *p >= '0' && *p <= '9'   ? *p - '0'
			    : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
						     : -1;

		if (digit < 0)
			continue;
		ret_id[digits / 2] = (u8)(ret_id[digits / 2] << 4 | digit);
		digits++;
	}
}

u32 rec_possible_cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	return count > 0 ? (u32)count : 1;
}

int rec_host_info(struct rec_host_facts *ret_facts, struct cap_err *err)
{
	struct cap_file_info info = {.machine = HOST_MACHINE, .word_bytes = sizeof(void *)};

	if (make_uuid(info.session_uuid) < 0 || make_uuid(info.file_uuid) < 0)
		return cap_fail(err, -EIO, "no random bytes from the kernel");
	read_boot_id(info.boot_id);
	info.cpu_count = rec_possible_cpus();
	info.page_shift = (u8)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	info.realtime_ns = read_clock_ns(CLOCK_REALTIME);
	info.monotonic_ns = read_clock_ns(CLOCK_MONOTONIC);
	info.boottime_ns = read_clock_ns(CLOCK_BOOTTIME);
	memset(ret_facts, 0, sizeof(*ret_facts));
	if (uname(&ret_facts->uts) == 0) {
		info.hostname = ret_facts->uts.nodename;
		info.kernel_release = ret_facts->uts.release;
	}
	snprintf(ret_facts->tool_version, sizeof(ret_facts->tool_version), "kymo-record %s",
		 KYMO_VERSION);
	info.tool_version = ret_facts->tool_version;
	ret_facts->info = info;
	return 0;
}

int rec_meta_add(struct cap_chunk *meta_chunk, const char *key, const char *value, u32 sensitivity)
{
	struct ev_meta row = {.sensitivity = sensitivity};

	row.key = cap_chunk_string(meta_chunk, key, strlen(key));
	row.value = cap_chunk_string(meta_chunk, value, strlen(value));
	return cap_chunk_add(meta_chunk, EV_META, &row);
}

struct teller { /* who hears the facts */
	rec_fact_fn tell;
	void *context;
};

static int tell_public(const struct teller *teller, const char *key, const char *value)
{
	return teller->tell(teller->context, key, value, CAP_SENSE_PUBLIC);
}

/* Facts that are one line of a file. */
static int tell_files(const struct teller *teller)
{
	static const struct {
		const char *key, *path;
	} files[] = {
		{"host.clocksource",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
		{"host.hypervisor", "/sys/hypervisor/type"},
		{"host.machine", "/sys/class/dmi/id/product_name"},
		{"host.numa_nodes", "/sys/devices/system/node/online"},
		{"cpu.online", "/sys/devices/system/cpu/online"},
		{"cpu.smt", "/sys/devices/system/cpu/smt/active"},
		{"cpu.governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"},
		{"sysctl.perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid"},
		{"sysctl.perf_event_max_sample_rate",
		 "/proc/sys/kernel/perf_event_max_sample_rate"},
		{"sysctl.perf_event_max_stack", "/proc/sys/kernel/perf_event_max_stack"},
		{"sysctl.kptr_restrict", "/proc/sys/kernel/kptr_restrict"},
		{"sysctl.unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled"},
		{"sysctl.bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable"},
		{"kernel.lockdown", "/sys/kernel/security/lockdown"},
		{"kernel.lsm", "/sys/kernel/security/lsm"},
		{"kernel.tainted", "/proc/sys/kernel/tainted"},
	};
	char value[VALUE_BYTES];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int rc;

		if (rec_read_line(files[i].path, value, sizeof(value)) <= 0)
			continue;
		rc = tell_public(teller, files[i].key, value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The value of a line "name<tab>: value" of /proc/cpuinfo; NULL if there is none. Cuts text. */
static char *cpuinfo_value(char *text, const char *name)
{
	size_t len = strlen(name);

	for (char *line = text; line; line = strchr(line, '\n')) {
		char *value;

		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || !strchr("\t :", line[len]))
			continue;
		value = line + len + strspn(line + len, "\t :");
		value[strcspn(value, "\n")] = '\0';
		return value;
	}
	return NULL;
}

static int tell_cpu(const struct teller *teller)
{
	static const char *const model_names[] = {"model name", "Model", "cpu", "uarch"};
	char text[CPUINFO_BYTES];
	char number[32];
	int rc;

	snprintf(number, sizeof(number), "%ld", sysconf(_SC_NPROCESSORS_CONF));
	rc = tell_public(teller, "cpu.count", number);
	for (size_t i = 0; i < sizeof(model_names) / sizeof(*model_names) && rc == 0; i++) {
		const char *model;

		if (rec_read_text_at(AT_FDCWD, "/proc/cpuinfo", text, sizeof(text)) < 0)
			return rc;
		model = cpuinfo_value(text, model_names[i]);
		if (model && *model)
			return tell_public(teller, "cpu.model", model);
	}
	return rc;
}

/* x86 CPUs say so in a flag that every hypervisor sets. */
static int tell_virtualisation(const struct teller *teller)
{
	char text[CPUINFO_BYTES];
	const char *flags;
	bool is_guest;

	if (rec_read_text_at(AT_FDCWD, "/proc/cpuinfo", text, sizeof(text)) < 0)
		return 0;
	flags = cpuinfo_value(text, "flags");
	if (!flags)
		return 0;
	is_guest = strstr(flags, " hypervisor ") || !strncmp(flags, "hypervisor ", 11);
	return tell_public(teller, "host.virtual", is_guest ? "yes" : "no");
}

static int tell_memory(const struct teller *teller)
{
	struct sysinfo info;
	char number[32];

	if (sysinfo(&info) < 0)
		return 0;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)info.totalram * info.mem_unit);
	return tell_public(teller, "host.memory_bytes", number);
}

/* Name ("UTC", "CEST") and offset of the time zone, to relate times to local time. */
static int tell_time_zone(const struct teller *teller)
{
	time_t now = time(NULL);
	char text[64];
	struct tm local;
	long minutes;

	if (!localtime_r(&now, &local))
		return 0;
	minutes = labs(local.tm_gmtoff) / 60;
	(void)snprintf(text, sizeof(text), "%s %c%02ld%02ld", local.tm_zone,
		       local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
	return tell_public(teller, "host.time_zone", text);
}

static int tell_kernel(const struct teller *teller)
{
	struct utsname uts;
	int rc;

	if (uname(&uts) < 0)
		return 0;
	rc = tell_public(teller, "host.kernel", uts.release);
	if (rc == 0)
		rc = tell_public(teller, "host.kernel_build", uts.version);
	if (rc == 0)
		rc = tell_public(teller, "host.arch", uts.machine);
	if (rc == 0)
		rc = teller->tell(teller->context, "host.name", uts.nodename, CAP_SENSE_NAME);
	if (rc == 0)
		rc = tell_public(teller, "kernel.btf",
				 access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? "yes" : "no");
	return rc;
}

/* Limits of the recorder itself: its cgroup (version 2) and the memory it may lock. */
static int tell_own_limits(const struct teller *teller)
{
	static const char *const files[] = {"memory.max", "cpu.max"};
	char cgroups[4096], path[4096 + 64], value[VALUE_BYTES];
	struct rlimit limit;
	const char *cgroup;
	size_t len;
	int rc = 0;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
		snprintf(value, sizeof(value), "%llu", (unsigned long long)limit.rlim_cur);
		rc = tell_public(teller, "recorder.memlock_bytes", value);
	}
	if (rec_read_text_at(AT_FDCWD, "/proc/self/cgroup", cgroups, sizeof(cgroups)) <= 0)
		return rc;
	cgroup = rec_cgroup_path(cgroups, &len);
	for (size_t i = 0; cgroup && i < sizeof(files) / sizeof(*files) && rc == 0; i++) {
		char key[64];

		snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/%s", (int)len, cgroup, files[i]);
		if (rec_read_line(path, value, sizeof(value)) <= 0)
			continue;
		snprintf(key, sizeof(key), "recorder.cgroup.%s", files[i]);
		rc = tell_public(teller, key, value);
	}
	return rc;
}

int rec_host_facts_each(rec_fact_fn tell, void *context)
{
	static int (*const parts[])(const struct teller *teller) = {
		tell_kernel,	tell_cpu,   tell_virtualisation, tell_memory,
		tell_time_zone, tell_files, tell_own_limits,
	};
	const struct teller teller = {tell, context};
	int rc = tell_public(&teller, "tool.version", "kymo-record " KYMO_VERSION);

	if (rc == 0 && libbpf_version_string)
		rc = tell_public(&teller, "tool.libbpf", libbpf_version_string());
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && rc == 0; i++)
		rc = parts[i](&teller);
	return rc;
}

static int add_fact(void *context, const char *key, const char *value, u32 sensitivity)
{
	return rec_meta_add(context, key, value, sensitivity);
}

int rec_host_meta(const struct rec_options *options, struct cap_chunk *meta_chunk)
{
	int rc = rec_host_facts_each(add_fact, meta_chunk);

	/* Arguments may contain anything, at least names of files and processes. */
	if (rc == 0 && options && options->command_line)
		rc = rec_meta_add(meta_chunk, "tool.command_line", options->command_line,
				  CAP_SENSE_PATH);
	if (rc == 0 && options && options->config_text)
		rc = rec_meta_add(meta_chunk, "tool.config", options->config_text, CAP_SENSE_PATH);
	return rc == 0 ? cap_chunk_failed(meta_chunk) : rc;
}
