/*
 * Samples a program by itself, with perf_event_open and its user registers and stack, and unwinds
 * each sample twice: with objects/unwind, and with libdw. Prints how many stacks are alike as one
 * JSON object. Usage: unwind_oracle [-n SAMPLES] [-m] [-v] [-o CAPTURE [-u] [-r TIMES]] COMMAND...
 * -m: as a recorder masks them, -v: shows stacks that differ. CAPTURE gets all samples, TIMES
 * times, as a recorder writes them; -u: with the rules that they need. Status 77: the kernel gives
 * no such samples.
 */
#include <asm/perf_regs.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/word_map.h"
#include "formats/write/capture_writer.h"
#include "objects/elf/elf_cfi.h"
#include "objects/unwind/unwind_walk.h"

#define STACK_BYTES 32768u
#define RING_PAGES 1024u
#define MAX_MAPS 4096u
#define RED_ZONE_BYTES 128u

#define REGS                                                                           \
	(1ull << PERF_REG_X86_AX | 1ull << PERF_REG_X86_BX | 1ull << PERF_REG_X86_CX | \
	 1ull << PERF_REG_X86_DX | 1ull << PERF_REG_X86_SI | 1ull << PERF_REG_X86_DI | \
	 1ull << PERF_REG_X86_BP | 1ull << PERF_REG_X86_SP | 1ull << PERF_REG_X86_IP | \
	 0xffull << PERF_REG_X86_R8)
/* Place in a sample, by rising bit, of DWARF's register i: rax rdx rcx rbx rsi rdi rbp rsp r8..r15
 * rip */
static const unsigned char place_of[17] = {0,  3,  2,  1,  4,  5,  6,  7, 9,
					   10, 11, 12, 13, 14, 15, 16, 8};
/* What a recorder copies: rbx rbp rsp r12..r15 rip */
static const uint32_t copied = 1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12 | 1u << 16;

struct module {
	char path[512];
	struct kymo_elf *elf;
	struct kymo_cfi_finder *finder;
	struct kymo_elf_load loads[64];
	size_t load_count;
	struct cap_word_map tables_by_start; /* (1, start) -> index + 1 */
	struct kymo_cfi_table **tables;
	size_t table_count;
};

struct map {
	uint64_t start, end, offset;
	struct module *module; /* NULL: not a file */
};

struct sample {
	uint64_t regs[17];
	size_t len;
	uint8_t *bytes;
};

static struct map maps[MAX_MAPS];
static size_t map_count;
static struct module modules[MAX_MAPS];
static size_t module_count;
static struct sample *samples;
static size_t sample_count, sample_limit = 1000;
static bool masked, verbose, with_rules;
static const char *output;
static unsigned long repeats = 1;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -------- sampling -------- */

static void take_sample(const uint8_t *at, const uint8_t *end)
{
	struct sample *sample = &samples[sample_count];
	uint64_t abi, size, dynamic;
	const uint64_t *regs;

	memcpy(&abi, at, 8);
	if (abi != PERF_SAMPLE_REGS_ABI_64)
		return;
	regs = (const uint64_t *)(at + 8);
	for (int i = 0; i < 17; i++)
		sample->regs[i] = regs[place_of[i]];
	at += 8 + 17 * 8;
	memcpy(&size, at, 8);
	if (size == 0 || at + 16 + size > end)
		return;
	memcpy(&dynamic, at + 8 + size, 8);
	if (dynamic == 0 || dynamic > size)
		return;
	sample->len = dynamic;
	sample->bytes = malloc(dynamic);
	if (!sample->bytes)
		fail("malloc");
	memcpy(sample->bytes, at + 8, dynamic);
	sample_count++;
}

static void drain(struct perf_event_mmap_page *page, const uint8_t *data, size_t ring)
{
	static uint8_t record[65536];
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail;

	while (tail < head && sample_count < sample_limit) {
		const struct perf_event_header *header = (const void *)(data + (tail & (ring - 1)));
		size_t len = header->size;

		for (size_t i = 0; i < len; i++)
			record[i] = data[(tail + i) & (ring - 1)];
		if (header->type == PERF_RECORD_SAMPLE)
			take_sample(record + sizeof(*header), record + len);
		tail += len;
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
}

/* The command, stopped before it executes anything: until a byte comes. */
static pid_t start(char **command, int *ret_go)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		char byte;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || read(go[0], &byte, 1) < 0)
			_exit(126);
		execvp(command[0], command);
		_exit(127);
	}
	*ret_go = go[1];
	return pid;
}

/* Until there are enough samples; leaves the process stopped. False: it ended before. */
static bool sample(pid_t pid, int go)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = 1000,
		.freq = 1,
		.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = REGS,
		.sample_stack_user = STACK_BYTES,
		.exclude_kernel = 1,
		.disabled = 1,
		.enable_on_exec = 1,
		.watermark = 1,
		.wakeup_watermark = 65536,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), ring = RING_PAGES * page_bytes;
	struct perf_event_mmap_page *page;
	int status;

	if (fd < 0) {
		fprintf(stderr, "no samples with registers here: %s\n", strerror(errno));
		kill(pid, SIGKILL);
		exit(77);
	}
	page = mmap(NULL, page_bytes + ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		fail("mmap");
	if (write(go, "", 1) != 1)
		fail("write");
	while (sample_count < sample_limit) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		(void)poll(&wait, 1, 100);
		drain(page, (const uint8_t *)page + page_bytes, ring);
		if (waitpid(pid, &status, WNOHANG) == pid)
			return false;
	}
	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return false;
	munmap(page, page_bytes + ring);
	close(fd);
	return true;
}

/* -------- mappings -------- */

static struct module *module_of(const char *path)
{
	struct kymo_cfi_sections sections;
	struct module *module;
	int fd;

	for (size_t i = 0; i < module_count; i++) {
		if (strcmp(modules[i].path, path) == 0)
			return &modules[i];
	}
	module = &modules[module_count++];
	(void)snprintf(module->path, sizeof(module->path), "%s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || kymo_elf_open_fd(fd, path, &module->elf, NULL) < 0)
		return module;
	kymo_elf_cfi_sections(module->elf, &sections);
	module->finder = kymo_cfi_finder_new(&sections);
	module->load_count = kymo_elf_loads(module->elf, module->loads, 64);
	return module;
}

static void read_maps(pid_t pid)
{
	char path[64], line[1024];
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	in = fopen(path, "re");
	if (!in)
		fail(path);
	while (fgets(line, sizeof(line), in) && map_count < MAX_MAPS) {
		struct map *map = &maps[map_count];
		char mode[8], name[512] = "";

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %511[^\n]",
			   &map->start, &map->end, mode, &map->offset, name) < 4 ||
		    mode[2] != 'x')
			continue;
		map->module = name[0] == '/' ? module_of(name) : NULL;
		map_count++;
	}
	(void)fclose(in);
}

static const struct map *map_at(uint64_t address)
{
	for (size_t i = 0; i < map_count; i++) {
		if (address >= maps[i].start && address < maps[i].end)
			return &maps[i];
	}
	return NULL;
}

/* -------- unwound by us -------- */

static struct cap_word_map code_cache; /* (address, 0) -> index + 1 in codes */
static struct kymo_unwind_code *codes;
static size_t code_count, code_capacity;

static const struct kymo_cfi_table *table_of(struct module *module, uint64_t address)
{
	struct kymo_cfi_table *table = NULL;
	struct kymo_cfi_entry entry;
	uint64_t number;

	if (!module->finder || !kymo_cfi_find(module->finder, address, &entry))
		return NULL;
	number = cap_word_map_get(&module->tables_by_start, 1, entry.start);
	if (number)
		return module->tables[number - 1];
	if (kymo_cfi_decode(&entry, &table) < 0)
		fprintf(stderr, "rules at %" PRIx64 " of %s cannot be decoded\n", address,
			module->path);
	module->tables = realloc(module->tables, (module->table_count + 1) * sizeof(table));
	module->tables[module->table_count++] = table;
	(void)cap_word_map_put(&module->tables_by_start, 1, entry.start, module->table_count);
	return table;
}

static void look_up(uint64_t address, struct kymo_unwind_code *ret_code)
{
	const struct map *map = map_at(address);
	struct module *module = map ? map->module : NULL;
	uint64_t offset = map ? address - map->start + map->offset : 0;

	ret_code->is_mapped = map != NULL;
	for (size_t i = 0; module && i < module->load_count; i++) {
		const struct kymo_elf_load *load = &module->loads[i];

		if (offset < load->offset || offset - load->offset >= load->bytes)
			continue;
		offset = offset - load->offset + load->address;
		ret_code->table = table_of(module, offset);
		ret_code->row = ret_code->table ? kymo_cfi_row_at(ret_code->table, offset) : NULL;
		if (!ret_code->row)
			ret_code->table = NULL;
		return;
	}
}

static bool code_at(void *context, u64 address, struct kymo_unwind_code *ret_code)
{
	uint64_t number = cap_word_map_get(&code_cache, address, 0);

	(void)context;
	if (!number) {
		if (code_count == code_capacity) {
			code_capacity = code_capacity ? code_capacity * 2 : 1024;
			codes = realloc(codes, code_capacity * sizeof(*codes));
		}
		codes[code_count] = (struct kymo_unwind_code){0};
		look_up(address, &codes[code_count]);
		number = ++code_count;
		if (cap_word_map_put(&code_cache, address, 0, number) < 0)
			return false;
	}
	*ret_code = codes[number - 1];
	return true;
}

static void unwind(const struct sample *sample, struct kymo_unwind_result *ret_result)
{
	const struct kymo_unwind_copy copy = {.start = sample->regs[7],
					      .bytes = sample->bytes,
					      .len = sample->len,
					      .is_cut = sample->len == STACK_BYTES};
	const struct kymo_unwind_source source = {.machine =
							  kymo_unwind_machine(KYMO_UNWIND_X86_64),
						  .copy = &copy,
						  .code_at = code_at};
	struct kymo_unwind_registers registers = {.pc = sample->regs[16], .known = copied};

	memcpy(registers.values, sample->regs, sizeof(sample->regs));
	if (!kymo_unwind_walk(&source, &registers, ret_result))
		fail("unwind");
}

/* -------- unwound by libdw -------- */

struct oracle {
	Dwfl *dwfl;
	const struct sample *sample;
	uint64_t frames[KYMO_UNWIND_MAX_FRAMES];
	uint32_t count;
};

static pid_t next_thread(Dwfl *dwfl, void *context, void **ret_context)
{
	(void)dwfl;
	if (*ret_context)
		return 0;
	*ret_context = context;
	return 1;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *context)
{
	const struct sample *sample = ((struct oracle *)context)->sample;
	uint64_t at = address - sample->regs[7];

	(void)dwfl;
	if (address < sample->regs[7] || at >= sample->len || sample->len - at < 8)
		return false;
	memcpy(ret_word, sample->bytes + at, 8);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	const struct sample *sample = ((struct oracle *)context)->sample;

	for (int i = 0; i < 17; i++) {
		Dwarf_Word value = sample->regs[i];

		if (copied >> i & 1 && !dwfl_thread_state_registers(thread, i, 1, &value))
			return false;
	}
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {.next_thread = next_thread,
						       .memory_read = memory_read,
						       .set_initial_registers = set_registers};

static int take_frame(Dwfl_Frame *frame, void *context)
{
	struct oracle *oracle = context;
	Dwarf_Addr pc;
	bool exact;

	if (!dwfl_frame_pc(frame, &pc, &exact) || oracle->count == KYMO_UNWIND_MAX_FRAMES)
		return DWARF_CB_ABORT;
	oracle->frames[oracle->count++] = pc - !exact;
	return DWARF_CB_OK;
}

static void open_oracle(struct oracle *oracle, pid_t pid)
{
	static char *no_debuginfo;
	static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
						 .find_debuginfo = dwfl_standard_find_debuginfo,
						 .debuginfo_path = &no_debuginfo};

	oracle->dwfl = dwfl_begin(&callbacks);
	if (!oracle->dwfl || dwfl_linux_proc_report(oracle->dwfl, pid) != 0 ||
	    dwfl_report_end(oracle->dwfl, NULL, NULL) != 0 ||
	    !dwfl_attach_state(oracle->dwfl, NULL, pid, &thread_callbacks, oracle)) {
		fprintf(stderr, "libdw: %s\n", dwfl_errmsg(-1));
		exit(1);
	}
}

/* -------- a capture of them -------- */

static void check(int rc, const struct cap_err *err)
{
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", output, err->text);
		exit(1);
	}
}

static void end_block(struct cap_writer *writer, enum cap_block_type type, struct cap_chunk *chunk,
		      struct cap_totals *totals)
{
	struct cap_err err = {0};

	check(cap_chunk_failed(chunk), &err);
	totals->stored_count += type == CAP_BLOCK_CHUNK ? cap_chunk_rows(chunk) : 0;
	check(cap_writer_rows(writer, type, chunk, totals, &err), &err);
	cap_chunk_reset(chunk);
}

static void add_maps(struct cap_chunk *chunk, const struct cap_task *task)
{
	for (size_t i = 0; i < map_count; i++) {
		const struct module *module = maps[i].module;
		size_t len = 0;
		const uint8_t *build_id =
			module && module->elf ? kymo_elf_build_id(module->elf, &len) : NULL;
		const char *path = module ? module->path : "";
		struct ev_mapping row = {.time_ns = 1000,
					 .start_address = maps[i].start,
					 .size_bytes = maps[i].end - maps[i].start,
					 .file_offset = maps[i].offset,
					 .task = cap_chunk_task(chunk, task),
					 .build_id = cap_chunk_string(chunk, build_id, len),
					 .path = cap_chunk_string(chunk, path, strlen(path)),
					 .flags = EV_MAPPING_KEYFRAME};

		(void)cap_chunk_add(chunk, EV_MAPPING, &row);
	}
}

/* The entries of all functions that were walked through, by file offset. */
static void add_rules(struct cap_chunk *chunk)
{
	static struct cap_word_map written; /* (module, link address) */

	for (u64 i = 0; code_cache.slots && i <= code_cache.mask; i++) {
		const struct map *map =
			code_cache.slots[i].value ? map_at(code_cache.slots[i].a) : NULL;
		struct module *module = map ? map->module : NULL;
		uint64_t offset = map ? code_cache.slots[i].a - map->start + map->offset : 0;
		struct kymo_cfi_entry entry;

		for (size_t k = 0; module && module->finder && k < module->load_count; k++) {
			const struct kymo_elf_load *load = &module->loads[k];
			size_t len;
			const uint8_t *build_id = kymo_elf_build_id(module->elf, &len);
			struct ev_unwind row;

			if (offset < load->offset || offset - load->offset >= load->bytes ||
			    !kymo_cfi_find(module->finder, offset - load->offset + load->address,
					   &entry) ||
			    cap_word_map_get(&written, (u64)(module - modules), entry.start) != 0)
				continue;
			(void)cap_word_map_put(&written, (u64)(module - modules), entry.start, 1);
			row = (struct ev_unwind){
				.start_address = entry.start - load->address + load->offset,
				.size_bytes = entry.size_bytes,
				.object =
					cap_chunk_string(chunk, module->path, strlen(module->path)),
				.build_id = build_id ? cap_chunk_string(chunk, build_id, len) : 0,
				.cie = cap_chunk_string(chunk, entry.cie, entry.cie_bytes),
				.fde = cap_chunk_string(chunk, entry.fde, entry.fde_bytes)};
			(void)cap_chunk_add(chunk, EV_UNWIND, &row);
		}
	}
}

/* What is worth keeping, from the outer end inwards. A register that says nothing tells the times a
 * sample is written apart, so that each is unwound. */
static u32 add_copy(struct cap_chunk *chunk, const struct sample *sample, uint64_t time)
{
	uint64_t low = sample->regs[7] - RED_ZONE_BYTES,
		 top = sample->regs[7] + sample->len / 8 * 8;
	struct cap_copy copy = {.ip = sample->regs[16],
				.sp = sample->regs[7],
				.top = top,
				.bp = sample->regs[6],
				.bx = sample->regs[3],
				.r12 = sample->regs[12],
				.r13 = sample->regs[13],
				.r14 = sample->regs[14],
				.r15 = sample->regs[15],
				.flags = CAP_COPY_MAIN |
					 (sample->len == STACK_BYTES ? CAP_COPY_CUT : 0)};
	uint64_t *const registers[] = {&copy.bp,  &copy.bx,  &copy.r12,
				       &copy.r13, &copy.r14, &copy.r15};
	uint64_t above = top;

	for (size_t i = 0; i < 6; i++) {
		bool in_stack = *registers[i] >= low && *registers[i] < top;

		if (!in_stack && !map_at(*registers[i]) && *registers[i] != 0)
			*registers[i] = 1;
	}
	if (copy.r15 == 1)
		copy.r15 = copy.sp + 8 * time;
	for (size_t at = sample->len / 8 * 8; at >= 8;) {
		uint64_t value, address;

		at -= 8;
		address = sample->regs[7] + at;
		memcpy(&value, sample->bytes + at, 8);
		if (!((value >= low && value < top && value % 8 == 0) || map_at(value)))
			continue;
		copy.word = cap_chunk_word(chunk, copy.word, (u32)((above - address) / 8 - 1),
					   address, value);
		above = address;
	}
	return cap_chunk_copy(chunk, &copy);
}

static void write_capture(pid_t pid)
{
	const struct cap_file_info info = {.monotonic_ns = 1000,
					   .realtime_ns = 1700000000000000000ull,
					   .machine = 62,
					   .cpu_count = 1,
					   .page_shift = 12,
					   .hostname = "oracle"};
	const struct cap_task task = {.leader_start_ns = 1,
				      .tgid = (u32)pid,
				      .tid = (u32)pid,
				      .exec_id = 1,
				      .comm = "sampled"};
	struct cap_writer_options options = {
		.fd = open(output, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600)};
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {0};
	struct cap_writer *writer;
	struct cap_err err = {0};

	if (options.fd < 0 || !chunk)
		fail(output);
	check(cap_writer_new(&options, &info, &writer, &err), &err);
	check(cap_writer_begin(writer, &err), &err);
	add_maps(chunk, &task);
	end_block(writer, CAP_BLOCK_MAPS, chunk, &totals);
	if (with_rules) {
		add_rules(chunk);
		end_block(writer, CAP_BLOCK_UNWINDS, chunk, &totals);
	}
	for (size_t i = 0; i < sample_count * repeats; i++) {
		struct ev_cpu_sample row = {
			.time_ns = 2000 + i * 1000000,
			.period = 1000000,
			.sysno = UINT32_MAX,
			.copy = add_copy(chunk, &samples[i % sample_count], i / sample_count),
			.task = cap_chunk_task(chunk, &task)};

		check(cap_chunk_add(chunk, EV_CPU_SAMPLE, &row), &err);
		if (cap_chunk_raw_bytes(chunk) > 900000 || i + 1 == sample_count * repeats)
			end_block(writer, CAP_BLOCK_CHUNK, chunk, &totals);
	}
	check(cap_writer_end(writer, CAP_END_NORMAL, &totals, &err), &err);
	cap_writer_free(writer);
	cap_chunk_free(chunk);
	close(options.fd);
}

/* -------- both -------- */

/* As a recorder does: what points neither into code nor into the stack reads as 0. */
static void mask(struct sample *sample)
{
	for (size_t at = 0; at + 8 <= sample->len; at += 8) {
		uint64_t value, start = sample->regs[7] - RED_ZONE_BYTES;

		memcpy(&value, sample->bytes + at, 8);
		if ((value >= start && value < sample->regs[7] + sample->len) || map_at(value))
			continue;
		memset(sample->bytes + at, 0, 8);
	}
}

static void show(const char *who, const uint64_t *frames, uint32_t count)
{
	fprintf(stderr, "%s:", who);
	for (uint32_t i = 0; i < count && i < 40; i++) {
		const struct map *map = map_at(frames[i]);
		const char *name = map && map->module ? strrchr(map->module->path, '/') + 1 : "?";

		fprintf(stderr, " %s+%" PRIx64, name,
			map ? frames[i] - map->start + map->offset : frames[i]);
	}
	fprintf(stderr, "\n");
}

static bool alike(const struct kymo_unwind_result *result, const struct oracle *oracle)
{
	if (result->frame_count != oracle->count)
		return false;
	for (uint32_t i = 0; i < oracle->count; i++) {
		if (result->frames[i].address != oracle->frames[i])
			return false;
	}
	return true;
}

static void compare(pid_t pid)
{
	static struct kymo_unwind_result result;
	static struct oracle oracle;
	uint64_t own_ns = 0, oracle_ns = 0, frames = 0, same = 0, longer = 0, guessed = 0;
	uint64_t ends[KYMO_UNWIND_OTHER_STACK + 1] = {0}, begin;

	open_oracle(&oracle, pid);
	for (size_t i = 0; i < sample_count; i++) {
		uint64_t ours[KYMO_UNWIND_MAX_FRAMES];

		if (masked)
			mask(&samples[i]);
		unwind(&samples[i], &result); /* once more with all rules at hand */
		begin = now_ns();
		unwind(&samples[i], &result);
		own_ns += now_ns() - begin;
		oracle.sample = &samples[i];
		oracle.count = 0;
		begin = now_ns();
		(void)dwfl_getthread_frames(oracle.dwfl, 1, take_frame, &oracle);
		oracle_ns += now_ns() - begin;
		frames += result.frame_count;
		guessed += result.guessed_count > 0;
		ends[result.end]++;
		if (alike(&result, &oracle)) {
			same++;
			continue;
		}
		longer += result.frame_count > oracle.count;
		for (uint32_t k = 0; k < result.frame_count; k++)
			ours[k] = result.frames[k].address;
		if (verbose) {
			fprintf(stderr, "--- sample %zu, end %d\n", i, (int)result.end);
			show("ours ", ours, result.frame_count);
			show("libdw", oracle.frames, oracle.count);
		}
	}
	printf("{\"samples\": %zu, \"same\": %" PRIu64 ", \"longer\": %" PRIu64
	       ", \"frames\": %" PRIu64 ", \"guessed\": %" PRIu64 ", \"root\": %" PRIu64
	       ", \"cut\": %" PRIu64 ", \"no_rule\": %" PRIu64 ", \"no_mapping\": %" PRIu64
	       ", \"depth\": %" PRIu64 ", \"other_stack\": %" PRIu64 ", \"own_ns\": %" PRIu64
	       ", \"oracle_ns\": %" PRIu64 "}\n",
	       sample_count, same, longer, frames, guessed, ends[KYMO_UNWIND_ROOT],
	       ends[KYMO_UNWIND_CUT], ends[KYMO_UNWIND_NO_RULE], ends[KYMO_UNWIND_NO_MAPPING],
	       ends[KYMO_UNWIND_DEPTH], ends[KYMO_UNWIND_OTHER_STACK], own_ns, oracle_ns);
	dwfl_end(oracle.dwfl);
}

int main(int argc, char **argv)
{
	int option, go;
	bool whole;
	pid_t pid;

	while ((option = getopt(argc, argv, "+n:mvuo:r:")) != -1) {
		if (option == 'n')
			sample_limit = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			masked = true;
		else if (option == 'v')
			verbose = true;
		else if (option == 'u')
			with_rules = true;
		else if (option == 'o')
			output = optarg;
		else if (option == 'r')
			repeats = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind >= argc || sample_limit == 0 || sample_limit > 1000000)
		return 2;
	samples = calloc(sample_limit, sizeof(*samples));
	if (!samples)
		fail("calloc");
	pid = start(argv + optind, &go);
	whole = sample(pid, go);
	if (whole) {
		read_maps(pid);
		compare(pid);
		if (output)
			write_capture(pid);
	} else {
		fprintf(stderr, "the command ended after %zu samples\n", sample_count);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return whole ? 0 : 1;
}
