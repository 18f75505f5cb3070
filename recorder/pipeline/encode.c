/*
 * Ring records to rows. The system-call path must cost a few tens of nanoseconds, so the task of
 * each thread is remembered for the open chunk in a small direct-mapped table: a busy thread is
 * interned once per chunk, not once per call.
 */
#include "recorder/pipeline/encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/host/kernel_map.h"

#define TASK_SLOTS 2048u /* a power of two */
#define MAX_ERRNO 4095	 /* the kernel's: returns in [-4095, -1] are errors */

struct task_slot {
	u64 leader_start_ns;
	u64 tgid_and_tid; /* as they lie in struct ring_head */
	u64 comm[2];
	u32 exec_id;
	u32 generation; /* of the chunk that index belongs to; 0: empty */
	u32 index;
};

struct rec_encoder {
	const struct rec_kernel_map *kernel_map;
	u32 generation;
	struct task_slot tasks[TASK_SLOTS];
};

struct rec_encoder *rec_encoder_new(const struct rec_kernel_map *kernel_map)
{
	struct rec_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->kernel_map = kernel_map;
	encoder->generation = 1;
	return encoder;
}

struct rec_encoder *rec_encoder_free(struct rec_encoder *encoder)
{
	free(encoder);
	return NULL;
}

void rec_encoder_new_chunk(struct rec_encoder *encoder)
{
	if (++encoder->generation == 0) {
		memset(encoder->tasks, 0, sizeof(encoder->tasks));
		encoder->generation = 1;
	}
}

static u32 intern_task(struct cap_chunk *chunk, const struct ring_head *head)
{
	struct cap_task task = {
		.leader_start_ns = head->leader_start_ns,
		.tgid = head->tgid,
		.tid = head->tid,
		.exec_id = head->exec_id,
	};

	memcpy(task.comm, head->comm, sizeof(task.comm));
	return cap_chunk_task(chunk, &task);
}

/* The error of a failed interning: a full chunk unless memory ran out. */
static int intern_error(const struct cap_chunk *chunk)
{
	return cap_chunk_failed(chunk) == -ENOMEM ? -ENOMEM : CAP_ELIMIT;
}

static int task_of(struct rec_encoder *encoder, struct cap_chunk *chunk,
		   const struct ring_head *head, u32 *ret_index)
{
	struct task_slot *slot = &encoder->tasks[head->tid & (TASK_SLOTS - 1)];
	u64 tgid_and_tid = (u64)head->tgid << 32 | head->tid;
	u64 comm[2];
	u32 index;

	memcpy(comm, head->comm, sizeof(comm));
	if (slot->generation == encoder->generation && slot->tgid_and_tid == tgid_and_tid &&
	    slot->leader_start_ns == head->leader_start_ns && slot->exec_id == head->exec_id &&
	    slot->comm[0] == comm[0] && slot->comm[1] == comm[1]) {
		*ret_index = slot->index;
		return 0;
	}
	index = intern_task(chunk, head);
	if (index == 0)
		return intern_error(chunk);
	*slot = (struct task_slot){
		.leader_start_ns = head->leader_start_ns,
		.tgid_and_tid = tgid_and_tid,
		.comm = {comm[0], comm[1]},
		.exec_id = head->exec_id,
		.generation = encoder->generation,
		.index = index,
	};
	*ret_index = index;
	return 0;
}

static int encode_syscall(struct cap_chunk *chunk, const struct ring_syscall *ring, size_t len,
			  u32 task)
{
	struct ev_syscall row = {
		.time_ns = ring->head.time_ns,
		.duration_ns = ring->duration_ns,
		.ret = ring->ret,
		.task = task,
		.sysno = ring->sysno,
		.flags = ring->flags,
		.cpu = ring->head.cpu,
	};

	if (ring->ret < 0 && ring->ret >= -MAX_ERRNO) {
		row.error = (u16)-ring->ret;
		row.ret = 0;
	}
	if (ring->flags & EV_SYSCALL_ARGS_RECORDED) {
		u64 args[EV_SYSCALL_ARGS];

		if (len < sizeof(*ring) + sizeof(args))
			return -EBADMSG;
		memcpy(args, ring + 1, sizeof(args));
		row.arg0 = args[0];
		row.arg1 = args[1];
		row.arg2 = args[2];
		row.arg3 = args[3];
		row.arg4 = args[4];
		row.arg5 = args[5];
	}
	return cap_chunk_add(chunk, EV_SYSCALL, &row);
}

/* Root first: the user's outermost frame, ..., its innermost, then the kernel's outermost, ...,
 * innermost. */
static int stack_of(const struct rec_encoder *encoder, struct cap_chunk *chunk,
		    const struct ring_cpu_sample *ring, u32 *ret_stack)
{
	const u64 *kernel = (const u64 *)(const void *)(ring + 1);
	const u64 *user = kernel + ring->kernel_frames;
	u32 stack = 0;

	for (u32 i = ring->user_frames; i-- > 0;) {
		stack = cap_chunk_stack(chunk, stack,
					cap_chunk_frame(chunk, CAP_SPACE_USER, 0, user[i]));
		if (stack == 0)
			return intern_error(chunk);
	}
	for (u32 i = ring->kernel_frames; i-- > 0;) {
		u32 frame = encoder->kernel_map
				    ? rec_kernel_map_frame(encoder->kernel_map, chunk, kernel[i])
				    : cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0);

		stack = cap_chunk_stack(chunk, stack, frame);
		if (stack == 0)
			return intern_error(chunk);
	}
	*ret_stack = stack;
	return 0;
}

static int encode_cpu_sample(const struct rec_encoder *encoder, struct cap_chunk *chunk,
			     const struct ring_cpu_sample *ring, size_t len, u32 task)
{
	struct ev_cpu_sample row = {
		.time_ns = ring->head.time_ns,
		.period = ring->period,
		.task = task,
		.flags = ring->flags,
		.cpu = ring->head.cpu,
	};
	int rc;

	if (ring->kernel_frames > EV_MAX_FRAMES || ring->user_frames > EV_MAX_FRAMES ||
	    len < sizeof(*ring) + ((size_t)ring->kernel_frames + ring->user_frames) * sizeof(u64))
		return -EBADMSG;
	rc = stack_of(encoder, chunk, ring, &row.stack);
	if (rc < 0)
		return rc;
	return cap_chunk_add(chunk, EV_CPU_SAMPLE, &row);
}

static int encode_task_exec(struct cap_chunk *chunk, const struct ring_task_exec *ring, size_t len,
			    u32 task)
{
	struct ev_task_exec row = {
		.time_ns = ring->head.time_ns,
		.task = task,
		.old_tid = ring->old_tid,
		.cpu = ring->head.cpu,
	};
	const char *path = (const char *)(ring + 1);
	size_t path_len;

	if (ring->path_bytes > EV_MAX_PATH_BYTES || len - sizeof(*ring) < ring->path_bytes)
		return -EBADMSG;
	path_len = strnlen(path, ring->path_bytes);
	if (path_len > 0) {
		row.path = cap_chunk_string(chunk, path, path_len);
		if (row.path == 0)
			return intern_error(chunk);
	}
	return cap_chunk_add(chunk, EV_TASK_EXEC, &row);
}

static int encode_task_name(struct cap_chunk *chunk, const struct ring_task_name *ring, u32 task)
{
	struct ev_task_name row = {
		.time_ns = ring->head.time_ns,
		.task = task,
		.cpu = ring->head.cpu,
		.target_tid = ring->target_tid,
	};
	u64 halves[2] = {ring->name_lo, ring->name_hi};
	char name[EV_COMM_BYTES];
	size_t name_len;

	memcpy(name, halves, sizeof(name));
	name_len = strnlen(name, sizeof(name));
	if (name_len > 0) {
		row.name = cap_chunk_string(chunk, name, name_len);
		if (row.name == 0)
			return intern_error(chunk);
	}
	return cap_chunk_add(chunk, EV_TASK_NAME, &row);
}

static int encode_task_fork(struct cap_chunk *chunk, const struct ring_task_fork *ring, u32 task)
{
	struct ev_task_fork row = {
		.time_ns = ring->head.time_ns,
		.child_start_ns = ring->child_start_ns,
		.task = task,
		.child_tgid = ring->child_tgid,
		.child_tid = ring->child_tid,
		.cpu = ring->head.cpu,
	};

	return cap_chunk_add(chunk, EV_TASK_FORK, &row);
}

static int encode_task_exit(struct cap_chunk *chunk, const struct ring_task_exit *ring, u32 task)
{
	struct ev_task_exit row = {
		.time_ns = ring->head.time_ns,
		.task = task,
		.exit_code = ring->exit_code,
		.flags = ring->flags,
		.cpu = ring->head.cpu,
	};

	return cap_chunk_add(chunk, EV_TASK_EXIT, &row);
}

static size_t fixed_bytes(u32 type)
{
	switch (type) {
	case EV_SYSCALL:
		return sizeof(struct ring_syscall);
	case EV_CPU_SAMPLE:
		return sizeof(struct ring_cpu_sample);
	case EV_TASK_FORK:
		return sizeof(struct ring_task_fork);
	case EV_TASK_EXEC:
		return sizeof(struct ring_task_exec);
	case EV_TASK_EXIT:
		return sizeof(struct ring_task_exit);
	case EV_TASK_NAME:
		return sizeof(struct ring_task_name);
	default:
		return SIZE_MAX; /* not a record of a ring */
	}
}

int rec_encoder_record(struct rec_encoder *encoder, struct cap_chunk *chunk, const void *record,
		       size_t len)
{
	const struct ring_head *head = record;
	u32 task = 0;
	int rc;

	if (len < sizeof(*head) || len < fixed_bytes(head->type))
		return -EBADMSG;
	rc = task_of(encoder, chunk, head, &task);
	if (rc < 0)
		return rc;
	switch (head->type) {
	case EV_SYSCALL:
		return encode_syscall(chunk, record, len, task);
	case EV_CPU_SAMPLE:
		return encode_cpu_sample(encoder, chunk, record, len, task);
	case EV_TASK_FORK:
		return encode_task_fork(chunk, record, task);
	case EV_TASK_EXEC:
		return encode_task_exec(chunk, record, len, task);
	case EV_TASK_EXIT:
		return encode_task_exit(chunk, record, task);
	default: /* fixed_bytes() let nothing else pass */
		return encode_task_name(chunk, record, task);
	}
}
