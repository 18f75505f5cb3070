/* Characters that folded stacks cannot hold are replaced here, before names are compared: names
 * that print alike are one frame. */
#include "analyzer/output/folded_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

static int append(struct kymo_folded_name *name, const char *text, size_t len)
{
	if (name->len + len + 1 > name->capacity) {
		size_t capacity = (name->len + len + 1) * 2;
		char *grown = realloc(name->text, capacity);

		if (!grown)
			return -ENOMEM;
		name->text = grown;
		name->capacity = capacity;
	}
	memcpy(name->text + name->len, text, len);
	name->len += len;
	name->text[name->len] = '\0';
	return 0;
}

int kymo_folded_name_append(struct kymo_folded_name *name, const char *text)
{
	return append(name, text, strlen(text));
}

/* "operator 5" would read as five samples of "operator". */
static void guard_trailing_number(struct kymo_folded_name *name)
{
	size_t at = name->len;

	while (at > 0 && strchr("0123456789.", name->text[at - 1]))
		at--;
	if (at > 0 && name->text[at - 1] == ' ')
		name->text[at - 1] = '_';
}

/* A name must not look like one of our own marks: kernel frames end in _[k], and these stand where
 * no function is known. */
static int guard_marks(struct kymo_folded_name *name)
{
	static const char *const marks[] = {"[unknown]", "[no stack]", "[cut]"};
	char rest[16];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (strcmp(name->text, marks[i]) != 0)
			continue;
		memcpy(rest, marks[i] + 1, strlen(marks[i]));
		name->len = 0;
		if (append(name, "\\x5b", 4) < 0)
			return -ENOMEM;
		return append(name, rest, strlen(rest));
	}
	if (name->len < 4 || memcmp(name->text + name->len - 4, "_[k]", 4) != 0)
		return 0;
	name->len--;
	return append(name, "\\x5d", 4);
}

int kymo_folded_name_set(struct kymo_folded_name *name, const char *bytes, size_t len,
			 bool blanks_allowed)
{
	int rc;

	name->len = 0;
	if (len == 0)
		return kymo_folded_name_append(name, "[unknown]");
	for (size_t at = 0; at < len;) {
		struct kymo_visible visible = kymo_visible_next(bytes + at, len - at);

		if (visible.text[0] == ';')
			visible.text[0] = ':';
		else if (visible.text[0] == ' ' && (!blanks_allowed || at == 0))
			visible.text[0] = '_';
		rc = append(name, visible.text, visible.len);
		if (rc < 0)
			return rc;
		at += visible.consumed;
	}
	guard_trailing_number(name);
	return guard_marks(name);
}

void kymo_folded_name_done(struct kymo_folded_name *name)
{
	free(name->text);
	*name = (struct kymo_folded_name){0};
}
