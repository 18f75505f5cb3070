/* See the header. */
#include "analyzer/exports/export_formats.h"

#include <string.h>

#define IS_BINARY true
#define IS_TEXT false

const struct kymo_export_format kymo_export_formats[] = {
#define EXPORT(name, id, stacks, container, opens) \
	{name, opens, kymo_export_##id, KYMO_EXPORT_##stacks, IS_##container},
#include "analyzer/exports/exports.def"
#undef EXPORT
};

const size_t kymo_export_format_count =
	sizeof(kymo_export_formats) / sizeof(kymo_export_formats[0]);

const struct kymo_export_format *kymo_export_format_find(const char *name)
{
	for (size_t i = 0; i < kymo_export_format_count; i++)
		if (strcmp(kymo_export_formats[i].name, name) == 0)
			return &kymo_export_formats[i];
	return NULL;
}
