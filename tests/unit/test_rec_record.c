/* The loop as a whole, driven by the synthetic source: how recordings end, what they leave behind,
 * what they return. */
#include "recording_kit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "recorder/host/clock_snapshot.h"
#include "recorder/session/command_child.h"
#include "recorder/session/pid_watch.h"
#include "recorder/session/record.h"
#include "recorder/session/summary.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
	(void)state;
	/* in memory where that is: no disk of this machine holds anything up */
	strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/kymo-test-XXXXXX"
						     : "/tmp/kymo-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/out.kymo", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder); /* fails where something else was left behind */
}

static void ignore_warning(const char *text)
{
	(void)text;
}

static const struct rec_screen screen = {.warn = ignore_warning};

static struct rec_options synthetic(u64 events, u64 rate_hz)
{
	struct rec_options options = {
		.source_kind = REC_SOURCE_SYNTHETIC,
		.synthetic = {.events = events, .rate_hz = rate_hz, .mix = "all"},
		.output_path = path,
	};

	return options;
}

/* Records and checks return value, exit status, reason and that stored events are in the file. */
static struct rec_result record_to(const struct rec_options *options, enum cap_end_reason reason)
{
	struct rec_result result;
	struct kit_capture calls;
	struct cap_err err = {0};
	int rc = rec_record(options, &screen, &result, &err);
	int fd;

	if (rc < 0)
		fail_msg("rec_record: %s", err.text);
	assert_int_equal(rec_exit_status(rc, &result), REC_EXIT_OK);
	assert_int_equal(result.reason, reason);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	calls = kit_read(fd, EV_SYSCALL, NULL);
	assert_true(calls.damage.ended);
	assert_int_equal(calls.damage.end_reason, reason);
	assert_int_equal(calls.damage.end_events, result.counts.stored_count);
	assert_int_equal(result.counts.attempted_count, result.counts.stored_count);
	assert_int_equal(lseek(fd, 0, SEEK_END), result.counts.written_bytes);
	kit_free(&calls);
	close(fd);
	return result;
}

static void test_ends(void **state)
{
	struct rec_options all = synthetic(5000, 0), timed = synthetic(0, 20000);
	struct rec_options counted = synthetic(0, 0), sized = synthetic(0, 100000);
	struct rec_result result;
	struct stat info;

	(void)state;
	assert_int_equal(record_to(&all, CAP_END_NORMAL).counts.stored_count, 5000);
	timed.force = counted.force = sized.force = true;
	timed.duration_ns = 300000000;
	result = record_to(&timed, CAP_END_NORMAL);
	assert_true(result.elapsed_ns >= 300000000 && result.counts.stored_count > 0);
	counted.max_samples = 777;
	assert_int_equal(record_to(&counted, CAP_END_SAMPLES).counts.stored_count, 777);
	sized.max_size_bytes = 500000;
	(void)record_to(&sized, CAP_END_SIZE);
	assert_int_equal(stat(path, &info), 0);
	assert_true(info.st_size <= 500000);
	/* Most of it where the disk keeps up. Until the first chunk is on it, nothing is known of
	 * how well events compress, and a slow disk ends the recording early rather than late. */
	assert_true(info.st_size > 50000);
}

static void test_signal_ends_normally(void **state)
{
	struct rec_options options = synthetic(0, 50000);
	pid_t recorder = getpid(), killer = fork();

	(void)state;
	if (killer == 0) { /* once it writes */
		struct stat info;

		while (getppid() == recorder && (stat(path, &info) < 0 || info.st_size == 0))
			(void)usleep(1000);
		_exit(kill(getppid(), SIGTERM));
	}
	(void)record_to(&options, CAP_END_SIGNAL);
	(void)waitpid(killer, NULL, 0);
}

/* Looked at each second, and said. */
static void test_memory_is_watched(void **state)
{
	struct rec_options options = synthetic(0, 1000);

	(void)state;
	options.mem_budget_bytes = 1;
	options.duration_ns = 1500000000;
	assert_true(record_to(&options, CAP_END_NORMAL).budget.memory_count > 0);
}

static void test_what_exists_stays(void **state)
{
	struct rec_options options = synthetic(10, 0);
	struct rec_result result;
	struct cap_err err = {0};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct stat info;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(rec_record(&options, &screen, &result, &err), -EEXIST);
	assert_false(result.recorded);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_size, 0);
	assert_int_equal(info.st_nlink, 1);
	close(fd);
}

/* Whatever keeps a recording from beginning, no file stays. */
static void test_nothing_is_left_of_what_never_began(void **state)
{
	char *no_command[] = {(char[]){"kymo-no-such-command"}, NULL};
	char *not_a_program[] = {(char[]){"/"}, NULL};
	struct rec_options bad_mix = synthetic(10, 0), missing = synthetic(10, 0),
			   folder_run = synthetic(10, 0);
	struct rec_options no_source = {.source_kind = REC_SOURCE_CAPTURE,
					.source_path = (char[]){"/nonexistent"},
					.output_path = path};
	struct rec_result result;
	struct cap_err err = {0};

	(void)state;
	strcpy(bad_mix.synthetic.mix, "nonsense");
	assert_int_equal(rec_record(&bad_mix, &screen, &result, &err), CAP_EUSAGE);
	missing.command = no_command;
	assert_int_equal(rec_record(&missing, &screen, &result, &err), -ENOENT);
	assert_string_equal(err.text, "command not found: 'kymo-no-such-command'");
	folder_run.command = not_a_program;
	assert_true(rec_record(&folder_run, &screen, &result, &err) < 0);
	assert_int_equal(rec_record(&no_source, &screen, &result, &err), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_command(void **state)
{
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 5"}, NULL};
	struct rec_options options = synthetic(0, 1000);
	struct rec_result result;

	(void)state;
	options.command = argv;
	result = record_to(&options, CAP_END_TARGET);
	assert_true(result.command_exited);
	assert_int_equal(WEXITSTATUS(result.command_status), 5);
}

/* A child that is not released ends, and has run nothing. */
static void test_command_on_its_leash(void **state)
{
	char *argv[] = {(char[]){"touch"}, path, NULL};
	struct rec_caller_signals signals;
	struct rec_command command;
	struct cap_err err = {0};

	(void)state;
	rec_caller_signals_read(&signals);
	assert_int_equal(rec_command_fork(argv, false, &signals, &command, &err), 0);
	rec_command_done(&command);
	assert_true(command.exited);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(kill(command.pid, 0), -1);
}

static void test_pids(void **state)
{
	pid_t pids[2] = {getpid(), 4194304}, child = fork();
	struct rec_pid_watch watch;
	struct pollfd polled[REC_MAX_PIDS];
	struct cap_err err = {0};

	(void)state;
	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	assert_int_equal(rec_pid_watch_open(pids, 2, &watch, &err), -ESRCH);
	assert_string_equal(err.text, "process 4194304 does not exist");
	assert_int_equal(rec_pid_watch_open(&child, 1, &watch, &err), 0);
	memcpy(polled, watch.fds, sizeof(polled));
	assert_int_equal(poll(polled, 1, 0), 0);
	(void)kill(child, SIGKILL);
	assert_int_equal(poll(polled, 1, 60000), 1);
	rec_pid_watch_update(&watch, polled);
	assert_int_equal(watch.alive_count, 0);
	(void)waitpid(child, NULL, 0);
	rec_pid_watch_done(&watch);
}

static void test_clock_changes(void **state)
{
	struct ev_clock before, after;
	s64 by_ns;

	(void)state;
	rec_clock_read(&before);
	rec_clock_read(&after);
	assert_true(before.time_ns <= after.time_ns);
	before = (struct ev_clock){.time_ns = 1000, .realtime_ns = 9000, .boottime_ns = 2000};
	after = (struct ev_clock){.time_ns = 1000 + 1000000000,
				  .realtime_ns = 9000 + 1000500000,
				  .boottime_ns = 2000 + 1000000000};
	assert_int_equal(rec_clock_compare(&before, &after, &by_ns),
			 REC_CLOCK_STEADY); /* slewing */
	after.realtime_ns -= 3600000000000;
	assert_int_equal(rec_clock_compare(&before, &after, &by_ns), REC_CLOCK_STEPPED);
	assert_int_equal(by_ns, 500000 - 3600000000000);
	after.realtime_ns = 9000 + 31000000000;
	after.boottime_ns = 2000 + 31000000000; /* slept for 30 s: wall time goes with it */
	assert_int_equal(rec_clock_compare(&before, &after, &by_ns), REC_CLOCK_SUSPENDED);
	assert_int_equal(by_ns, 30000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ends, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_signal_ends_normally, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_memory_is_watched, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_what_exists_stays, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_nothing_is_left_of_what_never_began,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_command, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_command_on_its_leash, make_folder,
						remove_folder),
		cmocka_unit_test(test_pids),
		cmocka_unit_test(test_clock_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
