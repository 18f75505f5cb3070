#pragma once
/* The values of option_table.def: how each is parsed and shown, defaults, and which must not be
 * combined. */
#include <stdbool.h>

#include "formats/base/cap_error.h"
#include "recorder/options/rec_options.h"

enum rec_option_id {
#define GROUP(title)
#define OPTION(upper, short_name, long_name, key, arg, shape, value, values, help) \
	REC_OPTION_##upper,
#define FLAG(upper, short_name, long_name, arg, shape, value, values, help) REC_OPTION_##upper,
#include "recorder/options/option_table.def"
#undef GROUP
#undef OPTION
#undef FLAG
	REC_OPTION_COUNT
};
_Static_assert(REC_OPTION_COUNT <= 64, "a u64 says which options are set");

#define REC_OPTION_BIT(upper) (1ull << REC_OPTION_##upper)

enum rec_option_shape { REC_SHAPE_SWITCH, REC_SHAPE_ONE, REC_SHAPE_LIST };

struct rec_option_spec {
	const char *long_name;
	const char *key; /* of the configuration file; NULL: by flag only */
	const char *arg; /* name of the flag's value; NULL: takes none */
	const char *help;
	int short_name; /* 0: none */
	enum rec_option_shape shape;
};

extern const struct rec_option_spec rec_option_specs[REC_OPTION_COUNT];

void rec_options_init(struct rec_options *ret_options);
void rec_options_done(struct rec_options *options);

/*
 * Reads one value. first: the first one from this source (file, or flags), so that a list starts
 * over. CAP_EUSAGE (err says what is wrong with the value, the caller names the option) or -ENOMEM.
 */
int rec_option_set(enum rec_option_id id, struct rec_options *options, const char *text, bool first,
		   struct cap_err *err);

/* Fills in what preset and other options imply, for options whose bit is not in set_mask, and
 * checks the result. */
int rec_options_complete(struct rec_options *options, u64 set_mask, struct cap_err *err);

const char *rec_sync_name(enum rec_sync sync);

/* The effective configuration as YAML; itself a valid configuration file. malloc'd; NULL when out
 * of memory. */
char *rec_options_yaml(const struct rec_options *options);

/* Names of the presets, separated by ", ": for messages and completions. */
const char *rec_preset_names(void);
