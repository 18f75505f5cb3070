/*
 * A capture that holds canaries wherever something private could be: in every text of every row
 * type, in names of tasks, arguments, addresses, words and registers of stacks, in blocks, rows,
 * fields and entries of versions to come, in names of the schema, in padding and reserved bytes.
 * Prints each with its place. Usage: make_canaries OUT share|strict; strict: also in names of
 * functions, which share keeps.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/base/block_header.h"
#include "formats/base/body_layout.h"
#include "formats/base/bytes.h"
#include "formats/base/hash.h"
#include "formats/base/limits.h"
#include "formats/table/schema.h"
#include "formats/write/capture_writer.h"

#define ROWS 7	     /* of each type */
#define NEW_TYPE 60u /* of row */
#define NEW_BLOCK 999u
#define CANARY_NUMBER 0x5afe000000000000ull

static struct {
	u8 *bytes;
	size_t len, size;
} file;
static unsigned canaries;
static bool is_strict;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "make_canaries: %s\n", what);
	exit(1);
}

/* The next canary, in one of the shapes in which such things come. */
static const char *canary(const char *where)
{
	static const char *const shapes[] = {
		"%s",
		"/home/%s/.config",
		"/srv/data/%s",
		"/opt/%s/lib/app.so",
		"relative/%s.py",
		"/tmp/%s (deleted)",
		"KEY=%s",
		"/system.slice/docker-%s.scope",
		"%s@example.org",
		"[anon:%s]",
		"/memfd:%s (deleted)",
		"https://%s/?q=1",
	};
	static char text[96];
	char name[16];

	snprintf(name, sizeof(name), "CANARY%04u", ++canaries);
	printf("%s %s\n", name, where);
	snprintf(text, sizeof(text), shapes[canaries % (sizeof(shapes) / sizeof(shapes[0]))], name);
	return text;
}

static u64 canary_number(const char *where)
{
	u64 number = CANARY_NUMBER + 0x10000ull * ++canaries + 0xcafe;

	printf("%" PRIu64 " %s\n", number, where);
	return number;
}

static long keep(void *context, int fd, const void *bytes, unsigned long len)
{
	(void)context, (void)fd;
	if (file.len + len > file.size) {
		file.size = (file.len + len) * 2;
		file.bytes = realloc(file.bytes, file.size);
		must(file.bytes, "out of memory");
	}
	memcpy(file.bytes + file.len, bytes, len);
	file.len += len;
	return (long)len;
}

/* -------- rows -------- */

static u32 put_string(struct cap_chunk *chunk, const char *text)
{
	return cap_chunk_string(chunk, text, strlen(text));
}

static u32 put_task(struct cap_chunk *chunk, const char *where, u32 number)
{
	struct cap_task task = {
		.leader_start_ns = 1000 + number, .tgid = 100 + number, .tid = 100 + number};

	/* also behind the end of the name */
	snprintf(task.comm, sizeof(task.comm), "CANARY%04u", ++canaries);
	printf("%s %s\n", task.comm, where);
	memcpy(task.comm + 11, "XYZZY", 5);
	return cap_chunk_task(chunk, &task);
}

static u32 put_copy(struct cap_chunk *chunk)
{
	const u64 top = canary_number("top of a stack") & ~7ull, sp = top - 4096;
	struct cap_copy copy = {
		.ip = canary_number("ip of a copy"), .sp = sp, .top = top, .flags = CAP_COPY_MAIN};
	u32 word = 0;

	for (u32 i = 1; i <= 5; i++)
		word = cap_chunk_word(chunk, word, 3, top - 32ull * i,
				      canary_number("word of a stack"));
	copy.bp = canary_number("bp of a copy");
	copy.r12 = canary_number("r12 of a copy");
	copy.word = word;
	return cap_chunk_copy(chunk, &copy);
}

static u32 put_stack(struct cap_chunk *chunk)
{
	u32 object = put_string(chunk, canary("name of a module in a stack"));
	u32 stack = cap_chunk_stack(
		chunk, 0, cap_chunk_frame(chunk, CAP_SPACE_USER, 0, canary_number("user frame")));

	stack = cap_chunk_stack(
		chunk, stack,
		cap_chunk_frame(chunk, CAP_SPACE_USER, 0, canary_number("user frame")));
	return cap_chunk_stack(chunk, stack, cap_chunk_frame(chunk, CAP_SPACE_MODULE, object, 64));
}

/* A value of a field that may hold something private. */
static u64 value_of(struct cap_chunk *chunk, const struct cap_type *type,
		    const struct cap_field *field, u32 row)
{
	char where[100];

	snprintf(where, sizeof(where), "%s.%s", type->name, field->name);
	switch (field->kind) {
	case CAP_KIND_STRING:
		if (!is_strict &&
		    ((type->id == EV_SYMBOL && strcmp(field->name, "name") == 0) ||
		     (type->id == EV_SOURCE_LINE && strcmp(field->name, "function") == 0)))
			return put_string(chunk, row % 2 ? "main" : "f(/home/CANARY0000/x.js:1)");
		return put_string(chunk, canary(where));
	case CAP_KIND_BYTES: /* they identify a program, not a person: share keeps them */
		return put_string(chunk,
				  is_strict ? canary(where) : "\x01\x02\x03\x04\x05\x06\x07\x08");
	case CAP_KIND_TASK:
		return put_task(chunk, where, row);
	case CAP_KIND_STACK:
		return put_stack(chunk);
	case CAP_KIND_COPY:
		return put_copy(chunk);
	case CAP_KIND_TIME:
		return 1000000000ull + row;
	case CAP_KIND_FLAGS: /* arguments were recorded; a symbol is of a process */
		return type->id == EV_SYSCALL ? EV_SYSCALL_ARGS_RECORDED : row % 2;
	case CAP_KIND_SENSE:
		return row % 5;
	case CAP_KIND_CLASS:
	case CAP_KIND_SYSNO:
		return 1;
	default:
		if (field->sensitivity == CAP_SENSE_PUBLIC)
			return 4096;
		return field->width_bytes == 8 ? canary_number(where)
					       : (canary_number(where) & 0xffffffff);
	}
}

static void add_rows(struct cap_chunk *chunk, const struct cap_type *type)
{
	for (u32 row = 0; row < ROWS; row++) {
		_Alignas(8) u8 bytes[256] = {0};

		for (size_t i = 0; i < type->field_count; i++) {
			const struct cap_field *field = &type->fields[i];
			u64 value = value_of(chunk, type, field, row);

			memcpy(bytes + field->row_offset, &value, field->width_bytes);
		}
		must(cap_chunk_add(chunk, type->id, bytes) == 0, "row");
	}
	must(cap_chunk_failed(chunk) == 0, "chunk");
}

/* -------- what later versions may write -------- */

/* The built-in schema, and a type more; calls of the machine have names of canaries. */
static void set_schema(struct cap_writer *writer)
{
	const struct cap_schema *ours = cap_schema_builtin();
	struct cap_type *types = calloc(ours->type_count + 1, sizeof(*types));
	struct cap_enum_value *enums = calloc(ours->enum_count + 2, sizeof(*enums));
	struct cap_schema schema = {.types = types, .enums = enums};
	static const struct cap_field field = {
		.id = 1, .kind = 200, .sensitivity = 9, .width_bytes = 8, .name = "CANARY0001"};
	u8 *encoded;
	size_t len;

	must(types && enums, "out of memory");
	memcpy(types, ours->types, ours->type_count * sizeof(*types));
	types[ours->type_count] = (struct cap_type){.id = NEW_TYPE,
						    .block = CAP_BLOCK_CHUNK,
						    .name = "CANARY0002",
						    .fields = &field,
						    .field_count = 1};
	schema.type_count = ours->type_count + 1;
	memcpy(enums, ours->enums, ours->enum_count * sizeof(*enums));
	enums[ours->enum_count] = (struct cap_enum_value){
		.kind = CAP_KIND_SYSNO, .value = 9999, .name = "CANARY0003"};
	enums[ours->enum_count + 1] =
		(struct cap_enum_value){.kind = 210, .value = 1, .name = "CANARY0004"};
	schema.enum_count = ours->enum_count + 2;
	canaries = 4;
	printf("CANARY0000 path in the name of a function\nCANARY0001 field\nCANARY0002 "
	       "type\nCANARY0003 call\nCANARY0004 kind\n"
	       "XYZZY behind the name of a task\n");
	must(cap_schema_encode_of(&schema, &encoded, &len) == 0, "schema");
	must(cap_writer_schema(writer, encoded, len, NULL) == 0, "schema");
	free(encoded);
	free(types);
	free(enums);
}

/* Rows of a type, and a column of a field, that are not known; texts that no row names; bytes that
 * are in no section; the reserved ones of the prologue. */
static void put_unknown_rows(struct cap_writer *writer, u64 schema_id)
{
	u8 plain[CAP_PROLOGUE_BYTES] = {0}, raw[1024] = {0};
	const char *lost = canary("a text that no row names");
	size_t lost_len = strlen(lost), at, directory = 4 + 2 * CAP_SECTION_ENTRY_BYTES;
	char spelled[96];

	strcpy(spelled, lost);
	cap_store_le(raw, 2, 4);
	at = directory; /* STRINGS */
	cap_store_le(raw + 4, CAP_SECTION_STRINGS, 2);
	cap_store_le(raw + 12, 1, 4);
	cap_store_le(raw + 16, at, 4);
	cap_store_le(raw + 20, 4 + 1 + lost_len, 4);
	cap_store_le(raw + at, 1, 4);
	raw[at + 4] = (u8)lost_len;
	memcpy(raw + at + 5, spelled, lost_len);
	at += 5 + lost_len;
	cap_store_le(raw + 28, CAP_SECTION_EVENTS, 2); /* two rows of the new type */
	cap_store_le(raw + 32, NEW_TYPE, 4);
	cap_store_le(raw + 36, 2, 4);
	cap_store_le(raw + 40, at, 4);
	cap_store_le(raw + 44, 4 + CAP_COLUMN_ENTRY_BYTES + 16, 4);
	cap_store_le(raw + at, 1, 4);
	cap_store_le(raw + at + 4, 1, 2);
	cap_store_le(raw + at + 8, 4 + CAP_COLUMN_ENTRY_BYTES, 4);
	cap_store_le(raw + at + 12, 16, 4);
	snprintf((char *)raw + at + 16, 17, "CANARY%04uabcdef", ++canaries);
	printf("CANARY%04u row of an unknown type\n", canaries);
	at += 32;
	snprintf((char *)raw + at, 16, "CANARY%04u", ++canaries);
	printf("CANARY%04u bytes of no section\n", canaries);
	at += 16;
	cap_store_le(plain, CAP_PROLOGUE_BYTES, 2);
	cap_store_le(plain + CAP_PRO_ROWS, 2, 4);
	cap_store_le(plain + CAP_PRO_SCHEMA_ID, schema_id, 8);
	snprintf((char *)plain + CAP_PRO_RESERVED, 16, "CANARY%04u", ++canaries);
	printf("CANARY%04u reserved bytes of a prologue\n", canaries);
	must(cap_writer_copy(writer,
			     &(struct cap_block_copy){.type = CAP_BLOCK_CHUNK,
						      .plain = plain,
						      .plain_len = sizeof(plain),
						      .raw = raw,
						      .raw_len = (u32)at},
			     NULL) == 0,
	     "rows");
}

static void put_unknown_blocks(struct cap_writer *writer)
{
	for (int i = 0; i < 20; i++) {
		char plain[96], raw[96];
		u32 type = NEW_BLOCK + (u32)i % 3;

		strcpy(plain, canary("plain part of an unknown block"));
		strcpy(raw, canary("frame of an unknown block"));
		type |= i % 2 ? CAP_TYPE_SKIPPABLE : 0;
		type |= i % 5 == 0 ? CAP_TYPE_PRIVATE : 0;
		must(cap_writer_copy(writer,
				     &(struct cap_block_copy){.type = type,
							      .plain = (const u8 *)plain,
							      .plain_len = (u32)strlen(plain),
							      .raw = (const u8 *)raw,
							      .raw_len = (u32)strlen(raw)},
				     NULL) == 0,
		     "block");
	}
}

/* A file header with an entry that is not known. */
static void put_file_header(struct cap_writer *writer)
{
	u8 plain[CAP_FILE_HEADER_BYTES + 24] = {0};

	cap_store_le(plain, CAP_VERSION_MAJOR, 2);
	cap_store_le(plain + 2, CAP_VERSION_MINOR, 2);
	cap_store_le(plain + 4, CAP_FILE_HEADER_BYTES, 4);
	snprintf((char *)plain + 116, 12, "CANARY%04u", ++canaries);
	printf("CANARY%04u reserved bytes of the file header\n", canaries);
	cap_store_le(plain + 128, 77, 2);
	cap_store_le(plain + 132, 10, 4);
	snprintf((char *)plain + 136, 16, "CANARY%04u", ++canaries);
	printf("CANARY%04u unknown entry of the file header\n", canaries);
	must(cap_writer_copy(writer,
			     &(struct cap_block_copy){.type = CAP_BLOCK_FILE_HEADER,
						      .flags = CAP_FLAG_REPLICA,
						      .plain = plain,
						      .plain_len = sizeof(plain)},
			     NULL) == 0,
	     "file header");
}

/* Something in the bytes between plain part and frame, checksums put right. */
static void fill_padding(void)
{
	struct cap_block_header header;

	printf("QUUX padding\n");
	for (size_t at = 0; at < file.len;
	     at += CAP_HEADER_BYTES + cap_block_payload_bytes(&header)) {
		u8 *payload = file.bytes + at + CAP_HEADER_BYTES;

		must(cap_block_header_decode(file.bytes + at, file.len - at, &header, NULL) == 0,
		     "header");
		if (header.pad_len >= 4)
			memcpy(payload + header.plain_len, "QUUX", 4);
		header.payload_hash = cap_hash(payload, cap_block_payload_bytes(&header));
		cap_block_header_encode(&header, file.bytes + at);
	}
}

int main(int argc, char **argv)
{
	const struct cap_schema *schema = cap_schema_builtin();
	struct cap_file_info info = {.realtime_ns = 1,
				     .monotonic_ns = 1,
				     .cpu_count = 2,
				     .machine = 62,
				     .word_bytes = 8,
				     .page_shift = 12};
	char host[96], kernel[96], tool[96];
	struct cap_writer *writer;
	struct cap_chunk *chunk = cap_chunk_new();
	u8 *encoded;
	size_t len;
	int fd;

	must(argc == 3 && chunk, "usage: make_canaries OUT share|strict");
	is_strict = strcmp(argv[2], "strict") == 0;
	canaries = 4;
	memcpy(info.session_uuid, "CANARYsession__0", 16);
	memcpy(info.boot_id, "CANARYbootid___0", 16);
	memcpy(info.file_uuid, "CANARYfile_____0", 16);
	printf("CANARYsession\nCANARYboot\nCANARYfile\n");
	must(cap_writer_new(&(struct cap_writer_options){.fd = -1, .write = keep}, &info, &writer,
			    NULL) == 0,
	     "writer");
	writer = cap_writer_free(writer);
	strcpy(host, canary("host name"));
	strcpy(kernel, canary("kernel release"));
	strcpy(tool, canary("tool version"));
	info.hostname = host;
	info.kernel_release = kernel;
	info.tool_version = tool;
	must(cap_writer_new(&(struct cap_writer_options){.fd = -1, .write = keep}, &info, &writer,
			    NULL) == 0,
	     "writer");
	len = canaries;
	set_schema(writer);
	canaries = (unsigned)len;
	must(cap_writer_begin(writer, NULL) == 0, "begin");
	put_file_header(writer);
	for (size_t i = 0; i < schema->type_count; i++) {
		cap_chunk_reset(chunk);
		add_rows(chunk, &schema->types[i]);
		must(cap_writer_rows(writer, schema->types[i].block, chunk, NULL, NULL) == 0,
		     "rows");
	}
	must(cap_schema_encode(&encoded, &len) == 0, "schema");
	put_unknown_rows(writer, cap_hash(encoded, len));
	free(encoded);
	put_unknown_blocks(writer);
	/* as many names of tasks as make it a thousand */
	while (canaries < 1100) {
		cap_chunk_reset(chunk);
		add_rows(chunk, &schema->types[canaries % schema->type_count]);
		must(cap_writer_rows(writer, schema->types[canaries % schema->type_count].block,
				     chunk, NULL, NULL) == 0,
		     "rows");
		canaries++;
	}
	must(cap_writer_end(writer, CAP_END_NORMAL, NULL, NULL) == 0, "end");
	writer = cap_writer_free(writer);
	fill_padding();
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, file.bytes, file.len) == (ssize_t)file.len && close(fd) == 0,
	     argv[1]);
	free(file.bytes);
	(void)cap_chunk_free(chunk);
	return 0;
}
