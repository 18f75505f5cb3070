/*
 * The rings are the largest part: a drain each 100 ms at 500,000 system calls/s leaves 4 MB in one,
 * and as much again lets the recorder be late once. Their pages are mapped twice in a row, so each
 * byte counts twice in our memory.
 */
#include "recorder/budget/memory_plan.h"

#include "recorder/options/event_classes.h"

#define MIB (1ull << 20)
#define RING_MIN_BYTES (256ull << 10)
#define RING_BYTES (8 * MIB)	  /* without a budget */
#define RING_MAX_BYTES (32 * MIB) /* with a large one */
#define SMALL_RING_MIN_BYTES (64ull << 10)
#define QUEUE_MIN_BYTES (2 * MIB)
#define QUEUE_MAX_BYTES \
	(6 * MIB) /* so that all classes fit the default budget with the largest ring */
/* Measured with rings of 4 KiB: 15.4 MB, most of it while programs are loaded, with the table of
 * counted calls for up to TABLE_CPUS; and what chunks in work take. */
#define FIXED_BYTES (20 * MIB)
#define TABLE_CPUS 128
#define TABLE_CPU_BYTES (32ull << 10)

/* Copies of stacks: rings for so much time at their rate, half of the largest copy each, so that
 * one drain may be late; waits come at about the rate of samples. And the slots where programs put
 * them together. */
#define COPY_RING_MS 200
#define COPY_RING_MAX_BYTES (8 * MIB)
#define COPY_RATE_HZ 99
#define COPY_FAULT_HZ 50 /* as many page faults are stored with a budget */
#define COPY_SLOT_EXTRA_BYTES (7u << 10)
#define COPY_SLOTS 3

static bool has_copies(const struct rec_options *options)
{
	return options->stacks == REC_STACKS_COPY && options->copy_bytes &&
	       options->classes & EV_CLASSES_WITH_STACKS;
}

/* At least what copies of a class need, but no more than the largest ring; a power of two. */
static u64 copy_ring_bytes(const struct rec_options *options, u32 event_class, u32 cpu_count,
			   u64 ring_bytes, u64 most_bytes)
{
	u64 hz = event_class == CLASS_CPU && options->sample_hz ? options->sample_hz
		 : event_class == CLASS_MEM			? COPY_FAULT_HZ
								: COPY_RATE_HZ;
	u64 wanted = (u64)cpu_count * hz * COPY_RING_MS / 1000 * (options->copy_bytes / 2);

	if (!has_copies(options) || !(EV_CLASSES_WITH_STACKS & 1u << event_class))
		return ring_bytes;
	while (ring_bytes < wanted && ring_bytes * 2 <= most_bytes &&
	       ring_bytes * 2 <= COPY_RING_MAX_BYTES)
		ring_bytes *= 2;
	return ring_bytes;
}

static u64 larger(u64 a, u64 b)
{
	return a > b ? a : b;
}

static struct rec_memory_plan plan_for(const struct rec_options *options, u32 cpu_count,
				       u64 ring_bytes, bool same_for_all)
{
	const u32 classes = options->classes | rec_classes_when(REC_CLASS_ALWAYS);
	struct rec_memory_plan plan = {.queue_bytes = larger(ring_bytes, QUEUE_MIN_BYTES)};

	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		const struct rec_event_class *class = &rec_event_classes[i];

		if (!class->has_ring || !(classes & 1u << i))
			continue;
		plan.ring_bytes[i] = ring_bytes;
		if (!same_for_all && class->ring_part > 1)
			plan.ring_bytes[i] = copy_ring_bytes(
				options, i, cpu_count,
				larger(ring_bytes / class->ring_part, SMALL_RING_MIN_BYTES),
				ring_bytes);
	}
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
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		needed += 2 * plan->ring_bytes[i];
	if (has_copies(options))
		needed +=
			(u64)cpu_count * COPY_SLOTS * (options->copy_bytes + COPY_SLOT_EXTRA_BYTES);
	if (options->classes & (1u << CLASS_SYSCALLS) && cpu_count > TABLE_CPUS)
		needed += (cpu_count - TABLE_CPUS) * TABLE_CPU_BYTES;
	return needed;
}

void rec_memory_plan(const struct rec_options *options, u32 cpu_count,
		     struct rec_memory_plan *ret_plan)
{
	u64 budget_bytes = options->mem_budget_bytes;
	u64 ring_bytes = budget_bytes ? RING_MAX_BYTES : RING_BYTES;

	if (options->ring_bytes) {
		*ret_plan = plan_for(options, cpu_count, options->ring_bytes, true);
		ret_plan->needed_bytes = needed_by(ret_plan, options, cpu_count);
		while (budget_bytes && ret_plan->needed_bytes > budget_bytes &&
		       ret_plan->queue_bytes / 2 >= QUEUE_MIN_BYTES) {
			ret_plan->queue_bytes /= 2;
			ret_plan->needed_bytes -= ret_plan->queue_bytes;
		}
		return;
	}
	for (;; ring_bytes /= 2) {
		*ret_plan = plan_for(options, cpu_count, ring_bytes, false);
		ret_plan->needed_bytes = needed_by(ret_plan, options, cpu_count);
		if (!budget_bytes || ret_plan->needed_bytes <= budget_bytes ||
		    ring_bytes <= RING_MIN_BYTES)
			return;
	}
}
