/* The counter that compilers call with -fsanitize-coverage=trace-pc. Compiled without it. */
#include "work_count.h"

u64 work_steps;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	work_steps++;
}
