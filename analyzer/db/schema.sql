-- The database that `kymo import` writes: dictionary tables and views. SCHEMA.md explains each column. The tables of row types (syscall, cpu_sample,
-- mapping, ...) are not here: their CREATE TABLE text is made from formats/events.def at run time.
-- Every view is plain SQL: it works in the sqlite3 shell. Sums of numbers that a capture may hold are made by total(), since sum() fails where they
-- pass 2^63. All times are ns of CLOCK_MONOTONIC of the recorded host, unless the name says otherwise.

PRAGMA application_id = 1266249071; -- 'Kymo'
PRAGMA user_version = 3;

-- ---------------------------------------------------------------- captures

CREATE TABLE capture (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL,
	session_uuid TEXT NOT NULL,
	file_uuid TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	file_index INTEGER NOT NULL,
	format_version TEXT NOT NULL,
	file_bytes INTEGER NOT NULL,
	host TEXT,
	kernel TEXT,
	tool_version TEXT,
	machine INTEGER NOT NULL,
	cpu_count INTEGER NOT NULL,
	page_bytes INTEGER NOT NULL,
	start_realtime_ns INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	end_ns INTEGER NOT NULL,
	duration_ns INTEGER NOT NULL,
	complete INTEGER NOT NULL,
	end_reason TEXT NOT NULL,
	events_stored INTEGER NOT NULL,
	events_dropped INTEGER NOT NULL,
	events_damaged INTEGER NOT NULL,
	events_counted INTEGER NOT NULL,
	blocks_read INTEGER NOT NULL,
	blocks_damaged INTEGER NOT NULL,
	blocks_lost INTEGER NOT NULL,
	blocks_unknown INTEGER NOT NULL,
	bytes_skipped INTEGER NOT NULL,
	columns_rejected INTEGER NOT NULL,
	rows_unknown_type INTEGER NOT NULL,
	blocks_schema_unknown INTEGER NOT NULL
);

CREATE TABLE event_count (
	capture_id INTEGER NOT NULL,
	type TEXT NOT NULL,
	row_count INTEGER NOT NULL
);

CREATE TABLE enum_name (
	capture_id INTEGER NOT NULL,
	kind TEXT NOT NULL,
	value INTEGER NOT NULL,
	name TEXT NOT NULL,
	PRIMARY KEY (capture_id, kind, value)
) WITHOUT ROWID;

CREATE TABLE errno_name (
	error INTEGER PRIMARY KEY,
	name TEXT NOT NULL
);

-- ---------------------------------------------------------------- who and where

CREATE TABLE process (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	tgid INTEGER NOT NULL,
	leader_start_ns INTEGER NOT NULL,
	exec_id INTEGER NOT NULL,
	comm TEXT NOT NULL,
	exe TEXT,
	cgroup TEXT,
	parent_tgid INTEGER,
	kernel_thread INTEGER NOT NULL,
	begin_ns INTEGER,
	end_ns INTEGER
);

CREATE TABLE task (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	tgid INTEGER NOT NULL,
	tid INTEGER NOT NULL,
	comm TEXT NOT NULL
);

CREATE TABLE module (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	space TEXT NOT NULL,
	name TEXT NOT NULL,
	path TEXT,
	build_id TEXT
);

CREATE TABLE frame (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	space TEXT NOT NULL,
	module_id INTEGER,
	offset_bytes INTEGER,
	symbol TEXT,
	symbol_offset_bytes INTEGER,
	name TEXT NOT NULL
);

CREATE TABLE stack (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	parent_id INTEGER NOT NULL,
	frame_id INTEGER NOT NULL,
	depth INTEGER NOT NULL
);

-- ---------------------------------------------------------------- summaries of system calls, filled by an exact aggregate in C

CREATE TABLE syscall_summary (
	capture_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	calls INTEGER NOT NULL,
	finished INTEGER NOT NULL,
	unfinished INTEGER NOT NULL,
	errors INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	min_ns INTEGER,
	p50_ns INTEGER,
	p90_ns INTEGER,
	p99_ns INTEGER,
	p999_ns INTEGER,
	max_ns INTEGER,
	counted INTEGER NOT NULL,
	estimated INTEGER NOT NULL
);

CREATE TABLE syscall_process_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	calls INTEGER NOT NULL,
	finished INTEGER NOT NULL,
	unfinished INTEGER NOT NULL,
	errors INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	min_ns INTEGER,
	p50_ns INTEGER,
	p90_ns INTEGER,
	p99_ns INTEGER,
	p999_ns INTEGER,
	max_ns INTEGER,
	counted INTEGER NOT NULL,
	estimated INTEGER NOT NULL
);

CREATE TABLE syscall_error_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	error INTEGER NOT NULL,
	calls INTEGER NOT NULL
);

CREATE TABLE syscall_histogram_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	bucket INTEGER NOT NULL,
	calls INTEGER NOT NULL
);

-- ---------------------------------------------------------------- views: captures

CREATE VIEW capture_info AS
SELECT id AS capture_id, path, events_stored, events_counted, events_dropped, events_damaged, duration_ns, complete, end_reason, host, kernel,
	tool_version,
	strftime('%Y-%m-%dT%H:%M:%S', start_realtime_ns / 1000000000, 'unixepoch')
		|| printf('.%09dZ', start_realtime_ns % 1000000000) AS start_realtime,
	start_ns, end_ns, cpu_count, session_uuid, file_uuid, format_version, file_bytes,
	CASE WHEN events_stored > 0 THEN CAST(file_bytes AS REAL) / events_stored END AS bytes_per_event,
	blocks_read, blocks_damaged, blocks_lost, blocks_unknown, bytes_skipped, columns_rejected, rows_unknown_type
FROM capture;

-- The newest cumulative totals of each class, summed over the CPUs.
CREATE VIEW class_totals AS
SELECT capture_id,
	COALESCE((SELECT name FROM enum_name n WHERE n.capture_id = t.capture_id AND kind = 'class' AND value = event_class),
		'class_' || event_class) AS class,
	CAST(total(attempted_count) AS INTEGER) AS attempted_count, CAST(total(stored_count) AS INTEGER) AS stored_count,
	CAST(total(counted_count) AS INTEGER) AS counted_count, CAST(total(lost_count) AS INTEGER) AS lost_count,
	CAST(total(unmatched_count) AS INTEGER) AS unmatched_count
FROM (SELECT capture_id, event_class, cpu, max(time_ns), attempted_count, stored_count, counted_count, lost_count, unmatched_count
	FROM class_total GROUP BY capture_id, event_class, cpu) t
GROUP BY capture_id, event_class;

CREATE VIEW loss_spans AS
SELECT l.capture_id,
	COALESCE(k.name, CASE l.event_class WHEN 255 THEN 'unknown' ELSE 'class_' || l.event_class END) AS class,
	COALESCE(r.name, 'reason_' || l.reason) AS reason,
	l.cpu, l.lost_count, l.from_ns, l.time_ns AS to_ns,
	(l.from_ns - c.start_ns) / 1e9 AS from_s, (l.time_ns - c.start_ns) / 1e9 AS to_s
FROM loss l JOIN capture c ON c.id = l.capture_id
	LEFT JOIN enum_name k ON k.capture_id = l.capture_id AND k.kind = 'class' AND k.value = l.event_class
	LEFT JOIN enum_name r ON r.capture_id = l.capture_id AND r.kind = 'reason' AND r.value = l.reason;

-- The newest state of each probe.
CREATE VIEW probe_status AS
SELECT p.capture_id, p.name, p.how, COALESCE(k.name, 'class_' || p.event_class) AS class, p.attached, p.error,
	e.name AS error_name, p.reason
FROM (SELECT capture_id, name, how, event_class, max(time_ns), attached, error, reason
	FROM probe GROUP BY capture_id, name, how, event_class) p
	LEFT JOIN enum_name k ON k.capture_id = p.capture_id AND k.kind = 'class' AND k.value = p.event_class
	LEFT JOIN errno_name e ON e.error = p.error;

-- ---------------------------------------------------------------- views: system calls

CREATE VIEW syscall_name AS
SELECT capture_id, value AS sysno, name FROM enum_name WHERE kind = 'sysno';

-- One row per call, with names instead of ids.
CREATE VIEW syscall_calls AS
SELECT s.capture_id, (s.time_ns - c.start_ns) / 1e9 AS at_s, s.time_ns, s.duration_ns, t.tgid, t.tid, t.comm,
	CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
	s.ret, s.error, e.name AS error_name, s.flags & 7 <> 0 AS unfinished, s.cpu, t.process_id, s.task_id
FROM syscall s JOIN capture c ON c.id = s.capture_id
	LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error;

CREATE VIEW syscalls AS
SELECT s.capture_id,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	calls, errors, unfinished, total_ns, min_ns, CAST(total_ns AS REAL) / finished AS avg_ns, p50_ns, p90_ns, p99_ns, p999_ns,
	max_ns, 100.0 * total_ns / total(total_ns) OVER (PARTITION BY s.capture_id) AS share_percent, sysno, compat,
	calls - counted AS single, counted,
	NULLIF(rtrim(CASE WHEN estimated & 1 THEN 'p50 ' ELSE '' END || CASE WHEN estimated & 2 THEN 'p90 ' ELSE '' END
		|| CASE WHEN estimated & 4 THEN 'p99 ' ELSE '' END || CASE WHEN estimated & 8 THEN 'p999' ELSE '' END), '') AS estimated,
	NULLIF(rtrim(CASE WHEN estimated & 16 THEN 'min ' ELSE '' END || CASE WHEN estimated & 32 THEN 'max' ELSE '' END), '') AS bounds
FROM syscall_summary s
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

CREATE VIEW syscalls_by_process AS
SELECT s.capture_id, s.process_id, p.tgid, p.comm,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	calls, errors, unfinished, total_ns, min_ns, CAST(total_ns AS REAL) / finished AS avg_ns, p50_ns, p90_ns, p99_ns, p999_ns,
	max_ns, 100.0 * total_ns / total(total_ns) OVER (PARTITION BY s.capture_id) AS share_percent, sysno, compat,
	calls - counted AS single, counted,
	NULLIF(rtrim(CASE WHEN estimated & 1 THEN 'p50 ' ELSE '' END || CASE WHEN estimated & 2 THEN 'p90 ' ELSE '' END
		|| CASE WHEN estimated & 4 THEN 'p99 ' ELSE '' END || CASE WHEN estimated & 8 THEN 'p999' ELSE '' END), '') AS estimated,
	NULLIF(rtrim(CASE WHEN estimated & 16 THEN 'min ' ELSE '' END || CASE WHEN estimated & 32 THEN 'max' ELSE '' END), '') AS bounds
FROM syscall_process_summary s
	LEFT JOIN process p ON p.id = s.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

CREATE VIEW syscall_errors AS
SELECT s.capture_id,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	s.error, COALESCE(e.name, 'E' || s.error) AS error_name, sum(calls) AS calls
FROM syscall_error_summary s
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error
GROUP BY s.capture_id, sysno, compat, s.error;

CREATE VIEW syscall_errors_by_process AS
SELECT s.capture_id, s.process_id, p.tgid, p.comm,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	s.error, COALESCE(e.name, 'E' || s.error) AS error_name, calls
FROM syscall_error_summary s
	LEFT JOIN process p ON p.id = s.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error;

-- Finished calls in powers of two of their duration: bucket b holds low_ns = 2^b .. high_ns = 2^(b+1) - 1; bucket 0 also holds 0.
CREATE VIEW syscall_histogram AS
SELECT s.capture_id,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,
	CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (1 << (bucket + 1)) - 1 END AS high_ns, sum(calls) AS calls
FROM syscall_histogram_summary s
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
GROUP BY s.capture_id, sysno, compat, bucket;

-- Counted calls by the span that they returned in: in these spans calls have no single events, and are no loss.
CREATE VIEW counted_spans AS
SELECT s.capture_id, s.from_ns, s.time_ns AS to_ns, (s.from_ns - c.start_ns) / 1e9 AS from_s, (s.time_ns - c.start_ns) / 1e9 AS to_s,
	CAST(total(s.call_count) AS INTEGER) AS calls, count(*) AS row_count
FROM syscall_count s JOIN capture c ON c.id = s.capture_id
GROUP BY s.capture_id, s.from_ns, s.time_ns;

-- One row per row of syscall_count, with names instead of ids.
CREATE VIEW counted_calls AS
SELECT s.capture_id, (s.from_ns - c.start_ns) / 1e9 AS from_s, (s.time_ns - c.start_ns) / 1e9 AS to_s, s.from_ns, s.time_ns AS to_ns,
	t.tgid, p.comm,
	CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
	s.call_count AS calls, s.total_ns, s.error, e.name AS error_name, s.flags & 7 <> 0 AS unfinished,
	CASE s.bucket WHEN 0 THEN 0 ELSE 1 << s.bucket END AS low_ns,
	CASE WHEN s.bucket >= 62 THEN 9223372036854775807 ELSE (1 << (s.bucket + 1)) - 1 END AS high_ns,
	s.cpu, t.process_id
FROM syscall_count s JOIN capture c ON c.id = s.capture_id
	LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error;

-- What syscall_summary must hold, in plain SQL over every call: nearest rank, the value at rank ceil(p * n) of the finished calls. Slow on purpose:
-- it is the definition that the tests compare the summary with. Where counted calls joined in, durations cannot be ranked: minimum, percentiles and
-- maximum are NULL here, and bounds or estimates there.
CREATE VIEW syscall_summary_definition AS
WITH ranked AS (
	SELECT capture_id, sysno, flags & 16 <> 0 AS compat, flags & 7 <> 0 AS unfinished, error, duration_ns,
		row_number() OVER (PARTITION BY capture_id, sysno, flags & 16 <> 0, flags & 7 <> 0 ORDER BY duration_ns) AS place,
		count(*) OVER (PARTITION BY capture_id, sysno, flags & 16 <> 0, flags & 7 <> 0) AS n
	FROM syscall),
single AS (
	SELECT capture_id, sysno, compat, count(*) AS calls, sum(NOT unfinished) AS finished, sum(unfinished) AS unfinished,
		sum(error <> 0) AS errors, total(CASE WHEN unfinished THEN 0 ELSE duration_ns END) AS total_ns, 0 AS counted,
		0 AS counted_finished,
		min(CASE WHEN NOT unfinished THEN duration_ns END) AS min_ns,
		max(CASE WHEN NOT unfinished AND place = (n * 500 + 999) / 1000 THEN duration_ns END) AS p50_ns,
		max(CASE WHEN NOT unfinished AND place = (n * 900 + 999) / 1000 THEN duration_ns END) AS p90_ns,
		max(CASE WHEN NOT unfinished AND place = (n * 990 + 999) / 1000 THEN duration_ns END) AS p99_ns,
		max(CASE WHEN NOT unfinished AND place = (n * 999 + 999) / 1000 THEN duration_ns END) AS p999_ns,
		max(CASE WHEN NOT unfinished THEN duration_ns END) AS max_ns
	FROM ranked GROUP BY capture_id, sysno, compat),
counts AS (
	SELECT capture_id, sysno, flags & 16 <> 0 AS compat, total(call_count) AS calls, total(call_count * (flags & 7 = 0)) AS finished,
		total(call_count * (flags & 7 <> 0)) AS unfinished, total(call_count * (error <> 0)) AS errors,
		total(CASE WHEN flags & 7 THEN 0 ELSE total_ns END) AS total_ns, total(call_count) AS counted,
		total(call_count * (flags & 7 = 0)) AS counted_finished,
		NULL AS min_ns, NULL AS p50_ns, NULL AS p90_ns, NULL AS p99_ns, NULL AS p999_ns, NULL AS max_ns
	FROM syscall_count WHERE call_count <> 0 GROUP BY capture_id, sysno, flags & 16 <> 0),
both AS (SELECT * FROM single UNION ALL SELECT * FROM counts)
SELECT capture_id, sysno, compat, CAST(total(calls) AS INTEGER) AS calls, CAST(total(finished) AS INTEGER) AS finished,
	CAST(total(unfinished) AS INTEGER) AS unfinished, CAST(total(errors) AS INTEGER) AS errors,
	CAST(total(total_ns) AS INTEGER) AS total_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(min_ns) END AS min_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(p50_ns) END AS p50_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(p90_ns) END AS p90_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(p99_ns) END AS p99_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(p999_ns) END AS p999_ns,
	CASE WHEN total(counted_finished) = 0 THEN max(max_ns) END AS max_ns,
	CAST(total(counted) AS INTEGER) AS counted, 0 AS estimated
FROM both GROUP BY capture_id, sysno, compat;

-- ---------------------------------------------------------------- views: CPU samples

-- Frames of each stack, root first, in the grammar of flame graphs: kernel frames end in _[k], a ';' in a name becomes ':'.
CREATE VIEW stack_text AS
WITH RECURSIVE walk(id, capture_id, text) AS (
	SELECT s.id, s.capture_id, replace(f.name, ';', ':') || CASE f.space WHEN 'kernel' THEN '_[k]' ELSE '' END
	FROM stack s JOIN frame f ON f.id = s.frame_id WHERE s.parent_id = 0
	UNION ALL
	SELECT s.id, s.capture_id, w.text || ';' || replace(f.name, ';', ':') || CASE f.space WHEN 'kernel' THEN '_[k]' ELSE '' END
	FROM walk w JOIN stack s ON s.parent_id = w.id JOIN frame f ON f.id = s.frame_id)
SELECT id AS stack_id, capture_id, text FROM walk;

-- scaled: what the samples count in shares, as sample_weights says.
CREATE VIEW stack_samples AS
SELECT s.capture_id, t.comm, t.tgid, t.process_id, s.stack_id, count(*) AS samples, CAST(total(s.period) AS INTEGER) AS weight,
	CAST(total(CASE WHEN w.typical_period IS NULL THEN 1 WHEN s.period > 0 THEN s.period ELSE w.typical_period END) AS INTEGER) AS scaled
FROM cpu_sample s LEFT JOIN sample_weights w ON w.capture_id = s.capture_id LEFT JOIN task t ON t.id = s.task_id
GROUP BY s.capture_id, s.task_id, s.stack_id;

CREATE VIEW folded_stacks AS
SELECT n.capture_id,
	replace(replace(COALESCE(n.comm, '[unknown]'), ';', ':'), ' ', '_') || ';' || COALESCE(x.text, '[no stack]') AS folded,
	sum(n.samples) AS samples, CAST(total(n.weight) AS INTEGER) AS weight
FROM stack_samples n LEFT JOIN stack_text x ON x.stack_id = n.stack_id
GROUP BY n.capture_id, folded;

CREATE VIEW cpu_by_process AS
SELECT n.capture_id, n.process_id, n.tgid, p.comm, sum(n.samples) AS samples, CAST(total(n.weight) AS INTEGER) AS weight,
	100.0 * total(n.scaled) / sum(total(n.scaled)) OVER (PARTITION BY n.capture_id) AS share_percent
FROM stack_samples n LEFT JOIN process p ON p.id = n.process_id
GROUP BY n.capture_id, n.process_id;

-- Samples per function: self (it ran itself) and total (it was anywhere on the stack, counted once). Shares are of CPU time also where the rate
-- changed under way.
CREATE VIEW hot_functions AS
WITH RECURSIVE used(capture_id, stack_id, samples, scaled) AS (
	SELECT capture_id, stack_id, sum(samples), total(scaled) FROM stack_samples GROUP BY capture_id, stack_id),
walk(capture_id, leaf_id, node_id, samples, scaled) AS (
	SELECT capture_id, stack_id, stack_id, samples, scaled FROM used
	UNION ALL
	SELECT w.capture_id, w.leaf_id, s.parent_id, w.samples, w.scaled
	FROM walk w JOIN stack s ON s.id = w.node_id WHERE s.parent_id <> 0),
hits AS (
	SELECT w.capture_id, w.leaf_id, f.name, f.space, max(m.name) AS module, max(w.samples) AS samples, max(w.scaled) AS scaled,
		max(w.node_id = w.leaf_id) AS is_leaf
	FROM walk w JOIN stack s ON s.id = w.node_id JOIN frame f ON f.id = s.frame_id LEFT JOIN module m ON m.id = f.module_id
	GROUP BY w.capture_id, w.leaf_id, f.space, f.name, f.module_id),
sums AS (SELECT capture_id, total(scaled) AS scaled FROM used GROUP BY capture_id)
SELECT h.capture_id, h.name, h.space, h.module, sum(h.samples * h.is_leaf) AS self_samples, sum(h.samples) AS total_samples,
	100.0 * total(h.scaled * h.is_leaf) / t.scaled AS self_percent, 100.0 * total(h.scaled) / t.scaled AS total_percent
FROM hits h JOIN sums t ON t.capture_id = h.capture_id
GROUP BY h.capture_id, h.space, h.module, h.name;

-- ---------------------------------------------------------------- views: what recording cost

CREATE VIEW overhead_bpf AS
SELECT b.capture_id, b.name, COALESCE(k.name, 'class_' || b.event_class) AS class, CAST(total(b.run_count) AS INTEGER) AS run_count,
	CAST(total(b.run_time_ns) AS INTEGER) AS run_time_ns, CAST(total(b.window_ns) AS INTEGER) AS window_ns,
	total(b.run_time_ns) / NULLIF(total(b.run_count), 0) AS avg_ns,
	100.0 * total(b.run_time_ns) / NULLIF(total(b.window_ns) * c.cpu_count, 0)
		* COALESCE(1 - 1.0 * v.off_ns / NULLIF(v.duration_ns, 0), 1) AS cpu_percent,
	max(b.recursion_count) AS recursion_count
FROM bpf_program b JOIN capture c ON c.id = b.capture_id
	LEFT JOIN enum_name k ON k.capture_id = b.capture_id AND k.kind = 'class' AND k.value = b.event_class
	LEFT JOIN class_coverage v ON v.capture_id = b.capture_id AND v.class = k.name
GROUP BY b.capture_id, b.name, b.event_class;

-- What the recorder used between two of its own measurements.
CREATE VIEW overhead_timeline AS
SELECT capture_id, time_ns, rss_bytes, drain_delay_max_ns, ring_used_max_bytes, queue_max_bytes,
	time_ns - lag(time_ns) OVER w AS span_ns,
	cpu_user_ns + cpu_system_ns - lag(cpu_user_ns + cpu_system_ns) OVER w AS cpu_ns,
	written_bytes - lag(written_bytes) OVER w AS bytes, stored_count - lag(stored_count) OVER w AS events
FROM recorder WINDOW w AS (PARTITION BY capture_id ORDER BY time_ns);

-- One row per capture. CPU shares are of the whole host (all CPUs); the cost of starting up stands apart.
CREATE VIEW overhead AS
WITH span AS (
	SELECT capture_id, min(time_ns) AS first_ns, max(time_ns) AS last_ns, max(rss_bytes) AS rss_bytes,
		max(peak_rss_bytes) AS peak_rss_bytes, min(cpu_user_ns + cpu_system_ns) AS startup_cpu_ns,
		max(cpu_user_ns + cpu_system_ns) AS cpu_ns, max(drain_delay_max_ns) AS drain_delay_max_ns,
		max(ring_used_max_bytes) AS ring_used_max_bytes, max(queue_max_bytes) AS queue_max_bytes
	FROM recorder GROUP BY capture_id),
bpf AS (SELECT capture_id, sum(cpu_percent) AS cpu_percent FROM overhead_bpf GROUP BY capture_id)
SELECT c.id AS capture_id,
	CASE WHEN s.last_ns > s.first_ns THEN 100.0 * (s.cpu_ns - s.startup_cpu_ns) / (s.last_ns - s.first_ns) / c.cpu_count END
		AS recorder_cpu_percent,
	s.peak_rss_bytes AS recorder_rss_bytes,
	b.cpu_percent AS bpf_cpu_percent,
	c.events_stored, c.events_dropped, c.events_damaged, c.duration_ns,
	CASE WHEN c.duration_ns > 0 THEN c.events_stored * 1e9 / c.duration_ns END AS events_per_second,
	CASE WHEN c.duration_ns > 0 THEN c.file_bytes * 1e9 / c.duration_ns END AS bytes_per_second,
	CASE WHEN c.events_stored > 0 THEN CAST(c.file_bytes AS REAL) / c.events_stored END AS bytes_per_event,
	c.file_bytes, c.cpu_count, s.cpu_ns AS recorder_cpu_ns, s.startup_cpu_ns AS recorder_startup_cpu_ns,
	s.drain_delay_max_ns, s.ring_used_max_bytes, s.queue_max_bytes,
	CASE WHEN g.cpu_rows > 0 THEN g.cpu_budget_percent ELSE 1.0 END AS cpu_target_percent,
	COALESCE(g.memory_budget_bytes, 52428800) AS memory_target_bytes
FROM capture c LEFT JOIN span s ON s.capture_id = c.id LEFT JOIN bpf b ON b.capture_id = c.id
	LEFT JOIN overhead_budget g ON g.capture_id = c.id;
