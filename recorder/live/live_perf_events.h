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
