#include "analyzer/commands/redact_manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const left_names[KYMO_LEFT_KINDS] = {
	[KYMO_LEFT_BLOCK] = "blocks of an unknown type",
	[KYMO_LEFT_FOREIGN] = "blocks of another capture, or repeated",
	[KYMO_LEFT_TYPE] = "rows of an unknown type",
	[KYMO_LEFT_FIELD] = "columns of an unknown field",
	[KYMO_LEFT_COLUMN] = "columns that cannot be decoded",
};

bool kymo_redact_is_partial(const struct kymo_redact_manifest *manifest)
{
	u64 left = 0;

	for (int i = 0; i < KYMO_LEFT_KINDS; i++)
		left += manifest->rewritten.left[i];
	return left > 0 || manifest->rewritten.blocks_damaged > 0 ||
	       manifest->rewritten.ends_missing > 0;
}

static const char *action_name(const struct kymo_redact_count *count)
{
	static const char *const names[] = {[KYMO_REDACT_KEEP] = "keep",
					    [KYMO_REDACT_REPLACE] = "replace",
					    [KYMO_REDACT_DROP] = "drop"};

	return names[count->action];
}

static void write_classes(const struct kymo_redact_manifest *manifest, struct kymo_writer *writer)
{
	static const struct kymo_column columns[] = {
		{.name = "class"},
		{.name = "action"},
		{.name = "replaced", .show = KYMO_SHOW_COUNT},
		{.name = "dropped", .show = KYMO_SHOW_COUNT},
		{.name = "kept", .show = KYMO_SHOW_COUNT},
		{.name = "covers"},
	};

	kymo_writer_table_begin(writer, "classes", columns, sizeof(columns) / sizeof(columns[0]));
	for (int i = 0; i < KYMO_REDACT_CLASSES; i++) {
		const struct kymo_redact_count *count = &manifest->counts[i];
		const struct kymo_value values[] = {
			kymo_text(kymo_redact_class_name((enum kymo_redact_class)i)),
			kymo_text(action_name(count)),
			kymo_int((s64)count->replaced),
			kymo_int((s64)count->dropped),
			kymo_int((s64)count->kept),
			kymo_text(kymo_redact_class_covers((enum kymo_redact_class)i)),
		};

		kymo_writer_row(writer, values);
	}
	kymo_writer_table_end(writer);
}

/* "type 40", "syscall field 99". */
static void name_left(const struct kymo_redact_left *left, size_t size, char *ret_text)
{
	const struct cap_type *type = cap_schema_type(cap_schema_builtin(), left->id >> 16);

	if (left->kind == KYMO_LEFT_FIELD || left->kind == KYMO_LEFT_COLUMN)
		(void)snprintf(ret_text, size, "%s field %" PRIu32, type ? type->name : "?",
			       left->id & 0xffff);
	else
		(void)snprintf(ret_text, size, "type %" PRIu32, left->id);
}

static void write_left(const struct kymo_redact_manifest *manifest, struct kymo_writer *writer)
{
	static const struct kymo_column columns[] = {
		{.name = "what"},
		{.name = "id"},
		{.name = "count", .show = KYMO_SHOW_COUNT},
	};

	if (manifest->left_count == 0 && kymo_writer_format(writer) == KYMO_FORMAT_TEXT)
		return;
	kymo_writer_table_begin(writer, "left_out", columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < manifest->left_count; i++) {
		char name[80];
		const struct kymo_value values[] = {
			kymo_text(left_names[manifest->left[i].kind]),
			(name_left(&manifest->left[i], sizeof(name), name), kymo_text(name)),
			kymo_int((s64)manifest->left[i].count)};

		kymo_writer_row(writer, values);
	}
	kymo_writer_table_end(writer);
}

static void write_texts(const struct kymo_redact_manifest *manifest, struct kymo_writer *writer)
{
	static const struct kymo_column columns[] = {{.name = "text"}};

	kymo_writer_table_begin(writer, "texts", columns, 1);
	for (u32 i = 1; i < manifest->texts.count; i++) {
		size_t len;
		const char *text = kymo_blob_get(&manifest->texts, i, &len);
		const struct kymo_value value = {
			.type = KYMO_TEXT, .text = text, .text_bytes = len};

		kymo_writer_row(writer, &value);
	}
	kymo_writer_table_end(writer);
}

void kymo_redact_manifest_write(const struct kymo_redact_manifest *manifest, bool texts,
				struct kymo_writer *writer)
{
	const struct kymo_rewritten *found = &manifest->rewritten;

	kymo_writer_field_text(writer, "level", kymo_redact_level_name(manifest->level));
	kymo_writer_field_int(writer, "events", KYMO_SHOW_COUNT, (s64)found->events);
	kymo_writer_field_int(writer, "rows", KYMO_SHOW_COUNT, (s64)found->rows_in);
	kymo_writer_field_int(writer, "written_bytes", KYMO_SHOW_BYTES, (s64)found->written_bytes);
	if (kymo_writer_format(writer) != KYMO_FORMAT_TEXT || found->blocks_damaged)
		kymo_writer_field_int(writer, "blocks_damaged", KYMO_SHOW_COUNT,
				      (s64)found->blocks_damaged);
	write_classes(manifest, writer);
	write_left(manifest, writer);
	if (texts)
		write_texts(manifest, writer);
}
