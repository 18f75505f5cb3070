#pragma once
/*
 * Type information of the kernel: its own, or a file that the caller names (--btf) for kernels that
 * expose none. A file is opened once, checked by its descriptor, and parsed by libbpf alone.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"

struct live_btf {
	int fd;		/* of the file; -1: the kernel's own is used */
	char path[32];	/* to the descriptor, for libbpf; "" : none */
	bool in_kernel; /* the kernel exposes its own: what needs that works */
};

/*
 * file: NULL, or a regular file of root or the caller that nobody else can write, of at most 64
 * MiB. CAP_EUSAGE if it is not; CAP_EPRIVILEGE ("IncompatibleKernel") where it, or the kernel,
 * holds no type information.
 */
int live_btf_open(const char *file, struct live_btf *ret_btf, struct cap_err *err);
void live_btf_done(struct live_btf *btf);
