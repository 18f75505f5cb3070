/*
 * The recording: phases open, attach, start, run, stop, one function each; rec_record() undoes them
 * on every path. Everything that can end a recording is a descriptor in one poll(2).
 */
#include "recorder/session/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/escape.h"
#include "formats/base/cleanup.h"
#include "formats/base/size_text.h"
#include "recorder/base/error_names.h"
#include "recorder/base/monotonic.h"
#include "recorder/base/quantity_text.h"
#include "recorder/base/units.h"
#include "recorder/budget/budget_control.h"
#include "recorder/budget/memory_plan.h"
#include "recorder/guard/privileges.h"
#include "recorder/guard/stop_steps.h"
#include "recorder/host/own_cost.h"
#include "recorder/host/host_facts.h"
#include "recorder/names/names.h"
#include "recorder/pipeline/output_file.h"
#include "recorder/pipeline/rec_source.h"
#include "recorder/pipeline/size_limit.h"
#include "recorder/session/command_child.h"
#include "recorder/session/info_blocks.h"
#include "recorder/session/pid_watch.h"
#include "recorder/session/status_line.h"

#define DEFAULT_DRAIN_MS 100u
#define CLOCK_SECONDS 10u /* between CLOCK rows */
#define SMALL_SIZE_DRAIN_MS 10u
#define SMALL_SIZE_BYTES (16u << 20) /* below this --max-size is looked at every 10 ms */
#define ROOM_POLL_MS 1		     /* how long a source that can wait waits for the writer */

enum { FD_TIMER, FD_SIGNAL, FD_DURATION, FD_WAKE, FD_OUTPUT, FD_PIDS }; /* places in the poll set */

struct recording {
	struct rec_options options; /* a copy: the command's pid joins the filter */
	struct rec_info side;	    /* source and pipeline, too */
	struct rec_output *output;
	struct rec_command command;
	struct rec_pid_watch pids;
	struct rec_host_facts facts;
	const struct rec_screen *screen;
	struct rec_status status;
	sigset_t signals;
	struct rec_caller_signals caller_signals;
	int timer_fd, duration_fd, signal_fd;

	bool started, ended, incomplete;
	enum cap_end_reason reason;
	u64 begin_ns, end_ns, second_ns; /* CLOCK_MONOTONIC */
	u32 seconds;
	struct rec_size_limit size_limit;
	struct rec_own_cost begin_cost;
	struct rec_steps *steps; /* of the end */
	struct rec_names *names; /* NULL: not wanted */
};

/* CPUs of this host, even if the events are from another: shares of CPU time refer to these. */
static u32 online_cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (u32)count : 1;
}

static bool can_wait(const struct recording *rec)
{
	return rec->side.ops->can_wait && rec->side.ops->can_wait(rec->side.source);
}

static void end(struct recording *rec, enum cap_end_reason reason)
{
	if (!rec->ended)
		rec->reason = reason;
	rec->ended = true;
}

/* For rec_source_ops.missing; context is the recording. */
static void recording_warn_missing(void *context, const char *what, const char *why)
{
	struct recording *rec = context;
	char text[512];

	(void)snprintf(text, sizeof(text), "not recorded: %s: %s", what, why[0] ? why : "refused");
	rec->screen->warn(text);
	if (rec->started)
		rec->incomplete = true;
}

/* -------- open -------- */

static int open_signals(struct recording *rec, struct cap_err *err)
{
	struct sigaction hangup;

	(void)sigemptyset(&rec->signals);
	(void)sigaddset(&rec->signals, SIGCHLD);
	/* Shells make background jobs ignore SIGINT; if somebody sends it by hand, it is meant. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigaddset(&rec->signals, SIGINT);
	(void)sigaddset(&rec->signals, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* nohup */
		(void)sigaddset(&rec->signals, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(2) */
	(void)signal(SIGXFSZ, SIG_IGN); /* so is a file as large as ulimit -f allows */
	if (sigprocmask(SIG_BLOCK, &rec->signals, NULL) < 0)
		return cap_fail_errno(err, errno, "block signals");
	rec->signal_fd = signalfd(-1, &rec->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return rec->signal_fd < 0 ? cap_fail_errno(err, errno, "signalfd") : 0;
}

static int open_timer(u64 after_ns, u64 every_ns, int *ret_fd, struct cap_err *err)
{
	struct itimerspec spec = {
		.it_value = {(time_t)(after_ns / REC_NS_PER_S), (long)(after_ns % REC_NS_PER_S)},
		.it_interval = {(time_t)(every_ns / REC_NS_PER_S), (long)(every_ns % REC_NS_PER_S)},
	};

	*ret_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*ret_fd < 0 || timerfd_settime(*ret_fd, 0, &spec, NULL) < 0)
		return cap_fail_errno(err, errno, "timer");
	return 0;
}

static int open_command(struct recording *rec, struct cap_err *err)
{
	int rc;

	if (!rec->options.command)
		return 0;
	rc = rec_command_fork(rec->options.command, strcmp(rec->options.output_path, "-") == 0,
			      &rec->caller_signals, &rec->command, err);
	if (rc < 0 || rec->options.all)
		return rc;
	if (rec->options.pid_count >= REC_MAX_PIDS)
		return cap_fail(err, CAP_EUSAGE, "more than %d processes", REC_MAX_PIDS - 1);
	rec->options.pids[rec->options.pid_count++] = rec->command.pid;
	return 0;
}

static int open_names(struct recording *rec, struct cap_err *err)
{
	int rc;

	if (rec->options.no_symbols || !rec->side.ops->of_this_host ||
	    !(rec->options.classes & EV_CLASSES_WITH_STACKS))
		return 0;
	rc = rec_names_open(&rec->names, err);
	if (rec->options.max_size_bytes > 0)
		rec_names_limit(rec->names, rec->options.max_size_bytes / REC_SIZE_NAMES_DIVISOR);
	return rc;
}

static int check_output(const struct recording *rec, struct cap_err *err)
{
	return rec_output_check(rec->options.output_path, rec->options.force,
				&rec->options.disk_floor, err);
}

static int open_phase(struct recording *rec, struct cap_err *err)
{
	int rc = 0;

	if (!rec->options.output_path)
		return cap_fail(err, CAP_EUSAGE,
				"no output named: give -o FILE, or -o - for a pipe");
	if (rec->options.json && strcmp(rec->options.output_path, "-") == 0)
		return cap_fail(err, CAP_EUSAGE,
				"-o - and --json both want standard output: choose one");
	rc = open_signals(rec, err);
	if (rc == 0 && rec->side.ops->of_this_host)
		rc = rec_pid_watch_open(rec->options.pids, rec->options.pid_count, &rec->pids, err);
	if (rc == 0)
		rc = check_output(rec, err);
	if (rc == 0)
		rc = open_command(rec, err);
	if (rc == 0)
		rc = open_names(rec, err); /* with few descriptors, and with the privileges */
	if (rc == 0)
		rc = rec_privileges_confine(err); /* not the command */
	return rc;
}

/* -------- attach -------- */

static int output_error(const struct recording *rec, int rc, struct cap_err *err)
{
	return rec_output_explain(rec->output, rec->options.output_path, rc, err);
}

/* It records all the same: the policy notices when memory exceeds the budget. */
static void warn_memory(const struct recording *rec, const struct rec_memory_plan *plan)
{
	u64 budget_bytes = rec->options.mem_budget_bytes;
	char needed[32], budget[32], text[192];

	if (budget_bytes == 0 || plan->needed_bytes <= budget_bytes)
		return;
	(void)snprintf(text, sizeof(text),
		       "recording may need %s of memory, above the budget of %s; see --buffer and "
		       "--mem-budget",
		       cap_size_text((double)plan->needed_bytes, needed),
		       cap_size_text((double)budget_bytes, budget));
	rec->screen->warn(text);
}

/* The file is created only now, and its first blocks are written at once: nobody ever finds an
 * empty file. */
static int open_sink(struct recording *rec, struct cap_err *err)
{
	struct rec_pipeline_options options = {
		.info = &rec->facts.info,
		.wait_when_full = can_wait(rec),
		.replay = rec->side.ops->is_replay,
	};
	struct rec_memory_plan plan;
	int rc = check_output(rec,
			      err); /* check again: programs were loaded since, and others wrote */

	if (rc == 0)
		rc = rec_output_open(rec->options.output_path, rec->options.force, &rec->output,
				     err);
	if (rc < 0)
		return rc;
	rec_output_set_sync(rec->output, rec->options.sync);
	rc = rec_output_set_floor(rec->output, &rec->options.disk_floor, err);
	if (rc < 0)
		return output_error(rec, rc, err);
	rec_memory_plan(&rec->options, rec->side.ops->of_this_host ? rec_possible_cpus() : 0,
			&plan);
	warn_memory(rec, &plan);
	options.queue_bytes = plan.queue_bytes;
	options.fd = rec_output_fd(rec->output);
	options.output = rec->output;
	options.code_hits = rec_names_hits(rec->names);
	if (rec->side.ops->kernel_map)
		options.kernel_map = rec->side.ops->kernel_map(rec->side.source);
	if (rec->side.ops->code_map)
		options.code_map = rec->side.ops->code_map(rec->side.source);
	rc = rec_pipeline_open(&options, &rec->side.pipeline, err);
	return rc < 0 ? output_error(rec, rc, err) : 0;
}

static int attach_phase(struct recording *rec, struct cap_err *err)
{
	int rc = rec->side.ops->open(&rec->options, &rec->side.source, err);

	if (rc == 0)
		rc = rec_host_info(&rec->facts, err);
	if (rc < 0)
		return rc;
	if (rec->side.ops->missing)
		rec->side.ops->missing(rec->side.source, recording_warn_missing, rec);
	if (rec->side.ops->describe)
		rec->side.ops->describe(rec->side.source, &rec->facts.info);
	rc = open_sink(rec, err);
	if (rc < 0)
		return rc;
	return rec_budget_control_open(&rec->options, rec->side.ops, rec->side.source,
				       online_cpus(), &rec->side.control, err);
}

/* -------- start -------- */

static u32 drain_interval_ms(const struct rec_options *options)
{
	u32 drain_ms = options->drain_ms ? options->drain_ms : DEFAULT_DRAIN_MS;

	if (options->max_size_bytes > 0 && options->max_size_bytes < SMALL_SIZE_BYTES &&
	    drain_ms > SMALL_SIZE_DRAIN_MS)
		drain_ms = SMALL_SIZE_DRAIN_MS;
	return drain_ms;
}

static int start_phase(struct recording *rec, struct cap_err *err)
{
	u32 drain_ms = drain_interval_ms(&rec->options);
	int rc = rec_info_meta(&rec->side);

	if (rc < 0)
		return cap_fail_errno(err, ENOMEM, "write the facts of the host");
	if (rec_info_begin_clocks(&rec->side) < 0)
		return cap_fail_errno(err, ENOMEM, "write the clocks");
	rec_pipeline_polled(rec->side.pipeline, rec_info_now(&rec->side));
	rc = rec->side.ops->start(rec->side.source, rec->side.pipeline, err);
	if (rc < 0)
		return rc;
	/* Time counts from here on, when events flow; listing what already runs took time, too. */
	rec->begin_ns = rec_monotonic_ns();
	rec->second_ns = rec->begin_ns;
	rec_own_cost_read(&rec->begin_cost);
	rec_budget_control_start(rec->side.control, rec_output_floor_bytes(rec->output));
	rc = open_timer((u64)drain_ms * 1000000ull, (u64)drain_ms * 1000000ull, &rec->timer_fd,
			err);
	if (rc == 0)
		rc = open_timer(rec->options.duration_ns, 0, &rec->duration_fd, err);
	if (rc == 0 && rec->command.pid > 0)
		rc = rec_command_release(&rec->command, rec->options.command[0], err);
	if (rc == 0)
		rc = rec_steps_open(rec->screen->step, &rec->steps, err);
	/* Everything is open and attached; from here on only descriptors are used. Not before the
	 * command is released: if it cannot be executed, the file is removed again, perhaps from
	 * another user's directory. The writer thread dropped its privileges already, so a refusal
	 * would have come before.
	 */
	if (rc == 0)
		rc = rec_privileges_drop_all(err);
	if (rc == 0 && rec->screen->confine)
		rc = rec->screen->confine(err);
	if (rc == 0 && rec->side.ops->use_steps)
		rec->side.ops->use_steps(rec->side.source, rec->steps);
	rec->started = rc == 0;
	return rc;
}

/* -------- run -------- */

static void take_signals(struct recording *rec)
{
	struct signalfd_siginfo info;

	while (read(rec->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			/* A second signal must work even while we wait for a disk. */
			(void)sigdelset(&rec->signals, SIGCHLD);
			(void)sigprocmask(SIG_UNBLOCK, &rec->signals, NULL);
			end(rec, CAP_END_SIGNAL);
		} else if (rec_command_reap(&rec->command)) {
			end(rec, CAP_END_TARGET);
		}
	}
}

static void check_limits(struct recording *rec)
{
	struct rec_pipeline_counts counts;

	if (rec->options.max_samples == 0 && rec->options.max_size_bytes == 0)
		return;
	rec_pipeline_counts(rec->side.pipeline, &counts);
	if (rec->options.max_samples > 0 && counts.stored_count >= rec->options.max_samples)
		end(rec, CAP_END_SAMPLES);
	if (rec->options.max_size_bytes > 0 &&
	    rec_size_limit_reached(&rec->size_limit, rec->side.pipeline, &counts,
				   rec_names_room(rec->names)))
		end(rec, CAP_END_SIZE);
}

/* Always reported at once: it is not what was requested. */
static void end_for_space(struct recording *rec)
{
	char text[512], path[256], floor[32];

	if (!rec->ended) {
		(void)cap_escape_text(CAP_ESCAPE_ASCII, rec->options.output_path,
				      strlen(rec->options.output_path), path, sizeof(path));
		(void)cap_size_text((double)rec_output_floor_bytes(rec->output), floor);
		(void)snprintf(text, sizeof(text),
			       "output '%s': ended early: its disk is nearly full (%s must stay "
			       "free); make room, or record to another disk",
			       path, floor);
		rec->screen->warn(text);
	}
	if (!rec->ended)
		rec_budget_control_at_floor(rec->side.control, rec_output_floor_bytes(rec->output));
	end(rec, CAP_END_NO_SPACE);
}

static int each_second(struct recording *rec, struct cap_err *err)
{
	int rc;

	rec->seconds++;
	rec_budget_control_watch_memory(rec->side.control, rec->side.pipeline);
	rc = rec_info_stats(&rec->side);
	if (rc == 0)
		rc = rec_info_watch_clocks(&rec->side, rec->seconds % CLOCK_SECONDS == 0);
	if (rc < 0)
		return cap_fail_errno(err, rc > -2000 ? -rc : EOVERFLOW,
				      "take stock of the recording");
	return 0;
}

/* What stopped the flow of events, unless it was the kernel or the output, which have their own
 * messages. */
static int event_error(int rc, struct cap_err *err)
{
	struct cap_err inner = *err;

	if (rec_error_name(&inner))
		return rc;
	cap_say_memory(&inner, rc);
	return rec_fail(err, rc, REC_ERROR_EventProcessingFailed,
			"%s; what was recorded until then is in the capture", inner.text);
}

static int tick(struct recording *rec, struct cap_err *err)
{
	int rc = rec_pipeline_tick(rec->side.pipeline, rec_info_now(&rec->side), err);

	if (rc == -ENOMEM)
		return event_error(rc, err);
	return rc < 0 ? output_error(rec, rc, err) : 0;
}

static int drain(struct recording *rec, struct cap_err *err)
{
	int drained = rec->side.ops->drain(rec->side.source, rec->side.pipeline, err);
	u64 now_ns = rec_monotonic_ns();
	u64 once_begin;
	int rc;

	if (drained < 0)
		return event_error(drained, err);
	once_begin = rec_own_once_begin();
	rec_names_step(rec->names, rec->side.pipeline, now_ns);
	rec_own_once_end(once_begin);
	rec_budget_control_step(rec->side.control);
	if (now_ns - rec->second_ns >= REC_NS_PER_S) {
		rec->second_ns = now_ns;
		rc = each_second(rec, err);
		if (rc < 0)
			return event_error(rc, err);
	}
	rc = tick(rec, err);
	if (rc < 0)
		return rc;
	check_limits(rec);
	if (rec_output_low_on_space(rec->output))
		end_for_space(rec);
	if (drained == 1)
		end(rec, CAP_END_NORMAL);
	if (rec_status_due(&rec->status, now_ns)) {
		struct rec_pipeline_counts counts;

		rec_pipeline_counts(rec->side.pipeline, &counts);
		rec_status_show(&rec->status, now_ns, &counts,
				rec_budget_control_state_text(rec->side.control));
	}
	return 0;
}

static void fill_poll_set(struct recording *rec, struct pollfd *fds, bool has_room)
{
	fds[FD_TIMER] = (struct pollfd){.fd = rec->timer_fd, .events = POLLIN};
	fds[FD_SIGNAL] = (struct pollfd){.fd = rec->signal_fd, .events = POLLIN};
	fds[FD_DURATION] = (struct pollfd){.fd = rec->duration_fd, .events = POLLIN};
	fds[FD_WAKE] = (struct pollfd){
		.fd = has_room && rec->side.ops->wake_fd ? rec->side.ops->wake_fd(rec->side.source)
							 : -1,
		.events = POLLIN,
	};
	/* No events asked for: a pipe whose reader is gone still reports POLLERR. */
	fds[FD_OUTPUT] = (struct pollfd){
		.fd = rec_output_is_stream(rec->output) ? rec_output_fd(rec->output) : -1,
	};
	memcpy(fds + FD_PIDS, rec->pids.fds, rec->pids.count * sizeof(*fds));
}

static int run_phase(struct recording *rec, struct cap_err *err)
{
	struct pollfd fds[FD_PIDS + REC_MAX_PIDS];

	while (!rec->ended) {
		bool has_room = !can_wait(rec) || rec_pipeline_has_room(rec->side.pipeline);
		u64 ticks;
		int rc;

		fill_poll_set(rec, fds, has_room);
		if (poll(fds, FD_PIDS + rec->pids.count,
			 has_room ? rec_budget_control_wait_ms(rec->side.control) : ROOM_POLL_MS) <
		    0) {
			if (errno == EINTR)
				continue;
			return cap_fail_errno(err, errno, "wait for events");
		}
		if (fds[FD_SIGNAL].revents)
			take_signals(rec);
		if (fds[FD_DURATION].revents)
			end(rec, CAP_END_NORMAL);
		if (fds[FD_OUTPUT].revents & (POLLERR | POLLHUP | POLLNVAL))
			return output_error(rec, -EPIPE, err);
		rec_pid_watch_update(&rec->pids, fds + FD_PIDS);
		if (rec->pids.count > 0 && rec->pids.alive_count == 0 && rec->command.pid == 0)
			end(rec, CAP_END_TARGET);
		if (fds[FD_TIMER].revents)
			(void)!read(rec->timer_fd, &ticks, sizeof(ticks)); /* only to re-arm it */
		if (!fds[FD_TIMER].revents && !fds[FD_WAKE].revents && has_room) {
			rec_budget_control_step(rec->side.control);
			continue;
		}
		if (!has_room) {
			rc = tick(rec, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = drain(rec, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* -------- stop -------- */

static void only_note(int number)
{
	(void)number; /* the end is on its way */
}

/*
 * A recording that ends by itself may still be interrupted. The first signal changes nothing, the
 * next one kills at once. After an end by signal that is so already (take_signals).
 */
static void open_to_signals(struct recording *rec)
{
	struct sigaction once = {.sa_handler = only_note,
				 .sa_flags = (int)SA_RESETHAND | SA_RESTART};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	if (rec->reason == CAP_END_SIGNAL && rec->ended)
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigismember(&rec->signals, numbers[i]) == 1)
			(void)sigaction(numbers[i], &once, NULL); /* cannot fail for these */
	(void)sigdelset(&rec->signals, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &rec->signals, NULL);
}

/* Steps that were given up are reported; all steps are in the capture. */
static void keep_steps(struct recording *rec)
{
	char text[REC_STEPS_TEXT_BYTES + 128];

	if (!rec->steps || !rec_steps_text(rec->steps)[0])
		return;
	if (rec_steps_hung(rec->steps)) {
		(void)snprintf(
			text, sizeof(text),
			"gave up on a step of the shutdown because the kernel did not respond "
			"(%s); the capture is complete, the rest ends with this process",
			rec_steps_text(rec->steps));
		rec->screen->warn(text);
		rec->incomplete = true;
	}
	(void)rec_info_mark(&rec->side, "stop",
			    rec_steps_text(rec->steps)); /* no memory: without */
}

/*
 * Detaches and ends the file, whatever failed before (rc < 0). Returns the first error, except that
 * of the file's end, which is *ret_end_rc.
 */
static int recording_stop(struct recording *rec, int rc, int *ret_end_rc, struct cap_err *err)
{
	struct cap_err first = *err;
	int stop_rc;

	rec_status_clear(&rec->status);
	open_to_signals(rec);
	rec_steps_note(rec->steps, NULL);
	rec_budget_control_end(rec->side.control);
	stop_rc = rec->side.ops->stop(rec->side.source, rec->side.pipeline, rc < 0 ? &first : err);
	if (rc == 0 && stop_rc < 0)
		rc = stop_rc;
	if (rec->side.ops->missing)
		rec->side.ops->missing(rec->side.source, recording_warn_missing, rec);
	if (rec->names && rc >= 0 && !rec_steps_hung(rec->steps)) {
		rec_names_finish(rec->names, rec->side.pipeline);
		rec_steps_note(rec->steps, "user functions named");
	}
	if (rc != -EPIPE) {
		(void)rec_info_stats(&rec->side); /* out of memory here: earlier rows are kept */
		(void)rec_info_watch_clocks(&rec->side, true);
		keep_steps(rec);
	}
	if (rc < 0 && !rec_output_error_is_full(rc) && rc != -EPIPE)
		rec->reason = CAP_END_IO_ERROR;
	(void)rec_pipeline_tick(rec->side.pipeline, rec_info_now(&rec->side),
				&first); /* its error comes again from finish */
	*ret_end_rc = rec_pipeline_finish(rec->side.pipeline, rec->reason, rc < 0 ? &first : err);
	rec_steps_note(rec->steps, "file ended");
	return rc;
}

/* Always detaches and always tries to end the file; returns the first error. */
static int stop_phase(struct recording *rec, int rc, struct cap_err *err)
{
	int end_rc;

	rc = recording_stop(rec, rc, &end_rc, err);
	return rc < 0 || end_rc == 0 ? rc : output_error(rec, end_rc, err);
}

static int close_output(struct recording *rec, int rc, struct cap_err *err)
{
	struct cap_err close_err = {0};
	int close_rc = rec_output_close(rec->output, &close_err);

	if (close_rc == 0 || rc < 0)
		return rc;
	*err = close_err;
	return output_error(rec, close_rc, err);
}

static void fill_result(const struct recording *rec, int rc, struct rec_result *ret_result)
{
	struct rec_own_cost cost;

	*ret_result = (struct rec_result){
		.reason = rec_output_error_is_full(rc) ? CAP_END_NO_SPACE
			  : rc == -EPIPE	       ? CAP_END_PIPE_CLOSED
			  : rc < 0		       ? CAP_END_IO_ERROR
						       : rec->reason,
		.recorded = rec->started,
		.incomplete = rec->incomplete,
		.cpu_count = online_cpus(),
		.command_pid = rec->command.pid,
		.command_exited = rec->command.exited,
		.command_status = rec->command.wait_status,
	};
	if (!rec->started)
		return;
	rec_names_result(rec->names, &ret_result->names);
	rec_own_cost_read(&cost);
	ret_result->elapsed_ns = rec->end_ns - rec->begin_ns;
	rec_pipeline_counts(rec->side.pipeline, &ret_result->counts);
	ret_result->cost = cost;
	ret_result->cost.cpu_user_ns -= rec->begin_cost.cpu_user_ns;
	ret_result->cost.cpu_system_ns -= rec->begin_cost.cpu_system_ns;
	rec_budget_control_result(rec->side.control, &ret_result->budget);
}

static void recording_done(struct recording *rec)
{
	(void)sigprocmask(SIG_SETMASK, &rec->caller_signals.mask, NULL);
	if (rec_steps_hung(rec->steps))
		return; /* names too, whose child ends with us; a hanging step may still use it; the
			   process ends now */
	(void)rec_steps_free(rec->steps);
	(void)rec_names_close(rec->names);
	if (rec->side.source)
		rec->side.ops->free(rec->side.source);
	rec_pipeline_free(rec->side.pipeline);
	(void)rec_budget_control_free(rec->side.control);
	rec_output_free(rec->output);
	rec_pid_watch_done(&rec->pids);
	cap_closep(&rec->timer_fd);
	cap_closep(&rec->duration_fd);
	cap_closep(&rec->signal_fd);
}

static const struct rec_source_ops *choose_source(enum rec_source_kind kind)
{
#ifdef KYMO_SYNTHETIC
	if (kind == REC_SOURCE_SYNTHETIC)
		return &rec_synthetic_source;
	if (kind == REC_SOURCE_CAPTURE)
		return &rec_capture_source;
#endif
	(void)kind;
	return &rec_live_source;
}

int rec_record(const struct rec_options *options, const struct rec_screen *screen,
	       struct rec_result *ret_result, struct cap_err *err)
{
	struct recording rec = {
		.options = *options,
		.screen = screen,
		.side.ops = choose_source(options->source_kind),
		.size_limit = {.max_bytes = options->max_size_bytes},
		.timer_fd = -1,
		.duration_fd = -1,
		.signal_fd = -1,
		.command = {.release_fd = -1, .error_fd = -1},
	};
	int rc;

	rec.side.options = &rec.options;
	rec.side.info = &rec.facts.info;
	rec_caller_signals_read(&rec.caller_signals);
	rc = open_phase(&rec, err);
	if (rc == 0)
		rc = attach_phase(&rec, err);
	if (rc == 0)
		rc = start_phase(&rec, err);
	if (rc == 0) {
		rec_status_open(&rec.status, screen->status, options->duration_ns, online_cpus());
		rc = run_phase(&rec, err);
		rec.end_ns = rec_monotonic_ns();
		rc = stop_phase(&rec, rc, err);
		rc = close_output(&rec, rc, err);
	} else if (rec.output) {
		rec_output_discard(rec.output);
	}
	rec_command_done(&rec.command);
	fill_result(&rec, rc, ret_result);
	recording_done(&rec);
	return rc;
}
