-- What a CPU sample counts.

-- What samples count, and how often: as the governor says it was asked for, else known where the clock ticks (period is then in ns), not for hardware cycles.
CREATE VIEW sampling AS
SELECT c.id AS capture_id, m.value AS event,
	COALESCE((SELECT NULLIF(max(full_hz), 0) FROM class_spans g WHERE g.capture_id = c.id AND g.event_class = 0),
		CASE m.value WHEN 'cpu-clock' THEN (SELECT CAST(round(1e9 / max(period)) AS INTEGER)
		FROM (SELECT period FROM cpu_sample s WHERE s.capture_id = c.id AND period > 0 LIMIT 1000)) END) AS sample_hz
FROM capture c LEFT JOIN meta m ON m.capture_id = c.id AND m.key = 'cpu.event';

-- Captures whose sampling rate changed under way: in shares of CPU time each sample counts its period there, and one that does not tell it counts as
-- the average of the others. In captures that are not here each counts 1.
CREATE VIEW sample_weights AS
SELECT r.capture_id, CAST(avg(s.period) AS INTEGER) AS typical_period
FROM (SELECT capture_id FROM class_spans WHERE event_class = 0 AND state_number IS NOT 3
		GROUP BY capture_id HAVING count(DISTINCT sample_hz) > 1) r
	CROSS JOIN cpu_sample s ON s.capture_id = r.capture_id
WHERE s.period > 0 GROUP BY r.capture_id;

-- One row per sample. name: the system call in which it was taken; NULL: in none, or not known. scaled: what it counts in shares.
CREATE VIEW sample_calls AS
SELECT s.capture_id, (s.time_ns - c.start_ns) / 1e9 AS at_s, s.time_ns, t.tgid, t.tid, t.comm,
	CASE WHEN s.sysno = 4294967295 THEN NULL WHEN s.flags & 32 THEN 'compat_' || s.sysno
		ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
	s.flags & 16 <> 0 AS in_kernel, s.period,
	CASE WHEN w.typical_period IS NULL THEN 1 WHEN s.period > 0 THEN s.period ELSE w.typical_period END AS scaled,
	s.cpu, s.stack_id, t.process_id, s.task_id
FROM cpu_sample s JOIN capture c ON c.id = s.capture_id LEFT JOIN sample_weights w ON w.capture_id = s.capture_id
	LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

-- CPU time by system call, as sampled: also while calls were not recorded. on_cpu_ns: NULL where samples do not count time.
CREATE VIEW syscall_sampled AS
SELECT capture_id, name, samples, on_cpu_ns, share_percent
FROM (SELECT v.capture_id, v.name, count(*) AS samples, CASE m.value WHEN 'cpu-clock' THEN CAST(total(v.period) AS INTEGER) END AS on_cpu_ns,
		100.0 * total(v.scaled) / sum(total(v.scaled)) OVER (PARTITION BY v.capture_id) AS share_percent
	FROM sample_calls v LEFT JOIN meta m ON m.capture_id = v.capture_id AND m.key = 'cpu.event'
	GROUP BY v.capture_id, v.name)
WHERE name IS NOT NULL;
