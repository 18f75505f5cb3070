-- How stacks of user code were obtained, where they end, and what would mend those that do not reach the root.

CREATE VIEW stack_roots AS
SELECT k.capture_id, k.id AS stack_id, k.stack_how, k.stack_end, m.id AS module_id, m.name AS module,
	CASE k.stack_end
		WHEN 'cut' THEN 'the stack is deeper than what was copied: record with --stacks copy,64K'
		WHEN 'depth' THEN 'deeper than 1,024 frames'
		WHEN 'hole' THEN 'a page of the stack was not in memory'
		WHEN 'no_mapping' THEN 'the return address is in no code that was known'
		WHEN 'other_stack' THEN 'it began on another stack, such as that of a signal handler'
		WHEN 'no_rule' THEN CASE u.state
			WHEN 'no_file' THEN 'its file is not here: name its folder with --symfs or --debug-dir'
			WHEN 'no_code_file' THEN 'code made at run time, without frame pointers'
			ELSE 'built without unwind tables: build it with -fasynchronous-unwind-tables' END END AS advice
FROM stack k JOIN stack r ON r.id = k.root_id JOIN frame f ON f.id = r.frame_id LEFT JOIN module m ON m.id = f.module_id
	LEFT JOIN module_unwinding u ON u.module_id = m.id
WHERE k.stack_how IS NOT NULL;

CREATE VIEW stack_ends AS
SELECT r.capture_id, r.stack_how, r.stack_end, r.module_id, r.module, sum(n.samples) AS samples, max(r.advice) AS advice
FROM (SELECT stack_id, count(*) AS samples FROM cpu_sample GROUP BY stack_id) n JOIN stack_roots r ON r.stack_id = n.stack_id
GROUP BY r.capture_id, r.stack_how, r.stack_end, r.module_id;
