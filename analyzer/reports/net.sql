-- TCP connections, what troubled them, and packets that were dropped.

-- Each connection as one of its ends saw it; one whose ends are both here is here twice. role: connect or accept; NULL where neither was seen. port: the
-- one that was connected to, on either end. ended: how. failed: it never came about, or an error ended it. start_ns is NULL where the begin was not seen.
CREATE VIEW tcp_connections AS
WITH named AS (
	SELECT c.*, c.flags & 4 <> 0 AS established, c.flags & 8 <> 0 AS open,
		CASE WHEN c.flags & 1 THEN 'connect' WHEN c.flags & 2 THEN 'accept' END AS role
	FROM tcp_conn c)
SELECT c.capture_id, (c.time_ns - i.start_ns) / 1e9 AS at_s, c.time_ns, CASE WHEN c.flags & 32 = 0 THEN c.time_ns - c.duration_ns END AS start_ns,
	COALESCE(p.comm, t.comm, '[unknown]') AS process, COALESCE(t.comm, '[unknown]') AS comm, t.tgid, t.tid, t.process_id, c.role,
	c.local_address, c.local_port, c.remote_address, c.remote_port, CASE c.role WHEN 'accept' THEN c.local_port ELSE c.remote_port END AS port,
	c.duration_ns, NULLIF(c.connect_ns, 0) AS connect_ns, c.sent_bytes, c.received_bytes, COALESCE(c.retrans_count, 0) AS retrans_count,
	COALESCE(c.retrans_bytes, 0) AS retrans_bytes, NULLIF(c.srtt_ns, 0) AS srtt_ns, NULLIF(c.min_rtt_ns, 0) AS min_rtt_ns,
	CASE WHEN c.open THEN 'open'
		WHEN c.error = 111 AND NOT c.established THEN 'refused'
		WHEN c.error = 110 THEN 'timed out'
		WHEN c.error IN (104, 32) THEN 'peer reset'
		WHEN c.error <> 0 THEN COALESCE(e.name, 'error ' || c.error)
		WHEN c.flags & 512 AND NOT c.established THEN 'given up'
		WHEN c.flags & 512 THEN 'reset here'
		WHEN c.flags & 128 THEN 'closed here'
		WHEN c.flags & 256 THEN 'peer closed'
		ELSE 'closed' END AS ended,
	NOT c.open AND (c.error <> 0 OR c.flags & 516 = 512) AS failed, c.error, c.open, c.established, c.flags & 16 <> 0 AS since_before,
	c.flags & 32 <> 0 AS begin_unseen, c.flags & 64 <> 0 AS by_listener, c.family, c.task_id
FROM named c JOIN capture i ON i.id = c.capture_id LEFT JOIN task t ON t.id = c.task_id AND c.task_id <> 0 LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN errno_name e ON e.error = c.error;

-- By process, which end it was, the address of the peer and the port connected to: the most bytes first is how it is meant to be read.
CREATE VIEW net_talkers AS
SELECT capture_id, process AS comm, role, remote_address, port, count(*) AS connections, sum(failed) AS failed, sum(open) AS open,
	CAST(total(sent_bytes) AS INTEGER) AS sent_bytes, CAST(total(received_bytes) AS INTEGER) AS received_bytes,
	CAST(total(retrans_count) AS INTEGER) AS retrans_count, CAST(avg(connect_ns) AS INTEGER) AS connect_avg_ns, max(connect_ns) AS connect_max_ns,
	CAST(avg(srtt_ns) AS INTEGER) AS srtt_avg_ns, count(DISTINCT process_id) AS processes, CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid
FROM tcp_connections GROUP BY capture_id, process, role, remote_address, port;

-- What ended connections before their time.
CREATE VIEW net_errors AS
SELECT capture_id, process AS comm, role, remote_address, port, ended, count(*) AS connections,
	CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid, max(at_s) AS last_s
FROM tcp_connections WHERE failed OR ended = 'reset here' GROUP BY capture_id, process, role, remote_address, port, ended;

-- Times in powers of two, of connect() ('connect') and of the smoothed round-trip time that connections had last ('rtt'): low_ns = 2^b .. high_ns =
-- 2^(b+1) - 1. A number in hexadecimal tells its log2: four per digit, and the first one's.
CREATE VIEW net_histogram AS
WITH times AS (
	SELECT capture_id, 'connect' AS what, connect_ns AS ns FROM tcp_connections WHERE connect_ns > 0
	UNION ALL
	SELECT capture_id, 'rtt', srtt_ns FROM tcp_connections WHERE srtt_ns > 0),
buckets AS (
	SELECT capture_id, what, 4 * (length(printf('%x', ns)) - 1) + (substr(printf('%x', ns), 1, 1) >= '2') + (substr(printf('%x', ns), 1, 1) >= '4')
		+ (substr(printf('%x', ns), 1, 1) >= '8') AS bucket FROM times)
SELECT capture_id, what, 1 << bucket AS low_ns, CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (2 << bucket) - 1 END AS high_ns,
	count(*) AS connections
FROM buckets GROUP BY capture_id, what, bucket;

-- Segments that were sent again, and resets. Whose connection it is may not be known.
CREATE VIEW tcp_events AS
SELECT e.capture_id, (e.time_ns - i.start_ns) / 1e9 AS at_s, e.time_ns, COALESCE(p.comm, t.comm, '-') AS process, COALESCE(t.comm, '-') AS comm,
	t.tgid, t.tid,
	CASE WHEN e.flags & 9 = 9 THEN 'handshake resent' WHEN e.flags & 1 THEN 'resent' WHEN e.flags & 2 THEN 'reset sent'
		WHEN e.flags & 4 THEN 'reset received' ELSE 'event ' || e.flags END AS what,
	e.local_address, e.local_port, e.remote_address, e.remote_port,
	CASE e.state WHEN 0 THEN 'none' WHEN 1 THEN 'established' WHEN 2 THEN 'syn_sent' WHEN 3 THEN 'syn_recv' WHEN 4 THEN 'fin_wait1'
		WHEN 5 THEN 'fin_wait2' WHEN 6 THEN 'time_wait' WHEN 7 THEN 'close' WHEN 8 THEN 'close_wait' WHEN 9 THEN 'last_ack' WHEN 10 THEN 'listen'
		WHEN 11 THEN 'closing' WHEN 12 THEN 'syn_recv' ELSE 'state_' || e.state END AS state, e.flags & 16 <> 0 AS by_listener,
	e.family
FROM tcp_event e JOIN capture i ON i.id = e.capture_id LEFT JOIN task t ON t.id = e.task_id AND e.task_id <> 0 LEFT JOIN process p ON p.id = t.process_id;

-- Reasons for which the kernel throws packets away though nothing is wrong: it is done with them, a connection was closed, or they were never for us.
CREATE VIEW harmless_drops AS
SELECT column1 AS reason FROM (VALUES ('CONSUMED'), ('NOT_DROPPED_YET'), ('QUEUE_PURGE'), ('SOCKET_CLOSE'), ('SOCKET_FILTER'), ('OTHERHOST'),
	('TCP_OFOMERGE'), ('TCP_RESET'), ('TCP_CLOSE'), ('UNIX_DISCONNECT'), ('UNIX_SKIP_OOB'), ('TAP_FILTER'), ('TAP_TXFILTER'), ('LOCAL_MAC'));

CREATE VIEW net_drops AS
SELECT d.capture_id, COALESCE(d.reason, CASE d.reason_number WHEN 0 THEN 'not told' ELSE 'reason_' || d.reason_number END) AS reason,
	CASE d.protocol WHEN 2048 THEN 'ipv4' WHEN 34525 THEN 'ipv6' WHEN 2054 THEN 'arp' WHEN 0 THEN '-' ELSE printf('0x%04x', d.protocol) END AS protocol,
	CAST(total(d.packet_count) AS INTEGER) AS packets, CASE WHEN h.reason IS NOT NULL THEN 'harmless' WHEN COALESCE(d.reason, 'NOT_SPECIFIED') = 'NOT_SPECIFIED' THEN 'no reason' END AS note, min(d.from_ns) AS from_ns, max(d.time_ns) AS to_ns
FROM net_drop_count d LEFT JOIN harmless_drops h ON h.reason = d.reason
GROUP BY d.capture_id, 2, 3, note;

-- All of it in one row. Of a connection between two processes here both ends count: one opened, one accepted.
CREATE VIEW net_totals AS
SELECT i.id AS capture_id, count(c.capture_id) AS connections, CAST(total(c.role = 'connect') AS INTEGER) AS opened,
	CAST(total(c.role = 'accept') AS INTEGER) AS accepted, CAST(total(c.open) AS INTEGER) AS open, CAST(total(c.failed) AS INTEGER) AS failed,
	CAST(total(c.ended = 'refused') AS INTEGER) AS refused, CAST(total(c.ended = 'timed out') AS INTEGER) AS timed_out,
	CAST(total(c.ended = 'peer reset') AS INTEGER) AS reset_by_peer, CAST(total(c.ended = 'reset here') AS INTEGER) AS reset_here,
	CAST(total(c.sent_bytes) AS INTEGER) AS sent_bytes, CAST(total(c.received_bytes) AS INTEGER) AS received_bytes,
	CAST(total(c.retrans_count) AS INTEGER) AS retrans_count, CAST(total(c.begin_unseen) AS INTEGER) AS begin_unseen
FROM capture i LEFT JOIN tcp_connections c ON c.capture_id = i.id GROUP BY i.id;
