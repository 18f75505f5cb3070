#pragma once
/*
 * Stacks from copies of stacks: a row of COPIES becomes a stack of stack_table.h, by the rules that
 * the capture holds, else those of its modules' files. What is found for an address is kept, so
 * that a sample costs little more than its frames.
 */
#include "analyzer/capture/captured_rules.h"
#include "analyzer/capture/stack_table.h"
#include "analyzer/symbols/find_object.h"
#include "objects/unwind/unwind_walk.h"

struct kymo_unwinder;

/*
 * search: where files are looked for; NULL: on this machine. It is copied, with its texts but not
 * with open_file. machine: ELF's number; stacks of other machines than x86_64 have their innermost
 * frame only. input_bytes bounds the work: the capture's size. NULL: out of memory.
 */
struct kymo_unwinder *kymo_unwinder_new(const struct kymo_object_search *search, u16 machine,
					u64 input_bytes);
/* When and where it was recorded, for files without build-id (find_object.h): until told,
 * elsewhere. */
void kymo_unwinder_recorded(struct kymo_unwinder *unwinder, bool same_boot, s64 realtime_offset_ns);
struct kymo_unwinder *kymo_unwinder_free(struct kymo_unwinder *unwinder); /* returns NULL */

/* Who unwinds with what: all of one capture. */
struct kymo_unwinding {
	struct kymo_unwinder *unwinder;
	struct kymo_stacks *stacks;
	struct kymo_mappings *mappings;
	struct kymo_captured_rules *captured; /* files: numbers of stacks->names */
	struct kymo_stack_cache *cache;
	const struct cap_rows *rows;
};

/*
 * The stack of a sample: its user frames from row `copy` of COPIES, the kernel frames of local
 * stack `node` on top. Where the copy leads nowhere and `node` has user frames, those stand. > 0;
 * -ENOMEM, or CAP_ELIMIT past the bounds.
 */
s64 kymo_unwind_stack(const struct kymo_unwinding *unwinding, u32 copy, u32 node,
		      const struct kymo_sample_place *place);

/* A copy's user frames as addresses, for who writes them into another capture. */
struct kymo_unwound {
	u64 addresses[2 * KYMO_UNWIND_MAX_FRAMES]; /* innermost first: of the instruction, or within
						      the call */
	bool is_mapped[2 * KYMO_UNWIND_MAX_FRAMES];
	u32 count;	    /* 0: the copy leads nowhere, and the local stack stands */
	u8 how, end, rules; /* of its root: enum kymo_stack_how, kymo_unwind_end,
			       kymo_unwinding_state */
};

/* What kymo_unwind_stack would make of row `copy` and local stack `node`. 0, -ENOMEM, CAP_ELIMIT.
 */
int kymo_unwind_addresses(const struct kymo_unwinding *unwinding, u32 copy, u32 node,
			  const struct kymo_sample_place *place, struct kymo_unwound *ret_unwound);

/* Why a module tells nothing: of modules that were asked for rules. */
enum kymo_unwinding_state { /* also in databases, by name: append only */
			    KYMO_UNWINDING_NOT_ASKED,
			    KYMO_UNWINDING_FOUND,
			    KYMO_UNWINDING_NO_FILE,
			    KYMO_UNWINDING_NO_RULES,
			    KYMO_UNWINDING_NO_CODE_FILE, /* made at run time: frame pointers only */
};
enum kymo_unwinding_state kymo_unwinder_state(const struct kymo_unwinder *unwinder, u32 module);
