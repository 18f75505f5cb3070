#pragma once
/* Sizes for people: one format for everything that recorder and analyzer print. */

#define CAP_SIZE_TEXT_BYTES 32

/* 1181116 -> "1.13 MiB": powers of 1024, whole below one KiB. Returns ret_text. */
const char *cap_size_text(double bytes, char ret_text[CAP_SIZE_TEXT_BYTES]);
