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
