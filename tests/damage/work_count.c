/* The counter that compilers call with -fsanitize-coverage=trace-pc. Compiled without it. */
#include "work_count.h"

#include <stdio.h>
#include <stdlib.h>

u64 work_steps;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	work_steps++;
}

static __attribute__((destructor)) void tell(void)
{
	const char *path = getenv("KYMO_WORK");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	(void)fprintf(file, "%llu\n", (unsigned long long)work_steps);
	(void)fclose(file);
}
