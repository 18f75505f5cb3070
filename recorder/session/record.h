#pragma once
/* One recording from begin to end. */
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "formats/base/cap_error.h"
#include "formats/write/capture_writer.h"
#include "recorder/budget/budget_control.h"
#include "recorder/host/own_cost.h"
#include "recorder/names/names.h"
#include "recorder/options/rec_options.h"
#include "recorder/pipeline/pipeline.h"

struct rec_result { /* what the summary tells */
	enum cap_end_reason reason;
	u64 elapsed_ns;			   /* while events flowed */
	struct rec_pipeline_counts counts; /* written_bytes: size of the whole capture */
	struct rec_own_cost cost;	   /* between the first event and the end */
	struct rec_budget_result budget;
	struct rec_names_result names;
	u32 cpu_count;
	bool incomplete;   /* the source had more than could be read from it */
	bool recorded;	   /* events flowed; false: no file was left */
	pid_t command_pid; /* 0: no command was given */
	bool command_exited;
	int command_status; /* as waitpid gives it */
};

struct rec_screen {
	FILE *status; /* for the live line, if it is a terminal; NULL: none */
	/* Reports what is missing from the recording, a line without newline; never NULL. */
	void (*warn)(const char *text);
	/* Reports each step of the shutdown, a line without newline; NULL: not wanted. */
	void (*step)(const char *text);
	/* Limits what the process may do once everything is open and attached; cannot be undone. 0
	 * or negative. NULL: nothing, for a process that lives on after its recording. */
	int (*confine)(struct cap_err *err);
};

/*
 * Records as options say and always detaches and closes what it opened. screen: where messages go
 * meanwhile. 0, or negative when something failed; *ret_result is filled in either way. If nothing
 * was recorded, no file stays. Takes over SIGINT, SIGTERM, SIGHUP, SIGPIPE and SIGCHLD.
 */
int rec_record(const struct rec_options *options, const struct rec_screen *screen,
	       struct rec_result *ret_result, struct cap_err *err);
