/* Both ends of the socket. Its messages are a head and text; files travel as descriptors. */
#include "analyzer/symbols/symbol_helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/symbols/demangle.h"
#include "formats/base/cleanup.h"
#include "analyzer/symbols/helper_sandbox.h"
#include "analyzer/symbols/object_names.h"

#define MAX_TEXT_BYTES 65536
#define MAX_OPENS 256 /* per module; a genuine search makes about 20, and 11 per --debug-dir */
#define PLT "@plt"
#define PLT_LEN (sizeof(PLT) - 1)
#define PATIENCE_MS 60000 /* for one answer; CPU time is limited besides */

enum message_kind {
	MESSAGE_OPEN = 1,
	MESSAGE_FILE,
	MESSAGE_STATE,
	MESSAGE_FIND,
	MESSAGE_NAME,
	MESSAGE_FRAMES,	 /* number: bytes that may come; answered by the next two */
	MESSAGE_LOADS,	 /* value: loads, number: machine; text: struct kymo_elf_load each */
	MESSAGE_SECTION, /* value: which, number: its bytes; text: its address. These follow: */
	MESSAGE_BYTES,
	MESSAGE_DEMANGLE,
	MESSAGE_LINES,	/* number: file offset */
	MESSAGE_PLACES, /* value: how many; text, for each: its line (uint32_t), function, file */
};

struct message {
	uint32_t kind, value;
	uint64_t number;
	char text[MAX_TEXT_BYTES];
};
#define HEAD_BYTES offsetof(struct message, text)

struct kymo_symbol_helper {
	const struct kymo_object_search *search;
	int fd;	   /* -1: no child */
	pid_t pid; /* 0: no child */
	enum kymo_object_state state;
	bool verified;
	unsigned opens;
	size_t text_bytes; /* of the message that came last */
	struct message message;
};

/* -------- the socket -------- */

static int send_message(int fd, const struct message *message, size_t text_bytes, int file)
{
	struct iovec part = {.iov_base = (void *)message, .iov_len = HEAD_BYTES + text_bytes};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};

	if (file >= 0) {
		whole.msg_control = control.bytes;
		whole.msg_controllen = sizeof(control.bytes);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &file, sizeof(int));
	}
	return sendmsg(fd, &whole, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Bytes of text, or negative. *ret_file is -1 if no file came; NULL: none is accepted. */
static ssize_t receive_message(int fd, struct message *message, int *ret_file)
{
	struct iovec part = {.iov_base = message, .iov_len = sizeof(*message)};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t len;

	if (ret_file) {
		*ret_file = -1;
		whole.msg_control = control.bytes;
		whole.msg_controllen = sizeof(control.bytes);
	}
	do
		len = recvmsg(fd, &whole, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (ret_file && len > 0 && whole.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    control.head.cmsg_type == SCM_RIGHTS)
		memcpy(ret_file, CMSG_DATA(&control.head), sizeof(int));
	return len < (ssize_t)HEAD_BYTES ? -EPIPE : len - (ssize_t)HEAD_BYTES;
}

#define SECTION_COUNT 3u
#define MAX_PART_BYTES (MAX_TEXT_BYTES / 2) /* of a section, in one message */
_Static_assert(KYMO_OBJECT_LOADS * sizeof(struct kymo_elf_load) < MAX_TEXT_BYTES, "one message");

static struct kymo_cfi_section *section_of(struct kymo_object_frames *frames, uint32_t which)
{
	struct kymo_cfi_sections *sections = &frames->sections;

	return which == 0   ? &sections->eh_frame_hdr
	       : which == 1 ? &sections->eh_frame
			    : &sections->debug_frame;
}

/* -------- the child -------- */

struct child {
	int fd;
	struct message message;
};

static int ask_for_file(void *context, enum kymo_place place, const char *path)
{
	struct child *child = context;
	size_t len = strlen(path) + 1;
	int file = -1;

	if (len > sizeof(child->message.text))
		return -1;
	child->message.kind = MESSAGE_OPEN;
	child->message.value = place;
	memcpy(child->message.text, path, len);
	if (send_message(child->fd, &child->message, len, -1) < 0 ||
	    receive_message(child->fd, &child->message, &file) < 0)
		_exit(1);
	return file >= 0 ? file : child->message.value ? KYMO_OPEN_REFUSED : KYMO_OPEN_NOTHING;
}

/* The answer to one offset; an empty name means none. */
static size_t name_text(struct child *child, const struct kymo_function *function)
{
	CLEANUP(cap_freep) char *name = kymo_readable_name(function->name);
	int len = snprintf(child->message.text, sizeof(child->message.text), "%s%s",
			   name ? name : function->name, function->plt ? "@plt" : "");

	return len < 0					   ? 0
	       : (size_t)len < sizeof(child->message.text) ? (size_t)len
							   : sizeof(child->message.text) - 1;
}

static void tell(struct child *child, enum message_kind kind, uint32_t value, uint64_t number,
		 const void *text, size_t len)
{
	child->message.kind = kind;
	child->message.value = value;
	child->message.number = number;
	memcpy(child->message.text, text, len);
	if (send_message(child->fd, &child->message, len, -1) < 0)
		_exit(1);
}

static void tell_frames(struct child *child, const struct kymo_object_names *names)
{
	uint64_t left = child->message.number;
	struct kymo_object_frames frames;

	kymo_object_names_frames(names, &frames);
	tell(child, MESSAGE_LOADS, (uint32_t)frames.load_count, frames.arch, frames.loads,
	     frames.load_count * sizeof(frames.loads[0]));
	for (uint32_t i = 0; i < SECTION_COUNT; i++) {
		const struct kymo_cfi_section *section = section_of(&frames, i);
		size_t len = section->bytes && section->len <= left ? section->len : 0;

		left -= len;
		tell(child, MESSAGE_SECTION, i, len, &section->address, sizeof(section->address));
		for (size_t at = 0; at < len;) {
			size_t part = len - at < MAX_PART_BYTES ? len - at : MAX_PART_BYTES;

			tell(child, MESSAGE_BYTES, i, at, section->bytes + at, part);
			at += part;
		}
	}
}

/* Appends a place to the text of the message. False: there is no room. */
static bool add_place(struct child *child, size_t *len, const struct kymo_source_place *place)
{
	CLEANUP(cap_freep)
	char *name = place->function ? kymo_readable_name(place->function) : NULL;
	const char *function = name ? name : "", *file = place->file ? place->file : "";
	size_t function_bytes = strlen(function) + 1, file_bytes = strlen(file) + 1;
	char *to = child->message.text + *len;

	if (sizeof(place->line) + function_bytes + file_bytes >
	    sizeof(child->message.text) - 1 - *len)
		return false;
	memcpy(to, &place->line, sizeof(place->line));
	memcpy(to + sizeof(place->line), function, function_bytes);
	memcpy(to + sizeof(place->line) + function_bytes, file, file_bytes);
	*len += sizeof(place->line) + function_bytes + file_bytes;
	return true;
}

static void tell_lines(struct child *child, struct kymo_object_names *names)
{
	struct kymo_source_place places[KYMO_LINE_DEPTH];
	size_t count = kymo_object_names_lines(names, child->message.number, places), len = 0;
	uint32_t told = 0;

	while (told < count && add_place(child, &len, &places[told]))
		told++;
	child->message.kind = MESSAGE_PLACES;
	child->message.value = told;
	if (send_message(child->fd, &child->message, len, -1) < 0)
		_exit(0);
}

/* The text of the message, in place. */
static size_t demangled_text(struct child *child, size_t len)
{
	struct kymo_function function = {.name = child->message.text};
	CLEANUP(cap_freep) char *name = NULL;

	if (len == 0 || len >= sizeof(child->message.text))
		return 0;
	child->message.text[len] = '\0';
	if (len > PLT_LEN && strcmp(child->message.text + len - PLT_LEN, PLT) == 0) {
		child->message.text[len - PLT_LEN] = '\0';
		function.plt = true;
	}
	name = strdup(child->message.text);
	if (!name)
		return 0;
	function.name = name;
	return name_text(child, &function);
}

#ifdef KYMO_TEST_HELPER
void kymo_test_in_helper(const char *path); /* fails on purpose */
#endif

static void answer(struct child *child, const struct kymo_object_names *names, size_t text_bytes)
{
	const struct kymo_function *function = NULL;
	uint64_t into = 0;
	size_t len = 0;

	if (child->message.kind == MESSAGE_DEMANGLE)
		len = demangled_text(child, text_bytes);
	else if (names && kymo_object_names_find(names, child->message.number, &function, &into))
		len = name_text(child, function);
	child->message.kind = MESSAGE_NAME;
	child->message.number = into;
	if (send_message(child->fd, &child->message, len, -1) < 0)
		_exit(0);
}

static _Noreturn void serve_demangling(struct child *child)
{
	ssize_t len;

	kymo_helper_sandbox(child->fd);
	while ((len = receive_message(child->fd, &child->message, NULL)) >= 0)
		answer(child, NULL, (size_t)len);
	_exit(0);
}

static _Noreturn void serve(struct child *child, const struct kymo_object_search *search,
			    const struct kymo_wanted_object *wanted)
{
	struct kymo_object_search own = *search;
	struct kymo_object_names *names;
	ssize_t len;

	own.open_file = ask_for_file;
	own.open_context = child;
	kymo_helper_sandbox(child->fd);
#ifdef KYMO_TEST_HELPER
	kymo_test_in_helper(wanted->path);
#endif
	if (kymo_object_names_open(&own, wanted, &names, NULL) < 0)
		_exit(1);
	child->message.kind = MESSAGE_STATE;
	child->message.number = kymo_object_names_verified(names);
	child->message.value = (uint32_t)kymo_object_names_state(names);
	if (send_message(child->fd, &child->message, 0, -1) < 0)
		_exit(1);
	while ((len = receive_message(child->fd, &child->message, NULL)) >= 0) {
		if (child->message.kind == MESSAGE_FRAMES)
			tell_frames(child, names);
		else if (child->message.kind == MESSAGE_LINES)
			tell_lines(child, names);
		else
			answer(child, names, (size_t)len);
	}
	_exit(0);
}

/* -------- ours -------- */

static void stop_child(struct kymo_symbol_helper *helper)
{
	if (helper->pid > 0) {
		(void)kill(helper->pid, SIGKILL); /* it holds nothing that must be cleaned up */
		while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	helper->pid = 0;
	if (helper->fd >= 0)
		(void)close(helper->fd); /* a socket without data to lose */
	helper->fd = -1;
}

static void give_up(struct kymo_symbol_helper *helper)
{
	stop_child(helper);
	helper->state = KYMO_OBJECT_GAVE_UP;
}

static bool give_file(struct kymo_symbol_helper *helper, size_t text_bytes)
{
	struct message *message = &helper->message;
	CLEANUP(cap_closep) int file = -1;

	if (text_bytes == 0 || message->text[text_bytes - 1] != '\0' || ++helper->opens > MAX_OPENS)
		return false;
	file = kymo_open_in_place(helper->search, (enum kymo_place)message->value, message->text);
	message->kind = MESSAGE_FILE;
	message->value = file == KYMO_OPEN_REFUSED;
	return send_message(helper->fd, message, 0, file) == 0;
}

/* The child's next answer; its text is terminated. False: it failed, and is gone. */
static bool await(struct kymo_symbol_helper *helper, enum message_kind kind)
{
	struct message *message = &helper->message;

	for (;;) {
		struct pollfd wait = {.fd = helper->fd, .events = POLLIN};
		int ready = poll(&wait, 1, PATIENCE_MS);
		ssize_t len;

		if (ready < 0 && errno == EINTR)
			continue;
		len = ready == 1 ? receive_message(helper->fd, message, NULL) : -ETIMEDOUT;
		if (len >= 0 && message->kind == MESSAGE_OPEN && kind == MESSAGE_STATE &&
		    give_file(helper, (size_t)len))
			continue;
		if (len >= 0 && len < MAX_TEXT_BYTES && message->kind == (uint32_t)kind) {
			message->text[len] = '\0';
			helper->text_bytes = (size_t)len;
			return true;
		}
		give_up(helper);
		return false;
	}
}

static int start_child(struct kymo_symbol_helper *helper, const struct kymo_wanted_object *wanted,
		       struct cap_err *err)
{
	struct child child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return cap_fail_errno(err, errno, "start the reader of symbols");
	helper->fd = ends[0];
	helper->pid = fork();
	if (helper->pid == 0) {
		child.fd = ends[1];
		if (!helper->search)
			serve_demangling(&child);
		serve(&child, helper->search, wanted);
	}
	(void)close(ends[1]); /* the child's */
	return helper->pid < 0 ? cap_fail_errno(err, errno, "start the reader of symbols") : 0;
}

int kymo_symbol_helper_open(const struct kymo_object_search *search,
			    const struct kymo_wanted_object *wanted,
			    struct kymo_symbol_helper **ret_helper, struct cap_err *err)
{
	struct kymo_symbol_helper *helper = calloc(1, sizeof(*helper));
	int rc;

	if (!helper)
		return cap_fail(err, -ENOMEM, "symbols of a module");
	helper->search = search;
	helper->fd = -1;
	helper->state = KYMO_OBJECT_NO_FILE;
	if (wanted->build_id_len > 0 || (wanted->path && wanted->path[0])) {
		rc = start_child(helper, wanted, err);
		if (rc < 0) {
			(void)kymo_symbol_helper_free(helper);
			return rc;
		}
		if (await(helper, MESSAGE_STATE)) {
			helper->state = helper->message.value < KYMO_OBJECT_STATES
						? (enum kymo_object_state)helper->message.value
						: KYMO_OBJECT_GAVE_UP;
			helper->verified = helper->message.number == 1;
		}
	}
	*ret_helper = helper;
	return 0;
}

int kymo_symbol_helper_open_demangler(struct kymo_symbol_helper **ret_helper, struct cap_err *err)
{
	struct kymo_symbol_helper *helper = calloc(1, sizeof(*helper));
	int rc;

	if (!helper)
		return cap_fail(err, -ENOMEM, "names of functions");
	helper->fd = -1;
	helper->state = KYMO_OBJECT_NO_BUILD_ID;
	rc = start_child(helper, NULL, err);
	if (rc < 0) {
		(void)kymo_symbol_helper_free(helper);
		return rc;
	}
	*ret_helper = helper;
	return 0;
}

struct kymo_symbol_helper *kymo_symbol_helper_free(struct kymo_symbol_helper *helper)
{
	if (helper)
		stop_child(helper);
	free(helper);
	return NULL;
}

enum kymo_object_state kymo_symbol_helper_state(const struct kymo_symbol_helper *helper)
{
	return helper->state;
}

bool kymo_symbol_helper_verified(const struct kymo_symbol_helper *helper)
{
	return helper->verified;
}

const char *kymo_symbol_helper_find(struct kymo_symbol_helper *helper, uint64_t file_offset,
				    uint64_t *ret_into)
{
	struct message *message = &helper->message;

	if (helper->fd < 0)
		return NULL;
	message->kind = MESSAGE_FIND;
	message->number = file_offset;
	if (send_message(helper->fd, message, 0, -1) < 0) {
		give_up(helper);
		return NULL;
	}
	if (!await(helper, MESSAGE_NAME) || message->text[0] == '\0')
		return NULL;
	*ret_into = message->number;
	return message->text;
}

/* The text at *at, which it moves behind its NUL; NULL: there is none. */
static const char *next_text(const struct kymo_symbol_helper *helper, size_t *at)
{
	const char *text = helper->message.text + *at;
	size_t len = strnlen(text, helper->text_bytes - *at);

	if (len == helper->text_bytes - *at)
		return NULL;
	*at += len + 1;
	return text;
}

size_t kymo_symbol_helper_lines(struct kymo_symbol_helper *helper, uint64_t file_offset,
				struct kymo_source_place ret_places[KYMO_LINE_DEPTH])
{
	struct message *message = &helper->message;
	size_t count, at = 0;

	if (helper->fd < 0)
		return 0;
	message->kind = MESSAGE_LINES;
	message->number = file_offset;
	if (send_message(helper->fd, message, 0, -1) < 0) {
		give_up(helper);
		return 0;
	}
	if (!await(helper, MESSAGE_PLACES) || message->value > KYMO_LINE_DEPTH)
		return 0;
	for (count = 0; count < message->value; count++) {
		struct kymo_source_place *place = &ret_places[count];

		if (helper->text_bytes - at < sizeof(place->line))
			break;
		memcpy(&place->line, message->text + at, sizeof(place->line));
		at += sizeof(place->line);
		place->function = next_text(helper, &at);
		place->file = place->function ? next_text(helper, &at) : NULL;
		if (!place->file)
			break;
	}
	return count;
}

/* -------- sections -------- */

/* The bytes of one section, len of them. False: the child failed. */
static bool take_section(struct kymo_symbol_helper *helper, uint32_t which, uint64_t len,
			 uint8_t *to)
{
	struct message *message = &helper->message;

	for (uint64_t at = 0; at < len;) {
		uint64_t part = len - at < MAX_PART_BYTES ? len - at : MAX_PART_BYTES;

		if (!await(helper, MESSAGE_BYTES))
			return false;
		if (message->value != which || message->number != at ||
		    helper->text_bytes != part) {
			give_up(helper);
			return false;
		}
		memcpy(to + at, message->text, part);
		at += part;
	}
	return true;
}

static bool take_loads(struct kymo_symbol_helper *helper, struct kymo_object_frames *frames)
{
	struct message *message = &helper->message;

	if (!await(helper, MESSAGE_LOADS))
		return false;
	if (message->value > KYMO_OBJECT_LOADS ||
	    helper->text_bytes != message->value * sizeof(frames->loads[0])) {
		give_up(helper);
		return false;
	}
	frames->load_count = message->value;
	frames->arch = (uint32_t)message->number;
	memcpy(frames->loads, message->text, helper->text_bytes);
	return true;
}

/* 1: all is there; 0: the child failed; -ENOMEM. */
static int take_frames(struct kymo_symbol_helper *helper, size_t max_bytes,
		       struct kymo_object_frames *frames, uint8_t **bytes)
{
	struct message *message = &helper->message;
	uint64_t offsets[SECTION_COUNT];
	size_t used = 0;

	if (!take_loads(helper, frames))
		return 0;
	for (uint32_t i = 0; i < SECTION_COUNT; i++) {
		struct kymo_cfi_section *section = section_of(frames, i);
		uint8_t *bigger;

		if (!await(helper, MESSAGE_SECTION))
			return 0;
		if (message->value != i || message->number > max_bytes - used ||
		    helper->text_bytes != sizeof(section->address)) {
			give_up(helper);
			return 0;
		}
		memcpy(&section->address, message->text, sizeof(section->address));
		section->len = message->number;
		offsets[i] = used;
		bigger = realloc(*bytes, used + section->len + 1);
		if (!bigger)
			return -ENOMEM;
		*bytes = bigger;
		if (!take_section(helper, i, section->len, *bytes + used))
			return 0;
		used += section->len;
	}
	for (uint32_t i = 0; i < SECTION_COUNT; i++) {
		struct kymo_cfi_section *section = section_of(frames, i);

		section->bytes = section->len > 0 ? *bytes + offsets[i] : NULL;
	}
	return 1;
}

int kymo_symbol_helper_frames(struct kymo_symbol_helper *helper, size_t max_bytes,
			      struct kymo_object_frames *ret_frames, uint8_t **ret_bytes)
{
	CLEANUP(cap_freep) uint8_t *bytes = NULL;
	struct kymo_object_frames frames = {0};
	int rc = 0;

	*ret_frames = (struct kymo_object_frames){0};
	*ret_bytes = NULL;
	helper->message.kind = MESSAGE_FRAMES;
	helper->message.number = max_bytes;
	if (helper->fd >= 0 && send_message(helper->fd, &helper->message, 0, -1) == 0)
		rc = take_frames(helper, max_bytes, &frames, &bytes);
	if (rc == 1) {
		*ret_frames = frames;
		*ret_bytes = TAKE(bytes);
	}
	return rc < 0 ? rc : 0;
}

const char *kymo_symbol_helper_demangle(struct kymo_symbol_helper *helper, const char *name)
{
	struct message *message = &helper->message;
	size_t len = strlen(name);

	if (helper->fd < 0 || len >= sizeof(message->text))
		return name;
	message->kind = MESSAGE_DEMANGLE;
	message->number = 0;
	memcpy(message->text, name, len);
	if (send_message(helper->fd, message, len, -1) < 0) {
		stop_child(helper);
		helper->state = KYMO_OBJECT_GAVE_UP;
		return name;
	}
	return await(helper, MESSAGE_NAME) && message->text[0] ? message->text : name;
}
