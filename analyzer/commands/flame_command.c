/* kymo flame: the flame graph as an SVG file, to stdout or to a file. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/result_file.h"
#include "analyzer/reports/flame_report.h"
#include "analyzer/reports/names_note.h"
#include "analyzer/reports/loss_note.h"
#include "formats/base/cleanup.h"

struct flame_options {
	struct kymo_flame_options svg;
	enum kymo_process_label label;
	bool reverse;
	bool offcpu, by_waker, faults;
	struct kymo_wait_choice waits; /* with offcpu */
	const char *output;	       /* NULL: stdout */
	bool force;
};

static int set_title(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct flame_options *)own)->svg.title = value;
	return 0;
}

static int set_count_name(void *own, const char *value, struct cap_err *err)
{
	/* The script cuts a frame's title at its last " (". */
	if (strpbrk(value, "()"))
		return cap_fail(err, CAP_EUSAGE, "'%s': parentheses are not allowed", value);
	((struct flame_options *)own)->svg.count_name = value;
	return 0;
}

static int set_width(void *own, const char *value, struct cap_err *err)
{
	char *end;
	long width = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || width < KYMO_FLAME_MIN_WIDTH_PX ||
	    width > KYMO_FLAME_MAX_WIDTH_PX)
		return cap_fail(err, CAP_EUSAGE, "'%s': a number from %d to %d is needed", value,
				KYMO_FLAME_MIN_WIDTH_PX, KYMO_FLAME_MAX_WIDTH_PX);
	((struct flame_options *)own)->svg.width_px = (unsigned)width;
	return 0;
}

static int set_min_width(void *own, const char *value, struct cap_err *err)
{
	char *end;
	double width = strtod(value, &end);

	if (*value == '\0' || *end != '\0' || !isfinite(width) || width < 0 || width > 1000)
		return cap_fail(err, CAP_EUSAGE, "'%s': pixels from 0 to 1000 are needed", value);
	((struct flame_options *)own)->svg.min_width_px = width;
	return 0;
}

static int set_colors(void *own, const char *value, struct cap_err *err)
{
	const struct kymo_palette *palette = kymo_palette_by_name(value);

	if (!palette)
		return cap_fail(err, CAP_EUSAGE, "unknown color scheme '%s' (known: %s)", value,
				kymo_palette_names());
	((struct flame_options *)own)->svg.palette = palette;
	return 0;
}

static int set_inverted(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->svg.inverted = true;
	return 0;
}

static int set_reverse(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->reverse = true;
	return 0;
}

static int set_offcpu(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->offcpu = true;
	return 0;
}

static int set_faults(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->faults = true;
	return 0;
}

static int set_reason(void *own, const char *value, struct cap_err *err)
{
	struct flame_options *flame = own;

	flame->offcpu = true;
	return kymo_wait_set_reason(&flame->waits, value, err);
}

static int set_kind(void *own, const char *value, struct cap_err *err)
{
	struct flame_options *flame = own;

	flame->offcpu = true;
	return kymo_wait_set_kinds(&flame->waits, value, err);
}

static int set_waker(void *own, const char *value, struct cap_err *err)
{
	struct flame_options *flame = own;

	(void)value, (void)err;
	flame->offcpu = flame->by_waker = true;
	return 0;
}

static int set_show_pid(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->label = KYMO_LABEL_COMM_PID;
	return 0;
}

static int set_output(void *own, const char *value, struct cap_err *err)
{
	(void)err;
	((struct flame_options *)own)->output = strcmp(value, "-") == 0 ? NULL : value;
	return 0;
}

static int set_force(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct flame_options *)own)->force = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_FLAME
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static struct kymo_about about_of(const struct kymo_stack_facts *facts)
{
	return (struct kymo_about){.classes = kymo_flame_about(facts)};
}

static int write_json(const struct kymo_run *run, FILE *out, const struct kymo_common *common,
		      struct kymo_db *db, const struct kymo_tree *tree,
		      const struct kymo_stack_facts *facts, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_about about = about_of(facts);
	int rc = kymo_writer_new(common->format, out, &writer);

	if (rc < 0)
		return cap_fail(err, rc, "flame graph");
	rc = kymo_damage_note(run, db, &common->filter, err);
	if (rc < 0)
		return rc;
	kymo_writer_field_int(writer, facts->of == KYMO_STACKS_OF_WAITS ? "intervals" : "samples",
			      KYMO_SHOW_COUNT, (s64)facts->samples);
	kymo_writer_field_int(writer, "no_user_stack", KYMO_SHOW_COUNT, (s64)facts->no_user_stack);
	kymo_writer_field_int(writer, "no_kernel_stack", KYMO_SHOW_COUNT,
			      (s64)facts->no_kernel_stack);
	kymo_writer_field_int(writer, "truncated", KYMO_SHOW_COUNT, (s64)facts->truncated);
	kymo_writer_field_int(writer, "frames_sampled", KYMO_SHOW_COUNT, (s64)facts->frames);
	kymo_writer_field_int(writer, "frames_unnamed", KYMO_SHOW_COUNT,
			      (s64)facts->frames_unnamed);
	kymo_writer_field_int(writer, "frames_unknown", KYMO_SHOW_COUNT,
			      (s64)facts->frames_unknown);
	kymo_weight_fields(writer, &facts->weight);
	kymo_flame_to_writer(writer, tree, facts->weight.weight);
	rc = facts->of != KYMO_STACKS_OF_SAMPLES
		     ? 0
		     : kymo_names_table(db, &common->filter, writer, err);
	return rc < 0 ? rc : kymo_report_finish(db, &common->filter, &about, writer, err);
}

static int write_svg(const struct kymo_run *run, FILE *out, const struct kymo_common *common,
		     struct kymo_db *db, const struct kymo_tree *tree,
		     const struct kymo_stack_facts *facts, struct flame_options *own,
		     struct cap_err *err)
{
	const struct kymo_about about = about_of(facts);
	struct kymo_flame_captions captions;
	int rc;

	rc = kymo_flame_captions(db, &common->filter, facts, &captions, err);
	if (rc < 0)
		return rc;
	if (!own->svg.count_name)
		own->svg.count_name = facts->of == KYMO_STACKS_OF_WAITS ? "off the CPU"
				      : facts->weight.weight == KYMO_WEIGHT_NS
					      ? "of CPU time"
					      : kymo_weight_name(facts->weight.weight);
	own->svg.count_is_ns = facts->weight.weight == KYMO_WEIGHT_NS;
	own->svg.captions = captions.captions;
	own->svg.caption_count = captions.count;
	rc = kymo_report_begin_data(run, db, &common->filter, &about, err);
	if (rc == 0)
		rc = kymo_svg_flame(out, tree, &own->svg, err);
	return rc < 0 ? rc : kymo_loss_status(db, &common->filter, NULL, err);
}

static int draw(const struct kymo_run *run, FILE *out, struct kymo_common *common, const char *path,
		struct flame_options *own, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = NULL;
	bool open;
	struct kymo_stack_facts facts;
	int rc;

	own->waits.filter = &common->filter;
	own->waits.max_ns = INT64_MAX;
	if (own->offcpu || own->faults)
		common->more_needs = KYMO_NEED_STACKS;
	rc = kymo_report_open(run, common, path,
			      own->offcpu   ? KYMO_REPORT_offcpu
			      : own->faults ? KYMO_REPORT_mem
					    : KYMO_REPORT_flame,
			      &db, err);
	if (rc == 0)
		rc = kymo_sampled_stacks(
			db,
			&(struct kymo_stack_options){.filter = &common->filter,
						     .inlined = common->show_inlined,
						     .lines = common->show_lines,
						     .waits = own->offcpu ? &own->waits : NULL,
						     .faults = own->faults,
						     .by_waker = own->by_waker,
						     .label = own->label,
						     .join_unknown = true},
			&tree, &facts, err);
	if (rc < 0)
		return rc;
	if (own->reverse) {
		struct kymo_tree *reversed = kymo_tree_reversed(tree);

		if (!reversed)
			return cap_fail(err, -ENOMEM, "flame graph");
		kymo_tree_free(tree);
		tree = reversed;
	}
	open = kymo_filter_is_open(&common->filter) && !own->waits.reason && !own->waits.kinds;
	if (facts.samples == 0 && own->offcpu)
		run->note(run, "%s",
			  open ? "no waits: were they recorded (-e sched)?"
			       : "no waits match the filters");
	else if (facts.samples == 0 && own->faults)
		run->note(run, "%s",
			  open ? "no page faults with stacks: were they recorded (-e mem)?"
			       : "no page faults match the filters");
	else if (facts.samples == 0)
		run->note(run, "%s",
			  kymo_filter_is_open(&common->filter)
				  ? "no CPU samples: were they recorded (-e cpu)?"
				  : "no CPU samples match the filters");
	if (common->format == KYMO_FORMAT_JSON)
		return write_json(run, out, common, db, tree, &facts, err);
	return write_svg(run, out, common, db, tree, &facts, own, err);
}

static int draw_into(const struct kymo_run *run, struct kymo_common *common, const char *path,
		     struct flame_options *own, struct cap_err *err)
{
	const struct kymo_result_request request = {
		.path = own->output,
		.force = own->force,
		.stream = true,
		.what = "flame graph",
		.for_files = common->format == KYMO_FORMAT_JSON ? NULL : "a picture",
		.inputs = &path,
		.input_count = 1};
	CLEANUP(kymo_result_done) struct kymo_result_file result = {.fd = -1};
	FILE *out;
	int rc, status;

	rc = kymo_result_open(&request, &result, err);
	if (rc == 0)
		rc = kymo_result_stream(&result, run->out, &out, err);
	if (rc < 0)
		return rc;
	status = draw(run, out, common, path, own, err);
	if (status < 0)
		return status;
	rc = kymo_result_publish(&result, err);
	return rc < 0 ? rc : status;
}

int kymo_flame_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct flame_options own = {
		.svg = {.width_px = 1200, .min_width_px = 0.1},
	};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (own.faults && own.offcpu)
		return cap_fail(err, CAP_EUSAGE, "choose one of --faults and --offcpu");
	if (!own.svg.title)
		own.svg.title = own.offcpu   ? "Off-CPU flame graph"
				: own.faults ? "Page faults"
					     : "CPU flame graph";
	if (!own.svg.palette)
		own.svg.palette = kymo_palette_by_name(own.offcpu   ? "io"
						       : own.faults ? "mem"
								    : "hot");
	return draw_into(run, &common, argv[first], &own, err);
}
