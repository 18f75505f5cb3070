/*
 * Writes a sound capture whose every name tries to break out of where it is shown: markup, terminal
 * escapes, separators of other formats, invalid UTF-8, format directives, SQL. Usage: make_hostile
 * FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/capture_writer.h"
#include "formats/limits.h"
#include "formats/schema.h"

static const char long_name[300] = {[0 ... 298] = 'A'};

static const char *const names[] = {
	"</script><script>alert(1)</script>",
	"\"><svg onload=alert(1)>",
	"' onmouseover='alert(1)",
	"<![CDATA[x]]>",
	"--><!--",
	"&lt;&#x3c;&",
	"javascript:alert(1)",
	"\x1b[31mred\x1b[0m",
	"\x1b]0;title\x07",
	"\x9b"
	"31m",
	"bell\x07 back\b\b tab\t",
	"line\nbreak\r\nreturn",
	"semi;colon;frames 99",
	"ends in space 7 ",
	"=cmd|'/c calc'!A1",
	"+1+1",
	"-2",
	"@SUM(1)",
	"a,b\"c\"",
	"'; DROP TABLE syscall; --",
	"%s%s%n%x",
	"../../../etc/passwd",
	"\xff\xfe\xc0\x80",
	"\xed\xa0\x80 surrogate",
	"\xe2\x80\xae gnp.exe",
	"\xe2\x80\xa8 line separator",
	"\xef\xbb\xbf bom",
	"{\"json\": [\"\\u0000\"]}",
	"\\",
	"_[k]",
	"[unknown]",
	" ",
	long_name,
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void need(int sound)
{
	if (!sound) {
		(void)fprintf(stderr, "make_hostile: a step failed\n");
		exit(1);
	}
}

static u32 name_in(struct cap_chunk *chunk, size_t i)
{
	return cap_chunk_string(chunk, names[i % NAMES], strlen(names[i % NAMES]));
}

static struct cap_task task_of(size_t i)
{
	struct cap_task task = {.leader_start_ns = 1000 + i,
				.tgid = (u32)(100 + i),
				.tid = (u32)(100 + i),
				.exec_id = 1};

	memcpy(task.comm, names[i], strnlen(names[i], sizeof(task.comm) - 1));
	return task;
}

/* A row of a type with every reference set to hostile name i, whatever its fields are called. */
static void add_row(struct cap_chunk *chunk, const struct cap_type *type, size_t i, u32 task,
		    u32 stack)
{
	_Alignas(8) u8 row[256] = {0};

	for (size_t k = 0; k < type->field_count; k++) {
		const struct cap_field *field = &type->fields[k];
		u64 value = 0;

		if (field->kind == CAP_KIND_STRING || field->kind == CAP_KIND_BYTES)
			value = name_in(chunk, i + k);
		else if (field->kind == CAP_KIND_TASK)
			value = task;
		else if (field->kind == CAP_KIND_STACK)
			value = stack;
		else if (field->kind == CAP_KIND_TIME)
			value = 1000000000ull + i * 1000000;
		else if (strcmp(field->name, "start_address") == 0)
			value = 0x400000;
		else if (strcmp(field->name, "size_bytes") == 0)
			value = 0x10000;
		else if (strcmp(field->name, "period") == 0 || field->kind == CAP_KIND_DURATION)
			value = 1000;
		memcpy(row + field->row_offset, &value, field->width_bytes);
	}
	need(cap_chunk_add(chunk, (enum ev_type)type->id, row) == 0);
}

static void write_block(struct cap_writer *writer, u32 block)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_chunk *chunk = cap_chunk_new();
	struct cap_totals totals = {0};

	need(chunk != NULL);
	for (size_t i = 0; i < NAMES; i++) {
		struct cap_task identity = task_of(i);
		u32 task = cap_chunk_task(chunk, &identity);
		u32 user = cap_chunk_frame(chunk, CAP_SPACE_USER, 0, 0x400100 + i);
		u32 module = cap_chunk_frame(chunk, CAP_SPACE_MODULE, name_in(chunk, i), 0x10 + i);
		u32 stack = cap_chunk_stack(chunk, cap_chunk_stack(chunk, 0, user), module);

		for (size_t t = 0; t < schema->type_count; t++) {
			const struct cap_type *type = &schema->types[t];

			if (type->block == block ||
			    (type->id == EV_MAPPING && block == CAP_BLOCK_MAPS))
				add_row(chunk, type, i, task, stack);
		}
	}
	need(cap_chunk_failed(chunk) == 0);
	totals.attempted_count = totals.stored_count = cap_chunk_rows(chunk);
	need(cap_writer_rows(writer, (enum cap_block_type)block, chunk, &totals, NULL) == 0);
	cap_chunk_free(chunk);
}

int main(int argc, char **argv)
{
	static const u32 blocks[] = {CAP_BLOCK_META,	CAP_BLOCK_CLOCK, CAP_BLOCK_PROBES,
				     CAP_BLOCK_PROCS,	CAP_BLOCK_MAPS,	 CAP_BLOCK_MODULES,
				     CAP_BLOCK_SYMBOLS, CAP_BLOCK_CHUNK, CAP_BLOCK_MARK,
				     CAP_BLOCK_STATS};
	struct cap_file_info info = {.realtime_ns = 1700000000000000000ull,
				     .monotonic_ns = 1000000000,
				     .boottime_ns = 1000000000,
				     .cpu_count = 1,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12,
				     .hostname = "\x1b[2J<b>host</b>",
				     .kernel_release = "6.1\"'><x>",
				     .tool_version = "evil %n \xff"};
	struct cap_writer_options options = {.fd = -1};
	struct cap_totals totals = {0};
	struct cap_writer *writer = NULL;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: make_hostile FILE\n");
		return 2;
	}
	options.fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	need(options.fd >= 0);
	need(cap_writer_new(&options, &info, &writer, NULL) == 0 &&
	     cap_writer_begin(writer, NULL) == 0);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		write_block(writer, blocks[i]);
	need(cap_writer_end(writer, CAP_END_NORMAL, &totals, NULL) == 0);
	cap_writer_free(writer);
	return close(options.fd) ? 1 : 0;
}
