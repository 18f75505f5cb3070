#pragma once
/* Sizes and ids within the body and the prologue of a block of rows. SPEC.md, "Body". Internal to
 * formats/. */

#define CAP_BODY_HEAD_BYTES 4 /* u32 section count */
#define CAP_SECTION_ENTRY_BYTES \
	24 /* kind u16, flags u16, type u32, rows u32, offset u32, len u32, reserved u32 */
#define CAP_SECTION_HEAD_BYTES 4  /* u16 column count, u16 reserved */
#define CAP_COLUMN_ENTRY_BYTES 12 /* field u16, encoding u8, flags u8, offset u32, len u32 */
#define CAP_SECTION_TABLES 6	  /* kinds of local tables */
#define CAP_TASK_COLUMNS 6	  /* tgid, tid, leader_start_ns, exec_id, comm low, comm high */
#define CAP_WORD_COLUMNS 3	  /* parent, gap, code */
#define CAP_COPY_COLUMNS 12 /* word, ip, depth, top, bp, bx, r12, r13, r14, r15, flags, holes */

enum cap_section_kind {
	CAP_SECTION_STRINGS = 1,
	CAP_SECTION_FRAMES = 2,
	CAP_SECTION_STACKS = 3,
	CAP_SECTION_TASKS = 4,
	CAP_SECTION_WORDS = 5,
	CAP_SECTION_COPIES = 6,
	CAP_SECTION_EVENTS = 16,
};

enum cap_prologue_offset {
	CAP_PRO_LEN = 0,	/* u16: 128 */
	CAP_PRO_FLAGS = 2,	/* u16: 0 in 1.0 */
	CAP_PRO_ROWS = 4,	/* u32 */
	CAP_PRO_FIRST_NS = 8,	/* u64 */
	CAP_PRO_LAST_NS = 16,	/* u64 */
	CAP_PRO_SCHEMA_ID = 24, /* u64 */
	CAP_PRO_ATTEMPTED = 32, /* u64 */
	CAP_PRO_STORED = 40,	/* u64 */
	CAP_PRO_LOST = 48,	/* u64 */
	CAP_PRO_TYPES = 56,	/* u64: bit (type id) for types 0..63 present */
	CAP_PRO_STRINGS = 64,	/* u32 each: sizes of the local tables */
	CAP_PRO_FRAMES = 68,
	CAP_PRO_STACKS = 72,
	CAP_PRO_TASKS = 76,
	CAP_PRO_SECTIONS = 80, /* u32 */
	CAP_PRO_RESERVED = 84, /* zero up to 128 */
};
