#pragma once
/*
 * Demangles function names of C++ and Rust (legacy and v0). Names come from untrusted files, so
 * both work and result are bounded.
 */
#include <stddef.h>

#define KYMO_DEMANGLED_MAX_BYTES 4096 /* longer results are cut there and end in "..." */

/*
 * The demangled form of a name, without parameter types and without the hashes and suffixes
 * compilers add; malloc'd. NULL if the name is not mangled (or out of memory, or too deep for the
 * demangler): show it as it is.
 */
char *kymo_demangle(const char *name);
