#pragma once
/* What the reader of symbols may still do once it reads untrusted files. */

/*
 * For a child right after fork: closes every descriptor but keep_fd, limits CPU time and memory,
 * and allows no system call but those that memory and reading need; others fail with EPERM. Never
 * fails: what a kernel does not support is left out.
 */
void kymo_helper_sandbox(int keep_fd);
