#pragma once
/*
 * The file, or standard output, that a capture goes to: created safely, written whole, kept in sync
 * with the disk, with room held back for a clean end. Does not know what the bytes mean.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "formats/table/events.h"
#include "recorder/options/rec_options.h"

struct rec_output;

/*
 * Creates `path` for us alone (mode 0600), under sudo for its caller; "-" is standard output.
 * Refuses a path that exists,
 * whatever it is; with `force` a regular file there is removed first. Refuses a terminal and a
 * directory that others may write to (sticky ones are fine). -errno or CAP_EUSAGE; the message says
 * what to do.
 */
int rec_output_open(const char *path, bool force, struct rec_output **ret_output,
		    struct cap_err *err);
/* How much of the file system stays free; to be called before anything is written. Streams have no
 * floor. -ENOSPC where a floor that was asked for is reached already. */
int rec_output_set_floor(struct rec_output *output, const struct rec_floor *floor,
			 struct cap_err *err);
/* Checks what rec_output_open and rec_output_set_floor would say, without creating or removing
 * anything: before programs are loaded, and before --force removes an old file. */
int rec_output_check(const char *path, bool force, const struct rec_floor *floor,
		     struct cap_err *err);
/* Closes; rec_output_close tells errors. */
struct rec_output *rec_output_free(struct rec_output *output);
void rec_output_freep(struct rec_output **output);

int rec_output_fd(const struct rec_output *output);
/* A pipe, a socket or a character device. */
bool rec_output_is_stream(const struct rec_output *output);

/* To be called before anything is written; REC_SYNC_INTERVAL unless it is. */
void rec_output_set_sync(struct rec_output *output, enum rec_sync sync);

/* What is being written, which decides how much of the reserved room it may use. */
enum rec_room {
	REC_ROOM_RECORDING, /* none of it: 1 MiB, which is always there */
	REC_ROOM_FACTS,	    /* what events need to be understood: all but 256 KiB */
	REC_ROOM_END,	    /* last counts, INDEX, END: all */
};
void rec_output_use_room(struct rec_output *output, enum rec_room room);

/*
 * Bytes as cap_write_fn wants them: all of them, or -1 with errno and none (on a stream, or where
 * the file cannot be cut back, some). Waits for a descriptor that does not block. Fails with ENOSPC
 * before the disk is full: at the floor. Writer thread only.
 */
long rec_output_write(void *output, int fd, const void *bytes, unsigned long len);
/* Whether the -errno of a write means no room: then everything in the file is good. */
bool rec_output_error_is_full(int rc);

/* To be called by the writer thread after each block and when it idles: starts write-back, syncs
 * when due, looks at free space. Negative on an error, after which nothing more should be written
 * but an end. */
int rec_output_keep_synced(struct rec_output *output, u64 now_ns, struct cap_err *err);
/* Syncs now, unless there is nothing to sync or REC_SYNC_NONE says otherwise. An error concerns
 * everything written since the last good sync, and is reported once. */
int rec_output_sync(struct rec_output *output, struct cap_err *err);
/* The same for the first blocks, and then for the name of the file. */
int rec_output_sync_head(struct rec_output *output, struct cap_err *err);

/* Whether free space came near the floor: time to end. As of the writer's last look, which it takes
 * each second and each MiB. Any thread. */
bool rec_output_low_on_space(const struct rec_output *output);
/* Whether writes fail because free space is below it, not because there is none. */
bool rec_output_at_floor(const struct rec_output *output);
/* Bytes of the file system that are kept free; 0 where there is no floor (streams). */
u64 rec_output_floor_bytes(const struct rec_output *output);

/* Releases the reserved room, syncs the rest, closes. The last chance to notice a disk error. */
int rec_output_close(struct rec_output *output, struct cap_err *err);
/* Removes the name again if it still is the file we made. For recordings that never began. */
void rec_output_discard(struct rec_output *output);

/* An error of the output in words for the user: what failed, where, and what is to be done. Returns
 * rc. output may be NULL. */
int rec_output_explain(const struct rec_output *output, const char *path, int rc,
		       struct cap_err *err);
