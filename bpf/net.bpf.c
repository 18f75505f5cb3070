// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TCP connections, what troubles them, and packets that are dropped. No program runs per message:
 * the kernel keeps the bytes, retransmissions and round-trip times of a connection, and they are
 * taken when it ends. What the kernel forgets (when it began, who holds it) is kept in a hash of
 * bounded size; a connection that finds no room there gets its row nevertheless, without these.
 *
 * Whose a connection is: connect() and close() run in the task that calls them; everything else may
 * run anywhere. An accepted connection gets its task when that closes it. One that a reset ends has
 * nobody yet: its row waits until the socket is freed, which close() does.
 */
#include "counts.bpf.h"
#include "ring.bpf.h"
#include "run_time.bpf.h"
#include "task.bpf.h"

#include <bpf/bpf_endian.h>

#define FAMILY_IPV4 2
#define FAMILY_IPV6 10
#define PROTOCOL_TCP 6
#define MODE_TYPE 0170000u
#define MODE_SOCKET 0140000u
#define SOCK_DEAD_BIT 0x1 /* of skc_flags: no file holds it any more */
#define SOCK_DONE_BIT 0x2 /* a FIN was received */

/* include/net/tcp_states.h */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

enum owner_state { OWNER_UNKNOWN = 0, OWNER_WANTED, OWNER_UNWANTED };

/* What is known of a connection beside what the kernel keeps. */
struct net_conn {
	u64 start_ns;
	u64 end_ns; /* 0: it is open; else it waits to be freed, and ended with error in state */
	u64 connect_ns;
	u64 sent_before, received_before, retrans_bytes_before; /* until the recording began */
	struct ring_task owner;
	u32 retrans_before;
	u32 flags;	 /* EV_TCP_* */
	u32 owner_state; /* enum owner_state */
	u16 error, state;
};

struct net_listener {
	struct ring_task owner;
	u32 owner_state, reserved;
};

/* By the address of struct sock. Without room for one more, rows lack what is kept here.
 * max_entries: the recorder's choice. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct net_conn);
} net_conns SEC(".maps");

/* Who listened last on each port. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct net_listener);
} net_listeners SEC(".maps");

u64 net_waiting_count = 0;   /* connections that ended and wait to be freed */
u64 net_untracked_count = 0; /* that found no room in the table */

enum skb_drop_reason { SKB_DROP_REASON_ANY };

/* Prototypes of kfree_skb: a reason came with 5.17, the socket with 6.11. */
typedef void (*btf_trace_kfree_skb)(void *, struct sk_buff *, void *, enum skb_drop_reason,
				    struct sock *);
typedef void (*btf_trace_kfree_skb___without_socket)(void *, struct sk_buff *, void *,
						     enum skb_drop_reason);
#define HAS_REASON()                                  \
	(bpf_core_type_exists(btf_trace_kfree_skb) || \
	 bpf_core_type_exists(btf_trace_kfree_skb___without_socket))

static __always_inline bool has_filter(void)
{
	return filter_pids || filter_comm || filter_cgroup;
}

/* ---- Whose it is ---- */

static __always_inline u32 owner_take(struct ring_task *owner, const struct task_struct *task,
				      bool direct)
{
	if (!task_wanted(task, direct))
		return OWNER_UNWANTED;
	owner->leader_start_ns = task_leader_start(task, direct);
	owner->tgid = task_tgid(task, direct);
	owner->tid = task_tid(task, direct);
	owner->exec_id = (u32)READ_DIRECT_OR_PROBE(direct, task, self_exec_id);
	owner->reserved = 0;
	task_comm(task, direct, (u64 *)owner->comm);
	return OWNER_WANTED;
}

static __always_inline void owner_current(struct net_conn *conn)
{
	if (conn->owner_state == OWNER_UNKNOWN)
		conn->owner_state = owner_take(&conn->owner, current_task(), CURRENT_IS_DIRECT());
}

static __always_inline void listener_add(u32 port, const struct task_struct *task, bool direct)
{
	struct net_listener listener = {};

	listener.owner_state = owner_take(&listener.owner, task, direct);
	(void)bpf_map_update_elem(&net_listeners, &port, &listener, BPF_ANY);
}

/* Of a connection whose begin was not seen, which end it is: that of whoever listens there, or else
 * the one that connected. And whose, if nobody is known: its listener's. Kept so in conn. */
static __always_inline void owner_guess(struct net_conn *conn, u32 local_port)
{
	const struct net_listener *listener = bpf_map_lookup_elem(&net_listeners, &local_port);

	if (!(conn->flags & (EV_TCP_CONNECTED | EV_TCP_ACCEPTED)))
		conn->flags |= listener ? EV_TCP_ACCEPTED : EV_TCP_CONNECTED;
	if (!listener || conn->owner_state != OWNER_UNKNOWN || !(conn->flags & EV_TCP_ACCEPTED))
		return;
	conn->owner = listener->owner;
	conn->owner_state = listener->owner_state;
	conn->flags |= EV_TCP_LISTENERS_TASK;
}

/* ---- Rows ---- */

static __always_inline void head_of_owner(struct ring_head *head, const struct ring_task *owner,
					  u64 time_ns, u16 type)
{
	head->time_ns = time_ns;
	head->leader_start_ns = owner->leader_start_ns;
	head->tgid = owner->tgid;
	head->tid = owner->tid;
	head->exec_id = owner->exec_id;
	head->cpu = bpf_get_smp_processor_id();
	head->type = type;
	__builtin_memcpy(head->comm, owner->comm, sizeof(head->comm));
}

/* Both addresses, as they are in packets. record: of either type of TAIL ENDS. */
#define ADDRESSES_FILL(record, common, direct)                                                    \
	({                                                                                        \
		u16 family_ = READ_DIRECT_OR_PROBE(direct, common, skc_family);                   \
                                                                                                  \
		(record)->family = family_;                                                       \
		(record)->local_lo = (record)->local_hi = 0;                                      \
		(record)->remote_lo = (record)->remote_hi = 0;                                    \
		if (family_ == FAMILY_IPV4) {                                                     \
			(record)->local_lo = READ_DIRECT_OR_PROBE(direct, common, skc_rcv_saddr); \
			(record)->remote_lo = READ_DIRECT_OR_PROBE(direct, common, skc_daddr);    \
		} else if (family_ == FAMILY_IPV6 &&                                              \
			   bpf_core_field_exists((common)->skc_v6_daddr)) {                       \
			BPF_CORE_READ_INTO((u64(*)[2]) & (record)->local_lo, common,              \
					   skc_v6_rcv_saddr);                                     \
			BPF_CORE_READ_INTO((u64(*)[2]) & (record)->remote_lo, common,             \
					   skc_v6_daddr);                                         \
		}                                                                                 \
	})

static __always_inline u64 grown(u64 now, u64 before)
{
	return now > before ? now - before : 0;
}

#define RTT_UNKNOWN 0xffffffffu

/* tcp: what sk is. error and state stand in conn. */
static __always_inline void conn_fill(struct ring_tcp_conn *record, const struct sock *sk,
				      const struct tcp_sock *tcp, bool direct,
				      const struct net_conn *conn, u64 end_ns, u64 since_ns)
{
	u64 start_ns = conn->start_ns ? conn->start_ns : since_ns, sent, received, retrans;
	u32 rtt_us;

	head_of_owner(&record->head, &conn->owner, end_ns, EV_TCP_CONN);
	record->duration_ns = grown(end_ns, start_ns);
	record->connect_ns = conn->connect_ns;
	retrans = READ_DIRECT_OR_PROBE(direct, tcp, bytes_retrans);
	sent = READ_DIRECT_OR_PROBE(direct, tcp, bytes_sent);
	received = READ_DIRECT_OR_PROBE(direct, tcp, bytes_received);
	/* A FIN takes a number like a byte. */
	if (READ_DIRECT_OR_PROBE(direct, sk, __sk_common.skc_flags) & SOCK_DONE_BIT)
		received = grown(received, 1);
	record->sent_bytes = grown(grown(sent, retrans), conn->sent_before);
	record->received_bytes = grown(received, conn->received_before);
	record->retrans_bytes = grown(retrans, conn->retrans_bytes_before);
	record->retrans_count =
		grown(READ_DIRECT_OR_PROBE(direct, tcp, total_retrans), conn->retrans_before);
	record->srtt_ns = (u64)READ_DIRECT_OR_PROBE(direct, tcp, srtt_us) * (1000 / 8);
	rtt_us = READ_DIRECT_OR_PROBE(direct, tcp, rtt_min.s[0].v);
	record->min_rtt_ns = rtt_us == RTT_UNKNOWN ? 0 : (u64)rtt_us * 1000;
	record->local_port =
		bpf_ntohs(READ_DIRECT_OR_PROBE(direct, tcp, inet_conn.icsk_inet.inet_sport));
	record->remote_port = bpf_ntohs(READ_DIRECT_OR_PROBE(direct, sk, __sk_common.skc_dport));
	record->state = conn->state;
	record->flags = conn->flags;
	record->error = conn->error;
	ADDRESSES_FILL(record, &sk->__sk_common, direct);
}

/* The connection has ended, and the row says all of it. */
static __always_inline void conn_store(struct sock *sk, struct net_conn *conn, u64 end_ns)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct live_counters *counters = counters_of_cpu(CLASS_NET);
	struct ring_tcp_conn *record;
	u64 attempt;

	if (!tcp)
		return;
	if (conn->owner_state == OWNER_UNKNOWN ||
	    !(conn->flags & (EV_TCP_CONNECTED | EV_TCP_ACCEPTED)))
		owner_guess(conn, bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport));
	if (conn->owner_state == OWNER_UNWANTED)
		return;
	if (conn->owner_state == OWNER_UNKNOWN && has_filter()) {
		/* Perhaps it was wanted, and is not known only because the table was full. */
		if (conn->flags & EV_TCP_BEGIN_UNSEEN && net_untracked_count) {
			(void)count_attempt(counters);
			__sync_fetch_and_add(&counters->no_storage, 1);
		}
		return;
	}
	attempt = count_attempt(counters);
	record = bpf_ringbuf_reserve(&net_ring, sizeof(*record), 0);
	if (!record) {
		count_refusal(counters, &net_ring, sizeof(*record));
		return;
	}
	conn_fill(record, sk, tcp, true, conn, end_ns, control.class_since_ns[CLASS_NET]);
	bpf_ringbuf_submit(record, wakeup_flags(&net_ring, CLASS_NET, attempt));
}

/* ---- The course of a connection ---- */

static __always_inline void conn_begin(const struct sock *sk, u32 flags)
{
	struct net_conn conn = {.start_ns = bpf_ktime_get_ns(), .flags = flags};
	u64 key = (u64)sk;

	if (!control.events_open)
		return;
	if (flags & EV_TCP_CONNECTED)
		owner_current(&conn);
	if (bpf_map_update_elem(&net_conns, &key, &conn, BPF_ANY)) /* its end will find nothing */
		__sync_fetch_and_add(&net_untracked_count, 1);
}

static __always_inline void conn_established(const struct sock *sk, u32 old_state)
{
	u64 key = (u64)sk;
	struct net_conn *conn = bpf_map_lookup_elem(&net_conns, &key);

	if (old_state == TCP_SYN_RECV && (!conn || !(conn->flags & EV_TCP_CONNECTED))) {
		conn_begin(sk, EV_TCP_ACCEPTED | EV_TCP_ESTABLISHED);
	} else if (conn) {
		conn->flags |= EV_TCP_ESTABLISHED;
		if (conn->start_ns && !(conn->flags & EV_TCP_SINCE_BEFORE))
			conn->connect_ns = bpf_ktime_get_ns() - conn->start_ns;
	}
}

/* This end closes, in the task that holds it: of one that was not seen before, that much is known
 * by now. */
static __always_inline void conn_closing(const struct sock *sk)
{
	u64 key = (u64)sk;
	struct net_conn *conn = bpf_map_lookup_elem(&net_conns, &key);
	struct net_conn unseen = {.start_ns = control.class_since_ns[CLASS_NET],
				  .flags = EV_TCP_BEGIN_UNSEEN | EV_TCP_ESTABLISHED};

	if (conn) {
		owner_current(conn);
	} else if (control.events_open) {
		owner_current(&unseen);
		(void)bpf_map_update_elem(&net_conns, &key, &unseen, BPF_ANY);
	}
}

static __always_inline u32 flags_of_end(u32 old_state, u32 error)
{
	switch (old_state) {
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
		return EV_TCP_CLOSED_HERE;
	case TCP_LAST_ACK:
		return EV_TCP_CLOSED_THERE;
	case TCP_CLOSE_WAIT:
		return EV_TCP_CLOSED_THERE | (error ? 0 : EV_TCP_ABORTED);
	default:
		return error ? 0 : EV_TCP_ABORTED;
	}
}

static __always_inline void conn_end(struct sock *sk, u32 old_state)
{
	u64 key = (u64)sk, now_ns = bpf_ktime_get_ns();
	struct net_conn *conn = bpf_map_lookup_elem(&net_conns, &key);
	struct net_conn unseen = {};
	u32 error = sk->sk_err;

	if (conn && conn->start_ns < control.class_since_ns[CLASS_NET]) {
		(void)bpf_map_delete_elem(&net_conns, &key); /* another one's, of before a pause */
		conn = NULL;
	}
	if (conn ? conn->flags & EV_TCP_OPEN : !control.events_open || old_state == TCP_SYN_RECV) {
		(void)bpf_map_delete_elem(&net_conns, &key); /* its row was made already */
		return;
	}
	if (!conn) {
		conn = &unseen;
		conn->flags = EV_TCP_BEGIN_UNSEEN;
		if (old_state != TCP_SYN_SENT)
			conn->flags |= EV_TCP_ESTABLISHED;
	}
	conn->flags |= flags_of_end(old_state, error);
	conn->error = error;
	conn->state = old_state;
	if (conn->flags & EV_TCP_ABORTED)
		owner_current(conn);
	if (conn != &unseen && conn->owner_state == OWNER_UNKNOWN &&
	    !(sk->__sk_common.skc_flags & SOCK_DEAD_BIT)) {
		conn->end_ns = now_ns;
		__sync_fetch_and_add(&net_waiting_count, 1);
		return;
	}
	conn_store(sk, conn, now_ns);
	(void)bpf_map_delete_elem(&net_conns, &key);
}

static __always_inline int on_state(struct sock *sk, u32 old_state, u32 new_state)
{
	/* First what happens most and needs nothing. Whether the peer has closed first is seen at
	 * the end. */
	if (new_state != TCP_SYN_SENT && new_state != TCP_ESTABLISHED && new_state != TCP_CLOSE &&
	    new_state != TCP_FIN_WAIT1 && new_state != TCP_LAST_ACK && new_state != TCP_LISTEN)
		return 0;
	if (!control.tasks_open || sk->sk_protocol != PROTOCOL_TCP)
		return 0;
	switch (new_state) {
	case TCP_SYN_SENT:
		conn_begin(sk, EV_TCP_CONNECTED);
		break;
	case TCP_ESTABLISHED:
		conn_established(sk, old_state);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		conn_closing(sk);
		break;
	case TCP_LISTEN:
		listener_add(sk->__sk_common.skc_num, current_task(), CURRENT_IS_DIRECT());
		break;
	default:
		if (old_state != TCP_LISTEN && old_state != TCP_CLOSE)
			conn_end(sk, old_state);
	}
	return 0;
}

/* A socket is freed: of those whose row waits for it, here is who held it. */
static __always_inline int on_destroyed(struct sock *sk)
{
	u64 key = (u64)sk;
	struct net_conn *conn;

	if (!net_waiting_count || !control.tasks_open)
		return 0;
	conn = bpf_map_lookup_elem(&net_conns, &key);
	if (!conn || !conn->end_ns)
		return 0;
	__sync_fetch_and_add(&net_waiting_count, -1);
	if (!(conn->flags & EV_TCP_OPEN)) {
		owner_current(conn);
		conn_store(sk, conn, conn->end_ns);
	}
	(void)bpf_map_delete_elem(&net_conns, &key);
	return 0;
}

/* ---- Connections that are open when recording begins, and when it stops ---- */

/* The TCP socket behind a descriptor, as an address; NULL: it is none. */
static __always_inline const struct sock *tcp_of_file(const struct file *file)
{
	const struct socket *socket;
	const struct sock *sk;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & MODE_TYPE) != MODE_SOCKET)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP)
		return NULL;
	return sk;
}

static __always_inline bool is_open(u32 state)
{
	return state != TCP_CLOSE && state != TCP_LISTEN;
}

/* Right before the gate opens. */
SEC("iter/task_file")
int net_prepare_iter(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct net_conn conn = {.start_ns = control.start_ns, .flags = EV_TCP_SINCE_BEFORE};
	const struct tcp_sock *tcp;
	const struct sock *sk;
	u32 state;
	u64 key;

	if (!task || !file)
		return 0;
	sk = tcp_of_file(file);
	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == TCP_LISTEN)
		listener_add(BPF_CORE_READ(sk, __sk_common.skc_num), task, true);
	if (!is_open(state))
		return 0;
	tcp = (const struct tcp_sock *)sk;
	conn.flags |= state == TCP_SYN_SENT ? EV_TCP_CONNECTED : EV_TCP_ESTABLISHED;
	conn.retrans_bytes_before = BPF_CORE_READ(tcp, bytes_retrans);
	conn.sent_before = grown(BPF_CORE_READ(tcp, bytes_sent), conn.retrans_bytes_before);
	conn.received_before = BPF_CORE_READ(tcp, bytes_received);
	if (BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DONE_BIT)
		conn.received_before = grown(conn.received_before, 1);
	conn.retrans_before = BPF_CORE_READ(tcp, total_retrans);
	conn.owner_state = owner_take(&conn.owner, task, true);
	key = (u64)sk;
	(void)bpf_map_update_elem(&net_conns, &key, &conn, BPF_NOEXIST); /* one of its holders */
	return 0;
}

/*
 * The row of a connection that is open, or has ended and waits to be freed. Programs still run: it
 * is marked, so that what ends now has one row. Where there is no room for it, the iterator shows
 * it again.
 */
static __always_inline void open_row(struct seq_file *seq, const struct sock *sk,
				     struct net_conn *conn)
{
	const struct tcp_sock *tcp = (const struct tcp_sock *)sk;
	struct ring_tcp_conn record = {};
	u64 end_ns = conn->end_ns ? conn->end_ns : control.stop_ns;

	if (conn->flags & EV_TCP_OPEN)
		return;
	if (!conn->end_ns)
		conn->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	owner_guess(conn, bpf_ntohs(BPF_CORE_READ(tcp, inet_conn.icsk_inet.inet_sport)));
	if (conn->owner_state == OWNER_UNWANTED ||
	    (conn->owner_state == OWNER_UNKNOWN && has_filter()))
		return;
	conn_fill(&record, sk, tcp, false, conn, end_ns, control.class_since_ns[CLASS_NET]);
	if (!conn->end_ns)
		record.flags |= EV_TCP_OPEN;
	if (bpf_seq_write(seq, &record, sizeof(record)) == 0)
		conn->flags |= EV_TCP_OPEN;
}

/* Of the table; NULL also for what was there before a pause. */
static __always_inline struct net_conn *conn_find(u64 key)
{
	struct net_conn *conn = bpf_map_lookup_elem(&net_conns, &key);

	return conn && conn->start_ns >= control.class_since_ns[CLASS_NET] ? conn : NULL;
}

/* Once recording has stopped, all connections that have a file: in the table or not. */
SEC("iter/task_file")
int net_owners_iter(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct net_conn unseen = {.flags = EV_TCP_BEGIN_UNSEEN}, *conn;
	const struct sock *sk;
	u32 state;

	if (!task || !file)
		return 0;
	sk = tcp_of_file(file);
	if (!sk)
		return 0;
	conn = conn_find((u64)sk);
	if (!conn) {
		state = BPF_CORE_READ(sk, __sk_common.skc_state);
		if (!is_open(state) || state == TCP_SYN_RECV)
			return 0;
		unseen.flags |= state == TCP_SYN_SENT ? EV_TCP_CONNECTED : EV_TCP_ESTABLISHED;
		conn = &unseen;
	}
	if (conn->owner_state == OWNER_UNKNOWN)
		conn->owner_state = owner_take(&conn->owner, task, true);
	open_row(ctx->meta->seq, sk, conn);
	return 0;
}

/* And those that have none: closed here and not there, or not accepted yet. This one sees only the
 * recorder's network namespace. */
SEC("iter/tcp")
int list_conns_iter(struct bpf_iter__tcp *ctx)
{
	const struct sock_common *common = ctx->sk_common;
	struct net_conn *conn = common ? conn_find((u64)common) : NULL;

	if (conn)
		open_row(ctx->meta->seq, (const struct sock *)common, conn);
	return 0;
}

/* This one sees all, but not every kernel lets the table be listed. */
SEC("iter/bpf_map_elem")
int list_more_conns_iter(struct bpf_iter__bpf_map_elem *ctx)
{
	struct net_conn *conn = ctx->value;
	const u64 *key = ctx->key;

	if (key && conn && conn->start_ns >= control.class_since_ns[CLASS_NET])
		open_row(ctx->meta->seq, (const struct sock *)*key, conn);
	return 0;
}

/* ---- Segments that tell of trouble ---- */

/* Addresses of the packet that a reset answers: what it came from is remote. False: not of IP. */
static __always_inline bool ends_of_packet(struct ring_tcp_event *record, const struct sk_buff *skb)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	const unsigned char *ip = head + BPF_CORE_READ(skb, network_header);
	const unsigned char *tcp = head + BPF_CORE_READ(skb, transport_header);
	u16 ports[2] = {};
	u8 version = 0;

	record->local_lo = record->local_hi = record->remote_lo = record->remote_hi = 0;
	(void)bpf_probe_read_kernel(&version, sizeof(version), ip);
	(void)bpf_probe_read_kernel(ports, sizeof(ports), tcp);
	record->remote_port = bpf_ntohs(ports[0]);
	record->local_port = bpf_ntohs(ports[1]);
	if (version >> 4 == 4) {
		record->family = FAMILY_IPV4;
		(void)bpf_probe_read_kernel(&record->remote_lo, 4, ip + 12);
		(void)bpf_probe_read_kernel(&record->local_lo, 4, ip + 16);
	} else if (version >> 4 == 6) {
		record->family = FAMILY_IPV6;
		(void)bpf_probe_read_kernel(&record->remote_lo, 16, ip + 8);
		(void)bpf_probe_read_kernel(&record->local_lo, 16, ip + 24);
	} else {
		return false;
	}
	return true;
}

/*
 * Whose the connection of an event is, kept in *whose; what is half open or was just accepted is
 * its listener's. Not NULL: common.
 */
static __always_inline void whose_event(const struct sock_common *common, u32 state, u32 port,
					struct net_conn *whose)
{
	u64 key = (u64)common;
	const struct net_conn *conn = bpf_map_lookup_elem(&net_conns, &key);

	if (state == TCP_CLOSE) { /* the call that ends it by a reset runs here */
		owner_current(whose);
		return;
	}
	if (conn && conn->owner_state != OWNER_UNKNOWN) {
		whose->owner = conn->owner;
		whose->owner_state = conn->owner_state;
		return;
	}
	whose->flags = conn ? conn->flags : EV_TCP_ACCEPTED;
	if (whose->flags & EV_TCP_ACCEPTED)
		owner_guess(whose, port);
}

/* common: of the connection, or of a half-open one; NULL: there is none, and skb is what a reset
 * answers. */
static __always_inline int on_event(const struct sock_common *common, const struct sk_buff *skb,
				    u32 flags)
{
	struct live_counters *counters = counters_of_cpu(CLASS_NET);
	struct net_conn whose = {};
	struct ring_tcp_event *record;
	u32 state = 0, port = 0;
	u64 attempt;

	if (!control.events_open)
		return 0;
	if (common) {
		state = BPF_CORE_READ(common, skc_state);
		/* What is closed has given its number back; what is half open has only this one. */
		port = state == TCP_CLOSE ? bpf_ntohs(BPF_CORE_READ((const struct tcp_sock *)common,
								    inet_conn.icsk_inet.inet_sport))
					  : BPF_CORE_READ(common, skc_num);
		whose_event(common, state, port, &whose);
	}
	if (whose.owner_state == OWNER_UNWANTED ||
	    (has_filter() && whose.owner_state != OWNER_WANTED))
		return 0;
	attempt = count_attempt(counters);
	record = bpf_ringbuf_reserve(&net_ring, sizeof(*record), 0);
	if (!record) {
		count_refusal(counters, &net_ring, sizeof(*record));
		return 0;
	}
	head_of_owner(&record->head, &whose.owner, bpf_ktime_get_ns(), EV_TCP_EVENT);
	record->flags = flags;
	if (whose.flags & EV_TCP_LISTENERS_TASK)
		record->flags |= EV_TCP_OF_LISTENER;
	record->reserved_word = record->reserved_ring = 0;
	record->family = 0;
	record->state = state;
	record->local_port = port;
	record->remote_port = 0;
	if (common) {
		record->remote_port = bpf_ntohs(BPF_CORE_READ(common, skc_dport));
		ADDRESSES_FILL(record, common, false);
	} else {
		(void)ends_of_packet(record, skb);
	}
	bpf_ringbuf_submit(record, wakeup_flags(&net_ring, CLASS_NET, attempt));
	return 0;
}

static __always_inline int on_retransmit(const struct sock *sk)
{
	u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return on_event(&sk->__sk_common, NULL,
			EV_TCP_RETRANSMIT | (state == TCP_SYN_SENT ? EV_TCP_OF_HANDSHAKE : 0));
}

/* sk: NULL, of the connection, or who listens where there is none. */
static __always_inline int on_reset_sent(const struct sock *sk, const struct sk_buff *skb)
{
	u32 state = sk ? BPF_CORE_READ(sk, __sk_common.skc_state) : TCP_CLOSE;

	if (!sk && !skb)
		return 0;
	if (skb && (!sk || state == TCP_LISTEN))
		return on_event(NULL, skb, EV_TCP_RESET_SENT);
	return on_event(sk ? &sk->__sk_common : NULL, skb, EV_TCP_RESET_SENT);
}

/* ---- Drops ---- */

static __always_inline int on_drop(const struct sk_buff *skb, u32 reason)
{
	struct live_counters *counters = counters_of_cpu(CLASS_NET);
	u32 table = READ_CONTROL(counts_table);

	if (!control.events_open || has_filter())
		return 0;
	(void)count_attempt(counters);
	if (!counts_add(
		    0, 0,
		    LIVE_COUNT_KIND(reason, 0, CLASS_NET, bpf_ntohs(BPF_CORE_READ(skb, protocol))),
		    table + COUNTS_OF_NOBODY))
		__sync_fetch_and_add(&counters->no_storage, 1);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int tcp_state_btf(u64 *ctx)
{
	return TIMED(tcp_state, on_state((struct sock *)ctx[0], ctx[1], ctx[2]));
}

SEC("tp_btf/tcp_destroy_sock")
int tcp_destroyed_btf(u64 *ctx)
{
	return TIMED(tcp_destroyed, on_destroyed((struct sock *)ctx[0]));
}

SEC("tp_btf/tcp_retransmit_skb")
int tcp_retransmit_btf(u64 *ctx)
{
	return TIMED(tcp_retransmit, on_retransmit((const struct sock *)ctx[0]));
}

SEC("tp_btf/tcp_retransmit_synack")
int tcp_retransmit_synack_btf(u64 *ctx)
{
	const struct request_sock *request = (const struct request_sock *)ctx[1];

	return TIMED(tcp_retransmit_synack, on_event(&request->__req_common, NULL,
						     EV_TCP_RETRANSMIT | EV_TCP_OF_HANDSHAKE));
}

SEC("tp_btf/tcp_send_reset")
int tcp_reset_sent_btf(u64 *ctx)
{
	return TIMED(tcp_reset_sent,
		     on_reset_sent((const struct sock *)ctx[0], (const struct sk_buff *)ctx[1]));
}

SEC("tp_btf/tcp_receive_reset")
int tcp_reset_received_btf(u64 *ctx)
{
	return TIMED(tcp_reset_received, on_event(&((const struct sock *)ctx[0])->__sk_common, NULL,
						  EV_TCP_RESET_RECEIVED));
}

SEC("tp_btf/kfree_skb")
int net_drop_btf(u64 *ctx)
{
	return TIMED(net_drop,
		     on_drop((const struct sk_buff *)ctx[0], HAS_REASON() ? (u32)ctx[2] : 0));
}
