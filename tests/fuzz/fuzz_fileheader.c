/* The plain part of a FILE_HEADER block, alone: fixed part and entries. Read twice, since a replica
 * is read into facts that are there already. */
#include <stdlib.h>
#include <string.h>

#include "formats/limits.h"
#include "formats/reader_state.h"
#include "fuzz_target.h"

static void check_text(const char *text, const char *own)
{
	if (text != own || strnlen(own, READER_INFO_STRING_BYTES) == READER_INFO_STRING_BYTES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cap_reader *reader = calloc(1, sizeof(*reader));
	struct cap_err err = {0};
	int first, second;

	if (!reader)
		return 0;
	reader->facts.info.tool_version = reader->tool_version;
	reader->facts.info.kernel_release = reader->kernel_release;
	reader->facts.info.hostname = reader->hostname;
	first = reader_take_file_header(reader, bytes, len, &err);
	if ((first < 0 && !err.text[0]) || (first == 0 && len < CAP_FILE_HEADER_BYTES))
		abort();
	second = reader_take_file_header(reader, bytes, len, &err);
	if (first != second)
		abort();
	check_text(reader->facts.info.tool_version, reader->tool_version);
	check_text(reader->facts.info.kernel_release, reader->kernel_release);
	check_text(reader->facts.info.hostname, reader->hostname);
	free(reader);
	return 0;
}
