/*
 * Demangling through libiberty, by its callback interface: a short mangled name may expand without
 * end, and only the callback can stop that.
 */
#include "analyzer/symbols/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MANGLED_BYTES 32768

struct result {
	char text[KYMO_DEMANGLED_MAX_BYTES];
	size_t len;
	jmp_buf full;
};

static void append(const char *text, size_t len, void *opaque)
{
	struct result *result = opaque;
	size_t room = sizeof(result->text) - 1 - result->len;

	if (len == 0)
		return; /* text may be NULL then */
	if (len > room) {
		memcpy(result->text + result->len, text, room);
		memcpy(result->text + sizeof(result->text) - 4, "...", 4);
		longjmp(result->full, 1); /* the callback has no other way to end the expansion */
	}
	memcpy(result->text + result->len, text, len);
	result->len += len;
	result->text[result->len] = '\0';
}

/* Length of name without the suffixes that LLVM and GCC add to clones: ".llvm.123", ".isra.0",
 * ".constprop.0", ".part.1", ".cold". */
static size_t bare_len(const char *name)
{
	static const char *const suffixes[] = {".llvm.", ".isra.", ".constprop.",
					       ".part.", ".cold",  ".lto_priv."};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		const char *found = strstr(name, suffixes[i]);

		if (found && found != name && (size_t)(found - name) < len)
			len = (size_t)(found - name);
	}
	return len;
}

static bool looks_mangled(const char *name)
{
	return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0 ||
	       strncmp(name, "__Z", 3) == 0;
}

/* Not in kymo_demangle itself: after longjmp only what this frame does not change may be used. */
static bool run(const char *mangled, struct result *result)
{
	if (setjmp(result->full))
		return true;
	if (rust_demangle_callback(mangled, DMGL_NO_OPTS, append, result) && result->len > 0)
		return true;
	result->len = 0;
	return cplus_demangle_v3_callback(mangled, DMGL_NO_OPTS, append, result) && result->len > 0;
}

char *kymo_demangle(const char *name)
{
	struct result *result;
	char *mangled, *text = NULL;
	size_t len;

	if (!looks_mangled(name))
		return NULL;
	len = bare_len(name);
	if (len > MAX_MANGLED_BYTES)
		return NULL;
	mangled = strndup(name, len);
	result = calloc(1, sizeof(*result));
	if (mangled && result && run(mangled, result))
		text = strdup(result->text);
	free(mangled);
	free(result);
	return text;
}
