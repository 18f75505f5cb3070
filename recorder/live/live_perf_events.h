#pragma once
/* Sampling clocks: one perf event per online CPU with the sampling program on it. */
#include <stdbool.h>

#include "formats/table/events.h"

struct bpf_program;
struct live_probe_state;

/*
 * Opens sample_hz on each online CPU, on hardware cycles where those exist, else on cpu-clock, and
 * attaches the program. The links go to state. 0 or -errno, and then nothing stays open.
 */
int live_perf_events_attach(struct bpf_program *program, u32 sample_hz,
			    struct live_probe_state *state, bool *ret_cycles);

/* Another rate for events that live_perf_events_attach opened; 0: none. Takes no capability. 0 or
 * -errno, and then CPUs may differ. */
int live_perf_events_set(const struct live_probe_state *state, u32 sample_hz, bool cycles);

/*
 * Opens a software event (PERF_COUNT_SW_*) on each online CPU, and attaches the program to one in
 * period of what it counts there; period 0: to none, but counts. 0 or -errno, and then nothing
 * stays open.
 */
int live_counters_attach(struct bpf_program *program, u64 event, u64 period,
			 struct live_probe_state *state);
/* Another period, above 0. Takes no capability. */
void live_counters_set(const struct live_probe_state *state, u64 period);
/* What was counted since it was attached, on all CPUs. */
u64 live_counters_read(const struct live_probe_state *state);
