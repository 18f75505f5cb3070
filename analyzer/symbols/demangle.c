/*
 * Demangling through libiberty, by its callback interface: a short mangled name may expand without
 * end, and only the callback can stop that.
 */
#include "analyzer/symbols/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nesting is bounded by this length: 16 KiB of the worst needed less than 2 MiB of stack. */
#define MAX_MANGLED_BYTES 16384
#define CUT_BYTES sizeof("...#12345678")

struct result {
	char text[KYMO_DEMANGLED_MAX_BYTES];
	size_t len;
	const char *mangled;
	jmp_buf full;
};

static uint32_t number_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

static void append(const char *text, size_t len, void *opaque)
{
	struct result *result = opaque;
	size_t room = sizeof(result->text) - 1 - result->len;

	if (len == 0)
		return; /* text may be NULL then */
	if (len > room) {
		memcpy(result->text + result->len, text, room);
		(void)snprintf(result->text + sizeof(result->text) - CUT_BYTES, CUT_BYTES,
			       "...#%08x", number_of(result->mangled));
		longjmp(result->full, 1); /* the callback has no other way to end the expansion */
	}
	memcpy(result->text + result->len, text, len);
	result->len += len;
	result->text[result->len] = '\0';
}

/* Length of name without the suffixes that LLVM and GCC add to clones: ".llvm.123", ".isra.0",
 * ".constprop.0", ".part.1", ".cold". */
static size_t bare_len(const char *name, size_t name_len)
{
	static const char *const suffixes[] = {".llvm.", ".isra.", ".constprop.",
					       ".part.", ".cold",  ".lto_priv."};
	size_t len = name_len;

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
	/* Its own limit is on length, and refuses names of 1,024 bytes; ours stands above. */
	return cplus_demangle_v3_callback(mangled, DMGL_NO_RECURSE_LIMIT, append, result) &&
	       result->len > 0;
}

/* Length of name without its version. */
static size_t unversioned_len(const char *name)
{
	const char *at = strchr(name, '@');

	/* "name@plt" is what linkers and tools call stubs; wine has numbers, for bytes of
	 * arguments. */
	if (!at || at == name || (at[1] >= '0' && at[1] <= '9') || at[1] == '\0' ||
	    strcmp(at, "@plt") == 0)
		return strlen(name);
	return (size_t)(at - name);
}

char *kymo_readable_name(const char *name)
{
	char *plain = kymo_demangle(name);

	return plain ? plain : strndup(name, unversioned_len(name));
}

char *kymo_demangle(const char *name)
{
	struct result *result;
	char *mangled, *text = NULL;
	size_t len;

	if (!looks_mangled(name))
		return NULL;
	len = bare_len(name, unversioned_len(name));
	if (len > MAX_MANGLED_BYTES)
		return NULL;
	mangled = strndup(name, len);
	result = calloc(1, sizeof(*result));
	if (result)
		result->mangled = mangled;
	if (mangled && result && run(mangled, result))
		text = strdup(result->text);
	free(mangled);
	free(result);
	return text;
}
