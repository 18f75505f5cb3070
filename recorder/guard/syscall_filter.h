#pragma once
/* System calls that the recorder may still make once everything is open and attached. */
#include "formats/base/cap_error.h"

/*
 * From here on every thread of the process may only read, write, wait and end: what a recording
 * still does. Files are opened for reading only; no memory becomes executable; all else, bpf(2)
 * too, fails with EPERM. Needs no_new_privs (rec_privileges_confine), and cannot be undone. 0, also
 * where the kernel has no such filters, or CAP_EPRIVILEGE.
 */
int rec_syscall_filter_apply(struct cap_err *err);

/* The same for a child that only reads files and answers on a socket that is open: no waiting for
 * others, no signals, no clocks to set, no socket to make, no bpf(2) at all. For the calling
 * thread, which must be the only one. */
int rec_syscall_filter_reader(struct cap_err *err);
