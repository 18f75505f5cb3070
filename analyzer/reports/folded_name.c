/* What may not stand in folded stacks is replaced here, before names are compared: names that print
 * alike are one frame. */
#include "folded_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/visible_text.h"

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
	return 0;
}

void kymo_folded_name_done(struct kymo_folded_name *name)
{
	free(name->text);
	*name = (struct kymo_folded_name){0};
}
