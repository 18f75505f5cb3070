#pragma once
/* end_reasons.def at run time. */
#include "formats/table/events.h"

enum cap_end_reason {
#define END_REASON(value, upper, name) CAP_END_##upper = value,
#include "formats/table/end_reasons.def"
#undef END_REASON
};

/* "unknown" if it is of a newer version. */
const char *cap_end_reason_name(u32 reason);
