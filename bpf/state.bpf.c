// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Shared state of the programs: settings, control words, the set of wanted processes. No program of
 * its own. */
#include "run_time.bpf.h"
#include "state.bpf.h"

const volatile bool filter_pids = false, filter_comm = false, filter_cgroup = false;
const volatile u64 filter_comm_lo = 0, filter_comm_hi = 0, filter_comm_mask_lo = 0,
		   filter_comm_mask_hi = 0;
const volatile u64 filter_cgroup_id = 0;

struct live_control control = {};
struct live_run_times run_times[LIVE_MAX_CPUS] = {};

struct pid_set pid_set SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
