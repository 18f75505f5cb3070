/* Rules of call frames and the walk over a copy: what they give, and that no content of either can
 * lead out of the copy, or make a walk endless. */
#include "unit_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/bytes.h"
#include "objects/unwind/cfi_find.h"
#include "objects/unwind/unwind_expr.h"
#include "objects/unwind/unwind_walk.h"

#define STACK 0x7ffe0000ull /* address of the copies here */
#define CODE 0x400000ull    /* each function has 0x100 bytes */
#define WORDS 64u
#define RBP (1ull << 6)
#define RSP (1ull << 7)

/* -------- decoding -------- */

/* A CIE as gcc writes it: CFA = rsp + 8, the return address below it */
static const u8 plain_cie[] = {0,  0, 0,    0,	  1, 'z', 'R',	0, 1, 0x78,
			       16, 1, 0x1b, 0x0c, 7, 8,	  0x90, 1, 0, 0};
static const u8 signal_cie[] = {0,    0,  0, 0,	   1,	 'z', 'R', 'S',	 0, 1,
				0x78, 16, 1, 0x1b, 0x0c, 7,   8,   0x90, 1, 0};

/* Decodes an FDE with these instructions: 4 bytes to the CIE, 8 of pointers, 1 of no data. */
static int decode_with(const u8 *cie, size_t cie_bytes, const u8 *code, size_t code_bytes,
		       u64 start, u64 size, struct kymo_cfi_table **ret_table)
{
	u8 fde[256] = {0};
	struct kymo_cfi_entry entry = {.cie = cie,
				       .cie_bytes = cie_bytes,
				       .fde = fde,
				       .fde_bytes = 13 + code_bytes,
				       .start = start,
				       .size_bytes = size};

	assert_true(13 + code_bytes <= sizeof(fde));
	memcpy(fde + 13, code, code_bytes);
	return kymo_cfi_decode(&entry, ret_table);
}

#define DECODE(ret_table, ...)                                               \
	decode_with(plain_cie, sizeof(plain_cie), (const u8[]){__VA_ARGS__}, \
		    sizeof((const u8[]){__VA_ARGS__}), CODE, 0x100, ret_table)

static const struct kymo_cfi_rule *rule_at(const struct kymo_cfi_table *table, u64 address, u8 reg)
{
	const struct kymo_cfi_row *row = kymo_cfi_row_at(table, address);

	assert_non_null(row);
	for (u32 i = 0; i < row->rule_count; i++) {
		if (table->rules[row->first_rule + i].reg == reg)
			return &table->rules[row->first_rule + i];
	}
	return NULL;
}

static void instructions_become_rows(void **state)
{
	struct kymo_cfi_table *table = NULL;

	(void)state;
	/* push rbp; mov rsp, rbp; ...; leave (state remembered before, restored after) */
	assert_int_equal(DECODE(&table, 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x60, 0x0a, 0x0c, 7,
				8, 0xc6, 0x41, 0x0b),
			 0);
	assert_int_equal(table->row_count, 5);
	assert_int_equal(kymo_cfi_row_at(table, CODE)->cfa.value, 8);
	assert_null(rule_at(table, CODE, 6));
	assert_int_equal(kymo_cfi_row_at(table, CODE + 3)->cfa.base, 7);
	assert_int_equal(kymo_cfi_row_at(table, CODE + 3)->cfa.value, 16);
	assert_int_equal(rule_at(table, CODE + 1, 6)->value, -16);
	assert_int_equal(kymo_cfi_row_at(table, CODE + 4)->cfa.base, 6);
	assert_null(rule_at(table, CODE + 0x24, 6));
	assert_int_equal(kymo_cfi_row_at(table, CODE + 0x25)->cfa.base, 6);
	assert_int_equal(rule_at(table, CODE + 0x25, 6)->value, -16);
	assert_int_equal(rule_at(table, CODE + 0xff, 16)->value, -8);
	assert_null(kymo_cfi_row_at(table, CODE + 0x100));
	assert_null(kymo_cfi_row_at(table, CODE - 1));
	assert_false(table->is_signal);
	table = kymo_cfi_table_free(table);
	assert_int_equal(
		decode_with(signal_cie, sizeof(signal_cie), (const u8[]){0}, 1, CODE, 1, &table),
		0);
	assert_true(table->is_signal);
	table = kymo_cfi_table_free(table);
}

static void unsound_instructions_are_refused(void **state)
{
	struct kymo_cfi_table *table = NULL;
	u8 deep[40];

	(void)state;
	memset(deep, 0x0a, sizeof(deep));		 /* remember_state without end */
	assert_int_equal(DECODE(&table, 0x0b), -EINVAL); /* nothing to restore */
	assert_int_equal(DECODE(&table, 0x04, 1, 1, 0, 0), -EINVAL); /* past the function */
	assert_int_equal(DECODE(&table, 0x0f, 200, 1), -EINVAL);     /* longer than there is */
	assert_int_equal(DECODE(&table, 0x10, 6, 0xff, 0xff, 0xff, 0xff, 0x0f), -EINVAL);
	assert_int_equal(DECODE(&table, 0x0c, 200, 1, 8), -EINVAL); /* CFA of no such register */
	assert_int_equal(DECODE(&table, 0x3f), -EINVAL);	    /* not known */
	assert_int_equal(DECODE(&table, 0x0e), -EINVAL);	    /* no operand */
	assert_int_equal(
		decode_with(plain_cie, sizeof(plain_cie), deep, sizeof(deep), CODE, 0x100, &table),
		-EINVAL);
	assert_int_equal(decode_with(plain_cie, 8, deep, 1, CODE, 0x100, &table), -EINVAL);
	assert_int_equal(
		decode_with(plain_cie, sizeof(plain_cie), deep, 1, ~0ull - 1, 0x100, &table),
		-EINVAL);
	assert_null(table);
}

/* -------- expressions -------- */

static struct kymo_unwind_registers known_registers(void)
{
	struct kymo_unwind_registers registers = {.pc = CODE, .known = RBP | RSP | 1ull << 16};

	registers.values[6] = STACK + 64;
	registers.values[7] = STACK + 16;
	registers.values[16] = CODE + 0x0b;
	return registers;
}

static int evaluate(const u8 *bytes, size_t len, u64 *ret_value)
{
	static u8 words[WORDS * 8];
	const struct kymo_unwind_hole hole = {.start = STACK + 256, .end = STACK + 264};
	const struct kymo_unwind_copy copy = {.start = STACK,
					      .bytes = words,
					      .len = sizeof(words),
					      .holes = &hole,
					      .hole_count = 1};
	const struct kymo_unwind_registers registers = known_registers();

	cap_store_le(words + 24, 0x1122334455667788, 8);
	return kymo_unwind_expression(&copy, &registers, bytes, len, true, STACK, ret_value);
}

#define EVALUATE(ret_value, ...) \
	evaluate((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), ret_value)
#define GIVES(value, ...)                                           \
	do {                                                        \
		u64 found = 0;                                      \
		assert_int_equal(EVALUATE(&found, __VA_ARGS__), 0); \
		assert_int_equal(found, value);                     \
	} while (0)

static void expressions_compute(void **state)
{
	(void)state;
	GIVES(STACK, 0x96);
	GIVES(STACK + 24, 0x77, 8);			       /* rsp + 8 */
	GIVES(0x1122334455667788, 0x77, 8, 0x06);	       /* what is there */
	GIVES(0x7788, 0x77, 8, 0x94, 2);		       /* two bytes of it */
	GIVES(STACK + 8, 0x38, 0x22);			       /* + 8 */
	GIVES(STACK - 1, 0x11, 0x7f, 0x22);		       /* + -1 */
	GIVES((u64)-2, 0x32, 0x1f);			       /* -2 */
	GIVES(~7ull, 0x37, 0x20);			       /* ~7 */
	GIVES(7, 0x11, 0x79, 0x19);			       /* |-7| */
	GIVES(3, 0x37, 0x32, 0x1b);			       /* 7 / 2 */
	GIVES(1, 0x37, 0x32, 0x1d);			       /* 7 % 2 */
	GIVES(5, 0x37, 0x32, 0x1c);			       /* 7 - 2 */
	GIVES(14, 0x37, 0x32, 0x1e);			       /* 7 * 2 */
	GIVES(28, 0x37, 0x32, 0x24);			       /* 7 << 2 */
	GIVES(0, 0x37, 0x08, 64, 0x24);			       /* 7 << 64 */
	GIVES((u64)-1, 0x11, 0x7f, 0x08, 99, 0x26);	       /* -1 >> 99, signed */
	GIVES(1, 0x11, 0x7f, 0x30, 0x2d);		       /* -1 < 0 */
	GIVES(9, 0x39, 0x38, 0x37, 0x15, 2, 0x13, 0x13, 0x13); /* drops the picked one, 7, 8 */
	GIVES(8, 0x38, 0x37, 0x16, 0x14, 0x13, 0x13, 0x12, 0x13, 0x30, 0x2e, 0x38, 0x1e);
	GIVES(4, 0x2f, 1, 0, 0x31, 0x34);	     /* skips lit1 */
	GIVES(6, 0x31, 0x28, 1, 0, 0x3f, 0x36);	     /* branch taken */
	GIVES(0xfffffffffffffff6, 0x0b, 0xf6, 0xff); /* const2s */
	/* the PLT: rsp + 8 + (((rip & 15) >= 11) << 3) */
	GIVES(STACK + 32, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
}

static void unsound_expressions_end(void **state)
{
	u64 value = 77;
	u8 many[80];

	(void)state;
	memset(many, 0x30, sizeof(many));
	assert_int_equal(evaluate(many, sizeof(many), &value), -EINVAL); /* deeper than its stack */
	assert_int_equal(EVALUATE(&value, 0x2f, 0xfd, 0xff), -EINVAL);	 /* jumps to itself */
	assert_int_equal(EVALUATE(&value, 0x2f, 0xf0, 0xff), -EINVAL);	 /* before its begin */
	assert_int_equal(EVALUATE(&value, 0x2f, 1, 0), -EINVAL);	 /* past its end */
	assert_int_equal(EVALUATE(&value, 0x13), -EINVAL);		 /* nothing left */
	assert_int_equal(EVALUATE(&value, 0x22), -EINVAL);		 /* of two, one is there */
	assert_int_equal(EVALUATE(&value, 0x37, 0x30, 0x1b), -EINVAL);	 /* 7 / 0 */
	assert_int_equal(EVALUATE(&value, 0x37, 0x30, 0x1d), -EINVAL);	 /* 7 % 0 */
	assert_int_equal(EVALUATE(&value, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x11, 0x7f, 0x1b),
			 -EINVAL);				  /* the least number / -1 */
	assert_int_equal(EVALUATE(&value, 0x0e, 1), -EINVAL);	  /* no 8 bytes */
	assert_int_equal(EVALUATE(&value, 0x70, 0), -EINVAL);	  /* rax is not known */
	assert_int_equal(EVALUATE(&value, 0x92, 99, 0), -EINVAL); /* no such register */
	assert_int_equal(EVALUATE(&value, 0x94, 9), -EINVAL);	  /* nine bytes */
	assert_int_equal(EVALUATE(&value, 0xe0), -EINVAL);	  /* not known */
	assert_int_equal(EVALUATE(&value, 0x30, 0x06), -EFAULT);
	assert_int_equal(EVALUATE(&value, 0x11, 0x78, 0x06), -EFAULT); /* -8 */
	assert_int_equal(EVALUATE(&value, 0x0a, 0xf9, 0x01, 0x22, 0x06),
			 -EFAULT); /* half outside */
	assert_int_equal(EVALUATE(&value, 0x0a, 0x00, 0x01, 0x22, 0x06), -ENODATA);
	assert_int_equal(value, 77);
}

/* -------- walks -------- */

struct world {
	struct kymo_cfi_table *tables[16]; /* of function i at CODE + 0x100 * i; NULL: no rules */
	u32 count;			   /* functions; past them nothing is mapped */
	u8 bytes[WORDS * 8];
	struct kymo_unwind_copy copy;
	struct kymo_unwind_registers registers;
	struct kymo_unwind_result result;
	const struct kymo_unwind_machine *machine;
	u32 asked;
};

static bool code_at(void *context, u64 address, struct kymo_unwind_code *ret_code)
{
	struct world *world = context;
	u64 number = (address - CODE) / 0x100;

	world->asked++;
	ret_code->is_mapped = address >= CODE && number < world->count;
	if (!ret_code->is_mapped)
		return true;
	ret_code->number = (u32)number;
	ret_code->table = world->tables[number];
	ret_code->row = ret_code->table ? kymo_cfi_row_at(ret_code->table, address) : NULL;
	return true;
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	world->machine = kymo_unwind_machine(KYMO_UNWIND_X86_64);
	world->copy = (struct kymo_unwind_copy){.start = STACK,
						.bytes = world->bytes,
						.len = sizeof(world->bytes),
						.root_bytes = 128};
	world->registers = (struct kymo_unwind_registers){.pc = CODE + 0x10, .known = RBP | RSP};
	world->registers.values[7] = STACK;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	for (u32 i = 0; i < 16; i++)
		(void)kymo_cfi_table_free(world->tables[i]);
	free(world);
	return 0;
}

/* One more function, with these instructions. */
static void add(struct world *world, const u8 *cie, size_t cie_bytes, const u8 *code,
		size_t code_bytes)
{
	assert_int_equal(decode_with(cie, cie_bytes, code, code_bytes,
				     CODE + 0x100ull * world->count, 0x100,
				     &world->tables[world->count]),
			 0);
	world->count++;
}

#define FUNCTION(world, ...)                                                \
	add(world, plain_cie, sizeof(plain_cie), (const u8[]){__VA_ARGS__}, \
	    sizeof((const u8[]){__VA_ARGS__}))

static void word(struct world *world, u32 index, u64 value)
{
	cap_store_le(world->bytes + 8ull * index, value, 8);
}

/* An address in function i that a call of it returns to. */
static u64 in(u32 function)
{
	return CODE + 0x100ull * function + 0x20;
}

static void walk(struct world *world, enum kymo_unwind_end end, u32 frames)
{
	const struct kymo_unwind_source source = {.machine = world->machine,
						  .copy = &world->copy,
						  .code_at = code_at,
						  .context = world};

	assert_true(kymo_unwind_walk(&source, &world->registers, &world->result));
	assert_int_equal(world->result.end, end);
	assert_int_equal(world->result.frame_count, frames);
}

static void a_walk_goes_to_the_root(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0);		    /* return address at the top */
	FUNCTION(world, 0x0e, 32, 0x86, 2); /* rbp at CFA - 16 */
	FUNCTION(world, 0x0c, 6, 16);	    /* by that rbp */
	FUNCTION(world, 0x07, 16);	    /* the first function of the thread */
	word(world, 0, in(1));
	word(world, 3, STACK + 8 * 9); /* rbp: of CFA = STACK + 40 */
	word(world, 4, in(2));
	word(world, 10, in(3)); /* CFA = rbp + 16 = STACK + 88 */
	walk(world, KYMO_UNWIND_ROOT, 4);
	assert_int_equal(world->result.frames[0].address, CODE + 0x10); /* the instruction itself */
	assert_int_equal(world->result.frames[1].address, in(1) - 1);	/* within the call */
	assert_int_equal(world->result.frames[3].address, in(3) - 1);
	assert_int_equal(world->result.frames[3].number, 3);
	assert_int_equal(world->result.guessed_count, 0);
}

static void registers_without_a_rule_are_kept(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0x0c, 11, 8); /* the CFA is r11 + 8: hand-written assembler */
	FUNCTION(world, 0x0c, 11, 24);
	FUNCTION(world, 0x07, 16);
	world->registers.known |= 1ull << 11;
	world->registers.values[11] = STACK + 16;
	word(world, 2, in(1));
	word(world, 4, in(2));
	walk(world, KYMO_UNWIND_ROOT, 3);
	world->registers.known &= ~(1ull << 11);
	walk(world, KYMO_UNWIND_NO_RULE, 1);
}

static void a_return_to_the_begin_of_a_function_is_that_function(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0);
	world->count++; /* no rules */
	FUNCTION(world, 0x07, 16);
	word(world, 0, CODE + 0x200);
	walk(world, KYMO_UNWIND_ROOT, 2);
	assert_int_equal(world->result.frames[1].address, CODE + 0x200);
}

static void interrupted_code_is_exact(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0);
	/* rsp and rip are where the kernel saved them: at rsp + 16, rsp + 24 */
	add(world, signal_cie, sizeof(signal_cie),
	    (const u8[]){0x0f, 3, 0x77, 16, 0x06, 0x10, 7, 2, 0x77, 16, 0x10, 16, 2, 0x77, 24}, 15);
	FUNCTION(world, 0);
	FUNCTION(world, 0x07, 16);
	word(world, 0, in(1));
	word(world, 3, STACK + 8 * 20);
	word(world, 4, in(2));
	word(world, 20, in(3));
	walk(world, KYMO_UNWIND_ROOT, 4);
	assert_int_equal(world->result.frames[2].address, in(2));
	assert_int_equal(world->result.frames[3].address, in(3) - 1);
	/* further in on the same stack is allowed, another stack is told */
	word(world, 3, STACK + 8 * 2);
	word(world, 2, in(3));
	walk(world, KYMO_UNWIND_ROOT, 4);
	word(world, 3, 0x600000);
	walk(world, KYMO_UNWIND_OTHER_STACK, 3);
}

static void the_end_of_the_copy_is_told(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0);
	FUNCTION(world, 0x0e, 0x80, 0x10); /* a frame of 2 KiB */
	word(world, 0, in(1));
	walk(world, KYMO_UNWIND_NO_RULE, 2);
	world->copy.is_cut = true;
	walk(world, KYMO_UNWIND_CUT, 2);
}

static void a_hole_is_told(void **state)
{
	struct world *world = *state;
	const struct kymo_unwind_hole hole = {.start = STACK + 32, .end = STACK + 64};

	FUNCTION(world, 0);
	FUNCTION(world, 0x0e, 48);
	word(world, 0, in(1));
	world->copy.holes = &hole;
	world->copy.hole_count = 1;
	walk(world, KYMO_UNWIND_HOLE, 2);
}

static void frame_pointers_are_followed_without_rules(void **state)
{
	struct world *world = *state;

	world->count = 4; /* nobody tells */
	world->registers.values[6] = STACK + 8 * 4;
	word(world, 4, STACK + 8 * 60);
	word(world, 5, in(1));
	word(world, 60, 0);
	word(world, 61, in(2));
	walk(world, KYMO_UNWIND_ROOT, 3);
	assert_int_equal(world->result.guessed_count, 2);
	assert_false(world->result.frames[0].is_guessed);
	assert_true(world->result.frames[2].is_guessed);
	word(world, 61, 0);
	walk(world, KYMO_UNWIND_ROOT, 2);
	/* the same far from the end: two words that were masked */
	word(world, 4, STACK + 8 * 10);
	walk(world, KYMO_UNWIND_NO_MAPPING, 2);
	/* it goes in circles */
	word(world, 10, STACK + 8 * 4);
	word(world, 11, in(2));
	walk(world, KYMO_UNWIND_NO_RULE, 3);
	/* it points to no code */
	word(world, 5, 0x600000);
	walk(world, KYMO_UNWIND_NO_MAPPING, 1);
	/* a register that is 0 is no root in the middle of a stack */
	world->registers.values[6] = 0;
	walk(world, KYMO_UNWIND_NO_RULE, 1);
}

static void a_masked_return_address_ends_it(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0);
	world->registers.values[6] = STACK + 16;
	walk(world, KYMO_UNWIND_NO_MAPPING, 1);
}

static void lies_end(void **state)
{
	struct world *world = *state;

	FUNCTION(world, 0x0c, 7, 0, 0x09, 16, 16); /* CFA = rsp, returns to where it is: for ever */
	walk(world, KYMO_UNWIND_NO_RULE, 1);
	FUNCTION(world, 0x0c, 6, 8); /* CFA below the stack pointer */
	world->registers.pc = CODE + 0x110;
	world->registers.values[6] = STACK - 0x1000;
	walk(world, KYMO_UNWIND_NO_RULE, 1);
	FUNCTION(world, 0x0c, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
	world->registers.pc = CODE + 0x210;
	walk(world, KYMO_UNWIND_NO_RULE, 1); /* an offset of nearly 2^63 */
	/* a signal frame may stay where it is: the number of frames ends it */
	add(world, signal_cie, sizeof(signal_cie), (const u8[]){0x0c, 7, 0, 0x90, 0}, 5);
	word(world, 0, CODE + 0x310);
	world->registers.pc = CODE + 0x310;
	walk(world, KYMO_UNWIND_DEPTH, KYMO_UNWIND_MAX_FRAMES);
	assert_true(world->asked < KYMO_UNWIND_MAX_FRAMES + 16);
}

static void signatures_of_aarch64_are_dropped(void **state)
{
	struct world *world = *state;
	/* x30 is column 30, data alignment -8 */
	static const u8 cie[] = {0, 0, 0, 0, 1, 'z', 'R', 0, 4, 0x78, 30, 1, 0x1b, 0x0c, 31, 0};

	add(world, cie, sizeof(cie), (const u8[]){0x2d, 0x0e, 16, 0x9d, 2, 0x9e, 1}, 7);
	add(world, cie, sizeof(cie), (const u8[]){0x07, 30}, 2);
	world->machine = kymo_unwind_machine(KYMO_UNWIND_AARCH64);
	world->registers.known = 1ull << 31 | 1ull << 30 | 1ull << 29;
	world->registers.values[31] = STACK;
	word(world, 1, in(1) | 0x003bull << 48);
	walk(world, KYMO_UNWIND_ROOT, 2);
	assert_int_equal(world->result.frames[1].address, in(1) - 1);
}

/* -------- sections -------- */

static void sections_of_any_content_are_searched(void **state)
{
	u8 frames[128] = {0}, header[32] = {1, 0x1b, 3, 0x3b};
	struct kymo_cfi_sections sections = {
		.eh_frame = {.bytes = frames, .len = sizeof(frames), .address = 0x2000},
		.eh_frame_hdr = {.bytes = header, .len = sizeof(header), .address = 0x3000}};
	struct kymo_cfi_finder *finder;
	struct kymo_cfi_entry entry;

	(void)state;
	cap_store_le(frames, sizeof(plain_cie), 4);
	memcpy(frames + 4, plain_cie, sizeof(plain_cie));
	cap_store_le(frames + 24, 16, 4); /* an FDE at 24 of [0x1000, 0x1040) */
	cap_store_le(frames + 28, 28, 4);
	cap_store_le(frames + 32, 0x1000 - 0x2020ull, 4);
	cap_store_le(frames + 36, 0x40, 4);
	cap_store_le(header + 8, 1, 4);
	cap_store_le(header + 12, 0x1000 - 0x3000ull, 4);
	cap_store_le(header + 16, 0x2018 - 0x3000ull, 4);
	for (int with_header = 1; with_header >= 0; with_header--) {
		sections.eh_frame_hdr.bytes = with_header ? header : NULL;
		finder = kymo_cfi_finder_new(&sections);
		assert_non_null(finder);
		assert_true(kymo_cfi_find(finder, 0x103f, &entry));
		assert_int_equal(entry.start, 0x1000);
		assert_int_equal(entry.size_bytes, 0x40);
		assert_ptr_equal(entry.cie, frames + 4);
		assert_false(kymo_cfi_find(finder, 0x1040, &entry));
		assert_false(kymo_cfi_find(finder, 0xfff, &entry));
		finder = kymo_cfi_finder_free(finder);
	}
	cap_store_le(frames + 28, 0xffff, 4); /* its CIE is outside */
	finder = kymo_cfi_finder_new(&sections);
	assert_non_null(finder);
	assert_false(kymo_cfi_find(finder, 0x1010, &entry));
	finder = kymo_cfi_finder_free(finder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_become_rows),
		cmocka_unit_test(unsound_instructions_are_refused),
		cmocka_unit_test(expressions_compute),
		cmocka_unit_test(unsound_expressions_end),
		cmocka_unit_test_setup_teardown(a_walk_goes_to_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(registers_without_a_rule_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_return_to_the_begin_of_a_function_is_that_function, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupted_code_is_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_of_the_copy_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hole_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(frame_pointers_are_followed_without_rules, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_masked_return_address_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(lies_end, setup, teardown),
		cmocka_unit_test_setup_teardown(signatures_of_aarch64_are_dropped, setup, teardown),
		cmocka_unit_test(sections_of_any_content_are_searched),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
