/* Conditions that everything fulfils are left out: a column that is NULL would not. */
#include "analyzer/reports/wait_choice.h"

#include <stdio.h>
#include <string.h>

#include "formats/table/schema.h"

void kymo_wait_sql(const struct kymo_wait_choice *choice, const char *low, const char *high,
		   char ret_sql[KYMO_WAIT_SQL_BYTES])
{
	char where[KYMO_FILTER_SQL_BYTES], length[160] = "";

	kymo_filter_sql(choice->filter, "v", "v", where);
	if (kymo_wait_is_bounded(choice))
		(void)snprintf(length, sizeof(length), " AND %s >= :min AND %s <= :max", low, high);
	(void)snprintf(ret_sql, KYMO_WAIT_SQL_BYTES, "%s%s%s%s%s", where, length,
		       choice->reason ? " AND v.reason = :reason" : "",
		       choice->name ? " AND v.name = :name" : "",
		       choice->all ? "" : " AND NOT (v.idle OR v.kernel_thread)");
}

int kymo_wait_bind(const struct kymo_wait_choice *choice, struct kymo_query *query)
{
	int rc = kymo_filter_bind(choice->filter, query);

	if (rc == 0)
		rc = kymo_query_bind_text(query, ":reason", choice->reason);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", choice->name);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":min", choice->min_ns);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":max", choice->max_ns);
	return rc;
}

bool kymo_wait_reason_known(const char *reason)
{
	const struct cap_schema *schema = cap_schema_builtin();

	for (size_t i = 0; i < schema->enum_count; i++)
		if (schema->enums[i].kind == CAP_KIND_WAIT &&
		    strcmp(schema->enums[i].name, reason) == 0)
			return true;
	return false;
}

const char *kymo_wait_reasons(char ret_names[KYMO_WAIT_REASONS_BYTES])
{
	const struct cap_schema *schema = cap_schema_builtin();
	size_t used = 0;

	ret_names[0] = '\0';
	for (size_t i = 0; i < schema->enum_count && used < KYMO_WAIT_REASONS_BYTES; i++)
		if (schema->enums[i].kind == CAP_KIND_WAIT)
			used += (size_t)snprintf(ret_names + used, KYMO_WAIT_REASONS_BYTES - used,
						 "%s%s", used ? ", " : "", schema->enums[i].name);
	return ret_names;
}
