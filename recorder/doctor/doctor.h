#pragma once
/*
 * `kymo-record doctor`: whether this host can be recorded, found out by trying. Loads programs,
 * records no data, changes nothing, leaves nothing behind.
 */
#include <stdbool.h>
#include <stdio.h>

#include "formats/base/cap_error.h"

enum doctor_severity {
	DOCTOR_OK,
	DOCTOR_NOTE,	/* worth knowing; nothing is missing because of it */
	DOCTOR_WARNING, /* a part of what could be recorded is missing, or costs more */
	DOCTOR_ERROR,	/* no recording, or not of the default classes */
};

enum doctor_check_id {
#define HOST(name, text) DOCTOR_##name,
#define LIVE(name, text) DOCTOR_##name,
#include "recorder/doctor/doctor_checks.def"
#undef HOST
#undef LIVE
	DOCTOR_CHECK_COUNT,
};

struct doctor_check {
	enum doctor_severity severity;
	char found[256];      /* what is so, on one line */
	char remedy[256];     /* what to do about it; "" if there is nothing to do */
	const char *btf_path; /* --btf; NULL: the kernel's own */
};

struct doctor_options {
	bool json;
	const char *btf_path;
	bool report; /* with the facts about the host that a bug report needs */
};

/* Fill one check in. printf's format; at most 255 bytes are kept. */
__attribute__((format(printf, 3, 4))) void
doctor_found(struct doctor_check *check, enum doctor_severity severity, const char *format, ...);
__attribute__((format(printf, 2, 3))) void doctor_remedy(struct doctor_check *check,
							 const char *format, ...);

#define HOST(name, text) void doctor_##name(struct doctor_check *check);
#define LIVE(name, text) void doctor_##name(struct doctor_check *check);
#include "recorder/doctor/doctor_checks.def"
#undef HOST
#undef LIVE

/* Runs all checks and writes what they found. Returns true if the default classes can be recorded,
 * perhaps with less than all of it. */
bool doctor_run(const struct doctor_options *options, FILE *out);
