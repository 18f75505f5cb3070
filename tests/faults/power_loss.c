/*
 * Files as a loss of power may leave them, from a capture and the trace of how it was written
 * (disk_shim.c): any of the pages written since the last sync may be old, half new or zero, and the
 * file may have any length between the synced and the written one. Whatever is left must open, show
 * each synced block as it was, and nothing that was never written.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/read/capture_reader.h"
#include "random_rows.h"

#define PAGE_BYTES 4096u
#define SECTOR_BYTES 512u
#define MAX_CALLS 200000u
#define DECODE_EVERY 16u /* states in which all rows are decoded besides */

struct call {
	bool is_sync;
	u64 end_bytes; /* of the file after it */
};

struct whole {
	u8 *bytes;
	u64 size_bytes;
	struct call *calls; /* good writes and syncs, in order */
	size_t call_count, first_sync;
	struct cap_block *blocks;
	size_t block_count;
};

struct state {
	u64 synced_bytes, size_bytes;
	u8 *bytes;
};

static void *need(void *memory)
{
	if (!memory) {
		(void)fputs("power_loss: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

static void read_trace(const char *path, struct whole *whole)
{
	FILE *file = need(fopen(path, "r"));
	char line[256], name[32];
	long long offset, bytes, result;

	whole->calls = need(calloc(MAX_CALLS, sizeof(*whole->calls)));
	whole->first_sync = MAX_CALLS;
	while (fgets(line, sizeof(line), file) && whole->call_count < MAX_CALLS) {
		struct call *call = &whole->calls[whole->call_count];

		if (sscanf(line, "%31s %lld %lld %lld", name, &offset, &bytes, &result) != 4)
			continue;
		if (!strcmp(name, "write") && result > 0)
			*call = (struct call){false, (u64)(offset + result)};
		else if (!strcmp(name, "fdatasync") && result == 0)
			*call = (struct call){true, (u64)offset};
		else
			continue;
		if (call->is_sync && whole->first_sync == MAX_CALLS)
			whole->first_sync = whole->call_count;
		whole->call_count++;
	}
	(void)fclose(file);
}

static void read_capture(const char *path, struct whole *whole)
{
	struct cap_reader_options options = {.mode = CAP_READ_STRICT};
	struct cap_reader *reader = NULL;
	struct cap_block block;
	struct cap_err err = {0};
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &info) < 0)
		exit(2);
	whole->size_bytes = (u64)info.st_size;
	whole->bytes = need(malloc(whole->size_bytes));
	if (pread(fd, whole->bytes, whole->size_bytes, 0) != info.st_size ||
	    cap_reader_open_fd(fd, path, &options, &reader, &err) < 0) {
		(void)fprintf(stderr, "power_loss: %s\n", err.text);
		exit(2);
	}
	while (cap_reader_next(reader, &block, &err) > 0) {
		whole->blocks = need(reallocarray(whole->blocks, whole->block_count + 1,
						  sizeof(*whole->blocks)));
		whole->blocks[whole->block_count++] = block;
	}
	cap_reader_close(reader);
}

/* Where the file may end: at the end of some write, of some page, or anywhere. */
static u64 choose_size(const struct whole *whole, struct rng *rng, u64 synced, u64 written,
		       size_t after, size_t until)
{
	u64 size = written;

	if (written == synced)
		return synced;
	switch (rng_below(rng, 5)) {
	case 0:
		size = synced;
		break;
	case 1:
		size = whole->calls[after + rng_below(rng, until - after + 1)].end_bytes;
		break;
	case 2:
		size = (synced + rng_below(rng, written - synced + 1)) / PAGE_BYTES * PAGE_BYTES;
		break;
	case 3:
		size = synced + rng_below(rng, written - synced + 1);
		break;
	default:
		break;
	}
	return size < synced ? synced : size;
}

/* What became of the unsynced part of one page or sector. */
static void spoil(struct rng *rng, u8 *bytes, u64 len, u64 percent, bool noise)
{
	if (rng_below(rng, 100) >= percent)
		return;
	if (rng_below(rng, 4) == 0) { /* it was written back before the last write to it */
		u64 kept = rng_below(rng, len);

		bytes += kept;
		len -= kept;
	}
	memset(bytes, 0, len);
	for (u64 i = 0; noise && i < len; i++)
		bytes[i] = (u8)rng_next(rng);
}

static void make_state(const struct whole *whole, u64 seed, struct state *ret_state)
{
	static const u64 percents[] = {0, 5, 50, 95, 100};
	struct rng rng = {seed};
	size_t until = whole->first_sync + rng_below(&rng, whole->call_count - whole->first_sync);
	size_t after = until;
	u64 percent = percents[rng_below(&rng, sizeof(percents) / sizeof(*percents))];
	u64 unit = rng_below(&rng, 4) ? PAGE_BYTES : SECTOR_BYTES;
	bool noise = rng_below(&rng, 8) == 0;

	while (!whole->calls[after].is_sync)
		after--;
	ret_state->synced_bytes = whole->calls[after].end_bytes;
	ret_state->size_bytes = choose_size(whole, &rng, ret_state->synced_bytes,
					    whole->calls[until].end_bytes, after, until);
	memcpy(ret_state->bytes, whole->bytes, ret_state->size_bytes);
	for (u64 at = ret_state->synced_bytes; at < ret_state->size_bytes;) {
		u64 end = (at / unit + 1) * unit;

		if (end > ret_state->size_bytes)
			end = ret_state->size_bytes;
		spoil(&rng, ret_state->bytes + at, end - at, percent, noise);
		at = end;
	}
}

static const char *compare(const struct whole *whole, const struct state *state,
			   struct cap_reader *reader, bool decode)
{
	struct cap_block block;
	struct cap_rows rows;
	struct cap_err err = {0};
	size_t next = 0; /* the first block that was not seen so far */
	int rc;

	while ((rc = cap_reader_next(reader, &block, &err)) > 0) {
		while (next < whole->block_count && whole->blocks[next].offset < block.offset) {
			if (whole->blocks[next].offset + whole->blocks[next].size_bytes <=
			    state->synced_bytes)
				return "a synced block is missing";
			next++;
		}
		if (next == whole->block_count || whole->blocks[next].offset != block.offset ||
		    whole->blocks[next].size_bytes != block.size_bytes ||
		    memcmp(whole->bytes + block.offset, state->bytes + block.offset,
			   block.size_bytes) != 0)
			return "a block that was never written";
		next++;
		if (decode && block.type >= CAP_BLOCK_META && block.type < CAP_BLOCK_INDEX &&
		    cap_reader_rows(reader, &rows, &err) < 0)
			return "a sound block without rows";
	}
	if (rc < 0)
		return err.text[0] ? "reading failed" : "reading failed without a word";
	for (; next < whole->block_count; next++)
		if (whole->blocks[next].offset + whole->blocks[next].size_bytes <=
		    state->synced_bytes)
			return "a synced block is missing at the end";
	return NULL;
}

static const char *check(const struct whole *whole, const struct state *state, bool decode)
{
	struct cap_reader *reader = NULL;
	struct cap_err err = {0};
	const char *problem;
	int fd = memory_file("state");

	if (fd < 0 || write(fd, state->bytes, state->size_bytes) != (ssize_t)state->size_bytes)
		exit(2);
	if (reader_of_fd(fd, CAP_READ_SKIP_DAMAGE, &reader, &err) < 0)
		problem = "unreadable";
	else
		problem = compare(whole, state, reader, decode);
	cap_reader_close(reader);
	(void)close(fd);
	return problem;
}

static int write_state(const struct state *state, const char *path)
{
	FILE *file = need(fopen(path, "w"));
	size_t written = fwrite(state->bytes, 1, state->size_bytes, file);

	printf("%llu\n", (unsigned long long)state->synced_bytes);
	return fclose(file) == 0 && written == state->size_bytes ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct whole whole = {0};
	struct state state = {0};
	u64 seed, count, failed = 0;

	if (argc < 5) {
		(void)fputs("usage: power_loss CAPTURE TRACE SEED COUNT [FILE]\n"
			    "FILE: only write the state of SEED there, and how much was synced\n",
			    stderr);
		return 2;
	}
	read_capture(argv[1], &whole);
	read_trace(argv[2], &whole);
	seed = strtoull(argv[3], NULL, 10);
	count = strtoull(argv[4], NULL, 10);
	state.bytes = need(malloc(whole.size_bytes));
	if (whole.first_sync == MAX_CALLS) {
		(void)fputs("power_loss: the trace has no sync\n", stderr);
		return 2;
	}
	if (argc > 5) {
		make_state(&whole, seed, &state);
		return write_state(&state, argv[5]);
	}
	for (u64 i = 0; i < count; i++) {
		const char *problem;

		make_state(&whole, seed + i, &state);
		problem = check(&whole, &state, i % DECODE_EVERY == 0);
		if (problem && failed++ < 10)
			printf("state %llu: %s\n", (unsigned long long)(seed + i), problem);
	}
	printf("states %llu failed %llu\n", (unsigned long long)count, (unsigned long long)failed);
	return failed > 0;
}
