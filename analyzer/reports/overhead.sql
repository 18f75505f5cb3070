-- What recording cost.

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
