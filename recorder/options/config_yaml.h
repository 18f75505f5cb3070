#pragma once
/*
 * The configuration file: YAML, read event by event with libyaml. It may contain what
 * option_table.def lists; anything else is refused, also anchors, aliases and tags. Nothing that it
 * names is executed, included or opened.
 */
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"

#define REC_CONFIG_MAX_BYTES (1u << 20)

/*
 * Reads the file into options, whose other fields stay. It must be a regular file, no symbolic
 * link, of at most 1 MiB; where this process is privileged, it must belong to root or the caller
 * and be writable for its owner only. *ret_set_mask: which options it set. CAP_EUSAGE
 * ("file:line:col: key: message", then the line and a caret) or -ENOMEM; options may then be filled
 * in part.
 */
int rec_config_load(const char *path, struct rec_options *options, u64 *ret_set_mask,
		    struct cap_err *err);

/* The same from memory; name is for messages. */
int rec_config_parse(const char *name, const char *bytes, size_t len, struct rec_options *options,
		     u64 *ret_set_mask, struct cap_err *err);
