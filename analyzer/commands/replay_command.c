/*
 * kymo replay: events as lines of text, in the order of time, at the pace at which they happened.
 * Rows are read straight from the capture, block by block; a row is stored when its event has
 * ended, so lines are sorted by their begin. While a capture is still being written there is no
 * waiting for the end: then lines are sorted within a block.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/commands/command_mains.h"
#include "analyzer/commands/reading_gaps.h"
#include "analyzer/commands/replay_line.h"
#include "analyzer/output/line_sort.h"
#include "formats/base/cleanup.h"
#include "formats/table/events.h"

#define OUTPUT_BYTES (256u << 10)
#define SORT_BYTES (24u << 20)
#define POLL_NS 200000000  /* how often a capture that is being written is looked at */
#define HEAD_BYTES 4096	   /* a file that is shorter may still get its head */
#define SHORTEST_NS 200000 /* waiting less is not worth a system call */

struct replay_options {
	double speed; /* 0: as fast as can be; < 0: not given */
	const char *events;
	bool follow, relative;
};

struct replay {
	const struct kymo_run *run;
	const struct replay_options *own;
	struct kymo_filter filter;
	struct cap_reader *reader;
	struct kymo_section_values values;
	struct kymo_reading_gaps gaps;
	struct kymo_line_sort *sort;
	FILE *line; /* a line grows here */
	char *line_text;
	size_t line_len;
	u64 lines;
	bool task_seen; /* that the filter names */
	u64 start_ns, realtime_ns;
	double speed;
	bool paced;
	u64 first_ns;	       /* of the lines that were printed */
	struct timespec began; /* when */
};

static void replay_done(struct replay *replay)
{
	(void)cap_reader_close(replay->reader);
	(void)kymo_line_sort_free(replay->sort);
	kymo_section_values_done(&replay->values);
	if (replay->line)
		(void)fclose(replay->line); /* it is memory */
	free(replay->line_text);
}

/* -------- options -------- */

static int set_speed(void *own, const char *value, struct cap_err *err)
{
	struct replay_options *options = own;
	char *end;

	if (strcmp(value, "max") == 0) {
		options->speed = 0;
		return 0;
	}
	options->speed = strtod(value, &end);
	if (end == value || (*end && strcmp(end, "x") != 0) || !isfinite(options->speed) ||
	    options->speed <= 0)
		return cap_fail(err, CAP_EUSAGE, "'%s': give a factor above 0 (10x, 0.5x), or max",
				value);
	return 0;
}

static const struct {
	const char *name, *event_class;
	u32 id;
} types[] = {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) {#name, #event_class, id},
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
};
#define TYPES (sizeof(types) / sizeof(types[0]))

/* Whether a word of a list with commas is this. */
static bool is_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && strncasecmp(at, word, len) == 0)
			return true;
	return false;
}

static bool is_known_word(const char *word, size_t len)
{
	if (len == strlen("all") && strncmp(word, "all", len) == 0)
		return true;
	for (size_t i = 0; i < TYPES; i++)
		if ((strlen(types[i].name) == len && strncmp(word, types[i].name, len) == 0) ||
		    (strlen(types[i].event_class) == len &&
		     strncasecmp(word, types[i].event_class, len) == 0))
			return true;
	return false;
}

static int set_events(void *own, const char *value, struct cap_err *err)
{
	((struct replay_options *)own)->events = value;
	for (const char *at = value;; at++) {
		size_t len = strcspn(at, ",");

		if (!is_known_word(at, len))
			return cap_fail(err, CAP_EUSAGE,
					"'%.*s' is no class (`kymo-record list`), no type of event "
					"(`kymo dump`), nor all",
					(int)len, at);
		at += len;
		if (*at == '\0')
			return 0;
	}
}

static int set_follow(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct replay_options *)own)->follow = true;
	return 0;
}

static int set_relative(void *own, const char *value, struct cap_err *err)
{
	(void)value, (void)err;
	((struct replay_options *)own)->relative = true;
	return 0;
}

static const struct kymo_option options_table[] = {
#define OPTIONS_OF_REPLAY
#define OPTION KYMO_OPTION_ROW
#include "analyzer/commands/option_table.def"
	{0},
};

/* Types that are shown: all but what would fill the screen and says little in a line. */
static bool is_wanted(const struct replay *replay, const struct cap_type *type)
{
	const char *list = replay->own->events;

	if (!list)
		return type->id != EV_CPU_SAMPLE && type->id != EV_MAPPING;
	if (is_listed(list, "all") || is_listed(list, type->name))
		return true;
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].id == type->id)
			return is_listed(list, types[i].event_class);
	return false;
}

/* -------- lines -------- */

static void put_time(struct replay *replay, u64 time_ns)
{
	s64 since_ns = (s64)(time_ns - replay->start_ns);
	u64 wall_ns = replay->realtime_ns + (u64)since_ns;
	time_t seconds = (time_t)(wall_ns / 1000000000);
	struct tm tm;

	if (replay->own->relative)
		(void)fprintf(replay->line, "%s%" PRIu64 ".%06" PRIu64 " ", since_ns < 0 ? "-" : "",
			      (u64)llabs(since_ns) / 1000000000,
			      (u64)llabs(since_ns) % 1000000000 / 1000);
	else if (gmtime_r(&seconds, &tm)) /* the zone of the recorded host is not known */
		(void)fprintf(replay->line, "%02d:%02d:%02d.%06" PRIu64 " ", tm.tm_hour, tm.tm_min,
			      tm.tm_sec, wall_ns % 1000000000 / 1000);
}

static bool passes(struct replay *replay, const struct kymo_replay_row *row, u64 time_ns)
{
	const struct kymo_filter *filter = &replay->filter;
	const struct cap_task *task = kymo_replay_task(row);
	const s64 when = (s64)time_ns;

	if (filter->pid >= 0 && (!task || (s64)task->tgid != filter->pid))
		return false;
	if (filter->comm && (!task || strncmp(task->comm, filter->comm, EV_COMM_BYTES) != 0))
		return false;
	replay->task_seen = true;
	return when >= filter->from_ns && when < filter->to_ns;
}

static int add_rows(struct replay *replay, const struct cap_rows *rows,
		    const struct cap_section *section, struct cap_err *err)
{
	struct kymo_replay_row row = {.schema = cap_reader_schema(replay->reader),
				      .rows = rows,
				      .section = section,
				      .values = &replay->values};
	int rc = 0;

	for (row.row = 0; row.row < section->row_count && rc == 0; row.row++) {
		u64 time_ns = kymo_replay_time(&row);

		if (!passes(replay, &row, time_ns))
			continue;
		(void)fseeko(replay->line, 0, SEEK_SET); /* memory: it cannot fail */
		put_time(replay, time_ns);
		kymo_replay_line(replay->line, &row);
		(void)fputc('\n', replay->line);
		if (fflush(replay->line) != 0)
			return cap_fail(err, -ENOMEM, "out of memory for a line");
		rc = kymo_line_sort_add(replay->sort, time_ns, replay->line_text, replay->line_len,
					err);
	}
	return rc;
}

/* Adds the lines of a block, or what its rows say of those that there are not. */
static int add_block(struct replay *replay, const struct cap_block *block, struct cap_err *err)
{
	struct cap_rows rows;
	int rc = cap_reader_rows(replay->reader, &rows, err);

	if (rc < 0) /* damage is counted by the reader */
		return rc == -ENOMEM ? rc : 0;
	for (u32 i = 0; i < rows.section_count && rc == 0; i++) {
		const struct cap_section *section = &rows.sections[i];
		bool wanted, tells;

		if (!section->type) {
			replay->gaps.unknown_rows += section->row_count;
			continue;
		}
		wanted = block->type == CAP_BLOCK_CHUNK && is_wanted(replay, section->type);
		tells = kymo_tells_reductions(section);
		if (!wanted && !tells)
			continue;
		if (kymo_section_values_decode(&replay->values, &rows, section) < 0)
			return cap_fail(err, -ENOMEM, "out of memory");
		if (tells)
			kymo_count_reductions(&replay->gaps, section, &replay->values);
		if (wanted)
			rc = add_rows(replay, &rows, section, err);
	}
	return rc;
}

/* Neither rows nor what is missing of them. */
static bool may_skip(const struct replay *replay, const struct cap_block *block)
{
	if (!cap_block_holds_rows(block->type) || block->replica)
		return true;
	return block->type == CAP_BLOCK_CHUNK && block->row_count > 0 &&
	       ((s64)block->last_ns < replay->filter.from_ns ||
		(s64)block->first_ns >= replay->filter.to_ns);
}

/* -------- output -------- */

/* Waits until it is the line's turn. */
static void keep_pace(struct replay *replay, u64 time_ns)
{
	struct timespec now, until;
	double due_ns, ahead_ns;

	if (!replay->paced) {
		replay->paced = true;
		replay->first_ns = time_ns;
		(void)clock_gettime(CLOCK_MONOTONIC, &replay->began);
		return;
	}
	due_ns = (double)(time_ns - replay->first_ns) / replay->speed;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	ahead_ns = due_ns - ((double)(now.tv_sec - replay->began.tv_sec) * 1e9 +
			     (double)(now.tv_nsec - replay->began.tv_nsec));
	if (ahead_ns < SHORTEST_NS)
		return;
	(void)fflush(replay->run->out); /* ferror is asked at the end */
	until = (struct timespec){.tv_sec = (time_t)(ahead_ns / 1e9),
				  .tv_nsec = (long)fmod(ahead_ns, 1e9)};
	(void)nanosleep(&until, NULL); /* a signal ends it early, and the program as a rule */
}

static int print_line(void *context, u64 time_ns, const char *text, size_t len, struct cap_err *err)
{
	struct replay *replay = context;

	if (replay->speed > 0)
		keep_pace(replay, time_ns);
	errno = 0;
	if (fwrite_unlocked(text, 1, len, replay->run->out) < len)
		return cap_fail_errno(err, errno ? errno : EIO, "write the output");
	replay->lines++;
	return 0;
}

/* -------- reading -------- */

static int begin(struct replay *replay, struct cap_err *err)
{
	const struct cap_file_info *info = &cap_reader_facts(replay->reader)->info;

	replay->start_ns = info->monotonic_ns;
	replay->realtime_ns = info->realtime_ns;
	kymo_filter_settle_times(&replay->filter, (s64)info->monotonic_ns);
	if (replay->filter.to_ns <= replay->filter.from_ns)
		return cap_fail(err, CAP_EUSAGE, KYMO_WINDOW_EMPTY);
	return 0;
}

static int read_all(struct replay *replay, struct cap_err *err)
{
	struct cap_block block;
	int rc = begin(replay, err);

	while (rc == 0 && (rc = cap_reader_next(replay->reader, &block, err)) == 1)
		rc = may_skip(replay, &block) ? 0 : add_block(replay, &block, err);
	return rc < 0 ? rc : kymo_line_sort_run(replay->sort, print_line, replay, err);
}

/* The blocks that came since *offset. 1 after the capture's end. */
static int read_more(struct replay *replay, u64 *offset, struct cap_err *err)
{
	struct cap_block block;
	bool ended = false;
	int rc;

	while ((rc = cap_reader_next(replay->reader, &block, err)) == 1) {
		ended = block.type == CAP_BLOCK_END;
		if (block.offset < *offset)
			continue;
		*offset = block.offset + block.size_bytes;
		rc = may_skip(replay, &block) ? 0 : add_block(replay, &block, err);
		if (rc == 0)
			rc = kymo_line_sort_run(replay->sort, print_line, replay, err);
		if (rc < 0)
			return rc;
	}
	(void)fflush(replay->run->out); /* ferror is asked at the next line */
	return rc < 0 ? rc : ended;
}

/* Opens what there is so far: 1, 0 if that is less than a head, or negative. */
static int open_so_far(struct replay *replay, const char *path, struct cap_err *err)
{
	struct stat status;
	int rc;

	replay->reader = cap_reader_close(replay->reader);
	rc = kymo_reading_open(path, KYMO_READ_SKIP, &replay->reader, err);
	if (rc < 0 && rc != -ENOMEM && stat(path, &status) == 0 && status.st_size < HEAD_BYTES)
		return 0;
	return rc < 0 ? rc : 1;
}

static int follow(struct replay *replay, const char *path, struct cap_err *err)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	const struct kymo_filter as_given = replay->filter;
	struct stat status;
	off_t seen = -1;
	u64 offset = 0;
	int rc = 0;

	while (rc == 0) {
		if (stat(path, &status) < 0)
			return cap_fail_errno(err, errno, "open '%s'", path);
		if (status.st_size == seen) {
			(void)nanosleep(&pause, NULL); /* early or late: it is asked again */
			continue;
		}
		seen = status.st_size;
		rc = open_so_far(replay, path, err);
		if (rc <= 0)
			continue;
		replay->filter = as_given;
		rc = begin(replay, err);
		if (rc == 0)
			rc = read_more(replay, &offset, err);
	}
	return rc < 0 ? rc : 0;
}

static int settle(const struct replay_options *own, const struct kymo_common *common,
		  const char *path, struct cap_err *err)
{
	if (own->follow && own->speed > 0)
		return cap_fail(err, CAP_EUSAGE,
				"--follow shows events when they are written; it takes no --speed");
	if (own->follow && common->reading != KYMO_READ_SKIP)
		return cap_fail(err, CAP_EUSAGE,
				"a capture that is still being written has no end: --follow takes "
				"neither --strict nor --stop");
	if (own->follow && strcmp(path, "-") == 0)
		return cap_fail(err, CAP_EUSAGE, "--follow needs a file, not standard input");
	return 0;
}

static int replay_capture(struct replay *replay, const struct kymo_common *common, const char *path,
			  struct cap_err *err)
{
	int rc;

	replay->sort = kymo_line_sort_new(SORT_BYTES);
	replay->line = open_memstream(&replay->line_text, &replay->line_len);
	if (!replay->sort || !replay->line)
		return cap_fail(err, -ENOMEM, "out of memory");
	if (replay->own->follow) {
		rc = follow(replay, path, err);
	} else {
		rc = kymo_reading_open(path, common->reading, &replay->reader, err);
		if (rc == 0)
			rc = read_all(replay, err);
	}
	if (rc == 0 && (replay->filter.pid >= 0 || replay->filter.comm) && !replay->task_seen)
		return cap_fail(err, -ESRCH, "'%s' has no events of that process or name", path);
	return rc;
}

int kymo_replay_main(const struct kymo_run *run, int argc, char **argv, struct cap_err *err)
{
	struct replay_options own = {.speed = -1};
	const struct kymo_parse parse = {.options = options_table, .own = &own};
	CLEANUP(cap_freep) char *buffer = NULL;
	CLEANUP(replay_done) struct replay replay = {.run = run, .own = &own};
	struct kymo_common common = {0};
	int first, rc, output_rc;

	rc = kymo_parse_options(run, &parse, argc, argv, &common, &first, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = settle(&own, &common, argv[first], err);
	if (rc < 0)
		return rc;
	replay.filter = common.filter;
	replay.speed = own.speed >= 0 ? own.speed : isatty(STDOUT_FILENO) && !own.follow ? 1 : 0;
	buffer = malloc(OUTPUT_BYTES);
	if (buffer)
		(void)setvbuf(run->out, buffer, _IOFBF, OUTPUT_BYTES); /* else it is only slower */
	rc = replay_capture(&replay, &common, argv[first], err);
	output_rc = kymo_output_error(run->out);
	if (rc == 0 && output_rc < 0)
		rc = cap_fail_errno(err, -output_rc, "write the output");
	(void)setvbuf(run->out, NULL, _IONBF, 0); /* our buffer goes away */
	if (rc < 0)
		return rc;
	if (replay.lines == 0)
		run->note(run, "no events%s",
			  kymo_filter_is_open(&common.filter) && !own.events ? "" : " match");
	replay.gaps.columns_rejected = replay.values.rejected;
	return kymo_note_gaps(run, replay.reader, &replay.gaps, argv[first]);
}
