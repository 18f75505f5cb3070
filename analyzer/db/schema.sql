-- The tables of the database that `kymo import` writes, but for those of row types (syscall, cpu_sample, mapping, ...): their CREATE TABLE text is
-- made from formats/table/events.def at run time. Views stand beside the report that they are of, in analyzer/reports/*.sql. SCHEMA.md explains all.
-- Every view is plain SQL: it works in the sqlite3 shell. Sums of numbers that a capture may hold are made by total(), since sum() fails where they
-- pass 2^63. All times are ns of CLOCK_MONOTONIC of the recorded host, unless the name says otherwise.

PRAGMA application_id = 1266249071; -- 'Kymo'
PRAGMA user_version = 5;

-- ---------------------------------------------------------------- captures

CREATE TABLE capture (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL,
	session_uuid TEXT NOT NULL,
	file_uuid TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	file_index INTEGER NOT NULL,
	format_version TEXT NOT NULL,
	file_bytes INTEGER NOT NULL,
	host TEXT,
	kernel TEXT,
	tool_version TEXT,
	machine INTEGER NOT NULL,
	cpu_count INTEGER NOT NULL,
	page_bytes INTEGER NOT NULL,
	start_realtime_ns INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	end_ns INTEGER NOT NULL,
	duration_ns INTEGER NOT NULL,
	complete INTEGER NOT NULL,
	end_reason TEXT NOT NULL,
	events_stored INTEGER NOT NULL,
	events_dropped INTEGER NOT NULL,
	events_damaged INTEGER NOT NULL,
	events_counted INTEGER NOT NULL,
	blocks_read INTEGER NOT NULL,
	blocks_damaged INTEGER NOT NULL,
	blocks_lost INTEGER NOT NULL,
	blocks_unknown INTEGER NOT NULL,
	bytes_skipped INTEGER NOT NULL,
	columns_rejected INTEGER NOT NULL,
	rows_unknown_type INTEGER NOT NULL,
	blocks_schema_unknown INTEGER NOT NULL
);

CREATE TABLE event_count (
	capture_id INTEGER NOT NULL,
	type TEXT NOT NULL,
	row_count INTEGER NOT NULL
);

CREATE TABLE enum_name (
	capture_id INTEGER NOT NULL,
	kind TEXT NOT NULL,
	value INTEGER NOT NULL,
	name TEXT NOT NULL,
	PRIMARY KEY (capture_id, kind, value)
) WITHOUT ROWID;

CREATE TABLE errno_name (
	error INTEGER PRIMARY KEY,
	name TEXT NOT NULL
);

-- ---------------------------------------------------------------- who and where

CREATE TABLE process (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	tgid INTEGER NOT NULL,
	leader_start_ns INTEGER NOT NULL,
	exec_id INTEGER NOT NULL,
	comm TEXT NOT NULL,
	exe TEXT,
	cgroup TEXT,
	parent_tgid INTEGER,
	kernel_thread INTEGER NOT NULL,
	begin_ns INTEGER,
	end_ns INTEGER
);

CREATE TABLE task (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	tgid INTEGER NOT NULL,
	tid INTEGER NOT NULL,
	comm TEXT NOT NULL
);

CREATE TABLE module (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	space TEXT NOT NULL,
	name TEXT NOT NULL,
	path TEXT,
	build_id TEXT,
	presumed INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	dev_major INTEGER,
	dev_minor INTEGER,
	inode INTEGER,
	file_bytes INTEGER,
	file_mtime_ns INTEGER,
	seen_ns INTEGER,
	text_offset_bytes INTEGER
);

CREATE TABLE frame (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	space TEXT NOT NULL,
	module_id INTEGER,
	offset_bytes INTEGER,
	symbol TEXT,
	symbol_offset_bytes INTEGER,
	name TEXT NOT NULL
);

CREATE TABLE stack (
	id INTEGER PRIMARY KEY,
	capture_id INTEGER NOT NULL,
	parent_id INTEGER NOT NULL,
	frame_id INTEGER NOT NULL,
	depth INTEGER NOT NULL,
	root_id INTEGER NOT NULL,
	stack_how TEXT,
	stack_end TEXT
);

-- ---------------------------------------------------------------- summaries of system calls, filled by an exact aggregate in C

CREATE TABLE syscall_summary (
	capture_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	calls INTEGER NOT NULL,
	finished INTEGER NOT NULL,
	unfinished INTEGER NOT NULL,
	errors INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	min_ns INTEGER,
	p50_ns INTEGER,
	p90_ns INTEGER,
	p99_ns INTEGER,
	p999_ns INTEGER,
	max_ns INTEGER,
	counted INTEGER NOT NULL,
	estimated INTEGER NOT NULL
);

CREATE TABLE syscall_process_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	calls INTEGER NOT NULL,
	finished INTEGER NOT NULL,
	unfinished INTEGER NOT NULL,
	errors INTEGER NOT NULL,
	total_ns INTEGER NOT NULL,
	min_ns INTEGER,
	p50_ns INTEGER,
	p90_ns INTEGER,
	p99_ns INTEGER,
	p999_ns INTEGER,
	max_ns INTEGER,
	counted INTEGER NOT NULL,
	estimated INTEGER NOT NULL
);

CREATE TABLE syscall_error_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	error INTEGER NOT NULL,
	calls INTEGER NOT NULL
);

CREATE TABLE syscall_histogram_summary (
	capture_id INTEGER NOT NULL,
	process_id INTEGER NOT NULL,
	sysno INTEGER NOT NULL,
	compat INTEGER NOT NULL,
	bucket INTEGER NOT NULL,
	calls INTEGER NOT NULL
);

-- ---------------------------------------------------------------- names

-- How the search for a module's symbols ended. One row per user module that frames lie in; written when names are looked up.
CREATE TABLE module_symbols (
	module_id INTEGER PRIMARY KEY,
	state TEXT NOT NULL,
	verified INTEGER NOT NULL,
	advice TEXT NOT NULL
);

-- What tells how a module's functions are unwound, for modules that stacks were unwound through.
CREATE TABLE module_unwinding (
	module_id INTEGER PRIMARY KEY,
	state TEXT NOT NULL
);
