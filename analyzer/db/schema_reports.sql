-- What reports need beyond schema.sql; read after it, documented in SCHEMA.md.

-- ---------------------------------------------------------------- names

-- How the search for a module's symbols ended. One row per user module that frames lie in; written when names are looked up.
CREATE TABLE module_symbols (
	module_id INTEGER PRIMARY KEY,
	state TEXT NOT NULL,
	advice TEXT NOT NULL
);

-- Frames of each module, how many have a name, and what would mend the rest.
CREATE VIEW module_names AS
SELECT m.capture_id, m.id AS module_id, m.space, m.name AS module, m.path, m.build_id, count(f.id) AS frames,
	sum(f.symbol IS NOT NULL) AS frames_named, s.state, s.advice
FROM module m JOIN frame f ON f.module_id = m.id LEFT JOIN module_symbols s ON s.module_id = m.id
GROUP BY m.id;

-- ---------------------------------------------------------------- CPU samples

-- What samples lack, per task: a picture of stacks says so. Kernel threads have no user stack to lose.
CREATE VIEW sample_quality AS
SELECT s.capture_id, s.task_id, count(*) AS samples,
	sum(s.flags & 1 <> 0 AND COALESCE(p.kernel_thread, 0) = 0) AS no_user_stack,
	sum(s.flags & 2 <> 0 AND s.flags & 16 <> 0) AS no_kernel_stack,
	sum(s.flags & 12 <> 0) AS truncated
FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id LEFT JOIN process p ON p.id = t.process_id
GROUP BY s.capture_id, s.task_id;

-- ---------------------------------------------------------------- system calls

-- Calls that had not returned when recording stopped, the longest first: a hang is among them.
CREATE VIEW syscalls_in_flight AS
SELECT capture_id, name, tgid, tid, comm, duration_ns AS elapsed_ns, at_s, time_ns,
	CASE WHEN flags_entry_unknown THEN 'began before the recording' ELSE 'began while recording' END AS began
FROM (SELECT s.capture_id, s.time_ns, s.duration_ns, (s.time_ns - c.start_ns) / 1e9 AS at_s, t.tgid, t.tid, t.comm,
		CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
		s.flags & 2 <> 0 AS flags_entry_unknown
	FROM syscall s JOIN capture c ON c.id = s.capture_id
		LEFT JOIN task t ON t.id = s.task_id
		LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	WHERE s.flags & 1 AND NOT s.flags & 4);

-- Histograms of single processes: syscall_histogram sums them.
CREATE VIEW syscall_histogram_by_process AS
SELECT s.capture_id, s.process_id, p.tgid, p.comm,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,
	CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (1 << (bucket + 1)) - 1 END AS high_ns, calls
FROM syscall_histogram_summary s
	LEFT JOIN process p ON p.id = s.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

-- ---------------------------------------------------------------- what recording cost

-- Loss by class and reason with the time it spans.
CREATE VIEW loss_summary AS
SELECT capture_id, class, reason, CAST(total(lost_count) AS INTEGER) AS lost_count, min(from_ns) AS from_ns, max(to_ns) AS to_ns,
	min(from_s) AS from_s, max(to_s) AS to_s, count(DISTINCT cpu) AS cpus
FROM loss_spans WHERE lost_count > 0 GROUP BY capture_id, class, reason;

-- Measured against the targets, which are the budget of the capture where it has one; by the account of its governor, where that was
-- written: it also holds the way of the kernel to each program. NULL where the capture holds no measurement, or had no limit.
CREATE VIEW overhead_targets AS
SELECT o.capture_id, 'cpu' AS target, 'percent of the host' AS unit,
	COALESCE(g.account_cpu_percent, recorder_cpu_percent + COALESCE(bpf_cpu_percent, 0)) AS measured, cpu_target_percent AS limit_value,
	CASE WHEN g.account_cpu_percent IS NOT NULL THEN g.account_cpu_percent < cpu_target_percent
		WHEN bpf_cpu_percent IS NOT NULL THEN recorder_cpu_percent + bpf_cpu_percent < cpu_target_percent
		WHEN recorder_cpu_percent >= cpu_target_percent THEN 0 END AS met
FROM overhead o LEFT JOIN overhead_budget g ON g.capture_id = o.capture_id
UNION ALL
SELECT capture_id, 'memory', 'bytes', recorder_rss_bytes, memory_target_bytes, recorder_rss_bytes < memory_target_bytes
FROM overhead;

-- overhead_timeline as rates.
CREATE VIEW overhead_rates AS
SELECT t.capture_id, t.time_ns, (t.time_ns - c.start_ns) / 1e9 AS at_s,
	100.0 * t.cpu_ns / NULLIF(t.span_ns, 0) / c.cpu_count AS cpu_percent, t.rss_bytes,
	t.events * 1e9 / NULLIF(t.span_ns, 0) AS events_per_second, t.bytes * 1e9 / NULLIF(t.span_ns, 0) AS bytes_per_second,
	t.drain_delay_max_ns, t.ring_used_max_bytes, t.queue_max_bytes
FROM overhead_timeline t JOIN capture c ON c.id = t.capture_id;

-- What samples count, and how often: as the governor says it was asked for, else known where the clock ticks (period is then in ns), not for hardware cycles.
CREATE VIEW sampling AS
SELECT c.id AS capture_id, m.value AS event,
	COALESCE((SELECT NULLIF(max(full_hz), 0) FROM class_spans g WHERE g.capture_id = c.id AND g.event_class = 0),
		CASE m.value WHEN 'cpu-clock' THEN (SELECT CAST(round(1e9 / max(period)) AS INTEGER)
		FROM (SELECT period FROM cpu_sample s WHERE s.capture_id = c.id AND period > 0 LIMIT 1000)) END) AS sample_hz
FROM capture c LEFT JOIN meta m ON m.capture_id = c.id AND m.key = 'cpu.event';
