/* The table as SQL text, which joins those of the schema, and as names. */
#include "analyzer/db/wait_kinds.h"

#include <string.h>

extern const char kymo_wait_kinds_sql[];
const char kymo_wait_kinds_sql[] =
	"CREATE VIEW wait_kinds AS SELECT column1 AS wait_kind, column2 AS by_choice, column3 AS "
	"meaning FROM (VALUES "
#define WAIT_KIND(kind, by_choice, meaning) "('" #kind "', " #by_choice ", '" meaning "'), "
#include "analyzer/db/wait_kinds.def"
#undef WAIT_KIND
	"(NULL, NULL, NULL)) WHERE column1 IS NOT NULL;"
	"CREATE VIEW wait_calls AS SELECT column1 AS reason, column2 AS name, column3 AS "
	"wait_kind, column4 AS pooled_kind FROM (VALUES "
#define WAIT(reason, call, kind, pooled) \
	"('" #reason "', '" #call "', '" #kind "', '" #pooled "'), "
#include "analyzer/db/wait_kinds.def"
#undef WAIT
	"(NULL, NULL, NULL, NULL)) WHERE column1 IS NOT NULL;";

static const char *const names[] = {
#define WAIT_KIND(kind, by_choice, meaning) #kind,
#include "analyzer/db/wait_kinds.def"
#undef WAIT_KIND
};

bool kymo_wait_kind_known(const char *name, size_t name_bytes)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == name_bytes && memcmp(names[i], name, name_bytes) == 0)
			return true;
	return false;
}

const char *kymo_wait_kind_names(void)
{
	static const char text[] =
#define WAIT_KIND(kind, by_choice, meaning) ", " #kind
#include "analyzer/db/wait_kinds.def"
#undef WAIT_KIND
		;

	return text + strlen(", ");
}
