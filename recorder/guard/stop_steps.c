/* Helpers wait for a step on a condition variable; the caller waits for them with a deadline. A
 * helper whose step hangs is lost and never joined. */
#include "recorder/guard/stop_steps.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/base/cleanup.h"
#include "recorder/base/monotonic.h"
#include "recorder/guard/privileges.h"
#include "recorder/base/units.h"

#define STACK_BYTES (256u << 10) /* reading names of functions takes 64 KiB */

enum helper_state { HELPER_STARTING, HELPER_IDLE, HELPER_WORKS, HELPER_LOST, HELPER_ENDS };

struct helper {
	struct rec_steps *steps;
	pthread_t thread;
	enum helper_state state; /* under the lock */
	void (*step)(void *context);
	void *context;
	bool started;
	int error; /* of giving up its capabilities */
	struct cap_err err;
};

struct rec_steps {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct helper helpers[REC_STEP_HELPERS];
	void (*tell)(const char *text);
	u64 last_ns; /* when the step before ended */
	bool hung;
	char text[REC_STEPS_TEXT_BYTES];
};

static void *help(void *argument)
{
	struct helper *helper = argument;
	struct rec_steps *steps = helper->steps;
	struct cap_err err = {0};
	int rc = rec_privileges_drop(&err);

	(void)pthread_mutex_lock(&steps->lock);
	helper->error = rc;
	helper->err = err;
	helper->state = HELPER_IDLE;
	(void)pthread_cond_broadcast(&steps->changed);
	for (;;) {
		while (helper->state == HELPER_IDLE)
			(void)pthread_cond_wait(&steps->changed, &steps->lock);
		if (helper->state == HELPER_ENDS)
			break;
		(void)pthread_mutex_unlock(&steps->lock);
		helper->step(helper->context);
		(void)pthread_mutex_lock(&steps->lock);
		if (helper->state == HELPER_LOST)
			break; /* too late: nobody is waiting any more */
		helper->state = HELPER_IDLE;
		(void)pthread_cond_broadcast(&steps->changed);
	}
	(void)pthread_mutex_unlock(&steps->lock);
	return NULL;
}

static int start_helper(struct rec_steps *steps, struct helper *helper, struct cap_err *err)
{
	pthread_attr_t attributes;
	int rc;

	helper->steps = steps;
	(void)pthread_attr_init(&attributes); /* these cannot fail on Linux */
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	rc = pthread_create(&helper->thread, &attributes, help, helper);
	(void)pthread_attr_destroy(&attributes);
	if (rc == EAGAIN) /* it says the same where the stack could not be had */
		return cap_fail(err, -rc, "start the shutdown thread: out of memory or threads");
	if (rc != 0)
		return cap_fail_errno(err, rc, "start the shutdown thread");
	helper->started = true;
	(void)pthread_setname_np(helper->thread, "kymo-end"); /* only a label */
	(void)pthread_mutex_lock(&steps->lock);
	while (helper->state == HELPER_STARTING)
		(void)pthread_cond_wait(&steps->changed, &steps->lock);
	(void)pthread_mutex_unlock(&steps->lock);
	if (helper->error < 0)
		*err = helper->err;
	return helper->error;
}

static void steps_freep(struct rec_steps **steps)
{
	*steps = rec_steps_free(*steps);
}

int rec_steps_open(void (*tell)(const char *text), struct rec_steps **ret_steps,
		   struct cap_err *err)
{
	CLEANUP(steps_freep) struct rec_steps *steps = calloc(1, sizeof(*steps));
	pthread_condattr_t attributes;

	if (!steps)
		return cap_fail_errno(err, ENOMEM, "start the shutdown threads");
	steps->tell = tell;
	(void)pthread_mutex_init(&steps->lock, NULL); /* these cannot fail on Linux */
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&steps->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	for (size_t i = 0; i < REC_STEP_HELPERS; i++) {
		int rc = start_helper(steps, &steps->helpers[i], err);

		if (rc < 0)
			return rc;
	}
	*ret_steps = TAKE(steps);
	return 0;
}

struct rec_steps *rec_steps_free(struct rec_steps *steps)
{
	if (!steps || steps->hung)
		return NULL;
	(void)pthread_mutex_lock(&steps->lock);
	for (size_t i = 0; i < REC_STEP_HELPERS; i++)
		steps->helpers[i].state = HELPER_ENDS;
	(void)pthread_cond_broadcast(&steps->changed);
	(void)pthread_mutex_unlock(&steps->lock);
	for (size_t i = 0; i < REC_STEP_HELPERS; i++)
		if (steps->helpers[i].started)
			(void)pthread_join(steps->helpers[i].thread, NULL);
	(void)pthread_cond_destroy(&steps->changed);
	(void)pthread_mutex_destroy(&steps->lock);
	free(steps);
	return NULL;
}

static void tell_step(struct rec_steps *steps, const char *what, const char *how)
{
	u64 now_ns = rec_monotonic_ns();
	size_t used = strlen(steps->text);
	char line[160];

	(void)snprintf(line, sizeof(line), "%s: %s%.1f ms", what, how,
		       steps->last_ns ? (double)(now_ns - steps->last_ns) / 1e6 : 0);
	steps->last_ns = now_ns;
	(void)snprintf(steps->text + used, sizeof(steps->text) - used, "%s%s", used ? "; " : "",
		       line);
	if (steps->tell)
		steps->tell(line);
}

void rec_steps_note(struct rec_steps *steps, const char *what)
{
	if (steps && !what)
		steps->last_ns = rec_monotonic_ns();
	else if (steps)
		tell_step(steps, what, "");
}

static struct helper *idle_helper(struct rec_steps *steps)
{
	for (size_t i = 0; i < REC_STEP_HELPERS; i++)
		if (steps->helpers[i].state == HELPER_IDLE)
			return &steps->helpers[i];
	return NULL;
}

/* Lock held. True if it is done. */
static bool wait_for(struct rec_steps *steps, struct helper *helper)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REC_STEP_LIMIT_MS / 1000;
	until.tv_nsec += (long)(REC_STEP_LIMIT_MS % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (helper->state == HELPER_WORKS)
		if (pthread_cond_timedwait(&steps->changed, &steps->lock, &until) == ETIMEDOUT)
			break;
	return helper->state != HELPER_WORKS;
}

bool rec_steps_run(struct rec_steps *steps, const char *what, void (*step)(void *context),
		   void *context)
{
	struct helper *helper;
	bool done = false;

	if (!steps) {
		step(context);
		return true;
	}
	(void)pthread_mutex_lock(&steps->lock);
	helper = idle_helper(steps);
	if (helper) {
		helper->step = step;
		helper->context = context;
		helper->state = HELPER_WORKS;
		(void)pthread_cond_broadcast(&steps->changed);
		done = wait_for(steps, helper);
		if (!done) {
			helper->state = HELPER_LOST;
			steps->hung = true;
		}
	}
	(void)pthread_mutex_unlock(&steps->lock);
	tell_step(steps, what, done ? "" : helper ? "GIVEN UP after " : "left to the exit, ");
	return done;
}

bool rec_steps_hung(const struct rec_steps *steps)
{
	return steps && steps->hung;
}

const char *rec_steps_text(const struct rec_steps *steps)
{
	return steps->text;
}
