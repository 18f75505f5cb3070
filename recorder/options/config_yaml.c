/* libyaml's events against option_table.def. The only file that includes yaml.h. */
#include "recorder/options/config_yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "formats/base/cleanup.h"
#include "formats/base/near_word.h"
#include "recorder/base/option_text.h"
#include "recorder/options/option_values.h"

#define MAX_DEPTH 32
#define MAX_KEY_BYTES 48
#define MAX_SHOWN_COLUMNS 100

struct config_reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; valid if has_event */
	bool has_event;
	unsigned int depth;
	const char *name, *bytes;
	size_t len;
	struct rec_options *options;
	u64 set_mask;
	u32 set_line[REC_OPTION_COUNT];
	/* Sections met so far, by the first option of each, and where. */
	u32 section_line[REC_OPTION_COUNT];
	struct cap_err *err;
};

static void reader_done(struct config_reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
}

/* Appends the source line and a caret below the column to the message. */
static void show_line(const struct config_reader *reader, size_t line, size_t column)
{
	const char *at = reader->bytes, *end = reader->bytes + reader->len;
	size_t used = strlen(reader->err->text), shown = 0;
	char *out = reader->err->text + used;

	for (; line && at < end; line--) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline ? newline + 1 : end;
	}
	if (at >= end || column >= MAX_SHOWN_COLUMNS ||
	    used + 2 * MAX_SHOWN_COLUMNS + 16 > CAP_ERR_TEXT_BYTES)
		return;
	memcpy(out, "\n  ", 3);
	out += 3;
	for (; at < end && *at != '\n' && *at != '\r' && shown < MAX_SHOWN_COLUMNS; at++) {
		if ((*at & 0xc0) == 0x80)
			continue; /* inside a UTF-8 character: one '?' stands for all of it */
		*out++ = (char)(*at >= 0x20 && *at < 0x7f ? *at : *at == '\t' ? ' ' : '?');
		shown++;
	}
	snprintf(out, (size_t)(reader->err->text + CAP_ERR_TEXT_BYTES - out), "\n  %*s^",
		 (int)column, "");
}

/* "name:line:col: [key: ]message", where err holds the message. */
static int fail_at(const struct config_reader *reader, yaml_mark_t mark, const char *key, int code)
{
	if (!reader->err)
		return code;
	if (key)
		cap_context(reader->err, code, "%s:%zu:%zu: %s", reader->name, mark.line + 1,
			    mark.column + 1, key);
	else
		cap_context(reader->err, code, "%s:%zu:%zu", reader->name, mark.line + 1,
			    mark.column + 1);
	show_line(reader, mark.line, mark.column);
	return code;
}

static int refuse(const struct config_reader *reader, const char *key, const char *message)
{
	return fail_at(reader, reader->event.start_mark, key,
		       cap_fail(reader->err, CAP_EUSAGE, "%s", message));
}

/* Line and column of the byte at offset: libyaml gives none for bytes that are not text. */
static yaml_mark_t mark_of_offset(const struct config_reader *reader, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset && i < reader->len; i++) {
		mark.column++;
		if (reader->bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int fail_parser(const struct config_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "not YAML";
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return cap_fail(reader->err, -ENOMEM, "out of memory");
	if (parser->error == YAML_READER_ERROR)
		mark = mark_of_offset(reader, parser->problem_offset);
	return fail_at(reader, mark, NULL,
		       cap_fail(reader->err, CAP_EUSAGE, "%s%s%s",
				parser->context ? parser->context : "", parser->context ? ": " : "",
				problem));
}

/* Anchors only serve aliases, and aliases make a small file large; a tag would change what a value
 * means. */
static int check_plain(struct config_reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return refuse(reader, NULL, "aliases are not allowed: write the value out");
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		reader->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		reader->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reader->depth--;
		break;
	default:
		break;
	}
	if (anchor)
		return refuse(reader, NULL, "anchors are not allowed");
	if (tag)
		return refuse(reader, NULL, "tags are not allowed");
	if (reader->depth > MAX_DEPTH)
		return refuse(reader, NULL, "nested too deeply");
	return 0;
}

static int next(struct config_reader *reader)
{
	if (reader->has_event)
		yaml_event_delete(&reader->event);
	reader->has_event = false;
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return fail_parser(reader);
	reader->has_event = true;
	return check_plain(reader);
}

static bool is_null(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcasecmp(text, "null"));
}

/* The current event, a scalar, as one value of the option. */
static int set_scalar(struct config_reader *reader, enum rec_option_id id, bool first)
{
	const yaml_event_t *event = &reader->event;
	const char *key = rec_option_specs[id].key, *text = (const char *)event->data.scalar.value;
	int rc;

	if (is_null(event))
		return refuse(reader, key, "has no value");
	if (memchr(text, 0, event->data.scalar.length))
		return refuse(reader, key, "contains a NUL byte");
	rc = rec_option_set(id, reader->options, text, first, reader->err);
	return rc < 0 ? fail_at(reader, event->start_mark, key, rc) : 0;
}

static int read_sequence(struct config_reader *reader, enum rec_option_id id)
{
	const char *key = rec_option_specs[id].key;
	bool first = true;
	int rc;

	for (;; first = false) {
		rc = next(reader);
		if (rc < 0)
			return rc;
		if (reader->event.type == YAML_SEQUENCE_END_EVENT)
			return first ? refuse(reader, key, "the list is empty") : 0;
		if (reader->event.type != YAML_SCALAR_EVENT)
			return refuse(reader, key, "a list of single values is expected");
		rc = set_scalar(reader, id, first);
		if (rc < 0)
			return rc;
	}
}

static int read_value(struct config_reader *reader, enum rec_option_id id)
{
	const struct rec_option_spec *spec = &rec_option_specs[id];
	int rc = next(reader);

	if (rc < 0)
		return rc;
	if (reader->event.type == YAML_SCALAR_EVENT)
		return set_scalar(reader, id, true);
	if (reader->event.type == YAML_SEQUENCE_START_EVENT && spec->shape == REC_SHAPE_LIST)
		return read_sequence(reader, id);
	return refuse(reader, spec->key,
		      spec->shape == REC_SHAPE_LIST ? "a value or a list of values is expected"
						    : "a single value is expected");
}

/* The option whose key this is; -1: none. */
static int find_key(const char *key)
{
	for (int i = 0; i < REC_OPTION_COUNT; i++)
		if (rec_option_specs[i].key && !strcmp(rec_option_specs[i].key, key))
			return i;
	return -1;
}

/* The first option of the section; -1: no section of that name. */
static int find_section(const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < REC_OPTION_COUNT; i++) {
		const char *key = rec_option_specs[i].key;

		if (key && !strncmp(key, name, len) && key[len] == '.')
			return i;
	}
	return -1;
}

struct nearest { /* the key or section that was probably meant, so far */
	unsigned int distance;
	char name[MAX_KEY_BYTES];
};

static void consider(struct nearest *nearest, unsigned int distance, const char *name)
{
	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	snprintf(nearest->name, sizeof(nearest->name), "%s", name);
}

/* The same name in another place, or one with a slip. */
static struct nearest find_nearest(const char *full)
{
	const char *dot = strchr(full, '.'), *leaf = dot ? dot + 1 : full;
	struct nearest nearest = {.distance = 3};

	for (int i = 0; i < REC_OPTION_COUNT; i++) {
		const struct rec_option_spec *spec = &rec_option_specs[i];
		const char *key = spec->key, *key_dot;
		char section[MAX_KEY_BYTES];

		if (!key)
			continue;
		key_dot = strchr(key, '.');
		if (!strcmp(leaf, key_dot ? key_dot + 1 : key) || !strcmp(leaf, spec->long_name))
			consider(&nearest, 0, key);
		consider(&nearest, cap_word_slips(full, key), key);
		consider(&nearest, cap_word_slips(leaf, key_dot ? key_dot + 1 : key), key);
		if (!key_dot || dot)
			continue;
		snprintf(section, sizeof(section), "%.*s", (int)(key_dot - key), key);
		consider(&nearest, cap_word_slips(full, section), section);
	}
	return nearest;
}

static int fail_unknown_key(const struct config_reader *reader, const char *full)
{
	struct nearest nearest = find_nearest(full);
	char shown[REC_SHOWN_BYTES], hint[MAX_KEY_BYTES + 32] = "";

	if (!strcmp(full, "command"))
		return refuse(reader, full, "a command is given after --, never in a file");
	for (int i = 0; i < REC_OPTION_COUNT; i++)
		if (!rec_option_specs[i].key && !strcmp(rec_option_specs[i].long_name, full))
			return refuse(reader, full, "can be given as a flag only");
	if (nearest.name[0])
		snprintf(hint, sizeof(hint), "; did you mean '%s'?", nearest.name);
	return fail_at(reader, reader->event.start_mark, rec_text_show(full, strlen(full), shown),
		       cap_fail(reader->err, CAP_EUSAGE, "unknown key%s", hint));
}

/* Notes that key is on this line; CAP_EUSAGE if it was on another already. */
static int check_first(const struct config_reader *reader, const char *key, u32 *first_line)
{
	if (*first_line)
		return fail_at(reader, reader->event.start_mark, key,
			       cap_fail(reader->err, CAP_EUSAGE, "is given twice, first in line %u",
					*first_line));
	*first_line = (u32)reader->event.start_mark.line + 1;
	return 0;
}

static int read_mapping(struct config_reader *reader, const char *section);

static int read_section(struct config_reader *reader, const char *name, int first_id)
{
	int rc = check_first(reader, name, &reader->section_line[first_id]);

	if (rc < 0)
		return rc;
	rc = next(reader);
	if (rc < 0)
		return rc;
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, name, "is a section: keys are expected below it");
	return read_mapping(reader, name);
}

/* The current event is a key: reads its value too. */
static int read_pair(struct config_reader *reader, const char *section)
{
	const yaml_event_t *event = &reader->event;
	char full[2 * MAX_KEY_BYTES];
	int id, rc;

	if (event->type != YAML_SCALAR_EVENT)
		return refuse(reader, NULL, "a key must be a single word");
	snprintf(full, sizeof(full), "%s%s%.*s", section ? section : "", section ? "." : "",
		 MAX_KEY_BYTES, (const char *)event->data.scalar.value);
	/* A key with a dot in it is not the nested one. */
	id = strchr((const char *)event->data.scalar.value, '.') ? -1 : find_key(full);
	if (id >= 0) {
		rc = check_first(reader, full, &reader->set_line[id]);
		if (rc < 0)
			return rc;
		reader->set_mask |= 1ull << id;
		return read_value(reader, (enum rec_option_id)id);
	}
	id = section ? -1 : find_section(full);
	return id >= 0 ? read_section(reader, full, id) : fail_unknown_key(reader, full);
}

/* Recursion ends at depth two: the table has no sections within sections. */
static int read_mapping(struct config_reader *reader, const char *section)
{
	for (;;) {
		int rc = next(reader);

		if (rc < 0 || reader->event.type == YAML_MAPPING_END_EVENT)
			return rc;
		rc = read_pair(reader, section);
		if (rc < 0)
			return rc;
	}
}

static int read_document(struct config_reader *reader)
{
	int rc = next(reader);

	if (rc < 0)
		return rc;
	if (reader->event.type == YAML_SCALAR_EVENT && is_null(&reader->event))
		return 0; /* "---" and nothing else */
	if (reader->event.type != YAML_MAPPING_START_EVENT)
		return refuse(reader, NULL, "keys and values are expected, as in 'freq: 99'");
	return read_mapping(reader, NULL);
}

static int read_stream(struct config_reader *reader)
{
	bool seen = false;

	for (;;) {
		int rc = next(reader);

		if (rc < 0 || reader->event.type == YAML_STREAM_END_EVENT)
			return rc;
		if (reader->event.type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (seen)
			return refuse(reader, NULL, "a second document begins; one is allowed");
		seen = true;
		rc = read_document(reader);
		if (rc < 0)
			return rc;
	}
}

int rec_config_parse(const char *name, const char *bytes, size_t len, struct rec_options *options,
		     u64 *ret_set_mask, struct cap_err *err)
{
	struct cap_err local_err; /* show_line needs one to write to */
	CLEANUP(reader_done)
	struct config_reader reader = {
		.name = name,
		.bytes = bytes,
		.len = len,
		.options = options,
		.err = err ? err : &local_err,
	};
	int rc;

	if (len > REC_CONFIG_MAX_BYTES)
		return cap_fail(err, CAP_EUSAGE, "%s: larger than %u bytes", name,
				REC_CONFIG_MAX_BYTES);
	if (!yaml_parser_initialize(&reader.parser))
		return cap_fail(err, -ENOMEM, "out of memory");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, len);
	rc = read_stream(&reader);
	if (rc < 0)
		return rc;
	*ret_set_mask = reader.set_mask;
	return 0;
}
