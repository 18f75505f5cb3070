#pragma once
/* Numbers as text, for any output. */
#include <stddef.h>

#include "analyzer/output/report_writer.h"

#define KYMO_NUMBER_BYTES 64

/* For people: "1.234 ms", "1,234,567". Writes "-" for NULL. Text values are not for this function.
 */
void kymo_format_shown(const struct kymo_value *value, enum kymo_show show,
		       char ret_text[KYMO_NUMBER_BYTES]);

/* For programs: the shortest text that reads back as the same number; "null" for NULL and for what
 * JSON cannot hold. */
void kymo_format_plain(const struct kymo_value *value, char ret_text[KYMO_NUMBER_BYTES]);

/* A whole number in decimal digits; its length. printf takes several times as long, which counts
 * where millions of rows are written. */
size_t kymo_format_int(s64 value, char ret_text[KYMO_NUMBER_BYTES]);
