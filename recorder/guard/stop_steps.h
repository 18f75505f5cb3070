#pragma once
/*
 * The end of a recording in steps, each timed, told, and bounded: one that waits in the kernel is
 * given up, so that the file gets its END all the same. Threads for that are made at the start,
 * since later no thread may be made, and hold no capability.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/table/events.h"

#define REC_STEP_LIMIT_MS 2000u
#define REC_STEP_HELPERS 2u /* so many steps may hang; after that the rest is left to our exit */
#define REC_STEPS_TEXT_BYTES 1024u

struct rec_steps;

/* Starts the helpers. tell: each step as it ends, a line without its end; NULL: nobody listens.
 * 0, -errno or CAP_EPRIVILEGE. */
int rec_steps_open(void (*tell)(const char *text), struct rec_steps **ret_steps,
		   struct cap_err *err);
/* NULL. Where a step hangs nothing is freed: it may go on any time. */
struct rec_steps *rec_steps_free(struct rec_steps *steps);

/* A step that cannot hang was done since the last one; what: NULL where the first begins. steps may
 * be NULL. */
void rec_steps_note(struct rec_steps *steps, const char *what);
/*
 * Runs the step in a helper. False: it was given up, and context, with all it leads to, must not be
 * touched any more. Without steps (NULL) it is run here.
 */
bool rec_steps_run(struct rec_steps *steps, const char *what, void (*step)(void *context),
		   void *context);

/* Was a step given up? Then what it works on must be left alone, and the process should end. */
bool rec_steps_hung(const struct rec_steps *steps);
/* All steps with their times, for the capture. */
const char *rec_steps_text(const struct rec_steps *steps);
