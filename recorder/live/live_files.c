/* A path of a stranger may lead through a directory that never answers. The first time costs 2 s of
 * delay, the second another; then no file is looked at any more. */
#include "recorder/live/live_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct question { /* belongs to the thread once it is asked */
	struct rec_file_key key;
	struct rec_dev_verdicts verdicts;
	struct rec_file_identity identity;
	char path[PATH_MAX];
};

int live_files_open(struct live_files *files, struct cap_err *err)
{
	return rec_steps_open(NULL, &files->steps, err);
}

void live_files_done(struct live_files *files)
{
	files->steps = rec_steps_free(files->steps);
	cap_word_map_done(&files->known);
	free(files->list);
	files->list = NULL;
	files->count = files->capacity = 0;
}

static void step_look(void *context)
{
	struct question *question = context;

	(void)rec_file_identify(question->path, &question->key, &question->verdicts,
				&question->identity); /* else all stays 0 */
}

/* The answer, or all 0. */
static struct rec_file_identity look(struct live_files *files, const struct rec_perf_record *record)
{
	struct rec_file_identity identity = {0};
	struct question *question;

	if (record->path_len == 0 || record->path_len >= PATH_MAX || record->path[0] != '/')
		return identity;
	question = calloc(1, sizeof(*question));
	if (!question)
		return identity;
	question->key = (struct rec_file_key){record->inode, record->dev_major, record->dev_minor};
	memcpy(question->path, record->path, record->path_len);
	if (!rec_steps_run(files->steps, "file looked at", step_look, question))
		return identity; /* given up: the question is the thread's */
	identity = question->identity;
	free(question);
	return identity;
}

static bool remember(struct live_files *files, u64 device, u64 inode,
		     const struct rec_file_identity *identity)
{
	if (files->count == LIVE_MAX_FILES)
		return false;
	if (files->count == files->capacity) {
		size_t capacity = files->capacity ? files->capacity * 2 : 64;
		struct rec_file_identity *list = reallocarray(files->list, capacity, sizeof(*list));

		if (!list)
			return false;
		files->list = list;
		files->capacity = capacity;
	}
	if (cap_word_map_put(&files->known, device, inode, files->count + 1) < 0)
		return false;
	files->list[files->count++] = *identity;
	return true;
}

void live_files_identify(void *context, const struct rec_perf_record *record,
			 struct rec_file_identity *ret_identity)
{
	struct live_files *files = context;
	u64 device = (u64)record->dev_major << 32 | record->dev_minor;
	u64 number = cap_word_map_get(&files->known, device, record->inode);

	*ret_identity = (struct rec_file_identity){0};
	if (number) {
		*ret_identity = files->list[number - 1];
	} else if (files->steps && record->inode) {
		*ret_identity = look(files, record);
		(void)remember(files, device, record->inode, ret_identity); /* else asked again */
	}
}
