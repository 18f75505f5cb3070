/* Tables of the synthetic host, and the rows that describe it. Shares and durations are modelled on
 * ordinary servers. */
#include "recorder/synthetic/synthetic_world.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#define PROGRAM_LINK_BASE 0x1000u /* text of programs and library: file offset = link address */
#define TEXT_BYTES 0x20000u
#define FUNCTION_BYTES 0x180u
#define KERNEL_FUNCTION_BYTES 0x4000u
#define MODULE_FUNCTION_BYTES 0x800u
#define BUILD_ID_BYTES 20u

static const struct syn_program {
	const char *comm, *path;
	u32 threads;
	u32 share; /* of system calls, in 256ths, over all its threads */
} programs[SYN_PROCESSES + 1] = {
	{"nginx", "/usr/sbin/nginx", 4, 70},
	{"redis-server", "/usr/bin/redis-server", 4, 60},
	{"postgres", "/usr/lib/postgresql/15/bin/postgres", 3, 40},
	{"java", "/usr/lib/jvm/java-17-openjdk/bin/java", 12, 30},
	{"python3", "/usr/bin/python3.11", 2, 25},
	{"make", "/usr/bin/make", 1, 15},
	{"sqlite3", "/usr/bin/sqlite3", 1, 10},
	{"sshd", "/usr/sbin/sshd", 1, 5},
	{"cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", 1, 1},
};

static const char library_path[] = "/usr/lib/libc.so.6";

static const struct syn_call calls[] = {
	{SYS_read, 150, 20, EAGAIN, SYN_RETURNS_BYTES, 900},
	{SYS_write, 120, 4, EPIPE, SYN_RETURNS_BYTES, 1400},
	{SYS_epoll_pwait, 90, 3, EINTR, SYN_RETURNS_SMALL, 45000},
	{SYS_recvfrom, 80, 60, EAGAIN, SYN_RETURNS_BYTES, 1500},
	{SYS_sendto, 80, 6, ECONNRESET, SYN_RETURNS_BYTES, 4200},
	{SYS_futex, 70, 90, EAGAIN, SYN_RETURNS_ZERO, 12000},
	{SYS_close, 40, 8, EBADF, SYN_RETURNS_ZERO, 350},
	{SYS_openat, 38, 220, ENOENT, SYN_RETURNS_SMALL, 2600},
	{SYS_newfstatat, 36, 180, ENOENT, SYN_RETURNS_ZERO, 1100},
	{SYS_fstat, 30, 0, 0, SYN_RETURNS_ZERO, 300},
	{SYS_lseek, 28, 2, ESPIPE, SYN_RETURNS_BYTES, 180},
	{SYS_mmap, 26, 1, ENOMEM, SYN_RETURNS_ADDRESS, 1900},
	{SYS_munmap, 18, 0, 0, SYN_RETURNS_ZERO, 3100},
	{SYS_mprotect, 14, 0, 0, SYN_RETURNS_ZERO, 1700},
	{SYS_brk, 12, 0, 0, SYN_RETURNS_ADDRESS, 600},
	{SYS_pread64, 20, 2, EINTR, SYN_RETURNS_BYTES, 2400},
	{SYS_pwrite64, 14, 2, ENOSPC, SYN_RETURNS_BYTES, 5200},
	{SYS_writev, 14, 10, EAGAIN, SYN_RETURNS_BYTES, 3300},
	{SYS_readv, 6, 10, EAGAIN, SYN_RETURNS_BYTES, 1600},
	{SYS_fcntl, 14, 4, EBADF, SYN_RETURNS_SMALL, 220},
	{SYS_ioctl, 10, 120, ENOTTY, SYN_RETURNS_ZERO, 700},
	{SYS_ppoll, 10, 5, EINTR, SYN_RETURNS_SMALL, 90000},
	{SYS_recvmsg, 10, 100, EAGAIN, SYN_RETURNS_BYTES, 1700},
	{SYS_sendmsg, 8, 8, ECONNREFUSED, SYN_RETURNS_BYTES, 3900},
	{SYS_accept4, 7, 300, EAGAIN, SYN_RETURNS_SMALL, 2800},
	{SYS_connect, 5, 500, EINPROGRESS, SYN_RETURNS_ZERO, 8000},
	{SYS_socket, 5, 0, 0, SYN_RETURNS_SMALL, 3500},
	{SYS_setsockopt, 6, 0, 0, SYN_RETURNS_ZERO, 400},
	{SYS_getsockopt, 5, 0, 0, SYN_RETURNS_ZERO, 350},
	{SYS_getdents64, 6, 0, 0, SYN_RETURNS_BYTES, 5200},
	{SYS_readlinkat, 4, 400, EINVAL, SYN_RETURNS_SMALL, 1500},
	{SYS_fdatasync, 2, 0, 0, SYN_RETURNS_ZERO, 900000},
	{SYS_fsync, 1, 1, EIO, SYN_RETURNS_ZERO, 2500000},
	{SYS_clock_nanosleep, 5, 6, EINTR, SYN_RETURNS_ZERO, 1000000},
	{SYS_sched_yield, 8, 0, 0, SYN_RETURNS_ZERO, 500},
	{SYS_madvise, 8, 0, 0, SYN_RETURNS_ZERO, 1300},
	{SYS_getpid, 6, 0, 0, SYN_RETURNS_SMALL, 60},
	{SYS_gettid, 4, 0, 0, SYN_RETURNS_SMALL, 60},
	{SYS_getrandom, 3, 0, 0, SYN_RETURNS_BYTES, 600},
	{SYS_rt_sigprocmask, 8, 0, 0, SYN_RETURNS_ZERO, 150},
	{SYS_rt_sigaction, 4, 0, 0, SYN_RETURNS_ZERO, 160},
	{SYS_wait4, 2, 300, ECHILD, SYN_RETURNS_SMALL, 700000},
	{SYS_pipe2, 2, 0, 0, SYN_RETURNS_ZERO, 2900},
	{SYS_dup3, 2, 0, 0, SYN_RETURNS_SMALL, 320},
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

static const char *const program_functions[] = {
	"_start",	   "main",	  "event_loop",	   "handle_request",   "parse_header",
	"parse_body",	   "lookup_key",  "hash_bytes",	   "compress_block",   "write_reply",
	"read_input",	   "run_query",	  "scan_table",	   "compare_rows",     "sort_rows",
	"allocate_page",   "flush_log",	  "timer_tick",	   "encode_json",      "decode_utf8",
	"collect_garbage", "copy_string", "match_pattern", "close_connection",
};
static const char *const library_functions[] = {
	"__libc_start_main",
	"malloc",
	"free",
	"realloc",
	"memcpy",
	"memcmp",
	"strlen",
	"qsort",
	"read",
	"write",
	"recv",
	"send",
	"epoll_wait",
	"pthread_mutex_lock",
	"clock_gettime",
	"vfprintf",
};
static const char *const kernel_functions[] = {
	"entry_SYSCALL_64_after_hwframe",
	"do_syscall_64",
	"ksys_read",
	"vfs_read",
	"ksys_write",
	"vfs_write",
	"tcp_sendmsg",
	"tcp_recvmsg",
	"ip_queue_xmit",
	"copy_user_generic",
	"futex_wait",
	"schedule",
	"do_epoll_wait",
	"page_fault_handler",
	"handle_mm_fault",
	"filemap_read",
};
static const char *const module_functions[] = {"virtnet_poll", "start_xmit"};
static const char module_name[] = "virtio_net";

#define COUNT(array) ((u32)(sizeof(array) / sizeof((array)[0])))
enum { /* what a frame's number means */
       AT_PROGRAM = 0,
       AT_LIBRARY = AT_PROGRAM + COUNT(program_functions),
       AT_KERNEL = AT_LIBRARY + COUNT(library_functions),
       AT_MODULE = AT_KERNEL + COUNT(kernel_functions),
};

const struct syn_call *syn_call(u32 pick)
{
	return &calls[pick];
}

const char *syn_program_path(u32 process)
{
	return programs[process].path;
}

static u64 program_base(u32 tgid)
{
	return 0x550000000000ull + ((u64)tgid << 24);
}

static u64 library_base(u32 tgid)
{
	return 0x7f0000000000ull + ((u64)tgid << 24);
}

static void init_head(struct ring_head *head, u32 process, u32 tgid, u32 tid)
{
	*head = (struct ring_head){
		.leader_start_ns =
			SYN_BEGIN_NS + SYN_BOOT_AHEAD_NS - (u64)(9 - process) * 7000000000ull,
		.tgid = tgid,
		.tid = tid,
		.exec_id = 1,
	};
	strncpy(head->comm, programs[process].comm, sizeof(head->comm) - 1);
}

static void init_threads(struct syn_world *world)
{
	u32 slot = 0;

	for (u32 process = 0; process < SYN_PROCESSES; process++) {
		u32 first = world->thread_count;
		u32 tgid = 1000 + process * 100;

		for (u32 i = 0; i < programs[process].threads; i++) {
			struct syn_thread *thread = &world->threads[world->thread_count++];

			init_head(&thread->head, process, tgid, tgid + i);
			thread->process = process;
			thread->free_ns = SYN_BEGIN_NS;
		}
		/* Within a process the first thread does half of the work, the second a quarter,
		 * ... */
		for (u32 i = 0; i < programs[process].share && slot < 255; i++) {
			u32 thread = (u32)__builtin_ctz(i + 1);

			if (thread >= programs[process].threads)
				thread = i % programs[process].threads;
			world->thread_pick[slot++] = (u8)(first + thread);
		}
	}
	while (slot < 256)
		world->thread_pick[slot++] = 0;
}

static void init_calls(struct syn_world *world)
{
	u32 sum = 0, slot = 0, passed = 0;

	for (u32 i = 0; i < CALL_COUNT; i++)
		sum += calls[i].weight;
	for (u32 i = 0; i < CALL_COUNT; i++) {
		passed += calls[i].weight;
		while (slot < 1024 && slot < passed * 1024 / sum)
			world->call_pick[slot++] = (u8)i;
	}
}

static void init_stacks(struct syn_world *world)
{
	for (u32 i = 0; i < SYN_STACKS; i++) {
		struct syn_stack *stack = &world->stacks[i];
		u64 bits = syn_random(world);
		u32 user_depth = 4 + (u32)(bits & 7);

		stack->frames[stack->depth++] = AT_PROGRAM;	/* _start */
		stack->frames[stack->depth++] = AT_LIBRARY;	/* __libc_start_main */
		stack->frames[stack->depth++] = AT_PROGRAM + 1; /* main */
		while (stack->depth < user_depth)
			stack->frames[stack->depth++] =
				(u16)(AT_PROGRAM + 2 +
				      syn_random(world) % (COUNT(program_functions) - 2));
		stack->frames[stack->depth++] =
			(u16)(AT_LIBRARY + 1 + syn_random(world) % (COUNT(library_functions) - 1));
		stack->kernel_from = stack->depth;
		if (bits & 0x300) /* three of four stay in user space */
			continue;
		stack->frames[stack->depth++] = AT_KERNEL;
		stack->frames[stack->depth++] = AT_KERNEL + 1;
		for (u32 j = 0; j < 1 + ((bits >> 10) & 3); j++)
			stack->frames[stack->depth++] =
				(u16)(AT_KERNEL + 2 +
				      syn_random(world) % (COUNT(kernel_functions) - 2));
		if (bits & 0x1000)
			stack->frames[stack->depth++] = (u16)(AT_MODULE + (bits >> 13) % 2);
	}
}

void syn_world_init(struct syn_world *world, u64 seed)
{
	memset(world, 0, sizeof(*world));
	world->random = seed;
	init_threads(world);
	init_calls(world);
	init_stacks(world);
}

struct cap_task syn_task(const struct ring_head *head)
{
	struct cap_task task = {
		.leader_start_ns = head->leader_start_ns,
		.tgid = head->tgid,
		.tid = head->tid,
		.exec_id = head->exec_id,
	};

	memcpy(task.comm, head->comm, sizeof(task.comm));
	return task;
}

/* Addresses lie a little behind the start of a function, as a return address would. */
static u32 add_frame(struct cap_chunk *chunk, u32 number, u32 tgid)
{
	if (number < AT_LIBRARY)
		return cap_chunk_frame(chunk, CAP_SPACE_USER, 0,
				       program_base(tgid) + PROGRAM_LINK_BASE +
					       (number - AT_PROGRAM) * FUNCTION_BYTES + 0x42);
	if (number < AT_KERNEL)
		return cap_chunk_frame(chunk, CAP_SPACE_USER, 0,
				       library_base(tgid) + PROGRAM_LINK_BASE +
					       (number - AT_LIBRARY) * FUNCTION_BYTES + 0x27);
	if (number < AT_MODULE)
		return cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0,
				       (u64)(number - AT_KERNEL + 1) * KERNEL_FUNCTION_BYTES +
					       0x133);
	return cap_chunk_frame(chunk, CAP_SPACE_MODULE,
			       cap_chunk_string(chunk, module_name, strlen(module_name)),
			       (u64)(number - AT_MODULE) * MODULE_FUNCTION_BYTES + 0x91);
}

u32 syn_world_stack(const struct syn_world *world, struct cap_chunk *chunk, u32 which, u32 tgid)
{
	const struct syn_stack *stack = &world->stacks[which];
	u32 node = 0;

	for (u32 i = 0; i < stack->depth; i++) {
		node = cap_chunk_stack(chunk, node, add_frame(chunk, stack->frames[i], tgid));
		if (node == 0)
			return 0;
	}
	return node;
}

/* The same for a path in every recording. */
static u32 add_build_id(struct cap_chunk *chunk, const char *path)
{
	struct syn_world hash = {.random = 5381};
	u64 words[3];

	for (const char *at = path; *at; at++)
		hash.random = hash.random * 33 + (unsigned char)*at;
	for (u32 i = 0; i < 3; i++)
		words[i] = syn_random(&hash);
	return cap_chunk_string(chunk, words, BUILD_ID_BYTES);
}

static u32 add_text(struct cap_chunk *chunk, const char *text)
{
	return cap_chunk_string(chunk, text, strlen(text));
}

int syn_add_mapping(struct cap_chunk *chunk, const struct ring_head *head, u32 process,
		    bool library, u32 flags)
{
	const char *path = library ? library_path : programs[process].path;
	struct cap_task task = syn_task(head);
	struct ev_mapping row = {
		.time_ns = head->time_ns,
		.start_address = (library ? library_base(head->tgid) : program_base(head->tgid)) +
				 PROGRAM_LINK_BASE,
		.size_bytes = TEXT_BYTES,
		.file_offset = PROGRAM_LINK_BASE,
		.inode = library ? 4242 : 5000 + process,
		.dev_major = 8,
		.dev_minor = 1,
		.task = cap_chunk_task(chunk, &task),
		.build_id = add_build_id(chunk, path),
		.path = add_text(chunk, path),
		.flags = flags,
	};

	return cap_chunk_add(chunk, EV_MAPPING, &row);
}

int syn_add_process(struct cap_chunk *chunk, const struct syn_thread *leader)
{
	struct cap_task task = syn_task(&leader->head);
	struct ev_process row = {
		.time_ns = SYN_BEGIN_NS,
		.cgroup_id = 100 + leader->process,
		.task = cap_chunk_task(chunk, &task),
		.parent_tgid = 1,
		.exe = add_text(chunk, programs[leader->process].path),
		.cgroup = add_text(chunk, "/system.slice/synthetic.service"),
	};

	return cap_chunk_add(chunk, EV_PROCESS, &row);
}

int syn_add_modules(struct cap_chunk *chunk)
{
	struct ev_module row = {
		.size_bytes = 0x10000,
		.name = add_text(chunk, module_name),
		.build_id = add_build_id(chunk, module_name),
	};

	return cap_chunk_add(chunk, EV_MODULE, &row);
}

struct function_set {
	const char *const *names;
	u32 count;
	u64 first_offset, bytes;
};

static int add_symbol_set(struct cap_chunk *chunk, const char *object, bool has_build_id,
			  struct function_set set)
{
	for (u32 i = 0; i < set.count; i++) {
		struct ev_symbol row = {
			.offset_bytes = set.first_offset + i * set.bytes,
			.size_bytes = set.bytes,
			.object = add_text(chunk, object),
			.build_id = has_build_id ? add_build_id(chunk, object) : 0,
			.name = add_text(chunk, set.names[i]),
		};
		int rc = cap_chunk_add(chunk, EV_SYMBOL, &row);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int syn_add_symbols(struct cap_chunk *chunk)
{
	const struct function_set program = {program_functions, COUNT(program_functions),
					     PROGRAM_LINK_BASE, FUNCTION_BYTES};
	const struct function_set library = {library_functions, COUNT(library_functions),
					     PROGRAM_LINK_BASE, FUNCTION_BYTES};
	const struct function_set kernel = {kernel_functions, COUNT(kernel_functions),
					    KERNEL_FUNCTION_BYTES, KERNEL_FUNCTION_BYTES};
	const struct function_set module = {module_functions, COUNT(module_functions), 0,
					    MODULE_FUNCTION_BYTES};
	int rc = 0;

	for (u32 i = 0; i <= SYN_PROCESSES && rc == 0; i++)
		rc = add_symbol_set(chunk, programs[i].path, true, program);
	if (rc == 0)
		rc = add_symbol_set(chunk, library_path, true, library);
	if (rc == 0)
		rc = add_symbol_set(chunk, "kernel", false, kernel);
	if (rc == 0)
		rc = add_symbol_set(chunk, module_name, true, module);
	return rc;
}
