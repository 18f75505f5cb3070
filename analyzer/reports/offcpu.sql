-- Time off the CPU: what tasks waited for.

-- Single waits that a signal would end, by thread, call and who ended them.
CREATE VIEW wait_wakes AS
SELECT capture_id, task_id, sysno, waker_task_id, count(*) AS intervals, CAST(total(duration_ns) AS INTEGER) AS total_ns
FROM offcpu WHERE reason = 0 GROUP BY capture_id, task_id, sysno, waker_task_id;

-- Threads that wait for work where others wait for a lock. A call like futex does not tell; how they are woken does: work comes from elsewhere, a lock
-- is handed on from one waiter to the next. Three threads and more of one process, with names that differ in a number at the end only, that wait for
-- more than half of the recording, and end at most a quarter of the time of each other's waits, are an idle pool. Threads that hardly wait do not
-- belong to it: of some interpreters, which have one lock for all that they do, every thread waits now and then.
CREATE VIEW idle_pools AS
WITH sleepers AS (
	SELECT w.capture_id, t.process_id, rtrim(t.comm, '0123456789') AS family, t.tid, w.task_id, w.waker_task_id, w.intervals, w.total_ns
	FROM wait_wakes w JOIN enum_name n ON n.capture_id = w.capture_id AND n.kind = 'sysno' AND n.value = w.sysno
		JOIN wait_calls k ON k.reason = 'sleep' AND k.name = n.name AND k.pooled_kind <> k.wait_kind
		JOIN task t ON t.id = w.task_id),
spans AS ( -- from when to when waits were recorded: the file is open before, and after
	SELECT c.id AS capture_id, CASE WHEN max(CASE g.event_class WHEN 255 THEN g.time_ns END) > min(CASE g.event_class WHEN 255 THEN g.time_ns END)
			THEN max(CASE g.event_class WHEN 255 THEN g.time_ns END) ELSE c.end_ns END
		- COALESCE(min(CASE g.event_class WHEN 4 THEN g.time_ns END), c.start_ns) AS duration_ns
	FROM capture c LEFT JOIN governor g ON g.capture_id = c.id GROUP BY c.id),
members AS (
	SELECT s.capture_id, s.process_id, s.family, s.tid FROM sleepers s JOIN spans c ON c.capture_id = s.capture_id
	GROUP BY s.capture_id, s.process_id, s.family, s.tid HAVING 8 * total(s.total_ns) > c.duration_ns),
pools AS (
	SELECT s.process_id, s.family
	FROM sleepers s JOIN members o ON o.process_id = s.process_id AND o.family = s.family AND o.tid = s.tid
		JOIN spans c ON c.capture_id = s.capture_id LEFT JOIN task k ON k.id = s.waker_task_id AND k.process_id = s.process_id
		LEFT JOIN members m ON m.process_id = k.process_id AND m.family = s.family AND m.tid = k.tid
	GROUP BY s.process_id, s.family
	HAVING count(DISTINCT s.tid) >= 3 AND 2 * total(s.total_ns) > count(DISTINCT s.tid) * c.duration_ns
		AND 4 * total(CASE WHEN m.tid IS NULL THEN 0 ELSE s.total_ns END) <= total(s.total_ns))
SELECT DISTINCT s.capture_id, s.task_id FROM sleepers s JOIN pools p ON p.process_id = s.process_id AND p.family = s.family
	JOIN members m ON m.process_id = s.process_id AND m.family = s.family AND m.tid = s.tid;

-- Every interval once: a row of offcpu is one, a row of offcpu_count many of one process. What is counted has its length and run-queue delay in powers
-- of two (bucket, runq_bucket: floor(log2 of ns), 0 for 0 ns) and exact sums. time_ns and last_ns: when the first and the last of them can have begun.
-- shortest_ns and longest_ns of counted ones are bounds, exact where there is only one. idle: waited from before the recording to after its end.
-- wait_kind: by the table of reasons and calls, wait_calls; of threads in an idle pool, where they were seen singly, its other column.
-- A number in hexadecimal tells its log2 without a function that not every SQLite has: four per digit, and the first one's.
CREATE VIEW offcpu_parts AS
WITH parts AS (
	SELECT capture_id, time_ns, time_ns AS last_ns, task_id, sysno, reason, file_id, 1 AS intervals, duration_ns AS total_ns, runq_ns,
		duration_ns AS shortest_ns, duration_ns AS longest_ns, flags, 0 AS counted, printf('%x', duration_ns) AS hex, printf('%x', runq_ns) AS runq_hex,
		NULL AS bucket, NULL AS runq_bucket
	FROM offcpu
	UNION ALL
	SELECT capture_id, from_ns, time_ns - 1, task_id, sysno, reason, 0, interval_count, total_ns, runq_total_ns,
		CASE WHEN interval_count = 1 THEN total_ns WHEN bucket > 0 THEN 1 << bucket ELSE 0 END,
		CASE WHEN bucket < 62 THEN min(total_ns - (interval_count - 1) * (1 << bucket), (2 << bucket) - 1) ELSE total_ns END, 0, 1, NULL, NULL, bucket, runq_bucket
	FROM offcpu_count WHERE interval_count > 0)
SELECT o.capture_id, o.time_ns, o.last_ns, o.task_id, t.process_id, t.tgid, t.comm, COALESCE(p.comm, t.comm, '[unknown]') AS process,
	COALESCE(p.kernel_thread, 0) AS kernel_thread,
	CASE o.sysno WHEN 4294967295 THEN '-' ELSE COALESCE(n.name, 'syscall_' || o.sysno) END AS name,
	COALESCE(r.name, 'reason_' || o.reason) AS reason, o.intervals, o.total_ns, o.runq_ns, o.shortest_ns, o.longest_ns, o.counted,
	o.flags & 3 = 3 AS idle,
	COALESCE(o.bucket, 4 * (length(o.hex) - 1) + (substr(o.hex, 1, 1) >= '2') + (substr(o.hex, 1, 1) >= '4') + (substr(o.hex, 1, 1) >= '8')) AS bucket,
	COALESCE(o.runq_bucket, 4 * (length(o.runq_hex) - 1) + (substr(o.runq_hex, 1, 1) >= '2') + (substr(o.runq_hex, 1, 1) >= '4')
		+ (substr(o.runq_hex, 1, 1) >= '8')) AS runq_bucket,
	COALESCE(CASE WHEN i.task_id IS NULL THEN k.wait_kind ELSE k.pooled_kind END, a.wait_kind, 'other') AS wait_kind, f.name AS file
FROM parts o LEFT JOIN file_names f ON f.capture_id = o.capture_id AND f.file_id = o.file_id LEFT JOIN task t ON t.id = o.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = o.capture_id AND n.kind = 'sysno' AND n.value = o.sysno
	LEFT JOIN enum_name r ON r.capture_id = o.capture_id AND r.kind = 'wait' AND r.value = o.reason
	LEFT JOIN wait_calls k ON k.reason = r.name AND k.name = CASE WHEN p.kernel_thread THEN 'kernel' ELSE n.name END
	LEFT JOIN wait_calls a ON a.reason = r.name AND a.name = 'any'
	LEFT JOIN idle_pools i ON i.task_id = o.task_id AND NOT o.counted;

-- Where time was spent waiting. Processes of one name are one row. Shares are of all time that is not spent waiting for work.
CREATE VIEW offcpu_waits AS
SELECT *, CASE WHEN wait_kind <> 'idle' AND NOT idle AND NOT kernel_thread THEN 100.0 * total_ns
		/ total(CASE WHEN wait_kind <> 'idle' AND NOT idle AND NOT kernel_thread THEN total_ns END) OVER (PARTITION BY capture_id) END AS share_percent
FROM (SELECT capture_id, process AS comm, reason, name, CAST(total(intervals) AS INTEGER) AS intervals, CAST(total(total_ns) AS INTEGER) AS total_ns,
	max(longest_ns) AS longest_ns, CAST(total(runq_ns) AS INTEGER) AS runq_ns, count(DISTINCT process_id) AS processes,
	CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid,
	max(CASE WHEN counted AND intervals > 1 THEN longest_ns ELSE 0 END) > max(CASE WHEN counted AND intervals > 1 THEN 0 ELSE longest_ns END)
		AS longest_is_bound, idle, kernel_thread, wait_kind
FROM offcpu_parts GROUP BY capture_id, process, reason, name, wait_kind, idle, kernel_thread);

-- What system calls blocked, also where calls themselves were not recorded: threads that waited all the time, and being preempted, left out.
CREATE VIEW syscall_blocked AS
SELECT *, CASE WHEN wait_kind <> 'idle' THEN 100.0 * blocked_ns
		/ total(CASE WHEN wait_kind <> 'idle' THEN blocked_ns END) OVER (PARTITION BY capture_id) END AS share_percent
FROM (SELECT capture_id, name, CAST(total(intervals) AS INTEGER) AS intervals,
	CAST(total(CASE WHEN shortest_ns >= 10000000 THEN intervals ELSE 0 END) AS INTEGER) AS slow_intervals,
	CAST(total(total_ns) AS INTEGER) AS blocked_ns, max(longest_ns) AS longest_ns,
	max(CASE WHEN counted AND intervals > 1 THEN longest_ns ELSE 0 END) > max(CASE WHEN counted AND intervals > 1 THEN 0 ELSE longest_ns END)
		AS longest_is_bound, wait_kind
FROM offcpu_parts WHERE name <> '-' AND reason <> 'preempted' AND NOT idle AND NOT kernel_thread GROUP BY capture_id, name, wait_kind);

-- Intervals in powers of two, of how long they were (what = 'duration') and of how long the task could run and had no CPU ('runq'): low_ns = 2^b ..
-- high_ns = 2^(b+1) - 1; the first one also holds 0. A run-queue delay of 0 is none: it still waited, or nobody was seen to wake it.
CREATE VIEW offcpu_histogram AS
WITH both AS (
	SELECT 'duration' AS what, capture_id, reason, bucket, intervals, total_ns, idle, kernel_thread, wait_kind FROM offcpu_parts
	UNION ALL
	SELECT 'runq', capture_id, reason, runq_bucket, intervals, runq_ns, idle, kernel_thread, wait_kind FROM offcpu_parts WHERE runq_ns > 0)
SELECT capture_id, what, reason, CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,
	CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (2 << bucket) - 1 END AS high_ns,
	CAST(total(intervals) AS INTEGER) AS intervals, CAST(total(total_ns) AS INTEGER) AS total_ns, idle, kernel_thread, wait_kind
FROM both GROUP BY capture_id, what, reason, wait_kind, bucket, idle, kernel_thread;

-- Intervals that are known singly, with who ended them: all of 10 ms and more, and some of the shorter ones. weight_ns is the time that its stack
-- stands for; what still waited when recording stopped is here whatever its length, and stands for itself.
CREATE VIEW slow_waits AS
SELECT o.capture_id, (o.time_ns - c.start_ns) / 1e9 AS at_s, o.time_ns, o.duration_ns, o.runq_ns, COALESCE(p.comm, t.comm, '[unknown]') AS process,
	COALESCE(t.comm, '[unknown]') AS comm, t.tgid, t.tid,
	CASE o.sysno WHEN 4294967295 THEN '-' ELSE COALESCE(n.name, 'syscall_' || o.sysno) END AS name,
	COALESCE(r.name, 'reason_' || o.reason) AS reason,
	CASE WHEN o.flags & 8 THEN '(interrupt)' ELSE COALESCE(w.comm, '-') END AS woken_by, w.tid AS waker_tid, w.tgid AS waker_tgid,
	o.flags & 1 AS unfinished, o.flags & 2 <> 0 AS since_before, o.flags & 3 = 3 AS idle, COALESCE(p.kernel_thread, 0) AS kernel_thread,
	CASE WHEN o.flags & 1 THEN o.duration_ns ELSE o.weight_ns END AS weight_ns, o.flags & 4 <> 0 AS no_user_stack, o.stack_id, t.process_id,
	COALESCE(CASE WHEN i.task_id IS NULL THEN k.wait_kind ELSE k.pooled_kind END, a.wait_kind, 'other') AS wait_kind,
	CASE WHEN o.file_id THEN o.fd END AS fd, f.name AS file
FROM offcpu o LEFT JOIN file_names f ON f.capture_id = o.capture_id AND f.file_id = o.file_id JOIN capture c ON c.id = o.capture_id LEFT JOIN task t ON t.id = o.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN task w ON w.id = o.waker_task_id AND o.waker_task_id <> 0
	LEFT JOIN enum_name n ON n.capture_id = o.capture_id AND n.kind = 'sysno' AND n.value = o.sysno
	LEFT JOIN enum_name r ON r.capture_id = o.capture_id AND r.kind = 'wait' AND r.value = o.reason
	LEFT JOIN wait_calls k ON k.reason = r.name AND k.name = CASE WHEN p.kernel_thread THEN 'kernel' ELSE n.name END
	LEFT JOIN wait_calls a ON a.reason = r.name AND a.name = 'any'
	LEFT JOIN idle_pools i ON i.task_id = o.task_id;

-- Stacks at the end of waits, weighed by time.
CREATE VIEW offcpu_stacks AS
SELECT capture_id, process AS comm, process_id, tgid, stack_id, reason, name, count(*) AS intervals, CAST(total(weight_ns) AS INTEGER) AS weight_ns,
	sum(no_user_stack) AS no_user_stack, idle, kernel_thread, wait_kind
FROM slow_waits GROUP BY capture_id, process_id, stack_id, name, reason, wait_kind, idle;

-- Who ended waits. Counted ones are represented by the few that were stored: times are estimates where any is among them (sampled).
CREATE VIEW offcpu_wakers AS
SELECT capture_id, woken_by, process AS comm, name, reason, wait_kind, count(*) AS intervals, CAST(total(weight_ns) AS INTEGER) AS weight_ns,
	max(duration_ns) AS longest_ns, CASE WHEN count(DISTINCT waker_tgid) = 1 THEN max(waker_tgid) END AS waker_tgid, max(weight_ns > duration_ns) AS sampled,
	idle, kernel_thread
FROM slow_waits WHERE reason <> 'preempted' GROUP BY capture_id, woken_by, process, name, reason, wait_kind, idle, kernel_thread;
