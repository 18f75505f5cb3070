-- What the budget of the recorder decided, and what it left out for it, for all reports to tell. A capture without rows in table governor was
-- recorded in full, or by a recorder without a budget.

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

-- The kinds of events that reports are about, of those that a capture was asked for. place: calls stand first.
CREATE VIEW recorded_classes AS
SELECT c.id AS capture_id, k.class, k.event_class, k.place
FROM capture c CROSS JOIN (SELECT 1 AS place, 'syscalls' AS class, 1 AS event_class, 'syscall' AS type UNION ALL SELECT 2, 'sched', 4, 'offcpu'
		UNION ALL SELECT 3, 'cpu', 0, 'cpu_sample' UNION ALL SELECT 4, 'block', 7, 'block_io'
		UNION ALL SELECT 5, 'mem', 6, 'rss') k
WHERE EXISTS (SELECT 1 FROM class_spans s WHERE s.capture_id = c.id AND s.event_class = k.event_class)
	OR EXISTS (SELECT 1 FROM class_totals t WHERE t.capture_id = c.id AND t.class = k.class AND t.attempted_count > 0)
	OR EXISTS (SELECT 1 FROM event_count e WHERE e.capture_id = c.id AND e.type IN (k.type, k.type || '_count', k.class || '_count') AND e.row_count > 0);
