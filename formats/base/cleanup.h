#pragma once
/* Scope-bound clean-up: CLEANUP(fn) T *x runs fn(&x) at the end of the scope; TAKE(x) moves x out
 * and leaves NULL. */
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))
#define TAKE(pointer)                                   \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

static inline void cap_freep(void *pointer)
{
	free(*(void **)pointer);
}

/* Closes *fd if it is open (>= 0). */
static inline void cap_closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(
			*fd); /* nothing was written through it, so close cannot lose anything */
}
