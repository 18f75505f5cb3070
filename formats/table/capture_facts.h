#pragma once
/* What a capture consists of, for writers and readers: types of blocks, facts
 * about the file, tasks, spaces of frames. */
#include "formats/table/events.h"

enum cap_block_type {
#define BLOCK(type, upper, name, skip, body) CAP_BLOCK_##upper = type,
#include "formats/table/blocks.def"
#undef BLOCK
};

struct cap_file_info { /* FILE_HEADER: facts that are fixed when the file begins */
	u8 session_uuid[16];
	u8 file_uuid[16];
	u8 boot_id[16];
	u64 realtime_ns, monotonic_ns, boottime_ns; /* read back to back */
	u32 file_index;				    /* in the session */
	u32 cpu_count;				    /* possible CPUs */
	u16 machine;				    /* ELF e_machine */
	u8 word_bytes;
	u8 page_shift;
	const char *hostname;	    /* may be NULL: not recorded */
	const char *kernel_release; /* may be NULL */
	const char *tool_version;   /* "kymo-record 0.1.0" */
};

enum cap_space { /* which address space a frame's offset counts in */
		 CAP_SPACE_USER =
			 1, /* offset is the virtual address in the sample's process; object is 0 */
		 CAP_SPACE_KERNEL = 2,	/* offset is from the kernel's text base (symbol _stext); 0:
					   base unknown */
		 CAP_SPACE_MODULE = 3,	/* object is the STRINGS row of the module's name, offset is
					   from its start */
		 CAP_SPACE_UNWOUND = 4, /* no frame, but what a stack stands on whose copy was
					   unwound before it was written: offset says how, as
					   cap_unwound_offset makes it; object is 0 */
};

struct cap_task { /* identity: struct ring_head's, without time and place */
	u64 leader_start_ns;
	u32 tgid;
	u32 tid;
	u32 exec_id;
	u32 reserved; /* 0 */
	char comm[EV_COMM_BYTES];
};

struct cap_totals { /* cumulative counts that every chunk's prologue carries */
	u64 attempted_count, stored_count, lost_count;
};

/* Offset of a frame of space UNWOUND: how its user frames were obtained, why there are none below
 * the outermost, and whether the rules of that one's file were found. Numbers of SPEC.md, "FRAMES".
 */
static inline u64 cap_unwound_offset(u8 how, u8 end, u8 rules)
{
	return (u64)rules << 16 | (u64)how << 8 | end;
}
