#pragma once
/*
 * The child that reads what traced processes have: their programs and libraries, and what their
 * compilers say about the code that they made. Forked before privileges are given up, and idle
 * until functions are to be named.
 */

#include <sys/types.h>

/* Serves questions of name_protocol.h on the socket until the other end is closed. Confines itself
 * first. parent: who made it; it does not outlive that. */
_Noreturn void rec_name_child(int fd, pid_t parent);
