#pragma once
/*
 * What the recorder may do, over its life: the privileges it was started with until everything is
 * attached and open, none after. The user id stays, so that files belong to the caller.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"

/* For the start of main: neither dumps its memory nor lets its user attach to it. What is executed
 * later is not touched. */
void rec_privileges_hide(void);

/*
 * No program executed from here on gains privileges, and there are no core files. Threads made
 * later inherit both, but so do child processes: to be called after the fork of the command. 0 or
 * -errno.
 */
int rec_privileges_confine(struct cap_err *err);

/* Gives up all capabilities of the calling thread for good: they are the kernel's property of a
 * thread, not of a process. 0 or CAP_EPRIVILEGE. */
int rec_privileges_drop(struct cap_err *err);

/*
 * Drops the calling thread's, then asks the kernel what each thread of the process still has. 0, or
 * CAP_EPRIVILEGE naming the thread: recording must not go on then.
 */
int rec_privileges_drop_all(struct cap_err *err);

/* Has the calling thread the capability in effect? capability: CAP_* of linux/capability.h. True
 * where the kernel does not tell: what needs it will. */
bool rec_capability_held(int capability);
