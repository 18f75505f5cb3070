/*
 * A set of lines like that of the programs (struct live_file_line), with twice as many places in
 * each: the keys of a line come here in about the order in which they went in there, so that one is
 * never forgotten here before it is there, and so is told again with the number it has.
 */
#include "recorder/pipeline/file_ids.h"

#include <stdlib.h>
#include <string.h>

#include "bpf/live_state.h"

#define WAYS (2 * LIVE_FILE_WAYS)

struct line {
	u64 keys[WAYS]; /* the newest first; 0: free */
	u32 numbers[WAYS];
};

struct rec_file_ids {
	u32 last;
	struct line lines[LIVE_FILE_LINES];
};

struct rec_file_ids *rec_file_ids_new(void)
{
	return calloc(1, sizeof(struct rec_file_ids));
}

struct rec_file_ids *rec_file_ids_free(struct rec_file_ids *ids)
{
	free(ids);
	return NULL;
}

u32 rec_file_id(struct rec_file_ids *ids, u64 open_file)
{
	u64 key = open_file >> EV_FD_BITS;
	struct line *line = &ids->lines[key & (LIVE_FILE_LINES - 1)];

	if (key == 0)
		return 0;
	for (u32 i = 0; i < WAYS; i++)
		if (line->keys[i] == key)
			return line->numbers[i];
	memmove(&line->keys[1], &line->keys[0], (WAYS - 1) * sizeof(line->keys[0]));
	memmove(&line->numbers[1], &line->numbers[0], (WAYS - 1) * sizeof(line->numbers[0]));
	if (++ids->last == 0) /* after four thousand million files */
		ids->last = 1;
	line->keys[0] = key;
	line->numbers[0] = ids->last;
	return ids->last;
}
