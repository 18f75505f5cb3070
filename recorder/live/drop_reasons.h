#pragma once
/* What the running kernel calls the reasons why it throws packets away. Their numbers differ
 * between kernels, so their names are what a capture holds. */
#include "formats/base/ints.h"

/* All zero: no names. */
struct live_drop_reasons {
	char **names; /* by number; NULL: there is none */
	u32 count;
};

/*
 * Reads them from the kernel's own type information, in one or two milliseconds. Without it,
 * on kernels that give no reasons (before 5.17), or without memory there are no names: rows then
 * have numbers only. Done with live_drop_reasons_done.
 */
void live_drop_reasons_read(struct live_drop_reasons *ret_reasons);
void live_drop_reasons_done(struct live_drop_reasons *reasons);

/* The name of a reason as users of other tools know it ("TCP_CSUM"); NULL: not known. */
const char *live_drop_reason(const struct live_drop_reasons *reasons, u32 number);
