#pragma once
/* The lists of what is well known and may stay readable. Looked up in memory made once. */
#include <stdbool.h>
#include <stddef.h>

/* All take any bytes. */
bool kymo_is_public_word(const char *word, size_t len); /* any case */
bool kymo_is_known_program(const char *name,
			   size_t len); /* also cut to 15 bytes, or with a number */
bool kymo_is_known_module(const char *name, size_t len);
bool kymo_is_known_cgroup(const char *name, size_t len);

/* Bytes of the extension at the end of a file name, dot included: those that may stay; 0: none. */
size_t kymo_known_extension(const char *name, size_t len);

enum kymo_system_path {
	KYMO_PATH_NONE,
	KYMO_PATH_ALL,
	KYMO_PATH_WORDS,
	KYMO_PATH_SELF,
	KYMO_PATH_USERS
};

/* The rule for a path that begins with '/', and how many of its bytes the rule covers. */
enum kymo_system_path kymo_system_path(const char *path, size_t len, size_t *ret_covered);
