#pragma once
/* What the virtual table kymo_model(TABLE) can show. For vtab_model.c. */
#include "analyzer/db/vtab.h"

struct kymo_model_table {
	const char *name;
	const char *columns; /* separated by commas */
	u64 (*count)(const struct kymo_capture *capture);
	/* Sets the result; leaves it alone for NULL. */
	void (*column)(const struct kymo_vtab_source *source, sqlite3_context *context, u64 row,
		       int column);
};

/* NULL if there is no such table. */
const struct kymo_model_table *kymo_model_table_find(const char *name);
