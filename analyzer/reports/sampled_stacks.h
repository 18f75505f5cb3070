#pragma once
/* The CPU samples of a database, its waits, or its page faults, as a tree of stacks, with what is
 * missing from them. A renderer then needs no SQL. */
#include <stdbool.h>

#include "analyzer/db/open_db.h"
#include "analyzer/reports/sample_weight.h"
#include "analyzer/reports/wait_choice.h"
#include "analyzer/stats/stack_tree.h"
#include "formats/base/cap_error.h"

enum kymo_process_label {			   /* what stands at the root of a stack */
			  KYMO_LABEL_COMM = 0,	   /* name */
			  KYMO_LABEL_COMM_PID,	   /* name-pid */
			  KYMO_LABEL_COMM_PID_TID, /* name-pid/tid */
};

enum kymo_stacks_of { /* what a tree is made of */
		      KYMO_STACKS_OF_SAMPLES = 0,
		      KYMO_STACKS_OF_WAITS,
		      KYMO_STACKS_OF_FAULTS,
};

struct kymo_stack_options {
	const struct kymo_filter *filter; /* resolved */
	/* The stacks of these waits instead, weighed by ns; their samples are intervals. The filter
	 * is the choice's. NULL: CPU samples. */
	const struct kymo_wait_choice *waits;
	bool faults;   /* page faults instead, weighed by how many each stands for */
	bool by_waker; /* of waits: on top of their stack stand "--" and who ended them */
	enum kymo_process_label label;
	bool folded; /* names as folded_name.h makes them, all of kind KYMO_FRAME_USER; else as
			recorded */
	bool annotate_kernel; /* folded: kernel frames end in _[k] */
	bool inlined;	      /* frames of functions that were inlined, too; as lines, they need
				 kymo_db_options.lines */
	bool lines;	      /* names end in " (file:line)" */
	bool join_unknown; /* a run of unknown frames becomes one: they say no more than one does */
};

struct kymo_stack_facts {
	struct kymo_sample_weight weight; /* what the tree's weights are */
	/* Of waits, samples are intervals and weights their time; of page faults, those that were
	 * stored, and how many there were. */
	enum kymo_stacks_of of;
	u64 samples;
	u64 no_user_stack;   /* samples of user processes without one */
	u64 no_kernel_stack; /* samples taken in the kernel without one */
	u64 truncated;	     /* samples with a stack cut at the depth limit */
	u64 frames;	     /* frames in all samples, each as often as it was sampled */
	u64 frames_unnamed;  /* those known by module and offset only: symbols would name them */
	u64 frames_unknown;  /* those in no known file: as a rule a stack that was walked wrongly */
};

/* *ret_tree is finished; free it with kymo_tree_free. 0, -ENOMEM, or the database's error. */
int kymo_sampled_stacks(struct kymo_db *db, const struct kymo_stack_options *options,
			struct kymo_tree **ret_tree, struct kymo_stack_facts *ret_facts,
			struct cap_err *err);
