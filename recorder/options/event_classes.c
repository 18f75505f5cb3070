/* Table of event classes; those of later versions are named by formats/enums.def already, and join
 * here with their probes. */
#include "recorder/options/event_classes.h"

#include "formats/table/schema.h"

static const struct {
	u32 event_class;
	const char *when;
	const char *holds;
} classes[] = {
	{CLASS_CPU, "-e cpu (default)",
	 "samples of what runs: kernel and user stack, 1..1000 Hz (-F)"},
	{CLASS_SYSCALLS, "-e syscalls (default)",
	 "every system call: entry time, duration, number, return value; calls still in flight at "
	 "the end"},
	{CLASS_TASKS, "always", "processes and threads: fork, exec, exit, new names"},
	{CLASS_MAPPINGS, "always", "executable mappings with build-ids: what addresses belong to"},
};

void rec_event_classes_print(FILE *out)
{
	(void)fprintf(out, "%-10s %-22s %s\n", "CLASS", "RECORDED", "WHAT IT HOLDS");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const char *name = cap_schema_enum_name(cap_schema_builtin(), CAP_KIND_CLASS,
							classes[i].event_class);

		(void)fprintf(out, "%-10s %-22s %s\n", name ? name : "?", classes[i].when,
			      classes[i].holds);
	}
}
