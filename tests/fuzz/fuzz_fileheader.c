/* The plain part of a FILE_HEADER block, alone: fixed part and entries. Read twice, since a replica
 * is read into facts that are there already. */
#include <stdlib.h>
#include <string.h>

#include "formats/base/limits.h"
#include "formats/read/reader_state.h"
#include "fuzz_target.h"

static void check_text(const char *text, const char *own)
{
	if (text != own || strnlen(own, READER_INFO_STRING_BYTES) == READER_INFO_STRING_BYTES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cap_reader *reader = calloc(1, sizeof(*reader));
	struct reader_facts *facts = reader ? &reader->read : NULL;
	struct cap_err err = {0};
	int first, second;

	if (!reader)
		return 0;
	first = reader_read_file_header(reader, bytes, len, &err);
	if ((first < 0 && !err.text[0]) || (first == 0 && len < CAP_FILE_HEADER_BYTES))
		abort();
	second = reader_read_file_header(reader, bytes, len, &err);
	if (first != second)
		abort();
	if (first == 0) {
		reader_facts_point(facts);
		check_text(facts->facts.info.tool_version, facts->tool_version);
		check_text(facts->facts.info.kernel_release, facts->kernel_release);
		check_text(facts->facts.info.hostname, facts->hostname);
	}
	free(reader);
	return 0;
}
