#pragma once
/* From an open database back to the capture it shows. For db/ only. */
#include "analyzer/db/open_db.h"
#include "analyzer/capture/capture_model.h"

/* NULL where the file is a database. */
struct kymo_capture *kymo_db_capture(const struct kymo_db *db);
