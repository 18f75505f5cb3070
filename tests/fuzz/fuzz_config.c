/* The configuration file: any bytes. What is accepted must mean the same after it was shown and
 * read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/options/config_yaml.h"
#include "fuzz_target.h"
#include "recorder/options/option_values.h"
#include "recorder/options/options.h"

/* The effective configuration of what bytes say; NULL where they are refused. */
static char *effective(const char *bytes, size_t len)
{
	struct rec_options options;
	char *yaml = NULL;
	u64 mask;

	rec_options_init(&options);
	if (rec_config_parse("f", bytes, len, &options, &mask, NULL) == 0 &&
	    rec_options_complete(&options, mask, NULL) == 0)
		yaml = rec_options_yaml(&options);
	rec_options_done(&options);
	return yaml;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *first = effective((const char *)data, len), *second;

	if (!first)
		return 0;
	second = effective(first, strlen(first));
	if (!second || strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
