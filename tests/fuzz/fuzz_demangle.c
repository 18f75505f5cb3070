/* Function names of any content: what comes out is bounded and takes bounded time. */
#include <stdlib.h>
#include <string.h>

#include "analyzer/symbols/demangle.h"
#include "fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *name = malloc(len + 1), *text;

	if (!name)
		return 0;
	if (len > 0)
		memcpy(name, bytes, len);
	name[len] = '\0';
	text = kymo_demangle(name);
	if (text && strlen(text) >= KYMO_DEMANGLED_MAX_BYTES)
		__builtin_trap();
	free(text);
	free(name);
	return 0;
}
