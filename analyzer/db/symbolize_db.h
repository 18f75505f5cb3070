#pragma once
/*
 * Names for the user frames of a database: each distinct (build-id, offset) is looked up once,
 * module by module. Also records, per module, why there are no names, so that reports can say what
 * would help.
 */
#include "analyzer/db/captured_names.h"
#include "analyzer/symbols/find_object.h"
#include "formats/base/cap_error.h"

struct sqlite3;

struct kymo_symbol_options {
	struct kymo_object_search search;
};

/*
 * Fills symbol, symbol_offset_bytes and name of the frames that have no symbol yet, and table
 * module_symbols. handle must be writable; the caller owns the transaction. options may be NULL:
 * this machine's files. What cannot be found is no error. -ENOMEM, or the database's error.
 */
int kymo_symbolize_frames(struct sqlite3 *handle, const struct kymo_symbol_options *options,
			  enum kymo_names_source source, struct cap_err *err);
