-- The first answer about a capture: what ran, what waited, what was slow.

-- What is summed up of single rows. Of a capture the tables temp.sample_sums, temp.wait_sums, temp.wait_wakes (offcpu.sql) and
-- temp.call_sums hold the same, made as it was read.
CREATE VIEW sample_sums AS
SELECT s.capture_id, s.task_id, s.stack_id, count(*) AS samples, sum(s.period > 0) AS with_period,
	total(CASE WHEN s.period > 0 THEN s.period END) AS periods
FROM cpu_sample s GROUP BY s.capture_id, s.task_id, s.stack_id;

CREATE VIEW wait_sums AS
SELECT capture_id, task_id, sysno, reason, flags & 3 AS flags, count(*) AS intervals, sum(duration_ns) AS total_ns, max(duration_ns) AS longest_ns,
	COALESCE(file_id, 0) AS file_id
FROM offcpu GROUP BY capture_id, task_id, sysno, reason, flags & 3, COALESCE(file_id, 0);

-- file_id: of the longest one.
CREATE VIEW call_sums AS
SELECT capture_id, task_id, sysno, flags & 23 AS flags, count(*) AS calls, sum(duration_ns) AS total_ns, max(duration_ns) AS longest_ns,
	COALESCE(file_id, 0) AS file_id
FROM syscall GROUP BY capture_id, task_id, sysno, flags & 23;

-- Calls in which a program waits until there is something to do, or for as long as it chose: long ones are no news.
CREATE VIEW waiting_calls AS
SELECT name FROM wait_calls WHERE reason = 'sleep' AND name NOT IN ('any', 'kernel') AND wait_kind IN (SELECT wait_kind FROM wait_kinds WHERE by_choice);

-- Processes whose names differ in digits only have one family: kworker/0:1 and kworker/1:2 are both of kworker/#.
CREATE VIEW process_families AS
WITH zeros AS (
	SELECT id, capture_id, tgid, comm, kernel_thread, replace(replace(replace(replace(replace(replace(replace(replace(replace(
		COALESCE(comm, '[unknown]'), '1', '0'), '2', '0'), '3', '0'), '4', '0'), '5', '0'), '6', '0'), '7', '0'), '8', '0'), '9', '0') AS name
	FROM process)
SELECT id AS process_id, capture_id, tgid, COALESCE(comm, '[unknown]') AS comm, kernel_thread,
	replace(replace(replace(replace(replace(replace(name, '00', '0'), '00', '0'), '00', '0'), '00', '0'), '0', '#'), '#:#', '#') AS family
FROM zeros;

-- CPU samples by family of processes, with the function that most of them were in. Shares are of the sampled CPU time, also where the rate changed.
CREATE VIEW summary_cpu AS
WITH typical AS (
	SELECT capture_id, total(periods) / NULLIF(total(with_period), 0) AS period FROM sample_sums
	WHERE capture_id IN (SELECT capture_id FROM class_spans WHERE event_class = 0 AND state_number IS NOT 3
		GROUP BY capture_id HAVING count(DISTINCT sample_hz) > 1)
	GROUP BY capture_id),
weighed AS (
	SELECT s.capture_id, t.process_id, s.stack_id, sum(s.samples) AS samples,
		total(CASE WHEN y.period IS NULL THEN s.samples ELSE s.periods + (s.samples - s.with_period) * y.period END) AS weight
	FROM sample_sums s LEFT JOIN typical y ON y.capture_id = s.capture_id LEFT JOIN task t ON t.id = s.task_id
	GROUP BY s.capture_id, t.process_id, s.stack_id),
functions AS (
	SELECT w.capture_id, COALESCE(p.family, '[unknown]') AS family, min(COALESCE(p.comm, '[unknown]')) AS first_comm,
		max(COALESCE(p.comm, '[unknown]')) AS last_comm,
		CASE WHEN f.symbol IS NOT NULL THEN f.symbol || CASE f.space WHEN 'kernel' THEN '_[k]' ELSE '' END
			WHEN m.name IS NOT NULL THEN '[in ' || m.name || ']' WHEN f.id IS NOT NULL THEN f.name ELSE '[no stack]' END AS function,
		sum(w.samples) AS samples, total(w.weight) AS weight
	FROM weighed w LEFT JOIN process_families p ON p.process_id = w.process_id LEFT JOIN stack s ON s.id = w.stack_id
		LEFT JOIN frame f ON f.id = s.frame_id LEFT JOIN module m ON m.id = f.module_id
	GROUP BY w.capture_id, 2, function),
ranked AS (SELECT *, row_number() OVER (PARTITION BY capture_id, family ORDER BY weight DESC, function) AS place FROM functions),
members AS (
	SELECT w.capture_id, COALESCE(p.family, '[unknown]') AS family, count(DISTINCT p.tgid) AS processes,
		CASE WHEN count(DISTINCT p.tgid) = 1 THEN max(p.tgid) END AS tgid
	FROM weighed w LEFT JOIN process_families p ON p.process_id = w.process_id GROUP BY w.capture_id, 2),
sums AS (
	SELECT capture_id, family, CASE WHEN min(first_comm) = max(last_comm) THEN min(first_comm) ELSE family END AS name,
		sum(samples) AS samples, total(weight) AS weight,
		max(CASE place WHEN 1 THEN function END) AS function, max(CASE place WHEN 1 THEN weight END) AS function_weight
	FROM ranked GROUP BY capture_id, family)
SELECT s.capture_id, s.name, m.processes, m.tgid, s.samples, 100.0 * s.weight / total(s.weight) OVER all_of_it AS share_percent,
	s.function, 100.0 * s.function_weight / total(s.weight) OVER all_of_it AS function_percent
FROM sums s JOIN members m ON m.capture_id = s.capture_id AND m.family = s.family
WINDOW all_of_it AS (PARTITION BY s.capture_id);

-- Waits with names: single ones, and counted ones, whose longest is known as a bound. Left out is what nobody waits for: kernel threads without work,
-- and tasks that were asleep from before the recording to after its end.
CREATE VIEW summary_wait_parts AS
WITH parts AS (
	SELECT capture_id, task_id, sysno, reason, flags, intervals, total_ns, longest_ns, 0 AS bound_ns, 0 AS counted, file_id FROM wait_sums
	UNION ALL
	SELECT capture_id, task_id, sysno, reason, 0, sum(interval_count), CAST(total(total_ns) AS INTEGER),
		max(CASE interval_count WHEN 1 THEN total_ns END),
		max(CASE WHEN interval_count > 1 AND bucket < 62 THEN min(total_ns - (interval_count - 1) * (1 << bucket), (2 << bucket) - 1)
			WHEN interval_count > 1 THEN total_ns ELSE 0 END), 1, 0
	FROM offcpu_count WHERE interval_count > 0 GROUP BY capture_id, task_id, sysno, reason)
SELECT o.capture_id, COALESCE(p.comm, '[unknown]') AS comm, COALESCE(p.family, '[unknown]') AS family, p.tgid,
	COALESCE(r.name, 'reason_' || o.reason) AS reason,
	CASE o.sysno WHEN 4294967295 THEN '-' ELSE COALESCE(n.name, 'syscall_' || o.sysno) END AS call,
	o.intervals, o.total_ns, o.longest_ns, o.bound_ns, o.flags,
	COALESCE(CASE WHEN i.task_id IS NULL THEN k.wait_kind ELSE k.pooled_kind END, a.wait_kind, 'other') AS wait_kind, o.file_id
FROM parts o LEFT JOIN task t ON t.id = o.task_id LEFT JOIN process_families p ON p.process_id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = o.capture_id AND n.kind = 'sysno' AND n.value = o.sysno
	LEFT JOIN enum_name r ON r.capture_id = o.capture_id AND r.kind = 'wait' AND r.value = o.reason
	LEFT JOIN wait_calls k ON k.reason = r.name AND k.name = CASE WHEN p.kernel_thread THEN 'kernel' ELSE n.name END
	LEFT JOIN wait_calls a ON a.reason = r.name AND a.name = 'any'
	LEFT JOIN idle_pools i ON i.task_id = o.task_id AND NOT o.counted
WHERE o.flags & 3 <> 3 AND NOT (COALESCE(p.kernel_thread, 0) AND o.reason IN (0, 5));

-- Waits of 10 ms and more are known singly: next to one of these no counted one is the longest. file: what most of their time was about, of the waits that
-- are known singly; files: how many different ones there are.
CREATE VIEW summary_waits AS
WITH parts AS MATERIALIZED (SELECT * FROM summary_wait_parts),
by_file AS (
	SELECT capture_id, family, reason, call, wait_kind, file_id, total(total_ns) AS ns, count(*) OVER w AS files,
		row_number() OVER (w ORDER BY total(total_ns) DESC, file_id) AS place
	FROM parts WHERE file_id <> 0 GROUP BY capture_id, family, reason, call, wait_kind, file_id
	WINDOW w AS (PARTITION BY capture_id, family, reason, call, wait_kind))
SELECT w.capture_id, w.name, processes, tgid, w.reason, w.call, intervals, total_ns,
	CASE WHEN longest_ns >= min(bound_ns, 10000000) THEN longest_ns ELSE bound_ns END AS longest_ns,
	COALESCE(longest_ns < min(bound_ns, 10000000), 1) AS longest_is_bound,
	w.wait_kind IN (SELECT wait_kind FROM wait_kinds WHERE by_choice) AS waits_for_work, w.wait_kind, f.name AS file, f.short AS file_short, COALESCE(b.files, 0) AS files
FROM (SELECT capture_id, CASE WHEN min(comm) = max(comm) THEN max(comm) ELSE family END AS name, count(DISTINCT tgid) AS processes,
		CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid, reason, call, CAST(total(intervals) AS INTEGER) AS intervals,
		CAST(total(total_ns) AS INTEGER) AS total_ns, max(longest_ns) AS longest_ns, max(bound_ns) AS bound_ns, wait_kind, family
	FROM parts GROUP BY capture_id, family, reason, call, wait_kind) w
	LEFT JOIN by_file b ON b.capture_id = w.capture_id AND b.family = w.family AND b.reason = w.reason AND b.call = w.call AND b.wait_kind = w.wait_kind AND b.place = 1
	LEFT JOIN file_names f ON f.capture_id = b.capture_id AND f.file_id = b.file_id;

-- Calls with names. In flight: had not returned when recording stopped.
CREATE VIEW summary_call_parts AS
SELECT s.capture_id, COALESCE(p.comm, '[unknown]') AS comm, COALESCE(p.family, '[unknown]') AS family, p.tgid,
	CASE WHEN s.flags & 16 THEN 'compat_' || s.sysno ELSE COALESCE(n.name, 'syscall_' || s.sysno) END AS call,
	s.flags & 7 = 0 OR s.flags & 37 = 32 AS finished, s.flags & 5 = 1 AS in_flight, s.calls, s.longest_ns, s.file_id
FROM call_sums s LEFT JOIN task t ON t.id = s.task_id LEFT JOIN process_families p ON p.process_id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno;

-- The longest call or wait of each family in each call, seen from its beginning to its end. kind: call, or the reason of a wait that no call that was
-- recorded lasted as long as. Not those that wait for work, or for as long as they chose.
CREATE VIEW summary_slowest AS
WITH both AS (
	SELECT capture_id, comm, family, tgid, call, 'call' AS kind, longest_ns, NULL AS wait_kind, file_id FROM summary_call_parts
	WHERE finished AND call NOT IN (SELECT name FROM waiting_calls)
	UNION ALL
	SELECT capture_id, comm, family, tgid, call, reason, longest_ns, wait_kind, file_id FROM summary_wait_parts
	WHERE flags = 0 AND longest_ns IS NOT NULL AND wait_kind NOT IN (SELECT wait_kind FROM wait_kinds WHERE by_choice)),
ranked AS (
	SELECT *, row_number() OVER (PARTITION BY capture_id, family, call ORDER BY longest_ns DESC, kind, comm) AS place
	FROM both)
SELECT r.capture_id, r.comm AS name, r.tgid, r.kind, r.call, r.longest_ns AS duration_ns, r.wait_kind, f.name AS file, f.short AS file_short
FROM ranked r LEFT JOIN file_names f ON f.capture_id = r.capture_id AND f.file_id = r.file_id WHERE place = 1;

CREATE VIEW summary_in_flight AS
SELECT s.capture_id, s.name, s.processes, s.tgid, s.call, s.calls, s.longest_ns, s.waits_for_work, f.name AS file, f.short AS file_short
FROM (SELECT capture_id, CASE WHEN min(comm) = max(comm) THEN max(comm) ELSE family END AS name, count(DISTINCT tgid) AS processes,
		CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid, call, sum(calls) AS calls, max(longest_ns) AS longest_ns,
		call IN (SELECT name FROM waiting_calls) AS waits_for_work, max(CASE place WHEN 1 THEN file_id END) AS file_id
	FROM (SELECT *, row_number() OVER (PARTITION BY capture_id, family, call ORDER BY longest_ns DESC, file_id) AS place
		FROM summary_call_parts WHERE in_flight) GROUP BY capture_id, family, call) s
	LEFT JOIN file_names f ON f.capture_id = s.capture_id AND f.file_id = s.file_id;

-- How much of the time each kind of event was recorded, of those that were asked for. full: one by one, at the full rate.
CREATE VIEW summary_coverage AS
SELECT c.id AS capture_id, k.class,
	CASE WHEN v.class IS NULL THEN 100.0 ELSE 100.0 * v.full_ns / (v.full_ns + v.counts_ns + v.reduced_ns + v.off_ns) END AS full_percent,
	CASE WHEN v.class IS NULL THEN 0.0 ELSE 100.0 * v.counts_ns / (v.full_ns + v.counts_ns + v.reduced_ns + v.off_ns) END AS counts_percent,
	CASE WHEN v.class IS NULL THEN 0.0 ELSE 100.0 * v.reduced_ns / (v.full_ns + v.counts_ns + v.reduced_ns + v.off_ns) END AS reduced_percent,
	CASE WHEN v.class IS NULL THEN 0.0 ELSE 100.0 * v.off_ns / (v.full_ns + v.counts_ns + v.reduced_ns + v.off_ns) END AS off_percent,
	COALESCE(t.lost_count, 0) AS lost_count
FROM recorded_classes k JOIN capture c ON c.id = k.capture_id
	LEFT JOIN class_coverage v ON v.capture_id = c.id AND v.class = k.class
	LEFT JOIN class_totals t ON t.capture_id = c.id AND t.class = k.class;

-- Disk requests, if there were any.
CREATE VIEW summary_disks AS
WITH parts AS (
	SELECT capture_id, op, (flags & 32) = 0 AS ios, bytes, queue_ns + service_ns AS latency_ns, error <> 0 AS failed FROM block_io
	UNION ALL
	SELECT capture_id, op, io_count, total_bytes, total_ns / io_count, 0 FROM block_count WHERE io_count > 0)
SELECT capture_id, CAST(total(ios) AS INTEGER) AS requests, CAST(total(CASE op WHEN 0 THEN bytes END) AS INTEGER) AS read_bytes,
	CAST(total(CASE op WHEN 1 THEN bytes END) AS INTEGER) AS written_bytes, max(latency_ns) AS slowest_ns, CAST(total(failed) AS INTEGER) AS failed
FROM parts GROUP BY capture_id;

-- Memory, where it was recorded; grown_most: the processes of one name that grew most.
CREATE VIEW summary_memory AS
WITH growth AS (
	SELECT capture_id, process, grown_bytes, row_number() OVER (PARTITION BY capture_id ORDER BY grown_bytes DESC, process) AS place
	FROM mem_by_process WHERE grown_bytes > 0)
SELECT f.capture_id, f.minor_faults, f.major_faults, (SELECT count(*) FROM mem_stall s WHERE s.capture_id = f.capture_id) AS stalls,
	(SELECT CAST(total(s.duration_ns) AS INTEGER) FROM mem_stall s WHERE s.capture_id = f.capture_id) AS stall_ns,
	(SELECT count(*) FROM oom_kill o WHERE o.capture_id = f.capture_id) AS oom_kills, g.process AS grown_most, g.grown_bytes
FROM fault_totals f LEFT JOIN growth g ON g.capture_id = f.capture_id AND g.place = 1;
