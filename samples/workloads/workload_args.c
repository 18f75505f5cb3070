/* The options of workload.c. */
#include "workload_args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage_text[] =
	"usage: workload [options]\n"
	"  --seconds S    how long to run (default 5)\n"
	"  --syscalls N   system calls of each kind, per thread (default 1000)\n"
	"  --rate HZ      of each kind, per thread; default: spread over the run\n"
	"  --threads T    threads that work (default 1)\n"
	"  --spawn N      start N short-lived processes first\n"
	"  --cpu-only     no system calls\n"
	"  --idle         no hot functions\n"
	"  --hang         one more thread that waits in read until the end\n"
	"Prints what it did as one line of JSON.\n";

static int parse_number(const char *text, double max, double *ret_value)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !(value >= 0) || value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int workload_args_parse(int argc, char **argv, unsigned max_threads, struct workload_args *ret_args)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"syscalls", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"threads", required_argument, NULL, 't'},
		{"spawn", required_argument, NULL, 'f'},
		{"cpu-only", no_argument, NULL, 'c'},
		{"idle", no_argument, NULL, 'i'},
		{"hang", no_argument, NULL, 'h'},
		{"help", no_argument, NULL, '?'},
		{NULL, 0, NULL, 0},
	};
	struct workload_args args = {.seconds = 5, .syscalls = 1000, .threads = 1};
	double value = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (optarg && parse_number(optarg, 1e12, &value) < 0) {
			(void)fprintf(stderr, "workload: not a number: '%s'\n", optarg);
			return 2;
		}
		switch (option) {
		case 's':
			args.seconds = value;
			break;
		case 'n':
			args.syscalls = (uint64_t)value;
			break;
		case 'r':
			args.rate_hz = (uint64_t)value;
			break;
		case 't':
			args.threads = value >= 1 && value <= max_threads ? (unsigned)value : 0;
			break;
		case 'f':
			args.spawn = (unsigned long)value;
			break;
		case 'c':
			args.cpu_only = true;
			break;
		case 'i':
			args.idle = true;
			break;
		case 'h':
			args.hang = true;
			break;
		default:
			(void)fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind != argc || args.threads == 0) {
		(void)fputs(usage_text, stderr);
		return 2;
	}
	*ret_args = args;
	return 0;
}
