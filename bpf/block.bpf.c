// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Disk I/O. The kernel keeps in each request when it was queued and when the driver got it, so one
 * program at its completion is enough. Only who issued it is not there: that is noted where a
 * request begins (kernels from 6.10 on say where), in a slot found by the request's address.
 */
#include "counts.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "task.bpf.h"

#define ISSUER_SLOTS 4096 /* a power of two: a few hundred requests are in flight at most */

enum issuer_state {
	ISSUER_WANTED = 1,
	ISSUER_UNWANTED = 2, /* the filters leave it out */
};

/* Who issued a request. Requests that come to share a slot: the earlier one's issuer is lost. */
struct block_issuer {
	u64 request; /* its address; 0: free, or being written */
	struct ring_task who;
	u64 leader_comm[2];
	u64 state;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ISSUER_SLOTS);
	__type(key, u32);
	__type(value, struct block_issuer);
} block_issuers SEC(".maps");

/* How the kernel numbers flags of requests: relocated, since they move. */
enum req_flag_bits {
	__REQ_SYNC = 11,
	__REQ_META = 12,
	__REQ_FUA = 17,
	__REQ_PREFLUSH = 18,
	__REQ_RAHEAD = 19,
};

#define OPERATION(cmd_flags) ((cmd_flags)&0xff)
/* Operations have kept their numbers; those of zones and drivers, in ranges. */
#define REQ_OP_SECURE_ERASE 5
#define REQ_OP_WRITE_ZEROES 9
#define REQ_OP_FIRST_DRIVER 32

static __always_inline u32 operation_of(u32 cmd_flags)
{
	u32 op = OPERATION(cmd_flags);

	if (op <= BLOCK_DISCARD)
		return op;
	if (op == REQ_OP_SECURE_ERASE)
		return BLOCK_ERASE;
	if (op == REQ_OP_WRITE_ZEROES)
		return BLOCK_ZEROES;
	return op >= REQ_OP_FIRST_DRIVER ? BLOCK_DRIVER : BLOCK_ZONE;
}

#define FLAG_OF(cmd_flags, bit, flag)                                                    \
	(bpf_core_enum_value_exists(enum req_flag_bits, bit) &&                          \
			 (cmd_flags) >> bpf_core_enum_value(enum req_flag_bits, bit) & 1 \
		 ? (flag)                                                                \
		 : 0)

static __always_inline u32 flags_of(u32 cmd_flags)
{
	return FLAG_OF(cmd_flags, __REQ_SYNC, EV_BLOCK_SYNC) |
	       FLAG_OF(cmd_flags, __REQ_META, EV_BLOCK_META) |
	       FLAG_OF(cmd_flags, __REQ_FUA, EV_BLOCK_FUA) |
	       FLAG_OF(cmd_flags, __REQ_PREFLUSH, EV_BLOCK_PREFLUSH) |
	       FLAG_OF(cmd_flags, __REQ_RAHEAD, EV_BLOCK_AHEAD);
}

/* By blk_status_t, a byte each, since the linker of BPF objects takes no array: none, not
 * supported, timeout, no space, link, remote I/O, exchange, no data; illegal sequence, no memory,
 * I/O, remote address, again, busy, and I/O for the rest. */
#define ERRORS_0_TO_7 0x3d3479431c6e5f00ull
#define ERRORS_8_TO_15 0x0505100b4e050c54ull
#define ERROR_IO 5

/* What programs see: the kernel gives numbers of its own, before 5.16 a negative errno. */
static __always_inline u16 error_of(s32 status)
{
	u64 errors = status < 8 ? ERRORS_0_TO_7 : ERRORS_8_TO_15;

	if (status < 0)
		return -status;
	return status < 16 ? errors >> (status & 7) * 8 & 0xff : ERROR_IO;
}

/* The address of the request that a tracepoint gives first: as a number, with which the verifier
 * allows arithmetic, it can only be had by way of memory. */
static __always_inline u64 address_of_first(const u64 *ctx)
{
	u64 address;

	return bpf_probe_read_kernel(&address, sizeof(address), ctx) ? 0 : address;
}

static __always_inline u32 slot_of(u64 request)
{
	/* Addresses differ in middle bits; an odd constant with well-spread bits mixes them. */
	return (u32)((request * 0x9e3779b97f4a7c15ull) >> 32) & (ISSUER_SLOTS - 1);
}

/* In the task that issues it. */
static __always_inline int on_issue(u64 request)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct task_struct *leader = task_leader(task, true);
	u32 index = slot_of(request);
	struct block_issuer *slot;

	if (!control.events_open || !request)
		return 0;
	slot = bpf_map_lookup_elem(&block_issuers, &index);
	if (!slot)
		return 0;
	*(volatile u64 *)&slot->request = 0; /* whoever looks now finds nothing */
	slot->who.leader_start_ns = leader->start_boottime;
	slot->who.tgid = task->tgid;
	slot->who.tid = task->pid;
	slot->who.exec_id = (u32)task->self_exec_id;
	slot->who.reserved = 0;
	task_comm(task, true, (u64 *)slot->who.comm);
	task_comm(leader, true, slot->leader_comm);
	slot->state = task_wanted(task, true) ? ISSUER_WANTED : ISSUER_UNWANTED;
	__sync_fetch_and_add(&slot->request, request); /* after all that was written before */
	return 0;
}

/* The issuer of a request, which ends here; false: not known. */
static __always_inline bool issuer_take(u64 request, bool last, struct block_issuer *ret_issuer)
{
	u32 index = slot_of(request);
	struct block_issuer *slot = bpf_map_lookup_elem(&block_issuers, &index);

	if (!slot || *(volatile u64 *)&slot->request != request)
		return false;
	*ret_issuer = *slot;
	if (*(volatile u64 *)&slot->request != request)
		return false;
	if (last) /* the address is used again */
		*(volatile u64 *)&slot->request = 0;
	return true;
}

/* Of a request that is not stored singly. */
static __always_inline int count_it(const struct ring_block_io *io, struct block_issuer *issuer,
				    u32 table)
{
	const struct counts_event event = {
		.duration_ns = io->queue_ns + io->service_ns,
		.second_ns = io->queue_ns,
		.amount = io->bytes,
		.kind = LIVE_COUNT_KIND(io->dev_major << 20 | io->dev_minor, 0, CLASS_BLOCK,
					io->op | log2_floor(io->queue_ns) << 8),
		.table = table,
	};

	((u64 *)issuer->who.comm)[0] = issuer->leader_comm[0];
	((u64 *)issuer->who.comm)[1] = issuer->leader_comm[1];
	return counts_add_of(&issuer->who, &event);
}

static __always_inline void disk_fill(struct ring_block_io *io, const struct request *request)
{
	const struct gendisk *disk;

	if (bpf_core_field_exists(request->q->disk))
		disk = request->q->disk;
	else
		disk = ((const struct request___before_5_17 *)request)->rq_disk;
	io->dev_major = io->dev_minor = 0;
	io->disk_lo = io->disk_hi = 0;
	if (!disk)
		return; /* a command to a device without one, such as a tape drive's */
	io->dev_major = disk->major;
	io->dev_minor = disk->first_minor;
	io->disk_lo = ((const u64 *)disk->disk_name)[0];
	io->disk_hi = ((const u64 *)disk->disk_name)[1];
}

static __always_inline void io_fill(struct ring_block_io *io, const struct request *request,
				    s32 status, u32 bytes, const struct block_issuer *issuer)
{
	u64 now_ns = bpf_ktime_get_ns(), queued_ns = request->start_time_ns;
	u64 driver_ns = request->io_start_time_ns;
	u32 cmd_flags = request->cmd_flags;

	/* Flushes that the kernel makes itself are given to the driver at once. */
	if (driver_ns < queued_ns)
		driver_ns = queued_ns;
	io->head.time_ns = queued_ns;
	io->head.leader_start_ns = issuer->who.leader_start_ns;
	io->head.tgid = issuer->who.tgid;
	io->head.tid = issuer->who.tid;
	io->head.exec_id = issuer->who.exec_id;
	io->head.cpu = bpf_get_smp_processor_id();
	io->head.type = EV_BLOCK_IO;
	((u64 *)io->head.comm)[0] = ((const u64 *)issuer->who.comm)[0];
	((u64 *)io->head.comm)[1] = ((const u64 *)issuer->who.comm)[1];
	io->queue_ns = driver_ns - queued_ns;
	io->service_ns = now_ns > driver_ns ? now_ns - driver_ns : 0;
	io->sector = request->__sector;
	io->bytes = bytes;
	io->op = operation_of(cmd_flags);
	io->flags = flags_of(cmd_flags);
	if (bytes < request->__data_len)
		io->flags |= EV_BLOCK_PARTIAL;
	io->error = error_of(status);
	io->reserved_ring = 0;
	disk_fill(io, request);
}

static __always_inline int on_done(u64 address, const struct request *request, s32 status,
				   u32 bytes)
{
	const bool filtered = filter_pids || filter_comm || filter_cgroup;
	u32 table = READ_CONTROL(counts_table);
	struct live_counters *counters;
	struct block_issuer issuer = {};
	struct ring_block_io io;
	u64 attempt;
	bool known;

	if (!control.events_open || request->start_time_ns < control.class_since_ns[CLASS_BLOCK])
		return 0;
	known = issuer_take(address, bytes >= request->__data_len, &issuer);
	if (known ? issuer.state == ISSUER_UNWANTED : filtered)
		return 0;
	counters = counters_of_cpu(CLASS_BLOCK);
	attempt = count_attempt(counters);
	io_fill(&io, request, status, bytes, &issuer);
	/* What failed, and parts, of which only the last is a request, are never only counted. */
	if (control.class_mode[CLASS_BLOCK] != LIVE_COUNTS || io.error ||
	    io.flags & EV_BLOCK_PARTIAL) {
		if (!bpf_ringbuf_output(&block_ring, &io, sizeof(io),
					wakeup_flags(&block_ring, CLASS_BLOCK, attempt)))
			return 0;
		if (io.error || io.flags & EV_BLOCK_PARTIAL) {
			count_refusal(counters, &block_ring, sizeof(io));
			return 0;
		}
	}
	if (!count_it(&io, &issuer, table))
		__sync_fetch_and_add(&counters->no_storage, 1);
	return 0;
}

SEC("tp_btf/block_io_start")
int block_issue_btf(u64 *ctx)
{
	return TIMED(block_issue, on_issue(address_of_first(ctx)));
}

SEC("tp_btf/block_rq_complete")
int block_done_btf(u64 *ctx)
{
	return TIMED(block_done, on_done(address_of_first(ctx), (const struct request *)ctx[0],
					 (s32)ctx[1], (u32)ctx[2]));
}
