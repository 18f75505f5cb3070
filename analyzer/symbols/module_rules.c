#include "analyzer/symbols/module_rules.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/symbols/symbol_helper.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"

#define MAX_FILE_BYTES                                                                        \
	(64u << 20)		/* of one module's sections; the biggest browsers have 20 MiB \
				 */
#define MAX_TABLES (256u << 10) /* of one module */

enum origin { OF_FILE = 1, OF_ELSEWHERE };

struct kymo_module_rules {
	enum kymo_rules_state state;
	struct kymo_object_frames frames;
	uint8_t *bytes;
	struct kymo_rules_budget *budget;
	struct kymo_cfi_finder *finder; /* NULL: nothing to search */
	struct cap_word_map by_start;	/* (enum origin, start of a function) -> table + 1 */
	struct kymo_cfi_table **tables; /* NULL: it could not be decoded */
	u32 table_count, table_capacity;
};

struct kymo_module_rules *kymo_module_rules_new(struct kymo_rules_budget *budget)
{
	struct kymo_module_rules *rules = calloc(1, sizeof(*rules));

	if (rules)
		rules->budget = budget;
	return rules;
}

/* Found, with or without symbols: those are another matter. */
static bool has_file(enum kymo_object_state state)
{
	return state == KYMO_OBJECT_FOUND || state == KYMO_OBJECT_NO_SYMBOLS;
}

int kymo_module_rules_read(struct kymo_module_rules *rules, const struct kymo_object_search *search,
			   const struct kymo_wanted_object *wanted, struct cap_err *err)
{
	size_t left = rules->budget->section_bytes_left;
	const struct kymo_cfi_sections *sections = &rules->frames.sections;
	enum kymo_object_state object_state;
	struct kymo_symbol_helper *helper;
	int rc;

	if (rules->state != KYMO_RULES_NOT_READ)
		return 0;
	rules->state = KYMO_RULES_NO_FILE;
	rc = kymo_symbol_helper_open(search, wanted, &helper, err);
	if (rc < 0)
		return rc;
	rc = kymo_symbol_helper_frames(helper, left < MAX_FILE_BYTES ? left : MAX_FILE_BYTES,
				       &rules->frames, &rules->bytes);
	object_state = kymo_symbol_helper_state(helper);
	(void)kymo_symbol_helper_free(helper);
	if (rc == 0 && rules->frames.load_count > 0 &&
	    (sections->eh_frame.bytes || sections->debug_frame.bytes)) {
		rules->finder = kymo_cfi_finder_new(sections);
		rc = rules->finder ? 0 : -ENOMEM;
	}
	if (rc < 0)
		return cap_fail(err, rc, "rules of a module");
	rules->budget->section_bytes_left -=
		sections->eh_frame.len + sections->eh_frame_hdr.len + sections->debug_frame.len;
	rules->state = rules->finder		? KYMO_RULES_FOUND
		       : has_file(object_state) ? KYMO_RULES_NONE
						: KYMO_RULES_NO_FILE;
	return 0;
}

struct kymo_module_rules *kymo_module_rules_free(struct kymo_module_rules *rules)
{
	if (!rules)
		return NULL;
	for (u32 i = 0; i < rules->table_count; i++)
		(void)kymo_cfi_table_free(rules->tables[i]);
	free(rules->tables);
	(void)kymo_cfi_finder_free(rules->finder);
	cap_word_map_done(&rules->by_start);
	free(rules->bytes);
	free(rules);
	return NULL;
}

enum kymo_rules_state kymo_module_rules_state(const struct kymo_module_rules *rules)
{
	return rules->state;
}

static bool link_address(const struct kymo_module_rules *rules, uint64_t file_offset,
			 uint64_t *ret_address)
{
	for (size_t i = 0; i < rules->frames.load_count; i++) {
		const struct kymo_elf_load *load = &rules->frames.loads[i];

		if (file_offset >= load->offset && file_offset - load->offset < load->bytes) {
			*ret_address = file_offset - load->offset + load->address;
			return true;
		}
	}
	return false;
}

/* Hostile instructions make eight hundred bytes of rules from each of theirs. */
static bool take_room(struct kymo_rules_budget *budget, const struct kymo_cfi_table *table)
{
	size_t bytes = sizeof(*table) + table->byte_count +
		       table->row_capacity * sizeof(*table->rows) +
		       table->rule_capacity * sizeof(*table->rules);

	if (bytes > budget->table_bytes_left)
		return false;
	budget->table_bytes_left -= bytes;
	return true;
}

static int add_table(struct kymo_module_rules *rules, enum origin origin,
		     const struct kymo_cfi_entry *entry)
{
	struct kymo_cfi_table *table = NULL;
	int rc;

	if (rules->table_count == rules->table_capacity) {
		u32 capacity = rules->table_capacity ? rules->table_capacity * 2 : 64;
		struct kymo_cfi_table **tables =
			realloc(rules->tables, capacity * sizeof(struct kymo_cfi_table *));

		if (!tables)
			return -ENOMEM;
		rules->tables = tables;
		rules->table_capacity = capacity;
	}
	rc = kymo_cfi_decode(entry, &table);
	if (rc == -ENOMEM)
		return rc;
	if (table && !take_room(rules->budget, table))
		table = kymo_cfi_table_free(table);
	if (cap_word_map_put(&rules->by_start, origin, entry->start, rules->table_count + 1) < 0) {
		(void)kymo_cfi_table_free(table);
		return -ENOMEM;
	}
	rules->tables[rules->table_count++] = table;
	return 0;
}

/* The table of an entry, decoded at most once, and its row at an address. */
static int look_up(struct kymo_module_rules *rules, enum origin origin,
		   const struct kymo_cfi_entry *entry, uint64_t address,
		   const struct kymo_cfi_table **ret_table, const struct kymo_cfi_row **ret_row)
{
	u32 number = cap_word_map_get(&rules->by_start, origin, entry->start);

	if (number == 0) {
		if (rules->table_count == MAX_TABLES)
			return 0;
		if (add_table(rules, origin, entry) < 0)
			return -ENOMEM;
		number = rules->table_count;
	}
	if (!rules->tables[number - 1])
		return 0;
	*ret_row = kymo_cfi_row_at(rules->tables[number - 1], address);
	*ret_table = *ret_row ? rules->tables[number - 1] : NULL;
	return *ret_row != NULL;
}

int kymo_module_rules_at(struct kymo_module_rules *rules, uint64_t file_offset,
			 const struct kymo_cfi_table **ret_table,
			 const struct kymo_cfi_row **ret_row)
{
	struct kymo_cfi_entry entry;
	uint64_t address;

	*ret_table = NULL;
	*ret_row = NULL;
	if (!rules->finder || !link_address(rules, file_offset, &address) ||
	    !kymo_cfi_find(rules->finder, address, &entry))
		return 0;
	return look_up(rules, OF_FILE, &entry, address, ret_table, ret_row);
}

int kymo_module_rules_of(struct kymo_module_rules *rules, const struct kymo_cfi_entry *entry,
			 uint64_t file_offset, const struct kymo_cfi_table **ret_table,
			 const struct kymo_cfi_row **ret_row)
{
	*ret_table = NULL;
	*ret_row = NULL;
	return look_up(rules, OF_ELSEWHERE, entry, file_offset, ret_table, ret_row);
}
