#pragma once
/* Counts and names as people read them. Each writes to text, which it returns. */
#include <stddef.h>

#include "formats/table/events.h"

/* 1234567 -> "1,234,567"; text_bytes >= 28 fits all. */
const char *rec_count_text(u64 count, char *text, size_t text_bytes);
/* Bytes that would disturb a terminal, and '\', as \xNN; cut where text ends. */
const char *rec_visible_text(const char *bytes, char *text, size_t text_bytes);
