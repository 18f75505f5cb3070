#pragma once
/* cmocka with what it needs included first, in the order it needs; and tests that cannot run here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool unit_left_out __attribute__((unused));

/* Leaves the test at hand out and says why: cmocka alone would count it as passed. */
#define unit_skip(why)                                            \
	do {                                                      \
		(void)printf("skipped: %s: %s\n", __func__, why); \
		unit_left_out = true;                             \
		skip();                                           \
	} while (0)

/* What main returns: a program that left a test out and has no failure is skipped (77). */
#define unit_status(failed) ((failed) ? 1 : unit_left_out ? 77 : 0)
