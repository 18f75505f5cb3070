#pragma once
/*
 * Declarations of what state.bpf.c defines: settings, control words, counters, filter maps.
 * Included by every program file.
 */
#include "vmlinux_min.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "formats/table/events.h"
#include "live_state.h"

/* Settings: read-only data, fixed at load, so that the verifier removes what is switched off. */
extern const volatile bool filter_pids, filter_comm, filter_cgroup;
/* The name as two words; the masks end after its NUL, since older kernels leave bytes of an older
 * name behind it. */
extern const volatile u64 filter_comm_lo, filter_comm_hi, filter_comm_mask_lo, filter_comm_mask_hi;
extern const volatile u64 filter_cgroup_id;

/* Entries of system calls are not recorded: a call's duration is its time off the CPU. */
extern const volatile bool durations_blocked;

extern struct live_control control;
extern struct live_call_wait call_waits[LIVE_MAX_CPUS];

/* Processes to record with -p and their descendants: tgid -> start of the leader, so that a reused
 * pid does not match. */
struct pid_set {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, u32);
	__type(value, u64);
};
extern struct pid_set pid_set SEC(".maps");
