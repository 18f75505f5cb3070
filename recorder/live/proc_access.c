/* By trying each: kernels differ in whether CAP_PERFMON is enough. */
#include "recorder/live/proc_access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "recorder/host/kernel_files.h"
#include "recorder/guard/privileges.h"

struct closed_counts {
	size_t processes, maps, exes;
};

static bool is_refusal(int error)
{
	return error == EACCES || error == EPERM;
}

/* Kernel threads have neither program nor memory; nor have zombies. */
static bool has_memory(pid_t pid)
{
	char path[32], text[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	return rec_read_text_at(AT_FDCWD, path, text, sizeof(text)) > 0 && text[0] != '0';
}

static void ask_process(pid_t pid, struct closed_counts *counts)
{
	CLEANUP(cap_closep) int fd = -1;
	char path[32], target[1];

	counts->processes++;
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	counts->maps += fd < 0 && is_refusal(errno);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (readlink(path, target, sizeof(target)) < 0 && is_refusal(errno))
		counts->exes += has_memory(pid);
}

static void closedirp(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory); /* only read */
}

static void ask_all(struct closed_counts *counts)
{
	CLEANUP(closedirp) DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && (entry = readdir(processes)) != NULL) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0)
			ask_process(pid, counts);
	}
}

static void say(size_t closed, size_t count, char *ret_reason, size_t size)
{
	ret_reason[0] = 0;
	if (closed > 0)
		(void)snprintf(
			ret_reason, size,
			"%zu of %zu processes cannot be read: run as root or add CAP_SYS_PTRACE",
			closed, count);
}

void proc_access_ask(const struct rec_options *options, struct proc_access *ret_reach)
{
	struct closed_counts counts = {0};
	size_t asked = options->pid_count;

	if (asked > 0 && options->command && !options->all)
		asked--; /* the last is the command, of which nothing tells before its exec */
	if (!rec_capability_held(CAP_SYS_PTRACE)) {
		for (size_t i = 0; i < asked; i++)
			ask_process(options->pids[i], &counts);
		if (options->pid_count == 0)
			ask_all(&counts);
	}
	say(counts.maps, counts.processes, ret_reach->maps_reason, sizeof(ret_reach->maps_reason));
	say(counts.exes, counts.processes, ret_reach->exe_reason, sizeof(ret_reach->exe_reason));
}
