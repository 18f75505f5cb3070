#pragma once
/* The questions behind the first answer, which its text and its JSON both ask; the columns are
 * those of the views of summary.sql. */
#include "analyzer/db/open_db.h"

enum kymo_summary_part { /* in the order of the document */
			 KYMO_SUMMARY_CAPTURE,
			 KYMO_SUMMARY_COST,
			 KYMO_SUMMARY_CPU,
			 KYMO_SUMMARY_WAITS,
			 KYMO_SUMMARY_SLOWEST,
			 KYMO_SUMMARY_IN_FLIGHT,
			 KYMO_SUMMARY_NET,
			 KYMO_SUMMARY_DISKS,
			 KYMO_SUMMARY_MEMORY,
			 KYMO_SUMMARY_PARTS
};

/* Places of the columns. */
enum { CAPTURE_HOST, CAPTURE_KERNEL, CAPTURE_START, CAPTURE_DURATION, CAPTURE_CPUS };
enum { COST_CPU, COST_BUDGET };
enum {
	CPU_NAME,
	CPU_PROCESSES,
	CPU_TGID,
	CPU_SAMPLES,
	CPU_SHARE,
	CPU_FUNCTION,
	CPU_FUNCTION_SHARE
};
enum {
	WAITS_NAME,
	WAITS_PROCESSES,
	WAITS_TGID,
	WAITS_REASON,
	WAITS_CALL,
	WAITS_INTERVALS,
	WAITS_TOTAL,
	WAITS_LONGEST,
	WAITS_BOUND,
	WAITS_FOR_WORK,
	WAITS_KIND,
	WAITS_FILE,
	WAITS_FILE_SHORT,
	WAITS_FILES
};
enum {
	SLOWEST_NAME,
	SLOWEST_TGID,
	SLOWEST_KIND,
	SLOWEST_CALL,
	SLOWEST_DURATION,
	SLOWEST_WAIT_KIND,
	SLOWEST_FILE,
	SLOWEST_FILE_SHORT
};
enum {
	FLIGHT_NAME,
	FLIGHT_PROCESSES,
	FLIGHT_TGID,
	FLIGHT_CALL,
	FLIGHT_CALLS,
	FLIGHT_LONGEST,
	FLIGHT_FOR_WORK,
	FLIGHT_FILE,
	FLIGHT_FILE_SHORT,
	FLIGHT_ALL,
	FLIGHT_ALL_FOR_WORK
};
enum { NET_OPENED, NET_ACCEPTED, NET_FAILED, NET_SENT, NET_RECEIVED, NET_RETRANS, NET_CONNECTIONS };

enum { DISKS_REQUESTS, DISKS_READ, DISKS_WRITTEN, DISKS_SLOWEST, DISKS_FAILED };

enum {
	MEMORY_MINOR,
	MEMORY_MAJOR,
	MEMORY_STALLS,
	MEMORY_STALL,
	MEMORY_KILLS,
	MEMORY_NAME,
	MEMORY_GROWN
};

/* The name of a part in the document. */
const char *kymo_summary_part_name(enum kymo_summary_part part);
/* Ready to be stepped. Free with kymo_query_free. 0, or the database's error. */
int kymo_summary_ask(struct kymo_db *db, const struct kymo_filter *filter,
		     enum kymo_summary_part part, struct kymo_query **ret_query,
		     struct cap_err *err);
