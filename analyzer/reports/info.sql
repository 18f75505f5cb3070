-- What `kymo info` tells: where a capture is from, and what it holds.

CREATE VIEW capture_info AS
SELECT id AS capture_id, path, events_stored, events_counted, events_dropped, events_damaged, duration_ns, complete, end_reason, host, kernel,
	tool_version,
	strftime('%Y-%m-%dT%H:%M:%S', start_realtime_ns / 1000000000, 'unixepoch')
		|| printf('.%09dZ', start_realtime_ns % 1000000000) AS start_realtime,
	start_ns, end_ns, cpu_count, session_uuid, file_uuid, format_version, file_bytes,
	CASE WHEN events_stored > 0 THEN CAST(file_bytes AS REAL) / events_stored END AS bytes_per_event,
	blocks_read, blocks_damaged, blocks_lost, blocks_unknown, bytes_skipped, columns_rejected, rows_unknown_type
FROM capture;

-- The newest cumulative totals of each class, summed over the CPUs.
CREATE VIEW class_totals AS
SELECT capture_id,
	COALESCE((SELECT name FROM enum_name n WHERE n.capture_id = t.capture_id AND kind = 'class' AND value = event_class),
		'class_' || event_class) AS class,
	CAST(total(attempted_count) AS INTEGER) AS attempted_count, CAST(total(stored_count) AS INTEGER) AS stored_count,
	CAST(total(counted_count) AS INTEGER) AS counted_count, CAST(total(lost_count) AS INTEGER) AS lost_count,
	CAST(total(unmatched_count) AS INTEGER) AS unmatched_count
FROM (SELECT capture_id, event_class, cpu, max(time_ns), attempted_count, stored_count, counted_count, lost_count, unmatched_count
	FROM class_total GROUP BY capture_id, event_class, cpu) t
GROUP BY capture_id, event_class;

-- The newest state of each probe.
CREATE VIEW probe_status AS
SELECT p.capture_id, p.name, p.how, COALESCE(k.name, 'class_' || p.event_class) AS class, p.attached, p.error,
	e.name AS error_name, p.reason
FROM (SELECT capture_id, name, how, event_class, max(time_ns), attached, error, reason
	FROM probe GROUP BY capture_id, name, how, event_class) p
	LEFT JOIN enum_name k ON k.capture_id = p.capture_id AND k.kind = 'class' AND k.value = p.event_class
	LEFT JOIN errno_name e ON e.error = p.error;
