/* What files and system calls tell about the host. Values of sysctls are reported with what they
 * mean for kymo-record; doctor_live.c finds out whether things work. */
#include "recorder/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "recorder/host/kernel_files.h"
#include "recorder/guard/privileges.h"
#include "formats/base/size_text.h"
#include "recorder/base/units.h"

#define LINE_BYTES 128
#define CLOCK_READS 20000
#define SLOW_CLOCK_NS 150 /* a TSC takes 20 to 60 in a guest; HPET and ACPI a microsecond */
#define DISK_FLOOR_BYTES (512ull << 20)

/* The file's number; -1 where there is none. */
static long read_number(const char *path)
{
	char line[LINE_BYTES];

	return rec_read_line(path, line, sizeof(line)) > 0 ? strtol(line, NULL, 10) : -1;
}

void doctor_kernel(struct doctor_check *check)
{
	struct utsname uts;

	if (uname(&uts) < 0) {
		doctor_found(check, DOCTOR_WARNING, "uname: %s", strerror(errno));
		return;
	}
	doctor_found(check, DOCTOR_OK, "%s %s", uts.release, uts.machine);
}

void doctor_btf(struct doctor_check *check)
{
	struct stat info;

	if (stat("/sys/kernel/btf/vmlinux", &info) == 0 &&
	    access("/sys/kernel/btf/vmlinux", R_OK) == 0) {
		char size[32];

		doctor_found(check, DOCTOR_OK, "present (%s)",
			     cap_size_text((double)info.st_size, size));
		return;
	}
	if (check->btf_path) {
		doctor_found(
			check, DOCTOR_WARNING,
			"/sys/kernel/btf/vmlinux: %s; --btf replaces it, but -p, and processes and "
			"calls that began before the recording, need the kernel's own",
			strerror(errno));
		return;
	}
	doctor_found(check, DOCTOR_ERROR, "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	doctor_remedy(check, "use a kernel built with CONFIG_DEBUG_INFO_BTF and check that /sys is "
			     "mounted, or give --btf FILE for this kernel");
}

void doctor_capabilities(struct doctor_check *check)
{
	static const struct {
		int number;
		const char *name;
	} known[] = {{CAP_BPF, "BPF"},
		     {CAP_PERFMON, "PERFMON"},
		     {CAP_SYS_PTRACE, "SYS_PTRACE"},
		     {CAP_SYSLOG, "SYSLOG"},
		     {CAP_SYS_ADMIN, "SYS_ADMIN"}};
	const bool admin = rec_capability_held(CAP_SYS_ADMIN);
	char path[PATH_MAX / 32] = "kymo-record", held[64] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0)
		path[len] = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (rec_capability_held(known[i].number))
			(void)snprintf(held + strlen(held), sizeof(held) - strlen(held), "%s%s",
				       held[0] ? " " : "", known[i].name);
	if (!admin && (!rec_capability_held(CAP_BPF) || !rec_capability_held(CAP_PERFMON))) {
		doctor_found(check, DOCTOR_ERROR, "CAP_BPF and CAP_PERFMON are needed; held: %s",
			     held[0] ? held : "none");
		doctor_remedy(check, "sudo, or once: sudo setcap cap_bpf,cap_perfmon+ep %s", path);
	} else if (!rec_capability_held(CAP_SYS_PTRACE)) {
		doctor_found(check, DOCTOR_WARNING,
			     "held: %s; without SYS_PTRACE, functions of other users' running "
			     "processes may have no names",
			     held);
		doctor_remedy(check,
			      "sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep %s",
			      path);
	} else {
		doctor_found(check, DOCTOR_OK, "held until everything is attached: %s", held);
	}
}

void doctor_lockdown(struct doctor_check *check)
{
	char line[LINE_BYTES];
	const char *mode;

	if (rec_read_line("/sys/kernel/security/lockdown", line, sizeof(line)) <= 0) {
		doctor_found(check, DOCTOR_OK, "unknown (no securityfs, or no lockdown)");
		return;
	}
	mode = strchr(line, '[');
	if (mode && strncmp(mode, "[confidentiality]", 17) == 0) {
		doctor_found(check, DOCTOR_WARNING,
			     "confidentiality: programs may not read kernel memory");
		doctor_remedy(check, "if class checks below fail, boot with lockdown=integrity");
	} else {
		doctor_found(check, DOCTOR_OK, "%s", line);
	}
}

void doctor_lsm(struct doctor_check *check)
{
	char modules[LINE_BYTES] = "none reported";
	long enforce = read_number("/sys/fs/selinux/enforce");

	(void)rec_read_line("/sys/kernel/security/lsm", modules, sizeof(modules));
	if (enforce == 1) {
		doctor_found(check, DOCTOR_NOTE, "%s; SELinux enforces its policy", modules);
		doctor_remedy(check, "if a class below is refused: ausearch -m avc -c kymo-record");
	} else {
		doctor_found(check, DOCTOR_OK, "%s%s", modules,
			     enforce == 0 ? "; SELinux is permissive" : "");
	}
}

void doctor_paranoid(struct doctor_check *check)
{
	long level = read_number("/proc/sys/kernel/perf_event_paranoid");

	if (level > 2 && !rec_capability_held(CAP_SYS_ADMIN)) {
		doctor_found(check, DOCTOR_WARNING,
			     "%ld: some kernels then refuse CPU samples with CAP_PERFMON alone",
			     level);
		doctor_remedy(check, "sudo sysctl kernel.perf_event_paranoid=2");
	} else {
		doctor_found(check, DOCTOR_OK, "%ld", level);
	}
}

void doctor_kptr(struct doctor_check *check)
{
	long level = read_number("/proc/sys/kernel/kptr_restrict");

	if (level >= 2 || (level == 1 && !rec_capability_held(CAP_SYSLOG))) {
		doctor_found(check, DOCTOR_WARNING,
			     "%ld: kernel functions in CPU samples have no names", level);
		doctor_remedy(check, level >= 2 ? "sudo sysctl kernel.kptr_restrict=1"
						: "add cap_syslog, or run as root");
	} else {
		doctor_found(check, DOCTOR_OK, "%ld", level);
	}
}

void doctor_bpf_disabled(struct doctor_check *check)
{
	/* No bpf() call is needed after the drop; the value is reported because advice elsewhere
	 * mentions it.
	 */
	doctor_found(check, DOCTOR_OK, "%ld: no effect on kymo-record",
		     read_number("/proc/sys/kernel/unprivileged_bpf_disabled"));
}

void doctor_jit(struct doctor_check *check)
{
	long on = read_number("/proc/sys/net/core/bpf_jit_enable");

	if (on == 0) {
		doctor_found(check, DOCTOR_WARNING, "off: every event costs several times as much");
		doctor_remedy(check, "sudo sysctl net.core.bpf_jit_enable=1");
	} else {
		doctor_found(check, DOCTOR_OK, on < 0 ? "not told" : "on");
	}
}

void doctor_memlock(struct doctor_check *check)
{
	struct rlimit limit;
	char text[32];

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		doctor_found(check, DOCTOR_NOTE, "getrlimit: %s", strerror(errno));
	else if (limit.rlim_cur == RLIM_INFINITY)
		doctor_found(check, DOCTOR_OK, "unlimited");
	else
		doctor_found(check, DOCTOR_OK,
			     "%s: matters only before kernel 5.11; rings are tested below",
			     cap_size_text((double)limit.rlim_cur, text));
}

void doctor_tracefs(struct doctor_check *check)
{
	bool readable = access("/sys/kernel/tracing/events", R_OK) == 0;

	doctor_found(check, DOCTOR_OK, "%s: not needed",
		     readable ? "mounted" : "not mounted, or not readable");
}

void doctor_clock(struct doctor_check *check)
{
	char source[LINE_BYTES] = "unknown clock source";
	struct timespec from, to, now;
	double ns;

	(void)rec_read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			    source, sizeof(source));
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < CLOCK_READS; i++)
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	ns = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	     CLOCK_READS;
	if (ns > SLOW_CLOCK_NS) {
		doctor_found(check, DOCTOR_WARNING,
			     "%s, %.0f ns to read: each event reads it, system calls twice", source,
			     ns);
		doctor_remedy(check,
			      "use a faster one, if the host has one: "
			      "/sys/devices/system/clocksource/clocksource0/available_clocksource");
	} else {
		doctor_found(check, DOCTOR_OK, "%s, %.0f ns to read", source, ns);
	}
}

/* The first process of the initial namespace is the only one whose namespace has this number. */
void doctor_pid_namespace(struct doctor_check *check)
{
	static const char initial[] = "pid:[4026531836]";
	char link[64];
	ssize_t len = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	link[len > 0 ? len : 0] = 0;
	if (len > 0 && strcmp(link, initial) != 0) {
		doctor_found(check, DOCTOR_WARNING,
			     "not the initial one: processes outside of it have no mappings, so "
			     "no names");
		doctor_remedy(check, "run it on the host, or in a container with --pid=host");
	} else {
		doctor_found(check, DOCTOR_OK, "the initial one");
	}
}

/* Lines of a time namespace's offsets are like "monotonic 1 0": seconds, ns. */
static bool clocks_are_shifted(void)
{
	char text[256];
	const char *at = text;

	if (rec_read_text_at(AT_FDCWD, "/proc/self/timens_offsets", text, sizeof(text)) <= 0)
		return false; /* before 5.6 there are none */
	while (*at) {
		long long seconds, ns;

		if (sscanf(at, "%*s %lld %lld", &seconds, &ns) == 2 && (seconds || ns))
			return true;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return false;
}

void doctor_time_namespace(struct doctor_check *check)
{
	if (clocks_are_shifted()) {
		doctor_found(check, DOCTOR_ERROR,
			     "its clocks are not those of kernel events: nothing can be "
			     "recorded");
		doctor_remedy(check, "record from that of the host: nsenter --time=/proc/1/ns/time "
				     "kymo-record ...");
	} else {
		doctor_found(check, DOCTOR_OK, "its clocks are those of the kernel");
	}
}

void doctor_disk(struct doctor_check *check)
{
	struct statvfs space;
	char free_text[32];
	u64 available;

	if (statvfs(".", &space) < 0) {
		doctor_found(check, DOCTOR_WARNING, "this directory: %s", strerror(errno));
		return;
	}
	available = (u64)space.f_bavail * space.f_frsize;
	(void)cap_size_text((double)available, free_text);
	if (access(".", W_OK) < 0) {
		doctor_found(check, DOCTOR_WARNING, "cannot write to this directory: %s",
			     strerror(errno));
		doctor_remedy(check, "write elsewhere with -o FILE, or into a pipe with -o -");
	} else if (available < 2 * DISK_FLOOR_BYTES) {
		doctor_found(check, DOCTOR_WARNING,
			     "%s free in this directory: a recording stops before the disk is full",
			     free_text);
		doctor_remedy(check,
			      "write to a larger disk with -o FILE, or into a pipe with -o -");
	} else {
		doctor_found(check, DOCTOR_OK, "%s free in this directory", free_text);
	}
}
