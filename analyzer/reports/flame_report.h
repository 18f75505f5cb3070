#pragma once
/* The flame graph of a database's CPU samples or waits, with captions that say what it shows and
 * what it lacks. */
#include "analyzer/db/open_db.h"
#include "analyzer/output/svg_flame.h"
#include "analyzer/reports/sampled_stacks.h"

#define KYMO_FLAME_CAPTIONS 16
#define KYMO_CAPTION_BYTES 512

struct kymo_flame_captions {
	char text[KYMO_FLAME_CAPTIONS][KYMO_CAPTION_BYTES];
	struct kymo_caption captions[KYMO_FLAME_CAPTIONS]; /* point into text */
	size_t count;
};

/* The classes that stacks are about: KYMO_ABOUT_*. */
int kymo_flame_about(const struct kymo_stack_facts *facts);

/* Captions for samples or waits under a resolved filter. 0 or the database's error. */
int kymo_flame_captions(struct kymo_db *db, const struct kymo_filter *filter,
			const struct kymo_stack_facts *facts,
			struct kymo_flame_captions *ret_captions, struct cap_err *err);

/* Where samples are weighed: field "counted" (the unit), and how many samples do not tell their
 * period. */
void kymo_weight_fields(struct kymo_writer *writer, const struct kymo_sample_weight *weight);

/* Table "frames" of a document: id, parent_id, name, kind, self_samples, total_samples (self_weight
 * and total_weight where samples are weighed); the root is 0. */
void kymo_flame_to_writer(struct kymo_writer *writer, const struct kymo_tree *tree,
			  enum kymo_weight weight);

/* One line that says what is counted and why, "" where it is samples at one rate. */
void kymo_weight_text(const struct kymo_sample_weight *weight, char ret_text[KYMO_CAPTION_BYTES]);
