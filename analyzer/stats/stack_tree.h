#pragma once
/*
 * Stacks merged by name into a weighted tree, root first: the basis of folded text and flame
 * graphs. Children come out in a fixed order, so the same samples give the same bytes. Knows no
 * database and no format.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kymo_frame_kind {
	KYMO_FRAME_PROCESS = 0, /* the process or thread at the root */
	KYMO_FRAME_USER,
	KYMO_FRAME_KERNEL,
	KYMO_FRAME_UNNAMED, /* known by module and offset only, or not at all */
};

struct kymo_tree_node {
	uint32_t parent;       /* 0: below the root; node 0 is the root and has no name */
	uint32_t first_child;  /* 0: none. Set by kymo_tree_finish */
	uint32_t next_sibling; /* 0: none. Set by kymo_tree_finish */
	uint32_t depth;	       /* 0 for the root */
	uint64_t self;	       /* weight of stacks that end here */
	uint64_t total;	       /* self and all below. Set by kymo_tree_finish */
	const char *name;      /* any bytes, not terminated */
	uint32_t name_len;
	uint8_t kind; /* enum kymo_frame_kind */
};

struct kymo_tree;

struct kymo_tree *kymo_tree_new(void); /* NULL when out of memory */
struct kymo_tree *kymo_tree_free(struct kymo_tree *tree);
void kymo_tree_freep(struct kymo_tree **tree); /* for CLEANUP */

/* The child of parent with that kind and name, made if it is new. 0 when out of memory or past 2^32
 * - 2 nodes. */
uint32_t kymo_tree_child(struct kymo_tree *tree, uint32_t parent, enum kymo_frame_kind kind,
			 const char *name, size_t name_len);

/* Adds weight to a stack that ends in node. Sums stay at UINT64_MAX instead of wrapping. */
void kymo_tree_add(struct kymo_tree *tree, uint32_t node, uint64_t weight);

/* Sums totals and orders children by name. Call after the last kymo_tree_add; nothing may be added
 * later. */
int kymo_tree_finish(struct kymo_tree *tree);

/* A new tree with every stack turned around, finished; NULL when out of memory. */
struct kymo_tree *kymo_tree_reversed(const struct kymo_tree *tree);

size_t kymo_tree_node_count(const struct kymo_tree *tree); /* with the root */
const struct kymo_tree_node *kymo_tree_node(const struct kymo_tree *tree, uint32_t node);

/* The node after this one in depth-first order, children after their parent; 0 at the end. From 0
 * on. */
uint32_t kymo_tree_next(const struct kymo_tree *tree, uint32_t node);
/* The same, but without going below node. */
uint32_t kymo_tree_next_beside(const struct kymo_tree *tree, uint32_t node);
