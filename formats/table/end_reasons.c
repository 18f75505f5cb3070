/* Names of END's reasons, made from end_reasons.def. */
#include "formats/table/end_reasons.h"

const char *cap_end_reason_name(u32 reason)
{
	switch (reason) {
#define END_REASON(value, upper, name) \
	case value:                    \
		return name;
#include "formats/table/end_reasons.def"
#undef END_REASON
	default:
		return "unknown";
	}
}
