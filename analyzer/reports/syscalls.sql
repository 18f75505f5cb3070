-- System calls: counts, errors, durations.

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

-- Histograms of single processes: syscall_histogram sums them.
CREATE VIEW syscall_histogram_by_process AS
SELECT s.capture_id, s.process_id, p.tgid, p.comm,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,
	CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (1 << (bucket + 1)) - 1 END AS high_ns, calls
FROM syscall_histogram_summary s
	LEFT JOIN process p ON p.id = s.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

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

-- Spans in which calls were recorded, with the gaps beside them in which none were: how long these are (0: none there), and how many sides they
-- have. The rate of a gap is the mean of its sides, each of at most 2 s (near_ns).
CREATE VIEW syscall_gaps AS
WITH spans AS (
	SELECT capture_id, from_ns, to_ns, state_number, row_number() OVER w AS number, lag(state_number) OVER w AS before,
		lead(state_number) OVER w AS after, lag(to_ns - from_ns) OVER w AS before_ns, lead(to_ns - from_ns) OVER w AS after_ns,
		lag(number, 2) OVER w AS two_before, lead(number, 2) OVER w AS two_after
	FROM (SELECT *, 1 AS number FROM class_spans WHERE event_class = 1) WINDOW w AS (PARTITION BY capture_id ORDER BY from_ns))
SELECT capture_id, number, state_number, from_ns, to_ns, min(to_ns - from_ns, 2000000000) AS near_ns,
	CASE WHEN before IS 3 THEN before_ns ELSE 0 END AS gap_before_ns, 1 + (two_before IS NOT NULL) AS sides_before,
	CASE WHEN after IS 3 THEN after_ns ELSE 0 END AS gap_after_ns, 1 + (two_after IS NOT NULL) AS sides_after
FROM spans WHERE state_number IS NOT 3;

-- What the calls of each kind come to if they were made in the gaps at the rate of the sides. An estimate. Counted calls belong to the moment
-- in which they were written down, or, since none end while nothing is recorded, to the last one before.
CREATE VIEW syscall_estimate AS
WITH points AS (
	SELECT capture_id, from_ns AS at_ns, 0 AS is_row, number, from_ns, to_ns, near_ns, gap_before_ns, sides_before, gap_after_ns,
		sides_after, NULL AS sysno, NULL AS flags, NULL AS calls, NULL AS total_ns
	FROM syscall_gaps
	UNION ALL
	SELECT capture_id, time_ns - 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, sysno, flags, call_count, total_ns FROM syscall_count),
placed AS (SELECT *, max(number) OVER (PARTITION BY capture_id ORDER BY at_ns, is_row ROWS UNBOUNDED PRECEDING) AS span FROM points),
counted AS (
	SELECT capture_id, is_row, sysno, flags, calls, total_ns, min(at_ns, max(to_ns) OVER one - 1) AS at_ns, max(from_ns) OVER one AS from_ns,
		max(to_ns) OVER one AS to_ns, max(near_ns) OVER one AS near_ns, max(gap_before_ns) OVER one AS gap_before_ns,
		max(sides_before) OVER one AS sides_before, max(gap_after_ns) OVER one AS gap_after_ns, max(sides_after) OVER one AS sides_after
	FROM placed WHERE span IS NOT NULL WINDOW one AS (PARTITION BY capture_id, span)),
gaps AS MATERIALIZED (SELECT * FROM syscall_gaps WHERE state_number IS NOT 1 AND gap_before_ns + gap_after_ns > 0),
model AS (
	SELECT capture_id, sysno, flags & 16 <> 0 AS compat, calls, total_ns,
		(at_ns < from_ns + near_ns) * 1.0 * gap_before_ns / near_ns / sides_before
		+ (at_ns >= to_ns - near_ns) * 1.0 * gap_after_ns / near_ns / sides_after AS times
	FROM counted WHERE is_row
	UNION ALL
	SELECT s.capture_id, s.sysno, s.flags & 16 <> 0, 1, CASE WHEN s.flags & 7 THEN 0 ELSE s.duration_ns END,
		1.0 * g.gap_before_ns / g.near_ns / g.sides_before
	FROM gaps g JOIN syscall s ON s.time_ns >= g.from_ns AND s.time_ns < g.from_ns + g.near_ns AND s.capture_id = g.capture_id
	WHERE g.gap_before_ns > 0
	UNION ALL
	SELECT s.capture_id, s.sysno, s.flags & 16 <> 0, 1, CASE WHEN s.flags & 7 THEN 0 ELSE s.duration_ns END,
		1.0 * g.gap_after_ns / g.near_ns / g.sides_after
	FROM gaps g JOIN syscall s ON s.time_ns >= g.to_ns - g.near_ns AND s.time_ns < g.to_ns AND s.capture_id = g.capture_id
	WHERE g.gap_after_ns > 0),
added AS (
	SELECT capture_id, sysno, compat, total(calls * times) AS calls, total(total_ns * times) AS total_ns
	FROM model GROUP BY capture_id, sysno, compat)
SELECT s.capture_id, s.name, s.calls, CAST(round(s.calls + COALESCE(a.calls, 0)) AS INTEGER) AS calls_estimate, s.total_ns,
	CAST(round(s.total_ns + COALESCE(a.total_ns, 0)) AS INTEGER) AS total_estimate_ns, s.sysno, s.compat
FROM syscalls s LEFT JOIN added a ON a.capture_id = s.capture_id AND a.sysno = s.sysno AND a.compat = s.compat;
