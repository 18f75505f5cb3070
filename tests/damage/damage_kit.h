#pragma once
/*
 * A capture in memory, what a reader finds in it while it is damaged, and the judgement: everything
 * that was not touched must be found, unchanged. Every reading goes through cap_reader_next from
 * the first byte to the last.
 */
#include "formats/read/capture_reader.h"
#include "random_rows.h"

struct damage_block {
	u64 offset, size_bytes, seq, digest; /* digest of its rows, 0 unless they were asked for */
	u64 schema_id; /* of the schema that was in force; 0 for blocks without rows */
};

struct damage_walk { /* one reading */
	struct damage_block *blocks;
	size_t count, capacity;
	struct cap_damage damage;
	int open_rc, last_rc;
};

struct damage_file {
	int fd;	 /* of a file in memory */
	u8 *map; /* the same bytes; writing here damages the file */
	u8 *clean_bytes;
	size_t len;
	struct damage_walk clean;
	struct damage_walk walk;   /* the last reading */
	struct cap_reader *reader; /* kept for readings that need no new one */
};

enum reading {
	READ_AGAIN, /* the same reader from the start: the length must be what it was */
	READ_ANEW,  /* a new reader */
	READ_ROWS,  /* a new reader, and the digests of all rows */
};

/* What a check counted. It ends the program itself where memory or the file system fail: that is no
 * finding. */
struct report {
	const char *id;
	u64 cases, failed; /* failed: cases, not complaints */
	u64 shown;
	bool case_failed;
	char place[160]; /* of the case at hand, to repeat it */
};

void report_case(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Counts one failure of the case at hand and prints the first few. */
void report_failed(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The line that the table reads. Exit status 0 or 1. */
int report_done(const struct report *report, const char *note);
void must(bool good, const char *what);

/* Takes the capture in fd, which it then owns. */
void damage_file_take(struct damage_file *file, int fd);
void damage_file_done(struct damage_file *file);
void damage_file_restore(struct damage_file *file, size_t offset, size_t len);

void walk_fd(int fd, bool rows, struct damage_walk *walk);
void walk_file(struct damage_file *file, enum reading reading);
void walk_done(struct damage_walk *walk);
bool walk_is_clean(const struct damage_walk *walk);

struct expected {
	u64 touched_from, touched_end; /* bytes of the sound file that are gone, changed or split:
					  blocks in there may be lost */
	s64 shift;		       /* of what stands behind them */
	bool whole;		       /* nothing was done: the reading must be clean */
};
/*
 * Compares a reading with the sound file, by the numbers of the blocks: same place, same bytes,
 * same schema, same rows where both were asked for; none missing but those that touch
 * [touched_from, touched_end). Counts a failure where that is not so. Returns how many are missing.
 */
size_t walk_judge(struct report *report, const struct damage_file *file,
		  const struct damage_walk *walk, const u8 *bytes, const struct expected *expected);
