#pragma once
/* What the child that names functions may do. */

#include <sys/types.h>

/* For the child right after the fork: descriptors of the recorder are not for it. */
void rec_name_close_others(int keep_fd);

/*
 * Keeps CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH at most, and these only if it had them; limits
 * memory, CPU time and open files; allows no system call but those that opening for reading,
 * reading, memory and the socket need. It ends with parent. 0 or negative: then it must not go on.
 */
int rec_name_confine(pid_t parent);
