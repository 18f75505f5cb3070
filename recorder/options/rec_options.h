#pragma once
/* All options of a recording, from flags and configuration file. Filled once, then passed as const.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "formats/table/events.h"

#define REC_MAX_PIDS 64
#define REC_MIN_HZ 1
#define REC_MAX_HZ 1000
#define REC_FAULT_PERIOD 100 /* unless --faults says otherwise */
#define REC_MAX_FAULT_PERIOD 1000000
#define REC_MIN_MEM_BUDGET_BYTES (24ull << 20) /* what the smallest rings and queue leave used */

enum rec_source_kind { REC_SOURCE_LIVE, REC_SOURCE_SYNTHETIC, REC_SOURCE_CAPTURE };

/* How the user's part of stacks is taken. */
enum rec_stacks {
	REC_STACKS_COPY, /* registers and a copy, unwound by whoever reads the capture */
	REC_STACKS_FP,	 /* by frame pointers, in the kernel */
	REC_STACKS_NONE, /* not */
};
#define REC_COPY_DEFAULT_BYTES (32u << 10)
#define REC_COPY_MIN_BYTES 4096u
#define REC_COPY_MAX_BYTES (64u << 10)

/* When written data is synced, against power loss. */
enum rec_sync {
	REC_SYNC_INTERVAL, /* every 5 s or 64 MiB, with write-back started every 4 MiB */
	REC_SYNC_NONE,	   /* never: left to the kernel */
	REC_SYNC_CHUNK,	   /* after each block */
};

struct rec_synthetic {
	u64 events;   /* how many in all; 0: until the recording ends */
	u64 rate_hz;  /* events per second of event time and, unless 0, of real time; 0: as fast as
			 possible */
	char mix[32]; /* "syscalls" or "all" */
	u64 seed;
	u64 counted_percent; /* of the system calls: counted, not stored one by one */
};

/* Space to leave free on the capture's file system. */
struct rec_floor {
	bool given; /* false: 512 MiB or 5 %, but no more than half of what is free */
	u64 bytes;
	u32 ppm; /* of its size; used where bytes is 0 */
};

struct rec_options {
	u32 classes;	    /* bit (1 << CLASS_*): what to record; default cpu and syscalls */
	u32 sample_hz;	    /* 1..1000 */
	u64 duration_ns;    /* 0: no limit */
	u64 max_size_bytes; /* 0: no limit */
	u64 max_samples;    /* events stored; 0: no limit */
	bool syscall_args;  /* store the six raw arguments */
	bool no_exec_args;  /* store no arguments of programs that are started */
	enum rec_stacks stacks;
	u32 copy_bytes; /* of a stack, at most; a multiple of 4096 */
	/* Calls are recorded at their return alone, with their time off the CPU as duration. */
	bool blocked_durations;
	u32 fault_period; /* one page fault in so many is stored; 0: none */
	bool no_symbols;  /* user functions are not named in the capture */
	bool all;	  /* -a: the whole system although a command is given */

	pid_t pids[REC_MAX_PIDS]; /* -p: these processes and their future children */
	size_t pid_count;
	char comm[EV_COMM_BYTES]; /* --comm: only tasks of this name; "" : all */
	char *cgroup_path;	  /* --cgroup; NULL: all */

	u32 cpu_budget_ppm;   /* millionths of the host's CPU time; 0: no budget */
	u64 mem_budget_bytes; /* 0: no budget */
	struct rec_floor disk_floor;
	u64 ring_bytes;	   /* per class, a power of two >= 4096; 0: default */
	u32 drain_ms;	   /* timer of the drain; 0: default 100 */
	char *output_path; /* "-": stdout */
	enum rec_sync sync;
	bool force;	/* --force: replace an existing regular file */
	char **command; /* after --; NULL-terminated, NULL if none */

	enum rec_source_kind source_kind;
	struct rec_synthetic synthetic;
	char *source_path; /* REC_SOURCE_CAPTURE */

	bool quiet;
	bool verbose; /* tell each step of the end */
	bool json;    /* summary as JSON on stdout */
	char *config_path;
	char *btf_path; /* --btf; NULL: the kernel's own */
	char preset[16];
	char *config_text;  /* effective configuration as YAML, for META */
	char *command_line; /* as typed, for META */
};
