/* The image of a copy is kept all 0 between walks: only the words that were kept are put in and
 * taken out again. */
#include "analyzer/capture/copy_unwind.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/symbols/module_rules.h"
#include "formats/base/cleanup.h"
#include "formats/base/limits.h"
#include "objects/unwind/unwind_walk.h"

#define IMAGE_BYTES (8ull * CAP_MAX_COPY_WORDS + CAP_RED_ZONE_BYTES + 16)
#define ROOT_BYTES 128u /* from the first frame to where a main thread's stack begins, or Go's */
#define MAX_CODES (1u << 20) /* addresses that are kept; then it begins again */
#define WALK_CODES \
	(8 * KYMO_UNWIND_MAX_FRAMES)  /* as many are free when a walk begins, if possible */
#define SECTION_BYTES (96ull << 20)   /* of all modules together */
#define TABLE_BYTES (64ull << 20)     /* of all their functions that were asked for */
#define FRAMES_AT_LEAST (64ull << 20) /* walked in a capture of no size */
#define FRAMES_PER_BYTE 256u	      /* a deep recursion takes some bytes a sample */

struct module {
	struct kymo_module_rules *rules; /* NULL: not needed so far */
	u8 state;			 /* enum kymo_unwinding_state */
	bool is_asked;			 /* its files were looked for */
};

struct code { /* what is known of an address of a process */
	const struct kymo_cfi_table *table;
	const struct kymo_cfi_row *row;
	u32 frame; /* of stacks; 0: none is needed so far. Walks look at more than they find */
	bool is_mapped;
};

struct kymo_unwinder {
	struct kymo_object_search search;
	bool same_boot;
	s64 realtime_offset_ns;			   /* CLOCK_REALTIME less the record clock */
	const struct kymo_unwind_machine *machine; /* NULL: not known here */
	struct kymo_rules_budget budget;
	u64 frames_left;
	struct module *modules; /* by number of the capture's modules */
	u32 module_capacity;
	struct cap_word_map by_address; /* (epoch, address) -> code + 1 */
	struct code *codes;
	u32 code_count, code_capacity;
	u8 *image;
	u32 *touched; /* words of the image that are not 0 */
	struct kymo_unwind_hole holes[64];
	struct kymo_unwind_result result;
	/* The stack that was added last, from its root on: stacks of one thread differ near their
	 * tops. */
	struct added {
		u32 frame, stack;
	} added[KYMO_UNWIND_MAX_FRAMES];
	u32 added_count;
	s64 added_on; /* the stack below its first frame */
	u8 added_how, added_end;
};

struct walk {
	const struct kymo_unwinding *unwinding;
	const struct kymo_sample_place *place;
	u32 epoch;
};

/* -------- life -------- */

static void copy_text(const char **text)
{
	*text = *text ? strdup(*text) : NULL;
}

struct kymo_unwinder *kymo_unwinder_new(const struct kymo_object_search *search, u16 machine,
					u64 input_bytes)
{
	struct kymo_unwinder *unwinder = calloc(1, sizeof(*unwinder));
	bool complete = true;

	if (!unwinder)
		return NULL;
	if (search)
		unwinder->search = *search;
	unwinder->search.open_file = NULL;
	for (size_t i = 0; i < unwinder->search.debug_dir_count; i++) {
		copy_text(&unwinder->search.debug_dirs[i]);
		complete &= unwinder->search.debug_dirs[i] != NULL;
	}
	copy_text(&unwinder->search.symfs);
	complete &= !search || !search->symfs || unwinder->search.symfs;
	if (machine == EM_X86_64)
		unwinder->machine = kymo_unwind_machine(KYMO_UNWIND_X86_64);
	unwinder->budget = (struct kymo_rules_budget){.section_bytes_left = SECTION_BYTES,
						      .table_bytes_left = TABLE_BYTES};
	unwinder->frames_left = FRAMES_AT_LEAST + FRAMES_PER_BYTE * input_bytes;
	unwinder->image = calloc(1, IMAGE_BYTES);
	unwinder->touched = malloc(CAP_MAX_COPY_WORDS * sizeof(*unwinder->touched));
	if (!complete || !unwinder->image || !unwinder->touched)
		return kymo_unwinder_free(unwinder);
	return unwinder;
}

void kymo_unwinder_recorded(struct kymo_unwinder *unwinder, bool same_boot, s64 realtime_offset_ns)
{
	unwinder->same_boot = same_boot;
	unwinder->realtime_offset_ns = realtime_offset_ns;
}

struct kymo_unwinder *kymo_unwinder_free(struct kymo_unwinder *unwinder)
{
	if (!unwinder)
		return NULL;
	for (size_t i = 0; i < unwinder->search.debug_dir_count; i++)
		free((char *)unwinder->search.debug_dirs[i]);
	free((char *)unwinder->search.symfs);
	for (u32 i = 0; i < unwinder->module_capacity; i++)
		(void)kymo_module_rules_free(unwinder->modules[i].rules);
	free(unwinder->modules);
	cap_word_map_done(&unwinder->by_address);
	free(unwinder->codes);
	free(unwinder->image);
	free(unwinder->touched);
	free(unwinder);
	return NULL;
}

/* -------- modules -------- */

static struct module *module_at(struct kymo_unwinder *unwinder, u32 number)
{
	if (number >= unwinder->module_capacity) {
		u32 capacity = number + number / 2 + 64;
		struct module *modules = realloc(unwinder->modules, capacity * sizeof(*modules));

		if (!modules)
			return NULL;
		memset(modules + unwinder->module_capacity, 0,
		       (capacity - unwinder->module_capacity) * sizeof(*modules));
		unwinder->modules = modules;
		unwinder->module_capacity = capacity;
	}
	return &unwinder->modules[number];
}

/* Asks the files of a module, once. 0 or -ENOMEM; whatever else goes wrong, they tell nothing. */
static int ask_files(struct kymo_unwinder *unwinder, const struct kymo_stacks *stacks,
		     const struct kymo_module *about, struct module *module)
{
	static const enum kymo_unwinding_state states[] = {
		[KYMO_RULES_NOT_READ] = KYMO_UNWINDING_NO_FILE,
		[KYMO_RULES_FOUND] = KYMO_UNWINDING_FOUND,
		[KYMO_RULES_NO_FILE] = KYMO_UNWINDING_NO_FILE,
		[KYMO_RULES_NONE] = KYMO_UNWINDING_NO_RULES};
	struct kymo_wanted_object wanted = {
		.text_file_offset = about->has_offset ? (u64)about->first_offset : UINT64_MAX,
		.same_boot = unwinder->same_boot,
		.compat = about->compat,
		.presumed = about->presumed,
		.dev_major = about->dev_major,
		.dev_minor = about->dev_minor,
		.inode = about->inode,
		.file_bytes = about->file_bytes,
		.mtime_ns = about->mtime_ns,
		.seen_ns = about->has_seen ? unwinder->realtime_offset_ns + (s64)about->seen_ns : 0,
	};
	size_t path_len;
	const char *path = kymo_blob_get(&stacks->names, about->path, &path_len);
	CLEANUP(cap_freep) char *terminated = strndup(path ? path : "", path ? path_len : 0);
	int rc;

	if (!terminated)
		return -ENOMEM;
	wanted.path = terminated;
	wanted.build_id =
		(const u8 *)kymo_blob_get(&stacks->names, about->build_id, &wanted.build_id_len);
	rc = kymo_module_rules_read(module->rules, &unwinder->search, &wanted, NULL);
	if (rc == -ENOMEM)
		return rc;
	module->state = states[kymo_module_rules_state(module->rules)];
	module->is_asked = true;
	return 0;
}

/* What tells of an offset of a module: the capture, else its files. 0 or -ENOMEM. */
static int rules_at(const struct kymo_unwinding *unwinding, u32 number, u64 offset,
		    struct code *code)
{
	struct kymo_unwinder *unwinder = unwinding->unwinder;
	const struct kymo_module *about = &unwinding->stacks->modules[number];
	struct module *module = module_at(unwinder, number);
	struct kymo_cfi_entry entry;
	bool is_captured;
	int rc = 0;

	if (!module)
		return -ENOMEM;
	if (about->is_anon) {
		module->state = KYMO_UNWINDING_NO_CODE_FILE;
		return 0;
	}
	if (!module->rules)
		module->rules = kymo_module_rules_new(&unwinder->budget);
	if (!module->rules)
		return -ENOMEM;
	is_captured = kymo_captured_rules_find(unwinding->captured,
					       about->build_id ? about->build_id : about->path,
					       offset, &entry);
	if (is_captured && entry.fde_bytes) {
		if (!module->is_asked)
			module->state = KYMO_UNWINDING_FOUND;
		rc = kymo_module_rules_of(module->rules, &entry, offset, &code->table, &code->row);
		return rc < 0 ? rc : 0;
	}
	/* Also where the recorder found none: it looks at what programs load, and debuggers have
	 * sections of their own. */
	if (!module->is_asked)
		rc = ask_files(unwinder, unwinding->stacks, about, module);
	if (rc == 0 && is_captured && module->state == KYMO_UNWINDING_NO_FILE)
		module->state = KYMO_UNWINDING_NO_RULES;
	if (rc == 0)
		rc = kymo_module_rules_at(module->rules, offset, &code->table, &code->row);
	return rc < 0 ? rc : 0;
}

enum kymo_unwinding_state kymo_unwinder_state(const struct kymo_unwinder *unwinder, u32 module)
{
	if (!unwinder || module >= unwinder->module_capacity)
		return KYMO_UNWINDING_NOT_ASKED;
	return unwinder->modules[module].state;
}

/* -------- addresses -------- */

static int find_code(const struct walk *walk, u64 address, struct code *ret_code)
{
	const struct kymo_unwinding *unwinding = walk->unwinding;
	struct kymo_mapping mapping;
	bool is_mapped = kymo_mappings_find(unwinding->mappings, walk->place->tgid,
					    walk->place->time_ns, address, &mapping);

	*ret_code = (struct code){0};
	if (kymo_mappings_failed(unwinding->mappings))
		return -ENOMEM;
	if (!is_mapped || mapping.module == 0 || mapping.module >= unwinding->stacks->module_count)
		return 0;
	ret_code->is_mapped = true;
	return rules_at(unwinding, mapping.module, address - mapping.start + mapping.file_offset,
			ret_code);
}

static bool add_code(struct kymo_unwinder *unwinder, const struct walk *walk, u64 address,
		     u32 *ret_number)
{
	struct code code;

	if (unwinder->code_count == unwinder->code_capacity) {
		u32 capacity = unwinder->code_capacity ? unwinder->code_capacity * 2 : 1024;
		struct code *codes = realloc(unwinder->codes, capacity * sizeof(*codes));

		if (!codes)
			return false;
		unwinder->codes = codes;
		unwinder->code_capacity = capacity;
	}
	if (find_code(walk, address, &code) < 0 ||
	    cap_word_map_put(&unwinder->by_address, walk->epoch, address,
			     unwinder->code_count + 1) < 0)
		return false;
	unwinder->codes[unwinder->code_count++] = code;
	*ret_number = unwinder->code_count;
	return true;
}

/* For kymo_unwind_walk. False: out of memory. */
static bool code_at(void *context, u64 address, struct kymo_unwind_code *ret_code)
{
	const struct walk *walk = context;
	struct kymo_unwinder *unwinder = walk->unwinding->unwinder;
	u32 number = cap_word_map_get(&unwinder->by_address, walk->epoch, address);
	const struct code *code;

	if (number == 0 && !add_code(unwinder, walk, address, &number))
		return false;
	code = &unwinder->codes[number - 1];
	*ret_code = (struct kymo_unwind_code){.is_mapped = code->is_mapped,
					      .table = code->table,
					      .row = code->row,
					      .number = code->is_mapped ? number : 0};
	return true;
}

/* The frame of stacks for what code_at found at an address. Negative: -ENOMEM. */
static s64 frame_of(const struct walk *walk, u32 number, u64 address)
{
	const struct kymo_unwinding *unwinding = walk->unwinding;
	struct code *code = number ? &unwinding->unwinder->codes[number - 1] : NULL;
	struct kymo_mapping mapping;
	s64 frame;

	if (code && code->frame)
		return code->frame;
	if (!code || !kymo_mappings_find(unwinding->mappings, walk->place->tgid,
					 walk->place->time_ns, address, &mapping))
		return kymo_mappings_failed(unwinding->mappings)
			       ? -ENOMEM
			       : kymo_stacks_user_frame(unwinding->stacks, NULL, 0, address);
	frame = kymo_stacks_user_frame(unwinding->stacks, &mapping, walk->place->tgid, address);
	if (frame > 0)
		code->frame = (u32)frame;
	return frame;
}

/* -------- copies -------- */

/* Puts the kept words into the image; returns how many. */
static u32 fill_image(struct kymo_unwinder *unwinder, const struct cap_rows *rows, u32 copy,
		      const struct kymo_unwind_copy *image)
{
	struct cap_word_walk words = cap_copy_words(rows, copy);
	u32 count = 0;
	u64 address, value;

	while (count < CAP_MAX_COPY_WORDS && cap_word_next(&words, &address, &value) == 1) {
		u64 at = address - image->start;

		if (address < image->start || at > image->len || image->len - at < 8)
			continue; /* a lie: it is not in the copy */
		cap_store_le(unwinder->image + at, value, 8);
		unwinder->touched[count++] = (u32)at;
	}
	return count;
}

static u32 find_holes(const struct cap_copy *copy, struct kymo_unwind_hole *holes)
{
	u64 first = cap_copy_low(copy->sp) / CAP_HOLE_PAGE_BYTES;
	u32 count = 0;

	for (u32 i = 0; copy->holes >> i && i < 64; i++) {
		if (copy->holes >> i & 1)
			holes[count++] = (struct kymo_unwind_hole){
				.start = (first + i) * CAP_HOLE_PAGE_BYTES,
				.end = (first + i + 1) * CAP_HOLE_PAGE_BYTES};
	}
	return count;
}

static void set_registers(const struct cap_copy *copy, struct kymo_unwind_registers *ret_registers)
{
	/* DWARF's numbers of x86_64 */
	static const u8 numbers[] = {3, 6, 7, 12, 13, 14, 15};
	const u64 values[] = {copy->bx,	 copy->bp,  copy->sp, copy->r12,
			      copy->r13, copy->r14, copy->r15};

	*ret_registers = (struct kymo_unwind_registers){.pc = copy->ip};
	for (size_t i = 0; i < sizeof(numbers); i++) {
		ret_registers->values[numbers[i]] = values[i];
		ret_registers->known |= 1ull << numbers[i];
	}
}

/* Walks a copy; what comes of it is in unwinder->result. 0, -ENOMEM, CAP_ELIMIT. */
static int walk_copy(const struct kymo_unwinding *unwinding, u32 copy, struct walk *walk)
{
	struct kymo_unwinder *unwinder = unwinding->unwinder;
	const struct cap_copy *from = &unwinding->rows->copies[copy];
	struct kymo_unwind_copy image = {.start = cap_copy_low(from->sp),
					 .bytes = unwinder->image,
					 .is_cut = from->flags & CAP_COPY_CUT,
					 .holes = unwinder->holes};
	const struct kymo_unwind_source source = {
		.machine = unwinder->machine, .copy = &image, .code_at = code_at, .context = walk};
	struct kymo_unwind_registers registers;
	bool is_walked;
	u32 words;

	/* Not within a walk: its frames are known by their codes. */
	if (unwinder->code_count + WALK_CODES > MAX_CODES) {
		cap_word_map_clear(&unwinder->by_address);
		unwinder->code_count = 0;
	}
	if (from->flags & (CAP_COPY_MAIN | CAP_COPY_GO))
		image.root_bytes = ROOT_BYTES;
	/* without a known end, top is where copying ended */
	if (!(from->flags & (CAP_COPY_MAIN | CAP_COPY_THREAD | CAP_COPY_GO)))
		image.is_cut = true;
	if (from->top > image.start && from->top - image.start <= IMAGE_BYTES)
		image.len = from->top - image.start;
	image.hole_count = find_holes(from, unwinder->holes);
	set_registers(from, &registers);
	words = fill_image(unwinder, unwinding->rows, copy, &image);
	is_walked = kymo_unwind_walk(&source, &registers, &unwinder->result);
	while (words > 0)
		memset(unwinder->image + unwinder->touched[--words], 0, 8);
	if (!is_walked)
		return -ENOMEM;
	if (unwinder->result.frame_count > unwinder->frames_left)
		return CAP_ELIMIT;
	unwinder->frames_left -= unwinder->result.frame_count;
	if (from->flags & CAP_COPY_NO_MAPPINGS && unwinder->result.end != KYMO_UNWIND_ROOT)
		unwinder->result.end = KYMO_UNWIND_NO_MAPPING;
	return 0;
}

/* -------- stacks -------- */

/* Local stack `node` without its kernel frames; 0: nothing is left. */
static u32 user_part(const struct cap_rows *rows, u32 node)
{
	if (node >= rows->stack_count)
		return 0;
	while (node != 0 && rows->frames[rows->stacks[node].frame].space != CAP_SPACE_USER)
		node = rows->stacks[node].parent;
	return node;
}

/*
 * Where no end of the stack was known, there is a walk by frame pointers beside the copy. If it
 * went through the frame at which the copy ends, what it found further out is added: the local node
 * of that, or 0.
 */
static u32 beyond(const struct cap_rows *rows, u32 node, const struct kymo_unwind_result *result)
{
	const struct kymo_unwind_frame *last = &result->frames[result->frame_count - 1];
	u64 wanted = last->address + (result->frame_count > 1); /* as a return address */

	if (result->end == KYMO_UNWIND_ROOT)
		return 0;
	for (node = user_part(rows, node); node != 0; node = rows->stacks[node].parent) {
		if (rows->frames[rows->stacks[node].frame].offset == wanted)
			return rows->stacks[node].parent;
	}
	return 0;
}

static enum kymo_stack_how how_of(const struct kymo_unwind_result *result)
{
	if (result->guessed_count == 0)
		return KYMO_STACK_COPY;
	return result->guessed_count + 1 == result->frame_count ? KYMO_STACK_FP : KYMO_STACK_BOTH;
}

/* A frame on top of `stack`, the `place`-th from the root. */
static s64 add_frame(const struct kymo_unwinding *unwinding, s64 stack, u32 place, u32 frame)
{
	struct kymo_unwinder *unwinder = unwinding->unwinder;

	if (place < unwinder->added_count && unwinder->added[place].frame == frame)
		return unwinder->added[place].stack;
	unwinder->added_count = place; /* from here on it is another one */
	stack = kymo_stacks_add(unwinding->stacks, (u32)stack, frame, unwinder->added_how,
				unwinder->added_end);
	if (stack > 0)
		unwinder->added[unwinder->added_count++] =
			(struct added){.frame = frame, .stack = (u32)stack};
	return stack;
}

/* The frames that were found on top of `stack`; its root where that is 0. */
static s64 add_frames(const struct kymo_unwinding *unwinding, const struct walk *walk, s64 stack)
{
	struct kymo_unwinder *unwinder = unwinding->unwinder;
	const struct kymo_unwind_result *result = &unwinder->result;
	enum kymo_stack_how how = how_of(result);
	bool is_cut = result->end == KYMO_UNWIND_CUT || result->end == KYMO_UNWIND_DEPTH;
	s64 frame = stack == 0 && is_cut ? kymo_stacks_cut_frame(unwinding->stacks) : 0;

	if (frame > 0)
		stack = kymo_stacks_add(unwinding->stacks, 0, (u32)frame, how, (u8)result->end);
	if (unwinder->added_on != stack || unwinder->added_how != how ||
	    unwinder->added_end != result->end)
		unwinder->added_count = 0;
	unwinder->added_on = stack;
	unwinder->added_how = (u8)how;
	unwinder->added_end = (u8)result->end;
	for (u32 i = result->frame_count; i-- > 0 && frame >= 0 && stack >= 0;) {
		const struct kymo_unwind_frame *found = &result->frames[i];

		frame = frame_of(walk, found->number, found->address);
		if (frame > 0)
			stack = add_frame(unwinding, stack, result->frame_count - 1 - i,
					  (u32)frame);
	}
	return frame < 0 ? frame : stack;
}

/* The frames of local stack `node`, all of callers. */
static s64 add_outer(const struct kymo_unwinding *unwinding, struct walk *walk, u32 node)
{
	const struct cap_rows *rows = unwinding->rows;
	u64 addresses[KYMO_UNWIND_MAX_FRAMES];
	u32 count = 0;
	s64 stack = 0;

	for (; node != 0 && count < KYMO_UNWIND_MAX_FRAMES; node = rows->stacks[node].parent)
		addresses[count++] = rows->frames[rows->stacks[node].frame].offset - 1;
	while (count > 0 && stack >= 0) {
		struct kymo_unwind_code code;
		s64 frame;

		if (!code_at(walk, addresses[--count], &code))
			return -ENOMEM;
		frame = frame_of(walk, code.number, code.number ? addresses[count] : 0);
		stack = frame < 0 ? frame
				  : kymo_stacks_add(unwinding->stacks, (u32)stack, (u32)frame,
						    KYMO_STACK_BOTH, 0);
	}
	return stack;
}

static s64 unwind(const struct kymo_unwinding *unwinding, u32 copy, u32 node, struct walk *walk)
{
	const struct cap_rows *rows = unwinding->rows;
	s64 stack = walk_copy(unwinding, copy, walk);
	u32 outer;

	if (stack < 0)
		return stack;
	if (unwinding->unwinder->result.frame_count == 1 &&
	    unwinding->unwinder->result.end != KYMO_UNWIND_ROOT && user_part(rows, node))
		return kymo_stacks_resolve(unwinding->stacks, unwinding->mappings, unwinding->cache,
					   rows, node, walk->place);
	outer = beyond(rows, node, &unwinding->unwinder->result);
	if (outer)
		stack = add_outer(unwinding, walk, outer);
	if (stack >= 0)
		stack = add_frames(unwinding, walk, stack);
	if (stack > 0)
		stack = kymo_stacks_on_top(unwinding->stacks, unwinding->cache, rows, node,
					   (u32)stack);
	return stack;
}

/* The addresses of local stack `node`, all of callers. 0 or -ENOMEM. */
static int put_outer(const struct kymo_unwinding *unwinding, struct walk *walk, u32 node,
		     struct kymo_unwound *unwound)
{
	const struct cap_rows *rows = unwinding->rows;

	for (u32 i = 0; node != 0 && i < KYMO_UNWIND_MAX_FRAMES;
	     node = rows->stacks[node].parent, i++) {
		u64 address = rows->frames[rows->stacks[node].frame].offset - 1;
		struct kymo_unwind_code code;

		if (!code_at(walk, address, &code))
			return -ENOMEM;
		unwound->addresses[unwound->count] = address;
		unwound->is_mapped[unwound->count++] = code.number != 0;
	}
	return 0;
}

/* What is known of the rules of the code that holds an address; 0: nothing. */
static u8 rules_of(const struct walk *walk, u64 address)
{
	const struct kymo_unwinding *unwinding = walk->unwinding;
	struct kymo_mapping mapping;

	if (!kymo_mappings_find(unwinding->mappings, walk->place->tgid, walk->place->time_ns,
				address, &mapping))
		return 0;
	return (u8)kymo_unwinder_state(unwinding->unwinder, mapping.module);
}

int kymo_unwind_addresses(const struct kymo_unwinding *unwinding, u32 copy, u32 node,
			  const struct kymo_sample_place *place, struct kymo_unwound *ret_unwound)
{
	const struct cap_rows *rows = unwinding->rows;
	const struct kymo_unwind_result *result = &unwinding->unwinder->result;
	struct walk walk = {.unwinding = unwinding, .place = place};
	u32 outer;
	int rc;

	ret_unwound->count = 0;
	if (!unwinding->unwinder->machine || copy == 0 || copy >= rows->copy_count)
		return 0;
	walk.epoch = kymo_mappings_epoch(unwinding->mappings, place->tgid, place->time_ns);
	rc = walk_copy(unwinding, copy, &walk);
	if (rc < 0 || result->frame_count == 0 ||
	    (result->frame_count == 1 && result->end != KYMO_UNWIND_ROOT && user_part(rows, node)))
		return rc;
	outer = beyond(rows, node, result);
	ret_unwound->how = outer ? KYMO_STACK_BOTH : (u8)how_of(result);
	ret_unwound->end = outer ? 0 : (u8)result->end;
	ret_unwound->rules = rules_of(&walk, result->frames[result->frame_count - 1].address);
	for (u32 i = 0; i < result->frame_count; i++) {
		ret_unwound->addresses[ret_unwound->count] = result->frames[i].address;
		ret_unwound->is_mapped[ret_unwound->count++] = result->frames[i].number != 0;
	}
	return outer ? put_outer(unwinding, &walk, outer, ret_unwound) : 0;
}

/* The root of a stack that was unwound before it was written says what was known of its rules. */
static int note_rules(const struct kymo_unwinding *unwinding, u32 node, u32 stack)
{
	const struct kymo_stacks *stacks = unwinding->stacks;
	u64 state = kymo_stacks_unwound(unwinding->cache, unwinding->rows, node) >> 16;
	struct module *module;
	u32 number;

	if (state == 0 || state > KYMO_UNWINDING_NO_CODE_FILE)
		return 0;
	number = stacks->frames[stacks->stacks[stacks->stacks[stack].root].frame].module;
	if (number == 0)
		return 0;
	module = module_at(unwinding->unwinder, number);
	if (module && module->state == KYMO_UNWINDING_NOT_ASKED)
		module->state = (u8)state;
	return module ? 0 : -ENOMEM;
}

/* A stack of frames, without a copy. */
static s64 resolve_plain(const struct kymo_unwinding *unwinding, u32 node,
			 const struct kymo_sample_place *place)
{
	s64 stack = kymo_stacks_resolve(unwinding->stacks, unwinding->mappings, unwinding->cache,
					unwinding->rows, node, place);

	if (stack <= 0 || !unwinding->unwinder->machine)
		return stack;
	return note_rules(unwinding, node, (u32)stack) < 0 ? -ENOMEM : stack;
}

s64 kymo_unwind_stack(const struct kymo_unwinding *unwinding, u32 copy, u32 node,
		      const struct kymo_sample_place *place)
{
	struct kymo_stack_cache *cache = unwinding->cache;
	struct walk walk = {.unwinding = unwinding, .place = place};
	u64 key = (u64)copy << 32 | node;
	s64 stack;

	if (!unwinding->unwinder->machine || copy == 0 || copy >= unwinding->rows->copy_count)
		return resolve_plain(unwinding, node, place);
	walk.epoch = kymo_mappings_epoch(unwinding->mappings, place->tgid, place->time_ns);
	stack = cap_word_map_get(&cache->copies, walk.epoch, key);
	if (stack)
		return stack;
	stack = unwind(unwinding, copy, node, &walk);
	if (stack > 0 && cap_word_map_put(&cache->copies, walk.epoch, key, (u64)stack) < 0)
		return -ENOMEM;
	return stack;
}
