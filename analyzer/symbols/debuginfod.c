/* The functions as debuginfod_begin(3) and debuginfod_find_debuginfo(3) describe them. */
#include "analyzer/symbols/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/cleanup.h"

#define LIBRARY "libdebuginfod.so.1"
#define URLS "DEBUGINFOD_URLS"

typedef void *(*begin_fn)(void);
typedef void (*end_fn)(void *session);
typedef int (*find_fn)(void *session, const unsigned char *build_id, int build_id_len, char **path);

struct kymo_debuginfod {
	void *library, *session;
	end_fn end;
	find_fn find;
};

struct kymo_debuginfod *kymo_debuginfod_close(struct kymo_debuginfod *client)
{
	if (!client)
		return NULL;
	if (client->session)
		client->end(client->session);
	if (client->library)
		(void)dlclose(client->library); /* a failure leaves it loaded */
	free(client);
	return NULL;
}

void kymo_debuginfod_closep(struct kymo_debuginfod **client)
{
	*client = kymo_debuginfod_close(*client);
}

int kymo_debuginfod_open(struct kymo_debuginfod **ret_client, struct cap_err *err)
{
	CLEANUP(kymo_debuginfod_closep) struct kymo_debuginfod *client = calloc(1, sizeof(*client));
	const char *urls = getenv(URLS);
	begin_fn begin;

	if (!client)
		return cap_fail(err, -ENOMEM, "debuginfod");
	if (!urls || urls[strspn(urls, " \t")] == '\0')
		return cap_fail(err, -ENOENT,
				"no debuginfod server is known: set " URLS
				" to the one of the recorded host's distribution");
	client->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!client->library)
		return cap_fail(err, -ENOPKG,
				LIBRARY " cannot be loaded (%s): install the package that has it "
					"(Debian: libdebuginfod1)",
				dlerror());
	begin = (begin_fn)dlsym(client->library, "debuginfod_begin");
	client->end = (end_fn)dlsym(client->library, "debuginfod_end");
	client->find = (find_fn)dlsym(client->library, "debuginfod_find_debuginfo");
	if (!begin || !client->end || !client->find)
		return cap_fail(err, -ENOPKG,
				LIBRARY " lacks functions: it is not the library "
					"of debuginfod");
	client->session = begin();
	if (!client->session)
		return cap_fail(err, -ENOMEM, "debuginfod");
	*ret_client = TAKE(client);
	return 0;
}

int kymo_debuginfod_find(struct kymo_debuginfod *client, const uint8_t *build_id,
			 size_t build_id_len, char **ret_path, struct cap_err *err)
{
	int fd;

	*ret_path = NULL;
	/* a length of 0 would mean text */
	if (build_id_len == 0 || build_id_len > 64)
		return 0;
	fd = client->find(client->session, build_id, (int)build_id_len, ret_path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return cap_fail(err, fd, "ask the servers of " URLS ": %s", strerror(-fd));
	(void)close(fd); /* it is read by its path, as files of --debug-dir are */
	return *ret_path ? 1 : 0;
}
