-- Disk I/O: requests that disks finished, how long these took, and who issued them.

-- Names of disks, by their numbers: counted requests have only those.
CREATE VIEW block_disks AS
SELECT capture_id, dev_major, dev_minor, max(disk) AS disk FROM block_io WHERE disk IS NOT NULL GROUP BY capture_id, dev_major, dev_minor;

-- Every request once: a row of block_io is one (ios = 1), or a part of one whose last part has a row of its own (ios = 0); a row of block_count is many
-- of one process, disk and operation. latency_ns is from being queued to being done; of counted ones the mean, of at most a power of two. bytes: of all of
-- them. time_ns and last_ns: when the first and the last of them can have been queued (counted: have been done). process: who issued it; [unknown] where
-- the kernel does not tell, such as of a flush that it made itself.
-- A number in hexadecimal tells its log2 without a function that not every SQLite has: four per digit, and the first one's.
CREATE VIEW block_parts AS
WITH parts AS (
	SELECT capture_id, time_ns, time_ns AS last_ns, task_id, dev_major, dev_minor, disk, op, (flags & 32) = 0 AS ios, bytes,
		queue_ns + service_ns AS latency_ns, queue_ns, service_ns, sector, flags, error, 0 AS counted
	FROM block_io
	UNION ALL
	SELECT capture_id, from_ns, time_ns - 1, task_id, dev_major, dev_minor, NULL, op, io_count, total_bytes,
		total_ns / io_count, queue_total_ns / io_count, (total_ns - queue_total_ns) / io_count, NULL, 0, 0, 1
	FROM block_count WHERE io_count > 0),
sized AS (SELECT *, printf('%x', latency_ns) AS hex FROM parts)
SELECT o.capture_id, o.time_ns, o.last_ns, o.task_id, t.process_id, t.tgid, t.tid, t.comm, COALESCE(p.comm, t.comm, '[unknown]') AS process,
	COALESCE(o.disk, d.disk, o.dev_major || ':' || o.dev_minor) AS disk, o.dev_major, o.dev_minor, COALESCE(n.name, 'op_' || o.op) AS op,
	o.ios, o.bytes, o.latency_ns, o.queue_ns, o.service_ns, o.sector, o.flags, o.error, o.counted,
	4 * (length(o.hex) - 1) + (substr(o.hex, 1, 1) >= '2') + (substr(o.hex, 1, 1) >= '4') + (substr(o.hex, 1, 1) >= '8') AS bucket
FROM sized o LEFT JOIN task t ON t.id = o.task_id LEFT JOIN process p ON p.id = t.process_id
	LEFT JOIN block_disks d ON d.capture_id = o.capture_id AND d.dev_major = o.dev_major AND d.dev_minor = o.dev_minor AND o.disk IS NULL
	LEFT JOIN enum_name n ON n.capture_id = o.capture_id AND n.kind = 'block_op' AND n.value = o.op;

-- By disk and operation. Percentiles are by nearest rank; estimated: some of the requests were counted, and have the mean of theirs.
CREATE VIEW block_by_disk AS
WITH ranked AS (
	SELECT *, total(ios) OVER (PARTITION BY capture_id, disk, op ORDER BY latency_ns, time_ns ROWS UNBOUNDED PRECEDING) AS upto,
		total(ios) OVER (PARTITION BY capture_id, disk, op) AS all_ios
	FROM block_parts)
SELECT capture_id, disk, op, CAST(total(ios) AS INTEGER) AS ios, CAST(total(bytes) AS INTEGER) AS total_bytes,
	min(CASE WHEN ios > 0 AND 2 * upto >= all_ios THEN latency_ns END) AS p50_ns,
	min(CASE WHEN ios > 0 AND 100 * upto >= 99 * all_ios THEN latency_ns END) AS p99_ns, max(latency_ns) AS max_ns,
	CAST(total(queue_ns * ios) / NULLIF(total(ios), 0) AS INTEGER) AS mean_queue_ns, sum(error <> 0) AS failed, max(counted) AS estimated
FROM ranked GROUP BY capture_id, disk, op;

-- The same by process name.
CREATE VIEW block_by_process AS
WITH ranked AS (
	SELECT *, total(ios) OVER (PARTITION BY capture_id, process, disk, op ORDER BY latency_ns, time_ns ROWS UNBOUNDED PRECEDING) AS upto,
		total(ios) OVER (PARTITION BY capture_id, process, disk, op) AS all_ios
	FROM block_parts)
SELECT capture_id, process, CASE WHEN count(DISTINCT tgid) = 1 THEN max(tgid) END AS tgid, disk, op, CAST(total(ios) AS INTEGER) AS ios,
	CAST(total(bytes) AS INTEGER) AS total_bytes, min(CASE WHEN ios > 0 AND 2 * upto >= all_ios THEN latency_ns END) AS p50_ns,
	min(CASE WHEN ios > 0 AND 100 * upto >= 99 * all_ios THEN latency_ns END) AS p99_ns, max(latency_ns) AS max_ns,
	CAST(total(queue_ns * ios) / NULLIF(total(ios), 0) AS INTEGER) AS mean_queue_ns, sum(error <> 0) AS failed, max(counted) AS estimated
FROM ranked GROUP BY capture_id, process, disk, op;

-- Latencies in powers of two, by disk and operation: low_ns = 2^b .. high_ns = 2^(b+1) - 1; the first one also holds 0.
CREATE VIEW block_histogram AS
SELECT capture_id, disk, op, CASE bucket WHEN 0 THEN 0 ELSE 1 << bucket END AS low_ns,
	CASE WHEN bucket >= 62 THEN 9223372036854775807 ELSE (2 << bucket) - 1 END AS high_ns, CAST(total(ios) AS INTEGER) AS ios
FROM block_parts WHERE ios > 0 GROUP BY capture_id, disk, op, bucket;

-- Sizes of requests that are known singly, exact, by process and operation.
CREATE VIEW block_sizes AS
SELECT capture_id, process, op, bytes, count(*) AS ios FROM block_parts WHERE ios > 0 AND NOT counted GROUP BY capture_id, process, op, bytes;

-- Requests that are known singly. error: the name of the errno that whoever waits for it sees.
CREATE VIEW block_requests AS
SELECT v.capture_id, (v.time_ns - c.start_ns) / 1e9 AS at_s, v.time_ns, v.process, v.comm, v.tgid, v.tid, v.disk, v.op,
	rtrim(CASE WHEN v.flags & 1 THEN 'sync ' ELSE '' END || CASE WHEN v.flags & 2 THEN 'meta ' ELSE '' END || CASE WHEN v.flags & 4 THEN 'fua ' ELSE '' END
		|| CASE WHEN v.flags & 8 THEN 'preflush ' ELSE '' END || CASE WHEN v.flags & 16 THEN 'ahead ' ELSE '' END
		|| CASE WHEN v.flags & 32 THEN 'partial ' ELSE '' END) AS flags,
	v.sector, v.bytes, v.queue_ns, v.service_ns, v.latency_ns, v.error, CASE WHEN v.error THEN COALESCE(e.name, 'E' || v.error) END AS error_name,
	v.process_id
FROM block_parts v JOIN capture c ON c.id = v.capture_id LEFT JOIN errno_name e ON e.error = v.error WHERE NOT v.counted;

-- The first answer about disks.
CREATE VIEW block_totals AS
SELECT v.capture_id, CAST(total(v.ios) AS INTEGER) AS ios, CAST(total(CASE v.op WHEN 'read' THEN v.bytes END) AS INTEGER) AS read_bytes,
	CAST(total(CASE v.op WHEN 'write' THEN v.bytes END) AS INTEGER) AS written_bytes, max(v.latency_ns) AS max_ns, CAST(total(v.error <> 0) AS INTEGER) AS failed,
	CAST(total(CASE WHEN v.tgid IS NULL THEN v.ios END) AS INTEGER) AS unknown_ios, CAST(total(CASE WHEN v.counted THEN v.ios END) AS INTEGER) AS counted_ios
FROM block_parts v GROUP BY v.capture_id;
