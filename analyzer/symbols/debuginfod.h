#pragma once
/*
 * Debug files from debuginfod servers, which environment variable DEBUGINFOD_URLS names: the one
 * thing of kymo that uses the network, and only where the user asks for it. Servers are told
 * build-ids and nothing else. The library is loaded at run time: it brings an HTTP client, which
 * nothing else here needs.
 */
#include <stddef.h>
#include <stdint.h>

#include "formats/base/cap_error.h"

struct kymo_debuginfod;

/* 0; -ENOENT: DEBUGINFOD_URLS is not set; -ENOPKG: libdebuginfod.so.1 is not there; -ENOMEM. The
 * message says what to do. */
int kymo_debuginfod_open(struct kymo_debuginfod **ret_client, struct cap_err *err);
struct kymo_debuginfod *kymo_debuginfod_close(struct kymo_debuginfod *client);
void kymo_debuginfod_closep(struct kymo_debuginfod **client); /* for CLEANUP */

/*
 * The debug file of a build-id, in the client's cache. 1: *ret_path is its path, malloc'd; 0: no
 * server has it; -errno: the servers cannot be asked.
 */
int kymo_debuginfod_find(struct kymo_debuginfod *client, const uint8_t *build_id,
			 size_t build_id_len, char **ret_path, struct cap_err *err);
