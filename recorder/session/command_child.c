/* Runs the command to record. The parent's end of the pipe is a leash: if the recorder dies before
 * it releases the child, the child dies, too. */
#include "recorder/session/command_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define EXIT_NOT_RELEASED 125

static bool is_program(const char *path, int *ret_error)
{
	struct stat info;

	if (stat(path, &info) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			*ret_error = errno;
		return false;
	}
	if (!S_ISREG(info.st_mode) || access(path, X_OK) < 0) {
		*ret_error = S_ISDIR(info.st_mode) ? EISDIR : EACCES;
		return false;
	}
	return true;
}

/* 0, or the errno that execvp would end with. */
static int find_program(const char *name)
{
	const char *path = getenv("PATH");
	int error = ENOENT;

	if (strchr(name, '/'))
		return is_program(name, &error) ? 0 : error;
	if (name[0] == '\0')
		return ENOENT;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(path, ":");
		char candidate[PATH_MAX];

		if (len + 1 + strlen(name) < sizeof(candidate)) {
			memcpy(candidate, path, len);
			candidate[len] = '/';
			memcpy(candidate + len + 1, name, strlen(name) + 1);
			if (is_program(len ? candidate : name, &error))
				return 0;
		}
		if (path[len] == '\0')
			return error;
		path += len + 1;
	}
}

void rec_caller_signals_read(struct rec_caller_signals *ret_signals)
{
	memset(ret_signals, 0, sizeof(*ret_signals));
	/* These cannot fail: they only read. */
	(void)sigprocmask(SIG_BLOCK, NULL, &ret_signals->mask);
	(void)sigaction(SIGINT, NULL, &ret_signals->on_interrupt);
	(void)sigaction(SIGTERM, NULL, &ret_signals->on_terminate);
	(void)sigaction(SIGPIPE, NULL, &ret_signals->on_pipe);
	(void)sigaction(SIGXFSZ, NULL, &ret_signals->on_file_size);
}

static void restore_signals(const struct rec_caller_signals *signals)
{
	(void)sigaction(SIGINT, &signals->on_interrupt, NULL);
	(void)sigaction(SIGTERM, &signals->on_terminate, NULL);
	(void)sigaction(SIGPIPE, &signals->on_pipe, NULL);
	(void)sigaction(SIGXFSZ, &signals->on_file_size, NULL);
	(void)sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

static void __attribute__((noreturn))
child_main(char *const *argv, bool stdout_taken, const struct rec_caller_signals *signals,
	   int wait_fd, int error_fd)
{
	char go;
	int error;

	if (read(wait_fd, &go, 1) != 1)
		_exit(EXIT_NOT_RELEASED);
	restore_signals(signals);
	if (stdout_taken)
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	error = errno;
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(EXIT_NOT_RELEASED); /* the parent is gone: there is nobody to report to */
	_exit(127);
}

int rec_command_fork(char *const *argv, bool stdout_taken, const struct rec_caller_signals *signals,
		     struct rec_command *ret_command, struct cap_err *err)
{
	int wait_pipe[2], error_pipe[2];
	int error = find_program(argv[0]);
	pid_t pid;

	if (error == ENOENT)
		return cap_fail(err, -ENOENT, "command not found: '%s'", argv[0]);
	if (error != 0)
		return cap_fail_errno(err, error, "cannot run '%s'", argv[0]);
	if (pipe2(wait_pipe, O_CLOEXEC) < 0)
		return cap_fail_errno(err, errno, "run '%s': pipe", argv[0]);
	if (pipe2(error_pipe, O_CLOEXEC) < 0) {
		error = errno;
		(void)close(wait_pipe[0]);
		(void)close(wait_pipe[1]);
		return cap_fail_errno(err, error, "run '%s': pipe", argv[0]);
	}
	pid = fork();
	error = errno;
	if (pid == 0) {
		(void)close(wait_pipe[1]); /* or the child would hold its own leash */
		child_main(argv, stdout_taken, signals, wait_pipe[0], error_pipe[1]);
	}
	(void)close(wait_pipe[0]);
	(void)close(error_pipe[1]);
	if (pid < 0) {
		(void)close(wait_pipe[1]);
		(void)close(error_pipe[0]);
		return cap_fail_errno(err, error, "run '%s': fork", argv[0]);
	}
	*ret_command = (struct rec_command){
		.pid = pid,
		.release_fd = wait_pipe[1],
		.error_fd = error_pipe[0],
	};
	return 0;
}

int rec_command_release(struct rec_command *command, const char *name, struct cap_err *err)
{
	int error = 0;
	ssize_t got;

	if (write(command->release_fd, "g", 1) != 1)
		return cap_fail_errno(err, errno, "run '%s'", name);
	(void)close(command->release_fd);
	command->release_fd = -1;
	do {
		got = read(command->error_fd, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	(void)close(command->error_fd);
	command->error_fd = -1;
	if (got == (ssize_t)sizeof(error))
		return cap_fail_errno(err, error, "cannot run '%s'", name);
	return 0;
}

bool rec_command_reap(struct rec_command *command)
{
	if (command->pid > 0 && !command->exited &&
	    waitpid(command->pid, &command->wait_status, WNOHANG) == command->pid)
		command->exited = true;
	return command->exited;
}

void rec_command_done(struct rec_command *command)
{
	if (command->pid <= 0)
		return;
	cap_closep(&command->error_fd);
	if (command->release_fd >= 0) {
		(void)close(command->release_fd); /* not released: it exits by itself */
		command->release_fd = -1;
		while (!command->exited && waitpid(command->pid, &command->wait_status, 0) < 0 &&
		       errno == EINTR)
			;
		command->exited = true;
	}
	command->error_fd = -1;
}
