/* Read in order of ids, so that an id is found by halves, and as a rule at the first look. */
#include "analyzer/reports/stack_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/stack_table.h"
#include "analyzer/db/query.h"
#include "formats/base/cleanup.h"

static void *list_add(struct kymo_book_list *list)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 1024;
		void *grown = reallocarray(list->entries, capacity, list->entry_bytes);

		if (!grown)
			return NULL;
		list->entries = grown;
		list->capacity = capacity;
	}
	return memset((char *)list->entries + list->count++ * list->entry_bytes, 0,
		      list->entry_bytes);
}

static s64 id_at(const struct kymo_book_list *list, size_t place)
{
	return *(const s64 *)((const char *)list->entries + place * list->entry_bytes);
}

u32 kymo_book_find(const struct kymo_book_list *list, s64 id)
{
	size_t low = 0, high = list->count, guess;

	if (high == 0 || id < id_at(list, 0))
		return KYMO_BOOK_NONE;
	guess = (size_t)(id - id_at(list, 0)); /* right where ids are dense */
	if (guess < high && id_at(list, guess) == id)
		return (u32)guess;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		s64 found = id_at(list, middle);

		if (found == id)
			return (u32)middle;
		if (found < id)
			low = middle + 1;
		else
			high = middle;
	}
	return KYMO_BOOK_NONE;
}

void kymo_stack_book_done(struct kymo_stack_book *book)
{
	struct kymo_book_frame *frames = book->frames.entries;
	struct kymo_book_module *modules = book->modules.entries;
	struct kymo_book_task *tasks = book->tasks.entries;

	for (size_t i = 0; i < book->frames.count; i++)
		free(frames[i].name);
	for (size_t i = 0; i < book->modules.count; i++) {
		free(modules[i].name);
		free(modules[i].path);
		free(modules[i].build_id);
	}
	for (size_t i = 0; i < book->tasks.count; i++) {
		free(tasks[i].comm);
		free(tasks[i].process);
	}
	free(frames);
	free(modules);
	free(tasks);
	free(book->stacks.entries);
	*book = (struct kymo_stack_book){0};
}

/* A copy of a text column. *ret_text is NULL where the value is. 0 or -ENOMEM. */
static int copy_text(struct kymo_query *query, int column, char **ret_text, size_t *ret_len)
{
	size_t len = 0;
	const char *text = kymo_query_text(query, column, &len);
	char *copy = text ? malloc(len + 1) : NULL;

	if (!text)
		return 0;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret_text = copy;
	if (ret_len)
		*ret_len = len;
	return 0;
}

static bool text_is(struct kymo_query *query, int column, const char *wanted)
{
	const char *text = kymo_query_text(query, column, NULL);

	return text && strcmp(text, wanted) == 0;
}

static int add_frame(struct kymo_stack_book *book, struct kymo_query *query)
{
	struct kymo_book_frame *frame = list_add(&book->frames);
	size_t len = 0;
	int rc;

	if (!frame)
		return -ENOMEM;
	frame->id = kymo_query_int(query, 0);
	frame->kernel = text_is(query, 2, "kernel");
	frame->cut = text_is(query, 2, "cut");
	frame->named = kymo_query_int(query, 3) != 0;
	frame->known = frame->named || !kymo_query_is_null(query, 4);
	frame->module = kymo_query_is_null(query, 4)
				? KYMO_BOOK_NONE
				: kymo_book_find(&book->modules, kymo_query_int(query, 4));
	frame->offset = (u64)kymo_query_int(query, 5);
	frame->symbol_offset = (u64)kymo_query_int(query, 6);
	rc = copy_text(query, 1, &frame->name, &len);
	frame->name_len = (u32)len;
	if (rc == 0 && !frame->name)
		frame->name = strdup("");
	return rc == 0 && frame->name ? 0 : -ENOMEM;
}

static int add_stack(struct kymo_stack_book *book, struct kymo_query *query)
{
	struct kymo_book_stack *stack = list_add(&book->stacks);

	if (!stack)
		return -ENOMEM;
	stack->id = kymo_query_int(query, 0);
	/* A caller has a smaller id: in a database that was tampered with, what has not ends. */
	stack->parent = kymo_book_find(&book->stacks, kymo_query_int(query, 1));
	stack->frame = kymo_book_find(&book->frames, kymo_query_int(query, 2));
	return 0;
}

static int add_module(struct kymo_stack_book *book, struct kymo_query *query)
{
	struct kymo_book_module *module = list_add(&book->modules);
	int rc;

	if (!module)
		return -ENOMEM;
	module->id = kymo_query_int(query, 0);
	module->kernel = text_is(query, 4, "kernel");
	rc = copy_text(query, 1, &module->name, NULL);
	if (rc == 0)
		rc = copy_text(query, 2, &module->path, NULL);
	if (rc == 0)
		rc = copy_text(query, 3, &module->build_id, NULL);
	if (rc == 0 && !module->name)
		module->name = strdup("");
	return rc == 0 && module->name ? 0 : -ENOMEM;
}

static int add_task(struct kymo_stack_book *book, struct kymo_query *query)
{
	struct kymo_book_task *task = list_add(&book->tasks);
	int rc;

	if (!task)
		return -ENOMEM;
	task->id = kymo_query_int(query, 0);
	task->tgid = (u32)kymo_query_int(query, 1);
	task->tid = (u32)kymo_query_int(query, 2);
	task->kernel_thread = kymo_query_int(query, 5) != 0;
	task->wanted = kymo_query_int(query, 6) != 0;
	rc = copy_text(query, 3, &task->comm, NULL);
	if (rc == 0)
		rc = copy_text(query, 4, &task->process, NULL);
	if (rc == 0 && !task->comm)
		task->comm = strdup("");
	if (rc == 0 && task->comm && !task->process)
		task->process = strdup(task->comm);
	return rc == 0 && task->process ? 0 : -ENOMEM;
}

typedef int (*add_fn)(struct kymo_stack_book *book, struct kymo_query *query);

static int read_list(struct kymo_db *db, const struct kymo_filter *filter, const char *sql,
		     add_fn add, struct kymo_stack_book *book, struct cap_err *err)
{
	CLEANUP(kymo_query_freep) struct kymo_query *query = NULL;
	int rc = kymo_query_new(kymo_db_handle(db), sql, &query, err);

	if (rc == 0 && filter)
		rc = kymo_filter_bind(filter, query);
	while (rc == 0 && (rc = kymo_query_step(query, err)) == 1) {
		rc = add(book, query);
		if (rc < 0)
			return cap_fail(err, rc, "out of memory for stacks");
	}
	return rc;
}

int kymo_stack_book_read(struct kymo_db *db, const struct kymo_filter *filter, unsigned parts,
			 struct kymo_stack_book *ret_book, struct cap_err *err)
{
	int rc = 0;

	*ret_book = (struct kymo_stack_book){
		.frames.entry_bytes = sizeof(struct kymo_book_frame),
		.stacks.entry_bytes = sizeof(struct kymo_book_stack),
		.modules.entry_bytes = sizeof(struct kymo_book_module),
		.tasks.entry_bytes = sizeof(struct kymo_book_task),
		.tasks_chosen = filter && (filter->pid >= 0 || filter->comm),
	};
	if (parts & KYMO_BOOK_MODULES)
		rc = read_list(db, NULL,
			       "SELECT id, name, path, build_id, space FROM module ORDER BY id",
			       add_module, ret_book, err);
	if (rc == 0 && parts & KYMO_BOOK_TASKS)
		rc = read_list(db, filter,
			       "SELECT t.id, t.tgid, t.tid, t.comm, p.comm,"
			       " COALESCE(p.kernel_thread, 0),"
			       " (:pid < 0 OR t.tgid = :pid) AND (:comm IS NULL OR t.comm = :comm)"
			       " FROM task t LEFT JOIN process p ON p.id = t.process_id"
			       " ORDER BY t.id",
			       add_task, ret_book, err);
	if (rc == 0)
		rc = read_list(db, NULL,
			       "SELECT id, name, space, symbol IS NOT NULL, module_id,"
			       " offset_bytes, symbol_offset_bytes FROM frame ORDER BY id",
			       add_frame, ret_book, err);
	if (rc == 0)
		rc = read_list(db, NULL, "SELECT id, parent_id, frame_id FROM stack ORDER BY id",
			       add_stack, ret_book, err);
	return rc;
}

size_t kymo_book_path(const struct kymo_stack_book *book, u32 stack, u32 *ret_frames)
{
	size_t depth = 0;

	while (stack != KYMO_BOOK_NONE && depth < KYMO_BOOK_MAX_DEPTH) {
		const struct kymo_book_stack *entry = kymo_book_stack(book, stack);

		ret_frames[depth++] = entry->frame;
		stack = entry->parent;
	}
	return depth;
}
