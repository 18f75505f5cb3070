#pragma once
/*
 * How the functions of one module are unwound, by file offset. The files are read by the helper
 * (symbol_helper.h), which hands over whole sections; here they are only searched and decoded,
 * which is bounded and safe for any content. Decoded functions are kept.
 */
#include "analyzer/symbols/find_object.h"
#include "objects/unwind/cfi_decode.h"
#include "objects/unwind/unwind_walk.h"

struct kymo_module_rules;

enum kymo_rules_state { /* of a module's files */
			KYMO_RULES_NOT_READ,
			KYMO_RULES_FOUND,
			KYMO_RULES_NO_FILE,
			KYMO_RULES_NONE, /* the file says nothing, or no more fits in memory */
};

/* Room for all modules together; what does not fit is as if no file told it. */
struct kymo_rules_budget {
	size_t section_bytes_left, table_bytes_left;
};

/* Knows nothing yet. budget must outlive it. NULL: out of memory. */
struct kymo_module_rules *kymo_module_rules_new(struct kymo_rules_budget *budget);
struct kymo_module_rules *kymo_module_rules_free(struct kymo_module_rules *rules);

/* Looks for its files, once. 0, even if nothing is found; -ENOMEM; -errno if no process can be
 * made.
 */
int kymo_module_rules_read(struct kymo_module_rules *rules, const struct kymo_object_search *search,
			   const struct kymo_wanted_object *wanted, struct cap_err *err);

enum kymo_rules_state kymo_module_rules_state(const struct kymo_module_rules *rules);

/*
 * What its files say of a file offset. Valid until free. 1; 0: nothing (*ret_table and *ret_row are
 * then NULL); -ENOMEM.
 */
int kymo_module_rules_at(struct kymo_module_rules *rules, uint64_t file_offset,
			 const struct kymo_cfi_table **ret_table,
			 const struct kymo_cfi_row **ret_row);

/* The same of an entry that was found elsewhere and covers the offset; its start is a file offset,
 * and its bytes are copied. */
int kymo_module_rules_of(struct kymo_module_rules *rules, const struct kymo_cfi_entry *entry,
			 uint64_t file_offset, const struct kymo_cfi_table **ret_table,
			 const struct kymo_cfi_row **ret_row);
