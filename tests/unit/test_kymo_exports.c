/* What exports are built on: varints and messages of protocol buffers, gzip, spools, sorted lines,
 * whole numbers in digits. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_main.h"

#include "analyzer/exports/json_put.h"
#include "analyzer/output/gzip_stream.h"
#include "analyzer/output/line_sort.h"
#include "analyzer/output/proto_writer.h"
#include "analyzer/output/text_spool.h"
#include "formats/base/cleanup.h"

static void assert_bytes(const struct kymo_proto *proto, const char *bytes, size_t len)
{
	assert_int_equal(proto->len, len);
	assert_memory_equal(proto->bytes, bytes, len);
}

#define BYTES(text) text, sizeof(text) - 1

static void test_varints(void **state)
{
	CLEANUP(kymo_proto_done) struct kymo_proto proto = {0};

	(void)state;
	kymo_proto_uint(&proto, 1, 150); /* the example of the format's own documentation */
	assert_bytes(&proto, BYTES("\x08\x96\x01"));
	kymo_proto_clear(&proto);
	kymo_proto_uint(&proto, 16, 0);
	assert_bytes(&proto, BYTES("\x80\x01\x00"));
	kymo_proto_clear(&proto);
	kymo_proto_uint(&proto, 1, UINT64_MAX);
	assert_bytes(&proto, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
	kymo_proto_clear(&proto);
	kymo_proto_string(&proto, 2, "testing");
	assert_bytes(&proto, BYTES("\x12\x07testing"));
}

static void test_messages(void **state)
{
	CLEANUP(kymo_proto_done) struct kymo_proto proto = {0};
	char text[300];

	(void)state;
	kymo_proto_begin(&proto, 3);
	kymo_proto_uint(&proto, 1, 150);
	kymo_proto_end(&proto);
	assert_bytes(&proto, BYTES("\x1a\x03\x08\x96\x01"));
	kymo_proto_clear(&proto);
	kymo_proto_begin(&proto, 4); /* packed numbers, in a message, in a message */
	kymo_proto_begin(&proto, 4);
	kymo_proto_packed(&proto, 3);
	kymo_proto_packed(&proto, 270);
	kymo_proto_end(&proto);
	kymo_proto_end(&proto);
	assert_bytes(&proto, BYTES("\x22\x05\x22\x03\x03\x8e\x02"));
	kymo_proto_clear(&proto);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	kymo_proto_begin(&proto, 1); /* a length of two bytes moves what it is put in front of */
	kymo_proto_string(&proto, 1, text);
	kymo_proto_end(&proto);
	assert_int_equal(proto.len, 3 + 3 + 299);
	assert_memory_equal(proto.bytes, "\x0a\xae\x02\x0a\xab\x02xxx", 9);
	assert_int_equal(proto.bytes[proto.len - 1], 'x');
}

/* What a terminal would act on does not get into a profile. */
static void test_names(void **state)
{
	CLEANUP(kymo_proto_done) struct kymo_proto proto = {0};

	(void)state;
	kymo_proto_name(&proto, 1, BYTES("a\x1b[\xff"));
	assert_bytes(&proto, BYTES("\x0a\x0a"
				   "a\\x1b[\\xff"));
}

static void test_gzip(void **state)
{
	static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0};
	CLEANUP(cap_freep) char *packed = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&packed, &len), *stream;

	(void)state;
	assert_non_null(out);
	assert_int_equal(kymo_gzip_open(out, &stream), 0);
	for (int i = 0; i < 100000; i++)
		(void)fputs("0123456789", stream);
	assert_int_equal(kymo_gzip_close(stream), 0);
	assert_int_equal(fclose(out), 0);
	assert_true(len > sizeof(head) + 8 && len < 10000);
	assert_memory_equal(packed, head, sizeof(head)); /* no name, no time: the same each time */
	assert_memory_equal(packed + len - 4, "\x40\x42\x0f\x00", 4); /* a million bytes */
}

static void test_gzip_full(void **state)
{
	FILE *full = fopen("/dev/full", "w"), *stream;

	(void)state;
	if (!full)
		return;
	assert_int_equal(kymo_gzip_open(full, &stream), 0);
	for (int i = 0; i < 1000000; i++)
		(void)fprintf(stream, "%d", rand());
	(void)kymo_gzip_close(stream);
	assert_true(ferror(full) || fflush(full) != 0);
	(void)fclose(full);
}

static void test_spool(void **state)
{
	CLEANUP(kymo_spool_done) struct kymo_spool spool = {0};
	CLEANUP(cap_freep) char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(kymo_spool_copy(&spool, out), 0); /* empty */
	(void)fputs("one", kymo_spool_stream(&spool));
	assert_int_equal(kymo_spool_copy(&spool, out), 0);
	(void)fputs(" two", kymo_spool_stream(&spool)); /* it was emptied */
	assert_int_equal(kymo_spool_copy(&spool, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "one two");
}

struct sorted {
	u64 last_ns, last_number, count;
};

static int take_line(void *context, u64 time_ns, const char *text, size_t len, struct cap_err *err)
{
	struct sorted *sorted = context;
	u64 number = strtoull(text, NULL, 10);

	(void)len, (void)err;
	assert_true(time_ns >= sorted->last_ns);
	if (sorted->count > 0 && time_ns == sorted->last_ns)
		assert_true(number > sorted->last_number); /* as they were added */
	sorted->last_ns = time_ns;
	sorted->last_number = number;
	sorted->count++;
	return 0;
}

/* 20,000 lines, with as much memory as given: in one piece, or in many files. */
static void sort_lines(size_t memory_bytes)
{
	CLEANUP(kymo_line_sort_freep)
	struct kymo_line_sort *sort = kymo_line_sort_new(memory_bytes);
	struct sorted sorted = {0};
	struct cap_err err = {0};
	char text[64];

	assert_non_null(sort);
	for (int i = 0; i < 20000; i++) {
		int len = snprintf(text, sizeof(text), "%d", i);

		assert_int_equal(
			kymo_line_sort_add(sort, (u64)i * 7919 % 1000, text, (size_t)len + 1, &err),
			0);
	}
	assert_int_equal(kymo_line_sort_run(sort, take_line, &sorted, &err), 0);
	assert_int_equal(sorted.count, 20000);
}

static void test_line_sort(void **state)
{
	(void)state;
	sort_lines(16u << 20);
	sort_lines(4096);
}

static int stop_at_once(void *context, u64 time_ns, const char *text, size_t len,
			struct cap_err *err)
{
	(void)context, (void)time_ns, (void)text, (void)len, (void)err;
	return -EPIPE;
}

static void test_line_sort_stops(void **state)
{
	CLEANUP(kymo_line_sort_freep) struct kymo_line_sort *sort = kymo_line_sort_new(64);
	struct cap_err err = {0};
	char longer[200] = "";

	(void)state;
	assert_int_equal(kymo_line_sort_add(sort, 2, "two", 4, &err), 0);
	assert_int_equal(kymo_line_sort_add(sort, 1, longer, sizeof(longer), &err), 0);
	assert_int_equal(kymo_line_sort_run(sort, stop_at_once, NULL, &err), -EPIPE);
}

static void assert_ms(s64 ns, const char *wanted)
{
	CLEANUP(cap_freep) char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	kymo_put_ms(out, ns);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
}

static void test_numbers(void **state)
{
	char text[KYMO_NUMBER_BYTES];

	(void)state;
	assert_int_equal(kymo_format_int(0, text), 1);
	assert_string_equal(text, "0");
	assert_int_equal(kymo_format_int(INT64_MIN, text), 20);
	assert_string_equal(text, "-9223372036854775808");
	(void)kymo_format_int(INT64_MAX, text);
	assert_string_equal(text, "9223372036854775807");
	assert_ms(0, "0");
	assert_ms(1, "0.000001");
	assert_ms(1234567, "1.234567");
	assert_ms(5000000, "5");
	assert_ms(-1500000, "-1.500000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varints),	  cmocka_unit_test(test_messages),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_full), cmocka_unit_test(test_spool),
		cmocka_unit_test(test_line_sort), cmocka_unit_test(test_line_sort_stops),
		cmocka_unit_test(test_numbers),
	};

	return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
