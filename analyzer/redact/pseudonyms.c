/* One table of texts for each kind of pseudonym: a text's place in it is its number. */
#include "analyzer/redact/pseudonyms.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/capture/blob_table.h"
#include "analyzer/redact/redact_words.h"
#include "formats/base/word_map.h"

#define DELETED " (deleted)"
#define SHORT_TOKEN_BYTES 5   /* 7R13, v657, el9 */
#define SHORT_TOKEN_LETTERS 2 /* of one with digits, or without */
#define MAX_DIGITS 20	      /* of a number of 64 bits */
#define DOMAIN_BUILD_ID 0x6275696cu

enum stem { /* the first word of a pseudonym */
	    STEM_HOST,
	    STEM_VALUE,
	    STEM_PROC,
	    STEM_USER,
	    STEM_DIR,
	    STEM_FILE,
	    STEM_MEMORY,
	    STEM_UNIT,
	    STEM_CONTAINER,
	    STEM_POD,
	    STEM_PEER,
	    STEM_MODULE,
	    STEM_FUNCTION,
	    STEM_WORD,
	    STEM_COUNT,
};
static const char *const stems[STEM_COUNT] = {
	[STEM_HOST] = "host",	      [STEM_VALUE] = "value", [STEM_PROC] = "proc",
	[STEM_USER] = "user",	      [STEM_DIR] = "dir",     [STEM_FILE] = "file",
	[STEM_MEMORY] = "memory",     [STEM_UNIT] = "unit",   [STEM_CONTAINER] = "container",
	[STEM_POD] = "pod",	      [STEM_PEER] = "peer",   [STEM_MODULE] = "module",
	[STEM_FUNCTION] = "function", [STEM_WORD] = "word"};

struct kymo_pseudonyms {
	struct kymo_redact_key key;
	struct kymo_blob_table texts[STEM_COUNT];
	struct kymo_blob_table number_kinds;
	struct cap_word_map numbers; /* (kind, number) -> what stands for it */
	struct cap_word_map last;    /* (kind, 0) -> the highest given */
	char *out;		     /* what is being made */
	size_t len, size;
	bool failed; /* out of memory */
};

int kymo_pseudonyms_new(struct kymo_pseudonyms **ret_pseudonyms)
{
	struct kymo_pseudonyms *pseudonyms = calloc(1, sizeof(*pseudonyms));
	int rc = pseudonyms ? kymo_redact_key_new(&pseudonyms->key) : -ENOMEM;

	if (rc < 0) {
		free(pseudonyms);
		return rc;
	}
	*ret_pseudonyms = pseudonyms;
	return 0;
}

struct kymo_pseudonyms *kymo_pseudonyms_free(struct kymo_pseudonyms *pseudonyms)
{
	if (!pseudonyms)
		return NULL;
	for (int i = 0; i < STEM_COUNT; i++)
		kymo_blob_table_done(&pseudonyms->texts[i]);
	kymo_blob_table_done(&pseudonyms->number_kinds);
	cap_word_map_done(&pseudonyms->numbers);
	cap_word_map_done(&pseudonyms->last);
	free(pseudonyms->out);
	memset(&pseudonyms->key, 0, sizeof(pseudonyms->key));
	free(pseudonyms);
	return NULL;
}

const struct kymo_redact_key *kymo_pseudonyms_key(const struct kymo_pseudonyms *pseudonyms)
{
	return &pseudonyms->key;
}

/* -------- making a text -------- */

static void put(struct kymo_pseudonyms *p, const void *bytes, size_t len)
{
	if (p->failed || len == 0)
		return;
	if (p->len + len > p->size) {
		size_t size = p->size ? p->size * 2 : 512;
		char *bigger;

		while (size < p->len + len)
			size *= 2;
		bigger = realloc(p->out, size);
		if (!bigger) {
			p->failed = true;
			return;
		}
		p->out = bigger;
		p->size = size;
	}
	memcpy(p->out + p->len, bytes, len);
	p->len += len;
}

/* "stem-N" for the text. */
static void put_stem(struct kymo_pseudonyms *p, enum stem stem, const char *text, size_t len)
{
	s64 number = kymo_blob_add(&p->texts[stem], text, len, NULL);
	char name[40];

	if (number < 0) {
		p->failed = true;
		return;
	}
	put(p, name, (size_t)snprintf(name, sizeof(name), "%s-%" PRId64, stems[stem], number));
}

static int done(struct kymo_pseudonyms *p, struct cap_string *ret_to)
{
	if (p->failed)
		return -ENOMEM;
	*ret_to = (struct cap_string){.bytes = (const u8 *)(p->len ? p->out : ""),
				      .len = (u32)p->len};
	return 0;
}

static int whole(struct kymo_pseudonyms *p, enum stem stem, struct cap_string *ret_to,
		 bool *ret_changed)
{
	p->len = 0;
	put_stem(p, stem, (const char *)ret_to->bytes, ret_to->len);
	*ret_changed = true;
	return done(p, ret_to);
}

int kymo_pseudonym_host(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	return whole(p, STEM_HOST, ret_to, ret_changed);
}

int kymo_pseudonym_meta(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	return whole(p, STEM_VALUE, ret_to, ret_changed);
}

int kymo_pseudonym_name(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	if (kymo_is_known_program((const char *)ret_to->bytes, ret_to->len))
		return 0;
	return whole(p, STEM_PROC, ret_to, ret_changed);
}

int kymo_pseudonym_function(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	return whole(p, STEM_FUNCTION, ret_to, ret_changed);
}

int kymo_pseudonym_build_id(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	p->len = 0;
	put(p, ret_to->bytes, ret_to->len);
	if (!p->failed && p->len)
		kymo_redact_bytes(&p->key, DOMAIN_BUILD_ID, (u8 *)p->out, p->len);
	*ret_changed = true;
	return done(p, ret_to);
}

/* -------- paths -------- */

static bool is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len > 0 && len <= MAX_DIGITS;
}

static bool is_dots(const char *text, size_t len)
{
	return (len == 1 || len == 2) && text[0] == '.' && text[len - 1] == '.';
}

/* One part of a path; last: the file, else a directory. */
static void put_component(struct kymo_pseudonyms *p, const char *text, size_t len, bool last)
{
	size_t extension = last ? kymo_known_extension(text, len) : 0;

	if (is_dots(text, len)) {
		put(p, text, len);
		return;
	}
	put_stem(p, last ? STEM_FILE : STEM_DIR, text, len);
	put(p, text + len - extension, extension);
}

/* The parts from `at` on, each with the slash before it. */
static bool put_components(struct kymo_pseudonyms *p, const char *text, size_t len, size_t at,
			   enum kymo_system_path rule)
{
	bool changed = false, first = true;

	while (at < len) {
		const char *slash;
		size_t part;

		if (text[at] == '/') {
			put(p, text + at++, 1);
			continue;
		}
		slash = memchr(text + at, '/', len - at);
		part = slash ? (size_t)(slash - text) - at : len - at;
		if (rule == KYMO_PATH_WORDS &&
		    (is_number(text + at, part) || kymo_is_public_word(text + at, part))) {
			put(p, text + at, part);
		} else if (rule == KYMO_PATH_USERS && first) {
			put_stem(p, STEM_USER, text + at, part);
			changed = true;
		} else {
			put_component(p, text + at, part, !slash);
			changed |= !is_dots(text + at, part);
		}
		first = false;
		at += part;
	}
	return changed;
}

/* What the kernel calls memory that is no file: its name goes, its kind stays. */
static bool put_memory(struct kymo_pseudonyms *p, const char *text, size_t len, bool *ret_changed)
{
	static const char *const plain[] = {"[vdso]",  "[vvar]",	 "[vsyscall]", "[heap]",
					    "[stack]", "[vvar_vclock]",	 "[uprobes]",  "[aio]",
					    "/[aio]",  "/anon_hugepage", "[bpf]",      "[dynamic]"};
	static const char *const kinds[] = {"/memfd:", "/SYSV", "anon_inode:", "[anon:", "//anon"};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (len == strlen(plain[i]) && memcmp(text, plain[i], len) == 0) {
			put(p, text, len);
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t kind = strlen(kinds[i]);

		if (len < kind || memcmp(text, kinds[i], kind) != 0)
			continue;
		put(p, text, kind);
		if (len > kind) {
			put_stem(p, STEM_MEMORY, text + kind, len - kind);
			*ret_changed = true;
		}
		return true;
	}
	if (len > 0 && text[0] == '[') {
		put(p, "[", 1);
		put_stem(p, STEM_MEMORY, text, len);
		put(p, "]", 1);
		*ret_changed = true;
		return true;
	}
	return false;
}

static void put_path(struct kymo_pseudonyms *p, const char *text, size_t len, bool *ret_changed)
{
	size_t mark = strlen(DELETED), covered = 0;
	bool deleted = len > mark && memcmp(text + len - mark, DELETED, mark) == 0;
	enum kymo_system_path rule;

	if (deleted)
		len -= mark;
	if (!put_memory(p, text, len, ret_changed)) {
		rule = kymo_system_path(text, len, &covered);
		if (rule == KYMO_PATH_ALL)
			covered = len;
		put(p, text, covered);
		*ret_changed |= put_components(p, text, len, covered, rule);
	}
	if (deleted)
		put(p, DELETED, mark);
}

int kymo_pseudonym_path(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	p->len = 0;
	put_path(p, (const char *)ret_to->bytes, ret_to->len, ret_changed);
	return done(p, ret_to);
}

bool kymo_is_system_path(const struct cap_string *path)
{
	const char *text = (const char *)path->bytes;
	size_t covered;

	if (path->len > 0 && text[0] == '/')
		return kymo_system_path(text, path->len, &covered) == KYMO_PATH_ALL;
	return (path->len == 6 && memcmp(text, "[vdso]", 6) == 0) ||
	       kymo_is_known_module(text, path->len);
}

int kymo_pseudonym_module(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	const char *text = (const char *)ret_to->bytes;

	if (ret_to->len > 0 && (text[0] == '/' || text[0] == '['))
		return kymo_pseudonym_path(p, ret_to, ret_changed);
	if (kymo_is_known_module(text, ret_to->len))
		return 0;
	return whole(p, STEM_MODULE, ret_to, ret_changed);
}

/* -------- names of functions -------- */

static bool ends_token(char c)
{
	return (unsigned char)c <= ' ' || strchr("\"'`(),;<>{}|=*&", c) != NULL;
}

/* Where a path may begin within a name: a~/x, at:/x, [/x. */
static bool begins_path(const char *text, size_t at)
{
	return at == 0 || ends_token(text[at - 1]) || strchr(":~@[!", text[at - 1]) != NULL;
}

/* Of a module path like host.name/team/package.Function all but the last part goes. */
static bool is_module_path(const char *text, size_t len, size_t *ret_last)
{
	const char *slash = memchr(text, '/', len), *last = memrchr(text, '/', len);
	const char *dot = slash ? memchr(text, '.', (size_t)(slash - text)) : NULL;

	if (!slash || slash == text || !dot || dot == text || text[0] == '.')
		return false;
	*ret_last = (size_t)(last - text) + 1;
	return true;
}

int kymo_pseudonym_function_paths(struct kymo_pseudonyms *p, struct cap_string *ret_to,
				  bool *ret_changed)
{
	const char *text = (const char *)ret_to->bytes;
	size_t len = ret_to->len, at = 0;

	if (!memchr(text, '/', len) && !memchr(text, '\\', len))
		return 0;
	p->len = 0;
	while (at < len) {
		size_t end = at, last = 0;

		if (ends_token(text[at]) || !begins_path(text, at)) {
			put(p, text + at++, 1);
			continue;
		}
		while (end < len && !ends_token(text[end]) &&
		       !(text[at] == '/' && (text[end] == ':' || text[end] == ']')))
			end++;
		if (text[at] == '/' && end - at > 1) {
			put_path(p, text + at, end - at, ret_changed);
		} else if (is_module_path(text + at, end - at, &last)) {
			(void)put_components(p, text + at, last, 0, KYMO_PATH_NONE);
			put(p, text + at + last, end - at - last);
			*ret_changed = true;
		} else if (memchr(text + at, '\\', end - at)) { /* C:\Users\... */
			put_stem(p, STEM_FILE, text + at, end - at);
			*ret_changed = true;
		} else {
			end = at + 1;
			put(p, text + at, 1);
		}
		at = end;
	}
	return done(p, ret_to);
}

/* -------- control groups -------- */

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr("0123456789abcdef-_", text[i]) || text[i] == '\0')
			return false;
	}
	return len >= 12;
}

/* "docker-HEX.scope", "kubepods-burstable-podUID.slice", "name.service": what is known stays. */
static bool put_cgroup_part(struct kymo_pseudonyms *p, const char *text, size_t len)
{
	static const char *const tails[] = {".scope", ".slice",	 ".service",
					    ".mount", ".socket", ".swap"};
	static const char *const heads[] = {"cri-containerd-",
					    "crio-conmon-",
					    "crio-",
					    "docker-",
					    "libpod-conmon-",
					    "libpod-payload-",
					    "libpod-",
					    "nerdctl-",
					    "podman-",
					    "lxc.payload.",
					    "kubepods-besteffort-pod",
					    "kubepods-burstable-pod",
					    "kubepods-pod",
					    "pod"};
	size_t tail = 0, head = 0;
	enum stem stem;

	if (kymo_is_known_cgroup(text, len)) {
		put(p, text, len);
		return false;
	}
	for (size_t i = 0; tail == 0 && i < sizeof(tails) / sizeof(tails[0]); i++) {
		size_t n = strlen(tails[i]);

		tail = len > n && memcmp(text + len - n, tails[i], n) == 0 ? n : 0;
	}
	for (size_t i = 0; head == 0 && i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t n = strlen(heads[i]);

		head = len - tail > n && memcmp(text, heads[i], n) == 0 ? n : 0;
	}
	if (tail && !head && kymo_is_known_program(text, len - tail)) {
		put(p, text, len);
		return false;
	}
	stem = head >= 3 && memcmp(text + head - 3, "pod", 3) == 0 ? STEM_POD
	       : head || is_hex(text, len - tail)		   ? STEM_CONTAINER
								   : STEM_UNIT;
	put(p, text, stem == STEM_POD ? head - 3 : head);
	put_stem(p, stem, text + head, len - head - tail);
	put(p, text + len - tail, tail);
	return true;
}

int kymo_pseudonym_cgroup(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	const char *text = (const char *)ret_to->bytes;
	size_t len = ret_to->len, at = 0;

	p->len = 0;
	while (at < len) {
		const char *slash = memchr(text + at, '/', len - at);
		size_t part = slash ? (size_t)(slash - text) - at : len - at;

		if (part > 0)
			*ret_changed |= put_cgroup_part(p, text + at, part);
		if (slash)
			put(p, "/", 1);
		at += part + (slash ? 1 : 0);
	}
	return done(p, ret_to);
}

/* -------- network -------- */

/* An address as text; false: it is none. */
static bool put_ip(struct kymo_pseudonyms *p, const char *text, size_t len)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	char spelled[INET6_ADDRSTRLEN];
	u8 address[16];
	bool is_v6;

	if (len >= sizeof(spelled))
		return false;
	memcpy(spelled, text, len);
	spelled[len] = '\0';
	is_v6 = inet_pton(AF_INET6, spelled, address) == 1;
	if (!is_v6 && inet_pton(AF_INET, spelled, address) != 1)
		return false;
	if (is_v6 && memcmp(address, mapped, sizeof(mapped)) == 0)
		kymo_redact_ip(&p->key, address + 12, 32);
	else
		kymo_redact_ip(&p->key, address, is_v6 ? 128 : 32);
	(void)inet_ntop(is_v6 ? AF_INET6 : AF_INET, address, spelled, sizeof(spelled));
	put(p, spelled, strlen(spelled));
	return true;
}

/* Bytes of the address in ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, ADDRESS%INTERFACE, ADDRESS/BITS.
 */
static size_t address_bytes(const char *text, size_t len, size_t *ret_start)
{
	const char *colon = memchr(text, ':', len), *end = NULL;

	*ret_start = len > 0 && text[0] == '[';
	if (*ret_start)
		end = memchr(text, ']', len);
	if (!end)
		end = memchr(text, '%', len);
	if (!end)
		end = memchr(text, '/', len);
	if (!end && colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - text)))
		end = colon;
	return (end ? (size_t)(end - text) : len) - *ret_start;
}

int kymo_pseudonym_network(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	const char *text = (const char *)ret_to->bytes;
	size_t start, len = address_bytes(text, ret_to->len, &start), rest = start + len;

	if (ret_to->len > 0 && (text[0] == '/' || text[0] == '@'))
		return kymo_pseudonym_path(p, ret_to, ret_changed);
	p->len = 0;
	put(p, "[", start);
	if (!put_ip(p, text + start, len))
		return whole(p, STEM_PEER, ret_to, ret_changed);
	if (rest < ret_to->len && text[rest] == ']')
		rest++;
	put(p, "]", start);
	/* a port or the bits of a net are numbers, an interface has a name */
	if (rest < ret_to->len && (text[rest] == ':' || text[rest] == '/') &&
	    is_number(text + rest + 1, ret_to->len - rest - 1))
		put(p, text + rest, ret_to->len - rest);
	*ret_changed = true;
	return done(p, ret_to);
}

/* -------- notes -------- */

static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (c & 0x80) || ((unsigned char)c < ' ' && c != '\n' && c != '\t');
}

/* Too short to be anybody's name: a unit, part of a version or of a model. */
static bool is_short(const char *text, size_t len)
{
	size_t letters = 0;

	for (size_t i = 0; i < len; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (!digit && (text[i] < 'A' || (text[i] & 0x80)))
			return false;
		letters += !digit;
	}
	return letters <= SHORT_TOKEN_LETTERS && len <= SHORT_TOKEN_BYTES;
}

static bool is_public(const char *text, size_t len)
{
	size_t at = 0;

	if (is_number(text, len) || is_short(text, len) || kymo_is_public_word(text, len))
		return true;
	while (at < len) { /* perf_event_max_stack */
		const char *bar = memchr(text + at, '_', len - at);
		size_t part = bar ? (size_t)(bar - text) - at : len - at;

		if (part > 0 && !is_number(text + at, part) && !is_short(text + at, part) &&
		    !kymo_is_public_word(text + at, part))
			return false;
		at += part + 1;
	}
	return true;
}

int kymo_pseudonym_text(struct kymo_pseudonyms *p, struct cap_string *ret_to, bool *ret_changed)
{
	const char *text = (const char *)ret_to->bytes;
	size_t len = ret_to->len, at = 0;

	p->len = 0;
	while (at < len) {
		size_t end = at;

		while (end < len && is_token(text[end]))
			end++;
		if (end == at) {
			put(p, text + at++, 1);
			continue;
		}
		if (is_public(text + at, end - at)) {
			put(p, text + at, end - at);
		} else {
			put_stem(p, STEM_WORD, text + at, end - at);
			*ret_changed = true;
		}
		at = end;
	}
	return done(p, ret_to);
}

/* -------- numbers -------- */

u64 kymo_pseudonym_number(struct kymo_pseudonyms *p, const char *of, u64 number)
{
	s64 kind = kymo_blob_add(&p->number_kinds, of, strlen(of), NULL);
	struct cap_word_slot *slot =
		kind > 0 ? cap_word_map_make(&p->numbers, (u64)kind, number) : NULL;
	struct cap_word_slot *last;

	if (!slot)
		return 0;
	if (slot->value)
		return slot->value;
	last = cap_word_map_make(&p->last, (u64)kind, 0);
	if (!last) {
		slot->value = 1; /* a slot must have a value; the caller fails */
		return 0;
	}
	slot->value = ++last->value;
	return slot->value;
}
