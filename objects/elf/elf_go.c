/*
 * The table: a header; the names; and an index of (entry, offset of a function's record). Since Go
 * 1.18 entries count from runtime.text, which a position-independent program finds by a relocation
 * and others by the header or by the runtime's moduledata. Without it nothing is named: a guess,
 * such as the start of .text, is wrong as soon as C code is linked in.
 */
#include "objects/elf/elf_go.h"

#include <errno.h>
#include <string.h>

#include "objects/elf/elf_state.h"

#define MAX_NAME_BYTES 4096u
#define MODULEDATA_WORDS 64u /* in which its text addresses must come; it was 22 to 26 so far */
#define MAX_TRIES \
	8 /* of words that hold the table's address: each costs a walk over all relocations */
#define MAX_SEARCHED_BYTES (64ull << 20) /* of data sections, for moduledata */

enum go_version { GO_NONE = 0, GO_116, GO_118 };

struct go_table {
	const struct kymo_elf *elf;
	const uint8_t *bytes;
	size_t len;
	uint64_t address;	 /* of the table in memory */
	enum go_version version; /* GO_118: and newer */
	size_t word_bytes;	 /* 4 or 8 */
	size_t entry_bytes;	 /* of one number in the index */
	uint64_t count;		 /* of functions */
	size_t names, index;	 /* where these parts begin */
	uint64_t text;		 /* GO_118: what entries count from */
};

/* A number of 4 or 8 bytes; false if it is outside. */
static bool number_at(const uint8_t *bytes, size_t len, uint64_t at, size_t number_bytes,
		      uint64_t *ret_number)
{
	uint64_t number = 0;

	if (at > len || len - at < number_bytes)
		return false;
	for (size_t i = number_bytes; i-- > 0;)
		number = number << 8 | bytes[at + i];
	*ret_number = number;
	return true;
}

static bool table_number(const struct go_table *table, uint64_t at, size_t number_bytes,
			 uint64_t *ret_number)
{
	return number_at(table->bytes, table->len, at, number_bytes, ret_number);
}

static bool index_entry(const struct go_table *table, uint64_t i, uint64_t *ret_entry,
			uint64_t *ret_record)
{
	uint64_t at = table->index + i * 2 * table->entry_bytes;

	*ret_record = 0; /* the last one has none: it ends the others */
	return table_number(table, at, table->entry_bytes, ret_entry) &&
	       (i == table->count ||
		table_number(table, at + table->entry_bytes, table->entry_bytes, ret_record));
}

/* -------- the header -------- */

static bool read_header(struct go_table *table)
{
	uint64_t magic, word, names, index;
	size_t first;

	if (!table_number(table, 0, 4, &magic) || table->len < 8 || table->bytes[4] != 0 ||
	    table->bytes[5] != 0)
		return false;
	table->version = magic == 0xfffffffa			      ? GO_116
			 : magic == 0xfffffff0 || magic == 0xfffffff1 ? GO_118
								      : GO_NONE;
	table->word_bytes = table->bytes[7];
	if (table->version == GO_NONE || (table->word_bytes != 4 && table->word_bytes != 8))
		return false;
	word = table->word_bytes;
	table->entry_bytes = table->version == GO_116 ? table->word_bytes : 4;
	first = table->version == GO_116 ? 2 : 3; /* after the counts, and the start of the text */
	if (!table_number(table, 8, word, &table->count) ||
	    !table_number(table, 8 + first * word, word, &names) ||
	    !table_number(table, 8 + (first + 4) * word, word, &index) || names >= table->len ||
	    index >= table->len || table->count == 0 ||
	    table->count > (table->len - index) / (2 * table->entry_bytes))
		return false;
	table->names = (size_t)names;
	table->index = (size_t)index;
	return true;
}

/* -------- where the text begins -------- */

static bool is_code(const struct kymo_elf *elf, uint64_t address)
{
	for (size_t i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].executable && address >= elf->segments[i].address &&
		    address - elf->segments[i].address < elf->segments[i].memory_bytes)
			return true;
	return false;
}

/* The next section of relocations that the loader applies; *section is NULL at first, *seen 0. */
static bool next_relocations(const struct kymo_elf *elf, Elf_Scn **section, size_t *seen,
			     Elf_Data **ret_data, size_t *ret_count)
{
	while ((*section = elf_nextscn(elf->handle, *section)) &&
	       (*seen)++ < KYMO_ELF_MAX_SECTIONS) {
		GElf_Shdr header;

		if (!gelf_getshdr(*section, &header) || header.sh_type != SHT_RELA ||
		    !(header.sh_flags & SHF_ALLOC) ||
		    !kymo_elf_section_data(elf, *section, NULL, ret_data))
			continue;
		*ret_count =
			(*ret_data)->d_size / gelf_fsize(elf->handle, ELF_T_RELA, 1, EV_CURRENT);
		return true;
	}
	return false;
}

/* What the loader adds its base to, for each word from `from` that has a relocation of that kind.
 */
static void apply_relative(const struct kymo_elf *elf, uint64_t from, uint64_t *words,
			   size_t word_count, size_t word_bytes)
{
	uint64_t relative = elf->machine == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	Elf_Scn *section = NULL;
	Elf_Data *data;
	size_t seen = 0, count;

	if (elf->machine != EM_X86_64 && elf->machine != EM_AARCH64)
		return;
	while (next_relocations(elf, &section, &seen, &data, &count)) {
		for (size_t i = 0; i < count; i++) {
			GElf_Rela relocation;
			uint64_t word;

			if (!gelf_getrela(data, (int)i, &relocation))
				break;
			word = (relocation.r_offset - from) / word_bytes;
			if (GELF_R_TYPE(relocation.r_info) == relative &&
			    relocation.r_offset >= from && word < word_count)
				words[word] = (uint64_t)relocation.r_addend;
		}
	}
}

/* Among the words after the table's own address: first and last code, then the text's bounds. The
 * index says how far these lie apart. */
static bool text_in_words(const struct go_table *table, const uint64_t *words, size_t count,
			  uint64_t *ret_text)
{
	uint64_t first, end, record;

	if (!index_entry(table, 0, &first, &record) ||
	    !index_entry(table, table->count, &end, &record))
		return false;
	for (size_t i = 1; i + 3 < count; i++) {
		if (words[i + 2] != 0 && words[i] - words[i + 2] == first &&
		    words[i + 1] - words[i + 2] == end && words[i + 3] > words[i + 2] &&
		    is_code(table->elf, words[i + 2])) {
			*ret_text = words[i + 2];
			return true;
		}
	}
	return false;
}

/* The address of the word that holds the table's address in a section; of position-independent
 * programs only the relocation has it. */
static bool search_section(const struct go_table *table, const GElf_Shdr *header,
			   const Elf_Data *data, size_t *tries, uint64_t *ret_text)
{
	uint64_t words[MODULEDATA_WORDS];
	size_t word_bytes = table->word_bytes;

	for (size_t at = 0; at + word_bytes <= data->d_size; at += word_bytes) {
		uint64_t word = 0;
		size_t count = 0;

		(void)number_at(data->d_buf, data->d_size, at, word_bytes, &word); /* inside */
		if (word != table->address)
			continue;
		if (++*tries > MAX_TRIES)
			return false;
		for (; count < MODULEDATA_WORDS; count++)
			if (!number_at(data->d_buf, data->d_size, at + count * word_bytes,
				       word_bytes, &words[count]))
				break;
		apply_relative(table->elf, header->sh_addr + at, words, count, word_bytes);
		if (text_in_words(table, words, count, ret_text))
			return true;
	}
	return false;
}

static bool text_of_moduledata(const struct go_table *table, uint64_t *ret_text)
{
	Elf_Scn *section = NULL;
	uint64_t searched = 0;
	size_t seen = 0, tries = 0;

	while ((section = elf_nextscn(table->elf->handle, section)) &&
	       seen++ < KYMO_ELF_MAX_SECTIONS && searched < MAX_SEARCHED_BYTES) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS ||
		    !(header.sh_flags & SHF_WRITE) ||
		    !kymo_elf_section_data(table->elf, section, NULL, &data))
			continue;
		searched += data->d_size;
		if (search_section(table, &header, data, &tries, ret_text))
			return true;
	}
	return false;
}

/* The same by relocation: its place is not known, but which word it fills in is. */
static bool text_of_relocations(const struct go_table *table, uint64_t *ret_text)
{
	const struct kymo_elf *elf = table->elf;
	uint64_t relative = elf->machine == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	uint64_t words[MODULEDATA_WORDS];
	Elf_Scn *section = NULL;
	Elf_Data *data;
	size_t seen = 0, tried = 0, count;

	while (next_relocations(elf, &section, &seen, &data, &count)) {
		for (size_t i = 0; i < count && tried < MAX_TRIES; i++) {
			GElf_Rela relocation;

			if (!gelf_getrela(data, (int)i, &relocation) ||
			    GELF_R_TYPE(relocation.r_info) != relative ||
			    (uint64_t)relocation.r_addend != table->address)
				continue;
			tried++;
			memset(words, 0, sizeof(words));
			apply_relative(elf, relocation.r_offset, words, MODULEDATA_WORDS,
				       table->word_bytes);
			if (text_in_words(table, words, MODULEDATA_WORDS, ret_text))
				return true;
		}
	}
	return false;
}

static bool find_text(const struct go_table *table, uint64_t *ret_text)
{
	uint64_t at = 8 + 2 * table->word_bytes;

	if (!table_number(table, at, table->word_bytes, ret_text))
		return false;
	apply_relative(table->elf, table->address + at, ret_text, 1, table->word_bytes);
	/* Newer versions leave it 0, so that the table needs no relocation. */
	return (*ret_text != 0 && is_code(table->elf, *ret_text)) ||
	       text_of_moduledata(table, ret_text) || text_of_relocations(table, ret_text);
}

/* -------- functions -------- */

/* The name of a record; NULL if the record contradicts the index. */
static const char *name_of(const struct go_table *table, uint64_t entry, uint64_t record)
{
	uint64_t own_entry, name, at = table->index + record;
	const char *text;
	size_t room;

	if (record == 0 || record >= table->len || /* 0: a hole between sections */
	    !table_number(table, at, table->entry_bytes, &own_entry) || own_entry != entry ||
	    !table_number(table, at + table->entry_bytes, 4, &name) ||
	    name >= table->len - table->names)
		return NULL;
	text = (const char *)table->bytes + table->names + name;
	room = table->len - table->names - (size_t)name;
	if (room > MAX_NAME_BYTES)
		room = MAX_NAME_BYTES;
	return text[0] != '\0' && memchr(text, '\0', room) ? text : NULL;
}

static int add_functions(struct kymo_elf *elf, const struct go_table *table)
{
	uint64_t entry, next, record, next_record;

	if (!index_entry(table, 0, &entry, &record))
		return 0;
	for (uint64_t i = 0; i < table->count; i++, entry = next, record = next_record) {
		const char *name;
		int rc = 0;

		if (!index_entry(table, i + 1, &next, &next_record) || next < entry)
			break;
		name = name_of(table, entry, record);
		if (name && next > entry && table->text + next > table->text &&
		    is_code(elf, table->text + entry))
			rc = kymo_elf_add_function(elf, &(struct kymo_function){
								.name = name,
								.address = table->text + entry,
								.end = table->text + next,
							});
		if (rc < 0)
			return rc;
	}
	return 0;
}

int kymo_elf_add_go(struct kymo_elf *elf)
{
	struct go_table table = {.elf = elf};
	GElf_Shdr header;
	Elf_Data *data;
	Elf_Scn *section = kymo_elf_section_by_name(elf, ".gopclntab");

	if (!section)
		section = kymo_elf_section_by_name(elf, ".data.rel.ro.gopclntab");
	if (!elf->little_endian || !kymo_elf_section_data(elf, section, &header, &data) ||
	    header.sh_type != SHT_PROGBITS)
		return 0;
	table.bytes = data->d_buf;
	table.len = data->d_size;
	table.address = header.sh_addr;
	if (!read_header(&table) || (table.version == GO_118 && !find_text(&table, &table.text)))
		return 0;
	return add_functions(elf, &table);
}
