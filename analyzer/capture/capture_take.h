#pragma once
/* What the first pass keeps from a section of rows. For capture_model.c only. */
#include "analyzer/capture/capture_model.h"
#include "analyzer/capture/section_columns.h"

/* Columns are set to the section. 0 or -ENOMEM. */
int kymo_capture_take(struct kymo_capture *capture, struct kymo_section_columns *columns);
