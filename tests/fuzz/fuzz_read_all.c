/* Reads a capture to its last value, as an import would, and uses what it gets, so that a sanitizer
 * sees every byte touched. */
#include <stdlib.h>

#include "formats/base/limits.h"
#include "fuzz_target.h"
#include "random_rows.h"

#define MAX_WORDS_WALKED (1u << 20) /* per block: hostile copies share long walks */
#define MAX_ROWS_DECODED (4u << 20) /* per input: a small file may hold many equal rows */

static u64 use_copy(const struct cap_rows *rows, u32 copy, u64 *budget)
{
	struct cap_word_walk walk = cap_copy_words(rows, copy);
	u64 address, value, above = 0, sum = rows->copies[copy].ip;
	u32 count = 0;

	while (count < *budget && cap_word_next(&walk, &address, &value) == 1) {
		if (count++ && address - above > 8ull * CAP_MAX_COPY_WORDS)
			abort(); /* from the innermost outwards */
		above = address;
		sum += value;
	}
	if (count > CAP_MAX_COPY_WORDS)
		abort();
	*budget -= count;
	return sum;
}

static void use_tables(const struct cap_rows *rows)
{
	u64 sink = 0, words_budget = MAX_WORDS_WALKED;

	for (u32 i = 0; i < rows->string_count; i++)
		sink += digest_bytes(0, rows->strings[i].bytes, rows->strings[i].len);
	for (u32 i = 0; i < rows->frame_count; i++) {
		if (rows->frames[i].object >= rows->string_count)
			abort();
		sink += rows->frames[i].offset;
	}
	for (u32 i = 1; i < rows->stack_count; i++) {
		if (rows->stacks[i].parent >= i || rows->stacks[i].frame >= rows->frame_count)
			abort();
	}
	for (u32 i = 1; i < rows->word_count; i++) {
		if (rows->words[i].parent >= i || rows->words[i].below > CAP_MAX_COPY_WORDS ||
		    rows->words[i].below <= rows->words[rows->words[i].parent].below)
			abort();
	}
	for (u32 i = 0; i < rows->copy_count; i++)
		sink += use_copy(rows, i, &words_budget);
	for (u32 i = 0; i < rows->task_count; i++)
		sink += digest_bytes(0, rows->tasks[i].comm, sizeof(rows->tasks[i].comm));
	__asm__ volatile("" : : "r"(sink)); /* keeps the reads */
}

static void check_references(const struct cap_rows *rows, const struct cap_field *field, u64 value)
{
	if (!field)
		return;
	if ((field->kind == CAP_KIND_TASK && value >= rows->task_count) ||
	    (field->kind == CAP_KIND_STACK && value >= rows->stack_count) ||
	    (field->kind == CAP_KIND_COPY && value >= rows->copy_count) ||
	    ((field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES) &&
	     value >= rows->string_count))
		abort();
}

static u64 use_section(const struct cap_rows *rows, const struct cap_section *section, u64 budget)
{
	u64 *values;

	if (section->row_count > CAP_MAX_ROWS || section->column_count > CAP_MAX_COLUMNS)
		abort();
	if ((u64)section->row_count * section->column_count > budget)
		return budget;
	values = malloc((section->row_count + 1ul) * sizeof(*values));
	if (!values)
		return budget;
	for (u32 c = 0; c < section->column_count; c++) {
		if (cap_column_decode(rows, section, &section->columns[c], values) < 0)
			continue;
		for (u32 i = 0; i < section->row_count; i++)
			check_references(rows, section->columns[c].field, values[i]);
	}
	free(values);
	return (u64)section->row_count * section->column_count;
}

struct troubles {
	u64 last_offset, bytes;
};

static void note_trouble(void *context, const struct cap_trouble *trouble)
{
	struct troubles *troubles = context;

	if (trouble->offset < troubles->last_offset)
		abort(); /* told in the order of the file */
	troubles->last_offset = trouble->offset;
	troubles->bytes += trouble->kind == CAP_TROUBLE_DAMAGED ? trouble->size_bytes : 0;
}

static void use_bytes(const struct cap_reader *reader, const struct cap_block *block)
{
	struct cap_block_bytes bytes;
	u64 sink;

	cap_reader_block_bytes(reader, &bytes);
	if (bytes.plain_len != block->plain_len || bytes.raw_len != block->raw_len ||
	    (u64)bytes.plain_len + bytes.frame_len > block->size_bytes)
		abort();
	sink = digest_bytes(0, bytes.plain, bytes.plain_len);
	sink += digest_bytes(sink, bytes.frame, bytes.frame_len);
	__asm__ volatile("" : : "r"(sink));
}

size_t fuzz_read_all(const uint8_t *bytes, size_t len, int mode)
{
	struct troubles troubles = {0};
	struct cap_reader *reader = NULL;
	struct cap_err err;
	struct cap_block block;
	struct cap_rows rows;
	u64 budget = MAX_ROWS_DECODED;
	u64 last_end = 0;
	size_t blocks = 0;

	if (reader_of_fd(fuzz_file(bytes, len), (enum cap_read_mode)mode, &reader, &err) == 0) {
		cap_reader_tell(reader, note_trouble, &troubles);
		while (cap_reader_next(reader, &block, &err) == 1) {
			if (block.offset < last_end || block.offset + block.size_bytes > len)
				abort(); /* every step goes forward and stays inside */
			last_end = block.offset + block.size_bytes;
			blocks++;
			use_bytes(reader, &block);
			if (cap_reader_rows(reader, &rows, &err) < 0)
				continue;
			use_tables(&rows);
			for (u32 i = 0; i < rows.section_count && budget; i++)
				budget -= use_section(&rows, &rows.sections[i], budget);
		}
		cap_reader_close(reader);
	}
	return blocks;
}
