/*
 * The rings are the largest part: a drain each 100 ms at 500,000 system calls/s leaves 4 MB in one,
 * and as much again lets the recorder be late once. Their pages are mapped twice in a row, so each
 * byte counts twice in our memory.
 */
#include "recorder/budget/memory_plan.h"

#define MIB (1ull << 20)
#define RING_MIN_BYTES (256ull << 10)
#define RING_BYTES (8 * MIB)	  /* without a budget */
#define RING_MAX_BYTES (32 * MIB) /* with a large one */
#define SAMPLES_DIVISOR 8	  /* what the other rings are of that of system calls */
#define TASKS_DIVISOR 16
#define SMALL_RING_MIN_BYTES (64ull << 10)
#define QUEUE_MIN_BYTES (2 * MIB)
#define QUEUE_MAX_BYTES (8 * MIB)
/* Measured with rings of 4 KiB: 15.4 MB, most of it while programs are loaded, with the table of
 * counted calls for up to TABLE_CPUS; and what chunks in work take. */
#define FIXED_BYTES (20 * MIB)
#define TABLE_CPUS 128
#define TABLE_CPU_BYTES (32ull << 10)

static u64 larger(u64 a, u64 b)
{
	return a > b ? a : b;
}

static struct rec_memory_plan plan_for(u64 ring_bytes, bool same_for_all)
{
	struct rec_memory_plan plan = {
		.syscalls_ring_bytes = ring_bytes,
		.cpu_ring_bytes = larger(ring_bytes / SAMPLES_DIVISOR, SMALL_RING_MIN_BYTES),
		.tasks_ring_bytes = larger(ring_bytes / TASKS_DIVISOR, SMALL_RING_MIN_BYTES),
		.queue_bytes = larger(ring_bytes, QUEUE_MIN_BYTES),
	};

	if (same_for_all)
		plan.cpu_ring_bytes = plan.tasks_ring_bytes = ring_bytes;
	if (plan.queue_bytes > QUEUE_MAX_BYTES)
		plan.queue_bytes = QUEUE_MAX_BYTES;
	return plan;
}

static u64 needed_by(const struct rec_memory_plan *plan, const struct rec_options *options,
		     u32 cpu_count)
{
	u64 needed = FIXED_BYTES + plan->queue_bytes;

	if (cpu_count == 0)
		return needed;
	needed += 2 * plan->tasks_ring_bytes;
	if (options->classes & (1u << CLASS_CPU))
		needed += 2 * plan->cpu_ring_bytes;
	if (options->classes & (1u << CLASS_SYSCALLS))
		needed += 2 * plan->syscalls_ring_bytes +
			  (cpu_count > TABLE_CPUS ? (cpu_count - TABLE_CPUS) * TABLE_CPU_BYTES : 0);
	return needed;
}

void rec_memory_plan(const struct rec_options *options, u32 cpu_count,
		     struct rec_memory_plan *ret_plan)
{
	u64 budget_bytes = options->mem_budget_bytes;
	u64 ring_bytes = budget_bytes ? RING_MAX_BYTES : RING_BYTES;

	if (options->ring_bytes) {
		*ret_plan = plan_for(options->ring_bytes, true);
		ret_plan->needed_bytes = needed_by(ret_plan, options, cpu_count);
		while (budget_bytes && ret_plan->needed_bytes > budget_bytes &&
		       ret_plan->queue_bytes / 2 >= QUEUE_MIN_BYTES) {
			ret_plan->queue_bytes /= 2;
			ret_plan->needed_bytes -= ret_plan->queue_bytes;
		}
		return;
	}
	for (;; ring_bytes /= 2) {
		*ret_plan = plan_for(ring_bytes, false);
		ret_plan->needed_bytes = needed_by(ret_plan, options, cpu_count);
		if (!budget_bytes || ret_plan->needed_bytes <= budget_bytes ||
		    ring_bytes <= RING_MIN_BYTES)
			return;
	}
}
