#pragma once
/*
 * Walks a user stack from a copy of it: registers and bytes, taken at one moment. Knows no files:
 * the caller finds the rules of each address. Copies come from captures and may lie: each step is
 * bounded, reads stay inside the copy, and a walk ends after KYMO_UNWIND_MAX_FRAMES.
 */
#include "objects/unwind/unwind_copy.h"

#define KYMO_UNWIND_MAX_FRAMES 1024u

enum kymo_unwind_end {				/* also in databases: append only */
		       KYMO_UNWIND_ROOT = 1,	/* where the thread began */
		       KYMO_UNWIND_CUT,		/* at the end of the copy, not of the stack */
		       KYMO_UNWIND_NO_RULE,	/* nothing, or nothing true, tells how to go on */
		       KYMO_UNWIND_HOLE,	/* a page that was not in memory */
		       KYMO_UNWIND_NO_MAPPING,	/* a return address that points to no code */
		       KYMO_UNWIND_DEPTH,	/* KYMO_UNWIND_MAX_FRAMES */
		       KYMO_UNWIND_OTHER_STACK, /* on a stack that was not copied: sigaltstack */
};

struct kymo_unwind_machine { /* by DWARF numbers of registers */
	u8 register_count;
	u8 stack_pointer, frame_pointer;
	u8 program_counter; /* KYMO_CFI_MAX_REGISTERS: rules cannot name it */
	u64 address_mask;   /* of return addresses: drops signatures */
	u8 least_step;	    /* bytes that a frame takes at least */
};

enum kymo_unwind_arch { KYMO_UNWIND_X86_64, KYMO_UNWIND_AARCH64 };
const struct kymo_unwind_machine *kymo_unwind_machine(enum kymo_unwind_arch arch);

struct kymo_unwind_code {		    /* what is known of an address */
	bool is_mapped;			    /* code can be there */
	const struct kymo_cfi_table *table; /* NULL: nothing tells; then frame pointers are followed
					     */
	const struct kymo_cfi_row *row;
	u32 number; /* the caller's, given back in the frame */
};

struct kymo_unwind_frame {
	u64 address;	 /* of the instruction, or within the call */
	u32 number;	 /* of its kymo_unwind_code */
	bool is_guessed; /* found by a frame pointer, which nothing proves */
};

struct kymo_unwind_source {
	const struct kymo_unwind_machine *machine;
	const struct kymo_unwind_copy *copy;
	/* false: the walk fails (out of memory) */
	bool (*code_at)(void *context, u64 address, struct kymo_unwind_code *ret_code);
	void *context;
};

struct kymo_unwind_result {
	struct kymo_unwind_frame frames[KYMO_UNWIND_MAX_FRAMES]; /* innermost first */
	u32 frame_count;
	u32 guessed_count;
	enum kymo_unwind_end end;
};

/* registers: as they were at the innermost frame. False: code_at failed. */
bool kymo_unwind_walk(const struct kymo_unwind_source *source,
		      const struct kymo_unwind_registers *registers,
		      struct kymo_unwind_result *ret_result);
