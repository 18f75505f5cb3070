#pragma once
/* The command after `--`: forked before anything is attached, held until recording has begun,
 * reaped at its end. */
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "formats/base/cap_error.h"

struct rec_command {
	pid_t pid;	/* 0: there is none */
	int release_fd; /* a byte lets it run; closing it makes the child give up */
	int error_fd;	/* errno of a failed exec arrives here */
	bool exited;
	int wait_status; /* as waitpid gives it; valid once exited */
};

/* Signal settings of the recorder's caller: the command gets them as if started directly. */
struct rec_caller_signals {
	sigset_t mask;
	struct sigaction on_interrupt, on_terminate, on_pipe, on_file_size;
};

void rec_caller_signals_read(struct rec_caller_signals *ret_signals);

/*
 * Forks the child that will become argv. Checks first that the program exists, so that nothing is
 * recorded in vain. stdout_taken: the capture goes to standard output, the command's goes to
 * standard error. -errno; the message names the command.
 */
int rec_command_fork(char *const *argv, bool stdout_taken, const struct rec_caller_signals *signals,
		     struct rec_command *ret_command, struct cap_err *err);

/* Lets it run; returns once the program is executing. -errno if exec failed (the child is gone
 * then). */
int rec_command_release(struct rec_command *command, const char *name, struct cap_err *err);

/* True once it has ended; does not wait. */
bool rec_command_reap(struct rec_command *command);

/* Ends a child that was never released, closes descriptors. */
void rec_command_done(struct rec_command *command);
