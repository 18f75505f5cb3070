#pragma once
/*
 * Names and addresses of kernel functions, asked of the kernel one by one; implements struct
 * rec_kernel_asker. Opened while privileged; later calls only read(2).
 */
#include "recorder/host/kernel_map.h"
#include "recorder/live/live_probes.h"

struct live_names {
	int place_fd;	/* program that looks a symbol up; -1: this kernel cannot */
	int fd;		/* iterator over the addresses; -1: none, or used up */
	u64 *addresses; /* mapped */
	size_t mapped_bytes;
	size_t asked_count;
	struct rec_kernel_asker asker;
};

/* If the kernel refuses, that is no error: the map then reads /proc/kallsyms. names must stay
 * where it is until live_names_done. */
void live_names_open(struct live_names *names, struct live_probes *probes);
void live_names_done(struct live_names *names);
