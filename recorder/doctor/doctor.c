/* The doctor's list of checks and its output. The checks are in doctor_host.c, doctor_programs.c
 * and doctor_live.c. */
#include "recorder/doctor/doctor.h"

#include <stdarg.h>
#include <string.h>

#include "formats/base/escape.h"
#include "formats/table/schema.h"
#include "recorder/host/host_facts.h"
#include "recorder/base/json_text.h"
#include "recorder/base/quantity_text.h"

static const struct {
	const char *id;
	void (*run)(struct doctor_check *check);
} checks[DOCTOR_CHECK_COUNT] = {
#define HOST(name, text) [DOCTOR_##name] = {text, doctor_##name},
#define LIVE(name, text) [DOCTOR_##name] = {text, doctor_##name},
#include "recorder/doctor/doctor_checks.def"
#undef HOST
#undef LIVE
};

static const char *severity_name(enum doctor_severity severity)
{
	static const char *const names[] = {"ok", "note", "warning", "error"};

	return names[severity];
}

void doctor_found(struct doctor_check *check, enum doctor_severity severity, const char *format,
		  ...)
{
	va_list args;

	check->severity = severity;
	va_start(args, format);
	(void)vsnprintf(check->found, sizeof(check->found), format, args);
	va_end(args);
}

void doctor_remedy(struct doctor_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(check->remedy, sizeof(check->remedy), format, args);
	va_end(args);
}

struct fact_list { /* where the facts go */
	FILE *out;
	const char *separator;
};

/* Names of hosts, people and paths do not belong in a bug report. */
static int text_fact(void *context, const char *key, const char *value, u32 sensitivity)
{
	const struct fact_list *list = context;
	char shown[512];

	if (sensitivity == CAP_SENSE_PUBLIC)
		(void)fprintf(list->out, "%-35s %s\n", key,
			      cap_escape_text(CAP_ESCAPE_ASCII, value, strlen(value), shown,
					      sizeof(shown)));
	return 0;
}

static int json_fact(void *context, const char *key, const char *value, u32 sensitivity)
{
	struct fact_list *list = context;

	if (sensitivity != CAP_SENSE_PUBLIC)
		return 0;
	(void)fputs(list->separator, list->out);
	rec_json_string(list->out, key);
	(void)fputc(':', list->out);
	rec_json_string(list->out, value);
	list->separator = ",";
	return 0;
}

static void write_text(const struct doctor_options *options, const struct doctor_check *found,
		       const char *result, FILE *out)
{
	char shown[1024];
	struct fact_list list = {out, ""};

	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
		(void)fprintf(out, "%-8s %-26s %s\n", severity_name(found[i].severity),
			      checks[i].id,
			      cap_escape_text(CAP_ESCAPE_ASCII, found[i].found,
					      strlen(found[i].found), shown, sizeof(shown)));
		if (found[i].remedy[0])
			(void)fprintf(out, "%-35s -> %s\n", "",
				      cap_escape_text(CAP_ESCAPE_ASCII, found[i].remedy,
						      strlen(found[i].remedy), shown,
						      sizeof(shown)));
	}
	(void)fprintf(out, "%s\n", result);
	if (options->report) {
		(void)fputc('\n', out);
		(void)rec_host_facts_each(text_fact, &list);
	}
}

static void write_json(const struct doctor_options *options, const struct doctor_check *found,
		       bool can_record, FILE *out)
{
	struct fact_list list = {out, ""};

	(void)fprintf(out, "{\"can_record\":%s,\"checks\":[", can_record ? "true" : "false");
	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
		(void)fprintf(out, "%s{\"id\":\"%s\",\"severity\":\"%s\",\"found\":", i ? "," : "",
			      checks[i].id, severity_name(found[i].severity));
		rec_json_string(out, found[i].found);
		(void)fputs(",\"remedy\":", out);
		if (found[i].remedy[0])
			rec_json_string(out, found[i].remedy);
		else
			(void)fputs("null", out);
		(void)fputc('}', out);
	}
	(void)fputc(']', out);
	if (options->report) {
		(void)fputs(",\"facts\":{", out);
		(void)rec_host_facts_each(json_fact, &list);
		(void)fputc('}', out);
	}
	(void)fputs("}\n", out);
}

bool doctor_run(const struct doctor_options *options, FILE *out)
{
	struct doctor_check found[DOCTOR_CHECK_COUNT] = {0};
	int counts[DOCTOR_ERROR + 1] = {0};
	char result[128];

	for (int i = 0; i < DOCTOR_CHECK_COUNT; i++) {
		found[i].btf_path = options->btf_path;
		checks[i].run(&found[i]);
		counts[found[i].severity]++;
	}
	if (counts[DOCTOR_ERROR])
		(void)snprintf(result, sizeof(result), "cannot record: %d error%s",
			       counts[DOCTOR_ERROR], counts[DOCTOR_ERROR] == 1 ? "" : "s");
	else if (counts[DOCTOR_WARNING])
		(void)snprintf(result, sizeof(result), "can record, with %d warning%s",
			       counts[DOCTOR_WARNING], counts[DOCTOR_WARNING] == 1 ? "" : "s");
	else
		(void)snprintf(result, sizeof(result), "can record");
	if (options->json)
		write_json(options, found, counts[DOCTOR_ERROR] == 0, out);
	else
		write_text(options, found, result, out);
	return counts[DOCTOR_ERROR] == 0;
}
