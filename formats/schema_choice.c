/* Which schema a block of rows is read with, where the one it names may be lost. SPEC.md, "SCHEMA".
 */
#include "bytes.h"
#include "body_layout.h"
#include "limits.h"
#include "reader_state.h"

static const struct cap_schema *read_schema(const struct cap_reader *reader, u64 id)
{
	for (u32 i = 0; i < reader->schema_count; i++)
		if (reader->schemas[i]->id == id)
			return reader->schemas[i];
	return NULL;
}

void reader_choose_schema(struct cap_reader *reader)
{
	const struct cap_schema *schema;
	u64 id;

	if (reader->header.plain_len < CAP_PROLOGUE_BYTES)
		return; /* damaged: nothing will be read */
	id = cap_load_u64(reader->payload + CAP_PRO_SCHEMA_ID);
	schema = read_schema(reader, id);
	if (!schema)
		schema = cap_schema_released(id);
	if (!schema) {
		reader->damage.blocks_schema_unknown++;
		schema = reader->file_schema ? reader->file_schema : cap_schema_of_any_machine();
	}
	reader->schema = schema;
}
