/* By reading the kernel's list at each drain: whoever told of changes would have to be asked with
 * privileges. */
#include "recorder/live/cpu_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(const u8 *set, u32 cpu)
{
	return set[cpu / 8] & 1u << cpu % 8;
}

/* "0-3,8,10-11" as bits; what does not fit is left out. */
static void parse(const char *list, u8 ret_set[LIVE_WATCH_MAX_CPUS / 8])
{
	memset(ret_set, 0, LIVE_WATCH_MAX_CPUS / 8);
	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long cpu = first; cpu <= last && cpu < LIVE_WATCH_MAX_CPUS; cpu++)
			ret_set[cpu / 8] |= (u8)(1u << cpu % 8);
		if (*end != ',')
			return;
		list = end + 1;
	}
}

/* False: it cannot be read, or is longer than any list of CPUs. */
static bool read_list(const struct live_cpu_watch *watch, char ret_text[4096])
{
	ssize_t got = watch->fd < 0 ? -1 : pread(watch->fd, ret_text, 4095, 0);

	if (got <= 0)
		return false;
	ret_text[got] = '\0';
	return true;
}

void live_cpu_watch_open(struct live_cpu_watch *watch)
{
	watch->fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
	if (read_list(watch, watch->text))
		parse(watch->text, watch->sampled);
}

void live_cpu_watch_close(struct live_cpu_watch *watch)
{
	if (watch->fd >= 0)
		(void)close(watch->fd); /* only read */
	watch->fd = -1;
}

static struct live_cpu_span *open_span(struct live_cpu_watch *watch, u32 cpu)
{
	for (size_t i = 0; i < watch->span_count; i++)
		if (watch->spans[i].open && watch->spans[i].cpu == cpu)
			return &watch->spans[i];
	return NULL;
}

static void extend(struct live_cpu_watch *watch, u32 cpu, u64 now_ns)
{
	struct live_cpu_span *span = open_span(watch, cpu);

	if (!span && watch->span_count < LIVE_WATCH_MAX_SPANS) {
		span = &watch->spans[watch->span_count++];
		*span = (struct live_cpu_span){.cpu = cpu, .open = true, .from_ns = watch->last_ns};
	}
	if (span)
		span->to_ns = now_ns;
}

void live_cpu_watch_take(struct live_cpu_watch *watch, const char *list, u64 now_ns)
{
	u8 online[LIVE_WATCH_MAX_CPUS / 8];

	parse(list, online);
	for (size_t i = 0; i < watch->span_count; i++)
		if (!has(online, watch->spans[i].cpu))
			watch->spans[i].open = false;
	for (u32 cpu = 0; cpu < LIVE_WATCH_MAX_CPUS; cpu++) {
		if (has(online, cpu) && !has(watch->sampled, cpu))
			extend(watch, cpu, now_ns);
		else if (!has(online, cpu)) /* its clock is gone, also when it comes back */
			watch->sampled[cpu / 8] &= (u8) ~(1u << cpu % 8);
	}
	watch->last_ns = now_ns;
}

void live_cpu_watch_step(struct live_cpu_watch *watch, u64 now_ns)
{
	char text[sizeof(watch->text)];

	if (!read_list(watch, text))
		return;
	if (watch->span_count == 0 && watch->last_ns && strcmp(text, watch->text) == 0) {
		watch->last_ns = now_ns; /* as always */
		return;
	}
	memcpy(watch->text, text, sizeof(text));
	if (!watch->last_ns)
		watch->last_ns = now_ns;
	live_cpu_watch_take(watch, text, now_ns);
}

int live_cpu_watch_rows(const struct live_cpu_watch *watch, struct cap_chunk *chunk)
{
	static const char name[] = "cpu_not_sampled";
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < watch->span_count; i++) {
		const struct live_cpu_span *span = &watch->spans[i];
		struct ev_mark row = {.time_ns = span->to_ns};
		char text[96];

		(void)snprintf(text, sizeof(text), "CPU %u from %llu to %llu", span->cpu,
			       (unsigned long long)span->from_ns, (unsigned long long)span->to_ns);
		row.name = cap_chunk_string(chunk, name, strlen(name));
		row.text = cap_chunk_string(chunk, text, strlen(text));
		rc = cap_chunk_add(chunk, EV_MARK, &row);
	}
	return rc;
}
