#pragma once
/* Rows of a table or view: what has to be known of it before the database is opened. */
#include "formats/base/cap_error.h"

#define KYMO_TABLE_NAME_BYTES 64
#define KYMO_TABLE_SQL_BYTES 1024

/* "SELECT * FROM name"; CAP_EUSAGE where that is no name of ours. */
int kymo_table_sql(const char *name, char ret_sql[KYMO_TABLE_SQL_BYTES], struct cap_err *err);
