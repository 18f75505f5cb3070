/* The kernel makes the number up when it starts; containers see their host's. */
#include "analyzer/symbols/own_boot.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define TEXT_BYTES 36

bool kymo_is_own_boot_text(const char *boot_id)
{
	CLEANUP(cap_closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char own[TEXT_BYTES];

	/* No stream: for want of memory it would be another boot. */
	return fd >= 0 && boot_id && strlen(boot_id) == TEXT_BYTES &&
	       read(fd, own, sizeof(own)) == TEXT_BYTES && memcmp(own, boot_id, TEXT_BYTES) == 0;
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
