/* Reads frames and stacks into memory, then adds each (task, stack) with its sample count. */
#include "analyzer/reports/sampled_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/stack_table.h"
#include "analyzer/db/query.h"
#include "analyzer/output/folded_name.h"
#include "analyzer/reports/stack_book.h"
#include "formats/base/cleanup.h"

struct frame_entry { /* beside the frame of the same number in the book */
	char *name;
	size_t len;
	enum kymo_frame_kind kind;
	bool unnamed, unknown, cut;
	size_t first_inlined, inlined_count; /* in builder.inlined, the outermost first */
};

struct inlined_name { /* of a function that has no frame of its own */
	char *name;
	size_t len;
};

struct builder {
	const struct kymo_stack_options *options;
	struct kymo_db *db;
	struct kymo_tree *tree;
	struct kymo_stack_book book;
	struct frame_entry *frames;
	struct inlined_name *inlined;
	size_t inlined_count, inlined_capacity;
	struct kymo_folded_name name; /* scratch */
	struct kymo_stack_facts facts;
};

static void builder_done(struct builder *builder)
{
	for (size_t i = 0; i < builder->inlined_count; i++)
		free(builder->inlined[i].name);
	free(builder->inlined);
	for (size_t i = 0; builder->frames && i < builder->book.frames.count; i++)
		free(builder->frames[i].name);
	free(builder->frames);
	kymo_stack_book_done(&builder->book);
	kymo_folded_name_done(&builder->name);
	kymo_tree_free(builder->tree);
}

/* -------- frames -------- */

static int set_frame(struct builder *builder, const struct kymo_book_frame *from,
		     struct frame_entry *ret_frame)
{
	struct frame_entry frame = {
		.unnamed = !from->named, .unknown = !from->known, .cut = from->cut};
	const char *text = from->name;
	size_t len = from->name_len;
	int rc = 0;

	if (frame.cut)
		frame.unnamed = frame.unknown = false; /* it is no function */
	if (frame.cut) {
		frame.kind = builder->options->folded ? KYMO_FRAME_USER : KYMO_FRAME_UNNAMED;
		text = KYMO_CUT_NAME; /* no name from a capture may look so: folded_name.h */
		len = strlen(text);
	} else if (builder->options->folded) {
		frame.kind = KYMO_FRAME_USER;
		rc = kymo_folded_name_set(&builder->name, text, frame.unknown ? 0 : len, true);
		if (rc == 0 && from->kernel && builder->options->annotate_kernel)
			rc = kymo_folded_name_append(&builder->name, "_[k]");
		if (rc < 0)
			return rc;
		text = builder->name.text;
		len = builder->name.len;
	} else {
		frame.kind = frame.unnamed  ? KYMO_FRAME_UNNAMED
			     : from->kernel ? KYMO_FRAME_KERNEL
					    : KYMO_FRAME_USER;
	}
	frame.name = malloc(len + 1);
	if (!frame.name)
		return -ENOMEM;
	if (len > 0)
		memcpy(frame.name, text, len);
	frame.len = len;
	*ret_frame = frame;
	return 0;
}

static int load_book(struct builder *builder, struct cap_err *err)
{
	int rc = kymo_stack_book_read(builder->db, NULL, 0, &builder->book, err);

	if (rc < 0)
		return rc;
	builder->frames = calloc(builder->book.frames.count + 1, sizeof(*builder->frames));
	if (!builder->frames)
		return cap_fail(err, -ENOMEM, "frames");
	for (u32 i = 0; i < builder->book.frames.count; i++)
		if (set_frame(builder, kymo_book_frame(&builder->book, i), &builder->frames[i]) < 0)
			return cap_fail(err, -ENOMEM, "frames");
	return 0;
}

/* -------- source lines -------- */

enum { LINE_FRAME, LINE_FUNCTION, LINE_FILE, LINE_LINE };

/* " (file:line)" of a row, as far as it is known, into builder->name. */
static int append_line(struct builder *builder, struct kymo_query *query)
{
	CLEANUP(kymo_folded_name_done) struct kymo_folded_name file = {0};
	const char *path = kymo_query_text(query, LINE_FILE, NULL), *base;
	char line[24];
	int rc;

	if (!path || kymo_query_is_null(query, LINE_LINE))
		return 0;
	base = strrchr(path, '/');
	base = base && base[1] ? base + 1 : path;
	(void)snprintf(line, sizeof(line), ":%lld)", (long long)kymo_query_int(query, LINE_LINE));
	rc = kymo_folded_name_set(&file, base, strlen(base), true);
	if (rc == 0)
		rc = kymo_folded_name_append(&builder->name, " (");
	if (rc == 0)
		rc = kymo_folded_name_append(&builder->name, file.text);
	return rc < 0 ? rc : kymo_folded_name_append(&builder->name, line);
}

static struct inlined_name *new_inlined(struct builder *builder)
{
	if (builder->inlined_count == builder->inlined_capacity) {
		size_t capacity = builder->inlined_capacity ? builder->inlined_capacity * 2 : 1024;
		void *grown = reallocarray(builder->inlined, capacity, sizeof(*builder->inlined));

		if (!grown)
			return NULL;
		builder->inlined = grown;
		builder->inlined_capacity = capacity;
	}
	builder->inlined[builder->inlined_count].name = NULL;
	return &builder->inlined[builder->inlined_count++];
}

/* The name of an inlined function, and how outputs mark it. */
static int add_inlined(struct builder *builder, struct frame_entry *frame, struct kymo_query *query)
{
	const struct kymo_stack_options *options = builder->options;
	struct inlined_name *entry;
	size_t len = 0;
	const char *function = kymo_query_text(query, LINE_FUNCTION, &len);
	int rc = kymo_folded_name_set(&builder->name, function, len, true);

	if (rc == 0 && options->lines)
		rc = append_line(builder, query);
	if (rc == 0 && (!options->folded || options->annotate_kernel))
		rc = kymo_folded_name_append(&builder->name,
					     options->folded ? "_[i]" : " (inlined)");
	if (rc < 0)
		return rc;
	entry = new_inlined(builder);
	if (!entry)
		return -ENOMEM;
	entry->name = strdup(builder->name.text);
	entry->len = builder->name.len;
	if (!entry->name)
		return -ENOMEM;
	if (frame->inlined_count++ == 0)
		frame->first_inlined = builder->inlined_count - 1;
	return 0;
}

/* The function that the symbol table names, too: only its line is added. */
static int add_line(struct builder *builder, struct frame_entry *frame, struct kymo_query *query)
{
	char *name;
	int rc = kymo_folded_name_set(&builder->name, frame->name, frame->len, true);

	if (rc == 0)
		rc = append_line(builder, query);
	name = rc == 0 ? strdup(builder->name.text) : NULL;
	if (!name)
		return -ENOMEM;
	free(frame->name);
	frame->name = name;
	frame->len = builder->name.len;
	return 0;
}

/* Of each frame, the outermost function comes first: it is the frame's own. */
static int load_lines(struct builder *builder, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	s64 last = -1;
	int rc;

	if (!builder->options->inlined && !builder->options->lines)
		return 0;
	rc = kymo_query_new(kymo_db_handle(builder->db),
			    "SELECT frame_id, function, file, line FROM temp.frame_line"
			    " ORDER BY frame_id, depth DESC",
			    &query, err);
	if (rc < 0)
		return rc;
	while ((rc = kymo_query_step(query, err)) > 0) {
		s64 id = kymo_query_int(query, LINE_FRAME);
		u32 place = kymo_book_find(&builder->book.frames, id);
		struct frame_entry *frame =
			place == KYMO_BOOK_NONE ? NULL : &builder->frames[place];
		bool own = id != last;

		last = id;
		rc = 0;
		if (frame && own && builder->options->lines)
			rc = add_line(builder, frame, query);
		else if (frame && !own && builder->options->inlined)
			rc = add_inlined(builder, frame, query);
		if (rc < 0)
			return cap_fail(err, rc, "source lines");
	}
	return rc;
}

/* -------- samples -------- */

enum {
	SAMPLE_COMM,
	SAMPLE_TGID,
	SAMPLE_TID,
	SAMPLE_STACK,
	SAMPLE_COUNT,
	SAMPLE_NO_USER,
	SAMPLE_NO_KERNEL,
	SAMPLE_CUT,
	SAMPLE_PERIODS,
	SAMPLE_WAKER, /* of waits only, as the next one */
	SAMPLE_WAKER_TGID
};

/* The node of the process a row belongs to; 0 when out of memory. */
static u32 process_node(struct builder *builder, struct kymo_query *query)
{
	enum kymo_process_label label = builder->options->label;
	enum kymo_frame_kind kind = builder->options->folded ? KYMO_FRAME_USER : KYMO_FRAME_PROCESS;
	struct kymo_folded_name *name = &builder->name;
	char ids[48] = "";
	size_t len = 0;
	const char *comm = kymo_query_text(query, SAMPLE_COMM, &len);

	if (label == KYMO_LABEL_COMM_PID)
		(void)snprintf(ids, sizeof(ids), "-%lld",
			       (long long)kymo_query_int(query, SAMPLE_TGID));
	else if (label == KYMO_LABEL_COMM_PID_TID)
		(void)snprintf(ids, sizeof(ids), "-%lld/%lld",
			       (long long)kymo_query_int(query, SAMPLE_TGID),
			       (long long)kymo_query_int(query, SAMPLE_TID));
	if (kymo_folded_name_set(name, comm, len, !builder->options->folded) < 0 ||
	    kymo_folded_name_append(name, ids) < 0)
		return 0;
	return kymo_tree_child(builder->tree, 0, kind, name->text, name->len);
}

/* The leaf of a stack below node; frames the database does not hold become "[unknown]". *ret_cut is
 * set if it was cut. 0 when out of memory. */
static u32 stack_node(struct builder *builder, u32 node, s64 stack_id, u64 count, bool *ret_cut)
{
	static const struct frame_entry unknown = {
		.name = (char *)"[unknown]",
		.len = 9,
		.kind = KYMO_FRAME_UNNAMED,
		.unnamed = true,
		.unknown = true,
	};
	u32 path[KYMO_BOOK_MAX_DEPTH];
	bool unknown_before = false;
	size_t depth = kymo_book_path(&builder->book,
				      kymo_book_find(&builder->book.stacks, stack_id), path);

	if (depth == 0)
		return kymo_tree_child(builder->tree, node,
				       builder->options->folded ? KYMO_FRAME_USER
								: KYMO_FRAME_UNNAMED,
				       "[no stack]", strlen("[no stack]"));
	while (depth > 0 && node != 0) {
		const u32 place = path[--depth];
		const struct frame_entry *frame =
			place == KYMO_BOOK_NONE ? &unknown : &builder->frames[place];
		enum kymo_frame_kind kind;

		kind = builder->options->folded ? KYMO_FRAME_USER : frame->kind;
		builder->facts.frames += frame->cut ? 0 : count;
		*ret_cut = *ret_cut || frame->cut;
		if (frame->unknown)
			builder->facts.frames_unknown += count;
		else if (frame->unnamed)
			builder->facts.frames_unnamed += count;
		if (frame->unknown && unknown_before && builder->options->join_unknown)
			continue;
		unknown_before = frame->unknown;
		node = kymo_tree_child(builder->tree, node, kind, frame->name, frame->len);
		for (size_t i = 0; node != 0 && i < frame->inlined_count; i++) {
			const struct inlined_name *inlined =
				&builder->inlined[frame->first_inlined + i];

			node = kymo_tree_child(builder->tree, node, kind, inlined->name,
					       inlined->len);
		}
	}
	return node;
}

/* "--" and the waker on top of a stack, as offwaketime has them. 0 when out of memory. */
static u32 waker_node(struct builder *builder, u32 node, struct kymo_query *query)
{
	bool folded = builder->options->folded;
	struct kymo_folded_name *name = &builder->name;
	char pid[24] = "";
	size_t len = 0;
	const char *waker = kymo_query_text(query, SAMPLE_WAKER, &len);

	if (builder->options->label != KYMO_LABEL_COMM &&
	    !kymo_query_is_null(query, SAMPLE_WAKER_TGID))
		(void)snprintf(pid, sizeof(pid), "-%lld",
			       (long long)kymo_query_int(query, SAMPLE_WAKER_TGID));
	if (kymo_folded_name_set(name, waker, len, !folded) < 0 ||
	    kymo_folded_name_append(name, pid) < 0)
		return 0;
	node = kymo_tree_child(builder->tree, node, folded ? KYMO_FRAME_USER : KYMO_FRAME_UNNAMED,
			       "--", 2);
	return node ? kymo_tree_child(builder->tree, node,
				      folded ? KYMO_FRAME_USER : KYMO_FRAME_PROCESS, name->text,
				      name->len)
		    : 0;
}

static int add_samples(struct builder *builder, struct kymo_query *query, struct cap_err *err)
{
	struct kymo_stack_facts *facts = &builder->facts;
	int rc;

	while ((rc = kymo_query_step(query, err)) > 0) {
		u64 count = (u64)kymo_query_int(query, SAMPLE_COUNT);
		bool cut = false, by_period = kymo_weight_is_period(facts->weight.weight);
		u32 node = process_node(builder, query);

		if (node != 0)
			node = stack_node(builder, node, kymo_query_int(query, SAMPLE_STACK), count,
					  &cut);
		if (node != 0 && builder->options->by_waker)
			node = waker_node(builder, node, query);
		if (node == 0)
			return cap_fail(err, -ENOMEM, "stacks");
		kymo_tree_add(builder->tree, node,
			      by_period ? (u64)kymo_query_int(query, SAMPLE_PERIODS) : count);
		facts->samples += count;
		facts->no_user_stack += (u64)kymo_query_int(query, SAMPLE_NO_USER);
		facts->no_kernel_stack += (u64)kymo_query_int(query, SAMPLE_NO_KERNEL);
		facts->truncated += cut ? count : (u64)kymo_query_int(query, SAMPLE_CUT);
	}
	return rc;
}

/* The same of the sums that were made when a capture was opened. */
static int load_sums(struct builder *builder, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	struct kymo_filter who = *builder->options->filter;
	char where[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 512];
	int rc;

	who.has_from = who.has_to = false; /* it holds no other times */
	kymo_filter_sql(&who, "s", "t", where);
	(void)snprintf(
		sql, sizeof(sql),
		"SELECT t.comm, t.tgid, t.tid, s.stack_id, s.samples, s.no_user, s.no_kernel, "
		"s.truncated, CAST(s.periods + (s.samples - s.with_period) * CAST(:typical AS "
		"REAL) AS INTEGER) FROM temp.sample_sums s LEFT JOIN task t ON t.id = s.task_id "
		"WHERE %s ORDER BY s.task_id, s.stack_id",
		where);
	rc = kymo_query_new(kymo_db_handle(builder->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(builder->options->filter, query);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":typical", builder->facts.weight.typical_period);
	return rc < 0 ? rc : add_samples(builder, query, err);
}

static int load_samples(struct builder *builder, struct cap_err *err)
{
	static const char periods[] =
		", CAST(total(CASE WHEN s.period > 0 THEN s.period ELSE :typical END) AS INTEGER)";
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	CLEANUP(cap_freep) char *sql = NULL;
	char where[KYMO_FILTER_SQL_BYTES];
	int rc;

	if (kymo_db_has_sample_sums(builder->db))
		return load_sums(builder, err);
	kymo_filter_sql(builder->options->filter, "s", "t", where);
	/* The sums are those of view sample_quality, here under the filter. */
	if (asprintf(&sql,
		     "SELECT t.comm, t.tgid, t.tid, s.stack_id, count(*),"
		     " sum(s.flags & 1 <> 0 AND COALESCE(p.kernel_thread, 0) = 0),"
		     " sum(s.flags & 2 <> 0 AND s.flags & 16 <> 0), sum(s.flags & 12 <> 0)%s "
		     "FROM cpu_sample s LEFT JOIN task t ON t.id = s.task_id"
		     " LEFT JOIN process p ON p.id = t.process_id "
		     "WHERE %s GROUP BY s.task_id, s.stack_id",
		     kymo_weight_is_period(builder->facts.weight.weight) ? periods : "",
		     where) < 0) {
		sql = NULL;
		return cap_fail(err, -ENOMEM, "samples");
	}
	rc = kymo_query_new(kymo_db_handle(builder->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(builder->options->filter, query);
	if (rc == 0)
		rc = kymo_query_bind_int(query, ":typical", builder->facts.weight.typical_period);
	return rc < 0 ? rc : add_samples(builder, query, err);
}

static int load_waits(struct builder *builder, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char where[KYMO_WAIT_SQL_BYTES], sql[KYMO_WAIT_SQL_BYTES + 512];
	int rc;

	kymo_wait_sql(builder->options->waits, "v.duration_ns", "v.duration_ns", where);
	/* The sums are those of view offcpu_stacks, here under the choice. */
	(void)snprintf(sql, sizeof(sql),
		       "SELECT v.process, v.tgid, v.tid, v.stack_id, count(*),"
		       " sum(v.no_user_stack AND NOT v.kernel_thread), 0, 0,"
		       " CAST(total(v.weight_ns) AS INTEGER), v.woken_by, v.waker_tgid"
		       " FROM slow_waits v WHERE %s GROUP BY v.process_id, v.stack_id%s",
		       where, builder->options->by_waker ? ", v.woken_by, v.waker_tgid" : "");
	rc = kymo_query_new(kymo_db_handle(builder->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_wait_bind(builder->options->waits, query);
	return rc < 0 ? rc : add_samples(builder, query, err);
}

static int load_faults(struct builder *builder, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	char where[KYMO_FILTER_SQL_BYTES], sql[KYMO_FILTER_SQL_BYTES + 512];
	int rc;

	kymo_filter_sql(builder->options->filter, "s", "t", where);
	/* The sums are those of view fault_stacks, here under the filter. */
	(void)snprintf(sql, sizeof(sql),
		       "SELECT t.comm, t.tgid, t.tid, s.stack_id, count(*), sum(s.flags & 1 <> 0),"
		       " sum(s.flags & 2 <> 0 AND s.flags & 16 <> 0), sum(s.flags & 12 <> 0),"
		       " CAST(total(s.period) AS INTEGER) FROM fault s LEFT JOIN task t"
		       " ON t.id = s.task_id WHERE %s GROUP BY s.task_id, s.stack_id",
		       where);
	rc = kymo_query_new(kymo_db_handle(builder->db), sql, &query, err);
	if (rc == 0)
		rc = kymo_filter_bind(builder->options->filter, query);
	return rc < 0 ? rc : add_samples(builder, query, err);
}

int kymo_sampled_stacks(struct kymo_db *db, const struct kymo_stack_options *options,
			struct kymo_tree **ret_tree, struct kymo_stack_facts *ret_facts,
			struct cap_err *err)
{
	CLEANUP(builder_done)
	struct builder builder = {
		.options = options,
		.db = db,
		.tree = kymo_tree_new(),
	};
	int rc;

	if (!builder.tree)
		return cap_fail(err, -ENOMEM, "stacks");
	builder.facts.of = options->waits    ? KYMO_STACKS_OF_WAITS
			   : options->faults ? KYMO_STACKS_OF_FAULTS
					     : KYMO_STACKS_OF_SAMPLES;
	builder.facts.weight.weight = options->faults ? KYMO_WEIGHT_FAULTS : KYMO_WEIGHT_NS;
	rc = builder.facts.of == KYMO_STACKS_OF_SAMPLES
		     ? kymo_sample_weight(db, options->filter, &builder.facts.weight, err)
		     : 0;
	if (rc == 0)
		rc = load_book(&builder, err);
	if (rc == 0)
		rc = load_lines(&builder, err);
	if (rc == 0)
		rc = options->waits    ? load_waits(&builder, err)
		     : options->faults ? load_faults(&builder, err)
				       : load_samples(&builder, err);
	if (rc < 0)
		return cap_context(err, rc, "read stacks");
	if (kymo_tree_finish(builder.tree) < 0)
		return cap_fail(err, -ENOMEM, "stacks");
	*ret_tree = TAKE(builder.tree);
	*ret_facts = builder.facts;
	return 0;
}
