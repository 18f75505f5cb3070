/*
 * Frames that are not the innermost hold return addresses: the instruction after a call. If the
 * call is the last instruction of a function, that address already belongs to the next function, so
 * one byte is subtracted from such frames. The innermost user frame under kernel frames is exact:
 * it is where the program entered the kernel.
 */
#include "analyzer/capture/stack_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "objects/unwind/unwind_walk.h"

#define MAX_CACHED_NODES (256u << 10)
#define NAMED_FRAME 0x80 /* a bit that no space has */

void kymo_stacks_bound(struct kymo_stacks *stacks, u64 input_bytes)
{
	stacks->max_stacks = (256u << 10) + 8 * input_bytes;
	stacks->max_steps = (512u << 10) + 16 * input_bytes;
}

void kymo_stacks_done(struct kymo_stacks *stacks)
{
	free(stacks->modules);
	free(stacks->frames);
	free(stacks->stacks);
	kymo_blob_table_done(&stacks->names);
	kymo_kernel_names_done(&stacks->process_names);
	kymo_blob_table_done(&stacks->module_keys);
	cap_word_map_done(&stacks->frame_map);
	cap_word_map_done(&stacks->stack_map);
	memset(stacks, 0, sizeof(*stacks));
}

void kymo_stack_cache_done(struct kymo_stack_cache *cache)
{
	cap_word_map_done(&cache->nodes);
	cap_word_map_done(&cache->copies);
	free(cache->path);
	free(cache->runs);
	memset(cache, 0, sizeof(*cache));
}

void kymo_stack_cache_clear(struct kymo_stack_cache *cache)
{
	cap_word_map_clear(&cache->nodes);
	cap_word_map_clear(&cache->copies);
	cache->run_count = 0;
}

/* Room for one more entry; entry 0 stays unused. */
static int make_room(void *list, u32 *count, u32 *capacity, size_t item_bytes)
{
	void **items = list;
	u32 wanted = *capacity ? *capacity * 2 : 256;
	void *bigger;

	if (*count == 0)
		*count = 1;
	if (*count < *capacity)
		return 0;
	if (*capacity >= 1u << 30)
		return -ENOMEM;
	bigger = realloc(*items, wanted * item_bytes);
	if (!bigger)
		return -ENOMEM;
	*items = bigger;
	*capacity = wanted;
	return 0;
}

/* -------- modules -------- */

static s64 add_module(struct kymo_stacks *stacks, u8 space, const struct cap_string *path,
		      const struct cap_string *build_id, const char *name, size_t name_len)
{
	s64 path_id = kymo_blob_add(&stacks->names, path->bytes, path->len, NULL);
	s64 name_id = kymo_blob_add(&stacks->names, name, name_len, NULL);
	s64 build_id_id = kymo_blob_add(&stacks->names, build_id->bytes, build_id->len, NULL);

	if (path_id < 0 || name_id < 0 || build_id_id < 0 ||
	    make_room(&stacks->modules, &stacks->module_count, &stacks->module_capacity,
		      sizeof(*stacks->modules)) < 0)
		return -ENOMEM;
	stacks->modules[stacks->module_count] = (struct kymo_module){.space = space,
								     .path = (u32)path_id,
								     .name = (u32)name_id,
								     .build_id = (u32)build_id_id};
	return stacks->module_count++;
}

struct module_key { /* two with equal keys are the same; the path and the build-id follow */
	u64 inode, file_bytes;
	s64 mtime_ns;
	u32 dev_major, dev_minor, path_len;
	u8 space, presumed, compat, reserved;
};

/* Returns the number of its key. */
static s64 add_module_key(struct kymo_stacks *stacks, const struct module_key *head,
			  const struct cap_string *path, const struct cap_string *build_id,
			  bool *ret_new)
{
	size_t len = sizeof(*head) + path->len + build_id->len;
	char *key = malloc(len);
	s64 number;

	if (!key)
		return -ENOMEM;
	memcpy(key, head, sizeof(*head));
	if (path->len)
		memcpy(key + sizeof(*head), path->bytes, path->len);
	if (build_id->len)
		memcpy(key + sizeof(*head) + path->len, build_id->bytes, build_id->len);
	number = kymo_blob_add(&stacks->module_keys, key, len, ret_new);
	free(key);
	return number;
}

/* The last part of a path, without what the kernel appends when the file is gone. */
static size_t short_name(const struct cap_string *path, const char **ret_name)
{
	static const char deleted[] = " (deleted)";
	const u8 *slash = path->len ? memrchr(path->bytes, '/', path->len) : NULL;
	size_t len = path->len - (size_t)(slash ? slash + 1 - path->bytes : 0);

	*ret_name = slash ? (const char *)slash + 1 : (const char *)path->bytes;
	if (len >= sizeof(deleted) &&
	    memcmp(*ret_name + len - strlen(deleted), deleted, strlen(deleted)) == 0)
		len -= strlen(deleted);
	return len;
}

s64 kymo_stacks_user_module(struct kymo_stacks *stacks, const struct kymo_mapped_file *file)
{
	static const struct cap_string nothing = {.bytes = (const u8 *)""};
	const struct cap_string *path = file->path;
	bool is_anon = path->len == 0 || (path->len >= 6 && memcmp(path->bytes, "//anon", 6) == 0);
	struct module_key key = {
		.space = KYMO_SPACE_USER, .presumed = file->presumed, .compat = file->compat};
	const char *name;
	size_t name_len = short_name(path, &name);
	struct kymo_module *added;
	bool is_new;
	s64 number, module;

	if (is_anon || name_len == 0) {
		name = "[anon]";
		name_len = strlen(name);
		path = is_anon ? &nothing : path;
	}
	key.path_len = path->len;
	if (!is_anon && file->build_id->len == 0) {
		key.inode = file->inode;
		key.file_bytes = file->file_bytes;
		key.mtime_ns = file->mtime_ns;
		key.dev_major = file->dev_major;
		key.dev_minor = file->dev_minor;
	}
	number = add_module_key(stacks, &key, path, file->build_id, &is_new);
	if (number < 0 || !is_new)
		return number;
	module = add_module(stacks, KYMO_SPACE_USER, path, file->build_id, name, name_len);
	if (module <= 0)
		return module;
	added = &stacks->modules[module];
	added->is_anon = is_anon;
	added->presumed = file->presumed;
	added->compat = file->compat;
	if (!is_anon) {
		added->inode = file->inode;
		added->file_bytes = file->file_bytes;
		added->mtime_ns = file->mtime_ns;
		added->dev_major = file->dev_major;
		added->dev_minor = file->dev_minor;
	}
	return module;
}

s64 kymo_stacks_kernel_module(struct kymo_stacks *stacks, const struct cap_string *name,
			      const struct cap_string *build_id)
{
	static const struct cap_string nothing = {.bytes = (const u8 *)""};
	const struct module_key head = {.space = KYMO_SPACE_KERNEL, .path_len = name->len};
	bool is_new;
	s64 key = add_module_key(stacks, &head, name, &nothing, &is_new);
	s64 id;

	if (key < 0)
		return key;
	if (is_new)
		return add_module(stacks, KYMO_SPACE_KERNEL, &nothing, build_id,
				  (const char *)name->bytes, name->len);
	if (build_id->len > 0 && stacks->modules[key].build_id == 0) {
		id = kymo_blob_add(&stacks->names, build_id->bytes, build_id->len, NULL);
		if (id < 0)
			return id;
		stacks->modules[key].build_id = (u32)id;
	}
	return key;
}

/* -------- frames and stacks -------- */

static s64 add_frame(struct kymo_stacks *stacks, const struct kymo_frame *frame)
{
	u64 low = (u64)frame->module << 8 | frame->space | (frame->symbol ? NAMED_FRAME : 0);
	u64 high = frame->symbol ? (u64)frame->symbol << 32 | (u32)frame->offset : frame->offset;
	u32 found = cap_word_map_get(&stacks->frame_map, high, low);

	if (found)
		return found;
	if (make_room(&stacks->frames, &stacks->frame_count, &stacks->frame_capacity,
		      sizeof(*stacks->frames)) < 0 ||
	    cap_word_map_put(&stacks->frame_map, high, low, stacks->frame_count) < 0)
		return -ENOMEM;
	stacks->frames[stacks->frame_count] = *frame;
	return stacks->frame_count++;
}

s64 kymo_stacks_add(struct kymo_stacks *stacks, u32 parent, u32 frame, enum kymo_stack_how how,
		    u8 end)
{
	u64 above = parent ? parent : (u64)(how << 8 | end) << 32;
	u32 found = cap_word_map_get(&stacks->stack_map, above, frame);
	struct kymo_stack stack = {.parent = parent, .frame = frame, .depth = 1};

	if (found)
		return found;
	if (stacks->max_stacks && stacks->stack_count >= stacks->max_stacks)
		return CAP_ELIMIT;
	if (make_room(&stacks->stacks, &stacks->stack_count, &stacks->stack_capacity,
		      sizeof(*stacks->stacks)) < 0 ||
	    cap_word_map_put(&stacks->stack_map, above, frame, stacks->stack_count) < 0)
		return -ENOMEM;
	if (parent) {
		const struct kymo_stack *from = &stacks->stacks[parent];

		stack.depth = from->depth + 1;
		stack.how = from->how;
		stack.end = from->end;
		stack.root = from->root;
	} else {
		stack.how = (u8)how;
		stack.end = end;
		stack.root = stacks->stack_count;
	}
	stacks->stacks[stacks->stack_count] = stack;
	return stacks->stack_count++;
}

static void place_frame(const struct kymo_stacks *stacks, const struct kymo_mapping *mapping,
			u64 address, struct kymo_frame *ret_frame)
{
	ret_frame->module = mapping->module;
	ret_frame->offset = address - mapping->start;
	if (mapping->module >= stacks->module_count || !stacks->modules[mapping->module].is_anon)
		ret_frame->offset += mapping->file_offset;
}

/* What is in no file has the name that its process gave it. */
static void user_frame(struct kymo_stacks *stacks, const struct kymo_mapping *mapping, u32 tgid,
		       u64 address, struct kymo_frame *ret_frame)
{
	u64 start;

	if (mapping)
		place_frame(stacks, mapping, address, ret_frame);
	if (stacks->process_names.count == 0 ||
	    (ret_frame->module < stacks->module_count && ret_frame->module > 0 &&
	     stacks->modules[ret_frame->module].build_id != 0))
		return;
	ret_frame->symbol = kymo_kernel_names_find(&stacks->process_names, tgid, address, &start);
	if (ret_frame->symbol)
		ret_frame->offset = (u32)(address - start); /* functions are smaller than that */
}

s64 kymo_stacks_user_frame(struct kymo_stacks *stacks, const struct kymo_mapping *mapping, u32 tgid,
			   u64 address)
{
	struct kymo_frame frame = {.space = KYMO_SPACE_USER};

	user_frame(stacks, mapping, tgid, address, &frame);
	return add_frame(stacks, &frame);
}

s64 kymo_stacks_cut_frame(struct kymo_stacks *stacks)
{
	const struct kymo_frame frame = {.space = KYMO_SPACE_CUT};

	return add_frame(stacks, &frame);
}

/* -------- stacks that were cut -------- */

/* The stack that stands for what is missing on top of another. */
static s64 add_cut(struct kymo_stacks *stacks, u32 stack, enum kymo_stack_how how)
{
	s64 frame = kymo_stacks_cut_frame(stacks);

	return frame < 0 ? frame : kymo_stacks_add(stacks, stack, (u32)frame, how, 0);
}

/* Frames of one space up to a node: user frames from the root on, or kernel frames on top of them.
 */
struct kymo_stack_run {
	u32 first; /* node of its outermost frame */
	u32 frames;
};

enum { CUT_USER = 1, CUT_KERNEL = 2, CUT_BITS = 2 };

static bool is_user(const struct cap_rows *rows, u32 node)
{
	return rows->frames[rows->stacks[node].frame].space == CAP_SPACE_USER;
}

/* No frame: what a stack stands on that was unwound before it was written. */
static bool is_unwound(const struct cap_rows *rows, u32 node)
{
	return node != 0 && rows->stacks[node].parent == 0 &&
	       rows->frames[rows->stacks[node].frame].space == CAP_SPACE_UNWOUND;
}

/* As many frames as the kernel walks of either space. */
static u32 most_frames(const struct kymo_stacks *stacks)
{
	return stacks->max_frames && stacks->max_frames < EV_MAX_FRAMES ? stacks->max_frames
									: EV_MAX_FRAMES;
}

static int find_runs(struct kymo_stack_cache *cache, const struct cap_rows *rows)
{
	if (cache->run_count == rows->stack_count)
		return 0;
	if (cache->run_capacity < rows->stack_count) {
		struct kymo_stack_run *runs =
			reallocarray(cache->runs, rows->stack_count, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		cache->runs = runs;
		cache->run_capacity = rows->stack_count;
	}
	cache->run_count = rows->stack_count;
	cache->runs[0] = (struct kymo_stack_run){0};
	for (u32 node = 1; node < rows->stack_count; node++) { /* after its parent, always */
		u32 parent = rows->stacks[node].parent;
		bool goes_on = parent != 0 && !is_unwound(rows, parent) &&
			       is_user(rows, parent) == is_user(rows, node);

		cache->runs[node] =
			goes_on ? (struct kymo_stack_run){cache->runs[parent].first,
							  cache->runs[parent].frames + 1}
				: (struct kymo_stack_run){node, 1};
	}
	return 0;
}

/* CUT_USER, CUT_KERNEL: of the stack that ends in node. */
static u32 cuts_of(const struct kymo_stacks *stacks, const struct kymo_stack_cache *cache,
		   const struct cap_rows *rows, u32 node)
{
	u32 cuts = 0, most = most_frames(stacks);

	for (int run = 0; node != 0 && run < 2; run++) { /* kernel frames on top of user frames */
		const struct kymo_stack_run *side = &cache->runs[node];
		u32 below = rows->stacks[side->first].parent;

		/* Unwound stacks have as many user frames as they have. */
		if (side->frames >= most && !(is_user(rows, node) && is_unwound(rows, below)))
			cuts |= is_user(rows, node) ? CUT_USER : CUT_KERNEL;
		node = is_unwound(rows, below) ? 0 : below;
	}
	return cuts;
}

/* -------- local to global -------- */

static void resolve_user(struct kymo_stacks *stacks, struct kymo_mappings *mappings,
			 const struct kymo_sample_place *place, u64 address,
			 struct kymo_frame *ret_frame)
{
	struct kymo_mapping mapping;
	bool is_mapped =
		kymo_mappings_find(mappings, place->tgid, place->time_ns, address, &mapping);

	ret_frame->space = KYMO_SPACE_USER;
	user_frame(stacks, is_mapped ? &mapping : NULL, place->tgid, address, ret_frame);
}

static s64 resolve_frame(struct kymo_stacks *stacks, struct kymo_mappings *mappings,
			 const struct cap_rows *rows, u32 local, bool exact,
			 const struct kymo_sample_place *place)
{
	static const struct cap_string kernel = {.bytes = (const u8 *)"kernel", .len = 6};
	static const struct cap_string nothing = {.bytes = (const u8 *)""};
	const struct cap_frame *from = &rows->frames[local];
	struct kymo_frame frame = {0};
	u64 offset = from->offset - (exact || from->offset == 0 ? 0 : 1);
	s64 module = 0;

	switch (from->space) {
	case CAP_SPACE_USER:
		resolve_user(stacks, mappings, place, offset, &frame);
		if (kymo_mappings_failed(mappings))
			return -ENOMEM;
		break;
	case CAP_SPACE_KERNEL:
	case CAP_SPACE_MODULE:
		frame.space = KYMO_SPACE_KERNEL;
		if (from->offset == 0 ||
		    (from->space == CAP_SPACE_MODULE && rows->strings[from->object].len == 0))
			break;
		module = kymo_stacks_kernel_module(
			stacks,
			from->space == CAP_SPACE_KERNEL ? &kernel : &rows->strings[from->object],
			&nothing);
		if (module < 0)
			return module;
		frame.module = (u32)module;
		frame.offset = offset;
		break;
	default:
		break; /* a space of a newer version: unknown */
	}
	return add_frame(stacks, &frame);
}

static int push_path(struct kymo_stack_cache *cache, size_t len, u32 key)
{
	if (len == cache->path_capacity) {
		size_t capacity = len ? len * 2 : 256;
		u32 *path = realloc(cache->path, capacity * sizeof(*path));

		if (!path)
			return -ENOMEM;
		cache->path = path;
		cache->path_capacity = capacity;
	}
	cache->path[len] = key;
	return 0;
}

/* What a path of nodes stands on. */
struct path_base {
	u32 stack;    /* the one below its first node; 0: none */
	bool unwound; /* then how and end are those of its root */
	u8 how, end;
};

static void take_unwound(const struct cap_rows *rows, u32 node, struct path_base *base)
{
	u64 offset = rows->frames[rows->stacks[node].frame].offset;

	base->unwound = true;
	base->how = (u8)(offset >> 8 & 0xff);
	base->end = (u8)(offset & 0xff);
	if (base->how > KYMO_STACK_BOTH || base->end > KYMO_UNWIND_OTHER_STACK)
		base->how = base->end = 0; /* of a newer version, or a lie */
}

/* Nodes from `node` up to, not including, one that is in the cache or the root; each as a key:
 * node, cuts of the whole stack, exact. */
static int collect_path(struct kymo_stack_cache *cache, const struct cap_rows *rows, u32 node,
			u32 cuts, u32 epoch, size_t *ret_len, struct path_base *ret_base)
{
	bool exact = true;
	size_t len = 0;

	*ret_base = (struct path_base){0};
	while (node != 0) {
		u64 key = ((u64)node << CUT_BITS | cuts) * 2 + exact;
		u32 parent = rows->stacks[node].parent;

		if (is_unwound(rows, node)) {
			take_unwound(rows, node, ret_base);
			break;
		}
		ret_base->stack = cap_word_map_get(&cache->nodes, epoch, key);
		if (ret_base->stack)
			break;
		if (push_path(cache, len, (u32)key) < 0)
			return -ENOMEM;
		len++;
		exact = parent != 0 && is_user(rows, parent) && !is_user(rows, node);
		node = parent;
	}
	*ret_len = len;
	return 0;
}

s64 kymo_stacks_resolve(struct kymo_stacks *stacks, struct kymo_mappings *mappings,
			struct kymo_stack_cache *cache, const struct cap_rows *rows, u32 node,
			const struct kymo_sample_place *place)
{
	struct path_base base;
	u32 cuts, epoch;
	size_t len;
	s64 stack;

	if (node == 0 || node >= rows->stack_count)
		return 0;
	if (find_runs(cache, rows) < 0)
		return -ENOMEM;
	cuts = cuts_of(stacks, cache, rows, node);
	if (cache->nodes.used > MAX_CACHED_NODES)
		kymo_stack_cache_clear(cache);
	epoch = kymo_mappings_epoch(mappings, place->tgid, place->time_ns);
	if (collect_path(cache, rows, node, cuts, epoch, &len, &base) < 0)
		return -ENOMEM;
	cache->steps += len;
	if (stacks->max_steps && cache->steps > stacks->max_steps)
		return CAP_ELIMIT;
	stack = base.stack;
	if (base.end == KYMO_UNWIND_CUT || base.end == KYMO_UNWIND_DEPTH) {
		s64 cut = kymo_stacks_cut_frame(stacks);

		stack = cut < 0 ? cut : kymo_stacks_add(stacks, 0, (u32)cut, base.how, base.end);
		if (stack < 0)
			return stack;
	}
	while (len > 0) {
		u32 key = cache->path[--len], at = key >> (CUT_BITS + 1);
		s64 frame = resolve_frame(stacks, mappings, rows, rows->stacks[at].frame, key & 1,
					  place);
		enum kymo_stack_how how = base.unwound	      ? base.how
					  : is_user(rows, at) ? KYMO_STACK_FP
							      : KYMO_STACK_NO_USER;
		s64 next = stack;

		if (cache->runs[at].first == at &&
		    cuts & (is_user(rows, at) ? CUT_USER : CUT_KERNEL))
			next = add_cut(stacks, (u32)stack, how);
		if (next >= 0)
			next = frame < 0 ? frame
					 : kymo_stacks_add(stacks, (u32)next, (u32)frame, how,
							   base.end);
		if (next < 0)
			return next;
		if (cap_word_map_put(&cache->nodes, epoch, key, (u32)next) < 0)
			return -ENOMEM;
		stack = next;
	}
	return stack;
}

u64 kymo_stacks_unwound(const struct kymo_stack_cache *cache, const struct cap_rows *rows, u32 node)
{
	for (int run = 0; node != 0 && node < cache->run_count && run < 2; run++) {
		node = rows->stacks[cache->runs[node].first].parent;
		if (is_unwound(rows, node))
			return rows->frames[rows->stacks[node].frame].offset;
	}
	return 0;
}

s64 kymo_stacks_on_top(struct kymo_stacks *stacks, struct kymo_stack_cache *cache,
		       const struct cap_rows *rows, u32 node, u32 base)
{
	static const struct kymo_sample_place nowhere; /* kernel frames are in no process */
	s64 stack = base;
	size_t len = 0;
	bool exact = true;

	while (node != 0 && node < rows->stack_count && !is_user(rows, node)) {
		if (push_path(cache, len, node * 2 + exact) < 0)
			return -ENOMEM;
		len++;
		exact = false;
		node = rows->stacks[node].parent;
	}
	cache->steps += len;
	if (len >= most_frames(stacks))
		stack = add_cut(stacks, base, KYMO_STACK_NO_USER);
	while (len > 0 && stack > 0) {
		u32 key = cache->path[--len];
		s64 frame = resolve_frame(stacks, NULL, rows, rows->stacks[key / 2].frame, key & 1,
					  &nowhere);

		stack = frame < 0 ? frame
				  : kymo_stacks_add(stacks, (u32)stack, (u32)frame,
						    KYMO_STACK_NO_USER, 0);
	}
	return stack;
}
