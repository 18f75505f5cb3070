#pragma once
/* What bpf/counts.bpf.c does in the kernel, for synthetic events: calls added up by process,
 * number, outcome and power of two of their duration. */
#include "formats/table/events.h"
#include "recorder/pipeline/pipeline.h"

struct syn_counts;

/* Calls return after begin_ns. NULL when out of memory. free accepts NULL and returns NULL. */
struct syn_counts *syn_counts_new(u64 begin_ns);
struct syn_counts *syn_counts_free(struct syn_counts *fold);

/* Adds a call of a thread whose process leads the record's head. A table is written out when full
 * or a second old; now_ns is when the call returned. 0 or negative. */
int syn_counts_add(struct syn_counts *fold, struct rec_pipeline *pipeline,
		   const struct ring_syscall *call, const struct ring_head *leader, u64 now_ns);
/* Writes out what was added. 0 or negative. */
int syn_counts_take(struct syn_counts *fold, struct rec_pipeline *pipeline, u64 now_ns);
