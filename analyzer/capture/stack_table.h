#pragma once
/*
 * All stacks of a capture, as one tree. A frame is (space, module, offset in it), so processes with
 * different address-space layouts share stacks. Addresses of a sample are resolved through the
 * mappings of its process at its time.
 */
#include "analyzer/capture/blob_table.h"
#include "formats/base/word_map.h"
#include "analyzer/capture/mapping_timeline.h"
#include "formats/read/capture_reader.h"

enum kymo_space { KYMO_SPACE_UNKNOWN = 0, KYMO_SPACE_USER, KYMO_SPACE_KERNEL };

struct kymo_module {
	u8 space;     /* enum kymo_space */
	bool is_anon; /* code without a file: offsets count from the mapping's start */
	u32 path;     /* in names */
	u32 name;     /* in names */
	u32 build_id; /* in names: bytes */
	bool has_offset;
	s64 first_offset; /* the lowest file_offset of its mappings, as SQL compares them */
};

struct kymo_frame {
	u64 offset;
	u32 module; /* 0: unknown */
	u8 space;   /* enum kymo_space */
};

struct kymo_stack {
	u32 parent; /* 0: root */
	u32 frame;
	u32 depth; /* 1 at the root */
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
	/* One deep stack may differ at each moment and in each process: bounds by input size that
	 * no genuine capture reaches. 0: none. */
	u64 max_stacks, max_steps;
};

void kymo_stacks_bound(struct kymo_stacks *stacks, u64 input_bytes);

void kymo_stacks_done(struct kymo_stacks *stacks);

/* Numbers of modules, from 1; -ENOMEM. Bytes may be anything; empty path: code without a file. */
s64 kymo_stacks_user_module(struct kymo_stacks *stacks, const struct cap_string *path,
			    const struct cap_string *build_id);
/* name "kernel" for the kernel itself. An empty build_id is filled by a later call that knows it.
 */
s64 kymo_stacks_kernel_module(struct kymo_stacks *stacks, const struct cap_string *name,
			      const struct cap_string *build_id);

/* Maps local stacks of one block to global ones, per state of the address space. Embedded in
 * walkers over blocks. */
struct kymo_stack_cache {
	struct cap_word_map nodes; /* (epoch, node * 2 + exact) -> stack */
	u32 *path;		   /* scratch */
	size_t path_capacity;
	u64 steps; /* nodes resolved since the walk began: set to 0 there */
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
