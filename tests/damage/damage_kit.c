/* Readings of damaged captures and their judgement. See damage_kit.h. */
#include "damage_kit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN_FAILURES 10

/* -------- report -------- */

void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

void report_case(struct report *report, const char *format, ...)
{
	va_list args;

	report->cases++;
	report->case_failed = false;
	va_start(args, format);
	(void)vsnprintf(report->place, sizeof(report->place), format, args);
	va_end(args);
}

void report_failed(struct report *report, const char *format, ...)
{
	va_list args;

	report->failed += !report->case_failed;
	report->case_failed = true;
	if (++report->shown > SHOWN_FAILURES)
		return;
	printf("%s, %s: ", report->id, report->place);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	putchar('\n');
}

int report_done(const struct report *report, const char *note)
{
	printf("reliability %s: %llu cases, %llu failed%s%s\n", report->id,
	       (unsigned long long)report->cases, (unsigned long long)report->failed,
	       note ? "; " : "", note ? note : "");
	(void)fflush(stdout);
	return report->failed || !report->cases;
}

/* -------- readings -------- */

static void walk_reader(struct cap_reader *reader, bool rows, struct damage_walk *walk)
{
	struct cap_block block;

	walk->count = 0;
	while ((walk->last_rc = cap_reader_next(reader, &block, NULL)) == 1) {
		if (walk->count == walk->capacity) {
			walk->capacity = walk->capacity ? walk->capacity * 2 : 64;
			walk->blocks =
				realloc(walk->blocks, walk->capacity * sizeof(*walk->blocks));
			must(walk->blocks, "realloc");
		}
		walk->blocks[walk->count++] = (struct damage_block){
			.offset = block.offset,
			.size_bytes = block.size_bytes,
			.seq = block.seq,
			.schema_id = block.row_count ? cap_reader_schema(reader)->id : 0,
			.digest = rows ? block_digest(reader, &block) : 0};
	}
	walk->damage = *cap_reader_damage(reader);
}

void walk_fd(int fd, bool rows, struct damage_walk *walk)
{
	struct cap_reader *reader = NULL;

	walk->count = 0;
	walk->last_rc = 0;
	memset(&walk->damage, 0, sizeof(walk->damage));
	walk->open_rc = reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, NULL);
	if (walk->open_rc < 0)
		return;
	walk_reader(reader, rows, walk);
	(void)cap_reader_close(reader);
}

void walk_file(struct damage_file *file, enum reading reading)
{
	if (reading != READ_AGAIN) {
		walk_fd(file->fd, reading == READ_ROWS, &file->walk);
		return;
	}
	must(cap_reader_rewind(file->reader, NULL) == 0, "rewind");
	file->walk.open_rc = 0;
	walk_reader(file->reader, false, &file->walk);
}

void walk_done(struct damage_walk *walk)
{
	free(walk->blocks);
	memset(walk, 0, sizeof(*walk));
}

bool walk_is_clean(const struct damage_walk *walk)
{
	const struct cap_damage *damage = &walk->damage;

	return walk->open_rc == 0 && walk->last_rc == 0 && damage->ended &&
	       !damage->blocks_damaged && !damage->blocks_lost && !damage->blocks_foreign &&
	       !damage->bytes_skipped;
}

/* -------- files -------- */

void damage_file_take(struct damage_file *file, int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	void *map;

	memset(file, 0, sizeof(*file));
	must(len > 0, "a sound capture");
	file->fd = fd;
	file->len = (size_t)len;
	map = mmap(NULL, file->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	file->map = map;
	file->clean_bytes = malloc(file->len);
	must(file->clean_bytes, "malloc");
	memcpy(file->clean_bytes, file->map, file->len);
	walk_fd(fd, true, &file->clean);
	must(walk_is_clean(&file->clean) && file->clean.count > 0,
	     "the file to damage is not sound");
	must(reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &file->reader, NULL) == 0, "open");
}

void damage_file_done(struct damage_file *file)
{
	(void)cap_reader_close(file->reader);
	walk_done(&file->clean);
	walk_done(&file->walk);
	free(file->clean_bytes);
	(void)munmap(file->map, file->len);
	(void)close(file->fd);
}

void damage_file_restore(struct damage_file *file, size_t offset, size_t len)
{
	memcpy(file->map + offset, file->clean_bytes + offset, len);
}

/* -------- judgement -------- */

static bool touched(const struct damage_block *block, const struct expected *expected)
{
	return block->offset < expected->touched_end &&
	       block->offset + block->size_bytes > expected->touched_from;
}

/* What is wrong with a block found, that is `clean` of the sound file; NULL if nothing. */
static const char *differs(const struct damage_file *file, const struct damage_block *clean,
			   const struct damage_block *found, const u8 *bytes,
			   const struct expected *expected)
{
	bool same = !bytes || memcmp(bytes + found->offset, file->clean_bytes + clean->offset,
				     clean->size_bytes) == 0;
	u64 place = clean->offset;

	if (found->size_bytes != clean->size_bytes)
		return "has another size";
	if (touched(clean, expected)) /* a change may put there what was there */
		return same && bytes ? NULL : "is changed, and yet was taken";
	if (place >= expected->touched_end)
		place += (u64)expected->shift;
	/* a copy of it may have come into the bytes that were changed: then that one is read, and
	 * the other one is a repetition */
	if (found->offset != place &&
	    (!bytes || found->offset < expected->touched_from ||
	     found->offset + found->size_bytes > expected->touched_end + (u64)expected->shift))
		return "stands elsewhere";
	if (found->schema_id != clean->schema_id)
		return "is read with another schema";
	if (found->digest && found->digest != clean->digest)
		return "has other rows";
	return same ? NULL : "has other bytes";
}

static int by_number(const void *left, const void *right)
{
	const struct damage_block *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

size_t walk_judge(struct report *report, const struct damage_file *file,
		  const struct damage_walk *walk, const u8 *bytes, const struct expected *expected)
{
	size_t at = 0, missing = 0;

	if (walk->count > 1)
		qsort(walk->blocks, walk->count, sizeof(*walk->blocks), by_number);
	if (walk->open_rc == 0 && walk->last_rc < 0)
		report_failed(report, "reading ended with %d", walk->last_rc);
	if (walk_is_clean(walk) != expected->whole)
		report_failed(report, expected->whole ? "a sound file is called damaged"
						      : "went undetected");
	for (size_t i = 0; i <= walk->count; i++, at++) {
		const char *problem;

		for (; at < file->clean.count &&
		       (i == walk->count || file->clean.blocks[at].seq != walk->blocks[i].seq);
		     at++) {
			missing++;
			if (!touched(&file->clean.blocks[at], expected))
				report_failed(report, "block %zu, which was not touched, is lost",
					      at);
		}
		if (i == walk->count)
			break;
		if (at == file->clean.count) {
			report_failed(report, "block %zu found was not in the file, or not there",
				      i);
			break;
		}
		problem = differs(file, &file->clean.blocks[at], &walk->blocks[i], bytes, expected);
		if (problem)
			report_failed(report, "block %zu %s", at, problem);
	}
	return missing;
}
