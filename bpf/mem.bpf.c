// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory: page faults, of which perf events give one in so many; how large processes are, which the
 * recorder asks for now and then; tasks that have to free memory before they get any; and those
 * that are killed because there is none.
 */
#include "run_time.bpf.h"
#include "samples.bpf.h"
#include "stacks.bpf.h"

/* log2 of the bytes of a page. */
const volatile u32 page_shift = 12;

/* ---- Page faults ---- */

static __always_inline int on_fault(struct bpf_perf_event_data *ctx, u32 flags)
{
	const bool direct = CURRENT_IS_DIRECT();
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_MEMORY);
	struct live_counters *counters;
	struct sample_scratch *scratch;
	struct task_struct *task;
	u64 attempt;

	if (!control.events_open || control.class_mode[CLASS_MEM] == LIVE_COUNTS)
		return 0; /* the event itself counts */
	task = current_task();
	if (!task_wanted(task, direct))
		return 0;
	scratch = bpf_map_lookup_elem(&stack_slots, &slot);
	if (!scratch)
		return 0;
	counters = counters_of_cpu(CLASS_MEM);
	attempt = count_attempt(counters);
	scratch->sample.period = ctx->sample_period;
	scratch->sample.sysno = ctx->addr; /* the fault's address: samples.bpf.h */
	scratch->sample.flags = flags;
	sample_take(ctx, task, scratch, slot, EV_FAULT, true);
	sample_put(scratch, &mem_ring, CLASS_MEM, attempt, counters);
	return 0;
}

SEC("perf_event")
int fault_minor_perf(struct bpf_perf_event_data *ctx)
{
	return TIMED(fault_minor, on_fault(ctx, 0));
}

SEC("perf_event")
int fault_major_perf(struct bpf_perf_event_data *ctx)
{
	return TIMED(fault_major, on_fault(ctx, EV_FAULT_MAJOR));
}

/* ---- Sizes ---- */

enum memory_kind { MEMORY_FILE, MEMORY_ANON, MEMORY_SWAP, MEMORY_SHMEM, MEMORY_KINDS };

/* Memory of each CPU: how far each lies from where the kernel's structures say is the same for all
 * that it has, and thus for its counters. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} cpu_places SEC(".maps");

/* Pointers become numbers by way of memory. */
static __always_inline u64 number_of(const void *pointer)
{
	u64 number = 0;

	(void)bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/* What the map's memory has for an address, before a CPU's offset is added. */
static __always_inline u64 common_place(void)
{
	const struct bpf_array *array = (const void *)number_of(&cpu_places);

	return (u64)BPF_CORE_READ(array, pptrs[0]);
}

struct counter_sum {
	u64 counters; /* less common_place() */
	s64 sum;
};

static long counter_add(u32 cpu, void *context)
{
	struct counter_sum *sum = context;
	const u32 zero = 0;
	const void *there = bpf_map_lookup_percpu_elem(&cpu_places, &zero, cpu);
	s32 part = 0;

	if (!there)
		return 1; /* there are no more CPUs */
	(void)bpf_probe_read_kernel(&part, sizeof(part),
				    (void *)(sum->counters + number_of(there)));
	sum->sum += part;
	return 0;
}

/* Since 6.2 a counter is a sum, and what each CPU has not yet added to it. */
static __always_inline u64 pages_of(const struct mm_struct *mm, u32 kind)
{
	const struct mm_struct___before_6_2 *older = (const void *)mm;
	const struct percpu_counter *counter;
	struct counter_sum sum = {};

	/* Told by the field: of a type that this kernel lacks the loader would look in modules,
	 * too, which takes CAP_SYS_ADMIN. */
	if (bpf_core_field_exists(older->rss_stat)) {
		u64 at = (u64)older + bpf_core_field_offset(older->rss_stat) +
			 kind * bpf_core_type_size(atomic_long_t);

		(void)bpf_probe_read_kernel(&sum.sum, sizeof(sum.sum), (void *)at);
	} else {
		counter = (void *)((u64)mm + bpf_core_field_offset(mm->rss_stat) +
				   kind * bpf_core_type_size(struct percpu_counter));
		sum.sum = BPF_CORE_READ(counter, count);
		sum.counters = (u64)BPF_CORE_READ(counter, counters) - common_place();
		(void)bpf_loop(LIVE_MAX_CPUS, counter_add, &sum, 0);
	}
	return sum.sum > 0 ? sum.sum : 0;
}

struct memory_sizes {
	u64 anon_bytes, file_bytes, shmem_bytes, swap_bytes;
};

static __always_inline void sizes_take(const struct mm_struct *mm, struct memory_sizes *ret_sizes)
{
	ret_sizes->anon_bytes = pages_of(mm, MEMORY_ANON) << page_shift;
	ret_sizes->file_bytes = pages_of(mm, MEMORY_FILE) << page_shift;
	ret_sizes->shmem_bytes = pages_of(mm, MEMORY_SHMEM) << page_shift;
	ret_sizes->swap_bytes = pages_of(mm, MEMORY_SWAP) << page_shift;
}

#define MAX_THREADS 4096 /* of a process, whose faults are summed */

struct thread_walk {
	u64 node, end;
	u64 minor_count, major_count;
};

static long thread_add(u32 index, void *context)
{
	struct thread_walk *walk = context;
	const struct task_struct *thread;

	if (walk->node == walk->end || !walk->node)
		return 1;
	thread = (void *)(walk->node - bpf_core_field_offset(struct task_struct, thread_node));
	walk->minor_count += BPF_CORE_READ(thread, min_flt);
	walk->major_count += BPF_CORE_READ(thread, maj_flt);
	walk->node = (u64)BPF_CORE_READ(thread, thread_node.next);
	return 0;
}

static __always_inline void rss_fill(struct ring_rss *record, const struct task_struct *leader)
{
	const struct mm_struct *mm = BPF_CORE_READ(leader, mm);
	const struct signal_struct *signal = BPF_CORE_READ(leader, signal);
	struct memory_sizes sizes = {};
	struct thread_walk walk = {};
	u64 now_bytes;

	head_fill(&record->head, leader, false, bpf_ktime_get_ns(), EV_RSS);
	record->peak_bytes = 0;
	record->flags = mm ? 0 : EV_RSS_NO_SIZE;
	record->reserved_ring = 0;
	if (mm) {
		sizes_take(mm, &sizes);
		record->peak_bytes = (u64)BPF_CORE_READ(mm, hiwater_rss) << page_shift;
	}
	record->anon_bytes = sizes.anon_bytes;
	record->file_bytes = sizes.file_bytes;
	record->shmem_bytes = sizes.shmem_bytes;
	record->swap_bytes = sizes.swap_bytes;
	now_bytes = sizes.anon_bytes + sizes.file_bytes + sizes.shmem_bytes;
	if (record->peak_bytes < now_bytes) /* noted only when it shrinks */
		record->peak_bytes = now_bytes;
	walk.end = (u64)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	walk.node = (u64)BPF_CORE_READ(signal, thread_head.next);
	(void)bpf_loop(MAX_THREADS, thread_add, &walk, 0);
	if (walk.node != walk.end)
		record->flags |= EV_RSS_THREADS;
	record->minor_count = walk.minor_count + BPF_CORE_READ(signal, min_flt);
	record->major_count = walk.major_count + BPF_CORE_READ(signal, maj_flt);
}

/* What the recorder asks for: 1 + the number of processes to pass over. 0: nothing. */
u64 asked_sizes = 0;

#define MAX_PROCESSES 1048576 /* that are passed over or told; pid_max is 4 million at most */

struct process_walk {
	struct seq_file *seq;
	u64 node, end; /* of the kernel's list of processes */
	u64 to_skip;
	u32 told;
};

static long process_tell(u32 index, void *context)
{
	struct process_walk *walk = context;
	struct ring_rss record;
	const struct task_struct *leader =
		(void *)(walk->node - bpf_core_field_offset(struct task_struct, tasks));

	walk->node = (u64)BPF_CORE_READ(leader, tasks.next);
	if (BPF_CORE_READ(leader, pid) && BPF_CORE_READ(leader, mm) &&
	    process_wanted(leader, false)) {
		if (walk->to_skip) {
			walk->to_skip--;
		} else {
			rss_fill(&record, leader);
			(void)bpf_seq_write(walk->seq, &record, sizeof(record));
			if (++walk->told == LIVE_SIZES_PER_QUESTION)
				return 1;
		}
	}
	return !walk->node || walk->node == walk->end;
}

/*
 * One descriptor has to serve the whole recording, since a new one takes bpf(2), which the recorder
 * cannot call any more; and the kernel's iterator over tasks can be read once only. So this one
 * goes over the kernel's symbols, of which there are very many: it stays at one (1 ends the read,
 * and the next one continues with the same) until it is asked, and each answer takes one.
 */
SEC("iter/ksym")
int list_sizes_iter(struct bpf_iter__ksym *ctx)
{
	struct process_walk walk = {};
	struct task_struct *task;

	if (!ctx->ksym)
		return 0;
	if (!asked_sizes)
		return 1;
	walk.to_skip = asked_sizes - 1;
	asked_sizes = 0;
	task = (struct task_struct *)bpf_get_current_task();
	task = BPF_CORE_READ(task, group_leader);
	walk.seq = ctx->meta->seq;
	walk.end = (u64)task + bpf_core_field_offset(struct task_struct, tasks);
	walk.node = (u64)BPF_CORE_READ(task, tasks.next); /* the recorder is left out anyway */
	(void)bpf_loop(MAX_PROCESSES, process_tell, &walk, 0);
	return 0;
}

/* ---- Ends ---- */

static __always_inline int on_last_exit(struct task_struct *task)
{
	struct live_counters *counters = counters_of_cpu(CLASS_MEM);
	const struct task_struct *leader = task_leader(task, true);
	u64 attempt;
	struct ring_rss record;

	if (!control.events_open || !process_wanted(task, true))
		return 0;
	attempt = count_attempt(counters);
	rss_fill(&record, leader);
	record.flags |= EV_RSS_EXIT;
	if (bpf_ringbuf_output(&mem_ring, &record, sizeof(record),
			       wakeup_flags(&mem_ring, CLASS_MEM, attempt)))
		count_refusal(counters, &mem_ring, sizeof(record));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int process_size_btf(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	bool last = bpf_core_type_exists(btf_trace_sched_process_exit)
			    ? (u8)ctx[1]
			    : task->signal->live.counter == 0;

	return last ? TIMED(process_size, on_last_exit(task)) : 0;
}

/* ---- OOM kills ---- */

/* Since 6.1, and in stable kernels before; until then it gave a pid. */
typedef void (*btf_trace_mark_victim)(void *, struct task_struct *task, unsigned int uid);

static __always_inline int on_oom_kill(struct task_struct *victim)
{
	struct live_counters *counters = counters_of_cpu(CLASS_MEM);
	struct task_struct *trigger = bpf_get_current_task_btf();
	const struct mm_struct *mm = victim->mm;
	struct ring_oom_kill record = {};
	struct memory_sizes sizes = {};
	u64 attempt;

	if (!control.events_open || !process_wanted(victim, true))
		return 0;
	attempt = count_attempt(counters);
	head_fill(&record.head, victim, true, bpf_ktime_get_ns(), EV_OOM_KILL);
	if (mm)
		sizes_take(mm, &sizes);
	record.anon_bytes = sizes.anon_bytes;
	record.file_bytes = sizes.file_bytes;
	record.shmem_bytes = sizes.shmem_bytes;
	record.swap_bytes = sizes.swap_bytes;
	record.score_adj = victim->signal->oom_score_adj;
	record.trigger.leader_start_ns = task_leader_start(trigger, true);
	record.trigger.tgid = trigger->tgid;
	record.trigger.tid = trigger->pid;
	record.trigger.exec_id = (u32)trigger->self_exec_id;
	task_comm(trigger, true, (u64 *)record.trigger.comm);
	if (bpf_ringbuf_output(&mem_ring, &record, sizeof(record),
			       wakeup_flags(&mem_ring, CLASS_MEM, attempt)))
		count_refusal(counters, &mem_ring, sizeof(record));
	return 0;
}

SEC("tp_btf/mark_victim")
int oom_kill_btf(u64 *ctx)
{
	if (!bpf_core_type_exists(btf_trace_mark_victim))
		return 0;
	return TIMED(oom_kill, on_oom_kill((struct task_struct *)ctx[0]));
}

/* ---- Stalls ---- */

#define MAX_STALLS 1024 /* at once; of more, the oldest are forgotten */

struct stall {
	u64 begin_ns;
	u32 kind, order;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_STALLS);
	__type(key, u32); /* tid */
	__type(value, struct stall);
} mem_stalls SEC(".maps");

/* Begins and ends have got arguments in 7.2, and a begin's order has become the second. */
typedef void (*btf_trace_mm_vmscan_direct_reclaim_begin)(void *, int order, unsigned int flags);
typedef void (*btf_trace_mm_vmscan_memcg_reclaim_begin)(void *, int order, unsigned int flags);
#define ORDER_OF(prototype, ctx) ((u32)(bpf_core_type_exists(prototype) ? (ctx)[0] : (ctx)[1]))

static __always_inline int on_stall_begin(u32 kind, u32 order)
{
	struct stall stall = {.begin_ns = bpf_ktime_get_ns(), .kind = kind, .order = order};
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid;

	if (control.events_open && task_wanted(task, true))
		(void)bpf_map_update_elem(&mem_stalls, &tid, &stall, BPF_ANY);
	return 0;
}

/* The begin of its slot. */
struct stall_record {
	struct ring_mem_stall stall;
	u64 frames[2 * EV_MAX_FRAMES];
};

static __always_inline void stall_stack(void *ctx, struct task_struct *task,
					struct stall_record *record, u32 slot)
{
	u32 kernel = frames_of(bpf_get_stack(ctx, record->frames, STACK_MAX_BYTES, 0));
	struct ring_copy copy = {};
	bool copies = false;

	record->stall.kernel_frames = kernel;
	if (task->flags & PF_KTHREAD_BIT)
		return;
	record->stall.user_frames =
		user_stack_take(ctx, task, record->frames, kernel, &copy, &copies);
	if (copies)
		record->stall.copy_bytes = copy_put(
			(char *)record, slot,
			COPY_AT(sizeof(record->stall), kernel + record->stall.user_frames), &copy);
}

static __always_inline int on_stall_end(void *ctx, u32 kind, u64 reclaimed_count)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const u32 slot = stack_slot_index(LIVE_STACK_SLOT_MEMORY);
	struct live_counters *counters = counters_of_cpu(CLASS_MEM);
	struct stall_record *record;
	struct stall *stall;
	u64 attempt, bytes;
	u32 tid = task->pid;

	stall = bpf_map_lookup_elem(&mem_stalls, &tid);
	if (!stall || stall->kind != kind)
		return 0;
	record = bpf_map_lookup_elem(&stack_slots, &slot);
	if (!record || !control.events_open ||
	    stall->begin_ns < control.class_since_ns[CLASS_MEM]) {
		(void)bpf_map_delete_elem(&mem_stalls, &tid);
		return 0;
	}
	attempt = count_attempt(counters);
	head_fill(&record->stall.head, task, true, stall->begin_ns, EV_MEM_STALL);
	record->stall.duration_ns = bpf_ktime_get_ns() - stall->begin_ns;
	record->stall.reclaimed_count = reclaimed_count;
	record->stall.stall = kind;
	record->stall.page_order = stall->order;
	record->stall.kernel_frames = record->stall.user_frames = 0;
	record->stall.copy_bytes = 0;
	(void)bpf_map_delete_elem(&mem_stalls, &tid);
	stall_stack(ctx, task, record, slot);
	bytes = sizeof(record->stall) +
		((u64)record->stall.kernel_frames + record->stall.user_frames) * sizeof(u64) +
		record->stall.copy_bytes;
	if (bytes <= stack_slot_bytes &&
	    bpf_ringbuf_output(&mem_ring, record, bytes,
			       wakeup_flags(&mem_ring, CLASS_MEM, attempt)))
		count_refusal(counters, &mem_ring, bytes);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int direct_begin_btf(u64 *ctx)
{
	return TIMED(direct_begin,
		     on_stall_begin(STALL_DIRECT,
				    ORDER_OF(btf_trace_mm_vmscan_direct_reclaim_begin, ctx)));
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int direct_end_btf(u64 *ctx)
{
	return TIMED(direct_end, on_stall_end(ctx, STALL_DIRECT, ctx[0]));
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int cgroup_begin_btf(u64 *ctx)
{
	return TIMED(cgroup_begin,
		     on_stall_begin(STALL_CGROUP,
				    ORDER_OF(btf_trace_mm_vmscan_memcg_reclaim_begin, ctx)));
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int cgroup_end_btf(u64 *ctx)
{
	return TIMED(cgroup_end, on_stall_end(ctx, STALL_CGROUP, ctx[0]));
}
