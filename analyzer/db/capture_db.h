#pragma once
/* What db/ needs to know about a capture behind a database. */
#include "analyzer/capture/capture_model.h"
#include "analyzer/capture/syscall_rows.h"
#include "analyzer/db/open_db.h"

struct kymo_capture *kymo_db_capture(const struct kymo_db *db); /* NULL: a database */

/* The aggregate that was made at opening for exactly these calls; false: there is none. */
bool kymo_db_take_filtered(struct kymo_db *db, const struct kymo_syscall_wanted *wanted,
			   struct kymo_syscall_aggregate **ret_aggregate, u64 *ret_outside);
