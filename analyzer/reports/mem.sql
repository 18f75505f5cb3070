-- Memory: page faults, how large processes are, tasks that had to free memory, and OOM kills.

-- How large processes were when somebody looked, and how many page faults they had had by then. A process keeps its numbers when it runs another program
-- (leader_start_ns); began: it began within the recording.
CREATE VIEW rss_samples AS
WITH births AS (
	SELECT capture_id, tgid, leader_start_ns, count(begin_ns) = count(*) AS began FROM process GROUP BY capture_id, tgid, leader_start_ns)
SELECT r.capture_id, (r.time_ns - c.start_ns) / 1e9 AS at_s, r.time_ns, COALESCE(p.comm, t.comm, '[unknown]') AS process, t.tgid, p.leader_start_ns,
	t.comm, t.process_id, r.anon_bytes, r.file_bytes, r.shmem_bytes, r.swap_bytes, r.anon_bytes + r.file_bytes + r.shmem_bytes AS rss_bytes, r.peak_bytes,
	r.minor_count, r.major_count, r.flags & 1 <> 0 AS ended, r.flags & 2 = 0 AS has_size, COALESCE(b.began, 0) AS began
FROM rss r JOIN capture c ON c.id = r.capture_id LEFT JOIN task t ON t.id = r.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN births b ON b.capture_id = r.capture_id AND b.tgid = t.tgid AND b.leader_start_ns = p.leader_start_ns;

-- One row per process: page faults within the recording, exact; sizes when it was last seen, and how much it grew from when it was first seen on, or, if it
-- began within the recording, from nothing. grown_bytes is NULL of processes that ended.
CREATE VIEW mem_processes AS
WITH seen AS (
	SELECT *, row_number() OVER (PARTITION BY capture_id, tgid, leader_start_ns ORDER BY time_ns) AS from_first,
		row_number() OVER (PARTITION BY capture_id, tgid, leader_start_ns ORDER BY time_ns DESC) AS from_last
	FROM rss_samples)
SELECT capture_id, max(CASE from_last WHEN 1 THEN process END) AS process, tgid, leader_start_ns,
	max(minor_count) - CASE WHEN max(began) THEN 0 ELSE min(minor_count) END AS minor_count,
	max(major_count) - CASE WHEN max(began) THEN 0 ELSE min(major_count) END AS major_count,
	max(CASE WHEN from_last = 1 AND NOT ended THEN rss_bytes END) AS rss_bytes,
	max(CASE WHEN from_last = 1 AND NOT ended THEN swap_bytes END) AS swap_bytes,
	max(CASE WHEN from_last = 1 AND NOT ended THEN rss_bytes END) - CASE WHEN max(began) THEN 0 ELSE max(CASE from_first WHEN 1 THEN rss_bytes END) END
		AS grown_bytes,
	max(peak_bytes) AS peak_bytes, max(began) AS began, max(ended) AS ended
FROM seen GROUP BY capture_id, tgid, leader_start_ns;

-- The same by process name. Sizes are sums of those that are still there; peak_bytes is the largest of one.
CREATE VIEW mem_by_process AS
SELECT capture_id, process, count(*) AS processes, CASE WHEN count(*) = 1 THEN max(tgid) END AS tgid,
	CAST(total(minor_count) + total(major_count) AS INTEGER) AS faults, CAST(total(major_count) AS INTEGER) AS major_faults,
	CASE WHEN count(rss_bytes) > 0 THEN CAST(total(rss_bytes) AS INTEGER) END AS rss_bytes, CASE WHEN count(grown_bytes) > 0 THEN CAST(total(grown_bytes) AS INTEGER) END AS grown_bytes, max(peak_bytes) AS peak_bytes,
	CASE WHEN count(swap_bytes) > 0 THEN CAST(total(swap_bytes) AS INTEGER) END AS swap_bytes
FROM mem_processes GROUP BY capture_id, process;

-- Page faults of the whole host, exact.
CREATE VIEW fault_totals AS
SELECT capture_id, CAST(total(minor_count) AS INTEGER) AS minor_faults, CAST(total(major_count) AS INTEGER) AS major_faults
FROM fault_total GROUP BY capture_id;

-- Sampled page faults: each stands for so many of its kind.
CREATE VIEW fault_samples AS
SELECT f.capture_id, (f.time_ns - c.start_ns) / 1e9 AS at_s, f.time_ns, COALESCE(p.comm, t.comm, '[unknown]') AS process, t.comm, t.tgid, t.tid,
	f.flags & 32 <> 0 AS major, f.flags & 16 <> 0 AS in_kernel, f.address, f.period, f.cpu, f.stack_id, t.process_id, f.task_id
FROM fault f JOIN capture c ON c.id = f.capture_id LEFT JOIN task t ON t.id = f.task_id LEFT JOIN process p ON p.id = t.process_id;

-- Page faults by stack, estimated from those that were sampled.
CREATE VIEW fault_stacks AS
SELECT capture_id, process, tgid, process_id, stack_id, count(*) AS samples, CAST(total(period) AS INTEGER) AS faults,
	CAST(total(CASE WHEN major THEN period END) AS INTEGER) AS major_faults
FROM fault_samples GROUP BY capture_id, process_id, stack_id;

-- Tasks that had to free memory before they got any. stall: direct (the host had too little), cgroup (its cgroup was at its limit).
CREATE VIEW mem_stalls AS
SELECT s.capture_id, (s.time_ns - c.start_ns) / 1e9 AS at_s, s.time_ns, COALESCE(p.comm, t.comm, '[unknown]') AS process, t.comm, t.tgid, t.tid,
	COALESCE(n.name, 'stall_' || s.stall) AS stall, s.duration_ns, s.reclaimed_count * c.page_bytes AS reclaimed_bytes, s.page_order, s.stack_id, t.process_id
FROM mem_stall s JOIN capture c ON c.id = s.capture_id LEFT JOIN task t ON t.id = s.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'stall' AND n.value = s.stall;

CREATE VIEW mem_stalls_by_process AS
SELECT capture_id, process, stall, count(*) AS stalls, CAST(total(duration_ns) AS INTEGER) AS total_ns, max(duration_ns) AS longest_ns,
	CAST(total(reclaimed_bytes) AS INTEGER) AS reclaimed_bytes
FROM mem_stalls GROUP BY capture_id, process, stall;

CREATE VIEW oom_kills AS
SELECT o.capture_id, (o.time_ns - c.start_ns) / 1e9 AS at_s, o.time_ns, COALESCE(p.comm, t.comm, '[unknown]') AS process, t.tgid,
	o.anon_bytes + o.file_bytes + o.shmem_bytes AS rss_bytes, o.anon_bytes, o.file_bytes, o.shmem_bytes, o.swap_bytes, o.score_adj,
	w.comm AS wanted_by, w.tgid AS wanted_by_tgid, t.process_id
FROM oom_kill o JOIN capture c ON c.id = o.capture_id LEFT JOIN task t ON t.id = o.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN task w ON w.id = o.trigger_task_id AND o.trigger_task_id <> 0;
