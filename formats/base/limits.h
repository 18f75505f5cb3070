#pragma once
/*
 * Limits of the capture format, as SPEC.md states them. A writer stays within CAP_WRITER_*, a
 * reader refuses what exceeds CAP_MAX_*: the gap lets a later writer grow without breaking this
 * reader. Bytes unless the name says otherwise.
 */
#define CAP_VERSION_MAJOR 1
#define CAP_VERSION_MINOR 5

#define CAP_HEADER_BYTES 72	 /* block header as written, zstd's skippable-frame head included */
#define CAP_MAX_HEADER_BYTES 256 /* as accepted; a multiple of 8 */
#define CAP_PROLOGUE_BYTES 128	 /* plain part of a block of rows */
#define CAP_FILE_HEADER_BYTES 128 /* fixed part of FILE_HEADER */
#define CAP_END_BYTES 64	  /* plain part of END */
#define CAP_INDEX_ENTRY_BYTES 48

#define CAP_WRITER_CHUNK_BYTES (1u << 20) /* a chunk closes when its columns reach this */
#define CAP_WRITER_CHUNK_NS 2000000000ull /* or is this old */
#define CAP_WRITER_MAX_RAW_BYTES (4u << 20)
#define CAP_WRITER_SCHEMA_CHUNKS 64u /* the schema is repeated after this many chunks */
#define CAP_MAX_PLAIN_BYTES (32u << 20)
#define CAP_MAX_FRAME_BYTES (32u << 20)
#define CAP_MAX_RAW_BYTES (32u << 20)
#define CAP_MAX_SECTIONS 1024u
#define CAP_MAX_COLUMNS 256u
#define CAP_MAX_ROWS (1u << 20)
#define CAP_MAX_STRINGS (1u << 20)
#define CAP_MAX_STRING_BYTES (64u << 10)
#define CAP_MAX_FRAMES (1u << 20)
#define CAP_MAX_STACK_NODES (4u << 20)
#define CAP_MAX_STACK_DEPTH 1024u
#define CAP_MAX_TASKS (1u << 20)
#define CAP_MAX_WORDS (4u << 20) /* rows of WORDS */
#define CAP_MAX_COPIES (1u << 20)
#define CAP_MAX_COPY_WORDS \
	16384u /* words of 8 bytes from the lowest kept one of a copy to its top */
#define CAP_MAX_TLV_BYTES (1u << 20)
#define CAP_MAX_TYPES 4096u
#define CAP_MAX_FIELDS 256u /* per type */
#define CAP_MAX_ENUM_VALUES 16384u
#define CAP_MAX_SCHEMA_FIELDS 65536u /* per schema */
#define CAP_MAX_NAME_BYTES 255u	     /* of a type, field or value */
#define CAP_MAX_SCHEMA_BYTES (4u << 20)
#define CAP_MAX_SCHEMAS 16u  /* different ones per file */
#define CAP_MAX_RANGES 4096u /* ranges of block numbers that a reader tracks */
#define CAP_MAX_REHASH 8u    /* times the file's size: bytes of damaged blocks looked into */

/* Budgets for reading one file, scaled by its size: a small file may not cause much work. */
#define CAP_MAX_DECODED_BYTES(file_bytes) ((64ull << 20) + 256 * (file_bytes))
#define CAP_MAX_ENTRIES(file_bytes) \
	((64ull << 10) + 3 * (file_bytes)) /* rows, rows of local tables, columns, sections */
#define CAP_MAX_VALUES(file_bytes) ((1ull << 20) + 64 * (file_bytes)) /* rows times columns */
#define CAP_MAX_TEXT_BYTES(file_bytes) \
	((32ull << 20) + 256 * (file_bytes)) /* of the strings that rows refer to */
#define CAP_MAX_KEPT_WORDS(file_bytes) \
	((64ull << 20) + 1024 * (file_bytes)) /* words of stack copies, each time they are read */
