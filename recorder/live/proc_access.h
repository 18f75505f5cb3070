#pragma once
/* What /proc lets us read of processes that already run: asked while capabilities are held. */
#include "recorder/options/rec_options.h"

struct proc_access {
	/* Why executable mappings, and the paths of programs, lack for some; "": they do not. */
	char maps_reason[128], exe_reason[128];
};

/* Asks for the wanted processes, or for all. Opens nothing that a process chose. */
void proc_access_ask(const struct rec_options *options, struct proc_access *ret_reach);
