/*
 * Preloaded into a recorder: system calls it makes through syscall(3) are refused as a test wants,
 * as a kernel without the feature, or a container, would refuse them. libbpf makes all of its calls
 * that way.
 *
 * KYMO_REFUSE holds rules "CALL[:VALUE]=ERRNO" with blanks between. CALL is one of
 * - bpf: any command of bpf(2); bpf:CMD that one
 * - map:TYPE, prog:TYPE: the commands that create these
 * - ring:BYTES: making a ring of more bytes
 * - link:TYPE: BPF_LINK_CREATE with that attach type
 * - perf, perf:TYPE: perf_event_open
 *
 * KYMO_SPOIL: types of programs, with blanks between, whose first instruction is replaced by
 * r0 = *r0, so that the kernel's own verifier refuses them and says why.
 *
 * KYMO_STARVE: if set, there is no more memory from the recorder's last step of its start on.
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
	int larger; /* the rule is for values above its own */
};

#define MAX_CALLS 4
#define MIN_SPOILED 8 /* instructions: libbpf's own trials are shorter */
#define MAX_SPOILED 8192

/* Under which names is this call known? */
static int names_of(long number, const long *arguments, struct call *ret_calls)
{
	const union bpf_attr *bpf = (const union bpf_attr *)arguments[1];
	const struct perf_event_attr *perf = (const struct perf_event_attr *)arguments[0];
	int count = 0;

	if (number == SYS_perf_event_open) {
		ret_calls[count++] = (struct call){"perf", perf->type, 0};
	} else if (number == SYS_bpf) {
		ret_calls[count++] = (struct call){"bpf", (unsigned)arguments[0], 0};
		if (arguments[0] == BPF_MAP_CREATE)
			ret_calls[count++] = (struct call){"map", bpf->map_type, 0};
		if (arguments[0] == BPF_MAP_CREATE && bpf->map_type == BPF_MAP_TYPE_RINGBUF)
			ret_calls[count++] = (struct call){"ring", bpf->max_entries, 1};
		if (arguments[0] == BPF_PROG_LOAD)
			ret_calls[count++] = (struct call){"prog", bpf->prog_type, 0};
		if (arguments[0] == BPF_LINK_CREATE)
			ret_calls[count++] = (struct call){"link", bpf->link_create.attach_type, 0};
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
			    (calls[i].larger ? value < calls[i].value : value == calls[i].value))
				return error;
		}
	return 0;
}

static int is_spoiled(unsigned type)
{
	const char *rest = getenv("KYMO_SPOIL");
	unsigned wanted;
	int len;

	for (; rest && sscanf(rest, "%u%n", &wanted, &len) == 1; rest += len)
		if (wanted == type)
			return 1;
	return 0;
}

/* The same load with a program that reads through what it never set. */
static long load_spoiled(long (*next)(long, ...), const long *arguments)
{
	static struct bpf_insn code[MAX_SPOILED];
	union bpf_attr attributes = {0};
	size_t size = (size_t)arguments[2] < sizeof(attributes) ? (size_t)arguments[2]
								: sizeof(attributes);

	memcpy(&attributes, (const void *)arguments[1], size);
	memcpy(code, (const void *)(unsigned long)attributes.insns,
	       attributes.insn_cnt * sizeof(*code));
	code[0] = (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_DW};
	attributes.insns = (unsigned long)code;
	return next(SYS_bpf, arguments[0], &attributes, size, 0, 0, 0);
}

/* ---- memory that ends when the recording has begun ---- */

static volatile int starved;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return starved ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return starved ? no_memory() : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return starved ? no_memory() : __libc_realloc(block, size);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	struct call calls[MAX_CALLS] = {0};
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
	if (number == SYS_bpf && arguments[0] == BPF_PROG_LOAD) {
		const union bpf_attr *load = (const union bpf_attr *)arguments[1];

		if (load->insn_cnt >= MIN_SPOILED && load->insn_cnt <= MAX_SPOILED &&
		    is_spoiled(load->prog_type))
			return load_spoiled(next, arguments);
	}
	if (number == SYS_seccomp && getenv("KYMO_STARVE")) {
		long rc = next(number, arguments[0], arguments[1], arguments[2], 0, 0, 0);

		starved = 1;
		return rc;
	}
	return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
