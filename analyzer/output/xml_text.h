#pragma once
/* Names in XML: safe_text.h decides what may be shown; here it is escaped. */
#include <stddef.h>
#include <stdio.h>

/*
 * Writes a name as character data or attribute value: visible, and with & < > " ' escaped.
 * max_columns cuts it there, ending in ".."; 0 writes all. Errors stay in the stream (ferror).
 */
void kymo_xml_write(FILE *out, const char *bytes, size_t len, size_t max_columns);
