/* A message's length is put in front of it when it ends: its contents move by as many bytes as the
 * length takes, one for nearly all. */
#include "analyzer/output/proto_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

#define VARINT_BYTES 10

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

void kymo_proto_done(struct kymo_proto *proto)
{
	free(proto->bytes);
	*proto = (struct kymo_proto){0};
}

void kymo_proto_clear(struct kymo_proto *proto)
{
	proto->len = 0;
	proto->depth = 0;
}

static bool reserve(struct kymo_proto *proto, size_t more)
{
	size_t capacity = proto->capacity ? proto->capacity : 512;
	unsigned char *grown;

	if (proto->failed)
		return false;
	if (more <= proto->capacity - proto->len)
		return true;
	while (capacity - proto->len < more)
		capacity *= 2;
	grown = realloc(proto->bytes, capacity);
	if (!grown) {
		proto->failed = true;
		return false;
	}
	proto->bytes = grown;
	proto->capacity = capacity;
	return true;
}

static size_t put_varint(unsigned char *bytes, u64 value)
{
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[len++] = (unsigned char)(value | 0x80);
	bytes[len++] = (unsigned char)value;
	return len;
}

static void add_varint(struct kymo_proto *proto, u64 value)
{
	if (reserve(proto, VARINT_BYTES))
		proto->len += put_varint(proto->bytes + proto->len, value);
}

static void add_tag(struct kymo_proto *proto, unsigned field, enum wire_type type)
{
	add_varint(proto, (u64)field << 3 | type);
}

void kymo_proto_uint(struct kymo_proto *proto, unsigned field, u64 value)
{
	add_tag(proto, field, WIRE_VARINT);
	add_varint(proto, value);
}

void kymo_proto_bytes(struct kymo_proto *proto, unsigned field, const void *bytes, size_t len)
{
	add_tag(proto, field, WIRE_BYTES);
	add_varint(proto, len);
	if (len == 0 || !reserve(proto, len))
		return;
	memcpy(proto->bytes + proto->len, bytes, len);
	proto->len += len;
}

void kymo_proto_string(struct kymo_proto *proto, unsigned field, const char *text)
{
	kymo_proto_bytes(proto, field, text, strlen(text));
}

void kymo_proto_name(struct kymo_proto *proto, unsigned field, const char *text, size_t len)
{
	kymo_proto_begin(proto, field);
	for (size_t at = 0; at < len && reserve(proto, KYMO_VISIBLE_BYTES);) {
		struct kymo_visible visible = kymo_visible_next(text + at, len - at);

		memcpy(proto->bytes + proto->len, visible.text, visible.len);
		proto->len += visible.len;
		at += visible.consumed;
	}
	kymo_proto_end(proto);
}

void kymo_proto_begin(struct kymo_proto *proto, unsigned field)
{
	assert(proto->depth < KYMO_PROTO_MAX_DEPTH);
	add_tag(proto, field, WIRE_BYTES);
	proto->begins[proto->depth++] = proto->len;
}

void kymo_proto_end(struct kymo_proto *proto)
{
	unsigned char length[VARINT_BYTES];
	size_t begin, length_len;

	assert(proto->depth > 0);
	begin = proto->begins[--proto->depth];
	if (proto->failed || !reserve(proto, VARINT_BYTES))
		return;
	length_len = put_varint(length, proto->len - begin);
	memmove(proto->bytes + begin + length_len, proto->bytes + begin, proto->len - begin);
	memcpy(proto->bytes + begin, length, length_len);
	proto->len += length_len;
}

void kymo_proto_packed(struct kymo_proto *proto, u64 value)
{
	add_varint(proto, value);
}

int kymo_proto_flush(struct kymo_proto *proto, FILE *out)
{
	if (proto->failed)
		return -ENOMEM;
	(void)fwrite_unlocked(proto->bytes, 1, proto->len, out);
	kymo_proto_clear(proto);
	return 0;
}
