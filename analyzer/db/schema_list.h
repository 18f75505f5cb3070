#pragma once
/*
 * Tables and views as a list: what SQLite makes of the schema, with what SCHEMA.md, events.def and
 * the comments in the SQL say of them. Nothing is listed here by hand.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"

struct kymo_listed_column {
	char *name;
	const char *type; /* INTEGER, REAL, TEXT; "": of a view, not known before it is asked */
	const char *unit; /* ns, s, bytes, percent, count, hz; "": none */
	char *about;	  /* "": nothing is said */
};

struct kymo_listed_table {
	char *name;
	bool is_view, is_rows; /* is_rows: of a row type of captures */
	char *about;	       /* "": nothing is said */
	char *example;	       /* a query */
	struct kymo_listed_column *columns;
	size_t column_count;
};

struct kymo_schema_list {
	struct kymo_listed_table *tables; /* row types, dictionaries and summaries, then views; each
					     in order of name */
	size_t count;
};

/* 0, -ENOMEM or SQLite's error. The caller frees what there is in either case. */
int kymo_schema_list_read(struct kymo_schema_list *ret_list, struct cap_err *err);
void kymo_schema_list_done(struct kymo_schema_list *list); /* for CLEANUP */
