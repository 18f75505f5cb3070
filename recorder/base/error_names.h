#pragma once
/* The names of errors, error_names.def: an error is identified by its kind, not by its text. */
#include <stddef.h>

#include "formats/base/cap_error.h"

enum rec_error {
	REC_ERROR_NONE,
#define ERROR(name, status, cause, remedy) REC_ERROR_##name,
#include "recorder/base/error_names.def"
#undef ERROR
};

#define REC_ERROR_TEXT_BYTES (CAP_ERR_TEXT_BYTES + 32)

/* cap_fail for an error that has a name; the format does not repeat it. */
#define rec_fail(err, code, error, ...) \
	rec_error_is((err), (error), cap_fail((err), (code), __VA_ARGS__))

/* Sets which error it is; returns code. err may be NULL. */
int rec_error_is(struct cap_err *err, enum rec_error error, int code);

/* The name of an error, a static string; NULL: it has none. */
const char *rec_error_name(const struct cap_err *err);

/* "Name: text", or the text alone; returns ret_text. */
const char *rec_error_text(const struct cap_err *err, char ret_text[REC_ERROR_TEXT_BYTES]);
