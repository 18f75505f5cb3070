-- Open files: what calls and waits were about.

-- One row per file of a recording. name: as strace -yy and lsof would have it; short: the part that tells most, for narrow cells.
CREATE VIEW file_names AS
SELECT o.capture_id, o.file_id, COALESCE(k.name, 'kind_' || o.kind) AS kind,
	CASE WHEN k.name IN ('tcp', 'udp') THEN k.name || COALESCE(' ' || o.local_address, '') || COALESCE('->' || o.remote_address, '')
			|| CASE WHEN o.flags & 8 THEN ' (listening)' ELSE '' END
		WHEN k.name = 'unix' THEN 'unix:' || COALESCE(o.path, '[' || o.inode || ']')
		WHEN k.name IN ('pipe', 'socket') THEN COALESCE(o.path, k.name || ':[' || o.inode || ']')
		WHEN k.name = 'anon' THEN 'anon_inode:' || COALESCE(o.path, '[]')
		ELSE CASE WHEN o.flags & 2 THEN '..' ELSE '' END || COALESCE(o.path, '[' || o.inode || ']') || CASE WHEN o.flags & 4 THEN ' (deleted)' ELSE '' END END AS name,
	CASE WHEN k.name IN ('tcp', 'udp') THEN CASE WHEN o.flags & 8 THEN ':' ELSE '' END || COALESCE(o.remote_address, o.local_address, k.name)
		WHEN k.name IN ('pipe', 'socket', 'unix') THEN COALESCE(o.path, k.name)
		WHEN k.name = 'anon' THEN NULL ELSE o.path END AS short,
	o.path, o.local_address, o.remote_address, o.dev_major, o.dev_minor, o.inode, o.flags & 1 <> 0 AS seen_before, o.flags & 2 <> 0 AS cut,
	o.flags & 4 <> 0 AS deleted, o.flags & 8 <> 0 AS listens, o.seen_ns
FROM (SELECT *, min(time_ns) AS seen_ns FROM open_file WHERE file_id <> 0 GROUP BY capture_id, file_id) o
	LEFT JOIN enum_name k ON k.capture_id = o.capture_id AND k.kind = 'file_kind' AND k.value = o.kind;

-- What was done with each file, by process: of calls that are stored one by one. does: read, write, sync, open, stat or other, as file_calls says.
CREATE VIEW file_use AS
SELECT s.capture_id, s.file_id, t.process_id, COALESCE(k.does, 'other') AS does, count(*) AS calls, sum(s.error <> 0) AS errors,
	CAST(total(CASE WHEN k.does IN ('read', 'write') AND s.error = 0 THEN max(s.ret, 0) END) AS INTEGER) AS bytes,
	CAST(total(s.duration_ns) AS INTEGER) AS total_ns, max(s.duration_ns) AS longest_ns
FROM syscall s LEFT JOIN task t ON t.id = s.task_id
	LEFT JOIN enum_name n ON n.capture_id = s.capture_id AND n.kind = 'sysno' AND n.value = s.sysno LEFT JOIN file_calls k ON k.name = n.name
WHERE s.file_id <> 0 GROUP BY s.capture_id, s.file_id, t.process_id, does;

-- Calls that failed, with the path as they were passed it.
CREATE VIEW failed_paths AS
SELECT e.capture_id, (e.time_ns - c.start_ns) / 1e9 AS at_s, e.path, COALESCE(r.name, 'E' || e.error) AS error_name, e.error,
	COALESCE(n.name, 'syscall_' || e.sysno) AS name, t.comm, t.tgid, t.tid, t.process_id, e.time_ns
FROM path_error e JOIN capture c ON c.id = e.capture_id LEFT JOIN task t ON t.id = e.task_id LEFT JOIN errno_name r ON r.error = e.error
	LEFT JOIN enum_name n ON n.capture_id = e.capture_id AND n.kind = 'sysno' AND n.value = e.sysno;
