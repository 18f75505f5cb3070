#pragma once
/* The main functions of the report commands; commands.def lists them. */
#include "analyzer/commands/common_options.h"

int kymo_folded_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_flame_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_syscalls_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
int kymo_overhead_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err);
