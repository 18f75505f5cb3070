#pragma once
/* Ctrl-C during work that leaves a file behind: the work ends in order and takes the file away. */
#include <stdbool.h>

/* Of SIGINT and SIGTERM the first is noted, the second kills at once. */
void kymo_stop_catch(void);
bool kymo_stop_asked(void);
