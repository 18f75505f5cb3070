#pragma once
/* The schema of a copy: what both the input's and the built-in one describe. A field that the input
 * could not have stays unknown, as readers of old captures expect. For rewrite_capture.c. */
#include "analyzer/rewrite/rewrite_rules.h"

/* *ret_encoded is malloc'd, for the caller to free. 0 or -ENOMEM. */
int kymo_rewrite_schema_of(const struct cap_schema *input, struct kymo_rewrite_schema *ret_schema,
			   u8 **ret_encoded, size_t *ret_len);
