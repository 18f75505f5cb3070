/* The built-in tables agree with themselves, and a schema survives encoding; a damaged one is
 * refused. */
#include "unit_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "formats/base/cleanup.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "random_rows.h"

static void ids_and_names_are_unique(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();

	(void)state;
	for (size_t i = 0; i < schema->type_count; i++) {
		const struct cap_type *type = &schema->types[i];
		size_t end = 0;

		assert_ptr_equal(cap_schema_type(schema, type->id), type);
		assert_ptr_equal(cap_schema_type_by_name(schema, type->name), type);
		assert_string_not_equal(cap_block_name(type->block), "unknown");
		for (size_t k = 0; k < type->field_count; k++) {
			const struct cap_field *field = &type->fields[k];

			assert_ptr_equal(cap_type_field(type, field->name), field);
			assert_int_equal(field->row_offset, end); /* no hidden padding */
			end += field->width_bytes;
			for (size_t other = 0; other < k; other++)
				assert_int_not_equal(field->id, type->fields[other].id);
		}
		assert_int_equal(end, type->row_bytes);
	}
	assert_null(cap_schema_type(schema, 0));
	assert_null(cap_schema_type(schema, 9999));
	assert_null(cap_schema_type_by_name(schema, "nothing"));
}

static void names_of_values(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();

	(void)state;
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_SYSNO, SYS_getppid), "getppid");
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_SYSNO, SYS_openat), "openat");
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_CLASS, CLASS_SYSCALLS),
			    "syscalls");
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_REASON, REASON_RING_FULL),
			    "ring_full");
	assert_null(cap_schema_enum_name(schema, CAP_KIND_SYSNO, 99999));
	assert_string_equal(cap_kind_name(200), "?");
	assert_string_equal(cap_block_name(912), "unknown");
}

static void a_schema_survives_encoding(void **state)
{
	const struct cap_schema *builtin = cap_schema_builtin();
	struct cap_schema *schema = NULL;
	u8 *bytes = NULL;
	size_t len;

	(void)state;
	assert_int_equal(cap_schema_encode(&bytes, &len), 0);
	assert_int_equal(cap_schema_decode(bytes, len, &schema, NULL), 0);
	assert_int_equal(schema->type_count, builtin->type_count);
	assert_int_equal(schema->enum_count, builtin->enum_count);
	assert_int_not_equal(schema->id, 0);
	for (size_t i = 0; i < schema->type_count; i++) {
		const struct cap_type *found = &schema->types[i], *expected = &builtin->types[i];

		assert_int_equal(found->id, expected->id);
		assert_int_equal(found->block, expected->block);
		assert_string_equal(found->name, expected->name);
		assert_int_equal(found->field_count, expected->field_count);
		for (size_t k = 0; k < found->field_count; k++) {
			const struct cap_field *a = &found->fields[k], *b = &expected->fields[k];

			assert_string_equal(a->name, b->name);
			assert_int_equal(a->id, b->id);
			assert_int_equal(a->kind, b->kind);
			assert_int_equal(a->unit, b->unit);
			assert_int_equal(a->sensitivity, b->sensitivity);
			assert_int_equal(a->width_bytes, b->width_bytes);
			assert_int_equal(a->is_signed, b->is_signed);
			assert_int_equal(a->optional, b->optional);
		}
	}
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_SYSNO, SYS_getppid), "getppid");
	assert_null(cap_schema_free(schema));
	assert_null(cap_schema_free(NULL));
	free(bytes);
}

static void a_released_schema_is_known_by_its_id(void **state)
{
	CLEANUP(cap_freep) u8 *bytes = NULL;
	size_t len;

	(void)state;
#if !defined(__x86_64__)
	unit_skip("no release of this machine yet");
#endif
	assert_int_equal(cap_schema_encode(&bytes, &len), 0);
	if (!cap_schema_released(cap_hash(bytes, len)))
		fail_msg("the schema changed: append RELEASED(%d, %d, x86_64, 0x%016llxull) to "
			 "released.def",
			 CAP_VERSION_MAJOR, CAP_VERSION_MINOR,
			 (unsigned long long)cap_hash(bytes, len));
	assert_ptr_equal(cap_schema_released(cap_hash(bytes, len)), cap_schema_builtin());
	assert_null(cap_schema_released(cap_hash(bytes, len) + 1));
	assert_null(cap_schema_released(0));
}

/* Numbers of system calls are another machine's for all we know; those of classes are everybody's.
 */
static void what_differs_between_machines_has_no_name(void **state)
{
	const struct cap_schema *schema = cap_schema_of_any_machine();

	(void)state;
	assert_int_equal(schema->type_count, cap_schema_builtin()->type_count);
	assert_null(cap_schema_enum_name(schema, CAP_KIND_SYSNO, SYS_getppid));
	assert_string_equal(cap_schema_enum_name(schema, CAP_KIND_CLASS, CLASS_SYSCALLS),
			    "syscalls");
}

/* A record is never cut: what is accepted ends where a record ends, and holds fewer of them. */
static void a_cut_schema_is_never_misread(void **state)
{
	const struct cap_schema *builtin = cap_schema_builtin();
	size_t accepted = 0, records = builtin->type_count + builtin->enum_count;
	u8 *bytes = NULL;
	size_t len;

	(void)state;
	for (size_t i = 0; i < builtin->type_count; i++)
		records += builtin->types[i].field_count;
	assert_int_equal(cap_schema_encode(&bytes, &len), 0);
	for (size_t cut = 0; cut < len; cut++) {
		struct cap_schema *schema = NULL;
		u8 *copy = malloc(cut ? cut : 1); /* of its own: a sanitizer sees reads past it */

		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		if (cap_schema_decode(copy, cut, &schema, NULL) == 0) {
			assert_true(schema->type_count <= builtin->type_count);
			assert_int_not_equal(schema->id, builtin->id);
			accepted++;
		} else {
			assert_null(schema);
		}
		cap_schema_free(schema);
		free(copy);
	}
	assert_int_equal(accepted, records);
	free(bytes);
}

static void a_changed_schema_does_no_harm(void **state)
{
	struct rng rng = {test_seed()};
	u8 *bytes = NULL;
	size_t len;

	(void)state;
	assert_int_equal(cap_schema_encode(&bytes, &len), 0);
	for (int round = 0; round < 5000; round++) {
		struct cap_schema *schema = NULL;
		size_t place = rng_below(&rng, round % 2 ? len : 200);
		u8 before = bytes[place];

		bytes[place] = (u8)rng_next(&rng);
		if (cap_schema_decode(bytes, len, &schema, NULL) == 0) {
			(void)cap_schema_type_by_name(schema, "syscall");
			(void)cap_schema_enum_name(schema, CAP_KIND_SYSNO, 3);
			for (size_t i = 0; i < schema->type_count; i++)
				for (size_t k = 0; k < schema->types[i].field_count; k++)
					assert_non_null(schema->types[i].fields[k].name);
			cap_schema_free(schema);
		}
		bytes[place] = before;
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_names_are_unique),
		cmocka_unit_test(names_of_values),
		cmocka_unit_test(a_schema_survives_encoding),
		cmocka_unit_test(a_released_schema_is_known_by_its_id),
		cmocka_unit_test(what_differs_between_machines_has_no_name),
		cmocka_unit_test(a_cut_schema_is_never_misread),
		cmocka_unit_test(a_changed_schema_does_no_harm),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
