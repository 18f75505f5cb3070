#pragma once
/* Ctrl-C during work that creates a file: the work ends in order and removes the file. */
#include <stdbool.h>

/* Of SIGINT and SIGTERM the first is noted, the second kills at once. */
void kymo_stop_catch(void);
bool kymo_stop_asked(void);
