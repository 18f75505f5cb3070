#pragma once
/* What the options mean for the BPF object: read-only data, sizes of maps, filters. Applied before
 * each load. */
#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"

struct kymo_bpf;
struct live_probes;

/* CAP_EUSAGE for a ring size or a cgroup that cannot be. */
int live_settings_apply(struct kymo_bpf *skeleton, const struct live_probes *probes,
			const struct rec_options *options, struct cap_err *err);

/* Puts the requested pids where the process iterator finds them. After loading. */
int live_settings_pids(struct kymo_bpf *skeleton, const struct rec_options *options,
		       struct cap_err *err);
