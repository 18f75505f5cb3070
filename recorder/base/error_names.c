/* Messages are made inside out (cap_context), so a name may end up in the middle. */
#include "recorder/base/error_names.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
#define ERROR(name, status, cause, remedy) #name ": ",
#include "recorder/base/error_names.def"
#undef ERROR
};

static const char *const plain_names[] = {
#define ERROR(name, status, cause, remedy) #name,
#include "recorder/base/error_names.def"
#undef ERROR
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* Where the first name stands: at the start, or behind a caller's words. */
static const char *find(const char *text, size_t *ret_which)
{
	const char *first = NULL;

	for (size_t i = 0; i < NAME_COUNT; i++) {
		const char *at = strstr(text, names[i]);

		if (at && (!first || at < first) && (at == text || at[-1] == ' ')) {
			first = at;
			*ret_which = i;
		}
	}
	return first;
}

const char *rec_error_name(const char *text)
{
	size_t which = 0;

	return find(text, &which) ? plain_names[which] : NULL;
}

void rec_error_name_first(struct cap_err *err)
{
	size_t which = 0, len;
	char *at = (char *)find(err->text, &which);

	if (!at || at == err->text)
		return;
	len = strlen(names[which]);
	memmove(err->text + len, err->text, (size_t)(at - err->text));
	memcpy(err->text, names[which], len);
}
