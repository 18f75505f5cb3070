/* What is stricter wins: a kind or a sensitivity that is not known here is dropped. */
#include "analyzer/redact/redact_fields.h"

enum { /* ids of row types by their name */
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) TYPE_##name = id,
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
};

static const struct {
	u32 type;
	unsigned int field;
	enum kymo_redact_class which;
} overrides[] = {
#define REDACT_FIELD(event, field, which) \
	{TYPE_##event, ROW_##event##_##field, KYMO_REDACT_##which},
#include "analyzer/redact/redact_fields.def"
#undef REDACT_FIELD
};

static enum kymo_redact_class class_of_text(u8 sensitivity)
{
	switch (sensitivity) {
	case CAP_SENSE_PUBLIC:
		return KYMO_REDACT_TEXT;
	case CAP_SENSE_NAME:
		return KYMO_REDACT_NAME;
	case CAP_SENSE_PATH:
		return KYMO_REDACT_PATH;
	case CAP_SENSE_PAYLOAD:
		return KYMO_REDACT_NETWORK;
	default:
		return KYMO_REDACT_PAYLOAD;
	}
}

static enum kymo_redact_class class_of_number(u8 sensitivity)
{
	switch (sensitivity) {
	case CAP_SENSE_PUBLIC:
		return KYMO_REDACT_NONE;
	case CAP_SENSE_NAME:
	case CAP_SENSE_PATH:
		return KYMO_REDACT_NUMBER;
	case CAP_SENSE_ADDR:
		return KYMO_REDACT_ARGUMENT;
	default:
		return KYMO_REDACT_PAYLOAD;
	}
}

enum kymo_redact_class kymo_redact_class_of(const struct cap_type *type, unsigned int field)
{
	const struct cap_field *about = &type->fields[field];

	for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
		if (overrides[i].type == type->id && overrides[i].field == field)
			return overrides[i].which;
	}
	switch (about->kind) {
	case CAP_KIND_TASK: /* their local tables are rewritten row by row */
	case CAP_KIND_STACK:
		return KYMO_REDACT_NONE;
	case CAP_KIND_COPY:
		return KYMO_REDACT_STACK;
	case CAP_KIND_STRING:
		return class_of_text(about->sensitivity);
	case CAP_KIND_BYTES:
		return about->sensitivity == CAP_SENSE_PUBLIC ? KYMO_REDACT_BUILD_ID
							      : KYMO_REDACT_PAYLOAD;
	default:
		return class_of_number(about->sensitivity);
	}
}
