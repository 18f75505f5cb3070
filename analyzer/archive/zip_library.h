#pragma once
/* The functions of libzip that we call: linked, or in the static build loaded when they are needed.
 */
#include <zip.h>

#include "formats/base/cap_error.h"

#define ZIP_FUNCTIONS(F)                                                                           \
	F(zip_fdopen)                                                                              \
	F(zip_discard)                                                                             \
	F(zip_close) F(zip_get_num_entries) F(zip_stat_index) F(zip_fopen_index) F(zip_fread)      \
		F(zip_fclose) F(zip_source_buffer_create) F(zip_source_buffer) F(zip_source_filep) \
			F(zip_open_from_source) F(zip_source_keep) F(zip_source_free)              \
				F(zip_source_open) F(zip_source_read) F(zip_source_close)          \
					F(zip_file_add) F(zip_set_file_compression)                \
						F(zip_strerror) F(zip_error_init)                  \
							F(zip_error_fini) F(zip_error_strerror)

struct zip_functions {
#define F(name) __typeof__(&name) name;
	ZIP_FUNCTIONS(F)
#undef F
};

/* CAP_EUSAGE: libzip is not on this machine. */
int kymo_zip_functions(struct zip_functions *ret_zip, struct cap_err *err);
