// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Shared state of the programs: settings, control words, rings and counters by class, the set of
 * wanted processes. No program of its own. */
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "state.bpf.h"
#include "waits.bpf.h"

const volatile bool filter_pids = false, filter_comm = false, filter_cgroup = false;
const volatile u64 filter_comm_lo = 0, filter_comm_hi = 0, filter_comm_mask_lo = 0,
		   filter_comm_mask_hi = 0;
const volatile u64 filter_cgroup_id = 0;
const volatile bool durations_blocked = false;

struct live_control control = {};
struct live_counters class_counters[EV_CLASS_COUNT][LIVE_MAX_CPUS] = {};
struct live_run_times run_times[LIVE_MAX_CPUS] = {};
u64 run_limits_ns[LIVE_TIMED_COUNT] = {};
struct live_call_wait call_waits[LIVE_MAX_CPUS] = {};

const volatile u64 ring_mark_bytes[EV_CLASS_COUNT] = {}, ring_ask_mask[EV_CLASS_COUNT] = {};

#define RING_KERNEL(class) struct ring_map class##_ring SEC(".maps");
#define RING_OTHER(class)
#define CLASS(id, upper, name, when, ring, part, holds) RING_##ring(name)
#include "formats/table/classes.def"
#undef CLASS

struct pid_set pid_set SEC(".maps");
struct sched_wait_map sched_waits SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
