/* Demangling of C++ and Rust names, and of names that were made to do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/symbols/demangle.h"
#include "formats/base/cleanup.h"

static void names_are_demangled(void **state)
{
	static const struct {
		const char *mangled, *expected;
	} cases[] = {
		{"_ZNSt6vectorIiSaIiEE9push_backERKi",
		 "std::vector<int, std::allocator<int> >::push_back"},
		{"_Z3foov", "foo"},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.1234567",
		 "core::fmt::Formatter::pad"},
		{"_RINvNtC3std3mem8align_ofjEC4main", "std::mem::align_of::<usize>"},
		{"_Z3fooi.cold", "foo"},
		{"_Z3fooi.constprop.0.isra.1", "foo"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi@@GLIBCXX_3.4",
		 "std::vector<int, std::allocator<int> >::push_back"},
		{"main", NULL},
		{"", NULL},
		{"_Z", NULL},
		{"_ZN", NULL},
		{"_R", NULL},
		{"_ZNZNZNZ", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(cap_freep) char *text = kymo_demangle(cases[i].mangled);

		if (!cases[i].expected) {
			assert_null(text);
			continue;
		}
		assert_non_null(text);
		assert_string_equal(text, cases[i].expected);
	}
}

/* pair<X, X> of the pair before it, thirty times: 300 bytes that stand for 2^30. */
static void expansion_is_bounded(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char mangled[512] = "_Z1fISt4pairIiiE";
	CLEANUP(cap_freep) char *text = NULL;
	size_t len;

	(void)state;
	for (int depth = 0; depth < 30; depth++) {
		char part[16];

		(void)snprintf(part, sizeof(part), "S0_IS%c_S%c_E", digits[depth + 1],
			       digits[depth + 1]);
		strcat(mangled, part);
	}
	strcat(mangled, "Evv");
	text = kymo_demangle(mangled);
	assert_non_null(text);
	len = strlen(text);
	assert_true(len == KYMO_DEMANGLED_MAX_BYTES - 1);
	assert_memory_equal(text, "f<std::pair<int, int>, std::pair<std::pair<int, int>", 52);
	assert_memory_equal(text + len - 12, "...#", 4);
}

/* f<X...> with arguments of 50 bytes each; the last one as told. */
static char *long_name(int arguments, const char *last)
{
	char *name = malloc((size_t)arguments * 56 + 128), *at = name;

	at += sprintf(at, "_Z1fIJ");
	for (int i = 0; i < arguments; i++)
		at += sprintf(at, "50argument_%041d", i);
	(void)sprintf(at, "%zu%sEEvv", strlen(last), last);
	return name;
}

static void long_names_are_demangled(void **state)
{
	(void)state;
	for (int arguments = 1; arguments < 300; arguments += arguments < 30 ? 1 : 60) {
		CLEANUP(cap_freep) char *one = long_name(arguments, "one");
		CLEANUP(cap_freep) char *two = long_name(arguments, "two");
		CLEANUP(cap_freep) char *first = kymo_demangle(one);
		CLEANUP(cap_freep) char *second = kymo_demangle(two);

		assert_non_null(first);
		assert_non_null(second);
		assert_memory_equal(first, "f<argument_0000", 15);
		assert_string_not_equal(first, second);
		if (arguments < 250) { /* as far as the result is whole */
			assert_int_equal(strlen(first), 2 + 52 * (size_t)arguments + 4);
			assert_string_equal(first + strlen(first) - 6, ", one>");
		}
	}
}

static void versions_are_left_out(void **state)
{
	static const char *const cases[][2] = {
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"memcpy@GLIBC_2.2.5", "memcpy"},
		{"memcpy", "memcpy"},
		{"_Z3foov@V1", "foo"},
		{"puts@plt", "puts@plt"},
		{"_func@12", "_func@12"},
		{"@@", "@@"},
		{"x@", "x@"},
		{"main.main", "main.main"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(cap_freep) char *text = kymo_readable_name(cases[i][0]);

		assert_string_equal(text, cases[i][1]);
	}
}

static void deep_names_are_survived(void **state)
{
	CLEANUP(cap_freep) char *mangled = malloc(200001);
	static const char *const parts[] = {"P", "N", "I", "Z", "1", "_Z", "S_", "R", "C", "B_"};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t size = 100; size <= 200000; size *= 10) {
			size_t len = strlen(parts[i]);

			memcpy(mangled, i % 2 ? "_R" : "_Z", 2);
			for (size_t at = 2; at + len < size; at += len)
				memcpy(mangled + at, parts[i], len + 1);
			free(kymo_demangle(mangled));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_demangled),	    cmocka_unit_test(expansion_is_bounded),
		cmocka_unit_test(long_names_are_demangled), cmocka_unit_test(versions_are_left_out),
		cmocka_unit_test(deep_names_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
