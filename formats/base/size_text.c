/* See the header. */
#include "formats/base/size_text.h"

#include <stddef.h>
#include <stdio.h>

#define ROUNDS_UP 1023.995 /* it would print as 1024.00 */

const char *cap_size_text(double bytes, char ret_text[CAP_SIZE_TEXT_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;

	while ((bytes >= ROUNDS_UP || bytes <= -ROUNDS_UP) &&
	       unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(ret_text, CAP_SIZE_TEXT_BYTES,
		       unit == 0 && bytes - (double)(long)bytes == 0 ? "%.0f %s" : "%.2f %s", bytes,
		       units[unit]);
	return ret_text;
}
