/*
 * Rows that say what was there before: CLOCK, PROCS, MAPS, MODULES, SYMBOLS, STATS, into the model
 * that reports ask, without SQLite. Bits 0-3 of the first byte choose the block's type, bit 4 that
 * the same body also comes as a chunk; the rest is the body.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/capture_open.h"
#include "formats/base/limits.h"
#include "fuzz_target.h"

static const uint32_t block_types[] = {CAP_BLOCK_CLOCK,	  CAP_BLOCK_PROCS,   CAP_BLOCK_MAPS,
				       CAP_BLOCK_MODULES, CAP_BLOCK_SYMBOLS, CAP_BLOCK_STATS,
				       CAP_BLOCK_CHUNK,	  CAP_BLOCK_META};
#define BLOCK_TYPES (sizeof(block_types) / sizeof(block_types[0]))

static void check_tasks(const struct kymo_tasks *tasks)
{
	for (u32 i = 1; i < tasks->task_count; i++)
		if (tasks->tasks[i].process >= tasks->process_count ||
		    (tasks->tasks[i].comm && tasks->tasks[i].comm >= tasks->names.count))
			abort();
	for (u32 i = 1; i < tasks->process_count; i++) {
		const struct kymo_process *process = &tasks->processes[i];

		if (process->parent_process >= tasks->process_count ||
		    (process->comm && process->comm >= tasks->names.count) ||
		    (process->exe && process->exe >= tasks->names.count) ||
		    (process->cgroup && process->cgroup >= tasks->names.count) ||
		    (process->comm_before && process->comm_before >= tasks->names.count))
			abort();
	}
}

static void check_stacks(const struct kymo_stacks *stacks)
{
	for (u32 i = 1; i < stacks->module_count; i++) {
		const struct kymo_module *module = &stacks->modules[i];

		if ((module->path && module->path >= stacks->names.count) ||
		    (module->name && module->name >= stacks->names.count) ||
		    (module->build_id && module->build_id >= stacks->names.count))
			abort();
	}
	for (u32 i = 1; i < stacks->frame_count; i++)
		if (stacks->frames[i].module && stacks->frames[i].module >= stacks->module_count)
			abort();
	for (u32 i = 1; i < stacks->stack_count; i++) {
		const struct kymo_stack *stack = &stacks->stacks[i];

		if (stack->parent >= i || stack->frame >= stacks->frame_count ||
		    stack->depth > CAP_MAX_STACK_DEPTH ||
		    stack->depth != (stack->parent ? stacks->stacks[stack->parent].depth : 0) + 1)
			abort();
	}
}

/* Asks for addresses near what is mapped, at a few times. */
static void ask_mappings(struct kymo_capture *capture)
{
	static const u64 addresses[] = {0, 1, 0x400000, 0x7f0000000000, INT64_MAX, UINT64_MAX};
	static const u64 times[] = {0, 1000, 5000, 1ull << 40, UINT64_MAX};
	u32 last = capture->tasks.process_count < 16 ? capture->tasks.process_count : 16;

	for (u32 i = 0; i < last; i++) {
		u32 tgid = i ? capture->tasks.processes[i].tgid : 0;

		for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
			u32 epoch = kymo_mappings_epoch(capture->mappings, tgid, times[t]);

			for (size_t a = 0; a < sizeof(addresses) / sizeof(addresses[0]); a++) {
				struct kymo_mapping found;

				if (!kymo_mappings_find(capture->mappings, tgid, times[t],
							addresses[a], &found))
					continue;
				if (!epoch || addresses[a] < found.start ||
				    addresses[a] >= found.end ||
				    found.module >= capture->stacks.module_count)
					abort();
			}
		}
	}
}

static void ask_names(struct kymo_capture *capture)
{
	for (u32 i = 1; i < capture->stacks.frame_count; i++) {
		const struct kymo_frame *frame = &capture->stacks.frames[i];
		u64 start = 0;
		u32 name = kymo_kernel_names_find(&capture->kernel_names, frame->module,
						  frame->offset, &start);

		if (name && (name >= capture->stacks.names.count || start > frame->offset))
			abort();
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned int seed)
{
	if (len < 2 || seed % 32 == 0)
		return LLVMFuzzerMutate(bytes, len, max_len);
	return 1 + fuzz_mutate_body(bytes + 1, len - 1, max_len - 1, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kymo_capture *capture = NULL;
	struct fuzz_capture wrapped;
	struct cap_err err = {0};

	if (len < 2)
		return 0;
	fuzz_capture_begin(&wrapped, NULL, 0);
	fuzz_capture_rows(&wrapped, block_types[bytes[0] % 16 % BLOCK_TYPES], bytes + 1, len - 1);
	if (bytes[0] & 16)
		fuzz_capture_rows(&wrapped, CAP_BLOCK_CHUNK, bytes + 1, len - 1);
	(void)fuzz_file(wrapped.bytes, wrapped.len);
	if (kymo_capture_open(fuzz_file_path(), NULL, &capture, &err) < 0)
		abort(); /* damage is counted, not refused */
	check_tasks(&capture->tasks);
	check_stacks(&capture->stacks);
	ask_mappings(capture);
	ask_names(capture);
	(void)kymo_capture_end_ns(capture);
	(void)kymo_capture_dropped(capture);
	(void)kymo_capture_damaged(capture);
	(void)kymo_capture_close(capture);
	fuzz_capture_done(&wrapped);
	return 0;
}
