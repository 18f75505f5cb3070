#pragma once
/* What waits are for: the names of wait_kinds.def. The rule itself is SQL, in views wait_calls and
 * idle_pools. */
#include <stdbool.h>
#include <stddef.h>

bool kymo_wait_kind_known(const char *name, size_t name_bytes);
const char *kymo_wait_kind_names(void); /* "lock, io, ...", for messages */
