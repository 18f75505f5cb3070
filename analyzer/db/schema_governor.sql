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

-- Captures whose sampling rate changed under way: in shares of CPU time each sample counts its period there, and one that does not tell it counts as
-- the average of the others. In captures that are not here each counts 1.
CREATE VIEW sample_weights AS
SELECT r.capture_id, CAST(avg(s.period) AS INTEGER) AS typical_period
FROM (SELECT capture_id FROM class_spans WHERE event_class = 0 AND state_number IS NOT 3
		GROUP BY capture_id HAVING count(DISTINCT sample_hz) > 1) r
	CROSS JOIN cpu_sample s ON s.capture_id = r.capture_id
WHERE s.period > 0 GROUP BY r.capture_id;

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

-- What was spent, span by span, to be held against the budget: the governor's accounts, about one a second, where it kept any, else what lies
-- between two measurements of the recorder. An account that the end cut short (to less than half of the longest) says too little to count.
CREATE VIEW budget_spans AS
WITH accounts AS (
	SELECT capture_id, time_ns, at_s, span_ns, measured_percent, max(span_ns) OVER (PARTITION BY capture_id) AS longest_ns
	FROM governor_decisions WHERE kind = 'account' AND span_ns > 0)
SELECT a.capture_id, a.time_ns, a.at_s, a.measured_percent AS cpu_percent, g.cpu_budget_percent
FROM accounts a JOIN overhead_budget g ON g.capture_id = a.capture_id WHERE 2 * a.span_ns >= a.longest_ns
UNION ALL
SELECT capture_id, time_ns, at_s, cpu_percent, cpu_budget_percent
FROM overhead_spending WHERE capture_id NOT IN (SELECT capture_id FROM accounts);

-- ---------------------------------------------------------------- system calls of spans in which none were recorded

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
