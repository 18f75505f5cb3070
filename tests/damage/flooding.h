#pragma once
/* Keys chosen to fall together in hash tables, and stacks that are the worst case for import (S6).
 */
#include <stdbool.h>

int check_flooding(bool full, bool sanitize);
