#pragma once
/*
 * The built-in tables of events.def, kinds.def, enums.def and blocks.def at run time, and the
 * schema of a capture, which may know more or fewer types than we do.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/table/events.h"

enum cap_kind {
#define KIND(id, upper, name, encoding) CAP_KIND_##upper = id,
#include "formats/table/kinds.def"
#undef KIND
};

enum cap_unit {
#define UNIT(id, upper, name) CAP_UNIT_##upper = id,
#include "formats/table/kinds.def"
#undef UNIT
};

enum cap_sensitivity {
#define SENSITIVITY(id, upper, name) CAP_SENSE_##upper = id,
#include "formats/table/kinds.def"
#undef SENSITIVITY
};

enum cap_encoding { /* how a column's values are encoded: SPEC.md, "Encodings" */
		    CAP_ENC_FIXED = 0,
		    CAP_ENC_CONST = 1,
		    CAP_ENC_VARINT = 2,
		    CAP_ENC_ZIGZAG = 3,
		    CAP_ENC_DELTA = 4,
		    CAP_ENC_LIST = 5, /* reserved: written by nobody in 1.0 */
};

struct cap_field {
	u16 id;
	u8 kind;	/* enum cap_kind */
	u8 unit;	/* enum cap_unit */
	u8 sensitivity; /* enum cap_sensitivity */
	u8 width_bytes; /* of the struct member: 1, 2, 4 or 8 */
	bool is_signed;
	bool optional;
	u16 row_offset; /* in struct ev_*; built-in schema only */
	const char *name;
};

struct cap_type {
	u32 id;
	u32 block; /* enum cap_block_type of the block it is stored in */
	const char *name;
	const struct cap_field *fields;
	size_t field_count;
	size_t row_bytes; /* sizeof(struct ev_*); built-in schema only, else 0 */
};

struct cap_enum_value {
	u16 kind; /* CAP_KIND_SYSNO, CAP_KIND_CLASS, ...: what kind of field it names */
	u32 value;
	const char *name;
};

struct cap_schema {
	const struct cap_type *types;
	size_t type_count;
	const struct cap_enum_value *enums;
	const u16 *enum_order; /* indices into enums by (kind, value); NULL in the built-in one */
	size_t enum_count;
	u64 id;	     /* XXH3-64 of its encoded form; 0 for the built-in one */
	void *arena; /* backing memory; NULL for the built-in schema */
};

/* The schema this program was built with, system call names of this machine included. Never NULL,
 * never freed. */
const struct cap_schema *cap_schema_builtin(void);

/* The schema of a release, by the hash of its encoded form: the built-in one serves for all that
 * released.def lists. NULL for any other id. */
const struct cap_schema *cap_schema_released(u64 id);

/* The built-in schema without the names that differ from machine to machine (system calls): for
 * rows whose own schema is lost and not known. */
const struct cap_schema *cap_schema_of_any_machine(void);

/* NULL if the schema has no such type or field. */
const struct cap_type *cap_schema_type(const struct cap_schema *schema, u32 type_id);
const struct cap_type *cap_schema_type_by_name(const struct cap_schema *schema, const char *name);
const struct cap_field *cap_type_field(const struct cap_type *type, const char *name);

/* Name of a value of an enumerated kind (system call, class, reason); NULL if it has none. */
const char *cap_schema_enum_name(const struct cap_schema *schema, enum cap_kind kind, u32 value);

const char *cap_kind_name(u16 kind); /* "?" where unknown */
const char *cap_unit_name(u8 unit);
const char *cap_sensitivity_name(u8 sensitivity);
const char *cap_block_name(u32 block_type); /* "unknown" where unknown */
bool cap_block_holds_rows(u32 block_type);  /* is one of the known blocks of rows */

/* Encodes the built-in schema; *ret_bytes is malloc'd, for the caller to free. 0 or -ENOMEM. */
int cap_schema_encode(u8 **ret_bytes, size_t *ret_len);
/* The same of any schema. Names are those of a decoded one: at most CAP_MAX_NAME_BYTES. */
int cap_schema_encode_of(const struct cap_schema *schema, u8 **ret_bytes, size_t *ret_len);

/* Decodes an untrusted SCHEMA payload. 0, -ENOMEM, CAP_EDAMAGED or CAP_ELIMIT. Free with
 * cap_schema_free. */
int cap_schema_decode(const u8 *bytes, size_t len, struct cap_schema **ret_schema,
		      struct cap_err *err);
struct cap_schema *cap_schema_free(struct cap_schema *schema);

/* The event class (CLASS_*) in which rows of a type are counted; EV_CLASS_COUNT for types that are
 * no events. */
u32 cap_class_of_type(u32 type_id);
/* The class whose events rows of this type stand for, counted instead of stored: their first three
 * fields are struct ev_counts. EV_CLASS_COUNT for all other types. */
u32 cap_class_counted_in(u32 type_id);
