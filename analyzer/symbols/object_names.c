/* The program's segments turn offsets into addresses; of program and debug file, the one with more
 * symbols names them. */
#include "analyzer/symbols/object_names.h"

#include <errno.h>
#include <stdlib.h>

#include "formats/base/cleanup.h"

struct kymo_object_names {
	struct kymo_object object;
	uint64_t text_file_offset;
};

int kymo_object_names_open(const struct kymo_object_search *search, const uint8_t *build_id,
			   size_t build_id_len, const char *path, uint64_t text_file_offset,
			   struct kymo_object_names **ret_names, struct cap_err *err)
{
	CLEANUP(kymo_object_names_freep)
	struct kymo_object_names *names = calloc(1, sizeof(*names));
	int rc;

	if (!names)
		return cap_fail(err, -ENOMEM, "symbols of a module");
	names->text_file_offset = text_file_offset;
	rc = kymo_find_object(search, build_id, build_id_len, path, &names->object, err);
	/* Both tables are kept: the debug file has the functions, the program the PLT. */
	if (rc == 0 && names->object.debug)
		rc = kymo_elf_load_functions(names->object.debug, err);
	if (rc == 0 && names->object.program)
		rc = kymo_elf_load_functions(names->object.program, err);
	if (rc < 0)
		return rc;
	*ret_names = TAKE(names);
	return 0;
}

struct kymo_object_names *kymo_object_names_free(struct kymo_object_names *names)
{
	if (names)
		kymo_object_done(&names->object);
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

static const struct kymo_function *function_at(const struct kymo_object *object, uint64_t address)
{
	const struct kymo_function *function = NULL;

	if (object->debug)
		function = kymo_elf_function(object->debug, address);
	if (!function && object->program)
		function = kymo_elf_function(object->program, address);
	return function;
}

bool kymo_object_names_find(const struct kymo_object_names *names, uint64_t file_offset,
			    const struct kymo_function **ret_function, uint64_t *ret_into)
{
	const struct kymo_function *function;
	uint64_t address;

	if (!address_of(names, file_offset, &address))
		return false;
	function = function_at(&names->object, address);
	if (!function)
		return false;
	*ret_function = function;
	*ret_into = address - function->address;
	return true;
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
