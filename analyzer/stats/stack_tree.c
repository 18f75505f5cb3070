/*
 * Nodes stand in one array; a hash table finds (parent, kind, name). Names are copied into an arena
 * once each.
 */
#include "analyzer/stats/stack_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/word_map.h"
#include "formats/base/cleanup.h"
#include "formats/base/hash.h"

#define ARENA_BYTES (256u << 10)

struct arena {
	struct arena *older;
	size_t used, size_bytes;
	char bytes[];
};

struct kymo_tree {
	struct kymo_tree_node *nodes;
	size_t count, capacity;
	uint32_t *slots; /* node, 0: free; a power of two of them, at most half full */
	size_t slot_count;
	uint64_t seed;
	struct arena *arena;
};

/* Names come from the capture: an unpredictable seed keeps them from all landing in one slot.
 */
static uint64_t hash_of(const struct kymo_tree *tree, uint32_t parent, uint8_t kind,
			const char *name, size_t len)
{
	return cap_hash_mix(cap_hash_seeded(name, len, tree->seed), (uint64_t)parent << 8 | kind,
			    tree->seed);
}

struct kymo_tree *kymo_tree_new(void)
{
	struct kymo_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->seed = cap_hash_seed();
	tree->capacity = 256;
	tree->slot_count = 1024;
	tree->nodes = calloc(tree->capacity, sizeof(*tree->nodes));
	tree->slots = calloc(tree->slot_count, sizeof(*tree->slots));
	if (!tree->nodes || !tree->slots)
		return kymo_tree_free(tree);
	tree->nodes[0].name = "";
	tree->count = 1;
	return tree;
}

struct kymo_tree *kymo_tree_free(struct kymo_tree *tree)
{
	if (!tree)
		return NULL;
	while (tree->arena) {
		struct arena *older = tree->arena->older;

		free(tree->arena);
		tree->arena = older;
	}
	free(tree->nodes);
	free(tree->slots);
	free(tree);
	return NULL;
}

void kymo_tree_freep(struct kymo_tree **tree)
{
	*tree = kymo_tree_free(*tree);
}

static const char *keep_name(struct kymo_tree *tree, const char *name, size_t len)
{
	struct arena *arena = tree->arena;
	char *kept;

	if (!arena || len > arena->size_bytes - arena->used) {
		size_t size_bytes = len > ARENA_BYTES ? len : ARENA_BYTES;

		arena = malloc(sizeof(*arena) + size_bytes);
		if (!arena)
			return NULL;
		*arena = (struct arena){.older = tree->arena, .size_bytes = size_bytes};
		tree->arena = arena;
	}
	kept = arena->bytes + arena->used;
	if (len > 0)
		memcpy(kept, name, len);
	arena->used += len;
	return kept;
}

static bool node_is(const struct kymo_tree_node *node, uint32_t parent, uint8_t kind,
		    const char *name, size_t len)
{
	return node->parent == parent && node->kind == kind && node->name_len == len &&
	       (len == 0 || memcmp(node->name, name, len) == 0);
}

/* The slot of the node, or the free slot where it belongs. */
static size_t find_slot(const struct kymo_tree *tree, uint32_t parent, uint8_t kind,
			const char *name, size_t len)
{
	size_t slot = hash_of(tree, parent, kind, name, len) & (tree->slot_count - 1);

	while (tree->slots[slot] &&
	       !node_is(&tree->nodes[tree->slots[slot]], parent, kind, name, len))
		slot = (slot + 1) & (tree->slot_count - 1);
	return slot;
}

static bool grow(struct kymo_tree *tree)
{
	if (tree->count == tree->capacity) {
		struct kymo_tree_node *nodes =
			reallocarray(tree->nodes, tree->capacity * 2, sizeof(*nodes));

		if (!nodes)
			return false;
		tree->nodes = nodes;
		tree->capacity *= 2;
	}
	if (tree->count * 2 > tree->slot_count) {
		uint32_t *old = tree->slots;
		uint32_t *slots = calloc(tree->slot_count * 2, sizeof(*slots));

		if (!slots)
			return false;
		tree->slots = slots;
		tree->slot_count *= 2;
		for (uint32_t i = 1; i < tree->count; i++) {
			const struct kymo_tree_node *node = &tree->nodes[i];

			slots[find_slot(tree, node->parent, node->kind, node->name,
					node->name_len)] = i;
		}
		free(old);
	}
	return true;
}

uint32_t kymo_tree_child(struct kymo_tree *tree, uint32_t parent, enum kymo_frame_kind kind,
			 const char *name, size_t name_len)
{
	size_t slot = find_slot(tree, parent, (uint8_t)kind, name, name_len);
	const char *kept;

	if (tree->slots[slot])
		return tree->slots[slot];
	if (tree->count >= UINT32_MAX || name_len > UINT32_MAX || !grow(tree))
		return 0;
	kept = keep_name(tree, name, name_len);
	if (!kept)
		return 0;
	slot = find_slot(tree, parent, (uint8_t)kind, name, name_len); /* growing moved it */
	tree->nodes[tree->count] = (struct kymo_tree_node){
		.parent = parent,
		.depth = tree->nodes[parent].depth + 1,
		.name = kept,
		.name_len = (uint32_t)name_len,
		.kind = (uint8_t)kind,
	};
	tree->slots[slot] = (uint32_t)tree->count;
	return (uint32_t)tree->count++;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

void kymo_tree_add(struct kymo_tree *tree, uint32_t node, uint64_t weight)
{
	tree->nodes[node].self = add_up(tree->nodes[node].self, weight);
}

static int sibling_order(const void *left, const void *right, void *context)
{
	const struct kymo_tree *tree = context;
	const struct kymo_tree_node *a = &tree->nodes[*(const uint32_t *)left];
	const struct kymo_tree_node *b = &tree->nodes[*(const uint32_t *)right];
	size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	order = memcmp(a->name, b->name, shorter);
	if (order == 0 && a->name_len != b->name_len)
		order = a->name_len < b->name_len ? -1 : 1;
	return order ? order : (int)a->kind - (int)b->kind;
}

int kymo_tree_finish(struct kymo_tree *tree)
{
	size_t count = tree->count;
	CLEANUP(cap_freep) uint32_t *order = reallocarray(NULL, count, sizeof(*order));

	if (!order)
		return -ENOMEM;
	/* A child always comes after its parent, so one pass from the end sums everything up. */
	for (size_t i = 0; i < count; i++)
		tree->nodes[i].total = tree->nodes[i].self;
	for (size_t i = count; --i > 0;) {
		struct kymo_tree_node *parent = &tree->nodes[tree->nodes[i].parent];

		parent->total = add_up(parent->total, tree->nodes[i].total);
	}
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order + 1, count - 1, sizeof(*order), sibling_order, tree);
	for (size_t i = count; --i > 0;) {
		struct kymo_tree_node *node = &tree->nodes[order[i]];
		struct kymo_tree_node *parent = &tree->nodes[node->parent];

		node->next_sibling = parent->first_child;
		parent->first_child = order[i];
	}
	return 0;
}

struct kymo_tree *kymo_tree_reversed(const struct kymo_tree *tree)
{
	CLEANUP(kymo_tree_freep) struct kymo_tree *reversed = kymo_tree_new();

	if (!reversed)
		return NULL;
	kymo_tree_add(reversed, 0, tree->nodes[0].self);
	for (uint32_t i = 1; i < tree->count; i++) {
		uint32_t at = 0;

		if (tree->nodes[i].self == 0)
			continue;
		for (uint32_t from = i; from != 0; from = tree->nodes[from].parent) {
			const struct kymo_tree_node *node = &tree->nodes[from];

			at = kymo_tree_child(reversed, at, node->kind, node->name, node->name_len);
			if (at == 0)
				return NULL;
		}
		kymo_tree_add(reversed, at, tree->nodes[i].self);
	}
	if (kymo_tree_finish(reversed) < 0)
		return NULL;
	return TAKE(reversed);
}

size_t kymo_tree_node_count(const struct kymo_tree *tree)
{
	return tree->count;
}

const struct kymo_tree_node *kymo_tree_node(const struct kymo_tree *tree, uint32_t node)
{
	return &tree->nodes[node];
}

uint32_t kymo_tree_next_beside(const struct kymo_tree *tree, uint32_t node)
{
	while (node != 0 && tree->nodes[node].next_sibling == 0)
		node = tree->nodes[node].parent;
	return node == 0 ? 0 : tree->nodes[node].next_sibling;
}

uint32_t kymo_tree_next(const struct kymo_tree *tree, uint32_t node)
{
	if (tree->nodes[node].first_child)
		return tree->nodes[node].first_child;
	return kymo_tree_next_beside(tree, node);
}
