/*
 * Two ways to ask. Where a symbol is: a program of the type for system calls, run once for each
 * name at the start (kernels from 5.16 on). What an address is called: the iterator of
 * bpf/names.bpf.c, which works without bpf(2), and so without capabilities, for as long as the
 * recording runs.
 */
#include "recorder/live/live_names.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "recorder/host/maps_parse.h"

#include "kymo_bpf.skel.h"

#define PLACE_NAME_BYTES 8 /* with the NUL: _stext, _etext */

struct place_question { /* context of the program */
	char name[PLACE_NAME_BYTES];
	u64 address;
};

/* By hand, since a program of the object that this kernel has no type for would have the whole
 * object loaded twice. */
static int load_place_program(void)
{
	enum { R0, R1, R2, R3, R4, R6 = 6, R10 = 10 };
#define MOVE(to, from)                                                                  \
	{                                                                               \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
	}
#define SET(to, value)                                                               \
	{                                                                            \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value) \
	}
#define ADD(to, value)                                                               \
	{                                                                            \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value) \
	}
#define LOAD(to, from, at)                                                              \
	{                                                                               \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (to), .src_reg = (from), \
		.off = (at)                                                             \
	}
#define STORE(to, at, from)                                                             \
	{                                                                               \
		.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = (to), .src_reg = (from), \
		.off = (at)                                                             \
	}
	static const struct bpf_insn code[] = {
		MOVE(R6, R1),
		LOAD(R1, R6, offsetof(struct place_question, name)),
		STORE(R10, -8, R1),
		SET(R1, 0),
		STORE(R10, -16, R1),
		MOVE(R1, R10),
		ADD(R1, -8),
		SET(R2, PLACE_NAME_BYTES - 1), /* with the NUL */
		SET(R3, 0),
		MOVE(R4, R10),
		ADD(R4, -16),
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_kallsyms_lookup_name},
		LOAD(R1, R10, -16),
		STORE(R6, offsetof(struct place_question, address), R1),
		SET(R0, 0),
		{.code = BPF_JMP | BPF_EXIT},
	};
#undef MOVE
#undef SET
#undef ADD
#undef LOAD
#undef STORE
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);

	return bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "kymo_place", "Dual BSD/GPL", code,
			     sizeof(code) / sizeof(code[0]), &options);
}

static int address_of(void *context, const char *name, u64 *ret_address)
{
	const struct live_names *names = context;
	struct place_question question = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &question,
		    .ctx_size_in = sizeof(question));

	if (names->place_fd < 0)
		return -ENOSYS;
	if (strlen(name) != PLACE_NAME_BYTES - 2)
		return -EINVAL; /* the length is in the program */
	memcpy(question.name, name, PLACE_NAME_BYTES - 1);
	if (bpf_prog_test_run_opts(names->place_fd, &options) < 0)
		return -errno;
	if (question.address == 0)
		return -ENOENT; /* or addresses are hidden from us */
	*ret_address = question.address;
	return 0;
}

/* "name+0x11/0x200 [module]", where the offset is one too many; or a number, if there is no name.
 * Cuts line. */
static bool parse_name(char *line, u64 address, struct rec_kernel_symbol *ret_symbol)
{
	char *module = strstr(line, " ["), *size = strrchr(line, '/'), *offset, *end;
	u64 offset_bytes;

	if (module)
		*module = 0;
	if (!size)
		return false;
	*size++ = 0;
	offset = strrchr(line, '+');
	if (!offset || offset == line)
		return false;
	*offset++ = 0;
	offset_bytes = strtoull(offset, &end, 16);
	if (*end || offset_bytes == 0 || offset_bytes > address)
		return false;
	ret_symbol->size_bytes = strtoull(size, &end, 16);
	if (*end)
		return false;
	ret_symbol->start = address - (offset_bytes - 1);
	ret_symbol->name = line;
	return true;
}

/* After a read that gave less than asked for, lines and addresses would not match any more. */
static void give_up(struct live_names *names)
{
	cap_closep(&names->fd);
	names->fd = -1;
}

static size_t name_all(void *context, const u64 *addresses, size_t count, rec_symbol_fn take,
		       void *take_context)
{
	struct live_names *names = context;
	struct rec_line_reader lines;
	size_t told = 0;
	char *line;

	if (names->fd < 0 || count > LIVE_MAX_NAMED - names->asked_count)
		return 0;
	memcpy(names->addresses + names->asked_count, addresses, count * sizeof(*addresses));
	names->asked_count += count;
	rec_lines_init(&lines, names->fd);
	while (told < count && rec_lines_next(&lines, &line) > 0) {
		struct rec_kernel_symbol symbol;
		bool has_name = parse_name(line, addresses[told], &symbol);

		take(take_context, has_name ? &symbol : NULL);
		told++;
	}
	if (told < count)
		give_up(names);
	return told;
}

static u64 *map_addresses(const struct live_probes *probes, size_t *ret_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (LIVE_MAX_NAMED + 1) * sizeof(u64);
	void *mapped;

	bytes = (bytes + page_bytes - 1) & ~(page_bytes - 1);
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(probes->skeleton->maps.asked_addresses), 0);
	if (mapped == MAP_FAILED)
		return NULL;
	*ret_bytes = bytes;
	return mapped;
}

void live_names_open(struct live_names *names, struct live_probes *probes)
{
	*names = (struct live_names){
		.place_fd = probes->force_fallbacks ? -1 : load_place_program(),
		.fd = live_probe_iterator(probes, LIVE_PROBE_name_addresses),
		.asker = {.context = names, .address_of = address_of, .name_all = name_all},
	};
	if (names->fd >= 0)
		names->addresses = map_addresses(probes, &names->mapped_bytes);
	if (names->fd >= 0 && !names->addresses)
		give_up(names);
}

void live_names_done(struct live_names *names)
{
	if (names->addresses)
		(void)munmap(names->addresses, names->mapped_bytes); /* was mapped as such */
	cap_closep(&names->place_fd);
	cap_closep(&names->fd);
	names->addresses = NULL;
}
