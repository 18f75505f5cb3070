/* Questions wait in a list and go out as the socket takes them; answers become rows as they come.
 */
#include "recorder/names/names.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "formats/base/word_map.h"
#include "recorder/base/monotonic.h"
#include "recorder/host/own_cost.h"
#include "recorder/names/name_child.h"
#include "recorder/names/name_protocol.h"

#define FIRST_NS                                                                                 \
	10000000000ull /* a recording that is killed keeps the names up to then; each turn waits \
			  twice as long */
#define LONGEST_NS 300000000000ull
#define BLOCK_BYTES (256u << 10) /* a block of names is handed over when it reaches this */
#define ITEM_BYTES 48u		 /* what a row takes besides its texts */
#define MAX_PACKETS 64		 /* taken in one step */
#define END_MS 200		 /* for the child to end by itself */

struct code_process_seen { /* one with code that is in no file */
	u32 tgid;
};

struct rec_names {
	int fd;	   /* -1: no child */
	pid_t pid; /* 0: none, or reaped */
	struct rec_code_hits *hits;
	u32 *told_tgid; /* per object: as whose file the child knows it, + 1; 0: not told */
	struct code_process_seen *processes;
	size_t process_count, process_capacity;

	struct rec_code_hit
		*questions; /* sorted by object, process and offset up to sorted_count */
	size_t question_count, question_capacity;
	size_t asked_count, sorted_count;
	u64 max_bytes;	   /* of the blocks with names, before compression */
	u64 pending_count; /* offsets asked about, and not answered yet */

	struct cap_word_map written; /* what has its row already */
	u64 next_ns, wait_ns;
	struct cap_chunk *symbols, *unwinds; /* while answers are taken; NULL: none */
	struct rec_pipeline *pipeline;
	struct rec_names_result result;
	struct name_packet packet;
};

/* -------- life -------- */

static void names_freep(struct rec_names **names)
{
	*names = rec_names_close(*names);
}

static void give_up(struct rec_names *names, const char *why)
{
	cap_closep(&names->fd);
	names->fd = -1;
	if (!names->result.cut)
		names->result.cut = why;
}

static void start_child(struct rec_names *names)
{
	pid_t parent = getpid();
	char own_name[16] = "";
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
	    fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		give_up(names, "no socket for the process that reads them");
		return;
	}
	names->fd = ends[0];
	/* It has its name from its birth: the programs know it by that. */
	(void)prctl(PR_GET_NAME, own_name, 0, 0, 0);
	(void)prctl(PR_SET_NAME, LIVE_HELPER_NAME, 0, 0, 0);
	names->pid = fork();
	if (names->pid == 0)
		rec_name_child(ends[1], parent);
	(void)prctl(PR_SET_NAME, own_name, 0, 0, 0);
	if (names->pid > 0)
		rec_own_cost_add_helper(names->pid);
	(void)close(ends[1]); /* the child's */
	if (names->pid < 0) {
		names->pid = 0;
		give_up(names, "the process that reads them could not be started");
	}
}

int rec_names_open(struct rec_names **ret_names, struct cap_err *err)
{
	CLEANUP(names_freep) struct rec_names *names = calloc(1, sizeof(*names));

	if (!names)
		return cap_fail_errno(err, ENOMEM, "prepare the names of functions");
	names->fd = -1;
	names->result.wanted = true;
	names->wait_ns = FIRST_NS;
	names->max_bytes = REC_NAMES_MAX_BYTES;
	start_child(names); /* before there is more to be copied */
	names->hits = rec_code_hits_new();
	names->told_tgid = calloc(REC_CODE_MAX_OBJECTS, sizeof(*names->told_tgid));
	if (!names->hits || !names->told_tgid)
		return cap_fail_errno(err, ENOMEM, "prepare the names of functions");
	*ret_names = TAKE(names);
	return 0;
}

void rec_names_limit(struct rec_names *names, u64 max_bytes)
{
	if (names && max_bytes < names->max_bytes)
		names->max_bytes = max_bytes;
}

u64 rec_names_room(const struct rec_names *names)
{
	u64 used = names ? names->result.bytes : 0;

	return names && names->max_bytes > used ? names->max_bytes - used : 0;
}

static bool reap(struct rec_names *names)
{
	struct rusage usage;

	if (names->pid == 0 || wait4(names->pid, NULL, WNOHANG, &usage) == 0)
		return names->pid == 0;
	rec_own_cost_helper_ended(&usage);
	names->result.child_cpu_ns = rec_own_helper_cpu_ns();
	names->pid = 0;
	return true;
}

/* It reads the end of its socket and ends; one that hangs in a file system is killed, and left to
 * init. */
static void end_child(struct rec_names *names)
{
	cap_closep(&names->fd);
	names->fd = -1;
	for (int tries = 0; tries < 2; tries++) {
		for (int waited_ms = 0; waited_ms < END_MS && !reap(names); waited_ms += 2)
			(void)poll(NULL, 0, 2);
		if (names->pid > 0)
			(void)kill(names->pid,
				   SIGKILL); /* it holds nothing that must be cleaned up */
	}
}

struct rec_names *rec_names_close(struct rec_names *names)
{
	if (!names)
		return NULL;
	end_child(names);
	(void)rec_code_hits_free(names->hits);
	cap_word_map_done(&names->written);
	free(names->told_tgid);
	free(names->processes);
	free(names->questions);
	free(names);
	return NULL;
}

struct rec_code_hits *rec_names_hits(struct rec_names *names)
{
	return names ? names->hits : NULL;
}

void rec_names_result(struct rec_names *names, struct rec_names_result *ret_result)
{
	if (!names) {
		*ret_result = (struct rec_names_result){0};
		return;
	}
	names->result.left_out = rec_code_hits_left_out(names->hits);
	*ret_result = names->result;
}

/* -------- rows -------- */

static struct cap_chunk *chunk_of(struct rec_names *names, struct cap_chunk **chunk)
{
	if (!*chunk)
		*chunk = rec_pipeline_info_chunk(names->pipeline);
	return *chunk;
}

static void hand_over(struct rec_names *names, enum cap_block_type block, struct cap_chunk **chunk)
{
	struct cap_chunk *full = TAKE(*chunk);

	if (!full)
		return;
	names->result.bytes += cap_chunk_raw_bytes(full);
	if (rec_pipeline_put_info(names->pipeline, block, full) < 0)
		names->result.cut = "out of memory";
}

static void hand_over_all(struct rec_names *names)
{
	hand_over(names, CAP_BLOCK_SYMBOLS, &names->symbols);
	hand_over(names, CAP_BLOCK_UNWINDS, &names->unwinds);
}

static u32 string_of(struct cap_chunk *chunk, const void *bytes, size_t len)
{
	return len ? cap_chunk_string(chunk, bytes, len) : 0;
}

static int add_symbol(struct rec_names *names, const struct rec_code_object *object,
		      const struct name_item *item, const u8 *bytes)
{
	struct cap_chunk *chunk = chunk_of(names, &names->symbols);
	struct ev_symbol row = {.offset_bytes = item->start, .size_bytes = item->size_bytes};

	if (!chunk)
		return -ENOMEM;
	row.object = string_of(chunk, object->path, object->path_bytes);
	row.build_id = string_of(chunk, object->build_id, object->build_id_bytes);
	row.name = string_of(chunk, bytes, item->first_bytes);
	row.flags =
		(object->kind == REC_CODE_FILE && object->build_id_bytes == 0 ? EV_SYMBOL_UNVERIFIED
									      : 0) |
		(item->kind == NAME_ITEM_NO_SYMBOL ? EV_SYMBOL_NONE : 0);
	return cap_chunk_add(chunk, EV_SYMBOL, &row);
}

static int add_unwind(struct rec_names *names, const struct rec_code_object *object,
		      const struct name_item *item, const u8 *bytes)
{
	struct cap_chunk *chunk = chunk_of(names, &names->unwinds);
	struct ev_unwind row = {.start_address = item->start, .size_bytes = item->size_bytes};

	if (!chunk)
		return -ENOMEM;
	row.object = string_of(chunk, object->path, object->path_bytes);
	row.build_id = string_of(chunk, object->build_id, object->build_id_bytes);
	row.cie = string_of(chunk, bytes, item->first_bytes);
	row.fde = string_of(chunk, bytes + item->first_bytes, item->second_bytes);
	row.flags = item->kind == NAME_ITEM_NO_UNWIND ? EV_UNWIND_NONE : 0;
	return cap_chunk_add(chunk, EV_UNWIND, &row);
}

static int add_process_symbol(struct rec_names *names, u32 tgid, const struct name_item *item,
			      const u8 *bytes)
{
	const struct cap_task task = {.tgid = tgid, .tid = tgid};
	struct cap_chunk *chunk = chunk_of(names, &names->symbols);
	struct ev_symbol row = {.offset_bytes = item->start,
				.size_bytes = item->size_bytes,
				.flags = EV_SYMBOL_PROCESS};

	if (!chunk)
		return -ENOMEM;
	row.task = cap_chunk_task(chunk, &task);
	row.name = string_of(chunk, bytes, item->first_bytes);
	row.object = string_of(chunk, bytes + item->first_bytes, item->second_bytes);
	return cap_chunk_add(chunk, EV_SYMBOL, &row);
}

/* Rows are written once, however often a function is hit. */
static bool is_new(struct rec_names *names, u32 id, bool is_process, const struct name_item *item)
{
	bool is_unwind = item->kind == NAME_ITEM_UNWIND || item->kind == NAME_ITEM_NO_UNWIND;
	struct cap_word_slot *slot = cap_word_map_make(
		&names->written, (u64)id << 2 | is_process << 1 | is_unwind, item->start);

	if (!slot || slot->value)
		return false;
	slot->value = 1;
	return true;
}

static void count_item(struct rec_names *names, const struct name_item *item)
{
	names->result.function_count +=
		item->kind == NAME_ITEM_SYMBOL || item->kind == NAME_ITEM_NO_SYMBOL;
	names->result.named_count += item->kind == NAME_ITEM_SYMBOL;
	names->result.unwind_count += item->kind == NAME_ITEM_UNWIND;
}

static size_t waiting_bytes(const struct rec_names *names)
{
	return (names->symbols ? cap_chunk_raw_bytes(names->symbols) : 0) +
	       (names->unwinds ? cap_chunk_raw_bytes(names->unwinds) : 0);
}

static void take_item(struct rec_names *names, const struct name_head *head, bool is_process,
		      const struct name_item *item, const u8 *bytes)
{
	bool is_unwind = item->kind == NAME_ITEM_UNWIND || item->kind == NAME_ITEM_NO_UNWIND;
	int rc;

	if (names->result.bytes + waiting_bytes(names) + item->first_bytes + item->second_bytes +
		    ITEM_BYTES >
	    names->max_bytes) {
		names->result.cut = names->max_bytes < REC_NAMES_MAX_BYTES
					    ? "--max-size leaves no room for them"
					    : "they are too many for one capture";
		return;
	}
	if (!is_new(names, head->id, is_process, item))
		return;
	count_item(names, item);
	if (is_process)
		rc = item->kind == NAME_ITEM_SYMBOL
			     ? add_process_symbol(names, head->id, item, bytes)
			     : 0;
	else if (is_unwind)
		rc = add_unwind(names,
				rec_file_map_object(rec_code_hits_files(names->hits), head->id),
				item, bytes);
	else
		rc = add_symbol(names,
				rec_file_map_object(rec_code_hits_files(names->hits), head->id),
				item, bytes);
	if (rc < 0)
		names->result.cut = "out of memory";
	if (waiting_bytes(names) > BLOCK_BYTES)
		hand_over_all(names);
}

/* -------- answers -------- */

/* The child may have been taken over by what it read: lengths and numbers are checked, names are
 * only bytes. */
static bool items_are_sound(const struct name_packet *packet, size_t len)
{
	size_t at = 0;

	for (u32 i = 0; i < packet->head.count; i++) {
		struct name_item item;
		size_t bytes;

		if (len - at < sizeof(item))
			return false;
		memcpy(&item, packet->items + at, sizeof(item));
		if (item.kind == 0 || item.kind >= NAME_ITEM_KINDS ||
		    item.first_bytes > NAME_PACKET_BYTES || item.second_bytes > NAME_PACKET_BYTES ||
		    item.size_bytes == 0 || item.start + item.size_bytes < item.start)
			return false;
		bytes = (sizeof(item) + item.first_bytes + item.second_bytes + 7) & ~(size_t)7;
		if (len - at < bytes)
			return false;
		at += bytes;
	}
	return true;
}

static bool take_items(struct rec_names *names, size_t len)
{
	const struct name_head *head = &names->packet.head;
	bool is_process = head->state != 0;
	size_t at = 0;

	if ((!is_process && head->id >= rec_file_map_objects(rec_code_hits_files(names->hits))) ||
	    !items_are_sound(&names->packet, len))
		return false;
	for (u32 i = 0; i < head->count; i++) {
		struct name_item item;

		memcpy(&item, names->packet.items + at, sizeof(item));
		take_item(names, head, is_process, &item, names->packet.items + at + sizeof(item));
		at += (sizeof(item) + item.first_bytes + item.second_bytes + 7) & ~(size_t)7;
	}
	return true;
}

/* 1: one was taken, 0: there is none, -1: the child is gone, or talks nonsense. */
static int take_packet(struct rec_names *names)
{
	const struct name_head *head = &names->packet.head;
	ssize_t len = read(names->fd, &names->packet, sizeof(names->packet));

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len < (ssize_t)sizeof(*head))
		return -1;
	if (head->message == NAME_ITEMS)
		return take_items(names, (size_t)len - sizeof(*head)) ? 1 : -1;
	if (head->message != NAME_DONE || head->count > names->pending_count)
		return -1;
	names->pending_count -= head->count;
	names->result.unreadable_count += head->state < 0;
	return 1;
}

/* -------- questions -------- */

/* False: not now, the socket is full. A child that is gone is noticed by whoever reads. */
static bool send_message(struct rec_names *names, const void *message, size_t bytes)
{
	return write(names->fd, message, bytes) == (ssize_t)bytes;
}

static void tell_object(struct rec_names *names, u32 id)
{
	const struct rec_code_object *object =
		rec_file_map_object(rec_code_hits_files(names->hits), id);
	static struct name_object message;

	if (names->told_tgid[id] == object->tgid + 1 || object->path_bytes >= sizeof(message.path))
		return;
	message = (struct name_object){
		.head = {.message = NAME_OBJECT, .id = id},
		.inode = object->inode,
		.file_bytes = object->file_bytes,
		.file_mtime_ns = object->file_mtime_ns,
		.dev_major = object->dev_major,
		.dev_minor = object->dev_minor,
		.tgid = object->tgid,
		.is_vdso = object->kind == REC_CODE_VDSO,
		.build_id_bytes = object->build_id_bytes,
		.path_bytes = object->path_bytes,
	};
	memcpy(message.build_id, object->build_id, object->build_id_bytes);
	memcpy(message.path, object->path, object->path_bytes);
	if (send_message(names, &message, sizeof(message)))
		names->told_tgid[id] = object->tgid + 1;
}

static void tell_process(struct rec_names *names, u32 tgid)
{
	const struct name_head message = {.message = NAME_PROCESS, .id = tgid};
	struct code_process_seen *larger;

	for (size_t i = 0; i < names->process_count; i++)
		if (names->processes[i].tgid == tgid)
			return;
	if (names->process_count == names->process_capacity) {
		size_t capacity = names->process_capacity ? names->process_capacity * 2 : 16;

		larger = reallocarray(names->processes, capacity, sizeof(*larger));
		if (!larger)
			return;
		names->processes = larger;
		names->process_capacity = capacity;
	}
	names->processes[names->process_count++] = (struct code_process_seen){.tgid = tgid};
	(void)send_message(names, &message,
			   sizeof(message)); /* else the map is opened when asked about */
}

/* The child opens files at once, while they are there. */
static void take_hits(struct rec_names *names)
{
	size_t count;
	const struct rec_code_hit *fresh = rec_code_hits_take(names->hits, &count);
	struct rec_code_hit *larger;

	if (names->question_count + count > names->question_capacity) {
		size_t capacity = 2 * (names->question_count + count);

		larger = reallocarray(names->questions, capacity, sizeof(*larger));
		if (!larger) {
			names->result.cut = "out of memory";
			return;
		}
		names->questions = larger;
		names->question_capacity = capacity;
	}
	if (count)
		memcpy(names->questions + names->question_count, fresh, count * sizeof(*fresh));
	for (size_t i = 0; i < count; i++) {
		if (fresh[i].tgid)
			tell_process(names, fresh[i].tgid);
		else if (i == 0 || fresh[i].object != fresh[i - 1].object)
			tell_object(names, fresh[i].object);
	}
	names->question_count += count;
}

static int by_question(const void *left, const void *right)
{
	const struct rec_code_hit *a = left, *b = right;

	if (a->tgid != b->tgid)
		return a->tgid < b->tgid ? -1 : 1;
	if (!a->tgid && a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool is_over(const struct rec_names *names, u32 tgid)
{
	return tgid && rec_file_map_is_over(rec_code_hits_files(names->hits), tgid);
}

/* What has come so far is to be asked now: all, or only about processes that ended. */
static void begin_turn(struct rec_names *names, bool all)
{
	names->question_count -= names->asked_count;
	memmove(names->questions, names->questions + names->asked_count,
		names->question_count * sizeof(*names->questions));
	names->asked_count = names->sorted_count = 0;
	for (size_t i = 0; i < names->question_count; i++) {
		struct rec_code_hit question = names->questions[i];

		if (!all && !is_over(names, question.tgid))
			continue;
		names->questions[i] = names->questions[names->sorted_count];
		names->questions[names->sorted_count++] = question;
	}
	if (names->sorted_count)
		qsort(names->questions, names->sorted_count, sizeof(*names->questions),
		      by_question);
}

/* Asks as much as the socket takes. True if all of the turn has been asked. */
static bool ask(struct rec_names *names)
{
	static struct name_find message;

	while (names->asked_count < names->sorted_count) {
		const struct rec_code_hit *first = &names->questions[names->asked_count];
		size_t most = names->sorted_count - names->asked_count;
		u32 count = 0;

		while (count < most && count < NAME_MAX_OFFSETS &&
		       first[count].tgid == first->tgid &&
		       (first->tgid || first[count].object == first->object)) {
			message.offsets[count] = first[count].offset;
			count++;
		}
		if (!first->tgid)
			tell_object(names, first->object);
		message.head = (struct name_head){
			.message = first->tgid ? NAME_FIND_PROCESS : NAME_FIND,
			.id = first->tgid ? first->tgid : first->object,
			.count = count,
		};
		if (!send_message(names, &message,
				  offsetof(struct name_find, offsets) + count * sizeof(u64)))
			return false;
		names->pending_count += count;
		names->asked_count += count;
	}
	return true;
}

static void take_answers(struct rec_names *names)
{
	int more = 1;

	for (int packets = 0; names->fd >= 0 && packets < MAX_PACKETS && more > 0; packets++)
		more = take_packet(names);
	if (more < 0)
		give_up(names, "the process that reads them ended early");
}

static bool turn_is_over(const struct rec_names *names)
{
	return names->asked_count >= names->sorted_count && names->pending_count == 0;
}

static bool is_asked_about(const struct rec_names *names, u32 tgid)
{
	for (size_t i = names->asked_count; i < names->question_count; i++)
		if (names->questions[i].tgid == tgid)
			return false;
	return true;
}

/* Processes whose code is in no file are asked about as soon as they ended, and then forgotten:
 * their number may become another's. True if some are to be asked about. */
static bool forget_processes(struct rec_names *names)
{
	bool wait = false;

	for (size_t i = 0; i < names->process_count;) {
		const struct name_head message = {.message = NAME_FORGET,
						  .id = names->processes[i].tgid};

		if (!is_over(names, message.id)) {
			i++;
		} else if (is_asked_about(names, message.id) &&
			   send_message(names, &message, sizeof(message))) {
			names->processes[i] = names->processes[--names->process_count];
		} else {
			wait = true;
			i++;
		}
	}
	return wait;
}

void rec_names_step(struct rec_names *names, struct rec_pipeline *pipeline, u64 now_ns)
{
	bool some_ended;

	if (!names)
		return;
	names->pipeline = pipeline;
	rec_code_hits_settle(names->hits);
	if (names->fd < 0)
		return;
	take_hits(names);
	some_ended = forget_processes(names);
	if (names->next_ns == 0)
		names->next_ns = now_ns + names->wait_ns;
	if (turn_is_over(names) && now_ns >= names->next_ns) {
		names->wait_ns = names->wait_ns * 2 < LONGEST_NS ? names->wait_ns * 2 : LONGEST_NS;
		names->next_ns = now_ns + names->wait_ns;
		begin_turn(names, true);
	} else if (turn_is_over(names) && some_ended) {
		begin_turn(names, false);
	}
	(void)ask(names);
	take_answers(names);
	hand_over_all(names);
}

void rec_names_finish(struct rec_names *names, struct rec_pipeline *pipeline)
{
	u64 until_ns = rec_monotonic_ns() + REC_NAMES_LIMIT_MS * 1000000ull;

	if (!names)
		return;
	names->pipeline = pipeline;
	rec_code_hits_settle(names->hits);
	if (names->fd >= 0)
		take_hits(names);
	for (;;) {
		struct pollfd wait = {.fd = names->fd, .events = POLLIN};

		if (turn_is_over(names))
			begin_turn(names, true);
		if (names->fd < 0 || turn_is_over(names))
			break;
		if (!ask(names))
			wait.events |= POLLOUT;
		take_answers(names);
		if (turn_is_over(names) || names->fd < 0)
			continue;
		if (rec_monotonic_ns() >= until_ns) {
			give_up(names, "reading them took too long");
			break;
		}
		(void)poll(&wait, 1, 100); /* what it gives is looked at above */
	}
	hand_over_all(names); /* in few blocks: they compress far better */
	end_child(names);
}
