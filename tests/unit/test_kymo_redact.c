/* What stands for what: names, paths, addresses, control groups, notes; and where code goes. */
#include "unit_main.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/redact/address_layout.h"
#include "analyzer/redact/pseudonyms.h"
#include "analyzer/redact/redact_classes.h"

static struct kymo_pseudonyms *made;

static const char *text_of(kymo_pseudonym_fn fn, const char *from)
{
	static char texts[4][256];
	static int next;
	struct cap_string text = {.bytes = (const u8 *)from, .len = (u32)strlen(from)};
	char *to = texts[next++ % 4];
	bool changed = false;

	assert_int_equal(fn(made, &text, &changed), 0);
	assert_int_equal(changed,
			 text.len != strlen(from) || memcmp(text.bytes, from, text.len) != 0);
	memcpy(to, text.bytes, text.len);
	to[text.len] = '\0';
	return to;
}

static void check(kymo_pseudonym_fn fn, const char *from, const char *to)
{
	assert_string_equal(text_of(fn, from), to);
}

static void paths_keep_their_form(void **state)
{
	(void)state;
	check(kymo_pseudonym_path, "/usr/lib/x86_64-linux-gnu/libc.so.6",
	      "/usr/lib/x86_64-linux-gnu/libc.so.6");
	check(kymo_pseudonym_path, "/home/ann/work/liba.so.1.2",
	      "/home/user-1/dir-1/file-1.so.1.2");
	check(kymo_pseudonym_path, "/home/bob/work/liba.so.1.2",
	      "/home/user-2/dir-1/file-1.so.1.2");
	check(kymo_pseudonym_path, "/home/ann", "/home/user-1");
	check(kymo_pseudonym_path, "/usr/library/x", "/usr/dir-2/file-2");
	check(kymo_pseudonym_path, "/opt/acme/server (deleted)", "/opt/dir-3/file-3 (deleted)");
	check(kymo_pseudonym_path, "/opt/acme/secret.acme", "/opt/dir-3/file-4");
	check(kymo_pseudonym_path, "../acme/./x.py", "../dir-3/./file-5.py");
	check(kymo_pseudonym_path, "[vdso]", "[vdso]");
	check(kymo_pseudonym_path, "/memfd:acme (deleted)", "/memfd:memory-1 (deleted)");
	check(kymo_pseudonym_path, "//anon", "//anon");
	check(kymo_pseudonym_path, "/proc/123/maps", "/proc/123/maps");
	check(kymo_pseudonym_path, "/proc/123/acme", "/proc/123/file-6");
	check(kymo_pseudonym_path, "/", "/");
}

static void names_of_the_well_known_stay(void **state)
{
	(void)state;
	check(kymo_pseudonym_name, "redis-server", "redis-server");
	check(kymo_pseudonym_name, "python3.11", "python3.11");
	check(kymo_pseudonym_name, "kworker/0:1", "kworker/0:1");
	check(kymo_pseudonym_name, "kworker/acme", "proc-1");
	check(kymo_pseudonym_name, "containerd-shim", "containerd-shim");
	check(kymo_pseudonym_name, "acmed", "proc-2");
	check(kymo_pseudonym_name, "proc-2", "proc-3"); /* it is somebody's name, too */
	check(kymo_pseudonym_module, "nf_tables", "nf_tables");
	check(kymo_pseudonym_module, "acme_drv", "module-1");
}

static void functions_lose_their_paths(void **state)
{
	(void)state;
	check(kymo_pseudonym_function_paths, "std::vector<int>::push_back",
	      "std::vector<int>::push_back");
	check(kymo_pseudonym_function_paths, "operator/", "operator/");
	check(kymo_pseudonym_function_paths, "net/http.(*conn).serve", "net/http.(*conn).serve");
	check(kymo_pseudonym_function_paths, "LazyCompile:~pay /srv/acme/pay.js:10",
	      "LazyCompile:~pay /srv/dir-3/file-7.js:10");
	check(kymo_pseudonym_function_paths, "git.acme.org/team/pay.Charge",
	      "dir-4/dir-5/pay.Charge");
	check(kymo_pseudonym_function_paths, "py::f:/home/ann/app.py",
	      "py::f:/home/user-1/file-8.py");
}

static void cgroups_keep_their_form(void **state)
{
	(void)state;
	check(kymo_pseudonym_cgroup, "/system.slice/nginx.service", "/system.slice/nginx.service");
	check(kymo_pseudonym_cgroup, "/system.slice/acme.service", "/system.slice/unit-1.service");
	check(kymo_pseudonym_cgroup, "/system.slice/docker-0123456789abcdef.scope",
	      "/system.slice/docker-container-1.scope");
	check(kymo_pseudonym_cgroup,
	      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice/"
	      "cri-containerd-0123456789abcdef.scope",
	      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod-1.slice/"
	      "cri-containerd-container-1.scope");
	check(kymo_pseudonym_cgroup, "/", "/");
}

static void notes_keep_our_words(void **state)
{
	(void)state;
	check(kymo_pseudonym_text, "sysctl.perf_event_max_stack", "sysctl.perf_event_max_stack");
	check(kymo_pseudonym_text, "Permission denied: acme42", "Permission denied: word-1");
	check(kymo_pseudonym_text, "6.18.44-generic", "6.18.44-generic");
}

/* How many bits two addresses share. */
static unsigned shared_bits(const char *a, const char *b, int family)
{
	u8 left[16], right[16];
	unsigned bits = 0;

	assert_int_equal(inet_pton(family, a, left), 1);
	assert_int_equal(inet_pton(family, b, right), 1);
	while (bits < (family == AF_INET ? 32 : 128) &&
	       !((left[bits / 8] ^ right[bits / 8]) & 0x80 >> bits % 8))
		bits++;
	return bits;
}

static void subnets_stay_together(void **state)
{
	static const char *const v4[] = {"10.1.2.3", "10.1.2.4", "10.1.3.3", "192.168.0.1",
					 "8.8.8.8"};
	static const char *const v6[] = {"fe80::1", "fe80::2", "2001:db8::1"};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(shared_bits(text_of(kymo_pseudonym_network, v4[i]),
						     text_of(kymo_pseudonym_network, v4[k]),
						     AF_INET),
					 shared_bits(v4[i], v4[k], AF_INET));
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(shared_bits(text_of(kymo_pseudonym_network, v6[i]),
						     text_of(kymo_pseudonym_network, v6[k]),
						     AF_INET6),
					 shared_bits(v6[i], v6[k], AF_INET6));
	assert_string_equal(strrchr(text_of(kymo_pseudonym_network, "10.1.2.3:6379"), ':'),
			    ":6379");
	assert_string_equal(strrchr(text_of(kymo_pseudonym_network, "[fe80::1]:80"), ']'), "]:80");
	assert_null(strstr(text_of(kymo_pseudonym_network, "fe80::1%acme0"), "acme"));
	{
		struct cap_string loopback = {.bytes = (const u8 *)"127.0.0.1", .len = 9};
		bool changed;

		assert_int_equal(kymo_pseudonym_network(made, &loopback, &changed), 0);
		assert_memory_equal(loopback.bytes, "127.0.0.1", 9);
	}
	check(kymo_pseudonym_network, "db.acme.org", "peer-1");
	check(kymo_pseudonym_network, "/run/acme.sock", "/run/file-9.sock");
}

static void code_keeps_its_order(void **state)
{
	struct kymo_address_layout *layout = kymo_address_layout_new();
	const u64 low = 0x400000, pie = 0x55d0c0de0000, lib = 0x7f1234567000, huge = 0x7f0040000000;

	(void)state;
	assert_int_equal(kymo_address_layout_add(layout, lib, 0x3000, false), 0);
	assert_int_equal(kymo_address_layout_add(layout, low, 0x1000, false), 0);
	assert_int_equal(kymo_address_layout_add(layout, pie, 0x2000, false), 0);
	assert_int_equal(kymo_address_layout_add(layout, pie + 0x1000, 0x3000, true), 0);
	assert_int_equal(kymo_address_layout_add(layout, huge, 4 << 20, false), 0);
	assert_int_equal(kymo_address_layout_add(layout, huge, 2 << 20, true), 0);
	assert_int_equal(kymo_address_layout_add(layout, UINT64_MAX - 10, 100, false),
			 0); /* wraps */
	kymo_address_layout_seal(layout);
	assert_true(kymo_address_layout_move(layout, low) < 1ull << 32);
	assert_true(kymo_address_layout_move(layout, pie) >= 1ull << 32);
	assert_true(kymo_address_layout_move(layout, pie) < kymo_address_layout_move(layout, huge));
	assert_true(kymo_address_layout_move(layout, huge) < kymo_address_layout_move(layout, lib));
	assert_true(kymo_address_layout_move(layout, lib) < 1ull << 40);
	assert_int_equal(kymo_address_layout_move(layout, pie + 0x3fff) -
				 kymo_address_layout_move(layout, pie),
			 0x3fff);
	assert_int_equal(kymo_address_layout_move(layout, huge) % (2 << 20), 0);
	assert_int_equal(kymo_address_layout_move(layout, lib) % 4096, 0);
	/* what is nowhere goes to one place, which is nowhere */
	assert_int_equal(kymo_address_layout_move(layout, 0x1234),
			 kymo_address_layout_move(layout, lib + 0x3000));
	assert_true(kymo_address_layout_move(layout, 0x1234) <
		    kymo_address_layout_move(layout, low));
	(void)kymo_address_layout_free(layout);
}

/* Every field has a class that fits what it is; what is private is never without one. */
static void fields_have_classes(void **state)
{
	const struct cap_schema *schema = cap_schema_builtin();

	(void)state;
	for (size_t i = 0; i < schema->type_count; i++)
		for (unsigned k = 0; k < schema->types[i].field_count; k++) {
			const struct cap_field *field = &schema->types[i].fields[k];
			enum kymo_redact_class which = kymo_redact_class_of(&schema->types[i], k);

			if (which == KYMO_REDACT_NONE && field->sensitivity != CAP_SENSE_PUBLIC &&
			    field->kind != CAP_KIND_STACK)
				fail_msg("%s.%s is private, and nothing is done about it",
					 schema->types[i].name, field->name);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_keep_their_form),
		cmocka_unit_test(names_of_the_well_known_stay),
		cmocka_unit_test(functions_lose_their_paths),
		cmocka_unit_test(cgroups_keep_their_form),
		cmocka_unit_test(notes_keep_our_words),
		cmocka_unit_test(subnets_stay_together),
		cmocka_unit_test(code_keeps_its_order),
		cmocka_unit_test(fields_have_classes),
	};
	int failed;

	if (kymo_pseudonyms_new(&made) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	made = kymo_pseudonyms_free(made);
	return unit_status(failed);
}
