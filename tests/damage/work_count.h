#pragma once
/*
 * Work that does not depend on the machine's load: how many basic blocks of our own code ran. The
 * libraries of a target made by kymo_counted_library call a counter in each. What other libraries
 * do (SQLite, zstd) is not in it.
 */
#include "formats/table/events.h"

extern u64 work_steps;

/* KYMO_WORK in the environment: the file into which the count is written at exit. */
