#pragma once
/* Is this the boot that was recorded? */
#include <stdbool.h>
#include <stdint.h>

bool kymo_is_own_boot(const uint8_t boot_id[16]);

/* The same of 36 characters of hex and dashes; NULL or anything else: false. */
bool kymo_is_own_boot_text(const char *boot_id);
