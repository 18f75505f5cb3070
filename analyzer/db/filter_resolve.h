#pragma once
/* What a filter as the user typed it means for the captures of an open database. */
#include "analyzer/db/filter.h"
#include "analyzer/db/open_db.h"

/*
 * Makes the times absolute (INT64_MIN and INT64_MAX where open) and sets capture_id where the
 * database holds one capture. CAP_EUSAGE if the capture does not exist, if times relative to the
 * start are asked of several captures, or if the window ends before it begins.
 */
int kymo_filter_resolve(struct kymo_db *db, struct kymo_filter *filter, struct cap_err *err);
