#pragma once
/*
 * All stacks of a capture, as one tree. A frame is (space, module, offset in it), so processes with
 * different address-space layouts share stacks. Addresses of a sample are resolved through the
 * mappings of its process at its time.
 */
#include "analyzer/capture/blob_table.h"
#include "analyzer/capture/kernel_names.h"
#include "formats/base/word_map.h"
#include "analyzer/capture/mapping_timeline.h"
#include "formats/read/capture_reader.h"

enum kymo_space {
	KYMO_SPACE_UNKNOWN = 0,
	KYMO_SPACE_USER,
	KYMO_SPACE_KERNEL,
	KYMO_SPACE_CUT, /* no function: here frames are missing, because the stack was cut */
};

/* What every output calls the frame that stands for those that were cut off. */
#define KYMO_CUT_NAME "[cut]"

enum kymo_stack_how { /* how its user frames were obtained; in databases: append only */
		      KYMO_STACK_NO_USER = 0, /* it has none */
		      KYMO_STACK_FP,	      /* by frame pointers alone */
		      KYMO_STACK_COPY,	      /* by rules, from a copy of the stack */
		      KYMO_STACK_BOTH,	      /* from a copy, some frames by frame pointers */
};

/* What every output calls the frame that stands for those that were cut off. */
#define KYMO_CUT_NAME "[cut]"

struct kymo_module {
	u8 space;      /* enum kymo_space */
	bool is_anon;  /* code without a file: offsets count from the mapping's start */
	u32 path;      /* in names */
	u32 name;      /* in names */
	u32 build_id;  /* in names: bytes */
	bool presumed; /* code in anonymous memory that is presumed to be this file's */
	bool compat;   /* the vDSO of 32-bit programs, or one that may be */
	/* What the kernel and the recorder said of the file; 0: not known. */
	u32 dev_major, dev_minor;
	u64 inode, file_bytes;
	s64 mtime_ns; /* CLOCK_REALTIME */
	bool has_seen;
	u64 seen_ns; /* when its first mapping was recorded */
	bool has_offset;
	s64 first_offset; /* the lowest file_offset of its mappings, as SQL compares them */
};

struct kymo_frame {
	u64 offset; /* with symbol: in that function */
	u32 module; /* 0: unknown */
	u32 symbol; /* in names: of code that is in no file; 0: none, or to be looked up */
	u8 space;   /* enum kymo_space */
};

struct kymo_stack {
	u32 parent; /* 0: root */
	u32 frame;
	u32 depth; /* 1 at the root */
	u8 how;	   /* enum kymo_stack_how; the root's, as is end */
	u8 end;	   /* enum kymo_unwind_end: why there are no frames below the root; 0: not known */
	u32 root;  /* the stack that is its root alone */
};

struct kymo_stacks {
	struct kymo_module *modules; /* all: [0] unused */
	u32 module_count, module_capacity;
	struct kymo_frame *frames;
	u32 frame_count, frame_capacity;
	struct kymo_stack *stacks;
	u32 stack_count, stack_capacity;
	struct kymo_blob_table names;
	struct kymo_blob_table module_keys;
	struct cap_word_map frame_map, stack_map;
	/* Of code that is in no file: by address; their "module" is the tgid. Complete before the
	 * first stack is resolved. */
	struct kymo_kernel_names process_names;
	/* One deep stack may differ at each moment and in each process: bounds by input size that
	 * no genuine capture reaches. 0: none. */
	u64 max_stacks, max_steps;
	/* As many frames as the kernel walks, of user and of kernel space each: a stack that has
	 * them was cut. 0: EV_MAX_FRAMES. */
	u32 max_frames;
};

void kymo_stacks_bound(struct kymo_stacks *stacks, u64 input_bytes);

void kymo_stacks_done(struct kymo_stacks *stacks);

struct kymo_mapped_file { /* what makes a module of user space; fields as in struct kymo_module */
	const struct cap_string *path, *build_id;
	bool presumed, compat;
	u32 dev_major, dev_minor;
	u64 inode, file_bytes;
	s64 mtime_ns;
};

/*
 * Numbers of modules, from 1; -ENOMEM. Bytes may be anything; empty path: code without a file.
 * Files of one path are kept apart by their build-id, or where they have none by inode, size and
 * time.
 */
s64 kymo_stacks_user_module(struct kymo_stacks *stacks, const struct kymo_mapped_file *file);
/* name "kernel" for the kernel itself. An empty build_id is filled by a later call that knows it.
 */
s64 kymo_stacks_kernel_module(struct kymo_stacks *stacks, const struct cap_string *name,
			      const struct cap_string *build_id);

/*
 * Numbers of frames and stacks, from 1; -ENOMEM, CAP_ELIMIT. A user frame is in `mapping` (NULL: in
 * none) at `address` of process tgid (0: not known). Two stacks are the same if their frames are,
 * and how and end of their root, which only count where parent is 0.
 */
s64 kymo_stacks_user_frame(struct kymo_stacks *stacks, const struct kymo_mapping *mapping, u32 tgid,
			   u64 address);
s64 kymo_stacks_cut_frame(struct kymo_stacks *stacks); /* for what was cut off: the same for all */
s64 kymo_stacks_add(struct kymo_stacks *stacks, u32 parent, u32 frame, enum kymo_stack_how how,
		    u8 end);

struct kymo_stack_run; /* of frames of one space */

/* Maps local stacks of one block to global ones, per state of the address space. Embedded in
 * walkers over blocks. */
struct kymo_stack_cache {
	struct cap_word_map nodes;  /* (epoch, node * 2 + exact) -> stack */
	struct cap_word_map copies; /* (epoch, copy << 32 | node) -> stack; of copy_unwind.h */
	u32 *path;		    /* scratch */
	size_t path_capacity;
	struct kymo_stack_run *runs; /* by local node; made at the first look-up of a block */
	size_t run_count, run_capacity;
	u64 steps; /* nodes and frames resolved since the walk began: set to 0 there */
};

void kymo_stack_cache_done(struct kymo_stack_cache *cache);
void kymo_stack_cache_clear(struct kymo_stack_cache *cache); /* at each new block */

struct kymo_sample_place { /* whose addresses they are */
	u32 tgid;
	u64 time_ns;
};

/* The number of local stack `node` of rows in that process at that time; 0 for node 0; -ENOMEM,
 * or CAP_ELIMIT past the bounds. */
s64 kymo_stacks_resolve(struct kymo_stacks *stacks, struct kymo_mappings *mappings,
			struct kymo_stack_cache *cache, const struct cap_rows *rows, u32 node,
			const struct kymo_sample_place *place);

/* What local stack `node` stands on, if it was unwound before it was written: cap_unwound_offset;
 * else 0. After kymo_stacks_resolve of the same block. */
u64 kymo_stacks_unwound(const struct kymo_stack_cache *cache, const struct cap_rows *rows,
			u32 node);

/* The kernel frames of local stack `node` on top of stack `base`: the number of that. Same errors.
 */
s64 kymo_stacks_on_top(struct kymo_stacks *stacks, struct kymo_stack_cache *cache,
		       const struct cap_rows *rows, u32 node, u32 base);
