/* Sorted lists, searched by halves. Lengths are compared too: names may hold NULs. */
#include "analyzer/redact/redact_words.h"

#include <string.h>

#define COMM_BYTES 15

static const char *const words[] = {
#define PUBLIC_WORD(word) word,
#include "analyzer/redact/public_words.def"
};
static const char *const programs[] = {
#define KNOWN_PROGRAM(name) name,
#include "analyzer/redact/known_programs.def"
};
static const char *const modules[] = {
#define KNOWN_MODULE(name) name,
#include "analyzer/redact/known_modules.def"
};
static const char *const cgroups[] = {
#define KNOWN_CGROUP(name) name,
#include "analyzer/redact/known_cgroups.def"
};
static const char *const extensions[] = {
#define KNOWN_EXTENSION(name) name,
#include "analyzer/redact/known_extensions.def"
};
static const struct {
	const char *path;
	enum kymo_system_path keeps;
} paths[] = {
#define SYSTEM_PATH(path, keeps) {path, KYMO_PATH_##keeps},
#include "analyzer/redact/system_paths.def"
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int compare(const char *listed, const char *name, size_t len)
{
	size_t listed_len = strlen(listed);
	int order = memcmp(listed, name, listed_len < len ? listed_len : len);

	return order ? order : (listed_len > len) - (listed_len < len);
}

static bool is_in(const char *const *list, size_t count, const char *name, size_t len)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(list[middle], name, len);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool kymo_is_public_word(const char *word, size_t len)
{
	char lower[64];

	if (len >= sizeof(lower))
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 'a' - 'A') : word[i];
	return is_in(words, COUNT(words), lower, len);
}

/* Threads' names are cut. */
static bool is_cut_program(const char *name, size_t len)
{
	for (size_t i = 0; len == COMM_BYTES && i < COUNT(programs); i++) {
		if (strlen(programs[i]) > COMM_BYTES && memcmp(programs[i], name, len) == 0)
			return true;
	}
	return false;
}

bool kymo_is_known_program(const char *name, size_t len)
{
	/* what numbers of versions, threads and CPUs are written with */
	static const char number[] = "0123456789./:#_-+uHIR";

	if (is_in(programs, COUNT(programs), name, len) || is_cut_program(name, len))
		return true;
	while (len > 1 && name[len - 1] != '\0' && strchr(number, name[len - 1])) {
		if (is_in(programs, COUNT(programs), name, --len))
			return true;
	}
	return false;
}

bool kymo_is_known_module(const char *name, size_t len)
{
	return is_in(modules, COUNT(modules), name, len);
}

bool kymo_is_known_cgroup(const char *name, size_t len)
{
	return is_in(cgroups, COUNT(cgroups), name, len);
}

size_t kymo_known_extension(const char *name, size_t len)
{
	size_t dot = len, end = len;

	/* version numbers of libraries: .so.1.2.3 */
	while (end > 0 && (name[end - 1] == '.' || (name[end - 1] >= '0' && name[end - 1] <= '9')))
		end--;
	for (int again = 0; again < 2; again++, end = len) {
		dot = end;
		while (dot > 0 && name[dot - 1] != '.')
			dot--;
		if (dot > 1 && is_in(extensions, COUNT(extensions), name + dot, end - dot) &&
		    (end == len || name[end] == '.'))
			return len - dot + 1;
	}
	return 0;
}

enum kymo_system_path kymo_system_path(const char *path, size_t len, size_t *ret_covered)
{
	enum kymo_system_path found = KYMO_PATH_NONE;

	*ret_covered = 0;
	for (size_t i = 0; i < COUNT(paths); i++) {
		size_t listed = strlen(paths[i].path);

		if (listed > len || listed < *ret_covered ||
		    memcmp(path, paths[i].path, listed) != 0 ||
		    (listed < len && path[listed] != '/'))
			continue;
		found = paths[i].keeps;
		*ret_covered = listed;
	}
	return found;
}
