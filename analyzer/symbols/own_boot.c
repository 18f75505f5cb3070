/* The kernel makes the number up when it starts; containers see their host's. */
#include "analyzer/symbols/own_boot.h"

#include <stdio.h>
#include <string.h>

bool kymo_is_own_boot_text(const char *boot_id)
{
	FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
	char own[64] = "";

	if (!in)
		return false;
	if (fscanf(in, "%63s", own) != 1)
		own[0] = '\0';
	(void)fclose(in); /* only read */
	return boot_id && strlen(own) == 36 && strcmp(own, boot_id) == 0;
}

bool kymo_is_own_boot(const uint8_t boot_id[16])
{
	char text[40];
	int at = 0;

	for (int i = 0; i < 16; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", boot_id[i]);
	return kymo_is_own_boot_text(text);
}
