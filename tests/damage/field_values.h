#pragma once
/* Every size, offset, count, parent and id of every structure, set to what it must not be (S5). */
#include <stdbool.h>

int check_field_values(bool full, bool sanitize);
