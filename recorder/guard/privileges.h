#pragma once
/*
 * Privileges of the recorder: those it was started with until everything is attached and open, none
 * afterwards. The user id stays, so files belong to the caller.
 */
#include <stdbool.h>

#include "formats/base/cap_error.h"

/* For the start of main: no memory dumps, and the user cannot attach to the process. Does not
 * affect programs executed later. */
void rec_privileges_hide(void);

/*
 * No program executed from here on gains privileges, and there are no core files. Threads made
 * later inherit both, but so do child processes: to be called after the fork of the command. 0 or
 * -errno.
 */
int rec_privileges_confine(struct cap_err *err);

/* As far as the calling thread may: what is gone from it can never be gained by executing a
 * program. */
void rec_privileges_drop_bounding_set(void);

/* Drops all capabilities of the calling thread for good; the kernel keeps them per thread, not per
 * process. 0 or CAP_EPRIVILEGE. */
int rec_privileges_drop(struct cap_err *err);

/*
 * Drops the calling thread's, then asks the kernel what each thread of the process still has. 0, or
 * CAP_EPRIVILEGE with a message that names the thread: then recording must not continue.
 */
int rec_privileges_drop_all(struct cap_err *err);

/* Does the calling thread hold the capability? capability: CAP_* of linux/capability.h. True if the
 * kernel does not say: whatever needs it will find out. */
bool rec_capability_held(int capability);
