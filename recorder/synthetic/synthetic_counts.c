/* A hash table in memory. Nothing is lost: when full it is written out. */
#include "recorder/synthetic/synthetic_counts.h"

#include <stdlib.h>
#include <string.h>

#include "recorder/pipeline/counted_rows.h"

#define SLOTS 32768u /* a power of two */
#define TAKE_NS 1000000000ull
#define MAX_ERRNO 4095

struct slot {
	struct cap_task leader;
	struct ev_syscall_count row; /* call_count 0: free */
};

struct syn_counts {
	u64 from_ns;
	u32 used;
	struct slot slots[SLOTS];
};

struct syn_counts *syn_counts_new(u64 begin_ns)
{
	struct syn_counts *fold = calloc(1, sizeof(*fold));

	if (fold)
		fold->from_ns = begin_ns;
	return fold;
}

struct syn_counts *syn_counts_free(struct syn_counts *fold)
{
	free(fold);
	return NULL;
}

int syn_counts_take(struct syn_counts *fold, struct rec_pipeline *pipeline, u64 now_ns)
{
	struct rec_counted_rows rows = {
		.pipeline = pipeline, .from_ns = fold->from_ns, .to_ns = now_ns};
	int rc = 0, end_rc;

	for (u32 i = 0; i < SLOTS && fold->used > 0; i++) {
		struct slot *slot = &fold->slots[i];
		const struct rec_counted counted = REC_COUNTED(SYSCALL_COUNT, &slot->row);
		int add_rc = slot->row.call_count
				     ? rec_counted_rows_add(&rows, &slot->leader, &counted)
				     : 0;

		if (rc == 0)
			rc = add_rc;
	}
	end_rc = rec_counted_rows_end(&rows);
	memset(fold->slots, 0, sizeof(fold->slots));
	fold->used = 0;
	fold->from_ns = now_ns;
	return rc < 0 ? rc : end_rc;
}

static u32 log2_floor(u64 value)
{
	return value ? 63 - (u32)__builtin_clzll(value) : 0;
}

static bool is_same(const struct slot *slot, const struct slot *wanted)
{
	const struct ev_syscall_count *a = &slot->row, *b = &wanted->row;

	return a->sysno == b->sysno && a->bucket == b->bucket && a->error == b->error &&
	       a->cpu == b->cpu && a->flags == b->flags &&
	       memcmp(&slot->leader, &wanted->leader, sizeof(slot->leader)) == 0;
}

static struct slot *find_slot(struct syn_counts *fold, const struct slot *wanted)
{
	const struct ev_syscall_count *row = &wanted->row;
	u64 mixed = ((u64)wanted->leader.tgid << 32 | row->sysno) ^
		    ((u64)row->bucket << 48 | (u64)row->error << 20 | row->cpu);
	u32 hash = (u32)(mixed * 0x9e3779b97f4a7c15ull >> 40); /* as in the kernel: golden ratio */
	struct slot *slot;

	do
		slot = &fold->slots[hash++ & (SLOTS - 1)];
	while (slot->row.call_count && !is_same(slot, wanted));
	return slot;
}

int syn_counts_add(struct syn_counts *fold, struct rec_pipeline *pipeline,
		   const struct ring_syscall *call, const struct ring_head *leader, u64 now_ns)
{
	struct slot wanted = {
		.leader = {.leader_start_ns = leader->leader_start_ns,
			   .tgid = leader->tgid,
			   .tid = leader->tgid,
			   .exec_id = leader->exec_id},
		.row = {.sysno = call->sysno,
			.flags = call->flags & (EV_SYSCALL_COMPAT | EV_SYSCALL_NO_RETURN),
			.bucket = log2_floor(call->duration_ns),
			.cpu = call->head.cpu},
	};
	struct slot *slot;
	int rc = 0;

	memcpy(wanted.leader.comm, leader->comm, sizeof(wanted.leader.comm));
	if (call->ret < 0 && call->ret >= -MAX_ERRNO)
		wanted.row.error = (u16)-call->ret;
	if (fold->used > SLOTS / 2 || now_ns - fold->from_ns > TAKE_NS)
		rc = syn_counts_take(fold, pipeline, now_ns - 1); /* before this call returned */
	slot = find_slot(fold, &wanted);
	if (!slot->row.call_count) {
		*slot = wanted;
		fold->used++;
	}
	slot->row.call_count++;
	slot->row.total_ns += call->duration_ns;
	return rc;
}
