#pragma once
/*
 * The rows of one block, written anew into a chunk: each column is decoded, may be changed by the
 * rules of who asks, and is encoded again. Works on all row types by the tables: strings, tasks and
 * stacks are followed by the kinds of fields. What is not in the built-in tables is left out and
 * reported.
 */
#include "analyzer/capture/capture_model.h"
#include "analyzer/rewrite/rewrite_rules.h"
#include "formats/write/capture_writer.h"

struct kymo_rewrite_rows;

/* capture: opened, for unwinding; must outlive it. */
int kymo_rewrite_rows_new(struct kymo_capture *capture, const struct kymo_rewrite_rules *rules,
			  struct kymo_rewrite_rows **ret_rows, struct cap_err *err);
struct kymo_rewrite_rows *kymo_rewrite_rows_free(struct kymo_rewrite_rows *rows);

/* Writes the rows of a block; as several blocks if they do not fit one. */
int kymo_rewrite_block(struct kymo_rewrite_rows *rows, const struct kymo_rewrite_schema *schema,
		       const struct cap_block *block, const struct cap_rows *from,
		       struct cap_writer *writer, struct cap_err *err);
