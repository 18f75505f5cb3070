/*
 * Preloaded into a recorder: system calls it makes through syscall(3) are refused as a test wants,
 * as a kernel without the feature, or a container, would refuse them. libbpf makes all of its calls
 * that way.
 *
 * KYMO_REFUSE holds rules "CALL[:VALUE]=ERRNO" with blanks between. CALL is one of
 * - bpf: any command of bpf(2); bpf:CMD that one
 * - map:TYPE, prog:TYPE: the commands that create these
 * - link:TYPE: BPF_LINK_CREATE with that attach type
 * - perf, perf:TYPE: perf_event_open
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct call {
	const char *kind;
	unsigned value;
};

#define MAX_CALLS 3

/* Under which names is this call known? */
static int names_of(long number, const long *arguments, struct call *ret_calls)
{
	const union bpf_attr *bpf = (const union bpf_attr *)arguments[1];
	const struct perf_event_attr *perf = (const struct perf_event_attr *)arguments[0];
	int count = 0;

	if (number == SYS_perf_event_open) {
		ret_calls[count++] = (struct call){"perf", perf->type};
	} else if (number == SYS_bpf) {
		ret_calls[count++] = (struct call){"bpf", (unsigned)arguments[0]};
		if (arguments[0] == BPF_MAP_CREATE)
			ret_calls[count++] = (struct call){"map", bpf->map_type};
		if (arguments[0] == BPF_PROG_LOAD)
			ret_calls[count++] = (struct call){"prog", bpf->prog_type};
		if (arguments[0] == BPF_LINK_CREATE)
			ret_calls[count++] = (struct call){"link", bpf->link_create.attach_type};
	}
	return count;
}

static int refusal(const struct call *calls, int count)
{
	const char *rules = getenv("KYMO_REFUSE");

	for (const char *rule = rules; rule && *rule;
	     rule += strcspn(rule, " "), rule += strspn(rule, " "))
		for (int i = 0; i < count; i++) {
			size_t len = strlen(calls[i].kind);
			const char *rest = rule + len;
			unsigned value = calls[i].value;
			int error = 0;

			if (strncmp(rule, calls[i].kind, len) != 0)
				continue;
			if ((*rest == ':' ? sscanf(rest, ":%u=%d", &value, &error) == 2
					  : sscanf(rest, "=%d", &error) == 1) &&
			    value == calls[i].value)
				return error;
		}
	return 0;
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	struct call calls[MAX_CALLS];
	long arguments[6];
	va_list list;
	int error;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	error = refusal(calls, names_of(number, arguments, calls));
	if (error) {
		errno = error;
		return -1;
	}
	return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
