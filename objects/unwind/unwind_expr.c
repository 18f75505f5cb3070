#include "objects/unwind/unwind_expr.h"

#include <errno.h>

#include "formats/base/bytes.h"
#include "objects/unwind/leb.h"

#define MAX_STACK 32u
#define MAX_STEPS 256u /* genuine ones take 12; a branch may go back */

enum operation { /* DWARF 5, 7.7.1 */
		 OP_DEREF = 0x06,
		 OP_CONST1U = 0x08,
		 OP_CONST8S = 0x0f,
		 OP_CONSTU = 0x10,
		 OP_CONSTS = 0x11,
		 OP_DUP = 0x12,
		 OP_DROP = 0x13,
		 OP_OVER = 0x14,
		 OP_PICK = 0x15,
		 OP_SWAP = 0x16,
		 OP_ROT = 0x17,
		 OP_ABS = 0x19,
		 OP_AND = 0x1a,
		 OP_DIV = 0x1b,
		 OP_MINUS = 0x1c,
		 OP_MOD = 0x1d,
		 OP_MUL = 0x1e,
		 OP_NEG = 0x1f,
		 OP_NOT = 0x20,
		 OP_OR = 0x21,
		 OP_PLUS = 0x22,
		 OP_PLUS_UCONST = 0x23,
		 OP_SHL = 0x24,
		 OP_SHR = 0x25,
		 OP_SHRA = 0x26,
		 OP_XOR = 0x27,
		 OP_BRA = 0x28,
		 OP_EQ = 0x29,
		 OP_GE = 0x2a,
		 OP_GT = 0x2b,
		 OP_LE = 0x2c,
		 OP_LT = 0x2d,
		 OP_NE = 0x2e,
		 OP_SKIP = 0x2f,
		 OP_LIT0 = 0x30,
		 OP_LIT31 = 0x4f,
		 OP_BREG0 = 0x70,
		 OP_BREG31 = 0x8f,
		 OP_BREGX = 0x92,
		 OP_DEREF_SIZE = 0x94,
		 OP_NOP = 0x96,
};

struct machine {
	const struct kymo_unwind_copy *copy;
	const struct kymo_unwind_registers *registers;
	struct cap_cursor code;
	const u8 *begin;
	u64 stack[MAX_STACK];
	u32 depth;
	u64 nothing; /* read where the stack has no such entry */
	int failure;
};

int kymo_unwind_read(const struct kymo_unwind_copy *copy, u64 address, unsigned int bytes,
		     u64 *ret_value)
{
	u64 at = address - copy->start;

	if (address < copy->start || at >= copy->len || copy->len - at < bytes)
		return -EFAULT;
	for (u32 i = 0; i < copy->hole_count; i++) {
		if (address < copy->holes[i].end && address + bytes > copy->holes[i].start)
			return -ENODATA;
	}
	*ret_value = cap_load_le(copy->bytes + at, bytes);
	return 0;
}

static void fail(struct machine *machine, int code)
{
	if (machine->failure == 0)
		machine->failure = code;
}

static void push(struct machine *machine, u64 value)
{
	if (machine->depth == MAX_STACK)
		fail(machine, -EINVAL);
	else
		machine->stack[machine->depth++] = value;
}

/* The entry `index` below the top. */
static u64 *entry(struct machine *machine, u32 index)
{
	if (index < machine->depth)
		return &machine->stack[machine->depth - 1 - index];
	fail(machine, -EINVAL);
	machine->nothing = 0;
	return &machine->nothing;
}

static u64 pop(struct machine *machine)
{
	u64 value = *entry(machine, 0);

	if (machine->depth > 0)
		machine->depth--;
	return value;
}

static void push_register(struct machine *machine, u64 reg)
{
	s64 offset = kymo_get_sleb(&machine->code);

	if (reg >= KYMO_CFI_MAX_REGISTERS || !(machine->registers->known >> reg & 1))
		fail(machine, -EINVAL);
	else
		push(machine, machine->registers->values[reg] + (u64)offset);
}

static void dereference(struct machine *machine, unsigned int bytes)
{
	u64 value = 0;
	int rc = bytes == 0 || bytes > 8
			 ? -EINVAL
			 : kymo_unwind_read(machine->copy, pop(machine), bytes, &value);

	if (rc < 0)
		fail(machine, rc);
	push(machine, value);
}

/* By a signed distance of 16 bits, counted from after it. */
static void jump(struct machine *machine, bool taken)
{
	s64 distance = (int16_t)cap_get_u16(&machine->code);
	s64 place = machine->code.at - machine->begin + distance;

	if (!taken)
		return;
	if (place < 0 || place > machine->code.end - machine->begin)
		fail(machine, -EINVAL);
	else
		machine->code.at = machine->begin + place;
}

static u64 shifted(u8 code, u64 value, u64 by)
{
	switch (code) {
	case OP_SHL:
		return by < 64 ? value << by : 0;
	case OP_SHR:
		return by < 64 ? value >> by : 0;
	default:
		return (u64)((s64)value >> (by < 64 ? by : 63));
	}
}

/* Of two entries, b above a. False: it is another operation. */
static bool compute(struct machine *machine, u8 code, u64 a, u64 b, u64 *ret_value)
{
	switch (code) {
	case OP_AND:
		*ret_value = a & b;
		return true;
	case OP_DIV:
	case OP_MOD:
		if (b == 0 || (code == OP_DIV && b == UINT64_MAX)) /* signed: it would trap */
			fail(machine, -EINVAL);
		else
			*ret_value = code == OP_DIV ? (u64)((s64)a / (s64)b) : a % b;
		return true;
	case OP_MINUS:
		*ret_value = a - b;
		return true;
	case OP_MUL:
		*ret_value = a * b;
		return true;
	case OP_OR:
		*ret_value = a | b;
		return true;
	case OP_PLUS:
		*ret_value = a + b;
		return true;
	case OP_SHL:
	case OP_SHR:
	case OP_SHRA:
		*ret_value = shifted(code, a, b);
		return true;
	case OP_XOR:
		*ret_value = a ^ b;
		return true;
	case OP_EQ:
		*ret_value = a == b;
		return true;
	case OP_GE:
		*ret_value = (s64)a >= (s64)b;
		return true;
	case OP_GT:
		*ret_value = (s64)a > (s64)b;
		return true;
	case OP_LE:
		*ret_value = (s64)a <= (s64)b;
		return true;
	case OP_LT:
		*ret_value = (s64)a < (s64)b;
		return true;
	case OP_NE:
		*ret_value = a != b;
		return true;
	default:
		return false;
	}
}

/* Constants. False: it is another operation. */
static bool run_constant(struct machine *machine, u8 code)
{
	struct cap_cursor *at = &machine->code;
	unsigned int bytes;
	u64 value;

	if (code >= OP_LIT0 && code <= OP_LIT31) {
		push(machine, code - OP_LIT0);
		return true;
	}
	if (code == OP_CONSTU || code == OP_CONSTS) {
		push(machine, code == OP_CONSTU ? cap_get_varint(at) : (u64)kymo_get_sleb(at));
		return true;
	}
	if (code < OP_CONST1U || code > OP_CONST8S)
		return false;
	bytes = 1u << (code - OP_CONST1U) / 2;
	value = cap_get_le(at, bytes);
	if (code & 1 && bytes < 8 && value >> (8 * bytes - 1))
		value |= ~0ull << (8 * bytes);
	push(machine, value);
	return true;
}

/* What moves entries. False: it is another operation. */
static bool run_stack(struct machine *machine, u8 code)
{
	u64 top, second, third;

	switch (code) {
	case OP_DUP:
		push(machine, *entry(machine, 0));
		return true;
	case OP_DROP:
		(void)pop(machine);
		return true;
	case OP_OVER:
		push(machine, *entry(machine, 1));
		return true;
	case OP_PICK:
		push(machine, *entry(machine, cap_get_u8(&machine->code)));
		return true;
	case OP_SWAP:
		top = pop(machine);
		second = pop(machine);
		push(machine, top);
		push(machine, second);
		return true;
	case OP_ROT:
		top = pop(machine);
		second = pop(machine);
		third = pop(machine);
		push(machine, top);
		push(machine, third);
		push(machine, second);
		return true;
	default:
		return false;
	}
}

static void run_other(struct machine *machine, u8 code)
{
	u64 top, second, value = 0;

	switch (code) {
	case OP_NOP:
		return;
	case OP_DEREF:
		dereference(machine, 8);
		return;
	case OP_DEREF_SIZE:
		dereference(machine, cap_get_u8(&machine->code));
		return;
	case OP_ABS:
		top = pop(machine);
		push(machine, (s64)top < 0 ? 0 - top : top);
		return;
	case OP_NEG:
		push(machine, 0 - pop(machine));
		return;
	case OP_NOT:
		push(machine, ~pop(machine));
		return;
	case OP_PLUS_UCONST:
		top = pop(machine);
		push(machine, top + cap_get_varint(&machine->code));
		return;
	case OP_SKIP:
		jump(machine, true);
		return;
	case OP_BRA:
		jump(machine, pop(machine) != 0);
		return;
	case OP_BREGX:
		push_register(machine, cap_get_varint(&machine->code));
		return;
	default:
		break;
	}
	if (code >= OP_BREG0 && code <= OP_BREG31) {
		push_register(machine, code - OP_BREG0);
		return;
	}
	second = *entry(machine, 1);
	top = *entry(machine, 0);
	if (machine->failure == 0 && compute(machine, code, second, top, &value)) {
		(void)pop(machine);
		(void)pop(machine);
		push(machine, value);
	} else {
		fail(machine, -EINVAL);
	}
}

int kymo_unwind_expression(const struct kymo_unwind_copy *copy,
			   const struct kymo_unwind_registers *registers, const u8 *bytes,
			   size_t len, bool has_initial, u64 initial, u64 *ret_value)
{
	struct machine machine = {.copy = copy,
				  .registers = registers,
				  .code = cap_cursor_of(bytes, len),
				  .begin = bytes};
	u32 steps = 0;

	if (has_initial)
		push(&machine, initial);
	while (machine.failure == 0 && cap_cursor_left(&machine.code) > 0) {
		u8 code = cap_get_u8(&machine.code);

		if (++steps > MAX_STEPS)
			return -EINVAL;
		if (!run_constant(&machine, code) && !run_stack(&machine, code))
			run_other(&machine, code);
		if (machine.code.failed)
			return -EINVAL;
	}
	if (machine.failure == 0 && machine.depth == 0)
		return -EINVAL;
	if (machine.failure == 0)
		*ret_value = pop(&machine);
	return machine.failure;
}
