#pragma once
/* What is to be expected of a file system, by the name of its type. */
#include <stdbool.h>
#include <stddef.h>

/* Reading a file there may wait for a server or for another process, perhaps for ever. type need
 * not be terminated. */
bool rec_file_system_may_wait(const char *type, size_t len);
/* Files there are files: not objects of the kernel, whose reading may have effects. */
bool rec_file_system_has_files(const char *type, size_t len);
