/*
 * What makes whole imports fast enough to fuzz: the schema, the same in every database, is made
 * once and copied as an image (linked with --wrap, see tests.cmake), and SQLite takes its memory
 * from a pool without the sanitizer's book-keeping. The code under test does all the rest as ever.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include "analyzer/db/connection.h"
#include "analyzer/db/query.h"
#include "analyzer/db/schema_db.h"

int __real_kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err);
int __wrap_kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err);
int __wrap_kymo_connection_open_file(const char *path, int flags, sqlite3 **ret_db,
				     struct cap_err *err);
int __real_kymo_schema_create(sqlite3 *db, struct cap_err *err);
int __wrap_kymo_schema_create(sqlite3 *db, struct cap_err *err);

/* -------- memory: free lists per power of two -------- */

#define POOL_BYTES (1ull << 32) /* reserved, not taken */
#define HEAD_BYTES 16u

static char *pool;
static size_t pool_used;
static char *free_list[40]; /* by the power of two; linked at the front of what was given */

static int power_of(size_t bytes)
{
	int power = 5;

	while ((1ull << power) < bytes)
		power++;
	return power;
}

static size_t size_of(const void *memory)
{
	size_t bytes;

	memcpy(&bytes, (const char *)memory - HEAD_BYTES, sizeof(bytes));
	return bytes;
}

static void *pool_malloc(int wanted)
{
	int power = power_of((size_t)wanted + HEAD_BYTES);
	size_t whole = 1ull << power, bytes = whole - HEAD_BYTES;
	char *memory = free_list[power];

	if (memory) {
		memcpy(&free_list[power], memory, sizeof(char *));
	} else {
		if (pool_used + whole > POOL_BYTES)
			return NULL;
		memory = pool + pool_used + HEAD_BYTES;
		pool_used += whole;
	}
	memcpy(memory - HEAD_BYTES, &bytes, sizeof(bytes));
	return memory;
}

static void pool_free(void *memory)
{
	int power;

	if (!memory)
		return;
	power = power_of(size_of(memory) + HEAD_BYTES);
	memcpy(memory, &free_list[power], sizeof(char *));
	free_list[power] = memory;
}

static int pool_size(void *memory)
{
	return memory ? (int)size_of(memory) : 0;
}

static void *pool_realloc(void *memory, int wanted)
{
	void *bigger;

	if (pool_size(memory) >= wanted)
		return memory;
	bigger = pool_malloc(wanted);
	if (bigger && memory) {
		memcpy(bigger, memory, size_of(memory));
		pool_free(memory);
	}
	return bigger;
}

static int pool_round(int wanted)
{
	return wanted;
}

static int pool_init(void *context)
{
	(void)context;
	return SQLITE_OK;
}

static void pool_shutdown(void *context)
{
	(void)context;
}

static void use_pool(void)
{
	static const sqlite3_mem_methods methods = {pool_malloc,   pool_free,  pool_realloc,
						    pool_size,	   pool_round, pool_init,
						    pool_shutdown, NULL};

	pool = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pool == MAP_FAILED || sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK)
		abort();
}

/* -------- the schema as an image -------- */

static unsigned char *image;
static sqlite3_int64 image_bytes;

static void make_image(void)
{
	sqlite3 *db;

	use_pool();
	if (__real_kymo_connection_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db,
					NULL) < 0 ||
	    kymo_query_exec(db, "BEGIN", NULL) < 0 || __real_kymo_schema_create(db, NULL) < 0 ||
	    kymo_query_exec(db, "COMMIT", NULL) < 0)
		abort();
	image = sqlite3_serialize(db, "main", &image_bytes, 0);
	if (!image)
		abort();
	kymo_connection_closep(&db);
}

static void load_image(sqlite3 *db)
{
	unsigned char *copy = sqlite3_malloc64((sqlite3_uint64)image_bytes);

	if (!copy)
		abort();
	memcpy(copy, image, (size_t)image_bytes);
	if (sqlite3_deserialize(db, "main", copy, image_bytes, image_bytes,
				SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) !=
	    SQLITE_OK)
		abort();
}

static void write_image(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, image, (size_t)image_bytes) != (ssize_t)image_bytes ||
	    close(fd) < 0)
		abort();
}

int __wrap_kymo_connection_open(const char *path, int flags, sqlite3 **ret_db, struct cap_err *err)
{
	bool in_memory = strcmp(path, ":memory:") == 0;
	int rc;

	if (!image)
		make_image();
	if (!in_memory && (flags & SQLITE_OPEN_READWRITE))
		write_image(path); /* the empty file that an import begins with */
	rc = __real_kymo_connection_open(path, flags, ret_db, err);
	if (rc == 0 && in_memory)
		load_image(*ret_db);
	return rc;
}

/* The paths here are plain. */
int __wrap_kymo_connection_open_file(const char *path, int flags, sqlite3 **ret_db,
				     struct cap_err *err)
{
	return __wrap_kymo_connection_open(path, flags, ret_db, err);
}

int __wrap_kymo_schema_create(sqlite3 *db, struct cap_err *err)
{
	(void)db, (void)err;
	return 0; /* it came with the image */
}
