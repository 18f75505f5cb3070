/*
 * Registers that rules do not mention keep their value: hand-written assembler counts on it.
 * Words that were masked read as 0, so a register that was saved may come back as 0; it only
 * matters where rules or frame pointers use it, and then it was an address and was kept.
 */
#include "objects/unwind/unwind_walk.h"

#include <errno.h>

#include "objects/unwind/unwind_expr.h"

enum step { STEP_DONE, STEP_ROOT, STEP_FAILED };

struct walk {
	const struct kymo_unwind_source *source;
	const struct kymo_unwind_machine *machine;
	const struct kymo_unwind_copy *copy;
	struct kymo_unwind_registers now;
	bool exact;	   /* pc is an instruction, not what follows a call */
	bool after_signal; /* so the stack pointer may have gone to any stack */
	int failure;	   /* of STEP_FAILED: as kymo_unwind_read */
};

const struct kymo_unwind_machine *kymo_unwind_machine(enum kymo_unwind_arch arch)
{
	static const struct kymo_unwind_machine machines[] = {
		[KYMO_UNWIND_X86_64] = {.register_count = 17,
					.stack_pointer = 7,
					.frame_pointer = 6,
					.program_counter = 16,
					.address_mask = ~0ull,
					.least_step = 8},
		[KYMO_UNWIND_AARCH64] = {.register_count = 33,
					 .stack_pointer = 31,
					 .frame_pointer = 29,
					 .program_counter = 32,
					 .address_mask = (1ull << 48) - 1,
					 .least_step = 0},
	};

	return &machines[arch];
}

static bool is_known(const struct kymo_unwind_registers *registers, unsigned int reg)
{
	return reg < KYMO_CFI_MAX_REGISTERS && registers->known >> reg & 1;
}

static u64 stack_pointer(const struct walk *walk)
{
	return walk->now.values[walk->machine->stack_pointer];
}

static bool in_copy(const struct walk *walk, u64 address)
{
	return address >= walk->copy->start && address - walk->copy->start <= walk->copy->len;
}

/* -------- one step by rules -------- */

static int cfa_of(const struct walk *walk, const struct kymo_unwind_code *code, u64 *ret_cfa)
{
	const struct kymo_cfi_rule *rule = &code->row->cfa;

	if (rule->how == KYMO_CFI_EXPR)
		return kymo_unwind_expression(walk->copy, &walk->now,
					      code->table->bytes + rule->value, rule->expr_bytes,
					      false, 0, ret_cfa);
	if (rule->how != KYMO_CFI_SUM || !is_known(&walk->now, rule->base))
		return -EINVAL;
	*ret_cfa = walk->now.values[rule->base] + (u64)rule->value;
	return 0;
}

static int apply_rule(const struct walk *walk, const struct kymo_unwind_code *code,
		      const struct kymo_cfi_rule *rule, u64 cfa, u64 *ret_value)
{
	bool is_expr = rule->how == KYMO_CFI_AT_EXPR || rule->how == KYMO_CFI_EXPR;
	const u8 *bytes = code->table->bytes + (is_expr ? rule->value : 0);
	u64 address;
	int rc;

	switch (rule->how) {
	case KYMO_CFI_AT:
		return kymo_unwind_word(walk->copy, cfa + (u64)rule->value, ret_value);
	case KYMO_CFI_SUM:
		if (rule->base == KYMO_CFI_BASE_IS_CFA) {
			*ret_value = cfa + (u64)rule->value;
			return 0;
		}
		if (!is_known(&walk->now, rule->base))
			return -EINVAL;
		*ret_value = walk->now.values[rule->base] + (u64)rule->value;
		return 0;
	case KYMO_CFI_AT_EXPR:
		rc = kymo_unwind_expression(walk->copy, &walk->now, bytes, rule->expr_bytes, true,
					    cfa, &address);
		return rc < 0 ? rc : kymo_unwind_read(walk->copy, address, 8, ret_value);
	case KYMO_CFI_EXPR:
		return kymo_unwind_expression(walk->copy, &walk->now, bytes, rule->expr_bytes, true,
					      cfa, ret_value);
	default:
		return -EINVAL;
	}
}

/* A frame must lie further out than the one it called, or a hostile copy would go round in circles;
 * where a signal came, the stack may be another. */
static bool moves_on(const struct walk *walk, u64 cfa, bool is_signal)
{
	return is_signal || walk->after_signal ||
	       cfa >= stack_pointer(walk) + walk->machine->least_step;
}

/* What the caller's registers were: put in place when all is computed, since rules mean the old
 * ones. */
struct found {
	u64 values[KYMO_CFI_MAX_REGISTERS];
	u8 registers[KYMO_CFI_MAX_REGISTERS];
	u32 count;
	u64 known, lost; /* a bit per register */
	u64 return_address;
	bool has_return;
};

static enum step apply_rules(struct walk *walk, const struct kymo_unwind_code *code, u64 cfa,
			     struct found *found)
{
	const struct kymo_cfi_table *table = code->table;
	const struct kymo_cfi_rule *rule = &table->rules[code->row->first_rule];
	const struct kymo_cfi_rule *end = rule + code->row->rule_count;

	for (; rule < end; rule++) {
		bool is_return = rule->reg == table->return_column;
		u64 value = 0;
		int rc;

		if (is_return && rule->how == KYMO_CFI_UNDEFINED)
			return STEP_ROOT;
		rc = apply_rule(walk, code, rule, cfa, &value);
		if (is_return) {
			walk->failure = rc;
			if (rc < 0)
				return STEP_FAILED;
			found->return_address = value;
			found->has_return = true;
		}
		if (rc < 0) {
			found->lost |= 1ull << rule->reg;
			continue;
		}
		found->known |= 1ull << rule->reg;
		found->registers[found->count] = rule->reg;
		found->values[found->count++] = value;
	}
	return STEP_DONE;
}

static enum step step_by_rules(struct walk *walk, const struct kymo_unwind_code *code)
{
	const struct kymo_cfi_table *table = code->table;
	struct kymo_unwind_registers *now = &walk->now;
	struct found found;
	enum step step;
	u64 cfa;

	walk->failure = cfa_of(walk, code, &cfa);
	if (walk->failure == 0 && !moves_on(walk, cfa, table->is_signal))
		walk->failure = -EINVAL;
	if (walk->failure < 0)
		return STEP_FAILED;
	found.count = 0;
	found.known = found.lost = found.return_address = 0;
	found.has_return = false;
	step = apply_rules(walk, code, cfa, &found);
	if (step != STEP_DONE)
		return step;
	if (!found.has_return) { /* it is still in its register */
		walk->failure = -EINVAL;
		if (!is_known(now, table->return_column))
			return STEP_FAILED;
		found.return_address = now->values[table->return_column];
	}
	now->values[walk->machine->stack_pointer] = cfa;
	now->known |= 1ull << walk->machine->stack_pointer;
	for (u32 i = 0; i < found.count; i++)
		now->values[found.registers[i]] = found.values[i];
	now->known = (now->known & ~found.lost) | found.known;
	now->pc = found.return_address & walk->machine->address_mask;
	walk->exact = walk->after_signal = table->is_signal;
	return STEP_DONE;
}

/* -------- one step by the frame pointer -------- */

/* Does a frame that ends at the address begin the thread? */
static bool is_near_end(const struct walk *walk, u64 address)
{
	u64 end = walk->copy->start + walk->copy->len;

	return walk->copy->root_bytes > 0 && !walk->copy->is_cut && address <= end &&
	       end - address <= walk->copy->root_bytes;
}

static enum step step_by_pointer(struct walk *walk)
{
	const unsigned int fp = walk->machine->frame_pointer;
	u64 frame = walk->now.values[fp], outer, return_address;

	walk->failure = -EINVAL;
	if (!is_known(&walk->now, fp))
		return STEP_FAILED;
	if (frame == 0 && is_near_end(walk, stack_pointer(walk)))
		return STEP_ROOT;
	if (frame < stack_pointer(walk) || !in_copy(walk, frame))
		return STEP_FAILED;
	walk->failure = kymo_unwind_read(walk->copy, frame, 8, &outer);
	if (walk->failure == 0)
		walk->failure = kymo_unwind_read(walk->copy, frame + 8, 8, &return_address);
	if (walk->failure < 0)
		return STEP_FAILED;
	if (return_address == 0 && outer == 0 && is_near_end(walk, frame + 16))
		return STEP_ROOT;
	/* What the function saved elsewhere is not known; the rest of the registers is the best
	 * guess there is. */
	walk->now.values[fp] = outer;
	walk->now.values[walk->machine->stack_pointer] = frame + 16;
	walk->now.known |= 1ull << walk->machine->stack_pointer;
	walk->now.pc = return_address & walk->machine->address_mask;
	walk->exact = walk->after_signal = false;
	return STEP_DONE;
}

/* -------- the walk -------- */

static enum kymo_unwind_end end_of_failure(const struct walk *walk)
{
	u64 end = walk->copy->start + walk->copy->len;

	if (walk->failure == -ENODATA)
		return KYMO_UNWIND_HOLE;
	if (!in_copy(walk, stack_pointer(walk)))
		return walk->copy->is_cut && stack_pointer(walk) > end && !walk->after_signal
			       ? KYMO_UNWIND_CUT
			       : KYMO_UNWIND_OTHER_STACK;
	if (walk->failure == -EFAULT && walk->copy->is_cut)
		return KYMO_UNWIND_CUT;
	return KYMO_UNWIND_NO_RULE;
}

static void add_frame(struct kymo_unwind_result *result, u64 address, u32 number, bool is_guessed)
{
	result->frames[result->frame_count++] = (struct kymo_unwind_frame){
		.address = address, .number = number, .is_guessed = is_guessed};
	result->guessed_count += is_guessed;
}

static bool is_last(const struct walk *walk)
{
	return walk->now.values[walk->machine->frame_pointer] == 0 &&
	       is_near_end(walk, stack_pointer(walk));
}

/*
 * What holds at the pc. Nobody calls with the last instruction of nothing: a return address at the
 * very begin of a function was put there by hand, as makecontext does, and means that function.
 */
static bool find_code(const struct walk *walk, u64 *address, struct kymo_unwind_code *ret_code)
{
	const struct kymo_unwind_source *source = walk->source;
	struct kymo_unwind_code begin = {0};

	*address = walk->now.pc - !walk->exact;
	if (!source->code_at(source->context, *address, ret_code))
		return false;
	if (walk->exact || ret_code->table)
		return true;
	if (!source->code_at(source->context, walk->now.pc, &begin))
		return false;
	if (begin.table && begin.row == begin.table->rows) {
		*ret_code = begin;
		*address = walk->now.pc;
	}
	return true;
}

bool kymo_unwind_walk(const struct kymo_unwind_source *source,
		      const struct kymo_unwind_registers *registers,
		      struct kymo_unwind_result *ret_result)
{
	struct walk walk = {.source = source,
			    .machine = source->machine,
			    .copy = source->copy,
			    .now = *registers,
			    .exact = true};
	bool is_guessed = false;

	ret_result->frame_count = ret_result->guessed_count = 0;
	for (;;) {
		struct kymo_unwind_code code = {0};
		u64 address;
		enum step step;

		if (ret_result->frame_count > 0 && walk.now.pc == 0) {
			ret_result->end =
				is_last(&walk) ? KYMO_UNWIND_ROOT : KYMO_UNWIND_NO_MAPPING;
			return true;
		}
		if (!find_code(&walk, &address, &code))
			return false;
		if (ret_result->frame_count > 0 && !code.is_mapped) {
			ret_result->end = KYMO_UNWIND_NO_MAPPING;
			return true;
		}
		if (ret_result->frame_count == KYMO_UNWIND_MAX_FRAMES) {
			ret_result->end = KYMO_UNWIND_DEPTH;
			return true;
		}
		add_frame(ret_result, address, code.number, is_guessed);
		if (walk.machine->program_counter < KYMO_CFI_MAX_REGISTERS) {
			walk.now.values[walk.machine->program_counter] = walk.now.pc;
			walk.now.known |= 1ull << walk.machine->program_counter;
		}
		is_guessed = !code.table;
		step = code.table ? step_by_rules(&walk, &code) : step_by_pointer(&walk);
		if (step != STEP_DONE) {
			ret_result->end =
				step == STEP_ROOT ? KYMO_UNWIND_ROOT : end_of_failure(&walk);
			return true;
		}
	}
}
