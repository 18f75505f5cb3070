/* Names of errors, and messages that begin with one. */
#include "recorder/base/error_names.h"

#include <stdio.h>

static const char *const names[] = {
	[REC_ERROR_NONE] = NULL,
#define ERROR(name, status, cause, remedy) [REC_ERROR_##name] = #name,
#include "recorder/base/error_names.def"
#undef ERROR
};

int rec_error_is(struct cap_err *err, enum rec_error error, int code)
{
	if (err)
		err->kind = error;
	return code;
}

const char *rec_error_name(const struct cap_err *err)
{
	return err->kind < sizeof(names) / sizeof(names[0]) ? names[err->kind] : NULL;
}

const char *rec_error_text(const struct cap_err *err, char ret_text[REC_ERROR_TEXT_BYTES])
{
	const char *name = rec_error_name(err);

	(void)snprintf(ret_text, REC_ERROR_TEXT_BYTES, "%s%s%s", name ? name : "", name ? ": " : "",
		       err->text);
	return ret_text;
}
