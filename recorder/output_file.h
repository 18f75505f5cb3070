#pragma once
/*
 * The file, or standard output, that a capture goes to: created safely, written whole, kept in sync
 * with the disk, with room held back for a clean end. Knows nothing of what the bytes mean.
 */
#include <stdbool.h>

#include "formats/cap_error.h"
#include "formats/events.h"

struct rec_output;

/*
 * Creates `path` for us alone (mode 0600); "-" is standard output. Refuses a path that exists,
 * whatever it is; with `force` a regular file there is removed first. Refuses a terminal and a
 * directory that others may write to (sticky ones are fine). -errno or CAP_EUSAGE; the message says
 * what to do.
 */
int rec_output_open(const char *path, bool force, struct rec_output **ret_output,
		    struct cap_err *err);
/* What rec_output_open would say now, without making or removing anything: for before the work of
 * loading programs. */
int rec_output_check(const char *path, bool force, struct cap_err *err);
/* Closes; rec_output_close tells errors. */
struct rec_output *rec_output_free(struct rec_output *output);
void rec_output_freep(struct rec_output **output);

int rec_output_fd(const struct rec_output *output);
/* A pipe, a socket or a character device. */
bool rec_output_is_stream(const struct rec_output *output);

/* Bytes as cap_write_fn wants them: all of them, or -1 with errno and as little as possible
 * written. Writer thread only. */
long rec_output_write(void *output, int fd, const void *bytes, unsigned long len);

/* To be called by the writer thread after each block and when it idles: starts write-back, and
 * syncs when due. Negative on an error, after which nothing more should be written but an end. */
int rec_output_keep_synced(struct rec_output *output, u64 now_ns, struct cap_err *err);

/* From now on writes may use the room held back for the end. */
void rec_output_begin_end(struct rec_output *output);

/* 1 when free space has fallen below the floor, 0, or -errno. Any thread. */
int rec_output_low_on_space(const struct rec_output *output);
/* The floor in bytes; 0 where there is none (streams). */
u64 rec_output_floor_bytes(const struct rec_output *output);

/* Gives back the room, syncs, closes. The last moment at which an error of the disk can be heard.
 */
int rec_output_close(struct rec_output *output, struct cap_err *err);
/* Removes the name again if it still is the file we made. For recordings that never began. */
void rec_output_discard(struct rec_output *output);
