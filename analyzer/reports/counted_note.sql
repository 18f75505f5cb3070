-- System calls that were counted in the kernel instead of stored one by one.

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
	s.call_count AS calls, s.total_ns, s.error, e.name AS error_name, s.flags & 4 <> 0 AS unfinished,
	CASE s.bucket WHEN 0 THEN 0 ELSE 1 << s.bucket END AS low_ns,
	CASE WHEN s.bucket >= 62 THEN 9223372036854775807 ELSE (1 << (s.bucket + 1)) - 1 END AS high_ns,
	s.cpu, t.process_id
FROM syscall_count s JOIN capture c ON c.id = s.capture_id
	LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error;
