#pragma once
/* Notices the end of processes through pidfds: a reused pid cannot be mistaken for the old one. */
#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"

struct rec_pid_watch {
	struct pollfd fds[REC_MAX_PIDS]; /* for poll(2): fd -1 once ended; POLLIN when it ends */
	size_t count, alive_count;
};

/* -ESRCH with a message if one does not exist, or is a thread and no process. */
int rec_pid_watch_open(const pid_t *pids, size_t count, struct rec_pid_watch *ret_watch,
		       struct cap_err *err);
/* Reads the results of poll(2) on copies of fds; alive_count is right afterwards. */
void rec_pid_watch_update(struct rec_pid_watch *watch, const struct pollfd *polled);
void rec_pid_watch_done(struct rec_pid_watch *watch);
