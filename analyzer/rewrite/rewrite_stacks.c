/*
 * A user frame that is not the innermost holds a return address, which may be just past the mapping
 * of the call: such addresses move together with the byte before them, as readers look them up.
 */
#include "analyzer/rewrite/rewrite_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/copy_unwind.h"
#include "formats/base/word_map.h"

#define UNWOUND_MASK 0xffffffu /* its three numbers */
#define UNKNOWN_SPACE 255u     /* no version gives it a meaning */

struct kymo_rewrite_stacks {
	struct kymo_capture *capture;
	const struct kymo_rewrite_rules *rules;
	const struct cap_rows *from;
	struct cap_chunk *chunk;
	u32 *nodes; /* 2 * local stack + exact -> row of the chunk; 0: not there yet */
	size_t node_size;
	u32 *path;
	size_t path_size;
	struct cap_word_map copies; /* (epoch, copy << 32 | node) -> row of STACKS + 1 */
	struct cap_word_map words;  /* (word, top) -> row of WORDS */
	struct kymo_stack_cache cache;
	struct kymo_unwound unwound;
};

struct kymo_rewrite_stacks *kymo_rewrite_stacks_new(struct kymo_capture *capture,
						    const struct kymo_rewrite_rules *rules)
{
	struct kymo_rewrite_stacks *stacks = calloc(1, sizeof(*stacks));

	if (!stacks)
		return NULL;
	stacks->capture = capture;
	stacks->rules = rules;
	return stacks;
}

struct kymo_rewrite_stacks *kymo_rewrite_stacks_free(struct kymo_rewrite_stacks *stacks)
{
	if (!stacks)
		return NULL;
	free(stacks->nodes);
	free(stacks->path);
	cap_word_map_done(&stacks->copies);
	cap_word_map_done(&stacks->words);
	kymo_stack_cache_done(&stacks->cache);
	free(stacks);
	return NULL;
}

int kymo_rewrite_stacks_begin(struct kymo_rewrite_stacks *stacks, const struct cap_rows *from,
			      struct cap_chunk *chunk)
{
	size_t wanted = 2ul * from->stack_count;

	stacks->from = from;
	stacks->chunk = chunk;
	if (wanted > stacks->node_size) {
		u32 *bigger = reallocarray(stacks->nodes, wanted, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		stacks->nodes = bigger;
		stacks->node_size = wanted;
	}
	if (wanted)
		memset(stacks->nodes, 0, wanted * sizeof(*stacks->nodes));
	cap_word_map_clear(&stacks->copies);
	cap_word_map_clear(&stacks->words);
	kymo_stack_cache_clear(&stacks->cache);
	return 0;
}

/* -------- frames -------- */

static bool is_user(const struct cap_rows *rows, u32 node)
{
	return rows->frames[rows->stacks[node].frame].space == CAP_SPACE_USER;
}

static u64 map_address(const struct kymo_rewrite_stacks *stacks, u64 address, bool exact)
{
	const struct kymo_rewrite_rules *rules = stacks->rules;

	if (!rules->address)
		return address;
	if (exact || address == 0)
		return rules->address(rules->context, address);
	return rules->address(rules->context, address - 1) + 1;
}

/* The row of FRAMES; 0 where the chunk is full. */
static s64 map_frame(struct kymo_rewrite_stacks *stacks, u32 local, bool exact)
{
	const struct cap_frame *frame = &stacks->from->frames[local];
	struct cap_string object;
	u32 name = 0;
	int rc;

	switch (frame->space) {
	case CAP_SPACE_USER:
		return cap_chunk_frame(stacks->chunk, CAP_SPACE_USER, 0,
				       map_address(stacks, frame->offset, exact));
	case CAP_SPACE_KERNEL:
		return cap_chunk_frame(stacks->chunk, CAP_SPACE_KERNEL, 0, frame->offset);
	case CAP_SPACE_UNWOUND:
		return cap_chunk_frame(stacks->chunk, CAP_SPACE_UNWOUND, 0,
				       frame->offset & UNWOUND_MASK);
	case CAP_SPACE_MODULE:
		object = stacks->from->strings[frame->object];
		rc = object.len > 0 && stacks->rules->object
			     ? stacks->rules->object(stacks->rules->context, &object)
			     : 0;
		if (rc < 0)
			return rc;
		name = cap_chunk_string(stacks->chunk, object.bytes, object.len);
		return cap_chunk_frame(stacks->chunk, CAP_SPACE_MODULE, name, frame->offset);
	default: /* of a newer version: unknown before and after */
		return cap_chunk_frame(stacks->chunk, (enum cap_space)UNKNOWN_SPACE, 0, 0);
	}
}

static int push_path(struct kymo_rewrite_stacks *stacks, size_t len, u32 key)
{
	if (len == stacks->path_size) {
		size_t size = len ? len * 2 : 256;
		u32 *bigger = reallocarray(stacks->path, size, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		stacks->path = bigger;
		stacks->path_size = size;
	}
	stacks->path[len] = key;
	return 0;
}

/* Local stack `node`, on top of row `base` of STACKS. kernel_only: without its user frames. */
static s64 map_nodes(struct kymo_rewrite_stacks *stacks, u32 node, u32 base, bool kernel_only)
{
	const struct cap_rows *from = stacks->from;
	bool exact = true, cached = base == 0 && !kernel_only;
	size_t len = 0;
	s64 stack = base;

	while (node != 0 && !(kernel_only && is_user(from, node))) {
		u32 parent = from->stacks[node].parent;

		if (cached && stacks->nodes[2 * node + exact]) {
			stack = stacks->nodes[2 * node + exact];
			break;
		}
		if (push_path(stacks, len, 2 * node + exact) < 0)
			return -ENOMEM;
		len++;
		exact = parent != 0 && is_user(from, parent) && !is_user(from, node);
		node = parent;
	}
	while (len > 0) {
		u32 key = stacks->path[--len];
		s64 frame = map_frame(stacks, from->stacks[key / 2].frame, key & 1);

		if (frame <= 0) /* full: cap_chunk_failed tells */
			return frame;
		stack = cap_chunk_stack(stacks->chunk, (u32)stack, (u32)frame);
		if (stack == 0)
			return 0;
		if (cached)
			stacks->nodes[key] = (u32)stack;
	}
	return stack;
}

/* -------- copies -------- */

/* The frames that a copy came to, on what says how, with the kernel frames of `node` on top. */
static s64 put_unwound(struct kymo_rewrite_stacks *stacks, u32 node)
{
	const struct kymo_unwound *unwound = &stacks->unwound;
	const struct kymo_rewrite_rules *rules = stacks->rules;
	u64 how = cap_unwound_offset(unwound->how, unwound->end, unwound->rules);
	u32 frame = cap_chunk_frame(stacks->chunk, CAP_SPACE_UNWOUND, 0, how);
	u32 stack = cap_chunk_stack(stacks->chunk, 0, frame);

	for (u32 i = unwound->count; i-- > 0;) {
		/* what is in no mapping goes where none is; no range holds the last address */
		u64 from = unwound->is_mapped[i] ? unwound->addresses[i] : UINT64_MAX;
		u64 address = rules->address(rules->context, from) + (i > 0);

		frame = cap_chunk_frame(stacks->chunk, CAP_SPACE_USER, 0, address);
		stack = cap_chunk_stack(stacks->chunk, stack, frame);
	}
	if (cap_chunk_failed(stacks->chunk))
		return 0;
	return map_nodes(stacks, node, stack, true);
}

static s64 unwind(struct kymo_rewrite_stacks *stacks, u32 copy, u32 node,
		  const struct kymo_sample_place *place)
{
	struct kymo_capture *capture = stacks->capture;
	const struct kymo_unwinding unwinding = {.unwinder = capture->unwinder,
						 .stacks = &capture->stacks,
						 .mappings = capture->mappings,
						 .captured = &capture->captured_rules,
						 .cache = &stacks->cache,
						 .rows = stacks->from};
	u64 epoch = kymo_mappings_epoch(capture->mappings, place->tgid, place->time_ns);
	struct cap_word_slot *slot;
	s64 stack;
	int rc;

	stack = (s64)cap_word_map_get(&stacks->copies, epoch, (u64)copy << 32 | node);
	if (stack)
		return stack - 1;
	rc = kymo_unwind_addresses(&unwinding, copy, node, place, &stacks->unwound);
	if (rc < 0)
		return rc;
	if (stacks->rules->unwound)
		stacks->rules->unwound(stacks->rules->context, 1);
	stack = stacks->unwound.count ? put_unwound(stacks, node)
				      : map_nodes(stacks, node, 0, false);
	if (stack <= 0)
		return stack;
	slot = cap_word_map_make(&stacks->copies, epoch, (u64)copy << 32 | node);
	if (!slot)
		return -ENOMEM;
	slot->value = (u64)stack + 1;
	return stack;
}

static unsigned int first_of_kind(const struct kymo_rewrite_part *part, enum cap_kind kind)
{
	for (unsigned int i = 0; i < part->type->field_count; i++) {
		if (part->type->fields[i].kind == kind)
			return i;
	}
	return ROW_MAX_FIELDS;
}

static u64 value_of(const struct kymo_rewrite_part *part, unsigned int field, u32 row)
{
	return field < ROW_MAX_FIELDS && part->values[field] ? part->values[field][row] : 0;
}

/* Whose stack it is that has a copy: the TASK field named task. */
static u64 owner_of(const struct kymo_rewrite_part *part, u32 row)
{
	const struct cap_field *task = cap_type_field(part->type, "task");
	unsigned int field = task ? (unsigned int)(task - part->type->fields)
				  : first_of_kind(part, CAP_KIND_TASK);

	return value_of(part, field, row);
}

s64 kymo_rewrite_stack(struct kymo_rewrite_stacks *stacks, const struct kymo_rewrite_part *part,
		       unsigned int field, u32 row)
{
	u32 node = part->values[field][row] < stacks->from->stack_count
			   ? (u32)part->values[field][row]
			   : 0;
	u64 copy = 0, task;

	/* A copy belongs to the first stack of its row. */
	if (stacks->rules->address && field == first_of_kind(part, CAP_KIND_STACK))
		copy = value_of(part, first_of_kind(part, CAP_KIND_COPY), row);
	if (copy != 0 && copy < stacks->from->copy_count) {
		struct kymo_sample_place place = {
			.time_ns = value_of(part, first_of_kind(part, CAP_KIND_TIME), row)};

		task = owner_of(part, row);
		if (task < stacks->from->task_count)
			place.tgid = stacks->from->tasks[task].tgid;
		return unwind(stacks, (u32)copy, node, &place);
	}
	return map_nodes(stacks, node, 0, false);
}

/* The kept words of a copy, from the outer end inwards. */
static s64 map_words(struct kymo_rewrite_stacks *stacks, u32 copy)
{
	struct cap_word_walk walk = cap_copy_words(stacks->from, copy);
	const struct cap_word *words = stacks->from->words;
	u64 top = walk.top;
	u32 parent = 0;
	size_t len = 0;

	for (u32 word = walk.word; word != 0; word = words[word].parent) {
		parent = (u32)cap_word_map_get(&stacks->words, word, top);
		if (parent)
			break;
		if (push_path(stacks, len++, word) < 0)
			return -ENOMEM;
	}
	while (len > 0) {
		u32 word = stacks->path[--len], outer = words[word].parent;
		u64 address = 0, value = 0;
		u32 gap = words[word].below - (outer ? words[outer].below : 0) - 1;

		walk.word = word;
		if (cap_word_next(&walk, &address, &value) <= 0)
			return CAP_EDAMAGED;
		parent = cap_chunk_word(stacks->chunk, parent, gap, address, value);
		if (parent == 0)
			return 0;
		if (cap_word_map_put(&stacks->words, word, top, parent) < 0)
			return -ENOMEM;
	}
	return parent;
}

s64 kymo_rewrite_copy(struct kymo_rewrite_stacks *stacks, u64 local)
{
	struct cap_copy copy;
	s64 word;

	if (stacks->rules->address || local == 0 || local >= stacks->from->copy_count)
		return 0;
	copy = stacks->from->copies[local];
	word = map_words(stacks, (u32)local);
	if (word < 0)
		return word;
	copy.word = (u32)word;
	return cap_chunk_copy(stacks->chunk, &copy);
}
