#pragma once
/* What the budgets left out of a recording, for the summary at its end. */
#include <stdio.h>

#include "recorder/session/record.h"

/* Lines with the program's name in front; nothing if everything was recorded. */
void rec_budget_text(FILE *out, const struct rec_options *options, const struct rec_result *result);
/* ,"budget":{...} */
void rec_budget_json(FILE *out, const struct rec_result *result);
