/* Names of types and fields are ours. Names of system calls are the input's, whose machine may be
 * another one, but only such as are names of calls here, too: they could hold anything. */
#include "analyzer/rewrite/rewrite_schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"

static const struct cap_field *field_of(const struct cap_type *type, const struct cap_field *like)
{
	for (size_t i = 0; i < type->field_count; i++) {
		if (type->fields[i].id == like->id && type->fields[i].kind == like->kind)
			return &type->fields[i];
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Our own spelling of a value's name; NULL: it has none that is known. */
static const char *known_name(const struct cap_enum_value *value, const char **calls,
			      size_t call_count)
{
	const char **found;

	if (!value->name)
		return NULL;
	if (value->kind != CAP_KIND_SYSNO)
		return cap_schema_enum_name(cap_schema_builtin(), value->kind, value->value);
	found = bsearch(&value->name, calls, call_count, sizeof(*calls), compare_names);
	return found ? *found : NULL;
}

static size_t take_enums(const struct cap_schema *input, const char **calls,
			 struct cap_enum_value *enums)
{
	const struct cap_schema *ours = cap_schema_builtin();
	size_t call_count = 0, count = 0;

	for (size_t i = 0; i < ours->enum_count; i++) {
		if (ours->enums[i].kind == CAP_KIND_SYSNO)
			calls[call_count++] = ours->enums[i].name;
	}
	qsort(calls, call_count, sizeof(*calls), compare_names);
	for (size_t i = 0; i < input->enum_count; i++) {
		const char *name = known_name(&input->enums[i], calls, call_count);

		if (name)
			enums[count++] = (struct cap_enum_value){.kind = input->enums[i].kind,
								 .value = input->enums[i].value,
								 .name = name};
	}
	return count;
}

static size_t take_fields(const struct cap_type *ours, const struct cap_type *theirs,
			  struct cap_field *fields, u64 *ret_places)
{
	size_t count = 0;

	for (size_t i = 0; i < ours->field_count; i++) {
		if (!field_of(theirs, &ours->fields[i]))
			continue;
		fields[count++] = ours->fields[i];
		*ret_places |= 1ull << i;
	}
	return count;
}

int kymo_rewrite_schema_of(const struct cap_schema *input, struct kymo_rewrite_schema *ret_schema,
			   u8 **ret_encoded, size_t *ret_len)
{
	const struct cap_schema *ours = cap_schema_builtin();
	CLEANUP(cap_freep) struct cap_type *types = calloc(ours->type_count, sizeof(*types));
	CLEANUP(cap_freep)
	struct cap_field *fields = calloc(ours->type_count * ROW_MAX_FIELDS, sizeof(*fields));
	CLEANUP(cap_freep)
	struct cap_enum_value *enums = calloc(input->enum_count + 1, sizeof(*enums));
	CLEANUP(cap_freep) const char **calls = calloc(ours->enum_count + 1, sizeof(*calls));
	struct cap_schema output = {.types = types, .enums = enums};
	struct kymo_rewrite_schema schema = {0};
	struct cap_field *next = fields;

	if (!types || !fields || !enums || !calls)
		return -ENOMEM;
	for (size_t i = 0; i < ours->type_count; i++) {
		const struct cap_type *theirs = cap_schema_type(input, ours->types[i].id);
		struct cap_type *type = &types[output.type_count];

		if (!theirs)
			continue;
		*type = ours->types[i];
		type->fields = next;
		type->field_count =
			take_fields(&ours->types[i], theirs, next, &schema.fields[type->id]);
		next += type->field_count;
		output.type_count += type->field_count > 0;
	}
	output.enum_count = take_enums(input, calls, enums);
	*ret_schema = schema;
	return cap_schema_encode_of(&output, ret_encoded, ret_len);
}
