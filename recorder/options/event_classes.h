#pragma once
/* The event classes that -e takes, with what they hold. */
#include <stdio.h>

/* `kymo-record list`. */
void rec_event_classes_print(FILE *out);
