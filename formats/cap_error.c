/* Builds error messages; prints nothing. */
#include "cap_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cap_fail(struct cap_err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format,
			args); /* cut, not failed, when too long */
	va_end(args);
	return code;
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
	if (len >= 0 && (size_t)len < sizeof(err->text))
		(void)snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s", inner);
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
	va_start(args, format);
	len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(err->text))
		(void)snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s",
			       strerror_r(errno_code, reason, sizeof(reason)));
	return -errno_code;
}
