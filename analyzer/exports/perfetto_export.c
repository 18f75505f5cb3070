/*
 * Perfetto's trace packets (the numbers below are those of its protos/). What lasts is a slice of
 * its thread, a stack is a stack_sample packet. The reader sorts by time, so rows are written as
 * they are stored; each kind of stacks is a sequence of packets of its own, whose first one says
 * what its weights are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/exports/export_formats.h"
#include "analyzer/exports/slices.h"
#include "analyzer/output/proto_writer.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"

enum trace_field { TRACE_PACKET = 1 };
enum packet_field {
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR = 60,
	PACKET_STACK_SAMPLE = 135,
};
enum sequence_flag { SEQUENCE_CLEARED = 1, SEQUENCE_NEEDS_STATE = 2 };
enum snapshot_field { SNAPSHOT_CLOCKS = 1, SNAPSHOT_PRIMARY = 2 };
enum clock_field { CLOCK_ID = 1, CLOCK_TIMESTAMP = 2 };
enum clock { REALTIME = 1, MONOTONIC = 3, BOOTTIME = 6 };
enum defaults_field { DEFAULTS_CLOCK_ID = 58, DEFAULTS_STACK_SAMPLE = 100 };
enum sample_defaults_field { SAMPLES_SOURCE = 1, SAMPLES_DESCRIPTOR = 2 };
enum descriptor_field { COUNTER_NAME = 2, COUNTER_UNIT = 3 };
enum counter_unit { UNIT_NANOSECONDS = 1, UNIT_CPU_CYCLES = 2, UNIT_BYTES = 4, UNIT_COUNT = 9 };
enum track_field {
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_THREAD = 4,
	TRACK_PARENT_UUID = 5,
};
enum process_field { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum thread_field { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum event_field {
	EVENT_ANNOTATION = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_IID = 10,
	EVENT_TRACK_UUID = 11,
	EVENT_NAME = 23,
};
enum event_type { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };
enum annotation_field { ANNOTATION_NAME_IID = 1, ANNOTATION_INT = 4 };
enum interned_field {
	INTERNED_EVENT_NAMES = 2,
	INTERNED_ANNOTATION_NAMES = 3,
	INTERNED_FUNCTION_NAMES = 5,
	INTERNED_FRAMES = 6,
	INTERNED_BUILD_IDS = 16,
	INTERNED_MAPPING_PATHS = 17,
	INTERNED_MAPPINGS = 19,
};
enum interned_name_field { NAME_IID = 1, NAME_TEXT = 2 };
enum frame_field { FRAME_IID = 1, FRAME_FUNCTION = 2, FRAME_MAPPING = 3, FRAME_PC = 4 };
enum mapping_field { MAPPING_IID = 1, MAPPING_BUILD_ID = 2, MAPPING_PATH = 7 };
enum sample_field {
	SAMPLE_TASK = 1,
	SAMPLE_EXECUTION = 3,
	SAMPLE_CALLSTACK = 5,
	SAMPLE_WEIGHT = 11,
};
enum task_field { TASK_PID = 2, TASK_TID = 3 };
enum execution_field { EXECUTION_CPU = 2 };
enum callstack_field { CALLSTACK_FRAMES = 2 };

#define SLICES_SEQUENCE 1 /* stacks have those after it */

struct slice_row { /* of slices.def */
	const char *name, *table, *track, *key_sql, *name_sql, *open_sql, *detail, *detail_sql;
};

static const struct slice_row slice_rows[] = {
#define SLICE(name, class, table, ...) {#name, #table, __VA_ARGS__},
#include "analyzer/exports/slices.def"
#undef SLICE
};
#define SLICE_ROWS (sizeof(slice_rows) / sizeof(slice_rows[0]))

unsigned kymo_export_slice_classes(void)
{
	return 0
#define SLICE(name, class, ...) | 1u << CLASS_##class
#include "analyzer/exports/slices.def"
#undef SLICE
		;
}

struct perfetto {
	const struct kymo_export *export;
	struct kymo_proto proto;
	FILE *out;
	struct cap_word_map tracks; /* (tgid, tid and kind) -> uuid */
	struct cap_word_map names;  /* (row of slices.def, key) -> iid */
	u64 *thread_uuids;	    /* of tasks; 0: not asked yet */
	u64 next_uuid, next_name;
	bool failed; /* no memory */
};

static void perfetto_done(struct perfetto *perfetto)
{
	kymo_proto_done(&perfetto->proto);
	cap_word_map_done(&perfetto->tracks);
	cap_word_map_done(&perfetto->names);
	free(perfetto->thread_uuids);
}

static void begin_packet(struct perfetto *perfetto, u64 sequence)
{
	kymo_proto_begin(&perfetto->proto, TRACE_PACKET);
	kymo_proto_uint(&perfetto->proto, PACKET_SEQUENCE_ID, sequence);
}

/* Errors of memory are found at the end: proto.failed. */
static void end_packet(struct perfetto *perfetto)
{
	kymo_proto_end(&perfetto->proto);
	(void)kymo_proto_flush(&perfetto->proto, perfetto->out);
}

/* -------- clocks -------- */

static void put_clock(struct perfetto *perfetto, enum clock id, s64 ns)
{
	kymo_proto_begin(&perfetto->proto, SNAPSHOT_CLOCKS);
	kymo_proto_uint(&perfetto->proto, CLOCK_ID, id);
	kymo_proto_uint(&perfetto->proto, CLOCK_TIMESTAMP, (u64)ns);
	kymo_proto_end(&perfetto->proto);
}

static int put_clocks(struct perfetto *perfetto, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(perfetto->export->db),
				"SELECT time_ns, realtime_ns, boottime_ns FROM clock WHERE"
				" time_ns > 0 AND (:capture = 0 OR capture_id = :capture)"
				" ORDER BY time_ns",
				&query, err);

	if (rc == 0)
		rc = kymo_filter_bind(perfetto->export->filter, query);
	while (rc == 0 && (rc = kymo_query_step(query, err)) == 1) {
		rc = 0;
		begin_packet(perfetto, SLICES_SEQUENCE);
		kymo_proto_begin(&perfetto->proto, PACKET_CLOCK_SNAPSHOT);
		put_clock(perfetto, MONOTONIC, kymo_query_int(query, 0));
		if (kymo_query_int(query, 1) > 0)
			put_clock(perfetto, REALTIME, kymo_query_int(query, 1));
		if (kymo_query_int(query, 2) > 0)
			put_clock(perfetto, BOOTTIME, kymo_query_int(query, 2));
		kymo_proto_uint(&perfetto->proto, SNAPSHOT_PRIMARY, MONOTONIC);
		kymo_proto_end(&perfetto->proto);
		end_packet(perfetto);
	}
	return rc;
}

/* -------- tracks -------- */

enum track_kind { TRACK_OF_PROCESS = 0, TRACK_OF_THREAD = 1, TRACK_OF_SLICES = 2 };

/* The track's uuid; *ret_new: its descriptor is still to be written. */
static u64 track_of(struct perfetto *perfetto, u32 tgid, u32 tid, unsigned kind, bool *ret_new)
{
	struct cap_word_slot *slot =
		cap_word_map_make(&perfetto->tracks, (u64)tgid << 32 | tid, kind);

	*ret_new = slot && slot->value == 0;
	if (!slot) {
		perfetto->failed = true;
		return 1;
	}
	if (*ret_new)
		slot->value = ++perfetto->next_uuid;
	return slot->value;
}

static void begin_track(struct perfetto *perfetto, u64 uuid, u64 parent)
{
	begin_packet(perfetto, SLICES_SEQUENCE);
	kymo_proto_begin(&perfetto->proto, PACKET_TRACK_DESCRIPTOR);
	kymo_proto_uint(&perfetto->proto, TRACK_UUID, uuid);
	if (parent)
		kymo_proto_uint(&perfetto->proto, TRACK_PARENT_UUID, parent);
}

static void end_track(struct perfetto *perfetto)
{
	kymo_proto_end(&perfetto->proto);
	end_packet(perfetto);
}

static u64 process_track(struct perfetto *perfetto, const struct kymo_book_task *task)
{
	bool is_new;
	u64 uuid = track_of(perfetto, task->tgid, 0, TRACK_OF_PROCESS, &is_new);

	if (!is_new)
		return uuid;
	begin_track(perfetto, uuid, 0);
	kymo_proto_begin(&perfetto->proto, TRACK_PROCESS);
	kymo_proto_uint(&perfetto->proto, PROCESS_PID, task->tgid);
	kymo_proto_name(&perfetto->proto, PROCESS_NAME, task->process, strlen(task->process));
	kymo_proto_end(&perfetto->proto);
	end_track(perfetto);
	return uuid;
}

static u64 thread_track(struct perfetto *perfetto, u32 number)
{
	const struct kymo_book_task *task;
	u64 parent, uuid;
	bool is_new;

	if (perfetto->thread_uuids[number])
		return perfetto->thread_uuids[number];
	task = kymo_book_task(perfetto->export->book, number);
	parent = process_track(perfetto, task);
	uuid = track_of(perfetto, task->tgid, task->tid, TRACK_OF_THREAD, &is_new);
	perfetto->thread_uuids[number] = uuid;
	if (!is_new)
		return uuid;
	begin_track(perfetto, uuid, parent);
	kymo_proto_begin(&perfetto->proto, TRACK_THREAD);
	kymo_proto_uint(&perfetto->proto, THREAD_PID, task->tgid);
	kymo_proto_uint(&perfetto->proto, THREAD_TID, task->tid);
	kymo_proto_name(&perfetto->proto, THREAD_NAME, task->comm, strlen(task->comm));
	kymo_proto_end(&perfetto->proto);
	end_track(perfetto);
	return uuid;
}

static u64 slice_track(struct perfetto *perfetto, unsigned row, u32 number)
{
	const struct kymo_book_task *task = kymo_book_task(perfetto->export->book, number);
	u64 thread = thread_track(perfetto, number), uuid;
	bool is_new;

	if (!slice_rows[row].track[0])
		return thread;
	uuid = track_of(perfetto, task->tgid, task->tid, TRACK_OF_SLICES + row, &is_new);
	if (!is_new)
		return uuid;
	begin_track(perfetto, uuid, thread);
	kymo_proto_string(&perfetto->proto, TRACK_NAME, slice_rows[row].track);
	end_track(perfetto);
	return uuid;
}

/* -------- slices -------- */

/* Notes stand at the begin of the time line, on a track of their own. */
static void put_notes(struct perfetto *perfetto)
{
	const struct kymo_export_facts *facts = perfetto->export->facts;
	u64 uuid = ++perfetto->next_uuid;

	begin_track(perfetto, uuid, 0);
	kymo_proto_string(&perfetto->proto, TRACK_NAME, "kymo: about this capture");
	end_track(perfetto);
	for (size_t i = 0; i < facts->line_count; i++) {
		begin_packet(perfetto, SLICES_SEQUENCE);
		kymo_proto_uint(&perfetto->proto, PACKET_TIMESTAMP, (u64)facts->start_ns);
		kymo_proto_uint(&perfetto->proto, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
		kymo_proto_begin(&perfetto->proto, PACKET_TRACK_EVENT);
		kymo_proto_uint(&perfetto->proto, EVENT_TYPE, INSTANT);
		kymo_proto_uint(&perfetto->proto, EVENT_TRACK_UUID, uuid);
		kymo_proto_string(&perfetto->proto, EVENT_NAME, facts->lines[i]);
		kymo_proto_end(&perfetto->proto);
		end_packet(perfetto);
	}
}

static void put_interned_name(struct perfetto *perfetto, unsigned field, u64 iid, const char *text,
			      size_t len)
{
	kymo_proto_begin(&perfetto->proto, field);
	kymo_proto_uint(&perfetto->proto, NAME_IID, iid);
	kymo_proto_name(&perfetto->proto, NAME_TEXT, text, len);
	kymo_proto_end(&perfetto->proto);
}

/* What holds for all packets of a sequence that come after. */
static void begin_sequence(struct perfetto *perfetto, u64 sequence)
{
	begin_packet(perfetto, sequence);
	kymo_proto_uint(&perfetto->proto, PACKET_SEQUENCE_FLAGS, SEQUENCE_CLEARED);
	kymo_proto_begin(&perfetto->proto, PACKET_DEFAULTS);
	kymo_proto_uint(&perfetto->proto, DEFAULTS_CLOCK_ID, MONOTONIC);
}

static void put_slice_defaults(struct perfetto *perfetto)
{
	begin_sequence(perfetto, SLICES_SEQUENCE);
	kymo_proto_end(&perfetto->proto);
	kymo_proto_begin(&perfetto->proto, PACKET_INTERNED_DATA);
	for (unsigned i = 0; i < SLICE_ROWS; i++)
		put_interned_name(perfetto, INTERNED_ANNOTATION_NAMES, i + 1, slice_rows[i].detail,
				  strlen(slice_rows[i].detail));
	kymo_proto_end(&perfetto->proto);
	end_packet(perfetto);
}

/* The iid of a slice's name, which is asked for once and written in a packet before its use. */
static int name_of(struct perfetto *perfetto, unsigned row, struct kymo_query *names, s64 key,
		   u64 *ret_iid, struct cap_err *err)
{
	struct cap_word_slot *slot = cap_word_map_make(&perfetto->names, row, (u64)key);
	const char *text;
	size_t len = 0;
	int rc;

	if (!slot)
		return cap_fail(err, -ENOMEM, "out of memory for names");
	*ret_iid = slot->value;
	if (slot->value != 0)
		return 0;
	*ret_iid = slot->value = ++perfetto->next_name;
	rc = kymo_query_bind_int(names, ":key", key);
	if (rc == 0)
		rc = kymo_query_step(names, err);
	if (rc < 0)
		return rc;
	text = rc == 1 ? kymo_query_text(names, 0, &len) : NULL;
	begin_packet(perfetto, SLICES_SEQUENCE);
	kymo_proto_uint(&perfetto->proto, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
	kymo_proto_begin(&perfetto->proto, PACKET_INTERNED_DATA);
	put_interned_name(perfetto, INTERNED_EVENT_NAMES, *ret_iid, text ? text : "", len);
	kymo_proto_end(&perfetto->proto);
	end_packet(perfetto);
	kymo_query_reset(names);
	return 0;
}

enum { TASK, TIME, DURATION, KEY, OPEN, DETAIL };

static void begin_event(struct perfetto *perfetto, u64 time_ns, enum event_type type, u64 track)
{
	begin_packet(perfetto, SLICES_SEQUENCE);
	kymo_proto_uint(&perfetto->proto, PACKET_TIMESTAMP, time_ns);
	kymo_proto_uint(&perfetto->proto, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
	kymo_proto_begin(&perfetto->proto, PACKET_TRACK_EVENT);
	kymo_proto_uint(&perfetto->proto, EVENT_TYPE, type);
	kymo_proto_uint(&perfetto->proto, EVENT_TRACK_UUID, track);
}

static void end_event(struct perfetto *perfetto)
{
	kymo_proto_end(&perfetto->proto);
	end_packet(perfetto);
}

static int put_slice(struct perfetto *perfetto, unsigned row, u32 task, struct kymo_query *query,
		     struct kymo_query *names, struct cap_err *err)
{
	u64 track = slice_track(perfetto, row, task), iid = 0,
	    time_ns = (u64)kymo_query_int(query, TIME),
	    duration_ns = (u64)kymo_query_int(query, DURATION);
	int rc = name_of(perfetto, row, names, kymo_query_int(query, KEY), &iid, err);

	if (rc < 0)
		return rc;
	begin_event(perfetto, time_ns, SLICE_BEGIN, track);
	kymo_proto_uint(&perfetto->proto, EVENT_NAME_IID, iid);
	if (!kymo_query_is_null(query, DETAIL)) {
		kymo_proto_begin(&perfetto->proto, EVENT_ANNOTATION);
		kymo_proto_uint(&perfetto->proto, ANNOTATION_NAME_IID, row + 1);
		kymo_proto_uint(&perfetto->proto, ANNOTATION_INT,
				(u64)kymo_query_int(query, DETAIL));
		kymo_proto_end(&perfetto->proto);
	}
	end_event(perfetto);
	if (kymo_query_int(query, OPEN)) /* it has no end that is known */
		return 0;
	begin_event(perfetto, time_ns + duration_ns, SLICE_END, track);
	end_event(perfetto);
	return 0;
}

static int put_slices(struct perfetto *perfetto, unsigned row, struct cap_err *err)
{
	const struct kymo_export *export = perfetto->export;
	const struct slice_row *slices = &slice_rows[row];
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(kymo_query_freep) struct kymo_query *names = NULL;
	struct kymo_filter when = *export->filter;
	char where[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 512];
	int rc;

	when.pid = -1; /* the book knows which tasks are wanted */
	when.comm = NULL;
	kymo_filter_sql(&when, "e", "t", where);
	(void)snprintf(sql, sizeof(sql),
		       "SELECT e.task_id, e.time_ns, e.duration_ns, %s, %s, %s FROM %s e WHERE %s",
		       slices->key_sql, slices->open_sql, slices->detail_sql, slices->table, where);
	rc = kymo_query_new(kymo_db_handle(export->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(export->filter, query);
	if (rc == 0)
		rc = kymo_query_new(kymo_db_handle(export->db), slices->name_sql, &names, err);
	while (rc == 0 && !ferror(export->out) && (rc = kymo_query_step(query, err)) == 1) {
		u32 task = kymo_book_find(&export->book->tasks, kymo_query_int(query, TASK));

		rc = 0;
		if (task == KYMO_BOOK_NONE || !kymo_book_task(export->book, task)->wanted)
			continue; /* a slice needs a thread */
		rc = put_slice(perfetto, row, task, query, names, err);
		++*export->written;
	}
	return rc < 0 ? cap_context(err, rc, "%s", slices->name) : 0;
}

/* -------- stacks -------- */

static void put_frames(struct perfetto *perfetto)
{
	const struct kymo_stack_book *book = perfetto->export->book;

	for (u32 i = 0; i < book->modules.count; i++) {
		const struct kymo_book_module *module = kymo_book_module(book, i);
		const char *path = module->path ? module->path : module->name;

		put_interned_name(perfetto, INTERNED_MAPPING_PATHS, i + 1, path, strlen(path));
		if (module->build_id)
			put_interned_name(perfetto, INTERNED_BUILD_IDS, i + 1, module->build_id,
					  strlen(module->build_id));
		kymo_proto_begin(&perfetto->proto, INTERNED_MAPPINGS);
		kymo_proto_uint(&perfetto->proto, MAPPING_IID, i + 1);
		if (module->build_id)
			kymo_proto_uint(&perfetto->proto, MAPPING_BUILD_ID, i + 1);
		kymo_proto_uint(&perfetto->proto, MAPPING_PATH, i + 1);
		kymo_proto_end(&perfetto->proto);
	}
	for (u32 i = 0; i < book->frames.count; i++) {
		const struct kymo_book_frame *frame = kymo_book_frame(book, i);

		put_interned_name(perfetto, INTERNED_FUNCTION_NAMES, i + 1, frame->name,
				  frame->name_len);
		kymo_proto_begin(&perfetto->proto, INTERNED_FRAMES);
		kymo_proto_uint(&perfetto->proto, FRAME_IID, i + 1);
		kymo_proto_uint(&perfetto->proto, FRAME_FUNCTION, i + 1);
		if (frame->module != KYMO_BOOK_NONE) {
			kymo_proto_uint(&perfetto->proto, FRAME_MAPPING, (u64)frame->module + 1);
			kymo_proto_uint(&perfetto->proto, FRAME_PC, frame->offset);
		}
		kymo_proto_end(&perfetto->proto);
	}
}

static void put_stack_defaults(struct perfetto *perfetto, u64 sequence,
			       const struct kymo_stack_measure *measure)
{
	char source[64];

	begin_sequence(perfetto, sequence);
	kymo_proto_begin(&perfetto->proto, DEFAULTS_STACK_SAMPLE);
	(void)snprintf(source, sizeof(source), "kymo.%s", measure->of->name);
	kymo_proto_string(&perfetto->proto, SAMPLES_SOURCE, source);
	kymo_proto_begin(&perfetto->proto, SAMPLES_DESCRIPTOR);
	kymo_proto_string(&perfetto->proto, COUNTER_NAME, measure->of->weight);
	kymo_proto_uint(&perfetto->proto, COUNTER_UNIT,
			measure->unit == KYMO_STACK_UNIT_NS	  ? UNIT_NANOSECONDS
			: measure->unit == KYMO_STACK_UNIT_CYCLES ? UNIT_CPU_CYCLES
			: measure->unit == KYMO_STACK_UNIT_BYTES  ? UNIT_BYTES
								  : UNIT_COUNT);
	kymo_proto_end(&perfetto->proto);
	kymo_proto_end(&perfetto->proto);
	kymo_proto_end(&perfetto->proto);
	kymo_proto_begin(&perfetto->proto, PACKET_INTERNED_DATA);
	put_frames(perfetto);
	kymo_proto_end(&perfetto->proto);
	end_packet(perfetto);
}

static void put_sample(struct perfetto *perfetto, u64 sequence, const struct kymo_stack_row *row)
{
	const struct kymo_stack_book *book = perfetto->export->book;
	struct kymo_proto *proto = &perfetto->proto;
	u32 path[KYMO_BOOK_MAX_DEPTH];
	size_t depth = kymo_book_path(book, row->stack, path);

	begin_packet(perfetto, sequence);
	kymo_proto_uint(proto, PACKET_TIMESTAMP, (u64)row->time_ns);
	kymo_proto_uint(proto, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDS_STATE);
	kymo_proto_begin(proto, PACKET_STACK_SAMPLE);
	if (row->task != KYMO_BOOK_NONE) {
		kymo_proto_begin(proto, SAMPLE_TASK);
		kymo_proto_uint(proto, TASK_PID, kymo_book_task(book, row->task)->tgid);
		kymo_proto_uint(proto, TASK_TID, kymo_book_task(book, row->task)->tid);
		kymo_proto_end(proto);
	}
	kymo_proto_begin(proto, SAMPLE_EXECUTION);
	kymo_proto_uint(proto, EXECUTION_CPU, row->cpu);
	kymo_proto_end(proto);
	kymo_proto_begin(proto, SAMPLE_CALLSTACK);
	while (depth > 0) {
		u32 frame = path[--depth];

		if (frame != KYMO_BOOK_NONE)
			kymo_proto_uint(proto, CALLSTACK_FRAMES, (u64)frame + 1);
	}
	kymo_proto_end(proto);
	kymo_proto_uint(proto, SAMPLE_WEIGHT, row->weight);
	kymo_proto_end(proto);
	end_packet(perfetto);
}

static int put_stacks(struct perfetto *perfetto, unsigned class, struct cap_err *err)
{
	const struct kymo_export *export = perfetto->export;
	const u64 sequence = SLICES_SEQUENCE + 1 + class;
	CLEANUP(kymo_stack_rows_freep) struct kymo_stack_rows *rows = NULL;
	struct kymo_stack_row row;
	int rc = kymo_stack_rows_new(export->db, export->filter, &export->measures[class],
				     export->book, KYMO_STACKS_AS_STORED, &rows, err);

	if (rc == 0)
		put_stack_defaults(perfetto, sequence, &export->measures[class]);
	while (rc == 0 && !ferror(export->out) &&
	       (rc = kymo_stack_rows_next(rows, &row, err)) == 1) {
		rc = 0;
		if (row.task != KYMO_BOOK_NONE) /* it then has a name, also without slices */
			(void)thread_track(perfetto, row.task);
		put_sample(perfetto, sequence, &row);
		++*export->written;
	}
	return rc;
}

int kymo_export_perfetto(const struct kymo_export *export, struct cap_err *err)
{
	CLEANUP(perfetto_done)
	struct perfetto perfetto = {.export = export, .out = export->out};
	int rc;

	perfetto.thread_uuids = calloc(export->book->tasks.count + 1, sizeof(u64));
	if (!perfetto.thread_uuids)
		return cap_fail(err, -ENOMEM, "out of memory for the trace");
	put_slice_defaults(&perfetto);
	rc = put_clocks(&perfetto, err);
	if (rc == 0)
		put_notes(&perfetto);
	for (unsigned i = 0; i < SLICE_ROWS && rc == 0; i++)
		rc = put_slices(&perfetto, i, err);
	for (unsigned i = 0; i < KYMO_STACK_CLASSES && rc == 0; i++)
		if (export->classes >> i & 1)
			rc = put_stacks(&perfetto, i, err);
	if (rc == 0 && (perfetto.proto.failed || perfetto.failed))
		return cap_fail(err, -ENOMEM, "out of memory for the trace");
	return rc;
}
