#pragma once
/* Why the kernel refused: capabilities, BTF, the verifier's log. Messages with error names and what
 * the user can do. */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"

#define LIVE_LOG_BYTES 4096

/* The last warnings of libbpf, the verifier's log among them. One recording per thread can capture
 * at a time. */
struct live_log {
	char text[LIVE_LOG_BYTES]; /* the end of all messages, NUL-terminated */
	size_t len;
	char program[64]; /* the first program that a warning names; "" if none */
};

/* From here on libbpf's messages of this thread go into log (emptied) instead of stderr; NULL: they
 * are dropped. */
void live_log_capture(struct live_log *log);

/* The end of the log on one line, at most `size` bytes. */
void live_log_tail(const struct live_log *log, char *ret_text, size_t size);

/* The same with a line each, each behind a line break and a mark; "" where there are none. */
void live_log_lines(const struct live_log *log, char *ret_text, size_t size);

/* 0, or CAP_EPRIVILEGE: "InsufficientPermissions". */
int live_check_host(struct cap_err *err);

/* "InsufficientPermissions: what; how to get the permission", or, if no capability is missing, what
 * else may refuse. Returns CAP_EPRIVILEGE. */
int live_fail_permissions(struct cap_err *err, const char *what);

/* "IncompatibleKernel: no type information (what)". Returns CAP_EPRIVILEGE. */
int live_fail_btf(struct cap_err *err, const char *what);

/* Why libbpf could not load the object, from its errno (> 0) and its log: one of the names of
 * error_names.def. Returns what it fails with. */
int live_fail_load(const struct live_log *log, int error, struct cap_err *err);
