/* The program's segments turn offsets into addresses. All symbol tables that are here name them:
 * the debug file has the functions, the program its stubs, and some carry a small table inside. */
#include "analyzer/symbols/object_names.h"

#include <errno.h>
#include <stdlib.h>

#include "formats/base/cleanup.h"
#include "objects/elf/elf_mini.h"

struct kymo_object_names {
	struct kymo_object object;
	struct kymo_elf *mini; /* inside the program; NULL if there is none, or it is not needed */
	uint64_t text_file_offset;
	bool wants_lines; /* and has not tried yet */
	struct kymo_source_lines *lines;
};

static int load(struct kymo_object_names *names, struct cap_err *err)
{
	struct kymo_object *object = &names->object;
	int rc = object->debug ? kymo_elf_load_functions(object->debug, err) : 0;

	if (rc == 0 && object->program && !object->debug && !kymo_elf_has_symtab(object->program))
		rc = kymo_elf_open_mini(object->program, &names->mini, err);
	if (rc == 0 && names->mini)
		rc = kymo_elf_load_functions(names->mini, err);
	if (rc == 0 && object->program) {
		if (object->debug || names->mini)
			kymo_elf_take_ifuncs_of(object->program,
						object->debug ? object->debug : names->mini);
		rc = kymo_elf_load_functions(object->program, err);
	}
	/* Exported functions alone are a few of many. */
	if (rc == 0 && object->state == KYMO_OBJECT_NO_SYMBOLS &&
	    ((names->mini && kymo_elf_function_count(names->mini) > 0) ||
	     kymo_elf_has_go(object->program)))
		object->state = KYMO_OBJECT_FOUND;
	return rc;
}

int kymo_object_names_open(const struct kymo_object_search *search,
			   const struct kymo_wanted_object *wanted,
			   struct kymo_object_names **ret_names, struct cap_err *err)
{
	CLEANUP(kymo_object_names_freep)
	struct kymo_object_names *names = calloc(1, sizeof(*names));
	int rc;

	if (!names)
		return cap_fail(err, -ENOMEM, "symbols of a module");
	names->text_file_offset = wanted->text_file_offset;
	names->wants_lines = search->lines;
	rc = kymo_find_object(search, wanted, &names->object, err);
	if (rc == 0)
		rc = load(names, err);
	if (rc < 0)
		return rc;
	*ret_names = TAKE(names);
	return 0;
}

struct kymo_object_names *kymo_object_names_free(struct kymo_object_names *names)
{
	if (!names)
		return NULL;
	names->lines = kymo_source_lines_free(names->lines);
	kymo_object_done(&names->object);
	names->mini = kymo_elf_close(names->mini);
	free(names);
	return NULL;
}

void kymo_object_names_freep(struct kymo_object_names **names)
{
	*names = kymo_object_names_free(*names);
}

enum kymo_object_state kymo_object_names_state(const struct kymo_object_names *names)
{
	return names->object.state;
}

bool kymo_object_names_verified(const struct kymo_object_names *names)
{
	return names->object.verified;
}

static bool address_of(const struct kymo_object_names *names, uint64_t file_offset,
		       uint64_t *ret_address)
{
	const struct kymo_object *object = &names->object;
	uint64_t text_page;

	if (object->program)
		return kymo_elf_address_of(object->program, file_offset, ret_address);
	if (!object->debug)
		return false;
	if (!kymo_elf_is_debug_only(object->debug))
		return kymo_elf_address_of(object->debug, file_offset, ret_address);
	if (names->text_file_offset > file_offset || !kymo_elf_text_page(object->debug, &text_page))
		return false;
	*ret_address = text_page + (file_offset - names->text_file_offset);
	return true;
}

/* Of all tables the one that begins closest before the address; the fuller table among equals. */
static const struct kymo_function *function_at(const struct kymo_object_names *names,
					       uint64_t address)
{
	const struct kymo_elf *const tables[] = {names->object.debug, names->mini,
						 names->object.program};
	const struct kymo_function *best = NULL;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct kymo_function *function =
			tables[i] ? kymo_elf_function(tables[i], address) : NULL;

		if (function && (!best || function->address > best->address))
			best = function;
	}
	return best;
}

bool kymo_object_names_find(const struct kymo_object_names *names, uint64_t file_offset,
			    const struct kymo_function **ret_function, uint64_t *ret_into)
{
	const struct kymo_function *function;
	uint64_t address;

	if (!address_of(names, file_offset, &address))
		return false;
	function = function_at(names, address);
	if (!function)
		return false;
	*ret_function = function;
	*ret_into = address - function->address;
	return true;
}

size_t kymo_object_names_lines(struct kymo_object_names *names, uint64_t file_offset,
			       struct kymo_source_place ret_places[KYMO_LINE_DEPTH])
{
	const struct kymo_elf *dwarf = kymo_object_dwarf(&names->object);
	uint64_t address;

	if (names->wants_lines && dwarf &&
	    kymo_source_lines_open(dwarf, names->object.alternate, &names->lines, NULL) < 0)
		names->lines = NULL; /* it has none that can be read */
	names->wants_lines = false;
	return names->lines && address_of(names, file_offset, &address)
		       ? kymo_source_lines_find(names->lines, address, ret_places)
		       : 0;
}

void kymo_object_names_frames(const struct kymo_object_names *names,
			      struct kymo_object_frames *ret_frames)
{
	const struct kymo_object *object = &names->object;
	const struct kymo_elf *elf = object->program ? object->program : object->debug;
	struct kymo_object_frames frames = {0};
	struct kymo_cfi_sections debug = {0};
	uint64_t text_page;

	*ret_frames = frames;
	if (!elf || !kymo_elf_unwind_arch(elf, &frames.arch))
		return;
	kymo_elf_cfi_sections(elf, &frames.sections);
	if (object->debug)
		kymo_elf_cfi_sections(object->debug, &debug);
	if (!frames.sections.debug_frame.bytes)
		frames.sections.debug_frame = debug.debug_frame;
	if (!kymo_elf_is_debug_only(elf)) {
		frames.load_count = kymo_elf_loads(elf, frames.loads, KYMO_OBJECT_LOADS);
	} else if (kymo_elf_text_page(elf, &text_page) && names->text_file_offset != UINT64_MAX) {
		frames.loads[0] = (struct kymo_elf_load){.offset = names->text_file_offset,
							 .bytes = KYMO_ELF_MAX_FILE_BYTES,
							 .address = text_page};
		frames.load_count = 1;
	}
	*ret_frames = frames;
}
