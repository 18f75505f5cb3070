#pragma once
/* The main functions of the commands about captures and databases themselves; commands.def lists
 * them. */
#include "analyzer/commands/common_options.h"

int kymo_info_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_verify_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_recover_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_dump_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_import_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_sql_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
