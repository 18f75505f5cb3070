#pragma once
/* Counts for people. Each function writes to text and returns it. */
#include <stddef.h>

#include "formats/table/events.h"

/* 1234567 -> "1,234,567"; text_bytes >= 28 fits all. */
const char *rec_count_text(u64 count, char *text, size_t text_bytes);
