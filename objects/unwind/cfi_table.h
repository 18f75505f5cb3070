#pragma once
/*
 * How one function is unwound: for each range of its instructions, where the caller's registers
 * are. Made by cfi_decode.h, followed by unwind_walk.h.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/ints.h"

#define KYMO_CFI_MAX_REGISTERS                                            \
	33u /* DWARF numbers below it are followed; others are not needed \
	     */

enum kymo_cfi_how {
	KYMO_CFI_SAME,	    /* the register has kept its value; not stored: what has no rule */
	KYMO_CFI_UNDEFINED, /* its value is lost; of the return address: there is no caller */
	KYMO_CFI_AT,	    /* in memory at CFA + value */
	KYMO_CFI_SUM,	    /* register `base` + value; base KYMO_CFI_BASE_IS_CFA: CFA + value */
	KYMO_CFI_AT_EXPR,   /* in memory at what the expression gives */
	KYMO_CFI_EXPR,	    /* what the expression gives */
};

#define KYMO_CFI_BASE_IS_CFA 255u

struct kymo_cfi_rule {
	u8 reg; /* whose value it tells; of a row's CFA: unused */
	u8 how; /* enum kymo_cfi_how */
	u8 base;
	u32 expr_bytes;
	s64 value; /* offset in bytes; of an expression: its place in the table's bytes */
};

struct kymo_cfi_row {
	u64 start; /* it holds from here to the next row's start, or the table's end */
	struct kymo_cfi_rule cfa;
	u32 first_rule, rule_count;
};

struct kymo_cfi_table {
	u64 start, end; /* of the function, in the addresses that the decoder was given */
	bool is_signal; /* its caller was interrupted, not left by a call */
	u8 return_column;
	struct kymo_cfi_row *rows; /* by start; the first one's is the table's */
	u32 row_count, row_capacity;
	struct kymo_cfi_rule *rules;
	u32 rule_count, rule_capacity;
	u8 *bytes; /* where expressions stand */
	size_t byte_count;
};

/* The row that holds at an address of the table; NULL outside of it. */
const struct kymo_cfi_row *kymo_cfi_row_at(const struct kymo_cfi_table *table, u64 address);
struct kymo_cfi_table *kymo_cfi_table_free(struct kymo_cfi_table *table); /* returns NULL */
void kymo_cfi_table_freep(struct kymo_cfi_table **table);		  /* for CLEANUP */
