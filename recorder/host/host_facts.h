#pragma once
/* Facts about the machine and the recording: the fixed ones of the file header, and META rows for
 * bug reports. */
#include <sys/utsname.h>

#include "formats/base/cap_error.h"
#include "formats/write/capture_writer.h"
#include "formats/write/chunk.h"
#include "recorder/options/rec_options.h"

struct rec_host_facts {
	struct cap_file_info info; /* its strings point into this struct: do not copy it */
	struct utsname uts;
	char tool_version[64];
};

/* CPUs that this host may have, at least 1; tables by CPU have this size. */
u32 rec_possible_cpus(void);

/*
 * Fills info: new session and file uuids, boot id, clocks read back to back, machine, CPU count,
 * host name, kernel release, tool version. file_index is 0. 0 or -errno when the system gives no
 * random bytes.
 */
int rec_host_info(struct rec_host_facts *ret_facts, struct cap_err *err);

/* Called once per fact. sensitivity: enum cap_sensitivity. Negative stops the calls. */
typedef int (*rec_fact_fn)(void *context, const char *key, const char *value, u32 sensitivity);

/* Calls tell for each fact about the host that can be read. 0, or what tell returned.
 */
int rec_host_facts_each(rec_fact_fn tell, void *context);

/*
 * Adds META rows, each with its sensitivity class; a fact that cannot be read is left out. options
 * may be NULL (no command line, no configuration). 0, -ENOMEM or CAP_ELIMIT.
 */
int rec_host_meta(const struct rec_options *options, struct cap_chunk *meta_chunk);

/* One META row: for callers that know another fact ("cpu.event"). sensitivity: enum
 * cap_sensitivity. */
int rec_meta_add(struct cap_chunk *meta_chunk, const char *key, const char *value, u32 sensitivity);
