/* Program types, each with a program of two instructions that is loaded and attached to something
 * that exists in every kernel. */
#include "recorder/doctor/doctor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/table/events.h"
#include "recorder/live/live_errors.h"

static const struct bpf_insn return_zero[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

struct trial {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *btf_name; /* what BTF calls the target; NULL: none needed */
};

/* A program's descriptor or -errno. */
static int load_trial(const struct trial *trial)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = trial->attach);
	struct live_log log;
	int fd, id = 0;

	live_log_capture(&log);
	if (trial->btf_name) {
		id = libbpf_find_vmlinux_btf_id(trial->btf_name, trial->attach);
		options.attach_btf_id = id > 0 ? (u32)id : 0;
	}
	fd = id < 0 ? id
		    : bpf_prog_load(trial->type, "kymo_trial", "GPL", return_zero,
				    sizeof(return_zero) / sizeof(return_zero[0]), &options);
	live_log_capture(NULL);
	return fd;
}

/* Whether the recorder uses a program type, or it would only help. */
static void tell(struct doctor_check *check, int rc, const char *step,
		 enum doctor_severity if_missing, const char *use)
{
	if (rc >= 0)
		doctor_found(check, DOCTOR_OK, "loads and attaches");
	else
		doctor_found(check, if_missing, "%s: %s (%s)", step, strerror(-rc), use);
}

/* Attached by opening a descriptor; closing it detaches. */
static void try_raw(struct doctor_check *check, const struct trial *trial, const char *name,
		    enum doctor_severity if_missing, const char *use)
{
	CLEANUP(cap_closep) int program = load_trial(trial);
	CLEANUP(cap_closep) int link = -1;

	if (program < 0) {
		tell(check, program, "load", if_missing, use);
		return;
	}
	link = bpf_raw_tracepoint_open(name, program);
	tell(check, link, "attach", if_missing, use);
}

void doctor_prog_tp_btf(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
					   "sched_process_exit"};

	try_raw(check, &trial, NULL, DOCTOR_NOTE, "raw tracepoints are used instead");
}

void doctor_prog_raw_tp(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL};

	try_raw(check, &trial, "sched_process_exit", DOCTOR_NOTE, "needed only without tp_btf");
}

void doctor_prog_fentry(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "vfs_read"};

	try_raw(check, &trial, NULL, DOCTOR_NOTE, "not used by this version");
}

void doctor_prog_iterator(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "task"};
	CLEANUP(cap_closep) int program = load_trial(&trial);
	CLEANUP(cap_closep) int link = -1;

	if (program >= 0)
		link = bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
	tell(check, program < 0 ? program : link, program < 0 ? "load" : "attach", DOCTOR_WARNING,
	     "needed for -p, and for processes and calls that began before the recording");
}

/* A perf event with a program on it. */
static int attach_perf(struct perf_event_attr *attributes, int program)
{
	CLEANUP(cap_closep)
	int fd = (int)syscall(SYS_perf_event_open, attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	return ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) < 0 ? -errno : 0;
}

void doctor_prog_perf_event(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_PERF_EVENT, 0, NULL};
	CLEANUP(cap_closep) int program = load_trial(&trial);
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000000,
		.disabled = 1,
	};

	tell(check, program < 0 ? program : attach_perf(&attributes, program),
	     program < 0 ? "load" : "attach", DOCTOR_WARNING, "no CPU samples without it");
}

void doctor_prog_kprobe(struct doctor_check *check)
{
	static const struct trial trial = {BPF_PROG_TYPE_KPROBE, 0, NULL};
	CLEANUP(cap_closep) int program = load_trial(&trial);

	/* Attaching one would patch the kernel, so only check that its control file exists. */
	if (program < 0 || access("/sys/bus/event_source/devices/kprobe/type", R_OK) < 0)
		doctor_found(check, DOCTOR_NOTE, "%s (not used by this version)",
			     program < 0 ? strerror(-program) : "not in this kernel");
	else
		doctor_found(check, DOCTOR_OK, "loads; the kernel has kprobes");
}
