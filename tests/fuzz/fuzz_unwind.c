/*
 * Rules of call frames of any content, found and followed over a stack of any content. The input:
 * 4 bytes of lengths, an .eh_frame, an .eh_frame_hdr, registers, and the stack.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/base/bytes.h"
#include "objects/unwind/cfi_find.h"
#include "objects/unwind/unwind_walk.h"
#include "fuzz_target.h"

#define FRAMES 0x2000u /* address of .eh_frame */
#define HEADER 0x1000u
#define STACK 0x10000u
#define MAX_TABLES 64u

struct world {
	struct kymo_cfi_finder *finder;
	struct kymo_cfi_table *tables[MAX_TABLES];
	u32 count;
};

static bool code_at(void *context, u64 address, struct kymo_unwind_code *ret_code)
{
	struct world *world = context;
	struct kymo_cfi_entry entry;
	struct kymo_cfi_table *table;

	ret_code->is_mapped = address < STACK;
	if (world->count == MAX_TABLES || !kymo_cfi_find(world->finder, address, &entry))
		return true;
	if (address < entry.start || address - entry.start >= entry.size_bytes)
		__builtin_trap(); /* what the header promises */
	if (kymo_cfi_decode(&entry, &table) < 0)
		return true;
	world->tables[world->count++] = table;
	ret_code->row = kymo_cfi_row_at(table, address);
	ret_code->table = ret_code->row ? table : NULL;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct kymo_unwind_result result;
	struct cap_cursor cursor = cap_cursor_of(bytes ? bytes : (const u8 *)"", len);
	size_t frame_bytes = cap_get_u16(&cursor), header_bytes = cap_get_u16(&cursor);
	struct kymo_cfi_sections sections = {
		.eh_frame = {.bytes = cap_get_bytes(&cursor, frame_bytes),
			     .len = frame_bytes,
			     .address = FRAMES},
		.eh_frame_hdr = {.bytes = cap_get_bytes(&cursor, header_bytes),
				 .len = header_bytes,
				 .address = HEADER}};
	struct kymo_unwind_registers registers = {.pc = cap_get_u16(&cursor),
						  .known = cap_get_u16(&cursor) | 1u << 7};
	struct world world = {0};
	struct kymo_unwind_copy copy = {.start = STACK, .is_cut = registers.pc & 1};
	struct kymo_unwind_source source = {
		.machine = kymo_unwind_machine(registers.pc & 2 ? KYMO_UNWIND_AARCH64
								: KYMO_UNWIND_X86_64),
		.copy = &copy,
		.code_at = code_at,
		.context = &world};

	if (cursor.failed || header_bytes == 0)
		sections.eh_frame_hdr.bytes = NULL;
	for (int i = 0; i < 17; i++)
		registers.values[i] = STACK + cap_get_u8(&cursor) * 8u;
	copy.bytes = cursor.at;
	copy.len = cap_cursor_left(&cursor);
	world.finder = kymo_cfi_finder_new(&sections);
	if (!world.finder || !kymo_unwind_walk(&source, &registers, &result))
		return 0;
	if (result.frame_count == 0 || result.frame_count > KYMO_UNWIND_MAX_FRAMES ||
	    result.end < KYMO_UNWIND_ROOT || result.end > KYMO_UNWIND_OTHER_STACK)
		__builtin_trap();
	for (u32 i = 0; i < world.count; i++)
		(void)kymo_cfi_table_free(world.tables[i]);
	(void)kymo_cfi_finder_free(world.finder);
	return 0;
}
