#pragma once
/*
 * The few kernel types that our programs read, by name only: libbpf relocates each access to the
 * running kernel's layout, so offsets and missing members here do not matter. Maintained by hand;
 * add a member when a program reads it. A name with ___suffix stands for the kernel's type without
 * the suffix.
 */
#include <linux/bpf.h>

#include "formats/base/ints.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct list_head {
	struct list_head *next;
};

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	unsigned long min_flt, maj_flt; /* of threads that are gone */
	short oom_score_adj;
};

struct kernfs_node {
	u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct thread_info {
	unsigned long flags;
	u32 status; /* x86 */
};

struct percpu_counter { /* since 6.2 */
	s64 count;
	s32 *counters; /* of each CPU: what is not in count yet */
};

struct mm_struct {
	unsigned long start_stack;
	unsigned long arg_start, arg_end;
	unsigned long hiwater_rss; /* pages */
	struct percpu_counter rss_stat[4];
};

typedef struct {
	s64 counter;
} atomic_long_t;

struct mm_rss_stat { /* before 6.2 */
	atomic_long_t count[4];
};

struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
};

struct bpf_array {
	void *pptrs[1];
};

struct thread_struct {
	unsigned long fsbase; /* x86_64 */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state; /* since 5.14 */
	int on_cpu;
	unsigned int flags;
	int exit_code;
	unsigned int in_execve : 1;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 start_boottime;
	char comm[16];
	struct signal_struct *signal;
	u64 self_exec_id;
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct thread_struct thread;
	struct list_head tasks, thread_node;
	unsigned long min_flt, maj_flt;
};

struct gendisk {
	int major;
	int first_minor;
	char disk_name[32];
};

struct request_queue {
	struct gendisk *disk; /* since 5.15 */
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	u64 __sector;
	u64 start_time_ns;
	u64 io_start_time_ns;
};

struct request___before_5_17 {
	struct gendisk *rq_disk;
};

struct task_struct___before_5_14 {
	long state;
};

struct linux_binprm {
	const char *filename;
};

struct pt_regs___kernel { /* the kernel's own names */
#if defined(__TARGET_ARCH_arm64)
	u64 regs[31];
	u64 orig_x0;
	s32 syscallno;
#else
	unsigned long r15, r14, r13, r12, bp, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		sp;
#endif
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct sock_common;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_map;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

struct in6_addr {
	union {
		u32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	u32 skc_daddr; /* network order, like the next one and skc_dport */
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	int sk_err;
};

struct inet_sock {
	struct sock sk;
	u16 inet_sport; /* network order */
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
};

struct minmax_sample {
	u32 t, v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u64 bytes_received, bytes_sent, bytes_retrans;
	u32 srtt_us;
	struct minmax rtt_min;
	u32 total_retrans;
};

struct request_sock {
	struct sock_common __req_common;
};

struct sk_buff {
	u16 protocol; /* network order */
	u16 transport_header, network_header;
	unsigned char *head;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct socket {
	struct sock *sk;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct kallsym_iter;

struct bpf_iter__ksym {
	struct bpf_iter_meta *meta;
	struct kallsym_iter *ksym;
};

#pragma clang attribute pop

/* The prototype of a tracepoint, as it is since 6.16: asked for with bpf_core_type_exists, which
 * looks at the number and kind of arguments. */
typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *, bool last_thread);
