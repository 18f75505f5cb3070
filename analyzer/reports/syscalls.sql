-- System calls: counts, errors, durations.

CREATE VIEW syscall_name AS
SELECT capture_id, value AS sysno, name FROM enum_name WHERE kind = 'sysno';

-- One row per call, with names instead of ids.
CREATE VIEW syscall_calls AS
SELECT s.capture_id, (s.time_ns - c.start_ns) / 1e9 AS at_s, s.time_ns, s.duration_ns, t.tgid, t.tid, t.comm,
	CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
	s.ret, s.error, e.name AS error_name, s.flags & 7 <> 0 AND s.flags & 37 <> 32 AS unfinished, s.cpu, t.process_id, s.task_id,
	CASE WHEN s.flags & 32 THEN 'blocked' END AS durations, CASE WHEN s.file_id THEN s.fd END AS fd, f.name AS file, NULLIF(s.file_id, 0) AS file_id
FROM syscall s JOIN capture c ON c.id = s.capture_id
	LEFT JOIN file_names f ON f.capture_id = s.capture_id AND f.file_id = s.file_id
	LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN errno_name e ON e.error = s.error;

-- for_work: the call waits for work if it waits (wait_calls). Shares are of all time but that of such calls. Other kinds depend on why the call waits,
-- which only waits tell.
CREATE VIEW syscalls AS
SELECT s.capture_id,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	calls, errors, unfinished, total_ns, min_ns, CAST(total_ns AS REAL) / finished AS avg_ns, p50_ns, p90_ns, p99_ns, p999_ns,
	max_ns, CASE WHEN k.wait_kind IS NOT 'idle' THEN 100.0 * total_ns
		/ total(CASE WHEN k.wait_kind IS NOT 'idle' THEN total_ns END) OVER (PARTITION BY s.capture_id) END AS share_percent, sysno, compat,
	calls - counted AS single, counted,
	NULLIF(rtrim(CASE WHEN estimated & 1 THEN 'p50 ' ELSE '' END || CASE WHEN estimated & 2 THEN 'p90 ' ELSE '' END
		|| CASE WHEN estimated & 4 THEN 'p99 ' ELSE '' END || CASE WHEN estimated & 8 THEN 'p999' ELSE '' END), '') AS estimated,
	NULLIF(rtrim(CASE WHEN estimated & 16 THEN 'min ' ELSE '' END || CASE WHEN estimated & 32 THEN 'max' ELSE '' END), '') AS bounds,
	k.wait_kind IS 'idle' AS for_work, 100.0 * total_ns / total(total_ns) OVER (PARTITION BY s.capture_id) AS share_with_idle_percent,
	CASE WHEN estimated & 64 THEN 'blocked' END AS durations
FROM syscall_summary s
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN wait_calls k ON k.reason = 'sleep' AND k.name = n.name AND NOT s.compat;

CREATE VIEW syscalls_by_process AS
SELECT s.capture_id, s.process_id, p.tgid, p.comm,
	CASE WHEN compat THEN 'compat_' || sysno ELSE COALESCE(n.name, 'syscall_' || sysno) END AS name,
	calls, errors, unfinished, total_ns, min_ns, CAST(total_ns AS REAL) / finished AS avg_ns, p50_ns, p90_ns, p99_ns, p999_ns,
	max_ns, CASE WHEN k.wait_kind IS NOT 'idle' THEN 100.0 * total_ns
		/ total(CASE WHEN k.wait_kind IS NOT 'idle' THEN total_ns END) OVER (PARTITION BY s.capture_id) END AS share_percent, sysno, compat,
	calls - counted AS single, counted,
	NULLIF(rtrim(CASE WHEN estimated & 1 THEN 'p50 ' ELSE '' END || CASE WHEN estimated & 2 THEN 'p90 ' ELSE '' END
		|| CASE WHEN estimated & 4 THEN 'p99 ' ELSE '' END || CASE WHEN estimated & 8 THEN 'p999' ELSE '' END), '') AS estimated,
	NULLIF(rtrim(CASE WHEN estimated & 16 THEN 'min ' ELSE '' END || CASE WHEN estimated & 32 THEN 'max' ELSE '' END), '') AS bounds,
	k.wait_kind IS 'idle' AS for_work, 100.0 * total_ns / total(total_ns) OVER (PARTITION BY s.capture_id) AS share_with_idle_percent,
	CASE WHEN estimated & 64 THEN 'blocked' END AS durations
FROM syscall_process_summary s
	LEFT JOIN process p ON p.id = s.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	LEFT JOIN wait_calls k ON k.reason = 'sleep' AND k.name = n.name AND NOT s.compat;

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
SELECT capture_id, name, tgid, tid, comm, duration_ns AS elapsed_ns, at_s, time_ns, fd, file,
	CASE WHEN entry_not_recorded THEN 'entry not recorded' WHEN flags_entry_unknown THEN 'began before the recording' ELSE 'began while recording' END AS began
FROM (SELECT s.capture_id, s.time_ns, s.duration_ns, (s.time_ns - c.start_ns) / 1e9 AS at_s, t.tgid, t.tid, t.comm,
		CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS name,
		s.flags & 2 <> 0 AS flags_entry_unknown, s.flags & 32 <> 0 AS entry_not_recorded, CASE WHEN s.file_id THEN s.fd END AS fd, f.name AS file
	FROM syscall s JOIN capture c ON c.id = s.capture_id
		LEFT JOIN file_names f ON f.capture_id = s.capture_id AND f.file_id = s.file_id
		LEFT JOIN task t ON t.id = s.task_id
		LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno
	WHERE s.flags & 1 AND NOT s.flags & 4);

-- Finished calls that did not wait for work, or for as long as they chose, with what they were about: the longest of them are the slow ones.
CREATE VIEW slow_calls AS
SELECT capture_id, duration_ns, at_s, comm, tid, name, CASE WHEN error THEN COALESCE(error_name, 'E' || error) END AS error_name, fd, file, tgid, process_id,
	time_ns
FROM syscall_calls WHERE NOT unfinished AND name NOT IN (SELECT name FROM waiting_calls);

-- What syscall_summary must hold, in plain SQL over every call: nearest rank, the value at rank ceil(p * n) of the finished calls. Slow on purpose:
-- it is the definition that the tests compare the summary with. Where counted calls joined in, durations cannot be ranked: minimum, percentiles and
-- maximum are NULL here, and bounds or estimates there.
CREATE VIEW syscall_summary_definition AS
WITH ranked AS (
	SELECT *, row_number() OVER (PARTITION BY capture_id, sysno, compat, unfinished ORDER BY duration_ns) AS place,
		count(*) OVER (PARTITION BY capture_id, sysno, compat, unfinished) AS n
	FROM (SELECT capture_id, sysno, flags & 16 <> 0 AS compat, flags & 7 <> 0 AND flags & 37 <> 32 AS unfinished, error, duration_ns
		FROM syscall)),
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
	SELECT capture_id, sysno, flags & 16 <> 0 AS compat, total(call_count) AS calls, total(call_count * (flags & 4 = 0)) AS finished,
		total(call_count * (flags & 4 <> 0)) AS unfinished, total(call_count * (error <> 0)) AS errors,
		total(CASE WHEN flags & 4 THEN 0 ELSE total_ns END) AS total_ns, total(call_count) AS counted,
		total(call_count * (flags & 4 = 0)) AS counted_finished,
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

-- Gaps in which no calls were recorded, and for each side of them (0: before, 1: after) the part of the recorded span that is nearest, of at most
-- 250 ms, or 2 s where calls were counted, which are written down once a second. sides: how many the gap has. cut: calls under way at to_ns are not in it.
CREATE VIEW syscall_sides AS
WITH spans AS (
	SELECT capture_id, from_ns, to_ns, state_number, row_number() OVER w AS number,
		CASE state_number WHEN 1 THEN 2000000000 ELSE 250000000 END AS near_ns
	FROM class_spans WHERE event_class = 1 WINDOW w AS (PARTITION BY capture_id ORDER BY from_ns))
SELECT g.capture_id, g.number AS gap, g.to_ns - g.from_ns AS gap_ns, count(*) OVER (PARTITION BY g.capture_id, g.number) AS sides,
	s.number > g.number AS side, CASE WHEN s.number > g.number THEN s.from_ns ELSE max(s.from_ns, s.to_ns - s.near_ns) END AS from_ns,
	CASE WHEN s.number > g.number THEN min(s.to_ns, s.from_ns + s.near_ns) ELSE s.to_ns END AS to_ns,
	s.number < g.number OR s.to_ns <= s.from_ns + s.near_ns AS cut, s.state_number
FROM spans g JOIN spans s ON s.capture_id = g.capture_id AND s.number IN (g.number - 1, g.number + 1)
WHERE g.state_number IS 3 AND s.state_number IS NOT 3;

-- What the calls of each kind come to with those in the gaps, which are taken to be made at the mean of the rates at both sides of each. A call that
-- blocked for 10 ms or more is not estimated: class sched saw all of them. Nor is the time that calls blocked: it is known exactly, and only the time
-- that they ran is. Without class sched, all is estimated. A call of d ns is seen in a part of p ns that cuts calls only if it begins in the first p - d:
-- so it stands for p / (p - d) calls (Horvitz and Thompson).
--
-- The bounds hold 95 %. The sides of a gap are two draws of a rate whose mean fills the gap, so half the square of their difference estimates its
-- variance, and the variance of the sum is that of all gaps (successive differences: Wolter, Introduction to Variance Estimation, ch. 8). Neighbours
-- share a side, so the degrees of freedom are two thirds of the number of gaps. Student's quantile by Abramowitz and Stegun 26.7.5; the square root by
-- Newton, since not every SQLite has one. How long short waits in the spans were is known from a sample, whose variance is added. NULL: fewer than three gaps with two sides.
--
-- Counted calls belong to the moment in which they were written down, or, since none end while nothing is recorded, to the last one before.
CREATE VIEW syscall_estimate AS
WITH sides AS MATERIALIZED (SELECT * FROM syscall_sides),
gaps AS (SELECT DISTINCT capture_id, gap, gap_ns, sides FROM sides),
full_spans AS (
	SELECT capture_id, from_ns, to_ns FROM class_spans
	WHERE event_class = 1 AND state_number IS NOT 3 AND capture_id IN (SELECT capture_id FROM sides)),
slow AS MATERIALIZED (
	SELECT capture_id, task_id, sysno, time_ns, time_ns + duration_ns AS end_ns FROM offcpu
	WHERE duration_ns >= 10000000 AND sysno <> 4294967295 AND NOT flags & 1 AND capture_id IN (SELECT capture_id FROM sides)),
counted AS (
	SELECT c.capture_id, c.sysno, c.flags, c.call_count, c.total_ns,
		(SELECT min(c.time_ns - 1, max(f.to_ns) - 1) FROM full_spans f WHERE f.capture_id = c.capture_id AND f.from_ns < c.time_ns) AS at_ns
	FROM syscall_count c WHERE c.capture_id IN (SELECT capture_id FROM sides)),
parts AS (
	SELECT d.capture_id, d.gap, d.side, s.sysno, s.flags & 16 <> 0 AS compat,
		CASE WHEN d.cut AND s.duration_ns < d.to_ns - d.from_ns THEN 1.0 * (d.to_ns - d.from_ns) / (d.to_ns - d.from_ns - s.duration_ns) ELSE 1 END AS weight,
		NOT (s.duration_ns >= 10000000 AND EXISTS (SELECT 1 FROM slow w WHERE w.capture_id = s.capture_id AND w.task_id = s.task_id
			AND w.time_ns >= s.time_ns AND w.end_ns <= s.time_ns + s.duration_ns)) AS calls,
		CASE WHEN s.flags & 7 AND s.flags & 37 <> 32 THEN 0 ELSE s.duration_ns END AS run_ns
	FROM sides d JOIN syscall s ON s.time_ns >= d.from_ns AND s.time_ns < d.to_ns AND s.capture_id = d.capture_id
	WHERE d.state_number IS NOT 1
	UNION ALL
	SELECT d.capture_id, d.gap, d.side, c.sysno, c.flags & 16 <> 0, 1, c.call_count, c.total_ns
	FROM sides d JOIN counted c ON c.at_ns >= d.from_ns AND c.at_ns < d.to_ns AND c.capture_id = d.capture_id
	UNION ALL
	SELECT d.capture_id, d.gap, d.side, w.sysno, 0,
		CASE WHEN d.cut THEN 1.0 * (d.to_ns - d.from_ns) / (d.to_ns - d.from_ns - w.duration_ns) ELSE 1 END, 0, -w.weight_ns
	FROM sides d JOIN offcpu w ON w.time_ns >= d.from_ns AND w.time_ns < d.to_ns AND w.capture_id = d.capture_id
	WHERE w.sysno <> 4294967295 AND w.time_ns + w.duration_ns < d.to_ns AND NOT w.flags & 3),
near AS (
	SELECT p.capture_id, p.gap, p.sysno, p.compat, d.side, total(p.weight * p.calls) / (d.to_ns - d.from_ns) AS calls,
		total(p.weight * p.run_ns) / (d.to_ns - d.from_ns) AS run_ns
	FROM parts p JOIN sides d ON d.capture_id = p.capture_id AND d.gap = p.gap AND d.side = p.side
	GROUP BY p.capture_id, p.gap, p.sysno, p.compat, d.side),
rates AS (
	SELECT capture_id, gap, sysno, compat, total(calls) AS calls, total(run_ns) AS run_ns,
		total(CASE side WHEN 0 THEN calls ELSE -calls END) AS calls_step, total(CASE side WHEN 0 THEN run_ns ELSE -run_ns END) AS run_step
	FROM near GROUP BY capture_id, gap, sysno, compat),
added AS (
	SELECT r.capture_id, r.sysno, r.compat, total(r.calls * g.gap_ns / g.sides) AS calls, total(r.run_ns * g.gap_ns / g.sides) AS run_ns,
		total(CASE g.sides WHEN 2 THEN r.calls_step * r.calls_step / 2 * g.gap_ns * g.gap_ns ELSE 0 END) AS calls_variance,
		total(CASE g.sides WHEN 2 THEN r.run_step * r.run_step / 2 * g.gap_ns * g.gap_ns ELSE 0 END) AS run_variance
	FROM rates r JOIN gaps g ON g.capture_id = r.capture_id AND g.gap = r.gap GROUP BY r.capture_id, r.sysno, r.compat),
freedom AS (
	SELECT capture_id, 2.0 / 3 * sum(sides = 2) AS df,
		CASE WHEN sum(sides = 2) >= 3 THEN 1.0 * total(gap_ns) / total(CASE sides WHEN 2 THEN gap_ns ELSE 0 END) END AS all_gaps
	FROM gaps GROUP BY capture_id),
quantile AS (
	SELECT capture_id, all_gaps, 1.959964 + 2.372274 / df + 2.822548 / (df * df) + 2.555847 / (df * df * df) + 1.589463 / (df * df * df * df) AS t FROM freedom),
waited AS (
	SELECT capture_id, sysno, total(slow) AS slow, total(ns) AS ns, total(variance) AS variance FROM (
		SELECT capture_id, sysno, count(*) AS slow, 0 AS ns, 0 AS variance FROM slow GROUP BY capture_id, sysno
		UNION ALL
		SELECT capture_id, sysno, 0, total(duration_ns), 0 FROM offcpu
		WHERE sysno <> 4294967295 AND NOT flags & 1 AND capture_id IN (SELECT capture_id FROM sides) GROUP BY capture_id, sysno
		UNION ALL
		SELECT capture_id, sysno, 0, total(total_ns), 0 FROM offcpu_count
		WHERE sysno <> 4294967295 AND capture_id IN (SELECT capture_id FROM sides) GROUP BY capture_id, sysno
		UNION ALL
		SELECT f.capture_id, w.sysno, -sum(w.duration_ns >= 10000000), -total(w.weight_ns), total(1.0 * w.weight_ns * (w.weight_ns - w.duration_ns))
		FROM full_spans f JOIN offcpu w ON w.time_ns >= f.from_ns AND w.time_ns < f.to_ns AND w.capture_id = f.capture_id
		WHERE w.sysno <> 4294967295 AND w.time_ns + w.duration_ns < f.to_ns AND NOT w.flags & 3 GROUP BY f.capture_id, w.sysno)
	GROUP BY capture_id, sysno),
known AS (
	SELECT capture_id, sysno, compat, name, calls, total_ns FROM syscalls
	UNION ALL
	SELECT w.capture_id, w.sysno, 0, COALESCE(n.name, 'syscall_' || w.sysno), 0, 0
	FROM waited w LEFT JOIN enum_name n ON n.capture_id = w.capture_id AND n.kind = 'sysno' AND n.value = w.sysno
	WHERE (w.capture_id, w.sysno) NOT IN (SELECT capture_id, sysno FROM syscalls WHERE NOT compat)),
whole AS (
	SELECT k.capture_id, k.name, k.calls, k.total_ns, k.sysno, k.compat, COALESCE(a.calls, 0) AS gap_calls, COALESCE(a.run_ns, 0) AS gap_run_ns,
		CASE WHEN k.compat THEN 0 ELSE max(COALESCE(w.slow, 0), 0) END AS slow, CASE WHEN k.compat THEN 0 ELSE COALESCE(w.ns, 0) END AS blocked_ns,
		COALESCE(a.calls_variance, 0) * q.all_gaps * q.all_gaps AS calls_variance, COALESCE(a.run_variance, 0) * q.all_gaps * q.all_gaps + COALESCE(w.variance, 0) AS run_variance, q.t
	FROM known k LEFT JOIN added a ON a.capture_id = k.capture_id AND a.sysno = k.sysno AND a.compat = k.compat
		LEFT JOIN waited w ON w.capture_id = k.capture_id AND w.sysno = k.sysno LEFT JOIN quantile q ON q.capture_id = k.capture_id),
bounds AS (
	SELECT *, t * CASE WHEN calls_variance > 0 THEN (WITH RECURSIVE root(step, value) AS (SELECT 0, max(gap_calls, 1)
			UNION ALL SELECT step + 1, (value + calls_variance / value) / 2 FROM root WHERE step < 40) SELECT value FROM root WHERE step = 40)
		ELSE calls_variance END AS calls_margin,
		t * CASE WHEN run_variance > 0 THEN (WITH RECURSIVE root(step, value) AS (SELECT 0, max(gap_run_ns, 1000)
			UNION ALL SELECT step + 1, (value + run_variance / value) / 2 FROM root WHERE step < 40) SELECT value FROM root WHERE step = 40)
		ELSE run_variance END AS run_margin
	FROM whole)
SELECT capture_id, name, calls, CAST(round(calls + slow + gap_calls) AS INTEGER) AS calls_estimate,
	CAST(round(calls + slow + max(gap_calls - calls_margin, 0)) AS INTEGER) AS calls_low,
	CAST(round(calls + slow + gap_calls + calls_margin) AS INTEGER) AS calls_high, total_ns,
	CAST(round(total_ns + max(blocked_ns + gap_run_ns, 0)) AS INTEGER) AS total_estimate_ns,
	CAST(round(total_ns + max(blocked_ns + gap_run_ns - run_margin, 0)) AS INTEGER) AS total_low_ns,
	CAST(round(total_ns + max(blocked_ns + gap_run_ns + run_margin, 0)) AS INTEGER) AS total_high_ns, CAST(max(blocked_ns, 0) AS INTEGER) AS blocked_ns,
	sysno, compat
FROM bounds;
