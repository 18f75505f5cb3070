/* Builds error messages; prints nothing. */
#include "formats/base/cap_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cap_fail(struct cap_err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	err->kind = 0;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format,
			args); /* cut, not failed, when too long */
	va_end(args);
	return code;
}

/* Appends ": text" to the len bytes that are there; cut if it does not fit. */
static void append(struct cap_err *err, int len, const char *text)
{
	size_t at = len < 0 ? 0 : (size_t)len;
	size_t room, text_len = strlen(text);

	if (at + 3 >= sizeof(err->text))
		return;
	room = sizeof(err->text) - at - 3;
	if (text_len > room)
		text_len = room;
	memcpy(err->text + at, ": ", 2);
	memcpy(err->text + at + 2, text, text_len);
	err->text[at + 2 + text_len] = '\0';
}

int cap_context(struct cap_err *err, int code, const char *format, ...)
{
	char inner[CAP_ERR_TEXT_BYTES];
	va_list args;
	int len;

	if (!err)
		return code;
	memcpy(inner, err->text, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	err->code = code;
	va_start(args, format);
	len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	append(err, len, inner);
	return code;
}

int cap_fail_errno(struct cap_err *err, int errno_code, const char *format, ...)
{
	char reason[128];
	va_list args;
	int len;

	if (!err)
		return -errno_code;
	err->code = -errno_code;
	err->kind = 0;
	va_start(args, format);
	len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	append(err, len,
	       errno_code == ENOMEM ? "out of memory"
				    : strerror_r(errno_code, reason, sizeof(reason)));
	return -errno_code;
}

void cap_say_memory(struct cap_err *err, int code)
{
	static const char text[] = "out of memory";

	if (code != -ENOMEM || strstr(err->text, text))
		return;
	if (err->text[0] == '\0')
		memcpy(err->text, text, sizeof(text));
	else
		append(err, (int)strlen(err->text), text);
}
