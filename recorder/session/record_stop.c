/* The end of a recording: gate, detach, last blocks; in steps that are told and bounded. */
#include "recorder/session/record_state.h"

#include <errno.h>
#include <stdio.h>

void recording_warn_missing(void *context, const char *what, const char *why)
{
	struct recording *rec = context;
	char text[512];

	(void)snprintf(text, sizeof(text), "not recorded: %s: %s", what, why[0] ? why : "refused");
	rec->screen->warn(text);
	if (rec->started)
		rec->incomplete = true;
}

static void only_note(int number)
{
	(void)number; /* the end is on its way */
}

/*
 * A recording that ends by itself may still be interrupted. The first signal says what happens
 * anyway, the next one kills at once. After an end by signal that is so already (take_signals).
 */
static void open_to_signals(struct recording *rec)
{
	struct sigaction once = {.sa_handler = only_note,
				 .sa_flags = (int)SA_RESETHAND | SA_RESTART};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	if (rec->reason == CAP_END_SIGNAL && rec->ended)
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigismember(&rec->signals, numbers[i]) == 1)
			(void)sigaction(numbers[i], &once, NULL); /* cannot fail for these */
	(void)sigdelset(&rec->signals, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &rec->signals, NULL);
}

/* A step given up is said, and all steps stand in the capture. */
static void keep_steps(struct recording *rec)
{
	char text[REC_STEPS_TEXT_BYTES + 128];

	if (!rec->steps || !rec_steps_text(rec->steps)[0])
		return;
	if (rec_steps_hung(rec->steps)) {
		(void)snprintf(
			text, sizeof(text),
			"a step of the end was given up, the kernel did not answer (%s); the "
			"capture is closed, and what is left goes with this process",
			rec_steps_text(rec->steps));
		rec->screen->warn(text);
		rec->incomplete = true;
	}
	(void)rec_info_mark(&rec->side, "stop",
			    rec_steps_text(rec->steps)); /* no memory: without */
}

int recording_stop(struct recording *rec, int rc, int *ret_end_rc, struct cap_err *err)
{
	struct cap_err first = *err;
	int stop_rc;

	rec_status_clear(&rec->status);
	open_to_signals(rec);
	rec_steps_note(rec->steps, NULL);
	rec_budget_control_end(rec->side.control);
	stop_rc = rec->side.ops->stop(rec->side.source, rec->side.pipeline, rc < 0 ? &first : err);
	if (rc == 0 && stop_rc < 0)
		rc = stop_rc;
	if (rec->side.ops->missing)
		rec->side.ops->missing(rec->side.source, recording_warn_missing, rec);
	if (rc != -EPIPE) {
		(void)rec_info_stats(&rec->side); /* out of memory here: the rows before stand */
		(void)rec_info_watch_clocks(&rec->side, true);
		keep_steps(rec);
	}
	if (rc < 0 && !rec_output_error_is_full(rc) && rc != -EPIPE)
		rec->reason = CAP_END_IO_ERROR;
	(void)rec_pipeline_tick(rec->side.pipeline, rec_info_now(&rec->side),
				&first); /* its error comes again from finish */
	*ret_end_rc = rec_pipeline_finish(rec->side.pipeline, rec->reason, rc < 0 ? &first : err);
	rec_steps_note(rec->steps, "file ended");
	return rc;
}
