#include "objects/unwind/cfi_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/base/bytes.h"

#define MAX_ENTRIES                                                                   \
	(4u << 20) /* of a section without a sorted table; the biggest have 1 million \
		    */

enum encoding { /* DW_EH_PE_*: how a pointer is stored, and from where it counts */
		ENCODING_SIGNED = 0x08,
		ENCODING_BASE = 0x70,
		ENCODING_FROM_HERE = 0x10,
		ENCODING_FROM_SECTION = 0x30,
		ENCODING_INDIRECT = 0x80,
		ENCODING_SORTED_TABLE = 0x3b, /* from the section, signed, 4 bytes: what linkers
						 write */
		ENCODING_OMITTED = 0xff,
};

struct place { /* an FDE of a section that was walked */
	u64 start, end;
	u32 offset;
	bool is_debug_frame;
};

struct kymo_cfi_finder {
	struct kymo_cfi_sections sections;
	const u8 *table; /* of .eh_frame_hdr: pairs of u32, sorted; NULL: none */
	u64 table_count;
	bool walked;
	struct place *places; /* by start */
	size_t place_count, place_capacity;
};

/* A pointer at the cursor, as an address. here: the address of the cursor's first byte. */
static bool get_pointer(struct cap_cursor *cursor, u8 encoding, u64 here, u64 section,
			u64 *ret_value)
{
	unsigned int bytes = kymo_cfi_pointer_bytes(encoding);
	u64 value;

	if (bytes == 0 || encoding & ENCODING_INDIRECT)
		return false;
	value = cap_get_le(cursor, bytes);
	if (encoding & ENCODING_SIGNED && bytes < 8 && value >> (8 * bytes - 1))
		value |= ~0ull << (8 * bytes);
	switch (encoding & ENCODING_BASE) {
	case 0:
		break;
	case ENCODING_FROM_HERE:
		value += here;
		break;
	case ENCODING_FROM_SECTION:
		value += section;
		break;
	default:
		return false;
	}
	*ret_value = value;
	return !cursor->failed;
}

/* -------- one entry -------- */

/* The bytes after the length field at an offset. False at the end mark and for what is not sound.
 */
static bool entry_bytes(const struct kymo_cfi_section *section, u64 offset, const u8 **ret_bytes,
			size_t *ret_len)
{
	u32 len;

	if (!section->bytes || offset > section->len || section->len - offset < 8)
		return false;
	len = cap_load_u32(section->bytes + offset);
	if (len < 4 || len > section->len - offset - 4 || len > KYMO_CFI_MAX_ENTRY_BYTES)
		return false;
	*ret_bytes = section->bytes + offset + 4;
	*ret_len = len;
	return true;
}

static bool is_cie(const u8 *bytes, bool is_debug_frame)
{
	return cap_load_u32(bytes) == (is_debug_frame ? UINT32_MAX : 0);
}

/* The FDE at an offset of its section, with its CIE. */
static bool read_entry(const struct kymo_cfi_section *section, u64 offset, bool is_debug_frame,
		       struct kymo_cfi_entry *ret_entry)
{
	struct kymo_cfi_entry entry = {.is_debug_frame = is_debug_frame};
	struct kymo_cfi_cie cie;
	struct cap_cursor cursor;
	u64 back;

	if (!entry_bytes(section, offset, &entry.fde, &entry.fde_bytes) ||
	    is_cie(entry.fde, is_debug_frame))
		return false;
	back = cap_load_u32(entry.fde);
	if (!is_debug_frame && back > offset + 4)
		return false;
	if (!entry_bytes(section, is_debug_frame ? back : offset + 4 - back, &entry.cie,
			 &entry.cie_bytes) ||
	    !kymo_cfi_parse_cie(entry.cie, entry.cie_bytes, is_debug_frame, &cie))
		return false;
	cursor = cap_cursor_of(entry.fde + 4, entry.fde_bytes - 4);
	if (!get_pointer(&cursor, cie.pointer_encoding, section->address + offset + 8,
			 section->address, &entry.start))
		return false;
	entry.size_bytes = cap_get_le(&cursor, kymo_cfi_pointer_bytes(cie.pointer_encoding));
	if (cursor.failed || entry.size_bytes == 0 || entry.start + entry.size_bytes < entry.start)
		return false;
	*ret_entry = entry;
	return true;
}

/* -------- by the sorted table -------- */

static void find_table(struct kymo_cfi_finder *finder)
{
	const struct kymo_cfi_section *section = &finder->sections.eh_frame_hdr;
	struct cap_cursor cursor = cap_cursor_of(section->bytes ? section->bytes : (const u8 *)"",
						 section->bytes ? section->len : 0);
	u8 version = cap_get_u8(&cursor), frame_encoding = cap_get_u8(&cursor);
	u8 count_encoding = cap_get_u8(&cursor), table_encoding = cap_get_u8(&cursor);
	u64 frame, count;

	if (version != 1 || table_encoding != ENCODING_SORTED_TABLE ||
	    count_encoding == ENCODING_OMITTED || !finder->sections.eh_frame.bytes ||
	    !get_pointer(&cursor, frame_encoding, section->address + 4, section->address, &frame) ||
	    !get_pointer(&cursor, count_encoding, 0, 0, &count))
		return;
	if (count == 0 || count > cap_cursor_left(&cursor) / 8)
		return;
	finder->table = cursor.at;
	finder->table_count = count;
}

static u64 table_address(const struct kymo_cfi_finder *finder, u64 index, unsigned int column)
{
	s32 distance = (s32)cap_load_u32(finder->table + 8 * index + 4 * column);

	return finder->sections.eh_frame_hdr.address + (u64)(s64)distance;
}

static bool find_in_table(const struct kymo_cfi_finder *finder, u64 address,
			  struct kymo_cfi_entry *ret_entry)
{
	const struct kymo_cfi_section *frames = &finder->sections.eh_frame;
	u64 low = 0, high = finder->table_count;
	u64 offset;

	if (table_address(finder, 0, 0) > address)
		return false;
	while (high - low > 1) {
		u64 middle = low + (high - low) / 2;

		if (table_address(finder, middle, 0) <= address)
			low = middle;
		else
			high = middle;
	}
	offset = table_address(finder, low, 1) - frames->address;
	return read_entry(frames, offset, false, ret_entry) && address >= ret_entry->start &&
	       address - ret_entry->start < ret_entry->size_bytes;
}

/* -------- by walking -------- */

static int place_order(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool add_place(struct kymo_cfi_finder *finder, const struct place *place)
{
	if (finder->place_count == finder->place_capacity) {
		size_t capacity = finder->place_capacity ? finder->place_capacity * 2 : 256;
		struct place *places = realloc(finder->places, capacity * sizeof(*places));

		if (!places)
			return false;
		finder->places = places;
		finder->place_capacity = capacity;
	}
	finder->places[finder->place_count++] = *place;
	return true;
}

static void walk(struct kymo_cfi_finder *finder, const struct kymo_cfi_section *section,
		 bool is_debug_frame)
{
	u64 offset = 0;

	while (section->bytes && offset + 4 <= section->len && offset <= UINT32_MAX &&
	       finder->place_count < MAX_ENTRIES) {
		u64 len = cap_load_u32(section->bytes + offset);
		struct kymo_cfi_entry entry;

		if (len > section->len - offset - 4)
			return; /* 64-bit DWARF, or damage: what was found so far stands */
		if (read_entry(section, offset, is_debug_frame, &entry)) {
			struct place place = {.start = entry.start,
					      .end = entry.start + entry.size_bytes,
					      .offset = (u32)offset,
					      .is_debug_frame = is_debug_frame};

			if (!add_place(finder, &place))
				return;
		}
		offset += 4 + len;
	}
}

static bool find_in_places(struct kymo_cfi_finder *finder, u64 address,
			   struct kymo_cfi_entry *ret_entry)
{
	const struct kymo_cfi_sections *sections = &finder->sections;
	const struct place *place;
	size_t low = 0, high;

	if (!finder->walked) {
		finder->walked = true;
		if (!finder->table)
			walk(finder, &sections->eh_frame, false);
		walk(finder, &sections->debug_frame, true);
		if (finder->place_count > 0)
			qsort(finder->places, finder->place_count, sizeof(*finder->places),
			      place_order);
	}
	high = finder->place_count;
	if (high == 0 || finder->places[0].start > address)
		return false;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (finder->places[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	place = &finder->places[low];
	return address < place->end &&
	       read_entry(place->is_debug_frame ? &sections->debug_frame : &sections->eh_frame,
			  place->offset, place->is_debug_frame, ret_entry);
}

struct kymo_cfi_finder *kymo_cfi_finder_new(const struct kymo_cfi_sections *sections)
{
	struct kymo_cfi_finder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return NULL;
	finder->sections = *sections;
	find_table(finder);
	return finder;
}

struct kymo_cfi_finder *kymo_cfi_finder_free(struct kymo_cfi_finder *finder)
{
	if (finder)
		free(finder->places);
	free(finder);
	return NULL;
}

bool kymo_cfi_find(struct kymo_cfi_finder *finder, u64 address, struct kymo_cfi_entry *ret_entry)
{
	return (finder->table && find_in_table(finder, address, ret_entry)) ||
	       find_in_places(finder, address, ret_entry);
}
