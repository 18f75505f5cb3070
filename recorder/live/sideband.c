/*
 * One PERF_COUNT_SW_DUMMY event per CPU: it never counts, but the kernel writes a record into its
 * ring for each executable mapping made on that CPU. Where certain processes are recorded there is
 * one per thread and CPU, inherited by what they start, so that others cannot fill the rings.
 */
#include "recorder/live/sideband.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/live/perf_record.h"
#include "recorder/pipeline/code_hits.h"

/* All rings together, and each. A compiler run maps some thousand files a second per CPU, a record
 * takes 130 bytes or so; and 512 KiB is what a user may lock per CPU without a privilege
 * (perf_event_mlock_kb). */
#define ALL_RINGS_BYTES (4u << 20)
#define MIN_RING_BYTES (64u << 10)
#define MAX_RING_BYTES (512u << 10)

/*
 * Per process: events at most, since each is a descriptor, and CPUs at most, since each new task
 * gets an event for each. Beyond either, all processes share the rings.
 */
#define MAX_TASK_EVENTS 1024u
#define MAX_TASK_CPUS 16u
#define MAX_LISTINGS 4

/* A ring that has less room may have refused a record: no path is longer. */
#define LARGEST_RECORD_BYTES (4096u + 128u)

struct cpu_ring {
	int fd;
	u32 cpu;
	struct perf_event_mmap_page *page; /* followed by the data */
	size_t data_bytes;
	u64 attempted_count;
	u64 lost_count;	       /* of any cause */
	u64 kernel_lost_count; /* records of any kind, as told by records */
	u64 told_lost_count;   /* of these, mappings that were counted as lost */
	u64 task_record_count; /* of forks and exits, which come with mappings unasked */
	int counter_fd;	       /* of a ring that takes nothing, so that its event counts forks and
				  exits; -1: none */
	void *counter_page;
	u64 seen_count;	     /* records of wanted processes */
	int own_first_fd[2]; /* of the target's counters on this CPU; -1: none yet */
	void *own_pages[2];
};

/* Of a thread of the target on a CPU, with paused rings: one counts mappings, forks and exits, the
 * other forks and exits alone. */
struct own_counter {
	int fds[2];
	size_t ring;
};

struct task_event { /* of another thread, writes into a ring as well */
	int fd, counter_fd;
	size_t ring;
};

struct rec_sideband {
	struct cpu_ring *rings;
	size_t ring_count, cpu_count;
	struct task_event *events;
	size_t event_count;
	bool of_tasks;	 /* the events are those of the target's threads */
	bool counts_own; /* the events are those of all, and the target's mappings are counted
			    besides */
	struct own_counter *own;
	size_t own_count;
	size_t page_bytes;
	u32 own_tgid;
	bool has_build_ids, has_lost_counts;
	bool (*wanted)(void *context, u32 tgid);
	void *wanted_context;
	void (*taker)(void *context, u32 tgid, u64 start_address, u64 size_bytes);
	void *taker_context;
	u32 (*translate)(void *context, u32 tgid);
	void *translate_context;
	void (*identify)(void *context, const struct rec_perf_record *record,
			 struct rec_file_identity *ret_identity);
	void *identify_context;
	u8 scratch[REC_PERF_MAX_RECORD_BYTES];
};

static void sideband_freep(struct rec_sideband **sideband)
{
	rec_sideband_free(*sideband);
}

static void ring_close(struct cpu_ring *ring, size_t page_bytes)
{
	if (ring->page)
		munmap(ring->page, page_bytes + ring->data_bytes);
	if (ring->counter_page)
		munmap(ring->counter_page, 2 * page_bytes);
	if (ring->counter_fd >= 0)
		(void)close(ring->counter_fd); /* nothing is written to it */
	(void)close(ring->fd);		       /* the same */
}

static void close_own(struct rec_sideband *sideband)
{
	for (size_t i = 0; i < sideband->own_count; i++)
		for (int kind = 0; kind < 2; kind++)
			if (sideband->own[i].fds[kind] >= 0)
				(void)close(sideband->own[i].fds[kind]); /* nothing is written */
	free(sideband->own);
	sideband->own = NULL;
	sideband->own_count = 0;
	for (size_t i = 0; i < sideband->ring_count; i++) {
		struct cpu_ring *ring = &sideband->rings[i];

		for (int kind = 0; kind < 2; kind++) {
			if (ring->own_pages[kind])
				munmap(ring->own_pages[kind], 2 * sideband->page_bytes);
			ring->own_pages[kind] = NULL;
			ring->own_first_fd[kind] = -1;
		}
	}
}

static void close_all(struct rec_sideband *sideband)
{
	for (size_t i = 0; i < sideband->event_count; i++) {
		(void)close(sideband->events[i].fd); /* nothing is written to it */
		if (sideband->events[i].counter_fd >= 0)
			(void)close(sideband->events[i].counter_fd); /* the same */
	}
	close_own(sideband);
	for (size_t i = 0; i < sideband->ring_count; i++)
		ring_close(&sideband->rings[i], sideband->page_bytes);
	sideband->event_count = sideband->ring_count = 0;
}

struct rec_sideband *rec_sideband_free(struct rec_sideband *sideband)
{
	if (!sideband)
		return NULL;
	close_all(sideband);
	free(sideband->rings);
	free(sideband->events);
	free(sideband);
	return NULL;
}

static size_t choose_ring_bytes(long cpus)
{
	size_t bytes = MAX_RING_BYTES;

	while (bytes > MIN_RING_BYTES && bytes * (size_t)cpus > ALL_RINGS_BYTES)
		bytes /= 2;
	return bytes;
}

/* A descriptor or -errno. task: -1 for all. counter: forks and exits alone, else mappings, with
 * which the kernel gives these, too. */
static int open_event_of(const struct rec_sideband *sideband, bool counter, pid_t task, u32 cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.sample_id_all = 1,
		.inherit = task >= 0,
		.mmap = !counter,
		.mmap2 = !counter,
		.task = counter,
		.build_id = !counter && sideband->has_build_ids,
		.read_format = sideband->has_lost_counts ? PERF_FORMAT_LOST : 0,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC, /* the clock of bpf_ktime_get_ns */
		.watermark = 1,		    /* nobody sleeps on these rings: no wake-ups */
		.wakeup_watermark = MAX_RING_BYTES,
	};
	long fd = syscall(SYS_perf_event_open, &attr, task, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int open_event(const struct rec_sideband *sideband, pid_t task, u32 cpu)
{
	return open_event_of(sideband, false, task, cpu);
}

static int fail_open(int rc, struct cap_err *err)
{
	if (rc == -EACCES || rc == -EPERM)
		return cap_fail(
			err, CAP_EPRIVILEGE,
			"mapping events: perf_event_open refused (%s): run as root; CAP_PERFMON is "
			"enough where kernel.perf_event_paranoid is 2 or less",
			strerror(-rc));
	if (rc == -ENOSYS || rc == -EINVAL || rc == -ENOENT || rc == -ENODEV)
		return cap_fail(err, CAP_EPRIVILEGE,
				"mapping events: this kernel has no usable perf events (%s)",
				strerror(-rc));
	return cap_fail_errno(err, -rc, "mapping events: perf_event_open");
}

/* Maps the ring; smaller where the kernel does not let us lock so much. */
static int map_ring(struct cpu_ring *ring, size_t page_bytes, size_t data_bytes)
{
	int error = EPERM;

	for (; data_bytes >= page_bytes; data_bytes /= 2) {
		void *page = mmap(NULL, page_bytes + data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				  ring->fd, 0);

		if (page != MAP_FAILED) {
			ring->page = page;
			ring->data_bytes = data_bytes;
			return 0;
		}
		error = errno;
		if (error != EPERM && error != ENOMEM)
			break;
	}
	return -error;
}

/* Does without what an older kernel does not know: counts of losses came with 6.0, build-ids
 * with 5.12. */
static int open_first_event(struct rec_sideband *sideband, pid_t task, u32 cpu)
{
	int fd;

	sideband->has_lost_counts = sideband->has_build_ids = true;
	fd = open_event(sideband, task, cpu);
	if (fd == -EINVAL || fd == -E2BIG) {
		sideband->has_lost_counts = false;
		fd = open_event(sideband, task, cpu);
	}
	if (fd == -EINVAL || fd == -E2BIG) {
		sideband->has_build_ids = false;
		fd = open_event(sideband, task, cpu);
	}
	return fd;
}

static struct cpu_ring *ring_of(struct rec_sideband *sideband, u32 cpu)
{
	for (size_t i = 0; i < sideband->ring_count; i++)
		if (sideband->rings[i].cpu == cpu)
			return &sideband->rings[i];
	return NULL;
}

/*
 * What the kernel says to be lost are records of any kind, forks and exits as well. How many of
 * these there were tells a second event whose ring is paused: all of them are lost there, and
 * counted. -1: none; then all that is lost counts as mappings.
 */
static int open_counter(const struct rec_sideband *sideband, struct cpu_ring *ring, bool is_first,
			pid_t task)
{
	int fd = sideband->has_lost_counts ? open_event_of(sideband, true, task, ring->cpu) : -1;

	if (fd < 0)
		return -1;
	if (is_first) {
		void *page = mmap(NULL, 2 * sideband->page_bytes, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);

		ring->counter_page = page == MAP_FAILED ? NULL : page;
		if (ring->counter_page && ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1) == 0)
			return fd;
	} else if (ring->counter_fd >= 0 &&
		   ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->counter_fd) == 0) {
		return fd;
	}
	(void)close(fd); /* nothing is written to it */
	return -1;
}

/* Opens the event of a task (-1: all) on a CPU, and the CPU's ring with the first of them. 0, also
 * for a CPU that is offline (it then has no ring) and a task that ended. */
static int add_event(struct rec_sideband *sideband, pid_t task, u32 cpu, struct cap_err *err)
{
	struct cpu_ring *ring = ring_of(sideband, cpu);
	int fd = sideband->ring_count ? open_event(sideband, task, cpu)
				      : open_first_event(sideband, task, cpu);
	int rc;

	if (fd == -ENODEV || (fd == -ESRCH && sideband->of_tasks))
		return 0;
	if (fd < 0)
		return fail_open(fd, err);
	if (ring) {
		struct task_event *event = &sideband->events[sideband->event_count++];

		*event = (struct task_event){.fd = fd, .ring = (size_t)(ring - sideband->rings)};
		event->counter_fd = open_counter(sideband, ring, false, task);
		return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) < 0
			       ? cap_fail_errno(err, errno, "mapping events: share a ring")
			       : 0;
	}
	ring = &sideband->rings[sideband->ring_count++];
	*ring = (struct cpu_ring){.fd = fd, .cpu = cpu, .counter_fd = -1, .own_first_fd = {-1, -1}};
	ring->counter_fd = open_counter(sideband, ring, true, task);
	rc = map_ring(ring, sideband->page_bytes, choose_ring_bytes((long)sideband->cpu_count));
	return rc < 0 ? cap_fail_errno(err, -rc, "mapping events: ring of CPU %u", cpu) : 0;
}

static int open_for_all(struct rec_sideband *sideband, struct cap_err *err)
{
	for (u32 cpu = 0; cpu < sideband->cpu_count; cpu++) {
		int rc = add_event(sideband, -1, cpu, err);

		if (rc < 0)
			return rc;
	}
	return sideband->ring_count ? 0 : fail_open(-ENODEV, err); /* each was called offline */
}

/* ---- certain processes ---- */

struct thread_list {
	pid_t tids[MAX_TASK_EVENTS];
	size_t count;
};

static void closedirp(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory); /* only read */
}

/* The threads of the processes, each in the order of the kernel. False: too many, or unreadable. */
static bool list_threads(const struct rec_sideband_target *target, struct thread_list *ret_list)
{
	ret_list->count = 0;
	for (size_t i = 0; i < target->count; i++) {
		char path[64];
		const struct dirent *entry;

		(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)target->pids[i]);
		CLEANUP(closedirp) DIR *threads = opendir(path);

		while (threads && (entry = readdir(threads)) != NULL) {
			if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
				continue;
			if (ret_list->count == MAX_TASK_EVENTS)
				return false;
			ret_list->tids[ret_list->count++] = (pid_t)atoi(entry->d_name);
		}
		if (!threads)
			return false;
	}
	return ret_list->count > 0;
}

static bool lists_are_equal(const struct thread_list *a, const struct thread_list *b)
{
	return a->count == b->count && !memcmp(a->tids, b->tids, a->count * sizeof(*a->tids));
}

static bool open_listed(struct rec_sideband *sideband, const struct thread_list *threads)
{
	if (threads->count * sideband->cpu_count > MAX_TASK_EVENTS)
		return false;
	free(sideband->events);
	sideband->events = calloc(threads->count * sideband->cpu_count, sizeof(*sideband->events));
	for (size_t i = 0; sideband->events && i < threads->count; i++)
		for (u32 cpu = 0; cpu < sideband->cpu_count; cpu++)
			if (add_event(sideband, threads->tids[i], cpu, NULL) < 0)
				return false;
	return sideband->ring_count > 0;
}

/* An event of a task whose records are counted and thrown away. kind: as in struct own_counter. */
static int open_own(struct rec_sideband *sideband, struct cpu_ring *ring, int kind, pid_t task)
{
	int fd = open_event_of(sideband, kind == 1, task, ring->cpu);
	void *page;

	if (fd < 0)
		return fd;
	if (ring->own_first_fd[kind] >= 0) {
		if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->own_first_fd[kind]) == 0)
			return fd;
	} else {
		page = mmap(NULL, 2 * sideband->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);
		ring->own_pages[kind] = page == MAP_FAILED ? NULL : page;
		if (ring->own_pages[kind] && ioctl(fd, PERF_EVENT_IOC_PAUSE_OUTPUT, 1) == 0) {
			ring->own_first_fd[kind] = fd;
			return fd;
		}
	}
	(void)close(fd); /* nothing is written to it */
	return -EIO;
}

/* The counters of the threads of a list; those that ended meanwhile need none. */
static bool count_listed(struct rec_sideband *sideband, const struct thread_list *threads)
{
	if (threads->count * sideband->ring_count > MAX_TASK_EVENTS)
		return false;
	sideband->own = calloc(threads->count * sideband->ring_count, sizeof(*sideband->own));
	for (size_t i = 0; sideband->own && i < threads->count; i++) {
		for (size_t at = 0; at < sideband->ring_count; at++) {
			struct own_counter counter = {.fds = {-1, -1}, .ring = at};

			for (int kind = 0; kind < 2; kind++) {
				counter.fds[kind] = open_own(sideband, &sideband->rings[at], kind,
							     threads->tids[i]);
				if (counter.fds[kind] < 0 && counter.fds[kind] != -ESRCH &&
				    counter.fds[kind] != -ENODEV)
					return false; /* what is open is closed with the list */
			}
			sideband->own[sideband->own_count++] = counter;
		}
	}
	return sideband->own != NULL;
}

/*
 * What a thread starts inherits its event, if it had one by then. So a list is good if it is still
 * the same when all events are open: nobody was started in between. False: it cannot be done.
 */
static bool count_own(struct rec_sideband *sideband, const struct rec_sideband_target *target)
{
	struct thread_list before, after;

	for (int i = 0; i < MAX_LISTINGS && sideband->cpu_count <= MAX_TASK_CPUS; i++) {
		if (!list_threads(target, &before))
			return false;
		if (count_listed(sideband, &before) && list_threads(target, &after) &&
		    lists_are_equal(&before, &after))
			return true;
		close_own(sideband);
	}
	return false;
}

/*
 * The same where the kernel has no counts of losses (before 6.0): then others must not fill the
 * rings. A program that executes with other credentials leaves these events, though, and is not
 * seen.
 */
static bool open_for_tasks(struct rec_sideband *sideband, const struct rec_sideband_target *target)
{
	struct thread_list before, after;

	if (sideband->cpu_count > MAX_TASK_CPUS)
		return false;
	sideband->of_tasks = true;
	for (int i = 0; i < MAX_LISTINGS; i++) {
		if (!list_threads(target, &before))
			break;
		if (open_listed(sideband, &before) && list_threads(target, &after) &&
		    lists_are_equal(&before, &after))
			return true;
		close_all(sideband);
	}
	close_all(sideband);
	sideband->of_tasks = false;
	return false;
}

int rec_sideband_open(const struct rec_sideband_target *target, struct rec_sideband **ret_sideband,
		      struct cap_err *err)
{
	CLEANUP(sideband_freep) struct rec_sideband *sideband = calloc(1, sizeof(*sideband));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int rc;

	if (!sideband)
		return cap_fail(err, -ENOMEM, "mapping events: out of memory");
	sideband->cpu_count = cpus < 1 ? 1 : (size_t)cpus;
	sideband->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	sideband->own_tgid = (u32)getpid();
	sideband->rings = calloc(sideband->cpu_count, sizeof(*sideband->rings));
	if (!sideband->rings)
		return cap_fail(err, -ENOMEM, "mapping events: out of memory");
	rc = open_for_all(sideband, err);
	if (rc == 0 && target && target->count > 0) {
		if (sideband->has_lost_counts) {
			sideband->counts_own = count_own(sideband, target);
		} else {
			close_all(sideband);
			if (!open_for_tasks(sideband, target))
				rc = open_for_all(sideband, err);
		}
	}
	if (rc < 0)
		return rc;
	*ret_sideband = TAKE(sideband);
	return 0;
}

bool rec_sideband_is_limited(const struct rec_sideband *sideband)
{
	return sideband->of_tasks;
}

void rec_sideband_set_filter(struct rec_sideband *sideband, bool (*wanted)(void *context, u32 tgid),
			     void *context)
{
	sideband->wanted = wanted;
	sideband->wanted_context = context;
}

void rec_sideband_set_taker(struct rec_sideband *sideband,
			    void (*fn)(void *context, u32 tgid, u64 start_address, u64 size_bytes),
			    void *context)
{
	sideband->taker = fn;
	sideband->taker_context = context;
}

void rec_sideband_set_translation(struct rec_sideband *sideband,
				  u32 (*translate)(void *context, u32 tgid), void *context)
{
	sideband->translate = translate;
	sideband->translate_context = context;
}

void rec_sideband_set_files(struct rec_sideband *sideband,
			    void (*identify)(void *context, const struct rec_perf_record *record,
					     struct rec_file_identity *ret_identity),
			    void *context)
{
	sideband->identify = identify;
	sideband->identify_context = context;
}

bool rec_sideband_has_build_ids(const struct rec_sideband *sideband)
{
	return sideband->has_build_ids;
}

static int add_row(struct rec_pipeline *pipeline, const struct rec_perf_record *record,
		   const struct rec_file_identity *identity)
{
	struct cap_chunk *chunk = rec_pipeline_open_chunk(pipeline);
	struct cap_task task = {.tgid = record->tgid, .tid = record->tid};
	struct ev_mapping row = {
		.time_ns = record->time_ns,
		.start_address = record->start_address,
		.size_bytes = record->size_bytes,
		.file_offset = record->file_offset,
		.inode = record->inode,
		.dev_major = record->dev_major,
		.dev_minor = record->dev_minor,
		.file_bytes = identity->file_bytes,
		.file_mtime_ns = identity->file_mtime_ns,
	};
	const struct rec_file_mapping mapping = {
		.row = &row,
		.tgid = record->tgid,
		.path = record->path,
		.path_bytes = record->path_len,
		.build_id = record->build_id_bytes ? record->build_id : identity->build_id,
		.build_id_bytes =
			record->build_id_bytes ? record->build_id_bytes : identity->build_id_bytes,
	};

	rec_file_map_add(rec_code_hits_files(rec_pipeline_code_hits(pipeline)), &mapping);
	row.task = cap_chunk_task(chunk, &task);
	row.path = cap_chunk_string(chunk, record->path, record->path_len);
	if (mapping.build_id_bytes)
		row.build_id = cap_chunk_string(chunk, mapping.build_id, mapping.build_id_bytes);
	return cap_chunk_add(chunk, EV_MAPPING, &row);
}

static void count_lost(struct cpu_ring *ring, struct rec_pipeline *pipeline, u64 count)
{
	ring->attempted_count += count;
	ring->lost_count += count;
	rec_pipeline_lost(pipeline, CLASS_MAPPINGS, ring->cpu, REASON_SIDEBAND, count);
}

/* 1: a row was added, 0: not wanted, or negative. */
static int store(struct rec_sideband *sideband, struct cpu_ring *ring,
		 struct rec_pipeline *pipeline, struct rec_perf_record *record)
{
	struct rec_file_identity identity = {0};
	int rc;

	if (record->tgid == sideband->own_tgid || (s32)record->tgid <= 0)
		return 0; /* -1: the kernel's own; 0: outside of our pid namespace */
	if (sideband->translate) {
		record->tgid = sideband->translate(sideband->translate_context, record->tgid);
		record->tid = record->tgid; /* threads have no translation: the process is enough */
		if (record->tgid == 0 && !sideband->wanted)
			count_lost(ring, pipeline, 1);
		if (record->tgid == 0)
			return 0;
	}
	if (sideband->wanted && !sideband->wanted(sideband->wanted_context, record->tgid))
		return 0;
	if (sideband->taker)
		sideband->taker(sideband->taker_context, record->tgid, record->start_address,
				record->size_bytes);
	ring->attempted_count++;
	ring->seen_count++;
	if (sideband->identify && record->inode && !record->build_id_bytes)
		sideband->identify(sideband->identify_context, record, &identity);
	rc = add_row(pipeline, record, &identity);
	if (rc == CAP_ELIMIT) { /* full: on to the next one */
		rc = rec_pipeline_flush(pipeline);
		if (rc == 0)
			rc = add_row(pipeline, record, &identity);
	}
	if (rc < 0)
		return rc;
	rec_pipeline_stored(pipeline, CLASS_MAPPINGS, ring->cpu, 1);
	return 1;
}

static u64 lost_of(int fd)
{
	struct {
		u64 value, lost_count;
	} counts;

	return fd >= 0 && read(fd, &counts, sizeof(counts)) == sizeof(counts) ? counts.lost_count
									      : 0;
}

struct losses {
	u64 records, tasks; /* lost of any kind; forks and exits that there were */
};

static struct losses losses_of(const struct rec_sideband *sideband, const struct cpu_ring *ring)
{
	struct losses sum = {lost_of(ring->fd), lost_of(ring->counter_fd)};

	for (size_t i = 0; i < sideband->event_count; i++) {
		if (&sideband->rings[sideband->events[i].ring] != ring)
			continue;
		sum.records += lost_of(sideband->events[i].fd);
		sum.tasks += lost_of(sideband->events[i].counter_fd);
	}
	return sum;
}

/*
 * Counts the mappings among lost records, as far as they are certain: forks and exits that happened
 * since the ring was read may be taken for lost ones, until rec_sideband_finish, when nothing
 * happens any more.
 */
static void tell_losses(const struct rec_sideband *sideband, struct cpu_ring *ring, u64 lost_count,
			struct rec_pipeline *pipeline)
{
	u64 tasks = ring->counter_fd >= 0 ? losses_of(sideband, ring).tasks : 0;
	u64 lost_tasks = tasks > ring->task_record_count ? tasks - ring->task_record_count : 0;
	u64 mappings = lost_count > lost_tasks ? lost_count - lost_tasks : 0;

	if (mappings <= ring->told_lost_count)
		return;
	count_lost(ring, pipeline, mappings - ring->told_lost_count);
	ring->told_lost_count = mappings;
}

static int drain_ring(struct rec_sideband *sideband, struct cpu_ring *ring,
		      struct rec_pipeline *pipeline)
{
	struct rec_perf_ring window = {
		.data = (const u8 *)ring->page + sideband->page_bytes,
		.size_bytes = ring->data_bytes,
		.head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE),
		.tail = ring->page->data_tail,
	};
	int added = 0, rc = 0;
	bool has_losses = false;

	if (window.head == window.tail)
		return 0;
	for (;;) {
		struct rec_perf_record record;
		const u8 *bytes;
		size_t len;
		int more = rec_perf_next(&window, sideband->scratch, &bytes, &len);

		if (!more)
			break;
		if (more < 0 || rec_perf_parse(bytes, len, &record) < 0)
			count_lost(ring, pipeline, 1);
		else if (record.kind == REC_PERF_LOST) {
			ring->kernel_lost_count += record.lost_count;
			has_losses = true;
		} else if (record.kind == REC_PERF_TASK)
			ring->task_record_count++;
		else if (record.kind == REC_PERF_MAPPING)
			rc = store(sideband, ring, pipeline, &record);
		if (rc < 0)
			break;
		added += rc;
		rc = 0;
	}
	__atomic_store_n(&ring->page->data_tail, window.tail, __ATOMIC_RELEASE);
	if (has_losses && !sideband->counts_own)
		tell_losses(sideband, ring, ring->kernel_lost_count, pipeline);
	rec_pipeline_attempted(pipeline, CLASS_MAPPINGS, ring->cpu, ring->attempted_count, 0);
	return rc < 0 ? rc : added;
}

int rec_sideband_drain(struct rec_sideband *sideband, struct rec_pipeline *pipeline)
{
	int added = 0;

	for (size_t i = 0; i < sideband->ring_count; i++) {
		int rc = drain_ring(sideband, &sideband->rings[i], pipeline);

		if (rc < 0)
			return rc;
		added += rc;
	}
	return added;
}

static bool was_full(const struct cpu_ring *ring)
{
	u64 head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);

	return ring->data_bytes - (head - ring->page->data_tail) < LARGEST_RECORD_BYTES;
}

/* Mappings that the target made on the ring's CPU. */
static u64 own_mappings(const struct rec_sideband *sideband, size_t ring)
{
	u64 records = 0, tasks = 0;

	for (size_t i = 0; i < sideband->own_count; i++) {
		if (sideband->own[i].ring != ring)
			continue;
		records += lost_of(sideband->own[i].fds[0]);
		tasks += lost_of(sideband->own[i].fds[1]);
	}
	return records > tasks ? records - tasks : 0;
}

/* Of the target alone: what was counted and not seen. */
static void tell_own_losses(struct rec_sideband *sideband, size_t index,
			    struct rec_pipeline *pipeline)
{
	struct cpu_ring *ring = &sideband->rings[index];
	u64 made = own_mappings(sideband, index);

	if (made > ring->seen_count)
		count_lost(ring, pipeline, made - ring->seen_count);
}

void rec_sideband_stop(struct rec_sideband *sideband)
{
	for (size_t i = 0; i < sideband->own_count; i++)
		for (int kind = 0; kind < 2; kind++)
			(void)ioctl(sideband->own[i].fds[kind], PERF_EVENT_IOC_DISABLE, 0);
	/* Of our own events neither can fail. */
	for (size_t i = 0; i < sideband->event_count; i++) {
		(void)ioctl(sideband->events[i].fd, PERF_EVENT_IOC_DISABLE, 0);
		(void)ioctl(sideband->events[i].counter_fd, PERF_EVENT_IOC_DISABLE, 0);
	}
	for (size_t i = 0; i < sideband->ring_count; i++) {
		(void)ioctl(sideband->rings[i].fd, PERF_EVENT_IOC_DISABLE, 0);
		(void)ioctl(sideband->rings[i].counter_fd, PERF_EVENT_IOC_DISABLE, 0);
	}
}

int rec_sideband_finish(struct rec_sideband *sideband, struct rec_pipeline *pipeline)
{
	int added = 0;

	for (size_t i = 0; i < sideband->ring_count; i++) {
		struct cpu_ring *ring = &sideband->rings[i];
		bool full = was_full(ring);
		int rc = drain_ring(sideband, ring, pipeline);

		if (rc < 0)
			return rc;
		added += rc;
		if (sideband->counts_own)
			tell_own_losses(sideband, i, pipeline);
		else if (sideband->has_lost_counts)
			tell_losses(sideband, ring, losses_of(sideband, ring).records, pipeline);
		else if (full) /* at least one, if any: nothing tells how many */
			count_lost(ring, pipeline, 1);
		rec_pipeline_attempted(pipeline, CLASS_MAPPINGS, ring->cpu, ring->attempted_count,
				       0);
	}
	return added;
}
