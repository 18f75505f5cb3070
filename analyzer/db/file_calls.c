/* file_calls.def as SQL text, which joins that of the schema: view file_calls. */
#include "formats/base/ints.h"

extern const char kymo_file_calls_sql[];
const char kymo_file_calls_sql[] =
	"CREATE VIEW file_calls AS SELECT column1 AS name, lower(column2) AS does FROM (VALUES "
#define FILE_CALL(name, fd, does, path) "('" name "', '" #does "'), "
#include "formats/table/file_calls.def"
#undef FILE_CALL
	"(NULL, NULL)) WHERE column1 IS NOT NULL;";
