/*
 * The SCHEMA payload: records {u16 tag, u16 fixed_len, u32 len, fixed part, name}, so that a later
 * version may add tags or lengthen a fixed part without breaking this reader. SPEC.md, "Schema".
 */
#include <errno.h>
#include <stdlib.h>

#include "formats/base/bytes.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"

enum schema_tag { TAG_TYPE = 1, TAG_FIELD = 2, TAG_ENUM = 3 };

#define RECORD_HEAD_BYTES 8
#define TYPE_FIXED_BYTES 8
#define FIELD_FIXED_BYTES 12
#define ENUM_FIXED_BYTES 8
#define FIELD_FLAG_SIGNED 1u
#define FIELD_FLAG_OPTIONAL 2u

/* -------- encode -------- */

static u8 *put_record(u8 *at, u16 tag, const u8 *fixed, u16 fixed_len, const char *name)
{
	size_t name_len = strlen(name);

	cap_store_le(at, tag, 2);
	cap_store_le(at + 2, fixed_len, 2);
	cap_store_le(at + 4, fixed_len + name_len, 4);
	memcpy(at + RECORD_HEAD_BYTES, fixed, fixed_len);
	memcpy(at + RECORD_HEAD_BYTES + fixed_len, name, name_len);
	return at + RECORD_HEAD_BYTES + fixed_len + name_len;
}

static u8 *put_type(u8 *at, const struct cap_type *type)
{
	u8 fixed[FIELD_FIXED_BYTES];

	cap_store_le(fixed, type->id, 4);
	cap_store_le(fixed + 4, type->block, 4);
	at = put_record(at, TAG_TYPE, fixed, TYPE_FIXED_BYTES, type->name);
	for (size_t i = 0; i < type->field_count; i++) {
		const struct cap_field *field = &type->fields[i];

		cap_store_le(fixed, type->id, 4);
		cap_store_le(fixed + 4, field->id, 2);
		fixed[6] = field->kind;
		fixed[7] = field->unit;
		fixed[8] = field->sensitivity;
		fixed[9] = field->width_bytes;
		cap_store_le(fixed + 10,
			     (field->is_signed ? FIELD_FLAG_SIGNED : 0) |
				     (field->optional ? FIELD_FLAG_OPTIONAL : 0),
			     2);
		at = put_record(at, TAG_FIELD, fixed, FIELD_FIXED_BYTES, field->name);
	}
	return at;
}

static size_t encoded_bound(const struct cap_schema *schema)
{
	size_t bound = 0;

	for (size_t i = 0; i < schema->type_count; i++)
		bound += (1 + schema->types[i].field_count) *
			 (RECORD_HEAD_BYTES + FIELD_FIXED_BYTES + CAP_MAX_NAME_BYTES);
	return bound +
	       schema->enum_count * (RECORD_HEAD_BYTES + ENUM_FIXED_BYTES + CAP_MAX_NAME_BYTES);
}

int cap_schema_encode_of(const struct cap_schema *schema, u8 **ret_bytes, size_t *ret_len)
{
	u8 *bytes = malloc(encoded_bound(schema));
	u8 *at = bytes;

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < schema->type_count; i++)
		at = put_type(at, &schema->types[i]);
	for (size_t i = 0; i < schema->enum_count; i++) {
		u8 fixed[ENUM_FIXED_BYTES] = {0};

		cap_store_le(fixed, schema->enums[i].kind, 2);
		cap_store_le(fixed + 4, schema->enums[i].value, 4);
		at = put_record(at, TAG_ENUM, fixed, ENUM_FIXED_BYTES, schema->enums[i].name);
	}
	*ret_bytes = bytes;
	*ret_len = (size_t)(at - bytes);
	return 0;
}

int cap_schema_encode(u8 **ret_bytes, size_t *ret_len)
{
	return cap_schema_encode_of(cap_schema_builtin(), ret_bytes, ret_len);
}

/* -------- decode -------- */

/* One allocation holds everything: types, fields, enum values, then names. Counted first, filled
 * second. */
struct schema_builder {
	struct cap_schema *schema;
	struct cap_type *types;
	struct cap_field *fields;
	struct cap_enum_value *enums;
	u16 *enum_order;
	char *names;
	size_t type_count, field_count, enum_count, name_bytes;
};

struct schema_record {
	u16 tag;
	const u8 *fixed;
	u16 fixed_len;
	const u8 *name;
	u32 name_len;
};

static int next_record(struct cap_cursor *cursor, struct schema_record *ret_record,
		       struct cap_err *err)
{
	struct schema_record record;
	u32 len;

	record.tag = cap_get_u16(cursor);
	record.fixed_len = cap_get_u16(cursor);
	len = cap_get_u32(cursor);
	if (cursor->failed || record.fixed_len > len)
		return cap_fail(err, CAP_EDAMAGED, "schema: a record is cut short");
	record.fixed = cap_get_bytes(cursor, record.fixed_len);
	record.name_len = len - record.fixed_len;
	record.name = cap_get_bytes(cursor, record.name_len);
	if (cursor->failed)
		return cap_fail(err, CAP_EDAMAGED,
				"schema: a record of %u bytes extends past the end", len);
	*ret_record = record;
	return 0;
}

static bool record_known(const struct schema_record *record)
{
	return record->tag >= TAG_TYPE && record->tag <= TAG_ENUM;
}

/* Only records we know have limits: a later version may add larger ones. */
static int check_record(const struct schema_record *record, struct cap_err *err)
{
	static const u16 need[] = {[TAG_TYPE] = TYPE_FIXED_BYTES,
				   [TAG_FIELD] = FIELD_FIXED_BYTES,
				   [TAG_ENUM] = ENUM_FIXED_BYTES};

	if (record->fixed_len < need[record->tag])
		return cap_fail(err, CAP_EDAMAGED, "schema: a record of tag %u is too short",
				record->tag);
	if (record->name_len > CAP_MAX_NAME_BYTES)
		return cap_fail(err, CAP_ELIMIT, "schema: name of %u bytes exceeds limit %u",
				record->name_len, CAP_MAX_NAME_BYTES);
	return 0;
}

static int count_records(const u8 *bytes, size_t len, struct schema_builder *counts,
			 struct cap_err *err)
{
	struct cap_cursor cursor = cap_cursor_of(bytes, len);

	while (cap_cursor_left(&cursor)) {
		struct schema_record record;
		int rc = next_record(&cursor, &record, err);

		if (rc < 0)
			return rc;
		if (!record_known(&record))
			continue; /* of a newer version */
		rc = check_record(&record, err);
		if (rc < 0)
			return rc;
		counts->type_count += record.tag == TAG_TYPE;
		counts->field_count += record.tag == TAG_FIELD;
		counts->enum_count += record.tag == TAG_ENUM;
		counts->name_bytes += record.name_len + 1;
	}
	if (counts->type_count > CAP_MAX_TYPES || counts->enum_count > CAP_MAX_ENUM_VALUES ||
	    counts->field_count > CAP_MAX_SCHEMA_FIELDS)
		return cap_fail(err, CAP_ELIMIT,
				"schema: %zu types, %zu fields, %zu names are too many",
				counts->type_count, counts->field_count, counts->enum_count);
	return 0;
}

static int builder_alloc(struct schema_builder *builder)
{
	size_t type_bytes = builder->type_count * sizeof(*builder->types);
	size_t field_bytes = builder->field_count * sizeof(*builder->fields);
	size_t enum_bytes = builder->enum_count * sizeof(*builder->enums);
	struct cap_schema *schema = calloc(1, sizeof(*schema));
	size_t order_bytes = builder->enum_count * sizeof(*builder->enum_order);
	char *arena = calloc(1, type_bytes + field_bytes + enum_bytes + order_bytes +
					builder->name_bytes + 1);

	if (!schema || !arena) {
		free(schema);
		free(arena);
		return -ENOMEM;
	}
	schema->arena = arena;
	builder->schema = schema;
	builder->types = (void *)arena;
	builder->fields = (void *)(arena + type_bytes);
	builder->enums = (void *)(arena + type_bytes + field_bytes);
	builder->enum_order = (void *)(arena + type_bytes + field_bytes + enum_bytes);
	builder->names = (char *)builder->enum_order + order_bytes;
	builder->type_count = builder->field_count = builder->enum_count = 0;
	return 0;
}

/* Copies a name; bytes that are not printable ASCII become '?', so that schema names are safe to
 * print and to use as columns. */
static const char *take_name(struct schema_builder *builder, const struct schema_record *record)
{
	char *name = builder->names;

	for (u32 i = 0; i < record->name_len; i++) {
		u8 byte = record->name[i];

		name[i] = byte > 0x20 && byte < 0x7f ? (char)byte : '?';
	}
	name[record->name_len] = '\0';
	builder->names += record->name_len + 1;
	return name;
}

static int take_field(struct schema_builder *builder, const struct schema_record *record,
		      struct cap_err *err)
{
	struct cap_type *type =
		builder->type_count ? &builder->types[builder->type_count - 1] : NULL;
	struct cap_field *field = &builder->fields[builder->field_count];
	u16 flags = (u16)cap_load_le(record->fixed + 10, 2);

	if (!type || type->id != cap_load_u32(record->fixed))
		return cap_fail(err, CAP_EDAMAGED,
				"schema: a field that follows no type of its own");
	if (type->field_count >= CAP_MAX_FIELDS)
		return cap_fail(err, CAP_ELIMIT, "schema: type %u has over %u fields", type->id,
				CAP_MAX_FIELDS);
	field->id = (u16)cap_load_le(record->fixed + 4, 2);
	for (size_t i = 0; i < type->field_count; i++)
		if (type->fields[i].id == field->id)
			return cap_fail(err, CAP_EDAMAGED, "schema: duplicate field %u of type %u",
					field->id, type->id);
	field->kind = record->fixed[6];
	field->unit = record->fixed[7];
	field->sensitivity = record->fixed[8];
	field->width_bytes = record->fixed[9];
	field->is_signed = flags & FIELD_FLAG_SIGNED;
	field->optional = flags & FIELD_FLAG_OPTIONAL;
	field->name = take_name(builder, record);
	if (!type->field_count)
		type->fields = field;
	type->field_count++;
	builder->field_count++;
	return 0;
}

static int take_record(struct schema_builder *builder, const struct schema_record *record,
		       struct cap_err *err)
{
	if (record->tag == TAG_TYPE) {
		struct cap_type *type = &builder->types[builder->type_count];

		type->id = cap_load_u32(record->fixed);
		for (size_t i = 0; i < builder->type_count; i++)
			if (builder->types[i].id == type->id)
				return cap_fail(err, CAP_EDAMAGED, "schema: duplicate type %u",
						type->id);
		builder->type_count++;
		type->block = cap_load_u32(record->fixed + 4);
		type->name = take_name(builder, record);
	} else if (record->tag == TAG_FIELD) {
		return take_field(builder, record, err);
	} else {
		struct cap_enum_value *value = &builder->enums[builder->enum_count++];

		value->kind = (u16)cap_load_le(record->fixed, 2);
		value->value = cap_load_u32(record->fixed + 4);
		value->name = take_name(builder, record);
	}
	return 0;
}

static int compare_enums(const void *left, const void *right, void *context)
{
	u16 i = *(const u16 *)left, k = *(const u16 *)right;
	const struct cap_enum_value *enums = context, *a = &enums[i], *b = &enums[k];

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* A hostile schema may name any number of values, and each of its rows may look one up. */
static void order_enums(struct schema_builder *builder)
{
	for (size_t i = 0; i < builder->enum_count; i++)
		builder->enum_order[i] = (u16)i;
	if (builder->enum_count)
		qsort_r(builder->enum_order, builder->enum_count, sizeof(*builder->enum_order),
			compare_enums, builder->enums);
	builder->schema->enum_order = builder->enum_order;
}

int cap_schema_decode(const u8 *bytes, size_t len, struct cap_schema **ret_schema,
		      struct cap_err *err)
{
	struct schema_builder builder = {0};
	struct cap_cursor cursor = cap_cursor_of(bytes, len);
	int rc = count_records(bytes, len, &builder, err);

	if (rc < 0)
		return rc;
	if (builder_alloc(&builder))
		return cap_fail(err, -ENOMEM, "schema: out of memory");
	while (cap_cursor_left(&cursor)) {
		struct schema_record record;

		rc = next_record(&cursor, &record, err);
		if (rc == 0 && record_known(&record))
			rc = take_record(&builder, &record, err);
		if (rc < 0) {
			(void)cap_schema_free(builder.schema);
			return rc;
		}
	}
	builder.schema->types = builder.types;
	builder.schema->type_count = builder.type_count;
	builder.schema->enums = builder.enums;
	builder.schema->enum_count = builder.enum_count;
	order_enums(&builder);
	builder.schema->id = cap_hash(bytes, len);
	*ret_schema = builder.schema;
	return 0;
}

struct cap_schema *cap_schema_free(struct cap_schema *schema)
{
	if (schema && schema->arena) {
		free(schema->arena);
		free(schema);
	}
	return NULL;
}
