-- CPU samples by stack.

-- Frames of each stack, root first, in the grammar of flame graphs: kernel frames end in _[k], a ';' in a name becomes ':'.
CREATE VIEW stack_text AS
WITH RECURSIVE walk(id, capture_id, text) AS (
	SELECT s.id, s.capture_id, replace(f.name, ';', ':') || CASE f.space WHEN 'kernel' THEN '_[k]' ELSE '' END
	FROM stack s JOIN frame f ON f.id = s.frame_id WHERE s.parent_id = 0
	UNION ALL
	SELECT s.id, s.capture_id, w.text || ';' || replace(f.name, ';', ':') || CASE f.space WHEN 'kernel' THEN '_[k]' ELSE '' END
	FROM walk w JOIN stack s ON s.parent_id = w.id JOIN frame f ON f.id = s.frame_id)
SELECT id AS stack_id, capture_id, text FROM walk;

-- scaled: what the samples count in shares, as sample_weights says.
CREATE VIEW stack_samples AS
SELECT s.capture_id, t.comm, t.tgid, t.process_id, s.stack_id, count(*) AS samples, CAST(total(s.period) AS INTEGER) AS weight,
	CAST(total(CASE WHEN w.typical_period IS NULL THEN 1 WHEN s.period > 0 THEN s.period ELSE w.typical_period END) AS INTEGER) AS scaled
FROM cpu_sample s LEFT JOIN sample_weights w ON w.capture_id = s.capture_id LEFT JOIN task t ON t.id = s.task_id
GROUP BY s.capture_id, s.task_id, s.stack_id;

CREATE VIEW folded_stacks AS
SELECT n.capture_id,
	replace(replace(COALESCE(n.comm, '[unknown]'), ';', ':'), ' ', '_') || ';' || COALESCE(x.text, '[no stack]') AS folded,
	sum(n.samples) AS samples, CAST(total(n.weight) AS INTEGER) AS weight
FROM stack_samples n LEFT JOIN stack_text x ON x.stack_id = n.stack_id
GROUP BY n.capture_id, folded;
