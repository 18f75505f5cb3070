-- What was lost, for all reports to tell.

CREATE VIEW loss_spans AS
SELECT l.capture_id,
	COALESCE(k.name, CASE l.event_class WHEN 255 THEN 'unknown' ELSE 'class_' || l.event_class END) AS class,
	COALESCE(r.name, 'reason_' || l.reason) AS reason,
	l.cpu, l.lost_count, l.from_ns, l.time_ns AS to_ns,
	(l.from_ns - c.start_ns) / 1e9 AS from_s, (l.time_ns - c.start_ns) / 1e9 AS to_s
FROM loss l JOIN capture c ON c.id = l.capture_id
	LEFT JOIN enum_name k ON k.capture_id = l.capture_id AND k.kind = 'class' AND k.value = l.event_class
	LEFT JOIN enum_name r ON r.capture_id = l.capture_id AND r.kind = 'reason' AND r.value = l.reason;

-- Loss by class and reason with the time it spans.
CREATE VIEW loss_summary AS
SELECT capture_id, class, reason, CAST(total(lost_count) AS INTEGER) AS lost_count, min(from_ns) AS from_ns, max(to_ns) AS to_ns,
	min(from_s) AS from_s, max(to_s) AS to_s, count(DISTINCT cpu) AS cpus
FROM loss_spans WHERE lost_count > 0 GROUP BY capture_id, class, reason;

-- CPUs that ran without being sampled, since their sampling clock could not be started: they came online while recording.
CREATE VIEW unsampled_cpus AS
SELECT m.capture_id, m.cpu, m.from_ns, m.to_ns, (m.from_ns - c.start_ns) / 1e9 AS from_s, (m.to_ns - c.start_ns) / 1e9 AS to_s
FROM (SELECT capture_id, CAST(substr(text, 5) AS INTEGER) AS cpu, CAST(substr(text, instr(text, ' from ') + 6) AS INTEGER) AS from_ns, time_ns AS to_ns
		FROM mark WHERE name = 'cpu_not_sampled' AND text LIKE 'CPU % from % to %') m
	JOIN capture c ON c.id = m.capture_id;
