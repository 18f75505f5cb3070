#pragma once
/* The event classes of classes.def, as options, rings and reports ask for them. */
#include <stdbool.h>
#include <stdio.h>

#include "formats/table/events.h"

enum rec_class_when { REC_CLASS_DEFAULT, REC_CLASS_ASKED, REC_CLASS_ALWAYS, REC_CLASS_LATER };

struct rec_event_class {
	const char *name;
	enum rec_class_when when;
	bool has_ring;
	u32 ring_part; /* its ring is smaller than the largest by this factor */
	const char *holds;
};

/* By id; every id below EV_CLASS_COUNT has an entry. */
extern const struct rec_event_class rec_event_classes[EV_CLASS_COUNT];

/* Bits (1 << CLASS_*) of the classes recorded so. */
u32 rec_classes_when(enum rec_class_when when);
/* Those that -e takes, written "cpu, syscalls". */
const char *rec_class_names(char *ret_text, size_t size);

/* `kymo-record list`. */
void rec_event_classes_print(FILE *out);
