/* See the header. */
#include "formats/base/wrap_text.h"

#include <string.h>

size_t cap_wrap(const char *text, size_t columns)
{
	size_t len = strcspn(text, " ");

	while (text[len]) {
		size_t next = len + 1 + strcspn(text + len + 1, " ");

		if (next > columns)
			break;
		len = next;
	}
	return len;
}
