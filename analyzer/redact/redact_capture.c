/*
 * Private memory of the rules of a rewriting. Counts are of values, as rows have them: a path in
 * 100 rows counts 100 times, and the names of tasks once per block.
 */
#include "analyzer/redact/redact_capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/section_columns.h"
#include "analyzer/redact/address_layout.h"
#include "analyzer/redact/pseudonyms.h"
#include "formats/base/cleanup.h"

struct kymo_redactor {
	struct kymo_redact_options options;
	struct kymo_pseudonyms *pseudonyms;
	struct kymo_address_layout *layout;
	struct kymo_section_columns columns; /* of the first pass */
	struct kymo_redact_manifest manifest;
	enum kymo_redact_class classes[EV_TYPE_MAX + 1][ROW_MAX_FIELDS];
	struct cap_file_info info; /* texts of the header that is written */
	char texts[3][256];
};

void kymo_redact_manifest_done(struct kymo_redact_manifest *manifest)
{
	free(manifest->left);
	kymo_blob_table_done(&manifest->texts);
	memset(manifest, 0, sizeof(*manifest));
}

/* -------- life -------- */

int kymo_redactor_new(const struct kymo_redact_options *options,
		      struct kymo_redactor **ret_redactor, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct kymo_redactor *redactor = calloc(1, sizeof(*redactor));
	int rc = redactor ? kymo_pseudonyms_new(&redactor->pseudonyms) : -ENOMEM;

	if (rc == 0)
		redactor->layout = kymo_address_layout_new();
	if (rc < 0 || !redactor->layout) {
		(void)kymo_redactor_free(redactor);
		return rc == 0 || rc == -ENOMEM
			       ? cap_fail(err, -ENOMEM, "out of memory")
			       : cap_fail_errno(err, -rc, "no random numbers for a key");
	}
	redactor->options = *options;
	redactor->manifest.level = options->level;
	for (int i = 0; i < KYMO_REDACT_CLASSES; i++)
		redactor->manifest.counts[i].action =
			options->drop[i] ? KYMO_REDACT_DROP
			: options->keep[i]
				? KYMO_REDACT_KEEP
				: kymo_redact_action_of((enum kymo_redact_class)i, options->level);
	/* the words of copies are addresses: they mean nothing if those move */
	if (redactor->manifest.counts[KYMO_REDACT_ADDRESS].action != KYMO_REDACT_KEEP)
		redactor->manifest.counts[KYMO_REDACT_STACK].action = KYMO_REDACT_DROP;
	for (size_t i = 0; i < schema->type_count; i++) {
		for (unsigned int k = 0; k < schema->types[i].field_count; k++)
			redactor->classes[schema->types[i].id][k] =
				kymo_redact_class_of(&schema->types[i], k);
	}
	*ret_redactor = redactor;
	return 0;
}

struct kymo_redactor *kymo_redactor_free(struct kymo_redactor *redactor)
{
	if (!redactor)
		return NULL;
	(void)kymo_pseudonyms_free(redactor->pseudonyms);
	(void)kymo_address_layout_free(redactor->layout);
	kymo_section_columns_done(&redactor->columns);
	kymo_redact_manifest_done(&redactor->manifest);
	free(redactor);
	return NULL;
}

static enum kymo_redact_action action_of(const struct kymo_redactor *redactor,
					 enum kymo_redact_class which)
{
	return which == KYMO_REDACT_NONE ? KYMO_REDACT_KEEP
					 : redactor->manifest.counts[which].action;
}

/* -------- first pass: where code lies -------- */

static int learn_mappings(struct kymo_redactor *redactor)
{
	struct kymo_section_columns *columns = &redactor->columns;
	const u64 *start = kymo_section_column_or_zero(columns, ROW_mapping_start_address);
	const u64 *size = kymo_section_column_or_zero(columns, ROW_mapping_size_bytes);
	const u64 *paths = kymo_section_column_or_zero(columns, ROW_mapping_path);
	int rc = 0;

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; rc == 0 && i < columns->section->row_count; i++) {
		const struct cap_string *path =
			&columns->rows
				 ->strings[paths[i] < columns->rows->string_count ? paths[i] : 0];
		bool anonymous =
			path->len == 0 || (path->len >= 6 && memcmp(path->bytes, "//anon", 6) == 0);

		rc = kymo_address_layout_add(redactor->layout, start[i], size[i], anonymous);
	}
	return rc;
}

static int learn_symbols(struct kymo_redactor *redactor)
{
	struct kymo_section_columns *columns = &redactor->columns;
	const u64 *start = kymo_section_column_or_zero(columns, ROW_symbol_offset_bytes);
	const u64 *size = kymo_section_column_or_zero(columns, ROW_symbol_size_bytes);
	const u64 *flags = kymo_section_column_or_zero(columns, ROW_symbol_flags);
	int rc = 0;

	if (columns->out_of_memory)
		return -ENOMEM;
	for (u32 i = 0; rc == 0 && i < columns->section->row_count; i++) {
		if (flags[i] & EV_SYMBOL_PROCESS)
			rc = kymo_address_layout_add(redactor->layout, start[i],
						     size[i] ? size[i] : 1, false);
	}
	return rc;
}

int kymo_redactor_block(void *context, struct kymo_capture *capture, const struct cap_rows *rows,
			u64 types, struct cap_err *err)
{
	struct kymo_redactor *redactor = context;
	int rc = 0;

	(void)capture;
	if (!(types & (1ull << EV_MAPPING | 1ull << EV_SYMBOL)))
		return 0;
	for (u32 i = 0; rc == 0 && i < rows->section_count; i++) {
		const struct cap_section *section = &rows->sections[i];
		const struct cap_type *type =
			cap_schema_type(cap_schema_builtin(), section->type_id);

		if (!type || (type->id != EV_MAPPING && type->id != EV_SYMBOL))
			continue;
		kymo_section_columns_set(&redactor->columns, rows, section, type);
		rc = type->id == EV_MAPPING ? learn_mappings(redactor) : learn_symbols(redactor);
	}
	return rc < 0 ? cap_fail(err, rc, "out of memory") : 0;
}

static u64 move_address(void *context, u64 address)
{
	const struct kymo_redactor *redactor = context;

	return action_of(redactor, KYMO_REDACT_ADDRESS) == KYMO_REDACT_KEEP
		       ? address
		       : kymo_address_layout_move(redactor->layout, address);
}

/* -------- texts -------- */

static const kymo_pseudonym_fn makers[KYMO_REDACT_CLASSES] = {
	[KYMO_REDACT_HOST] = kymo_pseudonym_host,
	[KYMO_REDACT_META] = kymo_pseudonym_meta,
	[KYMO_REDACT_NAME] = kymo_pseudonym_name,
	[KYMO_REDACT_PATH] = kymo_pseudonym_path,
	[KYMO_REDACT_CGROUP] = kymo_pseudonym_cgroup,
	[KYMO_REDACT_NETWORK] = kymo_pseudonym_network,
	[KYMO_REDACT_MODULE] = kymo_pseudonym_module,
	[KYMO_REDACT_FUNCTION] = kymo_pseudonym_function,
	[KYMO_REDACT_BUILD_ID] = kymo_pseudonym_build_id,
	[KYMO_REDACT_TEXT] = kymo_pseudonym_text,
};

/* Notes a text that is left. */
static int note_text(struct kymo_redactor *redactor, enum kymo_redact_class which,
		     const struct cap_string *text)
{
	if (which == KYMO_REDACT_BUILD_ID)
		return 0;
	return kymo_blob_add(&redactor->manifest.texts, text->bytes, text->len, NULL) < 0 ? -ENOMEM
											  : 0;
}

static int redact_text(struct kymo_redactor *redactor, enum kymo_redact_class which,
		       struct cap_string *ret_to)
{
	struct kymo_redact_count *count = &redactor->manifest.counts[which];
	bool changed = false;
	int rc = 0;

	if (ret_to->len == 0)
		return 0;
	if (count->action == KYMO_REDACT_DROP ||
	    (count->action == KYMO_REDACT_REPLACE && !makers[which])) {
		*ret_to = (struct cap_string){.bytes = (const u8 *)""};
		count->dropped++;
		return 0;
	}
	if (count->action == KYMO_REDACT_REPLACE)
		rc = makers[which](redactor->pseudonyms, ret_to, &changed);
	else if (which == KYMO_REDACT_FUNCTION)
		rc = kymo_pseudonym_function_paths(redactor->pseudonyms, ret_to, &changed);
	count->replaced += changed;
	count->kept += !changed;
	return rc < 0 ? rc : note_text(redactor, which, ret_to);
}

static bool text_is(const struct cap_string *text, const char *what)
{
	return text->len == strlen(what) && memcmp(text->bytes, what, text->len) == 0;
}

static const struct cap_string *text_of(const struct kymo_rewrite_part *part, unsigned int field,
					u32 row)
{
	u64 local = part->values[field] ? part->values[field][row] : 0;

	return &part->rows->strings[local < part->rows->string_count ? local : 0];
}

/* A fact belongs to what its own row says. */
static enum kymo_redact_class class_of_fact(const struct kymo_rewrite_part *part, u32 row)
{
	const u64 *sensitivity = part->values[ROW_meta_sensitivity];

	if (sensitivity && sensitivity[row] == CAP_SENSE_PUBLIC)
		return KYMO_REDACT_TEXT;
	return text_is(text_of(part, ROW_meta_key, row), "host.name") ? KYMO_REDACT_HOST
								      : KYMO_REDACT_META;
}

/* Is the row about a file of the system's packages, or about the kernel? Such files everybody has.
 */
static bool is_of_system(const struct kymo_rewrite_part *part, u32 row)
{
	switch (part->type->id) {
	case EV_SYMBOL:
		return (!part->values[ROW_symbol_flags] ||
			!(part->values[ROW_symbol_flags][row] & EV_SYMBOL_PROCESS)) &&
		       kymo_is_system_path(text_of(part, ROW_symbol_object, row));
	case EV_MAPPING:
		return kymo_is_system_path(text_of(part, ROW_mapping_path, row));
	case EV_SOURCE_LINE:
		return kymo_is_system_path(text_of(part, ROW_source_line_object, row));
	case EV_MODULE:
		return kymo_is_system_path(text_of(part, ROW_module_name, row));
	default:
		return false;
	}
}

static int on_string(void *context, const struct kymo_rewrite_part *part, unsigned int field,
		     u32 row, struct cap_string *ret_to)
{
	struct kymo_redactor *redactor = context;
	enum kymo_redact_class which = redactor->classes[part->type->id][field];
	bool changed = false;

	if (part->type->id == EV_META && which == KYMO_REDACT_META)
		which = class_of_fact(part, row);
	if ((which == KYMO_REDACT_FUNCTION || which == KYMO_REDACT_BUILD_ID) &&
	    action_of(redactor, which) == KYMO_REDACT_REPLACE && is_of_system(part, row)) {
		redactor->manifest.counts[which].kept++;
		return which == KYMO_REDACT_FUNCTION
			       ? kymo_pseudonym_function_paths(redactor->pseudonyms, ret_to,
							       &changed) < 0
					 ? -ENOMEM
					 : note_text(redactor, which, ret_to)
			       : 0;
	}
	return which == KYMO_REDACT_NONE ? 0 : redact_text(redactor, which, ret_to);
}

static int on_object(void *context, struct cap_string *ret_to)
{
	return redact_text(context, KYMO_REDACT_MODULE, ret_to);
}

static int on_task(void *context, struct cap_task *ret_task)
{
	struct cap_string name = {.bytes = (const u8 *)ret_task->comm,
				  .len = (u32)strnlen(ret_task->comm, EV_COMM_BYTES)};
	char comm[EV_COMM_BYTES] = {0};
	int rc = redact_text(context, KYMO_REDACT_NAME, &name);

	memcpy(comm, name.bytes, name.len < EV_COMM_BYTES ? name.len : EV_COMM_BYTES - 1);
	memcpy(ret_task->comm, comm, EV_COMM_BYTES); /* also what stood behind its end */
	return rc;
}

/* -------- numbers -------- */

static int replace_numbers(struct kymo_redactor *redactor, const struct kymo_rewrite_part *part,
			   unsigned int field)
{
	u64 *values = part->values[field];

	for (u32 i = 0; i < part->row_count; i++) {
		if (values[i] == 0)
			continue;
		values[i] = kymo_pseudonym_number(redactor->pseudonyms,
						  part->type->fields[field].name, values[i]);
		if (values[i] == 0)
			return -ENOMEM;
		redactor->manifest.counts[KYMO_REDACT_NUMBER].replaced++;
	}
	return 0;
}

/* Readers ignore mappings that are empty or wrap: such stay so, whatever they held. */
static u64 move_mapping(const struct kymo_redactor *redactor, u64 start, u64 size_bytes)
{
	if (size_bytes == 0)
		return start >> 32 ? 1ull << 32 : 0;
	return start + size_bytes < start ? UINT64_MAX
					  : kymo_address_layout_move(redactor->layout, start);
}

static void move_addresses(struct kymo_redactor *redactor, const struct kymo_rewrite_part *part,
			   unsigned int field)
{
	struct kymo_redact_count *count = &redactor->manifest.counts[KYMO_REDACT_ADDRESS];
	const u64 *sizes = part->values[part->type->id == EV_MAPPING ? ROW_mapping_size_bytes
								     : ROW_symbol_size_bytes];
	const u64 *flags = part->type->id == EV_SYMBOL ? part->values[ROW_symbol_flags] : NULL;
	u64 *values = part->values[field];

	for (u32 i = 0; i < part->row_count; i++) {
		if (part->type->id == EV_SYMBOL && !(flags && flags[i] & EV_SYMBOL_PROCESS))
			continue; /* an offset */
		values[i] = part->type->id == EV_MAPPING
				    ? move_mapping(redactor, values[i], sizes ? sizes[i] : 0)
				    : kymo_address_layout_move(redactor->layout, values[i]);
		count->replaced++;
	}
}

static u64 count_values(const struct kymo_rewrite_part *part, unsigned int field)
{
	u64 count = 0;

	for (u32 i = 0; i < part->row_count; i++)
		count += part->values[field][i] != 0;
	return count;
}

static bool is_text(const struct cap_field *field)
{
	return field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES;
}

static int redact_field(struct kymo_redactor *redactor, struct kymo_rewrite_part *part,
			unsigned int field)
{
	enum kymo_redact_class which = redactor->classes[part->type->id][field];
	struct kymo_redact_count *count;

	if (which == KYMO_REDACT_NONE || !part->values[field] ||
	    is_text(&part->type->fields[field]))
		return 0;
	count = &redactor->manifest.counts[which];
	if (count->action == KYMO_REDACT_REPLACE && which == KYMO_REDACT_NUMBER)
		return replace_numbers(redactor, part, field);
	if (count->action != KYMO_REDACT_KEEP && which == KYMO_REDACT_ADDRESS) {
		move_addresses(redactor, part, field); /* without them, no stack would have names */
		return 0;
	}
	if (count->action == KYMO_REDACT_KEEP) {
		count->kept += count_values(part, field);
		return 0;
	}
	count->dropped += count_values(part, field);
	if (which != KYMO_REDACT_STACK) /* copies are needed until they are unwound */
		part->values[field] = NULL;
	return 0;
}

static int on_part(void *context, struct kymo_rewrite_part *part)
{
	struct kymo_redactor *redactor = context;
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < part->type->field_count; i++)
		rc = redact_field(redactor, part, i);
	if (part->type->id == EV_SYSCALL && part->values[ROW_syscall_flags] &&
	    action_of(redactor, KYMO_REDACT_ARGUMENT) != KYMO_REDACT_KEEP) {
		for (u32 i = 0; i < part->row_count; i++)
			part->values[ROW_syscall_flags][i] &= ~(u64)EV_SYSCALL_ARGS_RECORDED;
	}
	return rc;
}

/* -------- the capture -------- */

/* Without copies nobody needs to know how functions are unwound. */
static bool keeps_type(void *context, const struct cap_type *type)
{
	return type->id != EV_UNWIND || action_of(context, KYMO_REDACT_STACK) == KYMO_REDACT_KEEP;
}

static int header_text(struct kymo_redactor *redactor, enum kymo_redact_class which, int slot,
		       const char **text)
{
	struct cap_string to = {.bytes = (const u8 *)(*text ? *text : ""),
				.len = *text ? (u32)strlen(*text) : 0};
	int rc = redact_text(redactor, which, &to);
	size_t len = to.len < sizeof(redactor->texts[slot]) - 1 ? to.len
								: sizeof(redactor->texts[slot]) - 1;

	memcpy(redactor->texts[slot], to.bytes, len);
	redactor->texts[slot][len] = '\0';
	*text = redactor->texts[slot];
	return rc;
}

static void redact_uuid(struct kymo_redactor *redactor, u64 domain, u8 *uuid)
{
	struct kymo_redact_count *count = &redactor->manifest.counts[KYMO_REDACT_ID];

	if (count->action == KYMO_REDACT_KEEP) {
		count->kept++;
		return;
	}
	if (count->action == KYMO_REDACT_DROP)
		memset(uuid, 0, 16);
	else
		kymo_redact_bytes(kymo_pseudonyms_key(redactor->pseudonyms), domain, uuid, 16);
	count->replaced += count->action == KYMO_REDACT_REPLACE;
	count->dropped += count->action == KYMO_REDACT_DROP;
}

static int on_begin(void *context, const struct cap_file_facts *facts, struct cap_file_info *info)
{
	struct kymo_redactor *redactor = context;
	int rc = header_text(redactor, KYMO_REDACT_HOST, 0, &info->hostname);

	(void)facts;
	if (rc == 0)
		rc = header_text(redactor, KYMO_REDACT_TEXT, 1, &info->kernel_release);
	if (rc == 0)
		rc = header_text(redactor, KYMO_REDACT_TEXT, 2, &info->tool_version);
	redact_uuid(redactor, 1, info->session_uuid);
	redact_uuid(redactor, 3, info->file_uuid); /* all zero: the writer makes one */
	redact_uuid(redactor, 5, info->boot_id);
	return rc;
}

static void on_left(void *context, enum kymo_left kind, u32 id, u64 count)
{
	struct kymo_redact_manifest *manifest = &((struct kymo_redactor *)context)->manifest;

	for (size_t i = 0; i < manifest->left_count; i++) {
		if (manifest->left[i].kind == kind && manifest->left[i].id == id) {
			manifest->left[i].count += count;
			return;
		}
	}
	if (manifest->left_count == manifest->left_size) {
		size_t size = manifest->left_size ? manifest->left_size * 2 : 16;
		struct kymo_redact_left *bigger =
			size > 4096 ? NULL : reallocarray(manifest->left, size, sizeof(*bigger));

		if (!bigger)
			return; /* the sums of rewritten.left count it all the same */
		manifest->left = bigger;
		manifest->left_size = size;
	}
	manifest->left[manifest->left_count++] =
		(struct kymo_redact_left){.kind = kind, .id = id, .count = count};
}

static int on_progress(void *context, u64 done_bytes, u64 total_bytes)
{
	const struct kymo_redact_options *options = &((struct kymo_redactor *)context)->options;

	return options->progress
		       ? options->progress(options->progress_context, done_bytes, total_bytes)
		       : 0;
}

int kymo_redact(struct kymo_redactor *redactor, struct kymo_capture *capture,
		struct kymo_redact_manifest *ret_manifest, struct cap_err *err)
{
	struct kymo_rewrite_options options = {.output_fd = redactor->options.output_fd,
					       .rules = {.context = redactor,
							 .all_tasks = true,
							 .begin = on_begin,
							 .keeps_type = keeps_type,
							 .part = on_part,
							 .string = on_string,
							 .object = on_object,
							 .task = on_task,
							 .address = move_address,
							 .left = on_left,
							 .left_context = redactor,
							 .progress = on_progress}};
	int rc;

	if (action_of(redactor, KYMO_REDACT_STACK) == KYMO_REDACT_KEEP)
		options.rules.address = NULL;
	kymo_address_layout_seal(redactor->layout);
	rc = kymo_rewrite_capture(capture, &options, &redactor->manifest.rewritten, err);
	if (rc < 0)
		return rc;
	*ret_manifest = redactor->manifest;
	redactor->manifest = (struct kymo_redact_manifest){0};
	return 0;
}
