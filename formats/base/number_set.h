#pragma once
/* Sets of block numbers, as ranges: those of an intact file take one. Internal to formats/. */
#include <stdbool.h>

#include "formats/base/ints.h"

struct number_range {
	u64 first, last;
};

struct number_set {
	struct number_range *ranges; /* ascending, not touching */
	u32 count, size;
};

bool number_set_has(const struct number_set *set, u64 number);
/*
 * Adds a number below 2^63. Beyond CAP_MAX_RANGES ranges the two lowest are merged, gap included,
 * so that a hostile file costs neither memory nor time. 0 or -ENOMEM.
 */
int number_set_add(struct number_set *set, u64 number);
void number_set_clear(struct number_set *set); /* keeps its memory */
void number_set_done(struct number_set *set);
