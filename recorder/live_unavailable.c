/* Stands in for the live source in builds without BPF support (bpf.cmake not found, or KYMO_LIVE
 * off). */
#include "doctor.h"
#include "rec_source.h"

static int live_open(const struct rec_options *options, struct rec_source **ret_source,
		     struct cap_err *err)
{
	(void)options;
	(void)ret_source;
	return cap_fail(err, CAP_EPRIVILEGE,
			"UnsupportedPlatform: this kymo-record was built without BPF; install "
			"clang, bpftool and "
			"libbpf, and build again, or use --source synthetic or --source CAPTURE");
}

static struct rec_source *live_free(struct rec_source *source)
{
	(void)source;
	return NULL;
}

const struct rec_source_ops rec_live_source = {
	.name = "live",
	.open = live_open,
	.free = live_free,
};

struct rec_kernel_map *rec_live_kernel_map(struct rec_source *source)
{
	(void)source;
	return NULL;
}

/* The doctor's checks by loading programs. */
#define HOST(name, id)
#define LIVE(name, id)                                                                       \
	void doctor_##name(struct doctor_check *check)                                       \
	{                                                                                    \
		doctor_found(check, DOCTOR_ERROR, "this kymo-record was built without BPF"); \
	}
#include "doctor_checks.def"
#undef HOST
#undef LIVE
