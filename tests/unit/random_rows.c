/* Random rows, a small capture of them, and digests of what was meant. See random_rows.h. */
#include "random_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "formats/base/cleanup.h"
#include "formats/base/limits.h"

#define DIGEST_START 0xcbf29ce484222325ull
#define MAX_ROW_BYTES 256

u64 rng_next(struct rng *rng)
{
	u64 value = rng->state += 0x9e3779b97f4a7c15ull; /* splitmix64 */

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
	return value ^ (value >> 31);
}

u64 rng_below(struct rng *rng, u64 bound)
{
	return rng_next(rng) % bound;
}

u64 test_seed(void)
{
	static u64 seed; /* one for all tests of a program, so that one number replays them */
	const char *text = getenv("TEST_SEED");
	struct timespec ts;

	if (seed)
		return seed;
	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
	seed = text ? strtoull(text, NULL, 0) : (u64)ts.tv_sec * 1000000007ull ^ (u64)ts.tv_nsec;
	printf("TEST_SEED=%llu\n", (unsigned long long)seed);
	(void)fflush(stdout); /* before what goes to stderr */
	return seed;
}

u64 digest_bytes(u64 digest, const void *bytes, size_t len)
{
	const u8 *at = bytes;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ at[i]) * 0x100000001b3ull;
	return digest;
}

u64 digest_u64(u64 digest, u64 value)
{
	return digest_bytes(digest, &value, sizeof(value));
}

static u64 digest_string(u64 digest, const void *bytes, size_t len)
{
	return digest_bytes(digest_u64(digest, len), bytes, len);
}

static u64 digest_task(u64 digest, const struct cap_task *task)
{
	digest = digest_u64(digest, task->leader_start_ns);
	digest = digest_u64(digest, task->tgid);
	digest = digest_u64(digest, task->tid);
	digest = digest_u64(digest, task->exec_id);
	return digest_bytes(digest, task->comm, sizeof(task->comm));
}

/* -------- things that rows refer to, each a function of its number -------- */

/* Bytes, not text: every value occurs, NUL and 0xFF included. */
static size_t nth_string(u64 number, u8 bytes[64])
{
	struct rng rng = {number * 77};
	size_t len = 1 + rng_below(&rng, 40);

	for (size_t i = 0; i < len; i++)
		bytes[i] = number % 2 ? (u8)rng_next(&rng) : (u8)('a' + rng_below(&rng, 26));
	return len;
}

static struct cap_task nth_task(u64 number)
{
	struct rng rng = {number * 131};
	struct cap_task task = {.leader_start_ns = rng_next(&rng) >> (number % 40),
				.tgid = (u32)rng_next(&rng),
				.tid = (u32)rng_next(&rng),
				.exec_id = (u32)rng_below(&rng, 9)};

	(void)snprintf(task.comm, sizeof(task.comm), "task-%llu",
		       (unsigned long long)number % 1000000);
	return task;
}

static u32 draw_frame(struct row_maker *maker, struct cap_chunk *chunk, u64 *digest)
{
	enum cap_space space = (enum cap_space)(1 + rng_below(&maker->rng, 3));
	u64 number = rng_below(&maker->rng, maker->variety);
	u64 offset = maker->benign ? number * 16 : number * 0x9e3779b97f4a7c15ull;
	u8 bytes[64];
	size_t len = 0;
	u32 object = 0;

	if (space == CAP_SPACE_MODULE) {
		len = nth_string(number, bytes);
		object = cap_chunk_string(chunk, bytes, len);
	}
	*digest = digest_u64(*digest, (u64)space);
	*digest = digest_string(*digest, bytes, len);
	*digest = digest_u64(*digest, offset);
	return cap_chunk_frame(chunk, space, object, offset);
}

static u64 draw_stack(struct row_maker *maker, struct cap_chunk *chunk, u64 *digest)
{
	u64 depth = rng_below(&maker->rng, maker->benign ? 4 : 30);
	u32 stack = 0;
	u64 inner = DIGEST_START;

	for (u64 i = 0; i < depth; i++) {
		u64 frame_digest = inner;
		u32 frame = draw_frame(maker, chunk, &frame_digest);

		stack = cap_chunk_stack(chunk, stack, frame);
		inner = frame_digest;
	}
	*digest = digest_u64(*digest, inner);
	return stack;
}

/* A copy is a function of its number: drawing one must not change what other fields get. */
struct made_copy {
	struct cap_copy copy;
	u32 word_count;
	struct {
		u64 address, value;
	} words[40]; /* outermost first */
};

static struct made_copy nth_copy(u64 number)
{
	struct rng rng = {number * 193};
	u64 top = 0x7ffd00000000ull + 0x100000 * (number % 3);
	struct made_copy made = {0};
	u64 address = top - 8 * rng_below(&rng, 100), code = 0x555500001000ull;

	for (u64 i = rng_below(&rng, 41); i > 0 && number % 5; i--) {
		address -= 8 * (1 + (rng_below(&rng, 4) ? rng_below(&rng, 9) : 0));
		made.words[made.word_count].address = address;
		made.words[made.word_count++].value = rng_below(&rng, 2)
							      ? address + 8 * rng_below(&rng, 50)
							      : code + 16 * rng_below(&rng, 90);
	}
	if (number % 7 == 6 && made.word_count) /* what no recorder writes must survive, too */
		made.words[0].value = rng_next(&rng);
	made.copy = (struct cap_copy){.ip = code + rng_below(&rng, 4096),
				      .sp = address - 8 * rng_below(&rng, 4) - number % 2,
				      .top = top,
				      .bp = number % 4 ? address : 1,
				      .bx = rng_below(&rng, 2),
				      .r12 = code + rng_below(&rng, 4),
				      .r15 = number % 11 ? 0 : rng_next(&rng),
				      .holes = number % 3 ? 0 : rng_below(&rng, 16),
				      .flags = (u32)rng_below(&rng, 64)};
	return made;
}

static u64 digest_registers(u64 digest, const struct cap_copy *copy)
{
	const u64 values[] = {copy->ip,	 copy->sp,  copy->top, copy->bp,    copy->bx,	copy->r12,
			      copy->r13, copy->r14, copy->r15, copy->holes, copy->flags};

	return digest_bytes(digest, values, sizeof(values));
}

static u32 draw_copy(u64 number, struct cap_chunk *chunk, u64 *digest)
{
	struct made_copy made = nth_copy(number);
	u64 above = made.copy.top;

	*digest = digest_registers(*digest, &made.copy);
	for (u32 i = 0; i < made.word_count; i++) {
		u64 address = made.words[i].address;

		made.copy.word =
			cap_chunk_word(chunk, made.copy.word, (u32)((above - address) / 8 - 1),
				       address, made.words[i].value);
		above = address;
	}
	for (u32 i = made.word_count; i-- > 0;) {
		*digest = digest_u64(*digest, made.words[i].address);
		*digest = digest_u64(*digest, made.words[i].value);
	}
	return cap_chunk_copy(chunk, &made.copy);
}

static u64 draw_number(struct row_maker *maker, unsigned width_bytes)
{
	u64 mask = width_bytes == 8 ? UINT64_MAX : (1ull << (8 * width_bytes)) - 1;
	u64 pick = rng_below(&maker->rng, maker->benign ? 2 : 6);
	u64 value;

	if (pick == 0)
		value = 0;
	else if (pick == 1)
		value = rng_below(&maker->rng, 1000);
	else if (pick == 2)
		value = UINT64_MAX; /* -1, or the largest of its width */
	else if (pick == 3)
		value = 1ull << (8 * width_bytes - 1); /* the smallest signed number */
	else
		value = rng_next(&maker->rng) >> rng_below(&maker->rng, 64);
	return value & mask;
}

static u64 draw_time(struct row_maker *maker)
{
	maker->time_ns += rng_below(&maker->rng, 5000);
	if (rng_below(&maker->rng, 16) == 0 && maker->time_ns > 10000)
		maker->time_ns -=
			rng_below(&maker->rng, 10000); /* kernel clocks may step back a little */
	return maker->time_ns;
}

/* The value to store in the row, its meaning added to the digest. */
static u64 draw_field(struct row_maker *maker, struct cap_chunk *chunk,
		      const struct cap_field *field, u64 *digest)
{
	u64 number = rng_below(&maker->rng, maker->variety);
	struct cap_task task;
	u8 bytes[64];
	size_t len;
	u64 value;

	switch (field->kind) {
	case CAP_KIND_TASK:
		task = nth_task(number);
		*digest = digest_task(*digest, &task);
		return cap_chunk_task(chunk, &task);
	case CAP_KIND_STRING:
	case CAP_KIND_BYTES:
		len = number ? nth_string(number, bytes) : 0;
		*digest = digest_string(*digest, bytes, len);
		return len ? cap_chunk_string(chunk, bytes, len) : 0;
	case CAP_KIND_STACK:
		return draw_stack(maker, chunk, digest);
	case CAP_KIND_COPY:
		if (number)
			return draw_copy(number, chunk, digest);
		value = 0;
		break;
	case CAP_KIND_TIME:
		value = draw_time(maker);
		break;
	default:
		value = draw_number(maker, field->width_bytes);
		break;
	}
	*digest = digest_u64(*digest, value);
	return value;
}

u64 row_maker_add(struct row_maker *maker, struct cap_chunk *chunk, const struct cap_type *type,
		  int *ret_rc)
{
	_Alignas(8) u8 row[MAX_ROW_BYTES] = {0};
	u64 digest = digest_u64(DIGEST_START, type->id);

	for (size_t i = 0; i < type->field_count; i++) {
		const struct cap_field *field = &type->fields[i];
		u64 value = draw_field(maker, chunk, field, &digest);

		memcpy(row + field->row_offset, &value,
		       field->width_bytes); /* both sides little-endian */
	}
	*ret_rc = cap_chunk_add(chunk, (enum ev_type)type->id, row);
	return *ret_rc < 0 ? 0 : digest;
}

/* -------- the same digests from what a reader returns -------- */

static u64 digest_stack(u64 digest, const struct cap_rows *rows, u64 stack)
{
	u32 path[CAP_MAX_STACK_DEPTH];
	unsigned depth = 0;
	u64 inner = DIGEST_START;

	for (; stack && depth < CAP_MAX_STACK_DEPTH; stack = rows->stacks[stack].parent)
		path[depth++] = rows->stacks[stack].frame;
	while (depth) {
		const struct cap_frame *frame = &rows->frames[path[--depth]];
		const struct cap_string *object = &rows->strings[frame->object];

		inner = digest_u64(inner, frame->space);
		inner = digest_string(inner, object->bytes, frame->object ? object->len : 0);
		inner = digest_u64(inner, frame->offset);
	}
	return digest_u64(digest, inner);
}

static u64 digest_copy(u64 digest, const struct cap_rows *rows, u64 copy)
{
	struct cap_word_walk walk = cap_copy_words(rows, (u32)copy);
	u64 address, value;

	digest = digest_registers(digest, &rows->copies[copy]);
	while (cap_word_next(&walk, &address, &value) == 1) {
		digest = digest_u64(digest, address);
		digest = digest_u64(digest, value);
	}
	return digest;
}

u64 row_digest(const struct cap_rows *rows, const struct cap_section *section,
	       const struct cap_type *type, u64 *const *columns, u32 index)
{
	u64 digest = digest_u64(DIGEST_START, section->type_id);

	for (size_t i = 0; i < type->field_count; i++) {
		const struct cap_field *field = &type->fields[i];
		u64 value = columns[i] ? columns[i][index] : 0;

		if (field->width_bytes < 8)
			value &= (1ull << (8 * field->width_bytes)) - 1;
		switch (field->kind) {
		case CAP_KIND_TASK:
			digest = digest_task(digest, &rows->tasks[value]);
			break;
		case CAP_KIND_STRING:
		case CAP_KIND_BYTES:
			digest = digest_string(digest, rows->strings[value].bytes,
					       value ? rows->strings[value].len : 0);
			break;
		case CAP_KIND_STACK:
			digest = digest_stack(digest, rows, value);
			break;
		case CAP_KIND_COPY:
			digest = value ? digest_copy(digest, rows, value) : digest_u64(digest, 0);
			break;
		default:
			digest = digest_u64(digest, value);
			break;
		}
	}
	return digest;
}

static long section_digests(const struct cap_rows *rows, const struct cap_section *section,
			    const struct cap_type *type, u64 *digests)
{
	u64 *columns[256] = {0};
	long rc = 0;

	for (size_t i = 0; i < type->field_count && rc >= 0; i++) {
		const struct cap_column *column = cap_section_column(section, type->fields[i].id);

		if (!column)
			continue;
		columns[i] = calloc(section->row_count ? section->row_count : 1, sizeof(u64));
		rc = columns[i] ? cap_column_decode(rows, section, column, columns[i]) : -ENOMEM;
	}
	for (u32 index = 0; index < section->row_count && rc >= 0; index++)
		digests[index] = row_digest(rows, section, type, columns, index);
	for (size_t i = 0; i < type->field_count; i++)
		free(columns[i]);
	return rc < 0 ? rc : (long)section->row_count;
}

long block_row_digests(struct cap_reader *reader, const struct cap_rows *rows, u64 **ret_digests)
{
	CLEANUP(cap_freep) u64 *digests = NULL;
	size_t total = 0, done = 0;

	(void)reader;
	for (u32 i = 0; i < rows->section_count; i++)
		total += rows->sections[i].row_count;
	digests = calloc(total ? total : 1, sizeof(*digests));
	if (!digests)
		return -ENOMEM;
	for (u32 i = 0; i < rows->section_count; i++) {
		const struct cap_section *section = &rows->sections[i];
		const struct cap_type *type =
			cap_schema_type(cap_schema_builtin(), section->type_id);
		long count = type ? section_digests(rows, section, type, digests + done) : 0;

		if (count < 0)
			return count;
		done += (size_t)count;
	}
	*ret_digests = TAKE(digests);
	return (long)done;
}

/* -------- a small capture -------- */

int memory_file(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC);
}

int reader_of_fd(int fd, enum cap_read_mode mode, struct cap_reader **ret_reader,
		 struct cap_err *err)
{
	struct cap_reader_options options = {.mode = mode};
	int own = dup(fd);

	if (own < 0)
		return cap_fail_errno(err, errno, "dup");
	(void)lseek(own, 0, SEEK_SET); /* a memory file can always be sought */
	return cap_reader_open_fd(own, "memory", &options, ret_reader, err);
}

/* Mappings are events, and key-frames too. */
static bool stands_in(const struct cap_type *type, u32 block)
{
	return type->block == block || (type->id == EV_MAPPING && block == CAP_BLOCK_MAPS);
}

static int write_block_of(struct cap_writer *writer, struct row_maker *maker, u32 block,
			  unsigned rows, struct cap_totals *totals, struct cap_err *err)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_chunk *chunk = cap_chunk_new();
	int rc = chunk ? 0 : -ENOMEM;
	u32 stored;

	for (unsigned n = 0; n < rows && rc >= 0; n++) {
		for (size_t i = 0; i < schema->type_count && rc >= 0; i++) {
			if (schema->types[i].id <= maker->types_to &&
			    stands_in(&schema->types[i], block))
				(void)row_maker_add(maker, chunk, &schema->types[i], &rc);
		}
	}
	if (rc >= 0) {
		stored = cap_chunk_rows(chunk);
		if (block == CAP_BLOCK_CHUNK) {
			totals->attempted_count += stored;
			totals->stored_count += stored;
		}
		rc = cap_writer_rows(writer, (enum cap_block_type)block, chunk, totals, err);
	}
	cap_chunk_free(chunk);
	return rc;
}

int small_capture_write(const struct small_capture *plan, int fd, struct cap_err *err)
{
	static const u32 before[] = {CAP_BLOCK_META,  CAP_BLOCK_CLOCK, CAP_BLOCK_PROBES,
				     CAP_BLOCK_PROCS, CAP_BLOCK_MAPS,  CAP_BLOCK_MODULES};
	static const u32 after[] = {CAP_BLOCK_SYMBOLS, CAP_BLOCK_MARK, CAP_BLOCK_STATS};
	struct row_maker maker = {.rng = {plan->seed},
				  .time_ns = 1000000000,
				  .variety = 6,
				  .benign = true,
				  .types_to = plan->types_to ? plan->types_to : EV_TYPE_MAX};
	struct cap_writer_options options = {
		.fd = fd, .write = plan->write, .write_context = plan->write_context};
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = 1000000000,
				     .boottime_ns = 1000000000,
				     .cpu_count = 2,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .hostname = "test-host",
				     .kernel_release = "6.1.0-test",
				     .tool_version = "random_rows 1"};
	struct cap_totals totals = {0};
	struct cap_writer *writer = NULL;
	int rc;

	for (int i = 0; i < 16; i++) { /* fixed, so that the same seed gives the same bytes */
		info.session_uuid[i] = (u8)(i + 1);
		info.file_uuid[i] = (u8)(plan->seed + (u64)i + 1);
		info.boot_id[i] = (u8)(i + 100);
	}
	rc = cap_writer_new(&options, &info, &writer, err);
	if (rc >= 0)
		rc = cap_writer_begin(writer, err);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]) && rc >= 0; i++)
		rc = write_block_of(writer, &maker, before[i], 2, &totals, err);
	for (unsigned i = 0; i < plan->chunks && rc >= 0; i++)
		rc = write_block_of(writer, &maker, CAP_BLOCK_CHUNK, plan->rows, &totals, err);
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]) && rc >= 0; i++)
		rc = write_block_of(writer, &maker, after[i], 2, &totals, err);
	if (rc >= 0 && !plan->unfinished)
		rc = cap_writer_end(writer, CAP_END_NORMAL, &totals, err);
	cap_writer_free(writer);
	return rc;
}

u64 block_digest(struct cap_reader *reader, const struct cap_block *block)
{
	u64 digest = digest_u64(block->type, block->seq);
	struct cap_rows rows;
	u64 *digests = NULL;
	long count;

	if (!block->row_count)
		return digest_u64(digest, block->size_bytes);
	if (cap_reader_rows(reader, &rows, NULL) < 0)
		return 0;
	count = block_row_digests(reader, &rows, &digests);
	for (long i = 0; i < count; i++)
		digest = digest_u64(digest, digests[i]);
	free(digests);
	return digest;
}
