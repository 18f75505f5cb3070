/* What is stricter wins: a kind or a sensitivity that is not known here is dropped. */
#include "analyzer/redact/redact_classes.h"

#include <string.h>

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

static const struct {
	const char *name;
	enum kymo_redact_action action[2];
	const char *covers;
} classes[] = {
#define REDACT_CLASS(upper, name, share, strict, covers) \
	{name, {KYMO_REDACT_##share, KYMO_REDACT_##strict}, covers},
#include "analyzer/redact/redact_classes.def"
#undef REDACT_CLASS
};

const char *kymo_redact_class_name(enum kymo_redact_class which)
{
	return classes[which].name;
}

const char *kymo_redact_class_covers(enum kymo_redact_class which)
{
	return classes[which].covers;
}

const char *kymo_redact_level_name(enum kymo_redact_level level)
{
	return level == KYMO_REDACT_STRICT ? "strict" : "share";
}

enum kymo_redact_class kymo_redact_class_named(const char *name)
{
	int i = 0;

	while (i < KYMO_REDACT_CLASSES && strcmp(classes[i].name, name) != 0)
		i++;
	return (enum kymo_redact_class)i;
}

enum kymo_redact_action kymo_redact_action_of(enum kymo_redact_class which,
					      enum kymo_redact_level level)
{
	return classes[which].action[level];
}
