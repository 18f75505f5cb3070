#pragma once
/* Text for messages about options: what a user or a file wrote, made safe for a terminal. */
#include <stddef.h>

#define REC_SHOWN_BYTES 96

/* text with control bytes, quotes and everything beyond ASCII escaped as \xNN, cut with "..." if it
 * does not fit. */
const char *rec_text_show(const char *text, size_t len, char ret_shown[REC_SHOWN_BYTES]);

/* argv as one line a shell would read back as the same words. malloc'd; NULL when out of memory. */
char *rec_text_command_line(int argc, char *const *argv);
