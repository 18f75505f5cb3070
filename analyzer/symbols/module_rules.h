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

enum kymo_rules_state { /* of a module */
			KYMO_RULES_FOUND,
			KYMO_RULES_NO_FILE, /* see object_state */
			KYMO_RULES_NONE,    /* the file says nothing, or no more fits in memory */
};

struct kymo_module_identity {
	const uint8_t *build_id;
	size_t build_id_len;
	const char *path;	   /* NULL: none */
	uint64_t text_file_offset; /* as kymo_object_names_open wants it */
};

/* Room for all modules together; what does not fit is as if no file told it. */
struct kymo_rules_budget {
	size_t section_bytes_left, table_bytes_left;
};

/* budget must outlive the rules. *ret_rules is set even if nothing was found. 0, -ENOMEM; -errno if
 * no process can be made. */
int kymo_module_rules_open(const struct kymo_object_search *search,
			   const struct kymo_module_identity *identity,
			   struct kymo_rules_budget *budget, struct kymo_module_rules **ret_rules,
			   struct cap_err *err);
struct kymo_module_rules *kymo_module_rules_free(struct kymo_module_rules *rules);

enum kymo_rules_state kymo_module_rules_state(const struct kymo_module_rules *rules);
enum kymo_object_state kymo_module_rules_object_state(const struct kymo_module_rules *rules);

/*
 * What holds at a file offset. Valid until free. 1; 0: nothing does (*ret_table and *ret_row are
 * then NULL); -ENOMEM.
 */
int kymo_module_rules_at(struct kymo_module_rules *rules, uint64_t file_offset,
			 const struct kymo_cfi_table **ret_table,
			 const struct kymo_cfi_row **ret_row);
