#pragma once
/*
 * Protocol buffers, written field by field into memory: varints, and messages whose length is known
 * when they end. One writer serves all formats that are made of them. Fields are written in the
 * order of the calls, numbers are those of the format's schema.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "formats/base/ints.h"

#define KYMO_PROTO_MAX_DEPTH 8

struct kymo_proto { /* all zero: empty */
	unsigned char *bytes;
	size_t len, capacity;
	size_t begins[KYMO_PROTO_MAX_DEPTH]; /* of open messages: where their contents begin */
	unsigned depth;
	bool failed; /* memory ran out: what was written is not whole */
};

void kymo_proto_done(struct kymo_proto *proto); /* for CLEANUP, too */
/* Forgets what was written, and keeps the memory. */
void kymo_proto_clear(struct kymo_proto *proto);

/* uint64, uint32, bool, enum; an int64 as its two's complement. */
void kymo_proto_uint(struct kymo_proto *proto, unsigned field, u64 value);
/* Bytes, or a string, which has to be UTF-8. */
void kymo_proto_bytes(struct kymo_proto *proto, unsigned field, const void *bytes, size_t len);
void kymo_proto_string(struct kymo_proto *proto, unsigned field, const char *text);
/* A string of untrusted text, shown as safe_text.h says: what consumers print is safe for a
 * terminal. */
void kymo_proto_name(struct kymo_proto *proto, unsigned field, const char *text, size_t len);
/* A message inside of the current one. Its end puts its length in front of it. */
void kymo_proto_begin(struct kymo_proto *proto, unsigned field);
void kymo_proto_end(struct kymo_proto *proto);
/* Numbers of a packed repeated field, between begin and end. */
void kymo_proto_packed(struct kymo_proto *proto, u64 value);

/* Writes what there is to out and clears it. 0 or -ENOMEM; errors of writing stay in the stream
 * (ferror). */
int kymo_proto_flush(struct kymo_proto *proto, FILE *out);
