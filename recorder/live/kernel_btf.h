#pragma once
/* Looks for single entries of the running kernel's own type information (BTF), in one or two
 * milliseconds. */
#include <linux/btf.h>
#include <stddef.h>

#include "formats/base/ints.h"

struct live_kernel_btf { /* all zero: none */
	char *bytes;	 /* owned; the others point into it */
	const char *types, *strings;
	size_t type_bytes, string_bytes;
};

/* 0; -1: there is none, it has a form that is not known here, or memory is out. */
int live_kernel_btf_read(struct live_kernel_btf *ret_btf);
void live_kernel_btf_done(struct live_kernel_btf *btf); /* for CLEANUP too */

/* The first entry of a kind (BTF_KIND_FUNC, ...) and name; NULL: there is none. *ret_id is its
 * number. */
const struct btf_type *live_kernel_btf_find(const struct live_kernel_btf *btf, u32 kind,
					    const char *name, u32 *ret_id);
