#pragma once
/* The options of workload.c. */
#include <stdbool.h>
#include <stdint.h>

struct workload_args {
	double seconds;
	uint64_t syscalls; /* of each counted kind, per thread */
	uint64_t rate_hz;  /* of each kind, per thread; 0: spread over the run */
	unsigned threads;
	unsigned long spawn; /* short-lived processes */
	bool cpu_only;	     /* no counted system calls besides the last line's */
	bool idle;	     /* system calls only: sleep instead of the hot functions */
	bool hang;	     /* a thread that waits in read(2) until the end */
};

/* 0, or the exit status with the message printed. */
int workload_args_parse(int argc, char **argv, unsigned max_threads,
			struct workload_args *ret_args);
