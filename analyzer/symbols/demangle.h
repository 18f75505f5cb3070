#pragma once
/*
 * Demangles function names of C++ and Rust (legacy and v0). Names come from untrusted files, so
 * both work and result are bounded.
 */
#include <stddef.h>

/* Longer results are cut there, and end in "...#" and a number of the whole name, so that two
 * functions stay two. */
#define KYMO_DEMANGLED_MAX_BYTES 16384

/*
 * The demangled form of a name, without parameter types and without the hashes and suffixes
 * compilers add; malloc'd. NULL if the name is not mangled (or out of memory, or too deep for the
 * demangler): show it as it is.
 */
char *kymo_demangle(const char *name);

/*
 * How a name of a symbol table is shown: demangled if it is mangled, else as it is; without the
 * version that libraries add (memcpy@@GLIBC_2.14), which only some of a file's symbol tables have.
 * malloc'd; NULL only if out of memory.
 */
char *kymo_readable_name(const char *name);
