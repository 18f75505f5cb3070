/* Started late, so that it never waits for a capture to be read. A pager without characters that
 * are special to a shell is run as it is: only so it is known whether there is such a program. */
#include "analyzer/output/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PAGER "less"
#define DEFAULT_COLUMNS 80
#define SHELL_CHARACTERS "|&;<>()$`\\\"' \t\n*?[#~=%"

static volatile sig_atomic_t waited_for; /* the pager, for the handler */

size_t kymo_terminal_columns(void)
{
	const char *given = getenv("COLUMNS");
	struct winsize size = {0};
	long columns;

	if (!isatty(STDOUT_FILENO))
		return 0;
	columns = given ? strtol(given, NULL, 10) : 0;
	if (columns > 0)
		return (size_t)columns;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_COLUMNS;
}

/* NULL: none is wanted, or none would work. */
static const char *choose(bool *ret_named)
{
	const char *term = getenv("TERM"), *pager = getenv("KYMO_PAGER");

	if (!isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0)
		return NULL;
	if (!pager)
		pager = getenv("PAGER");
	*ret_named = pager != NULL;
	if (!pager)
		pager = DEFAULT_PAGER;
	return *pager == '\0' || strcmp(pager, "cat") == 0 ? NULL : pager;
}

/* What we ignore, it should not; its input is the pipe. 0 or -errno. */
static int spawn_with(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		      const char *pager, int input, pid_t *ret_pid)
{
	char *const as_it_is[] = {(char *)pager, NULL};
	char *const by_shell[] = {"sh", "-c", (char *)pager, NULL};
	char *const *words = strpbrk(pager, SHELL_CHARACTERS) ? by_shell : as_it_is;
	sigset_t defaults;
	int rc;

	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	rc = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attributes, &defaults);
	if (rc == 0)
		rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnp(ret_pid, words[0], actions, attributes, words, environ);
	return -rc;
}

static int spawn(const char *pager, int input, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc;

	/* -F: leave at once if it fits the screen, -R: as git has it, -X: leave it on the screen */
	(void)setenv("LESS", "FRX", 0);
	(void)setenv("LV", "-c", 0);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	rc = spawn_with(&actions, &attributes, pager, input, ret_pid);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Ctrl-C reaches the pager too, and does not end it: nor may we leave it alone with the terminal.
 */
static void wait_and_die(int number)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	int status;

	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	while (waitpid(waited_for, &status, 0) < 0 && errno == EINTR)
		;
	(void)sigaction(number, &usual, NULL);
	(void)raise(number);
}

static void catch_signals(pid_t pager)
{
	static const int numbers[] = {SIGINT, SIGHUP, SIGTERM, SIGQUIT};
	const struct sigaction action = {.sa_handler = wait_and_die};

	waited_for = pager;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction before;

		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

void kymo_pager_begin(const struct kymo_run *run)
{
	bool named = false;
	const char *pager;
	int ends[2], rc;

	if (!run->pager || run->pager->pid > 0)
		return;
	pager = choose(&named);
	if (!pager || pipe2(ends, O_CLOEXEC) < 0)
		return; /* it is no worse than without a pager */
	(void)fflush(stdout);
	rc = spawn(pager, ends[0], &run->pager->pid);
	(void)close(ends[0]);
	if (rc == 0) {
		run->pager->has_messages = isatty(STDERR_FILENO);
		(void)dup2(ends[1], STDOUT_FILENO); /* cannot fail: both are open */
		if (run->pager->has_messages)
			(void)dup2(ends[1], STDERR_FILENO);
		catch_signals(run->pager->pid);
	} else {
		run->pager->pid = 0;
	}
	(void)close(ends[1]);
	if (rc < 0 && named)
		run->note(run, "cannot run the pager '%s': %s", pager, strerror(-rc));
}

bool kymo_pager_end(struct kymo_pager *pager)
{
	int status;

	if (pager->pid <= 0)
		return false;
	(void)fflush(stdout);
	(void)fflush(stderr);
	(void)close(STDOUT_FILENO); /* the pipe: now it has an end */
	if (pager->has_messages)
		(void)close(STDERR_FILENO);
	while (waitpid(pager->pid, &status, 0) < 0 && errno == EINTR)
		;
	pager->pid = 0;
	return true;
}
