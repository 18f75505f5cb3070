/* Conditions that everything fulfils are left out: a column that is NULL would not. */
#include "analyzer/reports/wait_choice.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/db/wait_kinds.h"
#include "formats/table/schema.h"

void kymo_wait_sql(const struct kymo_wait_choice *choice, const char *low, const char *high,
		   char ret_sql[KYMO_WAIT_SQL_BYTES])
{
	char where[KYMO_FILTER_SQL_BYTES], length[160] = "";

	kymo_filter_sql(choice->filter, "v", "v", where);
	if (kymo_wait_is_bounded(choice))
		(void)snprintf(length, sizeof(length), " AND %s >= :min AND %s <= :max", low, high);
	(void)snprintf(ret_sql, KYMO_WAIT_SQL_BYTES, "%s%s%s%s%s%s", where, length,
		       choice->reason ? " AND v.reason = :reason" : "",
		       choice->kinds ? " AND instr(',' || :kinds || ',', ',' || v.wait_kind || ',')"
				     : "",
		       choice->name ? " AND v.name = :name" : "",
		       choice->all ? "" : " AND NOT (v.idle OR v.kernel_thread)");
}

int kymo_wait_bind(const struct kymo_wait_choice *choice, struct kymo_query *query)
{
	int rc = kymo_filter_bind(choice->filter, query);

	if (rc == 0)
		rc = kymo_query_bind_text(query, ":reason", choice->reason);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":kinds", choice->kinds);
	if (rc == 0)
		rc = kymo_query_bind_text(query, ":name", choice->name);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":min", choice->min_ns);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":max", choice->max_ns);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":share_idle", choice->share_idle);
	return rc;
}

#define REASONS_BYTES 128

/* "sleep, disk, ..." */
static const char *reason_names(char ret_names[REASONS_BYTES])
{
	const struct cap_schema *schema = cap_schema_builtin();
	size_t used = 0;

	ret_names[0] = '\0';
	for (size_t i = 0; i < schema->enum_count && used < REASONS_BYTES; i++)
		if (schema->enums[i].kind == CAP_KIND_WAIT)
			used += (size_t)snprintf(ret_names + used, REASONS_BYTES - used, "%s%s",
						 used ? ", " : "", schema->enums[i].name);
	return ret_names;
}

int kymo_wait_set_reason(struct kymo_wait_choice *choice, const char *value, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	char names[REASONS_BYTES];

	for (size_t i = 0; i < schema->enum_count; i++) {
		if (schema->enums[i].kind == CAP_KIND_WAIT &&
		    strcmp(schema->enums[i].name, value) == 0) {
			choice->reason = value;
			return 0;
		}
	}
	return cap_fail(err, CAP_EUSAGE, "unknown reason '%s' (known: %s)", value,
			reason_names(names));
}

int kymo_wait_set_kinds(struct kymo_wait_choice *choice, const char *value, struct cap_err *err)
{
	const char *at = value;

	for (;;) {
		size_t len = strcspn(at, ",");

		if (!kymo_wait_kind_known(at, len))
			return cap_fail(err, CAP_EUSAGE, "unknown kind '%.*s' (known: %s)",
					(int)len, at, kymo_wait_kind_names());
		if (len == strlen("idle") && memcmp(at, "idle", len) == 0)
			choice->share_idle = true; /* asked for, it is no news to be left out */
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	choice->kinds = value;
	return 0;
}
