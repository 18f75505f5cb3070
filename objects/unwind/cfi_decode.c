/* Addresses are of 8 bytes: both machines that are unwound have them. */
#include "objects/unwind/cfi_decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/bytes.h"
#include "objects/unwind/leb.h"
#include "formats/base/cleanup.h"

#define MAX_SAVED_STATES 16u /* remember_state within remember_state; compilers make one */
#define MAX_ROWS 8192u

enum pointer_encoding { /* of the Linux Standard Base, "DWARF Extensions" */
			ENCODING_ABSOLUTE = 0x00,
			ENCODING_U2 = 0x02,
			ENCODING_U4 = 0x03,
			ENCODING_U8 = 0x04,
			ENCODING_S2 = 0x0a,
			ENCODING_S4 = 0x0b,
			ENCODING_S8 = 0x0c,
			ENCODING_FORMAT = 0x0f,
			ENCODING_ALIGNED = 0x50,
			ENCODING_OMITTED = 0xff,
};

enum cfa_instruction { /* DWARF 5, 7.24; GNU and LLVM use the last three */
		       CFA_ADVANCE_LOC = 0x40,
		       CFA_OFFSET = 0x80,
		       CFA_RESTORE = 0xc0,
		       CFA_NOP = 0x00,
		       CFA_SET_LOC = 0x01,
		       CFA_ADVANCE_LOC1 = 0x02,
		       CFA_ADVANCE_LOC2 = 0x03,
		       CFA_ADVANCE_LOC4 = 0x04,
		       CFA_OFFSET_EXTENDED = 0x05,
		       CFA_RESTORE_EXTENDED = 0x06,
		       CFA_UNDEFINED = 0x07,
		       CFA_SAME_VALUE = 0x08,
		       CFA_REGISTER = 0x09,
		       CFA_REMEMBER_STATE = 0x0a,
		       CFA_RESTORE_STATE = 0x0b,
		       CFA_DEF_CFA = 0x0c,
		       CFA_DEF_CFA_REGISTER = 0x0d,
		       CFA_DEF_CFA_OFFSET = 0x0e,
		       CFA_DEF_CFA_EXPRESSION = 0x0f,
		       CFA_EXPRESSION = 0x10,
		       CFA_OFFSET_EXTENDED_SF = 0x11,
		       CFA_DEF_CFA_SF = 0x12,
		       CFA_DEF_CFA_OFFSET_SF = 0x13,
		       CFA_VAL_OFFSET = 0x14,
		       CFA_VAL_OFFSET_SF = 0x15,
		       CFA_VAL_EXPRESSION = 0x16,
		       CFA_AARCH64_NEGATE_RA_STATE = 0x2d,
		       CFA_GNU_ARGS_SIZE = 0x2e,
		       CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct state {
	struct kymo_cfi_rule cfa;
	struct kymo_cfi_rule rules[KYMO_CFI_MAX_REGISTERS];
};

struct decoder {
	struct kymo_cfi_table *table;
	struct kymo_cfi_cie cie;
	struct cap_cursor code;
	u64 address;
	bool in_cie;
	struct state now, initial;
	struct state saved[MAX_SAVED_STATES];
	u32 saved_count;
};

unsigned int kymo_cfi_pointer_bytes(u8 encoding)
{
	if (encoding == ENCODING_ALIGNED)
		return 0;
	switch (encoding & ENCODING_FORMAT) {
	case ENCODING_ABSOLUTE:
	case ENCODING_U8:
	case ENCODING_S8:
		return 8;
	case ENCODING_U4:
	case ENCODING_S4:
		return 4;
	case ENCODING_U2:
	case ENCODING_S2:
		return 2;
	default:
		return 0;
	}
}

/* -------- heads of entries -------- */

/* The letters after 'z' and their data. False: a letter that is not known. */
static bool parse_augmentation(struct cap_cursor *cursor, const char *letters,
			       struct kymo_cfi_cie *cie)
{
	u64 len = cap_get_varint(cursor);
	const u8 *bytes = cap_get_bytes(cursor, len);
	struct cap_cursor data;

	if (!bytes)
		return false;
	data = cap_cursor_of(bytes, len);
	cie->has_data = true;
	for (letters++; *letters; letters++) {
		u8 encoding;

		switch (*letters) {
		case 'R':
			cie->pointer_encoding = cap_get_u8(&data);
			break;
		case 'L':
			(void)cap_get_u8(&data);
			break;
		case 'P':
			encoding = cap_get_u8(&data);
			if (kymo_cfi_pointer_bytes(encoding) == 0)
				return false;
			(void)cap_get_bytes(&data, kymo_cfi_pointer_bytes(encoding));
			break;
		case 'S':
			cie->is_signal = true;
			break;
		case 'B': /* aarch64: signed with the other key */
		case 'G': /* aarch64: memory tags */
			break;
		default:
			return false;
		}
	}
	return !data.failed && kymo_cfi_pointer_bytes(cie->pointer_encoding) != 0;
}

bool kymo_cfi_parse_cie(const u8 *bytes, size_t len, bool is_debug_frame,
			struct kymo_cfi_cie *ret_cie)
{
	struct cap_cursor cursor = cap_cursor_of(bytes, len);
	struct kymo_cfi_cie cie = {0};
	u32 id = cap_get_u32(&cursor);
	u8 version = cap_get_u8(&cursor);
	const char *letters = (const char *)cursor.at;
	size_t letter_count = strnlen(letters, cap_cursor_left(&cursor));
	u64 column;

	if (len > KYMO_CFI_MAX_ENTRY_BYTES || id != (is_debug_frame ? UINT32_MAX : 0) ||
	    (version != 1 && version != 3 && version != 4) ||
	    letter_count == cap_cursor_left(&cursor))
		return false;
	(void)cap_get_bytes(&cursor, letter_count + 1);
	if (version == 4 && (cap_get_u8(&cursor) != 8 || cap_get_u8(&cursor) != 0))
		return false; /* other addresses, or segments */
	cie.code_align = cap_get_varint(&cursor);
	cie.data_align = kymo_get_sleb(&cursor);
	column = version == 1 ? cap_get_u8(&cursor) : cap_get_varint(&cursor);
	if (column >= KYMO_CFI_MAX_REGISTERS)
		return false;
	cie.return_column = (u8)column;
	if (letters[0] == 'z' ? !parse_augmentation(&cursor, letters, &cie) : letters[0] != '\0')
		return false;
	cie.instructions = cursor.at;
	cie.instruction_bytes = cap_cursor_left(&cursor);
	if (cursor.failed)
		return false;
	*ret_cie = cie;
	return true;
}

/* Leaves at the cursor what comes after the head of an FDE: its instructions. */
static bool skip_fde_head(struct cap_cursor *cursor, const struct kymo_cfi_cie *cie)
{
	unsigned int pointer_bytes = kymo_cfi_pointer_bytes(cie->pointer_encoding);

	(void)cap_get_u32(cursor); /* where its CIE is */
	(void)cap_get_bytes(cursor, 2 * (size_t)pointer_bytes);
	if (cie->has_data)
		(void)cap_get_bytes(cursor, cap_get_varint(cursor));
	return !cursor->failed;
}

/* -------- rows -------- */

static int grow(void *list, u32 *capacity, u32 wanted, size_t item_bytes)
{
	void **items = list;
	u32 bigger = *capacity ? *capacity * 2 : 16;
	void *moved;

	if (wanted <= *capacity)
		return 0;
	while (bigger < wanted)
		bigger *= 2;
	moved = realloc(*items, bigger * item_bytes);
	if (!moved)
		return -ENOMEM;
	*items = moved;
	*capacity = bigger;
	return 0;
}

/* The rules as they are now, from the address on. A row without length is left out. */
static int emit_row(struct decoder *decoder, u64 end)
{
	struct kymo_cfi_table *table = decoder->table;
	struct kymo_cfi_row *row;

	if (decoder->in_cie || end <= decoder->address)
		return 0;
	if (table->row_count == MAX_ROWS)
		return -EINVAL;
	if (grow(&table->rows, &table->row_capacity, table->row_count + 1, sizeof(*table->rows)) <
		    0 ||
	    grow(&table->rules, &table->rule_capacity, table->rule_count + KYMO_CFI_MAX_REGISTERS,
		 sizeof(*table->rules)) < 0)
		return -ENOMEM;
	row = &table->rows[table->row_count++];
	*row = (struct kymo_cfi_row){.start = decoder->address,
				     .cfa = decoder->now.cfa,
				     .first_rule = table->rule_count};
	for (u32 i = 0; i < KYMO_CFI_MAX_REGISTERS; i++) {
		if (decoder->now.rules[i].how != KYMO_CFI_SAME)
			table->rules[table->rule_count++] = decoder->now.rules[i];
	}
	row->rule_count = table->rule_count - row->first_rule;
	return 0;
}

static int advance(struct decoder *decoder, u64 delta)
{
	u64 bytes, address;
	int rc;

	if (__builtin_mul_overflow(delta, decoder->cie.code_align, &bytes) ||
	    __builtin_add_overflow(decoder->address, bytes, &address) ||
	    address > decoder->table->end)
		return -EINVAL;
	rc = emit_row(decoder, address);
	decoder->address = address;
	return rc;
}

/* -------- instructions -------- */

static void set_rule(struct decoder *decoder, u64 reg, struct kymo_cfi_rule rule)
{
	if (reg >= KYMO_CFI_MAX_REGISTERS)
		return; /* vector registers and the like */
	rule.reg = (u8)reg;
	decoder->now.rules[reg] = rule;
}

static void set_offset(struct decoder *decoder, u64 reg, s64 factored, u8 how)
{
	s64 value;

	if (__builtin_mul_overflow(factored, decoder->cie.data_align, &value)) {
		decoder->code.failed = true;
		return;
	}
	set_rule(decoder, reg,
		 (struct kymo_cfi_rule){.how = how, .base = KYMO_CFI_BASE_IS_CFA, .value = value});
}

static void restore(struct decoder *decoder, u64 reg)
{
	if (reg < KYMO_CFI_MAX_REGISTERS)
		decoder->now.rules[reg] = decoder->initial.rules[reg];
}

static struct kymo_cfi_rule expression(struct decoder *decoder, u8 how)
{
	u64 len = cap_get_varint(&decoder->code);
	const u8 *bytes = cap_get_bytes(&decoder->code, len);

	if (!bytes)
		return (struct kymo_cfi_rule){.how = KYMO_CFI_UNDEFINED};
	return (struct kymo_cfi_rule){
		.how = how, .expr_bytes = (u32)len, .value = bytes - decoder->table->bytes};
}

static void define_cfa(struct decoder *decoder, u64 reg, s64 value)
{
	if (reg >= KYMO_CFI_MAX_REGISTERS) {
		decoder->code.failed = true;
		return;
	}
	decoder->now.cfa =
		(struct kymo_cfi_rule){.how = KYMO_CFI_SUM, .base = (u8)reg, .value = value};
}

static int push_state(struct decoder *decoder)
{
	if (decoder->saved_count == MAX_SAVED_STATES)
		return -EINVAL;
	decoder->saved[decoder->saved_count++] = decoder->now;
	return 0;
}

static int pop_state(struct decoder *decoder)
{
	if (decoder->saved_count == 0)
		return -EINVAL;
	decoder->now = decoder->saved[--decoder->saved_count];
	return 0;
}

static s64 scaled(struct decoder *decoder, s64 factored)
{
	s64 value;

	if (__builtin_mul_overflow(factored, decoder->cie.data_align, &value))
		decoder->code.failed = true;
	return decoder->code.failed ? 0 : value;
}

/* Those that tell the CFA. False: it is another one. */
static bool run_cfa(struct decoder *decoder, u8 code)
{
	struct cap_cursor *at = &decoder->code;
	u64 reg;

	switch (code) {
	case CFA_DEF_CFA:
		reg = cap_get_varint(at);
		define_cfa(decoder, reg, (s64)cap_get_varint(at));
		return true;
	case CFA_DEF_CFA_SF:
		reg = cap_get_varint(at);
		define_cfa(decoder, reg, scaled(decoder, kymo_get_sleb(at)));
		return true;
	case CFA_DEF_CFA_REGISTER:
		define_cfa(decoder, cap_get_varint(at), decoder->now.cfa.value);
		return true;
	case CFA_DEF_CFA_OFFSET:
		define_cfa(decoder, decoder->now.cfa.base, (s64)cap_get_varint(at));
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		define_cfa(decoder, decoder->now.cfa.base, scaled(decoder, kymo_get_sleb(at)));
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		decoder->now.cfa = expression(decoder, KYMO_CFI_EXPR);
		return true;
	default:
		return false;
	}
}

/* Those that tell where a register is. False: it is another one. */
static bool run_register(struct decoder *decoder, u8 code)
{
	struct cap_cursor *at = &decoder->code;
	u64 reg, other;

	if (code < CFA_OFFSET_EXTENDED || code == CFA_REMEMBER_STATE || code == CFA_RESTORE_STATE ||
	    (code > CFA_VAL_EXPRESSION && code != CFA_GNU_NEGATIVE_OFFSET_EXTENDED))
		return false;
	reg = cap_get_varint(at);
	switch (code) {
	case CFA_OFFSET_EXTENDED:
		set_offset(decoder, reg, (s64)cap_get_varint(at), KYMO_CFI_AT);
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		set_offset(decoder, reg, kymo_get_sleb(at), KYMO_CFI_AT);
		return true;
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		set_offset(decoder, reg, (s64)(0 - cap_get_varint(at)), KYMO_CFI_AT);
		return true;
	case CFA_VAL_OFFSET:
		set_offset(decoder, reg, (s64)cap_get_varint(at), KYMO_CFI_SUM);
		return true;
	case CFA_VAL_OFFSET_SF:
		set_offset(decoder, reg, kymo_get_sleb(at), KYMO_CFI_SUM);
		return true;
	case CFA_RESTORE_EXTENDED:
		restore(decoder, reg);
		return true;
	case CFA_UNDEFINED:
		set_rule(decoder, reg, (struct kymo_cfi_rule){.how = KYMO_CFI_UNDEFINED});
		return true;
	case CFA_SAME_VALUE:
		set_rule(decoder, reg, (struct kymo_cfi_rule){.how = KYMO_CFI_SAME});
		return true;
	case CFA_REGISTER:
		other = cap_get_varint(at);
		set_rule(decoder, reg,
			 other < KYMO_CFI_MAX_REGISTERS
				 ? (struct kymo_cfi_rule){.how = KYMO_CFI_SUM, .base = (u8)other}
				 : (struct kymo_cfi_rule){.how = KYMO_CFI_UNDEFINED});
		return true;
	case CFA_EXPRESSION:
		set_rule(decoder, reg, expression(decoder, KYMO_CFI_AT_EXPR));
		return true;
	case CFA_VAL_EXPRESSION:
		set_rule(decoder, reg, expression(decoder, KYMO_CFI_EXPR));
		return true;
	default:
		return false; /* not reached: those of run_cfa come first */
	}
}

static int run_one(struct decoder *decoder)
{
	struct cap_cursor *at = &decoder->code;
	u8 code = cap_get_u8(at), low = code & 0x3f;

	switch (code & 0xc0) {
	case CFA_ADVANCE_LOC:
		return advance(decoder, low);
	case CFA_OFFSET:
		set_offset(decoder, low, (s64)cap_get_varint(at), KYMO_CFI_AT);
		return 0;
	case CFA_RESTORE:
		restore(decoder, low);
		return 0;
	default:
		break;
	}
	switch (code) {
	case CFA_NOP:
	case CFA_AARCH64_NEGATE_RA_STATE: /* the walker strips signatures anyway */
		return 0;
	case CFA_ADVANCE_LOC1:
		return advance(decoder, cap_get_u8(at));
	case CFA_ADVANCE_LOC2:
		return advance(decoder, cap_get_u16(at));
	case CFA_ADVANCE_LOC4:
		return advance(decoder, cap_get_u32(at));
	case CFA_REMEMBER_STATE:
		return push_state(decoder);
	case CFA_RESTORE_STATE:
		return pop_state(decoder);
	case CFA_GNU_ARGS_SIZE:
		(void)cap_get_varint(at);
		return 0;
	default: /* set_loc is among what is refused: it needs to know where the bytes were */
		return run_cfa(decoder, code) || run_register(decoder, code) ? 0 : -EINVAL;
	}
}

static int run(struct decoder *decoder, const u8 *bytes, size_t len)
{
	int rc = 0;

	decoder->code = cap_cursor_of(bytes, len);
	while (rc == 0 && cap_cursor_left(&decoder->code) > 0) {
		rc = run_one(decoder);
		if (decoder->code.failed)
			rc = -EINVAL;
	}
	return rc;
}

static int decode(struct decoder *decoder, const struct kymo_cfi_entry *entry)
{
	struct kymo_cfi_table *table = decoder->table;
	struct cap_cursor fde;
	int rc;

	table->byte_count = entry->cie_bytes + entry->fde_bytes;
	table->bytes = malloc(table->byte_count);
	if (!table->bytes)
		return -ENOMEM;
	memcpy(table->bytes, entry->cie, entry->cie_bytes);
	memcpy(table->bytes + entry->cie_bytes, entry->fde, entry->fde_bytes);
	if (!kymo_cfi_parse_cie(table->bytes, entry->cie_bytes, entry->is_debug_frame,
				&decoder->cie))
		return -EINVAL;
	fde = cap_cursor_of(table->bytes + entry->cie_bytes, entry->fde_bytes);
	if (!skip_fde_head(&fde, &decoder->cie))
		return -EINVAL;
	table->is_signal = decoder->cie.is_signal;
	table->return_column = decoder->cie.return_column;
	decoder->address = table->start;
	decoder->in_cie = true;
	decoder->now.cfa.how = KYMO_CFI_UNDEFINED;
	rc = run(decoder, decoder->cie.instructions, decoder->cie.instruction_bytes);
	decoder->in_cie = false;
	decoder->address = table->start;
	decoder->initial = decoder->now;
	if (rc == 0)
		rc = run(decoder, fde.at, cap_cursor_left(&fde));
	return rc < 0 ? rc : emit_row(decoder, table->end);
}

int kymo_cfi_decode(const struct kymo_cfi_entry *entry, struct kymo_cfi_table **ret_table)
{
	CLEANUP(kymo_cfi_table_freep) struct kymo_cfi_table *table = calloc(1, sizeof(*table));
	CLEANUP(cap_freep) struct decoder *decoder = calloc(1, sizeof(*decoder));
	int rc;

	if (!table || !decoder)
		return -ENOMEM;
	if (entry->cie_bytes == 0 || entry->cie_bytes > KYMO_CFI_MAX_ENTRY_BYTES ||
	    entry->fde_bytes == 0 || entry->fde_bytes > KYMO_CFI_MAX_ENTRY_BYTES ||
	    entry->size_bytes == 0 || entry->start + entry->size_bytes < entry->start)
		return -EINVAL;
	table->start = entry->start;
	table->end = entry->start + entry->size_bytes;
	decoder->table = table;
	rc = decode(decoder, entry);
	if (rc == 0)
		*ret_table = TAKE(table);
	return rc;
}
