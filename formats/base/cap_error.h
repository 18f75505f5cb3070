#pragma once
/*
 * How formats/, recorder/ and analyzer/ report a failure: a negative code, and, where the caller
 * passed one, a message that says what failed and where. Only the two mains print.
 */
#include <stdint.h>

/* Codes of our own; they start past every errno. Values are pinned: scripts and tests name them. */
#define CAP_ENOTCAPTURE (-2001) /* the input is not a capture */
#define CAP_EVERSION                                                                        \
	(-2002)		     /* a capture whose version or features this reader must refuse \
			      */
#define CAP_EDAMAGED (-2003) /* bytes that are not what their checksum or structure says */
#define CAP_ELIMIT (-2004)   /* a length or count above the limit of limits.h, or a spent budget */
#define CAP_ECODEC (-2005)   /* zstd refused a frame, or could not make one */
#define CAP_EUSAGE (-2006)   /* the caller's arguments or configuration are wrong: exit status 2 */
#define CAP_EPRIVILEGE (-2007) /* kernel or privilege: exit status 4 */
#define CAP_ENOTOURS (-2008)   /* a database of another program */
#define CAP_EREFUSED (-2009)   /* --strict: the input is damaged: exit status 2 */

#define CAP_ERR_TEXT_BYTES 1024

struct cap_err {
	int code;
	/* The failing program's own number for it; 0: none. cap_fail clears
	 * it, cap_context keeps it. */
	unsigned kind;
	char text[CAP_ERR_TEXT_BYTES]; /* "outer: inner: fact"; always terminated */
};

/* Sets err (may be NULL) to the message and returns code, so that a caller can write `return
 * cap_fail(...)`. */
int cap_fail(struct cap_err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "message: " in front of the text in err and returns code. */
int cap_context(struct cap_err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends "out of memory" to the text in err if code means that and the text does not say so yet.
 * For the mains, which print it. */
void cap_say_memory(struct cap_err *err, int code);

/* Like cap_fail for a failed system call: appends ": " and the text of errno_code (> 0); returns
 * -errno_code. */
int cap_fail_errno(struct cap_err *err, int errno_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
