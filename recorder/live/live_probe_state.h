#pragma once
/* The probes of probes.def, and what became of each: what live_probes.c, live_settings.c and
 * live_perf_events.c work on. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/table/events.h"
#include "recorder/live/live_btf.h"
#include "recorder/live/live_errors.h"

struct bpf_link;
struct kymo_bpf;

enum live_probe_id {
#define TRACEPOINT(program, name, event_class, need) LIVE_PROBE_##program,
#define TYPED TRACEPOINT
#define PERF(program, name, event_class, need) LIVE_PROBE_##program,
#define COUNTER(program, name, event_class, need, event) LIVE_PROBE_##program,
#define ITERATOR(program, name, event_class, need) LIVE_PROBE_##program,
#define PREPARE ITERATOR
#define PENDING ITERATOR
#define LIST ITERATOR
#define MAP(...)
#define STORAGE(...)
#include "bpf/probes.def"
	LIVE_PROBE_COUNT,
};

#define LIVE_MAX_HALVINGS 6 /* a 64th: 128 KiB for system calls */

struct live_probe_state {
	bool wanted;
	bool attached;
	bool left_out;		 /* its class does without it: not wanted, and not missing */
	int variant;		 /* index of the program in use or last tried */
	int error;		 /* errno of the last refusal; 0: none */
	char reason[192];	 /* of the refusal or the fallback; "" if there is nothing to say */
	struct bpf_link **links; /* one, or one per CPU */
	size_t link_count;
	int *event_fds; /* of perf events, one per link; the links own them */
	int again_fd;	/* of a tracepoint attached again; 0: none */
};

struct live_probes {
	struct kymo_bpf *skeleton;
	struct live_btf btf; /* open for the time of loading */
	bool use_task_storage;
	bool has_task_regs;   /* the kernel gives the registers that a task saved (5.15) */
	bool force_fallbacks; /* a test build */
	u32 ring_halvings;    /* how often all rings were halved, because memory was refused */
	bool cast_known;      /* cast_function was looked for */
	u32 cast_function;    /* the number of the kernel's bpf_rdonly_cast; 0: none */
	bool sample_cycles;   /* hardware cycles; else cpu-clock */
	struct live_probe_state states[LIVE_PROBE_COUNT];
	struct live_log log;
};
