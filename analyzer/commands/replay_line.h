#pragma once
/* An event as a line of text, as strace users know it. */
#include <stdio.h>

#include "analyzer/capture/section_values.h"

struct kymo_replay_row {
	const struct cap_schema *schema;
	const struct cap_rows *rows;
	const struct cap_section *section; /* its type is known */
	const struct kymo_section_values *values;
	u32 row;
};

/* The value of the first field of that kind, or of the field of that name; fallback where there is
 * none. */
u64 kymo_replay_time(const struct kymo_replay_row *row); /* ns of the record clock; 0: none */
/* Whose event it is: the field named task, else the first one; NULL: nobody's. */
const struct cap_task *kymo_replay_task(const struct kymo_replay_row *row);

/* All but the time and the line's end: "nginx/1234 read(...) = 5 <0.000012>". */
void kymo_replay_line(FILE *out, const struct kymo_replay_row *row);
