#pragma once
/*
 * What the recorder and the child that names functions say to each other: one message is one packet
 * of a SOCK_SEQPACKET socket. What the child says is checked like a file's contents: it reads what
 * targets wrote.
 */
#include <limits.h>
#include <stddef.h>

#include "formats/table/events.h"
#include "recorder/host/file_map.h"

#define NAME_MAX_OFFSETS 1024u		/* in one question */
#define NAME_PACKET_BYTES (48u << 10)	/* of answers */
#define NAME_MAX_NAME_BYTES (16u << 10) /* a longer symbol is left out: no tool could show it */

enum name_message {
	NAME_OBJECT = 1, /* to the child: a file that was hit, which it opens at once */
	NAME_PROCESS, /* to the child: one with code that is in no file; its perf map is opened */
	NAME_FORGET,  /* to the child: that process ended; its number may become another's */
	NAME_FIND,    /* to the child: offsets of an object */
	NAME_FIND_PROCESS, /* to the child: addresses of a process */
	NAME_ITEMS,	   /* from the child: answers, packed */
	NAME_DONE,	   /* from the child: that was all about a question */
};

struct name_head {
	u32 message; /* enum name_message */
	u32 id;	     /* of the object; with *PROCESS the tgid */
	u32 count;   /* of offsets, of items */
	s32 state; /* NAME_DONE: 0, or -errno: why there is nothing; NAME_ITEMS: 1: id is a tgid */
};

struct name_object {
	struct name_head head;
	u64 inode, file_bytes, file_mtime_ns;
	u32 dev_major, dev_minor;
	u32 tgid;
	u32 is_vdso;
	u32 build_id_bytes, path_bytes;
	u8 build_id[REC_CODE_MAX_BUILD_ID];
	char path[PATH_MAX + 16]; /* path_bytes, not terminated; room for " (deleted)" */
};

struct name_find {
	struct name_head head;
	u64 offsets[NAME_MAX_OFFSETS];
};

enum name_item_kind {
	NAME_ITEM_SYMBOL = 1, /* first: the name */
	NAME_ITEM_NO_SYMBOL,
	NAME_ITEM_UNWIND, /* first: the CIE, second: the FDE */
	NAME_ITEM_NO_UNWIND,
	NAME_ITEM_KINDS
};

/* In a packet after its head, each followed by first_bytes and second_bytes and padded to 8 bytes.
 */
struct name_item {
	u32 kind;
	u32 first_bytes, second_bytes;
	u32 unused;
	u64 start, size_bytes; /* file offsets, or addresses in the process */
};

struct name_packet {
	struct name_head head;
	u8 items[NAME_PACKET_BYTES];
};
