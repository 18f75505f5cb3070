#pragma once
/* Whether a word of the command line names something that kymo reads. */
#include <stdbool.h>

/* A capture by its content or its name, a database, or a pipe or -, which may bring one. Says
 * nothing of whether it is sound, or there at all. */
bool kymo_is_input(const char *path);
