/*
 * Ring records to rows. The system-call path must cost a few tens of nanoseconds, so the task of
 * each thread is remembered for the open chunk in a small direct-mapped table: a busy thread is
 * interned once per chunk, not once per call.
 */
#include "recorder/pipeline/encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/host/kernel_map.h"
#include "recorder/pipeline/code_hits.h"
#include "recorder/pipeline/file_ids.h"
#include "recorder/pipeline/stack_copies.h"

#define TASK_SLOTS 2048u /* a power of two */
#define MAX_ERRNO 4095	 /* the kernel's: returns in [-4095, -1] are errors */

struct task_slot {
	u64 leader_start_ns;
	u64 tgid_and_tid; /* as they lie in struct ring_head */
	u64 comm[2];
	u32 exec_id;
	u32 generation; /* of the chunk that index belongs to; 0: empty */
	u32 index;
};

struct rec_encoder {
	const struct rec_kernel_map *kernel_map;
	const struct rec_code_map *code_map;
	struct rec_code_hits *hits; /* NULL: nobody asks */
	struct rec_file_ids *files;
	u32 generation;
	struct task_slot tasks[TASK_SLOTS];
	struct rec_stack_memo stacks;
};

struct rec_encoder *rec_encoder_new(const struct rec_kernel_map *kernel_map,
				    const struct rec_code_map *code_map)
{
	struct rec_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->files = rec_file_ids_new();
	if (!encoder->files)
		return rec_encoder_free(encoder);
	encoder->kernel_map = kernel_map;
	encoder->code_map = code_map;
	encoder->generation = 1;
	return encoder;
}

void rec_encoder_collect(struct rec_encoder *encoder, struct rec_code_hits *hits)
{
	encoder->hits = hits;
}

struct rec_encoder *rec_encoder_free(struct rec_encoder *encoder)
{
	if (encoder)
		(void)rec_file_ids_free(encoder->files);
	free(encoder);
	return NULL;
}

void rec_encoder_new_chunk(struct rec_encoder *encoder)
{
	if (++encoder->generation == 0) {
		memset(encoder->tasks, 0, sizeof(encoder->tasks));
		memset(&encoder->stacks, 0, sizeof(encoder->stacks));
		encoder->generation = 1;
	}
}

/* who: a struct ring_head or a struct ring_task, which name what they have of a task alike. */
#define INTERN_TASK(chunk, who)                                            \
	({                                                                 \
		struct cap_task identity = {                               \
			.leader_start_ns = (who)->leader_start_ns,         \
			.tgid = (who)->tgid,                               \
			.tid = (who)->tid,                                 \
			.exec_id = (who)->exec_id,                         \
		};                                                         \
                                                                           \
		memcpy(identity.comm, (who)->comm, sizeof(identity.comm)); \
		cap_chunk_task(chunk, &identity);                          \
	})

/* The error of a failed interning: a full chunk unless memory ran out. */
static int intern_error(const struct cap_chunk *chunk)
{
	return cap_chunk_failed(chunk) == -ENOMEM ? -ENOMEM : CAP_ELIMIT;
}

static int task_of(struct rec_encoder *encoder, struct cap_chunk *chunk,
		   const struct ring_head *head, u32 *ret_index)
{
	struct task_slot *slot = &encoder->tasks[head->tid & (TASK_SLOTS - 1)];
	u64 tgid_and_tid = (u64)head->tgid << 32 | head->tid;
	u64 comm[2];
	u32 index;

	*ret_index = 0;
	if (!head->tid && !head->tgid) /* not known: nobody */
		return 0;
	memcpy(comm, head->comm, sizeof(comm));
	if (slot->generation == encoder->generation && slot->tgid_and_tid == tgid_and_tid &&
	    slot->leader_start_ns == head->leader_start_ns && slot->exec_id == head->exec_id &&
	    slot->comm[0] == comm[0] && slot->comm[1] == comm[1]) {
		*ret_index = slot->index;
		return 0;
	}
	index = INTERN_TASK(chunk, head);
	if (index == 0)
		return intern_error(chunk);
	*slot = (struct task_slot){
		.leader_start_ns = head->leader_start_ns,
		.tgid_and_tid = tgid_and_tid,
		.comm = {comm[0], comm[1]},
		.exec_id = head->exec_id,
		.generation = encoder->generation,
		.index = index,
	};
	*ret_index = index;
	return 0;
}

/* The idle task and an unknown one (tgid and tid 0) become task 0. */
__attribute__((unused)) /* as long as no type has a WHO field */
static int
other_task(struct cap_chunk *chunk, const struct ring_task *who, u32 *ret_index)
{
	*ret_index = who->tid || who->tgid ? INTERN_TASK(chunk, who) : 0;
	return *ret_index || !(who->tid || who->tgid) ? 0 : intern_error(chunk);
}

/* Fields of an open file: none of them means anything if there is none. */
#define OF_FILE_fd(encoder, open_file) ((u32)(open_file)&EV_MAX_FD)
#define OF_FILE_file_id(encoder, open_file) rec_file_id((encoder)->files, open_file)

/* ---- The fields that the record has as they are: HEAD, RING, WHO and FILE of events.def ---- */

#define COPY_HEAD(kind, field) COPY_HEAD_##kind(field)
#define COPY_HEAD_TIME(field) row->field = ring->head.field;
#define COPY_HEAD_UINT(field) row->field = ring->head.field;
#define COPY_HEAD_TASK(field) row->field = task;
#define COPY_RING(kind, field) row->field = ring->field;
#define COPY_WHO(kind, field) \
	if (rc == 0)          \
		rc = other_task(chunk, &ring->field, &row->field);
#define COPY_FILE(kind, field) row->field = OF_FILE_##field(encoder, ring->open_file);
#define COPY_USER(kind, field)

#define EVENT_BEGIN(id, upper, name, block, event_class, tail)                  \
	__attribute__((unused)) static inline int copy_##name(                  \
		struct rec_encoder *encoder, struct cap_chunk *chunk, u32 task, \
		const struct ring_##name *ring, struct ev_##name *row)          \
	{                                                                       \
		int rc = 0;                                                     \
                                                                                \
		(void)encoder, (void)chunk, (void)task, (void)ring, (void)row;
#define FIELD(ev, id, ctype, name, kind, source, unit, sense, need) COPY_##source(kind, name)
#define RING_ONLY(...)
#define EVENT_END(...) \
	return rc;     \
	}
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END

/* ---- What follows in the record, and fills the USER fields: TAIL of events.def ---- */

/* The result of a call, an error or a value, and its arguments where they were recorded. */
static int call_of(s64 ret, u32 flags, const u64 *args, size_t tail_bytes, struct ev_syscall *row)
{
	if (ret < 0 && ret >= -MAX_ERRNO) {
		row->error = (u16)-ret;
		row->ret = 0;
	}
	if (!(flags & EV_SYSCALL_ARGS_RECORDED))
		return 0;
	if (tail_bytes < EV_SYSCALL_ARGS * sizeof(*args))
		return -EBADMSG;
	row->arg0 = args[0];
	row->arg1 = args[1];
	row->arg2 = args[2];
	row->arg3 = args[3];
	row->arg4 = args[4];
	row->arg5 = args[5];
	return 0;
}

/* Root first: the user's outermost frame, ..., its innermost, then the kernel's outermost, ...,
 * innermost. addresses: as the program took them, innermost first, the kernel's before the user's.
 */
static int stack_of(const struct rec_encoder *encoder, struct cap_chunk *chunk, u32 tgid,
		    const u64 *addresses, size_t tail_bytes, u32 kernel_frames, u32 user_frames,
		    u32 *ret_stack)
{
	const u64 *kernel = addresses, *user = kernel + kernel_frames;
	u32 stack = 0;

	if (kernel_frames > EV_MAX_FRAMES || user_frames > EV_MAX_FRAMES ||
	    tail_bytes < ((size_t)kernel_frames + user_frames) * sizeof(u64))
		return -EBADMSG;
	for (u32 i = user_frames; i-- > 0;) {
		stack = cap_chunk_stack(chunk, stack,
					cap_chunk_frame(chunk, CAP_SPACE_USER, 0, user[i]));
		if (stack == 0)
			return intern_error(chunk);
		rec_code_hits_add(encoder->hits, tgid, user[i]);
	}
	for (u32 i = kernel_frames; i-- > 0;) {
		u32 frame = encoder->kernel_map
				    ? rec_kernel_map_frame(encoder->kernel_map, chunk, kernel[i])
				    : cap_chunk_frame(chunk, CAP_SPACE_KERNEL, 0, 0);

		stack = cap_chunk_stack(chunk, stack, frame);
		if (stack == 0)
			return intern_error(chunk);
	}
	*ret_stack = stack;
	return 0;
}

/* The copy behind frames_bytes of addresses; stack_of has checked these. */
static int copy_of(struct rec_encoder *encoder, struct cap_chunk *chunk,
		   const struct ring_head *head, const void *copy, size_t tail_bytes,
		   u32 copy_bytes, u64 frames_bytes, u64 *ret_copy)
{
	struct rec_copy_owner owner = {.hits = encoder->hits, .tgid = head->tgid};
	u32 index = 0;
	int rc;

	if (tail_bytes < frames_bytes + copy_bytes)
		return -EBADMSG;
	if (encoder->code_map)
		owner.code =
			rec_code_map_find(encoder->code_map, head->tgid, head->leader_start_ns);
	encoder->stacks.generation = encoder->generation;
	rc = rec_stack_copy(chunk, &owner, &encoder->stacks, head->tid, copy, copy_bytes, &index);
	*ret_copy = index;
	return rc == CAP_ELIMIT ? intern_error(chunk) : rc;
}

/* bytes: NUL-terminated or full; an empty text is string 0. */
static int string_of(struct cap_chunk *chunk, const char *bytes, size_t size, u32 *ret_string)
{
	size_t len = strnlen(bytes, size);

	if (len == 0)
		return 0;
	*ret_string = cap_chunk_string(chunk, bytes, len);
	return *ret_string ? 0 : intern_error(chunk);
}

/* Arguments with blanks between; one that has blanks itself, or nothing, in quotes. */
static int args_of(struct cap_chunk *chunk, const char *args, size_t bytes, u32 *ret_args)
{
	char text[3 * EV_MAX_ARGS_BYTES];
	size_t used = 0;

	for (size_t at = 0, len; at < bytes; at += len + 1) {
		bool quoted;

		len = strnlen(args + at, bytes - at);
		quoted = len == 0 || memchr(args + at, ' ', len);
		if (at > 0)
			text[used++] = ' ';
		if (quoted)
			text[used++] = '"';
		memcpy(text + used, args + at, len);
		used += len;
		if (quoted)
			text[used++] = '"';
	}
	if (used == 0)
		return 0;
	*ret_args = cap_chunk_string(chunk, text, used);
	return *ret_args ? 0 : intern_error(chunk);
}

static int path_of(struct cap_chunk *chunk, const struct ring_task_exec *ring, const char *texts,
		   size_t tail_bytes, struct ev_task_exec *row)
{
	int rc;

	if (ring->path_bytes > EV_MAX_PATH_BYTES || ring->args_bytes > EV_MAX_ARGS_BYTES ||
	    tail_bytes < (size_t)ring->path_bytes + ring->args_bytes)
		return -EBADMSG;
	rc = string_of(chunk, texts, ring->path_bytes, &row->path);
	return rc < 0 ? rc : args_of(chunk, texts + ring->path_bytes, ring->args_bytes, &row->args);
}

/* From the names of a path, the last first, each with a NUL; of what is not below a root, that name
 * as it is. The text is as long as they are together. */
static int names_of(struct cap_chunk *chunk, const struct ring_open_file *ring, const char *names,
		    struct ev_open_file *row)
{
	char path[EV_MAX_NAMES_BYTES + 8];
	size_t at = sizeof(path), used = 0, bytes = ring->names_bytes;
	bool rooted = ring->kind != FILE_UNIX && ring->kind != FILE_ANON;

	if (bytes == 0 && (!rooted || ring->kind == FILE_SOCKET || ring->kind == FILE_PIPE))
		return 0;
	while (used < bytes) {
		size_t len = strnlen(names + used, bytes - used);

		if (len + 1 > at)
			break;
		at -= len;
		memcpy(path + at, names + used, len);
		if (rooted)
			path[--at] = '/';
		used += len + 1;
	}
	if (at == sizeof(path) && rooted)
		path[--at] = '/';
	return string_of(chunk, path + at, sizeof(path) - at, &row->path);
}

static int endpoint_of(struct cap_chunk *chunk, bool is_ipv6, const u8 *address, u16 port,
		       u32 *ret_string)
{
	char text[INET6_ADDRSTRLEN], whole[INET6_ADDRSTRLEN + 16];

	if (port == 0 || !inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text)))
		return 0;
	(void)snprintf(whole, sizeof(whole), is_ipv6 ? "[%s]:%u" : "%s:%u", text, ntohs(port));
	return string_of(chunk, whole, sizeof(whole), ret_string);
}

static int file_of(struct cap_chunk *chunk, const struct ring_open_file *ring, const void *names,
		   size_t tail_bytes, struct ev_open_file *row)
{
	struct ring_socket_names socket;
	int rc;

	if (ring->names_bytes > EV_MAX_NAMES_BYTES || tail_bytes < ring->names_bytes)
		return -EBADMSG;
	if (ring->kind != FILE_TCP && ring->kind != FILE_UDP)
		return names_of(chunk, ring, names, row);
	if (ring->names_bytes != sizeof(socket))
		return -EBADMSG;
	memcpy(&socket, names, sizeof(socket));
	rc = endpoint_of(chunk, socket.is_ipv6, socket.local, socket.local_port,
			 &row->local_address);
	if (rc == 0)
		rc = endpoint_of(chunk, socket.is_ipv6, socket.remote, socket.remote_port,
				 &row->remote_address);
	return rc;
}

/* words: an address of 16 bytes as it is in packets, of IPv4 its first four. What IPv6 sockets
 * speak IPv4 with is named as the IPv4 peers name it. An address of no family is string 0. */
static int address_of(struct cap_chunk *chunk, u16 family, const u64 words[2], u32 *ret_string)
{
	char text[INET6_ADDRSTRLEN];
	u32 parts[4];

	memcpy(parts, words, sizeof(parts));
	if (family == AF_INET6 && parts[0] == 0 && parts[1] == 0 && parts[2] == htonl(0xffff)) {
		parts[0] = parts[3];
		family = AF_INET;
	}
	if ((family != AF_INET && family != AF_INET6) ||
	    !inet_ntop(family, parts, text, sizeof(text)))
		return 0;
	return string_of(chunk, text, sizeof(text), ret_string);
}

#define TAIL_NOTHING(ring, row) 0
#define TAIL_ENDS(ring, row)                                                                       \
	({                                                                                         \
		int tail_rc_ = address_of(chunk, (ring)->family,                                   \
					  (const u64[]){(ring)->local_lo, (ring)->local_hi},       \
					  &(row)->local_address);                                  \
                                                                                                   \
		if (tail_rc_ == 0)                                                                 \
			tail_rc_ = address_of(chunk, (ring)->family,                               \
					      (const u64[]){(ring)->remote_lo, (ring)->remote_hi}, \
					      &(row)->remote_address);                             \
		tail_rc_;                                                                          \
	})
#define TAIL_CALL(ring, row) \
	call_of((ring)->ret, (ring)->flags, (const u64 *)((ring) + 1), tail_bytes, row)
#define TAIL_FRAMES(ring, row)                                                                    \
	({                                                                                        \
		int tail_rc_ = stack_of(                                                          \
			encoder, chunk, (ring)->head.tgid, (const u64 *)((ring) + 1), tail_bytes, \
			(ring)->kernel_frames, (ring)->user_frames, &(row)->stack);               \
                                                                                                  \
		if (tail_rc_ == 0 && (ring)->copy_bytes)                                          \
			tail_rc_ = copy_of(encoder, chunk, &(ring)->head,                         \
					   (const u64 *)((ring) + 1) + (ring)->kernel_frames +    \
						   (ring)->user_frames,                           \
					   tail_bytes, (ring)->copy_bytes,                        \
					   ((u64)(ring)->kernel_frames + (ring)->user_frames) *   \
						   sizeof(u64),                                   \
					   &(row)->copy);                                         \
		tail_rc_;                                                                         \
	})
#define TAIL_PATH(ring, row) path_of(chunk, ring, (const char *)((ring) + 1), tail_bytes, row)
#define TAIL_TEXT(ring, row)             \
	(tail_bytes < (ring)->path_bytes \
		 ? -EBADMSG              \
		 : string_of(chunk, (const char *)((ring) + 1), (ring)->path_bytes, &(row)->path))
#define TAIL_NAMES(ring, row) file_of(chunk, ring, (ring) + 1, tail_bytes, row)
#define TAIL_COMM(ring, row)                                                            \
	string_of(chunk, (const char *)(const u64[]){(ring)->name_lo, (ring)->name_hi}, \
		  EV_COMM_BYTES, &(row)->name)

#define TAIL_DISK(ring, row)                                                            \
	string_of(chunk, (const char *)(const u64[]){(ring)->disk_lo, (ring)->disk_hi}, \
		  EV_COMM_BYTES, &(row)->disk)

#define ENCODE(upper, name, tail)                                                      \
	static int encode_##name(struct rec_encoder *encoder, struct cap_chunk *chunk, \
				 const struct ring_##name *ring, size_t len, u32 task) \
	{                                                                              \
		size_t tail_bytes = len - sizeof(*ring);                               \
		struct ev_##name row = {0};                                            \
		int rc = copy_##name(encoder, chunk, task, ring, &row);                \
                                                                                       \
		(void)encoder, (void)tail_bytes;                                       \
		if (rc == 0)                                                           \
			rc = TAIL_##tail(ring, &row);                                  \
		return rc < 0 ? rc : cap_chunk_add(chunk, EV_##upper, &row);           \
	}
#define ENCODER_NOTHING ENCODE
#define ENCODER_CALL ENCODE
#define ENCODER_FRAMES ENCODE
#define ENCODER_PATH ENCODE
#define ENCODER_COMM ENCODE
#define ENCODER_ENDS ENCODE
#define ENCODER_DISK ENCODE
#define ENCODER_NAMES ENCODE
#define ENCODER_TEXT ENCODE
#define ENCODER_NO_RING(...)
#define ENCODER_COUNTS(...)
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) ENCODER_##tail(upper, name, tail)
#define FIELD(...)
#define RING_ONLY(...)
#define EVENT_END(...)
#include "formats/table/events.def"
#undef EVENT_BEGIN

/* Bytes that follow struct ring_<event>. */
#define FOLLOWS_NOTHING(ring) 0
#define FOLLOWS_CALL(ring) \
	((ring)->flags & EV_SYSCALL_ARGS_RECORDED ? EV_SYSCALL_ARGS * sizeof(u64) : 0)
#define FOLLOWS_FRAMES(ring) \
	(((size_t)(ring)->kernel_frames + (ring)->user_frames) * sizeof(u64) + (ring)->copy_bytes)
#define FOLLOWS_PATH(ring) ((size_t)(ring)->path_bytes + (ring)->args_bytes)
#define FOLLOWS_NAMES(ring) ((ring)->names_bytes)
#define FOLLOWS_TEXT(ring) ((ring)->path_bytes)
#define FOLLOWS_COMM(ring) 0
#define FOLLOWS_ENDS(ring) 0
#define FOLLOWS_DISK(ring) 0
#define LENGTH_CASE(upper, name, tail)                \
	case EV_##upper:                              \
		if (len < sizeof(struct ring_##name)) \
			return 0;                     \
		return sizeof(struct ring_##name) +   \
		       FOLLOWS_##tail((const struct ring_##name *)record);
#define LENGTH_NOTHING LENGTH_CASE
#define LENGTH_CALL LENGTH_CASE
#define LENGTH_FRAMES LENGTH_CASE
#define LENGTH_PATH LENGTH_CASE
#define LENGTH_COMM LENGTH_CASE
#define LENGTH_ENDS LENGTH_CASE
#define LENGTH_DISK LENGTH_CASE
#define LENGTH_NAMES LENGTH_CASE
#define LENGTH_TEXT LENGTH_CASE
#define LENGTH_NO_RING(...)
#define LENGTH_COUNTS(...)

size_t rec_record_bytes(const void *record, size_t len)
{
	if (len < sizeof(struct ring_head))
		return 0;
	switch (((const struct ring_head *)record)->type) {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) LENGTH_##tail(upper, name, tail)
#include "formats/table/events.def"
#undef EVENT_BEGIN
	default:
		return 0;
	}
}

/* Who shares the code of whom, and whose number may be another's soon. */
static void note_process(const struct rec_encoder *encoder, const void *record, size_t len)
{
	const struct ring_head *head = record;
	struct rec_file_map *files = rec_code_hits_files(encoder->hits);

	if (head->type == EV_TASK_FORK && len >= sizeof(struct ring_task_fork)) {
		const struct ring_task_fork *born = record;

		if (born->child_tgid != head->tgid)
			rec_file_map_fork(files, head->tgid, born->child_tgid);
	} else if (head->type == EV_TASK_EXIT && len >= sizeof(struct ring_task_exit)) {
		const struct ring_task_exit *gone = record;

		if (gone->flags & EV_EXIT_PROCESS)
			rec_file_map_exit(files, head->tgid);
	}
}

/* A record of another type, or shorter than its type, is not valid. */
#define ENCODE_CASE(upper, name)                           \
	case EV_##upper:                                   \
		if (len < sizeof(struct ring_##name))      \
			return -EBADMSG;                   \
		rc = task_of(encoder, chunk, head, &task); \
		return rc < 0 ? rc : encode_##name(encoder, chunk, record, len, task);
#define CASE_NOTHING ENCODE_CASE
#define CASE_CALL ENCODE_CASE
#define CASE_FRAMES ENCODE_CASE
#define CASE_PATH ENCODE_CASE
#define CASE_COMM ENCODE_CASE
/* A connection's task may be unknown. */
#define CASE_ENDS(upper, name)                                             \
	case EV_##upper:                                                   \
		if (len < sizeof(struct ring_##name))                      \
			return -EBADMSG;                                   \
		rc = head->tid ? task_of(encoder, chunk, head, &task) : 0; \
		return rc < 0 ? rc : encode_##name(encoder, chunk, record, len, task);
#define CASE_DISK ENCODE_CASE
#define CASE_NAMES ENCODE_CASE
#define CASE_TEXT ENCODE_CASE
#define CASE_NO_RING(...)
#define CASE_COUNTS(...)

int rec_encoder_record(struct rec_encoder *encoder, struct cap_chunk *chunk, const void *record,
		       size_t len)
{
	const struct ring_head *head = record;
	u32 task = 0;
	int rc;

	if (len < sizeof(*head))
		return -EBADMSG;
	if (head->type == EV_TASK_FORK || head->type == EV_TASK_EXIT)
		note_process(encoder, record, len);
	switch (head->type) {
#define EVENT_BEGIN(id, upper, name, block, event_class, tail) CASE_##tail(upper, name)
#include "formats/table/events.def"
#undef EVENT_BEGIN
#undef FIELD
#undef RING_ONLY
#undef EVENT_END
	default:
		return -EBADMSG;
	}
}
