/* kymo folded: stacks for flame graph tools, one line each. */
#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/report_session.h"
#include "analyzer/output/pager.h"
#include "analyzer/reports/flame_report.h"
#include "analyzer/reports/folded_report.h"
#include "analyzer/reports/loss_note.h"
#include "analyzer/reports/names_note.h"
#include "formats/base/cleanup.h"

struct folded_options {
	enum kymo_process_label label;
	bool annotate, faults;
};

static int set_faults(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct folded_options *)own)->faults = true;
	return 0;
}

static int set_show_pid(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct folded_options *)own)->label = KYMO_LABEL_COMM_PID;
	return 0;
}

static int set_show_tid(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct folded_options *)own)->label = KYMO_LABEL_COMM_PID_TID;
	return 0;
}

static int set_no_annotate(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct folded_options *)own)->annotate = false;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_FOLDED
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

static int write_folded(const struct kymo_run *run, const struct kymo_common *common,
			struct kymo_db *db, const struct kymo_tree *tree,
			const struct kymo_sample_weight *weight, struct cap_err *err)
{
	CLEANUP(kymo_writer_freep) struct kymo_writer *writer = NULL;
	const struct kymo_folded_unit unit = {weight->weight == KYMO_WEIGHT_FAULTS    ? "faults"
					      : kymo_weight_is_period(weight->weight) ? "weight"
										      : "samples",
					      1};
	char clause[KYMO_CAPTION_BYTES];
	const struct kymo_about about = {.classes = weight->weight == KYMO_WEIGHT_FAULTS
							    ? KYMO_ABOUT_MEM
							    : KYMO_ABOUT_SAMPLES,
					 .clause = clause};
	int rc;

	clause[0] = '\0';
	if (weight->weight != KYMO_WEIGHT_FAULTS) /* those are never counted otherwise */
		kymo_weight_text(weight, clause);
	if (common->format == KYMO_FORMAT_TEXT) {
		rc = kymo_report_begin_data(run, db, &common->filter, &about, err);
		if (rc == 0)
			rc = kymo_folded_write(run->out, tree, &unit, err);
		return rc < 0 ? rc : kymo_loss_status(db, &common->filter, NULL, err);
	}
	rc = kymo_report_begin(run, common, db, &about, &writer, err);
	if (rc < 0)
		return rc;
	kymo_weight_fields(writer, weight);
	rc = kymo_folded_to_writer(writer, tree, &unit, err);
	return rc < 0 ? rc : kymo_report_finish(db, &common->filter, &about, writer, err);
}

int kymo_folded_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	CLEANUP(kymo_db_closep) struct kymo_db *db = NULL;
	CLEANUP(kymo_tree_freep) struct kymo_tree *tree = NULL;
	struct folded_options own = {.annotate = true};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	struct kymo_common common = {0};
	struct kymo_stack_facts facts;
	struct kymo_names_note names;
	char text[1024];
	int rc, first;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (own.faults)
		common.more_needs = KYMO_NEED_STACKS;
	rc = kymo_report_open(run, &common, argv[first],
			      own.faults ? KYMO_REPORT_mem : KYMO_REPORT_folded, &db, err);
	if (rc < 0)
		return rc;
	rc = kymo_sampled_stacks(db,
				 &(struct kymo_stack_options){.filter = &common.filter,
							      .faults = own.faults,
							      .inlined = common.show_inlined,
							      .lines = common.show_lines,
							      .label = own.label,
							      .folded = true,
							      .annotate_kernel = own.annotate},
				 &tree, &facts, err);
	if (rc < 0)
		return rc;
	if (common.format == KYMO_FORMAT_TEXT && !common.no_pager)
		kymo_pager_begin(run);
	if (facts.samples == 0)
		run->note(run, "%s",
			  !kymo_filter_is_open(&common.filter) && own.faults
				  ? "no page faults match the filters"
			  : own.faults ? "no page faults with stacks: were they recorded (-e mem)?"
			  : kymo_filter_is_open(&common.filter)
				  ? "no CPU samples: were they recorded (-e cpu)?"
				  : "no CPU samples match the filters");
	rc = kymo_names_note(db, &common.filter, &facts, &names, err);
	if (rc < 0)
		return rc;
	kymo_names_note_line(&names, text, sizeof(text));
	if (text[0] && !common.quiet)
		run->note(run, "%s", text);
	return write_folded(run, &common, db, tree, &facts.weight, err);
}
