/* classes.def as a table. */
#include "recorder/options/event_classes.h"

#include <string.h>

#define HAS_KERNEL true
#define HAS_OTHER false

const struct rec_event_class rec_event_classes[EV_CLASS_COUNT] = {
#define CLASS(id, upper, class_name, recorded, ring, part, text) \
	[CLASS_##upper] = {.name = #class_name,                  \
			   .when = REC_CLASS_##recorded,         \
			   .has_ring = HAS_##ring,               \
			   .ring_part = part,                    \
			   .holds = text},
#include "formats/table/classes.def"
#undef CLASS
};

u32 rec_classes_when(enum rec_class_when when)
{
	u32 classes = 0;

	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		if (rec_event_classes[i].when == when)
			classes |= 1u << i;
	return classes;
}

const char *rec_class_names(char *ret_text, size_t size)
{
	u32 named = rec_classes_when(REC_CLASS_DEFAULT) | rec_classes_when(REC_CLASS_ASKED);
	size_t len = 0;

	ret_text[0] = 0;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		if (!(named & 1u << i) || len >= size)
			continue;
		(void)snprintf(ret_text + len, size - len, "%s%s", len ? ", " : "",
			       rec_event_classes[i].name);
		len = strlen(ret_text);
	}
	return ret_text;
}

void rec_event_classes_print(FILE *out)
{
	(void)fprintf(out, "%-10s %-22s %s\n", "CLASS", "RECORDED", "WHAT IT RECORDS");
	for (u32 i = 0; i < EV_CLASS_COUNT; i++) {
		const struct rec_event_class *class = &rec_event_classes[i];
		char when[32] = "always";

		if (class->when == REC_CLASS_LATER)
			continue;
		if (class->when != REC_CLASS_ALWAYS)
			(void)snprintf(when, sizeof(when), "-e %s%s", class->name,
				       class->when == REC_CLASS_DEFAULT ? " (default)" : "");
		(void)fprintf(out, "%-10s %-22s %s\n", class->name, when, class->holds);
	}
}
