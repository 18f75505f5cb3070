/* Giving up privileges: each case in a child of its own, since nothing brings them back. */
#include "recorder/guard/privileges.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit_main.h"

#define SKIPPED 77

static bool holds_any(void)
{
	FILE *file = fopen("/proc/thread-self/status", "re");
	unsigned long long set = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapPrm: %llx", &set) == 1)
			break;
	if (file)
		(void)fclose(file);
	return set != 0;
}

/* Exit status of the case. */
static int in_a_child(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define NEED(condition)                                                          \
	do {                                                                     \
		if (!(condition)) {                                              \
			(void)fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
			return 1;                                                \
		}                                                                \
	} while (0)

static int drop_alone(void)
{
	struct cap_err err = {0};

	NEED(rec_privileges_confine(&err) == 0);
	NEED(rec_privileges_drop_all(&err) == 0);
	NEED(!holds_any());
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	NEED(rec_privileges_drop_all(&err) == 0); /* with nothing left, too */
	return 0;
}

static void test_drop(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(drop_alone), 0);
}

static int hide_and_confine(void)
{
	struct cap_err err = {0};
	struct rlimit core;

	rec_privileges_hide();
	NEED(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	NEED(rec_privileges_confine(&err) == 0);
	NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	NEED(rec_privileges_drop_all(&err) == 0); /* /proc/self is still open to ourselves */
	return 0;
}

static void test_hide(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(hide_and_confine), 0);
}

/* Without no_new_privs a program executed later could gain what was given up. */
static int not_confined(void)
{
	struct cap_err err = {0};

	NEED(rec_privileges_drop_all(&err) == CAP_EPRIVILEGE);
	NEED(strstr(err.text, "may gain new ones"));
	return 0;
}

static void test_not_confined(void **state)
{
	(void)state;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		unit_skip("whoever runs the tests has no_new_privs set");
	assert_int_equal(in_a_child(not_confined), 0);
}

static pthread_barrier_t barrier;

static void *wait_for_end(void *argument)
{
	(void)argument;
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

static int another_thread_keeps(void)
{
	struct cap_err err = {0};
	pthread_t thread;

	if (!holds_any())
		return SKIPPED;
	NEED(rec_privileges_confine(&err) == 0);
	NEED(pthread_barrier_init(&barrier, NULL, 2) == 0);
	NEED(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
	NEED(rec_privileges_drop_all(&err) == CAP_EPRIVILEGE);
	NEED(strstr(err.text, "still has CapPrm"));
	(void)pthread_barrier_wait(&barrier);
	NEED(pthread_join(thread, NULL) == 0);
	return 0;
}

static void test_another_thread_keeps(void **state)
{
	int status = in_a_child(another_thread_keeps);

	(void)state;
	if (status == SKIPPED)
		unit_skip("needs a capability to keep");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_hide),
		cmocka_unit_test(test_not_confined),
		cmocka_unit_test(test_another_thread_keeps),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
