/* Sampling by perf events. */
#include "recorder/live/live_perf_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/live/live_probe_state.h"

static void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* only read */
}

/* The next range of "0-3,8,10-11"; false at its end. */
static bool next_cpu_range(FILE *file, int *ret_first, int *ret_last)
{
	int first, last, separator;

	if (fscanf(file, "%d", &first) != 1)
		return false;
	last = first;
	separator = fgetc(file);
	if (separator == '-') {
		if (fscanf(file, "%d", &last) != 1)
			return false;
		(void)fgetc(file); /* the comma */
	}
	*ret_first = first;
	*ret_last = last;
	return true;
}

struct event_choice {
	u32 type;
	u64 config;
	u64 rate; /* with is_hz: samples per second; else one in so many */
	bool is_hz;
};

static int open_event(const struct event_choice *choice, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = choice->type,
		.config = choice->config,
		.freq = choice->is_hz,
		.sample_freq = choice->rate, /* or its period: a union */
		.exclude_idle = choice->is_hz &&
				choice->type == PERF_TYPE_SOFTWARE, /* hardware counters stop, and
								       some PMUs refuse it */
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int attach_cpu(struct bpf_program *program, const struct event_choice *choice, int cpu,
		      struct live_probe_state *state)
{
	int fd = open_event(choice, cpu);
	struct bpf_link *link, **links;
	int *event_fds;

	if (fd == -ENODEV)
		return 0; /* the CPU went offline just now */
	if (fd < 0)
		return fd;
	links = reallocarray(state->links, state->link_count + 1, sizeof(struct bpf_link *));
	if (!links) {
		(void)close(fd);
		return -ENOMEM;
	}
	state->links = links;
	event_fds = reallocarray(state->event_fds, state->link_count + 1, sizeof(int));
	if (!event_fds) {
		(void)close(fd);
		return -ENOMEM;
	}
	state->event_fds = event_fds;
	link = bpf_program__attach_perf_event(program, fd);
	if (!link) {
		int error = errno;

		(void)close(fd);
		return -error;
	}
	links[state->link_count] = link; /* and fd with it */
	state->event_fds[state->link_count++] = fd;
	return 0;
}

/* If it fails, the caller drops the probe, and the links with it. */
static int attach_all(struct bpf_program *program, const struct event_choice *choice,
		      struct live_probe_state *state)
{
	CLEANUP(fclosep) FILE *online = fopen("/sys/devices/system/cpu/online", "re");
	int first, last, rc = 0;

	if (!online)
		return -errno;
	while (rc == 0 && next_cpu_range(online, &first, &last))
		for (int cpu = first; cpu <= last && rc == 0; cpu++)
			rc = attach_cpu(program, choice, cpu, state);
	if (rc == 0 && state->link_count == 0)
		rc = -ENODEV;
	state->attached = rc == 0;
	return rc;
}

int live_perf_events_set(const struct live_probe_state *state, u32 sample_hz, bool cycles)
{
	/* A software clock has a fixed period from its opening on, hardware a rate. */
	u64 value = cycles ? sample_hz : sample_hz ? 1000000000ull / sample_hz : 0;
	int rc = 0;

	for (size_t i = 0; i < state->link_count; i++) {
		int fd = state->event_fds[i];

		if (sample_hz == 0)
			rc = ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
		else if (ioctl(fd, PERF_EVENT_IOC_PERIOD, &value) < 0 ||
			 ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
			rc = -1;
		if (rc < 0)
			return -errno;
	}
	return 0;
}

int live_perf_events_attach(struct bpf_program *program, u32 sample_hz,
			    struct live_probe_state *state, bool *ret_cycles)
{
	struct event_choice choice = {.type = PERF_TYPE_HARDWARE,
				      .config = PERF_COUNT_HW_CPU_CYCLES,
				      .rate = sample_hz,
				      .is_hz = true};
	int probe_fd = open_event(&choice, 0), rc;
	bool cycles = probe_fd >= 0;

	if (cycles) {
		(void)close(probe_fd);
	} else {
		choice.type = PERF_TYPE_SOFTWARE;
		choice.config = PERF_COUNT_SW_CPU_CLOCK;
	}
	rc = attach_all(program, &choice, state);
	if (rc == 0)
		*ret_cycles = cycles;
	return rc;
}

/* ---- Counters ---- */

#define NO_SAMPLES (1ull << 40) /* a period that nothing reaches */

int live_counters_attach(struct bpf_program *program, u64 event, u64 period,
			 struct live_probe_state *state)
{
	const struct event_choice choice = {
		.type = PERF_TYPE_SOFTWARE, .config = event, .rate = period ? period : NO_SAMPLES};

	return attach_all(program, &choice, state);
}

void live_counters_set(const struct live_probe_state *state, u64 period)
{
	for (size_t i = 0; i < state->link_count; i++)
		(void)ioctl(
			state->event_fds[i], PERF_EVENT_IOC_PERIOD,
			&period); /* else the CPU goes on with its old one, which samples tell */
}

u64 live_counters_read(const struct live_probe_state *state)
{
	u64 sum = 0, value;

	for (size_t i = 0; i < state->link_count; i++)
		if (read(state->event_fds[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	return sum;
}
