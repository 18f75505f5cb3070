#pragma once
/* What record.c and record_stop.c share: one recording. */
#include <signal.h>
#include <stdbool.h>

#include "recorder/session/command_child.h"
#include "recorder/budget/budget_control.h"
#include "recorder/host/host_facts.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/session/pid_watch.h"
#include "recorder/pipeline/rec_source.h"
#include "recorder/session/record.h"
#include "recorder/session/info_blocks.h"
#include "recorder/pipeline/size_limit.h"
#include "recorder/session/status_line.h"
#include "recorder/guard/stop_steps.h"

struct recording {
	struct rec_options options; /* a copy: the command's pid joins the filter */
	struct rec_info side;	    /* source and pipeline, too */
	struct rec_output *output;
	struct rec_command command;
	struct rec_pid_watch pids;
	struct rec_host_facts facts;
	const struct rec_screen *screen;
	struct rec_status status;
	sigset_t signals;
	struct rec_caller_signals caller_signals;
	int timer_fd, duration_fd, signal_fd;

	bool started, ended, incomplete;
	enum cap_end_reason reason;
	u64 begin_ns, end_ns, second_ns; /* CLOCK_MONOTONIC */
	u32 seconds;
	struct rec_size_limit size_limit;
	struct rec_own_cost begin_cost;
	struct rec_steps *steps; /* of the end */
};

/* For rec_source_ops.missing; context is the recording. */
void recording_warn_missing(void *context, const char *what, const char *why);

/*
 * Detaches and ends the file, whatever failed before (rc < 0). Returns the first error of it all
 * but that of the file's end, which is *ret_end_rc.
 */
int recording_stop(struct recording *rec, int rc, int *ret_end_rc, struct cap_err *err);
