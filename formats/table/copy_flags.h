#pragma once
/* What is known of a copy of a user stack; shared by BPF programs, recorder and readers. Holds no
 * code. SPEC.md, "Copies of stacks". */

enum cap_copy_flag {
	/* What is known of the stack's outer end; none of them: nothing, and top is a guess */
	CAP_COPY_MAIN = 1,   /* where the kernel began the main thread's stack */
	CAP_COPY_THREAD = 2, /* the thread pointer, which the C library keeps above it */
	CAP_COPY_GO = 4,     /* as Go's runtime says */
	/* What is missing */
	CAP_COPY_CUT = 8,	   /* the stack goes on at top: it was deeper than the limit */
	CAP_COPY_HOLE = 16,	   /* pages in holes could not be read: their words are unknown */
	CAP_COPY_NO_MAPPINGS = 32, /* the process's mappings were not known: no word was kept */
};

#define CAP_RED_ZONE_BYTES 128 /* below sp, where x86_64 programs may keep values */
#define CAP_HOLE_PAGE_BYTES 4096
