#pragma once
/* exports.def as a list, and what the writer of a format is given. */
#include <stdio.h>

#include "analyzer/exports/export_facts.h"
#include "analyzer/exports/stack_classes.h"
#include "analyzer/output/report_writer.h"

struct kymo_export {
	struct kymo_db *db;
	const struct kymo_filter *filter; /* resolved */
	const struct kymo_export_facts *facts;
	unsigned classes; /* of stacks: a bit per enum kymo_stack_class_id */
	/* Of these classes; read for formats with stacks. */
	const struct kymo_stack_measure *measures; /* by enum kymo_stack_class_id */
	const struct kymo_stack_book *book;	   /* with modules and tasks */
	const char *table;			   /* of formats with rows */
	enum kymo_format row_format;
	FILE *out;
	u64 *written; /* how many rows, samples or events went out; for people */
};

typedef int (*kymo_export_fn)(const struct kymo_export *export, struct cap_err *err);

/* Each writes a format: kymo_export_pprof, ... */
#define EXPORT(name, id, stacks, container, opens) \
	int kymo_export_##id(const struct kymo_export *export, struct cap_err *err);
#include "analyzer/exports/exports.def"
#undef EXPORT

enum kymo_export_stacks { KYMO_EXPORT_NONE, KYMO_EXPORT_CPU, KYMO_EXPORT_ALL };

struct kymo_export_format {
	const char *name, *opens;
	kymo_export_fn write; /* 0, -ENOMEM, CAP_EUSAGE, or the database's error */
	enum kymo_export_stacks stacks;
	bool binary;
};

extern const struct kymo_export_format kymo_export_formats[];
extern const size_t kymo_export_format_count;

/* NULL: there is none of that name. */
const struct kymo_export_format *kymo_export_format_find(const char *name);
