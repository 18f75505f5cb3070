#pragma once
/*
 * Shutdown of a recording in steps, each timed, reported and bounded: a step that hangs in the
 * kernel is given up, so that the file still gets its END. Steps run in threads made at the start
 * (none can be made later), which hold no capability.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/table/events.h"

#define REC_STEP_LIMIT_MS 2000u
#define REC_STEP_HELPERS \
	2u /* this many steps may hang; after that the rest is left to process exit */
#define REC_STEPS_TEXT_BYTES 1024u

struct rec_steps;

/* Starts the helpers. tell: called with one line per step as it ends; may be NULL.
 * 0, -errno or CAP_EPRIVILEGE. */
int rec_steps_open(void (*tell)(const char *text), struct rec_steps **ret_steps,
		   struct cap_err *err);
/* Returns NULL. If a step hangs, nothing is freed: it may resume any time. */
struct rec_steps *rec_steps_free(struct rec_steps *steps);

/* Notes that a step which cannot hang was done since the last one; what: NULL where the first
 * begins. steps may be NULL. */
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
