#pragma once
/* What the budgets took from a recording, for the summary at its end. */
#include <stdio.h>

#include "recorder/session/record.h"

/* Lines, each with the program's name in front; nothing where all was recorded. */
void rec_budget_text(FILE *out, const struct rec_options *options, const struct rec_result *result);
/* ,"budget":{...} */
void rec_budget_json(FILE *out, const struct rec_result *result);
