-- CPU samples by function and process, and what a picture of them lacks.

-- Frames of each module, how many have a name, and what would mend the rest (help; NULL: nothing to mend).
CREATE VIEW module_names AS
SELECT m.capture_id, m.id AS module_id, m.space, m.name AS module, m.path, m.build_id, count(f.id) AS frames,
	sum(f.symbol IS NOT NULL) AS frames_named, s.state,
	CASE WHEN sum(f.symbol IS NOT NULL) > 0 OR s.state IN ('found', 'no_symbols') THEN s.verified END AS verified, s.advice, m.presumed,
	CASE WHEN s.state = 'found' AND s.verified AND sum(f.symbol IS NULL) > 0 THEN 'its symbols leave out this code: use a file that is not stripped'
		WHEN s.state <> 'found' AND sum(f.symbol IS NULL) > 0 OR s.state = 'found' AND NOT s.verified THEN s.advice END AS help
FROM module m JOIN frame f ON f.module_id = m.id LEFT JOIN module_symbols s ON s.module_id = m.id
GROUP BY m.id;

-- What samples lack, per task: a picture of stacks says so. Kernel threads have no user stack to lose.
CREATE VIEW sample_quality AS
SELECT s.capture_id, s.task_id, count(*) AS samples,
	sum(s.flags & 1 <> 0 AND COALESCE(p.kernel_thread, 0) = 0) AS no_user_stack,
	sum(s.flags & 2 <> 0 AND s.flags & 16 <> 0) AS no_kernel_stack,
	sum(s.flags & 12 <> 0) AS truncated
FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id LEFT JOIN process p ON p.id = t.process_id
GROUP BY s.capture_id, s.task_id;

CREATE VIEW cpu_by_process AS
SELECT n.capture_id, n.process_id, n.tgid, p.comm, sum(n.samples) AS samples, CAST(total(n.weight) AS INTEGER) AS weight,
	100.0 * total(n.scaled) / sum(total(n.scaled)) OVER (PARTITION BY n.capture_id) AS share_percent
FROM stack_samples n LEFT JOIN process p ON p.id = n.process_id
GROUP BY n.capture_id, n.process_id;

-- Samples per function: self (it ran itself) and total (it was anywhere on the stack, counted once). Shares are of CPU time also where the rate
-- changed under way.
CREATE VIEW hot_functions AS
WITH RECURSIVE used(capture_id, stack_id, samples, scaled) AS (
	SELECT capture_id, stack_id, sum(samples), total(scaled) FROM stack_samples GROUP BY capture_id, stack_id),
walk(capture_id, leaf_id, node_id, samples, scaled) AS (
	SELECT capture_id, stack_id, stack_id, samples, scaled FROM used
	UNION ALL
	SELECT w.capture_id, w.leaf_id, s.parent_id, w.samples, w.scaled
	FROM walk w JOIN stack s ON s.id = w.node_id WHERE s.parent_id <> 0),
hits AS (
	SELECT w.capture_id, w.leaf_id, f.name, f.space, max(m.name) AS module, max(w.samples) AS samples, max(w.scaled) AS scaled,
		max(w.node_id = w.leaf_id) AS is_leaf
	FROM walk w JOIN stack s ON s.id = w.node_id JOIN frame f ON f.id = s.frame_id LEFT JOIN module m ON m.id = f.module_id
	GROUP BY w.capture_id, w.leaf_id, f.space, f.name, f.module_id),
sums AS (SELECT capture_id, total(scaled) AS scaled FROM used GROUP BY capture_id)
SELECT h.capture_id, h.name, h.space, h.module, sum(h.samples * h.is_leaf) AS self_samples, sum(h.samples) AS total_samples,
	100.0 * total(h.scaled * h.is_leaf) / t.scaled AS self_percent, 100.0 * total(h.scaled) / t.scaled AS total_percent
FROM hits h JOIN sums t ON t.capture_id = h.capture_id
GROUP BY h.capture_id, h.space, h.module, h.name;
