/* Refusals of the kernel, in words. */
#include "recorder/live/live_errors.h"
#include "recorder/base/error_names.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/guard/privileges.h"

#define LOG_LINES 12 /* of a verifier's log: the refusal is at its end */

/* libbpf's print function has no context argument: the one variable it can reach. Set for the time
 * of a load only. */
static _Thread_local struct live_log *captured_log;

static void log_append(struct live_log *log, const char *text, size_t len)
{
	const size_t room = sizeof(log->text) - 1;

	if (len >= room) { /* only its end fits */
		memcpy(log->text, text + len - room, room);
		log->len = room;
	} else {
		if (log->len + len > room) {
			size_t gone = log->len + len - room;

			memmove(log->text, log->text + gone, log->len - gone);
			log->len -= gone;
		}
		memcpy(log->text + log->len, text, len);
		log->len += len;
	}
	log->text[log->len] = 0;
}

static void log_note_program(struct live_log *log, const char *text)
{
	const char *name = strstr(text, "prog '");
	size_t len;

	if (!name || log->program[0])
		return;
	name += strlen("prog '");
	len = strcspn(name, "'");
	if (len >= sizeof(log->program))
		len = sizeof(log->program) - 1;
	memcpy(log->program, name, len);
	log->program[len] = 0;
}

__attribute__((format(printf, 2, 0))) static int log_print(enum libbpf_print_level level,
							   const char *format, va_list args)
{
	CLEANUP(cap_freep) char *text = NULL;
	int len;

	if (level != LIBBPF_WARN || !captured_log)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0) {
		text = NULL;
		return 0;
	}
	log_note_program(captured_log, text);
	log_append(captured_log, text, (size_t)len);
	return 0;
}

void live_log_capture(struct live_log *log)
{
	if (log)
		memset(log, 0, sizeof(*log));
	captured_log = log;
	(void)libbpf_set_print(log_print); /* the function before is libbpf's own */
}

static bool line_is_noise(const char *line, size_t len)
{
	/* the last one advises about a limit that kernels since 5.11 do not use */
	static const char *const noise[] = {
		"processed ",
		"-- END",
		"-- BEGIN",
		"BPF program load failed",
		"failed to load: -",
		"failed to load object",
		"failed to load BPF skeleton",
		"Retrying without BTF",
		"permission error while running as root",
	};

	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		if (memmem(line, len, noise[i], strlen(noise[i])))
			return true;
	return len == 0;
}

struct log_line {
	const char *text;
	size_t len;
};

/* The last lines that say something, the last one first: at most max, of at most size bytes with
 * what stands between them. */
static size_t last_lines(const struct live_log *log, size_t max, size_t between_bytes, size_t size,
			 struct log_line *ret_lines)
{
	static const char prefix[] = "libbpf: ";
	size_t count = 0, end = log->len, used = 0;

	while (end > 0 && count < max) {
		struct log_line line;
		size_t start = end;

		while (start > 0 && log->text[start - 1] != '\n')
			start--;
		line = (struct log_line){log->text + start, end - start};
		end = start > 0 ? start - 1 : 0;
		if (line_is_noise(line.text, line.len))
			continue;
		if (line.len >= sizeof(prefix) - 1 &&
		    strncmp(line.text, prefix, sizeof(prefix) - 1) == 0) {
			line.text += sizeof(prefix) - 1;
			line.len -= sizeof(prefix) - 1;
		}
		used += line.len + between_bytes;
		if (count > 0 && used >= size)
			break; /* the end is what counts */
		ret_lines[count++] = line;
	}
	return count;
}

static void join_lines(const struct live_log *log, size_t max, const char *before_first,
		       const char *before, char *ret_text, size_t size)
{
	struct log_line lines[LOG_LINES];
	size_t count = last_lines(log, max, strlen(before), size, lines), used = 0;

	ret_text[0] = 0;
	for (size_t i = count; i-- > 0 && used < size;) {
		int len = snprintf(ret_text + used, size - used, "%s%.*s",
				   used ? before : before_first, (int)lines[i].len, lines[i].text);

		used += len > 0 ? (size_t)len : 0;
	}
}

void live_log_tail(const struct live_log *log, char *ret_text, size_t size)
{
	join_lines(log, 4, "", " | ", ret_text, size);
}

void live_log_lines(const struct live_log *log, char *ret_text, size_t size)
{
	join_lines(log, LOG_LINES, "\n  | ", "\n  | ", ret_text, size);
}

int live_fail_permissions(struct cap_err *err, const char *what)
{
	char path[PATH_MAX] = "kymo-record";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0)
		path[len] = 0;
	if (rec_capability_held(CAP_SYS_ADMIN))
		return rec_fail(
			err, CAP_EPRIVILEGE, REC_ERROR_InsufficientPermissions,
			"%s, although the capabilities for it are held; a container's seccomp "
			"filter, a security module or kernel lockdown may forbid it: record "
			"outside the container, or see /sys/kernel/security/lockdown",
			what);
	return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_InsufficientPermissions,
			"%s; run it with sudo, or once: sudo setcap "
			"cap_bpf,cap_perfmon+ep %.256s",
			what, path);
}

static int check_capabilities(struct cap_err *err)
{
	const bool bpf = rec_capability_held(CAP_BPF), perfmon = rec_capability_held(CAP_PERFMON);
	char what[128];

	if (rec_capability_held(CAP_SYS_ADMIN) || (bpf && perfmon))
		return 0;
	(void)snprintf(what, sizeof(what),
		       "loading BPF programs needs CAP_BPF and CAP_PERFMON, and %s missing",
		       bpf	 ? "CAP_PERFMON is"
		       : perfmon ? "CAP_BPF is"
				 : "both are");
	return live_fail_permissions(err, what);
}

int live_fail_btf(struct cap_err *err, const char *what)
{
	return rec_fail(
		err, CAP_EPRIVILEGE, REC_ERROR_IncompatibleKernel,
		"no type information in /sys/kernel/btf/vmlinux (%s); "
		"use a kernel of 5.8 or later built with CONFIG_DEBUG_INFO_BTF=y, or give --btf "
		"FILE",
		what);
}

int live_check_host(struct cap_err *err)
{
	live_log_capture(
		NULL); /* libbpf speaks where something is not there, as the doctor finds */
	return check_capabilities(err);
}

static int fail_verifier(const struct live_log *log, int error, struct cap_err *err)
{
	char lines[640], reason[64];

	live_log_lines(log, lines, sizeof(lines));
	if (!log->program[0])
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_LoadFailed,
				"%s; report it with: kymo-record doctor --report%s",
				strerror_r(error, reason, sizeof(reason)), lines);
	return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_LoadFailed,
			"program %s, the last fallback: %s; record other classes (-e), "
			"or report it with: kymo-record doctor --report%s%s",
			log->program, strerror_r(error, reason, sizeof(reason)),
			lines[0] ? "\nthe end of the kernel verifier's log:" : "", lines);
}

int live_fail_load(const struct live_log *log, int error, struct cap_err *err)
{
	char tail[512];

	if (error == EPERM)
		return live_fail_permissions(err,
					     "the kernel refused to load BPF programs (EPERM)");
	if (error == ENOSYS)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_UnsupportedPlatform,
				"this kernel or sandbox has no bpf(2); record on a host whose "
				"kernel was built with CONFIG_BPF_SYSCALL=y");
	if (strstr(log->text, "vmlinux BTF")) /* libbpf's message, and an errno that says nothing */
		return live_fail_btf(err, "it cannot be read as such");
	if (error == EMFILE || error == ENFILE)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_LoadFailed,
				"%s; raise the limit (ulimit -n)", strerror(error));
	live_log_tail(log, tail, sizeof(tail));
	if (strstr(tail, "failed to create"))
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
				"%s: %s; try smaller rings (--buffer 64K), or "
				"raise the memory limit",
				strerror(error), tail);
	if (error == ENOMEM)
		return rec_error_is(err, REC_ERROR_LoadFailed,
				    cap_fail_errno(err, ENOMEM, "load the programs"));
	return fail_verifier(log, error, err);
}
