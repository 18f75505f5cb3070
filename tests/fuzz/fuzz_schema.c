/* The payload of a SCHEMA block, alone: what the decoder lets through keeps the promises that
 * everybody who walks a schema relies on. */
#include <stdlib.h>
#include <string.h>

#include "formats/base/limits.h"
#include "formats/table/schema.h"
#include "fuzz_target.h"

static void check_name(const char *name)
{
	size_t len = strlen(name);

	if (len > 255)
		abort();
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			abort(); /* names are printed as they are */
}

static void check_type(const struct cap_schema *schema, const struct cap_type *type)
{
	if (type->field_count > CAP_MAX_FIELDS || cap_schema_type(schema, type->id) != type)
		abort(); /* ids are unique */
	check_name(type->name);
	for (size_t i = 0; i < type->field_count; i++) {
		check_name(type->fields[i].name);
		for (size_t k = 0; k < i; k++)
			if (type->fields[k].id == type->fields[i].id)
				abort();
	}
	(void)cap_type_field(type, "time_ns");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cap_schema *schema = NULL;
	struct cap_err err = {0};

	if (cap_schema_decode(bytes, len, &schema, &err) < 0) {
		if (schema || !err.text[0])
			abort();
		return 0;
	}
	if (schema->type_count > CAP_MAX_TYPES || schema->enum_count > CAP_MAX_ENUM_VALUES)
		abort();
	for (size_t i = 0; i < schema->type_count; i++)
		check_type(schema, &schema->types[i]);
	for (size_t i = 0; i < schema->enum_count; i++) {
		const struct cap_enum_value *value = &schema->enums[i];

		check_name(value->name);
		if (!cap_schema_enum_name(schema, (enum cap_kind)value->kind, value->value))
			abort(); /* a value that has a name is found */
	}
	(void)cap_schema_type_by_name(schema, "syscall");
	(void)cap_schema_free(schema);
	return 0;
}
