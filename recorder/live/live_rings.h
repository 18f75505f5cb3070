#pragma once
/* Drains the rings into the pipeline, and is woken when one fills up. */
#include "formats/base/cap_error.h"
#include "recorder/live/live_probes.h"
#include "recorder/pipeline/pipeline.h"

struct live_rings;

/* Called for each record of the tasks ring before the pipeline sees it. */
typedef void (*live_task_fn)(void *context, const struct ring_head *head);

/* Maps the rings of the attached classes. 0 or negative ("MapOperationFailed"). */
int live_rings_open(const struct live_probes *probes, live_task_fn on_task, void *context,
		    struct live_rings **ret_rings, struct cap_err *err);
struct live_rings *live_rings_free(struct live_rings *rings);

/*
 * Remembers how far the rings are filled: the next live_rings_drain of those whose records hold
 * copies of stacks goes so far. What was mapped when they were taken is then in the side-band, if
 * that is drained in between.
 */
void live_rings_note(struct live_rings *rings);
/* Moves what is there to the pipeline, the tasks ring first. Bounded: returns after about two full
 * rings, however fast events arrive. */
int live_rings_drain(struct live_rings *rings, struct rec_pipeline *pipeline, struct cap_err *err);
/* The tasks ring only. */
int live_rings_drain_tasks(struct live_rings *rings, struct rec_pipeline *pipeline,
			   struct cap_err *err);

/* Readable once per wake-up by a program; a drain resets it. */
int live_rings_wake_fd(const struct live_rings *rings);
