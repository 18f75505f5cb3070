#pragma once
/*
 * Names as folded stacks can hold them ("frame;frame count"): readers split at ';', at line
 * ends, and take the last number after a space as the count.
 */
#include <stdbool.h>
#include <stddef.h>

struct kymo_folded_name {
	char *text; /* grows as needed; freed by kymo_folded_name_done */
	size_t len, capacity;
};

/*
 * Sets text to a frame's name: ';' becomes ':', what is not visible text becomes \xNN, and a name
 * that ends in a number after a space gets '_' for that space. blanks_allowed false: every space
 * becomes '_', as stack collapsers do with process names. An empty name becomes "[unknown]"; one
 * that looks like a mark of ours ("[unknown]", "[no stack]", ..._[k]) has a bracket escaped. 0 or
 * -ENOMEM.
 */
int kymo_folded_name_set(struct kymo_folded_name *name, const char *bytes, size_t len,
			 bool blanks_allowed);
/* Appends trusted text, such as "_[k]". 0 or -ENOMEM. */
int kymo_folded_name_append(struct kymo_folded_name *name, const char *text);
void kymo_folded_name_done(struct kymo_folded_name *name); /* for CLEANUP too */
