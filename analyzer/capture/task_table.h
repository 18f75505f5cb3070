#pragma once
/*
 * All threads and processes of a capture: chunks name them by local tables, here each gets one
 * number. A process is (tgid, start, exec count); a task is a thread of it under one name. Numbers
 * start at 1; 0 is none.
 */
#include <stdbool.h>

#include "analyzer/capture/blob_table.h"
#include "formats/base/word_map.h"
#include "formats/write/chunk.h"

struct kymo_process {
	u32 tgid;
	u32 exec_id;
	u64 leader_start_ns;
	u64 begin_ns, end_ns;  /* 0: not seen */
	u32 comm, exe, cgroup; /* in names */
	u32 comm_before;       /* the last renaming: at renamed_ns, from this; 0: none */
	u64 renamed_ns;
	bool ended_by_exec;
	u32 parent_process; /* as forked; 0: not seen */
	u32 parent_tgid;
	bool parent_known;
	bool kernel_thread;
};

struct kymo_task {
	u32 process;
	u32 tgid, tid;
	u32 comm;
};

struct kymo_tasks {
	struct kymo_task *tasks; /* [0] unused */
	u32 task_count, task_capacity;
	struct kymo_process *processes;
	u32 process_count, process_capacity;
	struct kymo_blob_table names;
	struct kymo_blob_table identities;
	struct cap_word_map by_identity; /* of processes: (start, tgid | exec) */
	struct cap_word_map newest;	 /* tgid -> newest leader task seen */
};

void kymo_tasks_done(struct kymo_tasks *tasks);

/* No start: it is matched with another task of its tgid. Idle tasks really start at 0. */
static inline bool kymo_task_is_weak(const struct cap_task *task)
{
	return task->leader_start_ns == 0 && task->tgid != 0;
}

/* The number of a task, new or known. A task whose start is unknown (leader_start_ns 0, as
 * side-band records have it) is the newest known leader of its tgid, if there is one. Negative:
 * -ENOMEM. */
s64 kymo_tasks_add(struct kymo_tasks *tasks, const struct cap_task *task);

/* The number of a process. Negative: -ENOMEM. */
s64 kymo_tasks_process(struct kymo_tasks *tasks, u32 tgid, u64 leader_start_ns, u32 exec_id);

/* After everything was added: fills in paths that children inherited from their parents. */
void kymo_tasks_settle(struct kymo_tasks *tasks);
