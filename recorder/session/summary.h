#pragma once
/* What a recording tells at its end. */
#include <stdio.h>

#include "recorder/session/record.h"

#define REC_EXIT_OK 0
#define REC_EXIT_FAILURE 1
#define REC_EXIT_USAGE 2
#define REC_EXIT_LOSS 3	  /* done, but data was lost */
#define REC_EXIT_KERNEL 4 /* kernel or privilege */

/* rc as rec_record returned it. */
int rec_exit_status(int rc, const struct rec_result *result);

/* For people. Nothing if no recording took place. */
void rec_summary_text(FILE *out, const struct rec_options *options,
		      const struct rec_result *result);
/* One JSON object; keys are stable. error: the message of a failure, or NULL. */
void rec_summary_json(FILE *out, const struct rec_options *options, const struct rec_result *result,
		      int exit_status, const struct cap_err *error);
