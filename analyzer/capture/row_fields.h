#pragma once
/* Places of fields in the built-in field list of their type: ROW_<event>_<field>. Made from
 * events.def. */
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	enum row_fields_of_##name                              \
	{
#define FIELD(ev, id, ctype, name, kind, source, unit, sense, need) ROW_##ev##_##name,
#define RING_ONLY(...)
#define EVENT_END(ev, row_bytes, ring_bytes) \
	ROW_COUNT_##ev                       \
	}                                    \
	;
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

#define ROW_MAX_FIELDS 32 /* of any built-in type; checked in section_columns.c */
