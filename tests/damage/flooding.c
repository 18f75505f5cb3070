/*
 * S6. Keys are forged against each table's hash as it is without a seed: with one, they must cost
 * what others cost. Worst-case stacks are written by the product's writer at two sizes: twice as
 * much may take little more than twice the work. Work is counted (work_count.h), so another load on
 * the machine changes nothing; how fast it is on a quiet one is measured by bench/stack_import.py.
 * Usage: flooding_check S6, or flooding_check make DIRECTORY to write the stacks there. KYMO_FULL,
 * KYMO_SANITIZE and TEST_SEED as for damage_check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/capture/blob_table.h"
#include "formats/base/word_map.h"
#include "analyzer/db/import_files.h"
#include "analyzer/stats/stack_tree.h"
#include "damage_kit.h"
#include "formats/write/capture_writer.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "work_count.h"

#define KEYS 2000u
#define SAME_BITS 0xfffu      /* slots of a table with so many keys: 4096 */
#define KEY_RATIO 1.5	      /* the seed differs from run to run, and with it the probes */
#define STACK_RATIO 2.3	      /* of twice as many stacks */
#define STEPS_PER_BYTE 150    /* of decoded blocks; twice what it takes */
#define ROW_BYTES_PER_BYTE 20 /* of the database, per decoded byte: a row for each frame */
#define TREE_OFFSET_BASIS 0xcbf29ce484222325ull

/* -------- keys -------- */

/* FNV-1a of a name, as a table without a seed might use it. */
static u64 plain_hash(const void *bytes, size_t len)
{
	const u8 *at = bytes;
	u64 hash = TREE_OFFSET_BASIS;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash ^ hash >> 29;
}

static u64 key_hash(int kind, u64 key)
{
	switch (kind) {
	case 0:
		return cap_hash_mix(key, 0, 0);
	case 1:
		return cap_hash_mix(0, key, 0);
	case 2:
		return cap_hash_seeded(&key, sizeof(key), 0);
	default:
		return plain_hash(&key, sizeof(key));
	}
}

#define KEY_KINDS 4

/* forged: all fall into one slot of 4096; else any. */
static void draw_keys(int kind, bool forged, struct rng *rng, u64 *ret_keys)
{
	for (u32 count = 0; count < KEYS;) {
		u64 key = rng_next(rng) & 0x7f7f7f7f7f7f7f7full;

		if (!forged || (key_hash(kind, key) & SAME_BITS) == 77)
			ret_keys[count++] = key;
	}
}

static void fill_id_map(const u64 *keys, bool second)
{
	struct cap_word_map map = {0};

	for (u32 i = 0; i < KEYS; i++)
		must(cap_word_map_put(&map, second ? 0 : keys[i], second ? keys[i] : 0, i + 1) == 0,
		     "put");
	for (u32 i = 0; i < KEYS; i++)
		must(cap_word_map_get(&map, second ? 0 : keys[i], second ? keys[i] : 0) > 0, "get");
	cap_word_map_done(&map);
}

static void fill_first(const u64 *keys)
{
	fill_id_map(keys, false);
}

static void fill_second(const u64 *keys)
{
	fill_id_map(keys, true);
}

static void fill_counts(const u64 *keys)
{
	struct cap_word_map map = {0};

	for (u32 i = 0; i < KEYS * 2; i++)
		must(cap_word_map_add(&map, keys[i % KEYS], 0, 1) == 0, "count");
	cap_word_map_done(&map);
}

static void fill_blobs(const u64 *keys)
{
	struct kymo_blob_table table = {0};

	for (u32 i = 0; i < KEYS * 2; i++)
		must(kymo_blob_add(&table, &keys[i % KEYS], sizeof(*keys), NULL) > 0, "blob");
	kymo_blob_table_done(&table);
}

static void fill_strings(const u64 *keys)
{
	struct cap_chunk *chunk = cap_chunk_new();

	must(chunk, "chunk");
	for (u32 i = 0; i < KEYS * 2; i++)
		must(cap_chunk_string(chunk, &keys[i % KEYS], sizeof(*keys)) > 0, "string");
	(void)cap_chunk_free(chunk);
}

static void fill_frames(const u64 *keys)
{
	struct cap_chunk *chunk = cap_chunk_new();

	must(chunk, "chunk");
	for (u32 i = 0; i < KEYS * 2; i++)
		must(cap_chunk_frame(chunk, (enum cap_space)0, 0, keys[i % KEYS]) > 0, "frame");
	(void)cap_chunk_free(chunk);
}

static void fill_tree(const u64 *keys)
{
	struct kymo_tree *tree = kymo_tree_new();

	must(tree, "tree");
	for (u32 i = 0; i < KEYS * 2; i++)
		must(kymo_tree_child(tree, 0, KYMO_FRAME_PROCESS, (const char *)&keys[i % KEYS],
				     sizeof(*keys)) > 0,
		     "child");
	(void)kymo_tree_free(tree);
}

static const struct filling {
	const char *name;
	int kind; /* of key_hash */
	void (*fill)(const u64 *keys);
} fillings[] = {
	{"ids by their first word", 0, fill_first},
	{"ids by their second word", 1, fill_second},
	{"counts", 0, fill_counts},
	{"names of import", 2, fill_blobs},
	{"strings of a chunk", 2, fill_strings},
	{"frames of a chunk", 0, fill_frames},
	{"names of a flame graph, XXH3", 2, fill_tree},
	{"names of a flame graph, FNV", 3, fill_tree},
};

static u64 work_of(void (*fill)(const u64 *), const u64 *keys)
{
	u64 before = work_steps;

	fill(keys);
	return work_steps - before;
}

static double check_keys(struct report *report, struct rng *rng)
{
	static u64 forged[KEY_KINDS][KEYS], plain[KEYS];
	double worst = 0;

	draw_keys(0, false, rng, plain);
	for (int kind = 0; kind < KEY_KINDS; kind++)
		draw_keys(kind, true, rng, forged[kind]);
	for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
		u64 others = work_of(fillings[i].fill, plain);
		double ratio = (double)work_of(fillings[i].fill, forged[fillings[i].kind]) /
			       (double)others;

		report_case(report, "%s", fillings[i].name);
		if (others < 10ull * KEYS)
			report_failed(report, "only %llu steps: the work is not counted",
				      (unsigned long long)others);
		if (ratio > KEY_RATIO)
			report_failed(report, "forged keys take %.1f times the work of others",
				      ratio);
		worst = ratio > worst ? ratio : worst;
	}
	return worst;
}

/* -------- stacks -------- */

enum shape { SHAPE_DISTINCT, SHAPE_ROOT, SHAPE_COMB, SHAPES };

static const char *const shape_names[] = {"distinct stacks of 1024 frames",
					  "1023 distinct frames on one root", "combs"};

/* One stack; returns its node. */
static u32 put_stack(struct cap_chunk *chunk, enum shape shape, u32 number, struct rng *rng)
{
	u32 depth = shape == SHAPE_COMB ? number % CAP_MAX_STACK_DEPTH : CAP_MAX_STACK_DEPTH - 1;
	u32 stack = 0;

	if (shape == SHAPE_ROOT) {
		depth--;
		stack = cap_chunk_stack(chunk, 0,
					cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 4096));
	}
	for (u32 i = 0; i < depth; i++) { /* a comb: one spine, a tooth at each height */
		u64 offset = shape == SHAPE_COMB ? 16ull * i + 16 : rng_next(rng) >> 32;

		stack = cap_chunk_stack(chunk, stack,
					cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, offset));
	}
	return cap_chunk_stack(
		chunk, stack,
		cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, (rng_next(rng) >> 30) + 1));
}

static void write_stacks(const char *path, enum shape shape, u32 samples)
{
	struct cap_file_info info = {.cpu_count = 2, .page_shift = 12};
	struct cap_writer_options options = {.fd = -1};
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {0};
	struct cap_writer *writer = NULL;
	struct rng rng = {samples};
	FILE *file = fopen(path, "w+");

	must(file && chunk, path);
	options.fd = fileno(file);
	must(cap_writer_new(&options, &info, &writer, NULL) == 0 &&
		     cap_writer_begin(writer, NULL) == 0,
	     "writer");
	for (u32 i = 0; i < samples; i++) {
		struct cap_task task = {
			.leader_start_ns = 5, .tgid = 7, .tid = 7, .exec_id = 1, .comm = "worst"};
		struct ev_cpu_sample sample = {.time_ns = 1000 + i, .period = 1, .cpu = 0};

		sample.task = cap_chunk_task(chunk, &task);
		sample.stack = put_stack(chunk, shape, i, &rng);
		must(sample.stack && cap_chunk_add(chunk, EV_CPU_SAMPLE, &sample) == 0, "add");
		if (cap_chunk_raw_bytes(chunk) < CAP_WRITER_CHUNK_BYTES && i + 1 < samples)
			continue;
		totals.attempted_count = totals.stored_count += cap_chunk_rows(chunk);
		must(cap_writer_rows(writer, CAP_BLOCK_CHUNK, chunk, &totals, NULL) == 0, "write");
		cap_chunk_reset(chunk);
	}
	must(cap_writer_end(writer, CAP_END_NORMAL, &totals, NULL) == 0, "end");
	(void)cap_writer_free(writer);
	(void)cap_chunk_free(chunk);
	must(fclose(file) == 0, path);
}

/* Of a capture that must be sound: what is refused is not imported, and costs nothing. */
static u64 decoded_bytes(const char *path)
{
	struct cap_reader *reader = NULL;
	struct damage_walk walk = {0};
	struct cap_block block;
	FILE *file = fopen(path, "r");
	u64 bytes = 0;

	must(file, path);
	walk_fd(fileno(file), true, &walk);
	must(walk_is_clean(&walk) && walk.damage.columns_rejected == 0, "a capture with damage");
	walk_done(&walk);
	must(fclose(file) == 0, path);
	must(cap_reader_open(path, NULL, &reader, NULL) == 0, path);
	while (cap_reader_next(reader, &block, NULL) == 1)
		bytes += block.raw_len;
	(void)cap_reader_close(reader);
	return bytes;
}

static u64 import_work(struct report *report, const char *path, const char *database)
{
	const struct kymo_import_options options = {
		.paths = &path, .path_count = 1, .output = database, .force = true};
	struct kymo_import_result result;
	struct cap_err err = {0};
	u64 before = work_steps;

	if (kymo_import_files(&options, &result, &err) < 0)
		report_failed(report, "import: %s", err.text);
	return work_steps - before;
}

static u64 file_bytes(const char *path)
{
	struct stat info;

	must(stat(path, &info) == 0, path);
	return (u64)info.st_size;
}

struct stack_figures {
	double worst_ratio, most_steps, most_row_bytes; /* the last two per decoded byte */
};

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void check_shape(struct report *report, enum shape shape, u32 samples, const char *folder,
			struct stack_figures *figures)
{
	char paths[2][128], database[128];
	double ratio, steps, row_bytes, row_ratio, bytes;
	u64 work[2], written[2];

	(void)snprintf(database, sizeof(database), "%s/db", folder);
	report_case(report, "%s, %u and %u", shape_names[shape], samples, 2 * samples);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%d-%d.kymo", folder, (int)shape, i);
		write_stacks(paths[i], shape, samples << i);
		work[i] = import_work(report, paths[i], database);
		written[i] = file_bytes(database);
	}
	bytes = (double)decoded_bytes(paths[1]);
	ratio = (double)work[1] / (double)work[0];
	row_ratio = (double)written[1] / (double)written[0];
	steps = (double)work[1] / bytes;
	row_bytes = (double)written[1] / bytes;
	printf("%s: twice as many take %.2f times the work and %.2f times the database; %.1f steps "
	       "and %.1f bytes of database per byte of %.1f MB\n",
	       shape_names[shape], ratio, row_ratio, steps, row_bytes, bytes / 1e6);
	if (ratio > STACK_RATIO)
		report_failed(report, "twice as many take %.2f times the work", ratio);
	if (row_ratio > STACK_RATIO)
		report_failed(report, "twice as many make a database %.2f times as large",
			      row_ratio);
	if (steps > STEPS_PER_BYTE)
		report_failed(report, "%.1f steps per byte", steps);
	if (row_bytes > ROW_BYTES_PER_BYTE)
		report_failed(report, "%.1f bytes of database per byte", row_bytes);
	figures->worst_ratio = larger(ratio, figures->worst_ratio);
	figures->most_steps = larger(steps, figures->most_steps);
	figures->most_row_bytes = larger(row_bytes, figures->most_row_bytes);
	(void)unlink(paths[0]);
	(void)unlink(paths[1]);
	(void)unlink(database);
}

/* Comb stacks are short on average and share a spine: more of them. */
static const u32 stack_samples[SHAPES] = {120, 200, 12000};

static int check_flooding(bool full, bool sanitize)
{
	struct report report = {.id = "S6"};
	struct stack_figures figures = {0};
	struct rng rng = {test_seed()};
	char folder[] = "/dev/shm/kymo-flooding-XXXXXX", note[200];
	double keys = check_keys(&report, &rng);

	must(mkdtemp(folder), folder);
	for (int shape = 0; shape < SHAPES; shape++)
		check_shape(&report, (enum shape)shape,
			    stack_samples[shape] * (full ? 16 : 1) / (sanitize ? 4 : 1), folder,
			    &figures);
	(void)rmdir(folder);
	(void)snprintf(note, sizeof(note),
		       "forged keys at most %.2f times the work of others, twice the stacks at "
		       "most %.2f times, import at most %.0f steps per decoded byte",
		       keys, figures.worst_ratio, figures.most_steps);
	return report_done(&report, note);
}

static int make_stacks(const char *folder)
{
	char path[4096];

	for (int shape = 0; shape < SHAPES; shape++) {
		(void)snprintf(path, sizeof(path), "%s/%s.kymo", folder, shape_names[shape]);
		write_stacks(path, (enum shape)shape, stack_samples[shape] * 16);
		printf("%s\t%llu\n", path, (unsigned long long)decoded_bytes(path));
	}
	return 0;
}

static bool flag_set(const char *name)
{
	const char *text = getenv(name);

	return text && *text;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "S6") == 0)
		return check_flooding(flag_set("KYMO_FULL"), flag_set("KYMO_SANITIZE"));
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make_stacks(argv[2]);
	(void)fprintf(stderr, "usage: flooding_check S6, or flooding_check make DIRECTORY\n");
	return 2;
}
