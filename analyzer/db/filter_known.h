#pragma once
/* Whether what a report is limited to is there at all: an empty answer about a process that the
 * capture does not know would look like one. */
#include "analyzer/db/open_db.h"

/* For a resolved filter. 0, or -ESRCH where the captures it is about know no such process or thread
 * name: err says which they have. */
int kymo_filter_known(struct kymo_db *db, const struct kymo_filter *filter, struct cap_err *err);

/* 0, or -ESRCH where the captures name no such system call: err says which may be meant. */
int kymo_syscall_known(struct kymo_db *db, const struct kymo_filter *filter, const char *name,
		       struct cap_err *err);

#define KYMO_WINDOW_TEXT_BYTES 160
/* Fills in why a window of time is empty: it lies before or after all that was recorded. "" where
 * it does not. */
int kymo_filter_window(struct kymo_db *db, const struct kymo_filter *filter,
		       char ret_text[KYMO_WINDOW_TEXT_BYTES], struct cap_err *err);
