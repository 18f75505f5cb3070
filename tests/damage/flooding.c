/*
 * Keys are forged against each table's hash as it is without a seed: with one, they must cost what
 * others cost. Worst-case stacks are written by the product's writer at two sizes; twice as much
 * may take little more than twice as long. Ratios are medians of interleaved runs; what is asserted
 * leaves room for a busy machine.
 */
#include "flooding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/capture/blob_table.h"
#include "analyzer/stats/id_map.h"
#include "analyzer/db/import_files.h"
#include "analyzer/stats/count_map.h"
#include "analyzer/stats/stack_tree.h"
#include "damage_kit.h"
#include "formats/write/capture_writer.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"

#define KEYS 2000u
#define SAME_BITS 0xfffu /* slots of a table with so many keys: 4096 */
#define RUNS 3
#define ALLOWED_RATIO 3.5 /* the promise is 2.3 */
#define ALLOWED_RATE \
	5.0 /* MB/s of decoded blocks; the promise is 20, on a machine that does nothing else */
#define TREE_OFFSET_BASIS 0xcbf29ce484222325ull

static double cpu_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* cannot fail for this clock */
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

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
	struct kymo_id_map map = {0};

	for (u32 i = 0; i < KEYS; i++)
		must(kymo_id_map_put(&map, second ? 0 : keys[i], second ? keys[i] : 0, i + 1) == 0,
		     "put");
	for (u32 i = 0; i < KEYS; i++)
		must(kymo_id_map_get(&map, second ? 0 : keys[i], second ? keys[i] : 0) > 0, "get");
	kymo_id_map_done(&map);
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
	struct kymo_count_map map = {0};

	for (u32 i = 0; i < KEYS * 2; i++)
		must(kymo_count_map_add(&map, keys[i % KEYS], 0, 1) == 0, "count");
	kymo_count_map_done(&map);
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

static double time_of(void (*fill)(const u64 *), const u64 *keys)
{
	double began = cpu_seconds();

	fill(keys);
	return cpu_seconds() - began;
}

static double check_keys(struct report *report, struct rng *rng)
{
	static u64 forged[KEY_KINDS][KEYS], plain[KEYS];
	double worst = 0;

	draw_keys(0, false, rng, plain);
	for (int kind = 0; kind < KEY_KINDS; kind++)
		draw_keys(kind, true, rng, forged[kind]);
	for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
		double ratios[RUNS], ratio;

		report_case(report, "%s", fillings[i].name);
		for (int run = 0; run < RUNS; run++) {
			double without = time_of(fillings[i].fill, plain);

			ratios[run] = time_of(fillings[i].fill, forged[fillings[i].kind]) / without;
		}
		ratio = median(ratios, RUNS);
		if (ratio > ALLOWED_RATIO)
			report_failed(report, "forged keys take %.1f times as long as others",
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

	if (shape == SHAPE_ROOT)
		stack = cap_chunk_stack(chunk, 0,
					cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 4096));
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

static u64 decoded_bytes(const char *path)
{
	struct cap_reader *reader = NULL;
	struct cap_block block;
	u64 bytes = 0;

	must(cap_reader_open(path, NULL, &reader, NULL) == 0, path);
	while (cap_reader_next(reader, &block, NULL) == 1)
		bytes += block.raw_len;
	(void)cap_reader_close(reader);
	return bytes;
}

static double import_seconds(struct report *report, const char *path, const char *database)
{
	const struct kymo_import_options options = {
		.paths = &path, .path_count = 1, .output = database, .force = true};
	struct kymo_import_result result;
	struct cap_err err = {0};
	double began = cpu_seconds();

	if (kymo_import_files(&options, &result, &err) < 0)
		report_failed(report, "import: %s", err.text);
	return cpu_seconds() - began;
}

struct stack_figures {
	double worst_ratio, lowest_rate;
};

static void check_shape(struct report *report, enum shape shape, u32 samples, const char *folder,
			struct stack_figures *figures)
{
	char paths[2][128], database[128];
	double ratios[RUNS], rates[RUNS], ratio, rate;
	u64 bytes;

	(void)snprintf(database, sizeof(database), "%s/db", folder);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%d-%d.kymo", folder, (int)shape, i);
		write_stacks(paths[i], shape, samples << i);
	}
	bytes = decoded_bytes(paths[1]);
	report_case(report, "%s, %u and %u", shape_names[shape], samples, 2 * samples);
	for (int run = 0; run < RUNS; run++) {
		double once = import_seconds(report, paths[0], database),
		       twice = import_seconds(report, paths[1], database);

		ratios[run] = twice / once;
		rates[run] = (double)bytes / 1e6 / twice;
	}
	ratio = median(ratios, RUNS);
	rate = median(rates, RUNS);
	printf("%s: twice as many take %.2f times as long, %.0f MB/s of %.1f MB\n",
	       shape_names[shape], ratio, rate, (double)bytes / 1e6);
	if (ratio > ALLOWED_RATIO)
		report_failed(report, "twice as many take %.2f times as long", ratio);
	if (rate < ALLOWED_RATE)
		report_failed(report, "%.1f MB/s", rate);
	figures->worst_ratio = ratio > figures->worst_ratio ? ratio : figures->worst_ratio;
	figures->lowest_rate = figures->lowest_rate == 0 || rate < figures->lowest_rate
				       ? rate
				       : figures->lowest_rate;
	(void)unlink(paths[0]);
	(void)unlink(paths[1]);
	(void)unlink(database);
}

int check_flooding(bool full, bool sanitize)
{
	/* comb stacks are short on average and share a spine: more of them */
	static const u32 samples[SHAPES] = {120, 200, 12000};
	struct report report = {.id = "S6"};
	struct stack_figures figures = {0};
	struct rng rng = {test_seed()};
	char folder[] = "/dev/shm/kymo-flooding-XXXXXX", note[200];
	double keys = check_keys(&report, &rng);

	must(mkdtemp(folder), folder);
	for (int shape = 0; shape < SHAPES; shape++)
		check_shape(&report, (enum shape)shape,
			    samples[shape] * (full ? 16 : 1) / (sanitize ? 4 : 1), folder,
			    &figures);
	(void)rmdir(folder);
	(void)snprintf(note, sizeof(note),
		       "forged keys at most %.1f times the time of others, twice the stacks at "
		       "most %.2f times, import at least %.0f MB/s decoded",
		       keys, figures.worst_ratio, figures.lowest_rate);
	return report_done(&report, note);
}
