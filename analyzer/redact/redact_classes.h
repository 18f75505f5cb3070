#pragma once
/* What may be private, and which fields hold it: redact_classes.def, redact_fields.def. */
#include "analyzer/capture/row_fields.h"
#include "formats/table/schema.h"

enum kymo_redact_class {
#define REDACT_CLASS(upper, name, share, strict, covers) KYMO_REDACT_##upper,
#include "analyzer/redact/redact_classes.def"
#undef REDACT_CLASS
	KYMO_REDACT_CLASSES,
	KYMO_REDACT_NONE = KYMO_REDACT_CLASSES, /* of a field that is not private */
};

enum kymo_redact_action { KYMO_REDACT_KEEP, KYMO_REDACT_REPLACE, KYMO_REDACT_DROP };
enum kymo_redact_level { KYMO_REDACT_SHARE, KYMO_REDACT_STRICT };

const char *kymo_redact_class_name(enum kymo_redact_class which);
const char *kymo_redact_class_covers(enum kymo_redact_class which);
const char *kymo_redact_level_name(enum kymo_redact_level level);
/* KYMO_REDACT_NONE: there is no such class. */
enum kymo_redact_class kymo_redact_class_named(const char *name);
enum kymo_redact_action kymo_redact_action_of(enum kymo_redact_class which,
					      enum kymo_redact_level level);

/* The class of a field, by its kind and sensitivity or by redact_fields.def. */
enum kymo_redact_class kymo_redact_class_of(const struct cap_type *type, unsigned int field);
