#pragma once
/*
 * Choosing, loading and attaching the probes of probes.def. Each class succeeds or fails by itself;
 * what was wanted, tried and refused is kept for the PROBES block. Held by descriptors only:
 * nothing outlives the process.
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "recorder/live/live_probe_state.h"
#include "recorder/options/rec_options.h"

struct bpf_program;

enum live_kind { LIVE_TRACEPOINT, LIVE_PERF, LIVE_COUNTER, LIVE_ITERATOR };

/* When an iterator is read without being asked for by name. */
enum live_run { LIVE_RUN_NAMED, LIVE_RUN_PREPARE, LIVE_RUN_LIST, LIVE_RUN_PENDING };

/*
 * Loads and attaches what options ask for. Recording is off until the control words say otherwise.
 * CAP_EPRIVILEGE with an error name in front when nothing that was asked for can be recorded;
 * CAP_EUSAGE for settings.
 */
int live_probes_open(struct live_probes *probes, const struct rec_options *options,
		     struct cap_err *err);
/* Detaches. The programs stay loaded, so that their counts can still be read. */
void live_probes_detach(struct live_probes *probes);
void live_probes_close(struct live_probes *probes);

/* Detaches for a while; it still counts as attached: its class is recorded, with gaps. */
void live_probe_pause(struct live_probe_state *state);

/* Reports each wanted probe that is not attached, and why. */
void live_probes_missing(const struct live_probes *probes,
			 void (*tell)(void *context, const char *what, const char *why),
			 void *context);

/* True if the class is being recorded. */
bool live_class_attached(const struct live_probes *probes, u32 event_class);

const char *live_probe_name(enum live_probe_id id);
enum live_kind live_probe_kind(enum live_probe_id id);
enum live_run live_probe_run(enum live_probe_id id);
u32 live_probe_class(enum live_probe_id id);
/* Without it, the same is recorded at a higher CPU cost. */
bool live_probe_only_saves(enum live_probe_id id);
/* The loaded program of a probe; NULL if it is not in use. */
struct bpf_program *live_probe_program(const struct live_probes *probes, enum live_probe_id id);

/* A new descriptor of an iterator probe, to be read once; -1 where the probe is not in use, or
 * refused now: then it counts as refused from here on, with the reason. */
int live_probe_iterator(struct live_probes *probes, enum live_probe_id id);

/* Adds one PROBE row per probe that was wanted. */
int live_probes_rows(const struct live_probes *probes, u64 now_ns, struct cap_chunk *chunk);
