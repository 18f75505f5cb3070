#pragma once
/* Quantities in the notation people use: "250ms", "1m30s", "64K", "1GiB", "10M". Pure text; knows
 * no options. */
#include <stddef.h>

#include "formats/table/events.h"

#define REC_NS_PER_MS 1000000ull
#define REC_NS_PER_S 1000000000ull
#define REC_UNIT_TEXT_BYTES 32 /* enough for any rec_format_* */

/*
 * All return 0, -EINVAL (not a quantity of this sort) or -ERANGE (does not fit). Decimals ("1.5s")
 * are accepted if the result is whole. No signs, no spaces, no empty text.
 */

/* ns, us, ms, s, m, h, d, each at most once and from large to small; a bare number counts in
 * bare_unit_ns. */
int rec_parse_duration(const char *text, u64 bare_unit_ns, u64 *ret_ns);
/* Bytes; K, M, G, T and KiB, MiB, ... are powers of 1024, kB, MB, ... powers of 1000. Letters in
 * either case. */
int rec_parse_size(const char *text, u64 *ret_bytes);
/* K, M, G are powers of 1000. */
int rec_parse_count(const char *text, u64 *ret_count);
/* "0.5%" as millionths: 5000. Four decimals at most; the % must be there. */
int rec_parse_percent(const char *text, u64 *ret_ppm);

/* The shortest exact form: 300000000000 -> "5m", 65536 -> "64K", 10000000 -> "10M". Each is parsed
 * back to the same value. */
void rec_format_duration(u64 ns, char ret_text[REC_UNIT_TEXT_BYTES]);
void rec_format_size(u64 bytes, char ret_text[REC_UNIT_TEXT_BYTES]);
void rec_format_count(u64 count, char ret_text[REC_UNIT_TEXT_BYTES]);
void rec_format_percent(u64 ppm, char ret_text[REC_UNIT_TEXT_BYTES]);
