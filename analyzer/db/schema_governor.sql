-- What the governor of the recorder decided, and what it left out for it; read after schema_reports.sql, documented in SCHEMA.md. A capture
-- without rows in table governor was recorded in full, or by a recorder without a governor.

-- Each row, with names. kind: start (nothing is left out yet), decision, or account (what was spent, decided nothing). place: order in the
-- capture, which decides among rows of one moment.
CREATE VIEW governor_decisions AS
SELECT g.capture_id, g.time_ns, (g.time_ns - c.start_ns) / 1e9 AS at_s,
	COALESCE(k.name, CASE g.event_class WHEN 255 THEN 'none' ELSE 'class_' || g.event_class END) AS class,
	COALESCE(s.name, 'state_' || COALESCE(g.state, 'unknown')) AS state, g.sample_hz,
	COALESCE(r.name, 'resource_' || g.resource) AS resource, g.time_ns - g.from_ns AS span_ns, g.measured_value, g.limit_value,
	CASE WHEN g.resource = 0 AND g.time_ns > g.from_ns THEN 100.0 * g.measured_value / (g.time_ns - g.from_ns) / c.cpu_count END
		AS measured_percent,
	CASE WHEN g.resource = 0 AND g.time_ns > g.from_ns THEN 100.0 * NULLIF(g.limit_value, 0) / (g.time_ns - g.from_ns) / c.cpu_count END
		AS limit_percent,
	g.cause, g.effect,
	CASE WHEN g.event_class = 255 AND g.resource = 0 AND g.cause = 'account' THEN 'account'
		WHEN g.state IS 0 AND row_number() OVER (PARTITION BY g.capture_id, g.resource, g.event_class ORDER BY g.time_ns, g.rowid) = 1
			AND g.measured_value = 0 THEN 'start'
		ELSE 'decision' END AS kind,
	g.rowid AS place, g.event_class, g.state AS state_number
FROM governor g JOIN capture c ON c.id = g.capture_id
	LEFT JOIN enum_name k ON k.capture_id = g.capture_id AND k.kind = 'class' AND k.value = g.event_class
	LEFT JOIN enum_name s ON s.capture_id = g.capture_id AND s.kind = 'state' AND s.value = g.state
	LEFT JOIN enum_name r ON r.capture_id = g.capture_id AND r.kind = 'resource' AND r.value = g.resource;

-- How much of each class was recorded when: rows that change nothing are left out, the last span ends with the capture.
CREATE VIEW class_spans AS
WITH changes AS (
	SELECT *, row_number() OVER classes = 1 OR state_number IS NOT lag(state_number) OVER classes
		OR sample_hz IS NOT lag(sample_hz) OVER classes AS changed
	FROM governor_decisions WHERE event_class <> 255
	WINDOW classes AS (PARTITION BY capture_id, event_class ORDER BY time_ns, place)),
spans AS (
	SELECT *, lead(time_ns) OVER (PARTITION BY capture_id, event_class ORDER BY time_ns, place) AS next_ns FROM changes WHERE changed)
SELECT s.capture_id, s.class, s.state, max(s.time_ns, c.start_ns) AS from_ns, COALESCE(s.next_ns, c.end_ns) AS to_ns,
	(max(s.time_ns, c.start_ns) - c.start_ns) / 1e9 AS from_s, (COALESCE(s.next_ns, c.end_ns) - c.start_ns) / 1e9 AS to_s,
	s.sample_hz, max(s.sample_hz) OVER (PARTITION BY s.capture_id, s.event_class) AS full_hz, s.cause, s.effect,
	s.event_class, s.state_number
FROM spans s JOIN capture c ON c.id = s.capture_id
WHERE COALESCE(s.next_ns, c.end_ns) > max(s.time_ns, c.start_ns);

-- The spans in which less than everything was recorded.
CREATE VIEW thinned_spans AS
SELECT capture_id, class, state, from_ns, to_ns, from_s, to_s, sample_hz, full_hz, cause, effect
FROM class_spans WHERE state_number IS NOT 0;

-- How long each class was recorded how.
CREATE VIEW class_coverage AS
SELECT s.capture_id, s.class, c.duration_ns,
	CAST(total(CASE WHEN s.state_number IS 0 THEN s.to_ns - s.from_ns END) AS INTEGER) AS full_ns,
	CAST(total(CASE WHEN s.state_number IS 1 THEN s.to_ns - s.from_ns END) AS INTEGER) AS counts_ns,
	CAST(total(CASE WHEN s.state_number IS 2 THEN s.to_ns - s.from_ns END) AS INTEGER) AS reduced_ns,
	CAST(total(CASE WHEN s.state_number IS 3 THEN s.to_ns - s.from_ns END) AS INTEGER) AS off_ns,
	count(*) AS spans
FROM class_spans s JOIN capture c ON c.id = s.capture_id GROUP BY s.capture_id, s.class;

-- What the recorder was allowed to use, and used by its own account. NULL: no limit, or the capture does not say.
CREATE VIEW overhead_budget AS
SELECT g.capture_id, count(CASE WHEN g.resource = 0 AND g.time_ns > g.from_ns THEN 1 END) AS cpu_rows,
	(SELECT d.limit_percent FROM governor_decisions d WHERE d.capture_id = g.capture_id AND d.limit_percent > 0
		ORDER BY d.time_ns, d.place LIMIT 1) AS cpu_budget_percent,
	100.0 * total(CASE WHEN g.event_class = 255 AND g.resource = 0 AND g.cause = 'account' THEN g.measured_value END)
		/ NULLIF(total(CASE WHEN g.event_class = 255 AND g.resource = 0 AND g.cause = 'account' THEN g.time_ns - g.from_ns END), 0)
		/ c.cpu_count AS account_cpu_percent,
	max(CASE WHEN g.resource = 1 AND g.limit_value > 0 THEN g.limit_value END) AS memory_budget_bytes,
	max(CASE WHEN g.resource = 2 AND g.limit_value > 0 THEN g.limit_value END) AS disk_floor_bytes
FROM governor g JOIN capture c ON c.id = g.capture_id GROUP BY g.capture_id;

-- What was spent between two measurements of the recorder, beside the budget. The governor's account knows it, where it kept one. Else BPF
-- programs are measured in windows: theirs is the newest measurement, of at most 5 s before. thinned: how classes were recorded at that
-- moment, where not in full.
CREATE VIEW overhead_spending AS
WITH windows AS (
	SELECT b.capture_id, b.time_ns, 100.0 * total(b.run_time_ns) / max(b.window_ns) / c.cpu_count AS cpu_percent
	FROM bpf_program b JOIN capture c ON c.id = b.capture_id WHERE b.window_ns > 0 GROUP BY b.capture_id, b.time_ns),
bpf_points AS (
	SELECT capture_id, time_ns, cpu_percent, time_ns AS measured_ns, 0 AS is_point FROM windows
	UNION ALL SELECT capture_id, time_ns, NULL, NULL, 1 FROM recorder),
bpf_groups AS (
	SELECT *, count(cpu_percent) OVER (PARTITION BY capture_id ORDER BY time_ns, is_point) AS number FROM bpf_points),
bpf AS (
	SELECT capture_id, time_ns, is_point, max(cpu_percent) OVER one AS cpu_percent, max(measured_ns) OVER one AS measured_ns
	FROM bpf_groups WINDOW one AS (PARTITION BY capture_id, number)),
account_points AS (
	SELECT capture_id, time_ns, measured_percent, 0 AS is_point FROM governor_decisions WHERE kind = 'account' AND span_ns > 0
	UNION ALL SELECT capture_id, time_ns, NULL, 1 FROM recorder),
account_groups AS (
	SELECT *, count(measured_percent) OVER (PARTITION BY capture_id ORDER BY time_ns DESC, is_point) AS number FROM account_points),
accounts AS (
	SELECT DISTINCT capture_id, time_ns, is_point, max(measured_percent) OVER (PARTITION BY capture_id, number) AS cpu_percent
	FROM account_groups),
state_points AS (
	SELECT capture_id, event_class, time_ns, place, 0 AS is_point, CASE state_number WHEN 0 THEN '' ELSE class || ' ' || state
		|| CASE WHEN state_number = 2 THEN ' ' || sample_hz || ' Hz' ELSE '' END END AS text
	FROM governor_decisions WHERE event_class < 8
	UNION ALL SELECT r.capture_id, g.event_class, r.time_ns, 0, 1, NULL
	FROM recorder r JOIN (SELECT DISTINCT capture_id, event_class FROM governor WHERE event_class < 8) g ON g.capture_id = r.capture_id),
state_groups AS (
	SELECT *, count(text) OVER (PARTITION BY capture_id, event_class ORDER BY time_ns, is_point, place) AS number FROM state_points),
states AS (
	SELECT capture_id, time_ns, event_class, is_point, max(text) OVER (PARTITION BY capture_id, event_class, number) AS text
	FROM state_groups),
thinned AS (
	SELECT capture_id, time_ns, group_concat(text, ', ') AS text
	FROM (SELECT * FROM states WHERE is_point AND text <> '' ORDER BY event_class) GROUP BY capture_id, time_ns)
SELECT r.capture_id, r.time_ns, r.at_s, r.cpu_percent AS recorder_cpu_percent,
	CASE WHEN g.account_cpu_percent IS NULL AND b.measured_ns > r.time_ns - 5000000000 THEN b.cpu_percent END AS bpf_cpu_percent,
	a.cpu_percent AS account_cpu_percent,
	CASE WHEN g.account_cpu_percent IS NOT NULL THEN a.cpu_percent
		ELSE r.cpu_percent + COALESCE(CASE WHEN b.measured_ns > r.time_ns - 5000000000 THEN b.cpu_percent END, 0) END AS cpu_percent,
	g.cpu_budget_percent, r.rss_bytes, x.text AS thinned
FROM overhead_rates r LEFT JOIN (SELECT DISTINCT capture_id, time_ns, cpu_percent, measured_ns FROM bpf WHERE is_point) b
		ON b.capture_id = r.capture_id AND b.time_ns = r.time_ns
	LEFT JOIN accounts a ON a.capture_id = r.capture_id AND a.time_ns = r.time_ns AND a.is_point
	LEFT JOIN thinned x ON x.capture_id = r.capture_id AND x.time_ns = r.time_ns
	LEFT JOIN overhead_budget g ON g.capture_id = r.capture_id
WHERE r.cpu_percent IS NOT NULL;

-- ---------------------------------------------------------------- system calls of spans in which none were recorded

-- For each span in which no calls were recorded, the moments before and after it whose rates stand for it: at most 2 s of the spans beside it.
CREATE VIEW syscall_gaps AS
WITH spans AS (
	SELECT capture_id, from_ns, to_ns, state_number, row_number() OVER (PARTITION BY capture_id ORDER BY from_ns) AS number
	FROM class_spans WHERE event_class = 1),
beside AS (
	SELECT o.capture_id, o.number AS gap, o.from_ns AS gap_from_ns, o.to_ns - o.from_ns AS gap_ns, n.number, n.state_number,
		CASE WHEN n.number < o.number THEN max(n.from_ns, n.to_ns - 2000000000) ELSE n.from_ns END AS from_ns,
		CASE WHEN n.number < o.number THEN n.to_ns ELSE min(n.to_ns, n.from_ns + 2000000000) END AS to_ns
	FROM spans o JOIN spans n ON n.capture_id = o.capture_id AND (n.number = o.number - 1 OR n.number = o.number + 1)
		AND n.state_number IS NOT 3
	WHERE o.state_number IS 3)
SELECT *, count(*) OVER (PARTITION BY capture_id, gap) AS sides FROM beside;

-- What the calls of each kind come to if, in each span in which none were recorded, they were made at the mean of the rates before and after.
-- An estimate. Counted calls belong to the moment in which they were written down, or, since none end while nothing is recorded, to the last
-- one before.
CREATE VIEW syscall_estimate AS
WITH span_starts AS (
	SELECT capture_id, from_ns, state_number, row_number() OVER (PARTITION BY capture_id ORDER BY from_ns) AS number
	FROM class_spans WHERE event_class = 1),
points AS (
	SELECT capture_id, from_ns AS at_ns, 0 AS is_row, number, CASE WHEN state_number IS 3 THEN from_ns END AS off_ns, NULL AS sysno,
		NULL AS flags, NULL AS calls, NULL AS total_ns
	FROM span_starts
	UNION ALL SELECT capture_id, time_ns - 1, 1, NULL, NULL, sysno, flags, call_count, total_ns FROM syscall_count),
placed AS (SELECT *, max(number) OVER (PARTITION BY capture_id ORDER BY at_ns, is_row ROWS UNBOUNDED PRECEDING) AS span FROM points),
moved AS (
	SELECT p.capture_id, p.sysno, p.flags, p.calls, p.total_ns, CASE WHEN s.state_number IS 3 THEN p.span - 1 ELSE p.span END AS span,
		CASE WHEN s.state_number IS 3 THEN s.from_ns - 1 ELSE p.at_ns END AS at_ns
	FROM placed p JOIN span_starts s ON s.capture_id = p.capture_id AND s.number = p.span WHERE p.is_row),
model AS (
	SELECT g.capture_id, g.gap_ns, g.to_ns - g.from_ns AS model_ns, g.sides, m.sysno, m.flags & 16 <> 0 AS compat, m.calls, m.total_ns
	FROM syscall_gaps g JOIN moved m ON m.capture_id = g.capture_id AND m.span = g.number AND m.at_ns >= g.from_ns AND m.at_ns < g.to_ns
	UNION ALL
	SELECT g.capture_id, g.gap_ns, g.to_ns - g.from_ns, g.sides, s.sysno, s.flags & 16 <> 0 AS compat, count(*),
		total(CASE WHEN s.flags & 7 THEN 0 ELSE s.duration_ns END)
	FROM syscall_gaps g JOIN syscall s ON s.capture_id = g.capture_id AND s.time_ns >= g.from_ns AND s.time_ns < g.to_ns
	WHERE g.state_number IS NOT 1 GROUP BY g.capture_id, g.gap, g.number, s.sysno, compat),
added AS (
	SELECT capture_id, sysno, compat, total(1.0 * calls * gap_ns / model_ns / sides) AS calls,
		total(1.0 * total_ns * gap_ns / model_ns / sides) AS total_ns
	FROM model GROUP BY capture_id, sysno, compat)
SELECT s.capture_id, s.name, s.calls, CAST(round(s.calls + COALESCE(a.calls, 0)) AS INTEGER) AS calls_estimate, s.total_ns,
	CAST(round(s.total_ns + COALESCE(a.total_ns, 0)) AS INTEGER) AS total_estimate_ns, s.sysno, s.compat
FROM syscalls s LEFT JOIN added a ON a.capture_id = s.capture_id AND a.sysno = s.sysno AND a.compat = s.compat;
