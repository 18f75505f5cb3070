#pragma once
/* What the recorder writes as JSON: summary and doctor. Small enough to need no library.
 */
#include <stdio.h>

/* text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD each. */
void rec_json_string(FILE *out, const char *text);
