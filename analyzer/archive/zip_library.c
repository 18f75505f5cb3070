#include "analyzer/archive/zip_library.h"

#ifdef KYMO_LOADS_ZIP
#include <dlfcn.h>
#include <stddef.h>

int kymo_zip_functions(struct zip_functions *ret_zip, struct cap_err *err)
{
	void *library = dlopen("libzip.so.5", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		library = dlopen("libzip.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return cap_fail(err, CAP_EUSAGE,
				"zip files need libzip, which is not on this machine: install it "
				"(package libzip4 "
				"or libzip5), or unzip the capture");
#define ZIP_FUNCTION(name)                                \
	*(void **)&ret_zip->name = dlsym(library, #name); \
	if (!ret_zip->name)                               \
		return cap_fail(err, CAP_EUSAGE, "this machine's libzip has no " #name);
#include "analyzer/archive/zip_functions.def"
#undef ZIP_FUNCTION
	return 0;
}
#else
int kymo_zip_functions(struct zip_functions *ret_zip, struct cap_err *err)
{
	(void)err;
#define ZIP_FUNCTION(name) ret_zip->name = name;
#include "analyzer/archive/zip_functions.def"
#undef ZIP_FUNCTION
	return 0;
}
#endif
