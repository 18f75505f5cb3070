/* The built-in tables, expanded from the .def files, and look-ups in any schema. */
#include "formats/table/schema.h"

#include <string.h>
#include <sys/types.h>

#include "formats/base/limits.h"
#include "formats/table/capture_facts.h"

#define IS_SIGNED_u8 false
#define IS_SIGNED_u16 false
#define IS_SIGNED_u32 false
#define IS_SIGNED_u64 false
#define IS_SIGNED_s32 true
#define IS_SIGNED_s64 true
#define NEED_REQ false
#define NEED_OPT true

#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	static const struct cap_field fields_of_##name[] = {
#define FIELD(ev, fid, ctype, fname, fkind, source, funit, sense, need) \
	{.id = (fid),                                                   \
	 .kind = CAP_KIND_##fkind,                                      \
	 .unit = CAP_UNIT_##funit,                                      \
	 .sensitivity = CAP_SENSE_##sense,                              \
	 .width_bytes = sizeof(ctype),                                  \
	 .is_signed = IS_SIGNED_##ctype,                                \
	 .optional = NEED_##need,                                       \
	 .row_offset = offsetof(struct ev_##ev, fname),                 \
	 .name = #fname},
#define RING_ONLY(...)
#define EVENT_END(ev, row_bytes_, ring_bytes_) \
	}                                      \
	;
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef EVENT_END

#define EVENT_BEGIN(tid, upper, tname, tblock, event_class, tail)                 \
	{.id = (tid),                                                             \
	 .block = CAP_BLOCK_##tblock,                                             \
	 .name = #tname,                                                          \
	 .fields = fields_of_##tname,                                             \
	 .field_count = sizeof(fields_of_##tname) / sizeof(fields_of_##tname[0]), \
	 .row_bytes = sizeof(struct ev_##tname)},
#define FIELD(...)
#define EVENT_END(...)
static const struct cap_type builtin_types[] = {
#include "formats/table/events.def"
};
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
_Static_assert(EV_TYPE_MAX < 64, "totals and block places have a bit per type");

/* CAP_KIND_OF_event_class, ... */
enum {
#define ENUM(en, id, upper, name) CAP_KIND_OF_##en = CAP_KIND_##upper,
#include "formats/table/enums.def"
#undef ENUM
};
#define SYSCALL_NAME(number, sname) {.kind = CAP_KIND_SYSNO, .value = (number), .name = (sname)},
#define ENUM_VALUE(en, number, upper, vname) \
	{.kind = CAP_KIND_OF_##en, .value = (number), .name = (vname)},
static const struct cap_enum_value builtin_enums[] = {
#include "formats/table/syscalls.def"
#include "formats/table/enums.def"
};
static const struct cap_enum_value enums_of_any_machine[] = {
#include "formats/table/enums.def"
};
#undef SYSCALL_NAME
#undef ENUM_VALUE

static struct cap_schema builtin = {
	.types = builtin_types,
	.type_count = sizeof(builtin_types) / sizeof(builtin_types[0]),
	.enums = builtin_enums,
	.enum_count = sizeof(builtin_enums) / sizeof(builtin_enums[0]),
};

static const struct cap_schema of_any_machine = {
	.types = builtin_types,
	.type_count = sizeof(builtin_types) / sizeof(builtin_types[0]),
	.enums = enums_of_any_machine,
	.enum_count = sizeof(enums_of_any_machine) / sizeof(enums_of_any_machine[0]),
};

static const u64 released_ids[] = {
#define RELEASED(major, minor, machine, id) (id),
#include "formats/table/released.def"
#undef RELEASED
	0 /* of no schema; keeps the array from being empty */
};

const struct cap_schema *cap_schema_builtin(void)
{
	return &builtin;
}

const struct cap_schema *cap_schema_released(u64 id)
{
	for (size_t i = 0; released_ids[i]; i++)
		if (released_ids[i] == id)
			return &builtin;
	return NULL;
}

const struct cap_schema *cap_schema_of_any_machine(void)
{
	return &of_any_machine;
}

const struct cap_type *cap_schema_type(const struct cap_schema *schema, u32 type_id)
{
	/* Most ids are in order, without gaps. */
	if (type_id >= 1 && type_id <= schema->type_count &&
	    schema->types[type_id - 1].id == type_id)
		return &schema->types[type_id - 1];
	for (size_t i = 0; i < schema->type_count; i++)
		if (schema->types[i].id == type_id)
			return &schema->types[i];
	return NULL;
}

const struct cap_type *cap_schema_type_by_name(const struct cap_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->type_count; i++)
		if (strcmp(schema->types[i].name, name) == 0)
			return &schema->types[i];
	return NULL;
}

const struct cap_field *cap_type_field(const struct cap_type *type, const char *name)
{
	for (size_t i = 0; i < type->field_count; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return &type->fields[i];
	return NULL;
}

const char *cap_schema_enum_name(const struct cap_schema *schema, enum cap_kind kind, u32 value)
{
	size_t low = 0, high = schema->enum_order ? schema->enum_count : 0;

	/* If a value is named twice, the first name counts; enum_order keeps that order. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct cap_enum_value *at = &schema->enums[schema->enum_order[middle]];

		if (at->kind < kind || (at->kind == kind && at->value < value))
			low = middle + 1;
		else
			high = middle;
	}
	if (schema->enum_order) {
		const struct cap_enum_value *at =
			low < schema->enum_count ? &schema->enums[schema->enum_order[low]] : NULL;

		return at && at->kind == kind && at->value == value ? at->name : NULL;
	}
	for (size_t i = 0; i < schema->enum_count; i++)
		if (schema->enums[i].kind == kind && schema->enums[i].value == value)
			return schema->enums[i].name;
	return NULL;
}

const char *cap_kind_name(u16 kind)
{
	switch (kind) {
#define KIND(id, upper, name, encoding) \
	case (id):                      \
		return name;
#include "formats/table/kinds.def"
#undef KIND
	default:
		return "?";
	}
}

const char *cap_unit_name(u8 unit)
{
	switch (unit) {
#define UNIT(id, upper, name) \
	case (id):            \
		return name;
#include "formats/table/kinds.def"
#undef UNIT
	default:
		return "?";
	}
}

const char *cap_sensitivity_name(u8 sensitivity)
{
	switch (sensitivity) {
#define SENSITIVITY(id, upper, name) \
	case (id):                   \
		return name;
#include "formats/table/kinds.def"
#undef SENSITIVITY
	default:
		return "?";
	}
}

const char *cap_block_name(u32 block_type)
{
	switch (block_type) {
#define BLOCK(type, upper, name, skip, body) \
	case (type):                         \
		return name;
#include "formats/table/blocks.def"
#undef BLOCK
	default:
		return "unknown";
	}
}

bool cap_block_holds_rows(u32 block_type)
{
	switch (block_type) {
#define BODY_FIXED false
#define BODY_SCHEMA false
#define BODY_ROWS true
#define BLOCK(type, upper, name, skip, body) \
	case (type):                         \
		return BODY_##body;
#include "formats/table/blocks.def"
#undef BLOCK
	default:
		return false;
	}
}

#define CLASS_NONE EV_CLASS_COUNT
#define IF_STORED_COUNTS(event_class) EV_CLASS_COUNT
#define IF_COUNTED_COUNTS(event_class) event_class
#define STORED(event_class) event_class
#define NOT_COUNTED(event_class) EV_CLASS_COUNT
#define IF_STORED_NOTHING STORED
#define IF_STORED_CALL STORED
#define IF_STORED_FRAMES STORED
#define IF_STORED_PATH STORED
#define IF_STORED_COMM STORED
#define IF_STORED_ENDS STORED
#define IF_STORED_DISK STORED
#define IF_STORED_NAMES STORED
#define IF_STORED_TEXT STORED
#define IF_STORED_NO_RING STORED
#define IF_COUNTED_NOTHING NOT_COUNTED
#define IF_COUNTED_CALL NOT_COUNTED
#define IF_COUNTED_FRAMES NOT_COUNTED
#define IF_COUNTED_PATH NOT_COUNTED
#define IF_COUNTED_COMM NOT_COUNTED
#define IF_COUNTED_ENDS NOT_COUNTED
#define IF_COUNTED_DISK NOT_COUNTED
#define IF_COUNTED_NAMES NOT_COUNTED
#define IF_COUNTED_TEXT NOT_COUNTED
#define IF_COUNTED_NO_RING NOT_COUNTED
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)

u32 cap_class_of_type(u32 type)
{
	switch (type) {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	case EV_##upper:                                       \
		return IF_STORED_##tail(CLASS_##event_class);
#include "formats/table/events.def"
#undef EVENT_BEGIN
	default:
		return EV_CLASS_COUNT;
	}
}

u32 cap_class_counted_in(u32 type)
{
	switch (type) {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) \
	case EV_##upper:                                       \
		return IF_COUNTED_##tail(CLASS_##event_class);
#include "formats/table/events.def"
#undef EVENT_BEGIN
	default:
		return EV_CLASS_COUNT;
	}
}
