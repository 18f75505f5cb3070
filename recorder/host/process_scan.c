/*
 * /proc/PID by a directory descriptor: it stays with the process it was opened for, so a recycled
 * pid cannot mix two of them.
 */
#include "recorder/host/process_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "recorder/host/kernel_files.h"
#include "recorder/host/maps_parse.h"
#include "recorder/host/process_maps.h"
#include "recorder/base/units.h"

#define STAT_BYTES 1024
#define CGROUP_BYTES 8192
#define MAX_THREADS_ASKED 256

/* Whether dir_fd is of the process that started then. stat counts in ticks, which are rounded. */
static bool is_same_process(int dir_fd, u64 leader_start_ns)
{
	u64 tick_ns = REC_NS_PER_S / (u64)sysconf(_SC_CLK_TCK), ticks, expected;
	char stat[STAT_BYTES];

	if (rec_read_text_at(dir_fd, "stat", stat, sizeof(stat)) < 0 ||
	    rec_stat_start_ticks(stat, &ticks) < 0)
		return false;
	expected = leader_start_ns / tick_ns;
	return ticks + 1 >= expected && ticks <= expected + 1;
}

static void closedirp(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory); /* only read */
}

static DIR *open_threads(int dir_fd)
{
	int fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *threads = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !threads)
		(void)close(fd); /* only read */
	return threads;
}

/*
 * Directory of a thread that still has the memory which the first thread gave up when it ended:
 * /proc/PID shows none then, though the process goes on. -1: there is no such thread. Bounded,
 * since threads may end as fast as they are looked at.
 */
static int open_living_thread(int dir_fd)
{
	CLEANUP(closedirp) DIR *threads = open_threads(dir_fd);
	const struct dirent *entry;

	for (int tries = 0; threads && tries < MAX_THREADS_ASKED;) {
		char text[64];
		int fd;

		entry = readdir(threads);
		if (!entry)
			break;
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		tries++;
		fd = openat(dirfd(threads), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && rec_read_text_at(fd, "statm", text, sizeof(text)) > 0 &&
		    text[0] != '0')
			return fd;
		if (fd >= 0)
			(void)close(fd); /* only read */
	}
	return -1;
}

static void read_names(int dir_fd, struct cap_chunk *chunk, struct ev_process *row)
{
	char text[CGROUP_BYTES];
	ssize_t len = readlinkat(dir_fd, "exe", text, PATH_MAX);
	const char *cgroup;
	size_t cgroup_len;

	if (len > 0)
		row->exe = cap_chunk_string(chunk, text, (size_t)len);
	if (rec_read_text_at(dir_fd, "cgroup", text, sizeof(text)) <= 0)
		return;
	cgroup = rec_cgroup_path(text, &cgroup_len);
	if (cgroup)
		row->cgroup = cap_chunk_string(chunk, cgroup, cgroup_len);
}

/* A process without mappings that can be read: the same, by a thread that is alive. */
static int scan_thread(int dir_fd, const struct cap_task *task, struct rec_dev_verdicts *verdicts,
		       const struct rec_mapping_taker *taker, struct cap_chunk *procs_chunk,
		       struct cap_chunk *maps_chunk, struct ev_process *row)
{
	CLEANUP(cap_closep) int thread_fd = open_living_thread(dir_fd);

	if (thread_fd < 0)
		return 0;
	if (!row->exe)
		read_names(thread_fd, procs_chunk, row);
	return rec_process_maps(thread_fd, task, verdicts, taker, maps_chunk);
}

static int scan_process(const struct ring_process *process, bool own_numbers,
			struct rec_dev_verdicts *verdicts, const struct rec_mapping_taker *taker,
			struct cap_chunk *procs_chunk, struct cap_chunk *maps_chunk)
{
	CLEANUP(cap_closep) int dir_fd = -1;
	const struct ring_head *head = &process->head;
	struct cap_task task = {
		.leader_start_ns = head->leader_start_ns,
		.tgid = head->tgid,
		.tid = head->tid,
		.exec_id = head->exec_id,
	};
	struct ev_process row = {
		.time_ns = head->time_ns,
		.cgroup_id = process->cgroup_id,
		.parent_tgid = process->parent_tgid,
		.flags = process->flags,
	};
	u32 number = own_numbers ? process->own_pid : head->tgid;
	char path[32];
	int rc = 0;

	memcpy(task.comm, head->comm, sizeof(task.comm));
	row.task = cap_chunk_task(procs_chunk, &task);
	(void)snprintf(path, sizeof(path), "/proc/%u", number);
	/* number 0: a process outside of our pid namespace */
	dir_fd = number == 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd >= 0 && is_same_process(dir_fd, head->leader_start_ns)) {
		read_names(dir_fd, procs_chunk, &row);
		if (!(process->flags & EV_PROCESS_KERNEL_THREAD))
			rc = rec_process_maps(dir_fd, &task, verdicts, taker, maps_chunk);
		if (rc == 0 && !(process->flags & EV_PROCESS_KERNEL_THREAD))
			rc = scan_thread(dir_fd, &task, verdicts, taker, procs_chunk, maps_chunk,
					 &row);
	}
	return rc < 0 ? rc : cap_chunk_add(procs_chunk, EV_PROCESS, &row);
}

static bool has_room(const struct cap_chunk *chunk)
{
	return cap_chunk_raw_bytes(chunk) < CAP_WRITER_CHUNK_BYTES;
}

bool rec_proc_has_own_numbers(u32 self_tgid)
{
	char target[16];
	ssize_t len = readlink("/proc/self", target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	return strtoul(target, NULL, 10) != self_tgid;
}

int rec_process_scan(const struct ring_process *processes, size_t count, bool own_numbers,
		     const struct rec_mapping_taker *taker, struct cap_chunk *procs_chunk,
		     struct cap_chunk *maps_chunk, struct cap_err *err)
{
	struct rec_dev_verdicts verdicts = {0};
	size_t done = 0;

	if (count > INT_MAX)
		count = INT_MAX;
	while (done < count && (!done || (has_room(procs_chunk) && has_room(maps_chunk)))) {
		const struct ring_process *process = &processes[done];
		int rc = scan_process(process, own_numbers, &verdicts, taker, procs_chunk,
				      maps_chunk);

		if (rc == 0)
			rc = cap_chunk_failed(procs_chunk);
		if (rc == 0)
			rc = cap_chunk_failed(maps_chunk);
		if (rc < 0)
			return cap_fail(err, rc, "process %u: its rows do not fit",
					process->head.tgid);
		done++;
	}
	return (int)done;
}
