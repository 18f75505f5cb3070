/* Identities are interned as bytes, so two tasks are one only if every part of them is equal. */
#include "analyzer/capture/task_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INHERIT_DEPTH 64
#define EXEC_RENAME_NS 100000000ull /* an exec renames the thread shortly before it is reported */

void kymo_tasks_done(struct kymo_tasks *tasks)
{
	free(tasks->tasks);
	free(tasks->processes);
	kymo_blob_table_done(&tasks->names);
	kymo_blob_table_done(&tasks->identities);
	cap_word_map_done(&tasks->by_identity);
	cap_word_map_done(&tasks->newest);
	memset(tasks, 0, sizeof(*tasks));
}

static int make_room(void *list, u32 *capacity, u32 count, size_t item_bytes)
{
	void **items = list;
	u32 wanted = *capacity ? *capacity * 2 : 64;
	void *bigger;

	if (count < *capacity)
		return 0;
	bigger = realloc(*items, wanted * item_bytes);
	if (!bigger)
		return -ENOMEM;
	memset((char *)bigger + *capacity * item_bytes, 0, (wanted - *capacity) * item_bytes);
	*items = bigger;
	*capacity = wanted;
	return 0;
}

s64 kymo_tasks_process(struct kymo_tasks *tasks, u32 tgid, u64 leader_start_ns, u32 exec_id)
{
	u64 low = (u64)tgid << 32 | exec_id;
	u32 found = cap_word_map_get(&tasks->by_identity, leader_start_ns, low);

	if (found)
		return found;
	if (tasks->process_count == 0)
		tasks->process_count = 1;
	if (make_room(&tasks->processes, &tasks->process_capacity, tasks->process_count,
		      sizeof(*tasks->processes)) < 0 ||
	    cap_word_map_put(&tasks->by_identity, leader_start_ns, low, tasks->process_count) < 0)
		return -ENOMEM;
	tasks->processes[tasks->process_count] = (struct kymo_process){
		.tgid = tgid, .leader_start_ns = leader_start_ns, .exec_id = exec_id};
	return tasks->process_count++;
}

static s64 new_task(struct kymo_tasks *tasks, const struct cap_task *task, u32 number)
{
	s64 comm =
		kymo_blob_add(&tasks->names, task->comm, strnlen(task->comm, EV_COMM_BYTES), NULL);
	s64 process = kymo_tasks_process(tasks, task->tgid, task->leader_start_ns, task->exec_id);

	if (comm < 0 || process < 0 ||
	    make_room(&tasks->tasks, &tasks->task_capacity, number, sizeof(*tasks->tasks)) < 0)
		return -ENOMEM;
	tasks->tasks[number] = (struct kymo_task){
		.process = (u32)process, .tgid = task->tgid, .tid = task->tid, .comm = (u32)comm};
	tasks->task_count = number + 1;
	if (task->tid == task->tgid || tasks->processes[process].comm == 0)
		tasks->processes[process].comm = (u32)comm;
	if (task->tid == task->tgid && cap_word_map_put(&tasks->newest, task->tgid, 0, number) < 0)
		return -ENOMEM;
	return number;
}

s64 kymo_tasks_add(struct kymo_tasks *tasks, const struct cap_task *task)
{
	struct cap_task identity = *task;
	bool is_new;
	s64 number;
	u32 leader;

	if (kymo_task_is_weak(task)) {
		leader = cap_word_map_get(&tasks->newest, task->tgid, 0);
		if (leader)
			return leader;
	}
	identity.reserved = 0;
	number = kymo_blob_add(&tasks->identities, &identity, sizeof(identity), &is_new);
	if (number < 0 || !is_new)
		return number;
	return new_task(tasks, task, (u32)number);
}

void kymo_tasks_settle(struct kymo_tasks *tasks)
{
	for (u32 i = 1; i < tasks->process_count; i++) {
		struct kymo_process *process = &tasks->processes[i];
		u32 from = process->parent_process;

		/* The new program's name belongs to the process after the exec. */
		if (process->ended_by_exec && process->comm_before != 0 &&
		    process->end_ns - process->renamed_ns <= EXEC_RENAME_NS)
			process->comm = process->comm_before;
		/* A child runs its parent's program until it calls exec. */
		for (int depth = 0; process->exe == 0 && from != 0 && depth < MAX_INHERIT_DEPTH;
		     depth++) {
			process->exe = tasks->processes[from].exe;
			from = tasks->processes[from].parent_process;
		}
	}
}
