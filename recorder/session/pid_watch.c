/* pidfds of the processes given with -p. The oldest kernel kymo-record loads on has pidfd_open
 * (5.3). */
#include "recorder/session/pid_watch.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int rec_pid_watch_open(const pid_t *pids, size_t count, struct rec_pid_watch *ret_watch,
		       struct cap_err *err)
{
	struct rec_pid_watch watch = {0};

	for (size_t i = 0; i < count && i < REC_MAX_PIDS; i++) {
		int fd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		int error = errno;

		if (fd < 0) {
			rec_pid_watch_done(&watch);
			if (error == ESRCH)
				return cap_fail(err, -ESRCH, "process %d does not exist", pids[i]);
			if (error == EINVAL || error == ENOENT)
				return cap_fail(
					err, -ESRCH,
					"%d is a thread, not a process: give the process's id",
					pids[i]);
			return cap_fail_errno(err, error, "watch process %d", pids[i]);
		}
		watch.fds[watch.count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	watch.alive_count = watch.count;
	*ret_watch = watch;
	return 0;
}

void rec_pid_watch_update(struct rec_pid_watch *watch, const struct pollfd *polled)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->fds[i].fd < 0 || !(polled[i].revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		(void)close(watch->fds[i].fd);
		watch->fds[i].fd = -1;
		watch->alive_count--;
	}
}

void rec_pid_watch_done(struct rec_pid_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->fds[i].fd >= 0)
			(void)close(watch->fds[i].fd);
		watch->fds[i].fd = -1;
	}
	watch->count = 0;
}
