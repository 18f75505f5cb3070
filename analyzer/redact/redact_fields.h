#pragma once
/* Which class a field belongs to, by its kind and sensitivity or by redact_fields.def. */
#include "analyzer/redact/redact_capture.h"

enum kymo_redact_class kymo_redact_class_of(const struct cap_type *type, unsigned int field);
