// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names of open files: what the keys of files.bpf.h stand for. Paths are read from the names that
 * the kernel keeps in memory, from the file up to the root of its mount namespace; sockets have
 * their addresses. A file is told when it is first used, by the program that sees that, and those
 * that are open when recording begins by an iterator. Nothing is looked at when a file is opened,
 * read or written otherwise, and no probe is only for this.
 */
#include "files.bpf.h"
#include "ring.bpf.h"
#include "vfs_types.h"

const volatile bool tells_files = false;
const volatile u8 file_calls[LIVE_FILE_CALLS] = {};

/* ---- Keys ---- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIVE_FILE_LINES);
	__type(key, u32);
	__type(value, struct live_file_line);
} told_files SEC(".maps");

/*
 * Since 6.2: bpf_rdonly_cast makes a typed pointer of an address, whose members can then be read
 * without a helper. Declared as a function of the kernel, it would keep all programs from loading
 * on a kernel that shows no types of its own (--btf). So the recorder puts its number into the
 * calls (live_object.c), where the kernel has it, and sets can_cast.
 */
const volatile bool can_cast = false;
#define CAN_CAST() can_cast

static __always_inline void *rdonly_cast(u64 address, u64 btf_id)
{
	void *typed;

	asm volatile("r1 = %[address]\n"
		     "r2 = %[btf_id]\n"
		     "call %[mark]\n"
		     "%[typed] = r0\n"
		     : [typed] "=r"(typed)
		     : [address] "r"(address), [btf_id] "r"(btf_id), [mark] "i"(LIVE_CAST_MARK)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
	return typed;
}

#define CAST(type, address) \
	((type *)rdonly_cast((u64)(address), (u64)bpf_core_type_id_kernel(type)))

#define MODE_TYPE 0xf000
#define MODE_SOCKET 0xc000

/*
 * A word of the kernel's memory, as a number. A helper that reads memory takes longer than all the
 * rest of a look-up, and typed pointers can neither be reckoned with nor lead to pointers to
 * pointers. So the word is taken for a member of a struct that is a number.
 */
static __always_inline u64 word_at(u64 address)
{
	u64 word = 0;

	if (CAN_CAST())
		return CAST(struct inode___vfs,
			    address - bpf_core_field_offset(struct inode___vfs, i_ino))
			->i_ino;
	(void)bpf_probe_read_kernel(&word, sizeof(word), (const void *)address);
	return word;
}

/* A member that is a pointer, of the struct at an address. */
#define POINTER_AT(address, type, field) word_at((address) + bpf_core_field_offset(type, field))
/* A number, which need not be a word. */
#define NUMBER_AT(address, type, field)                         \
	(CAN_CAST() ? (u64)CAST(type, address)->field : (u64)({ \
		const type *at_ = (void *)(address);            \
		BPF_CORE_READ(at_, field);                      \
	}))

#define STATE_LISTEN 10

/* What changes of a socket's name: its own and the other end's port, and whether it listens. */
static __always_inline u64 socket_changes(u64 file)
{
	u64 sock = POINTER_AT(POINTER_AT(file, struct file___vfs, private_data),
			      struct socket___file, sk);
	u64 listens = NUMBER_AT(sock, struct sock___file, __sk_common.skc_state) == STATE_LISTEN;

	return NUMBER_AT(sock, struct sock___file, __sk_common.skc_portpair) | listens << 32;
}

/* Odd constants with well-spread bits (from the golden ratio, and those of MurmurHash3). */
#define MIX_1 0x9e3779b97f4a7c15ull
#define MIX_2 0xbf58476d1ce4e5b9ull
#define MIX_3 0xff51afd7ed558ccdull

#define ROOT_HASH_LEN (1ull << 32) /* of the name of a file system's root: no hash, one letter */

/*
 * The key of the open file at an address, in its place in open_file. It is made of the inode's
 * number, the operations and the hash of the name, which depends on the directory, too: so a file
 * has one however often it is opened, and another if its name or its number is used anew. Roots of
 * file systems have no such hash: where their inode lies tells them apart. Those without an inode
 * of their own (eventfd, epoll, ...) have one by their operations. Each word that is read costs.
 */
static __always_inline u64 file_key(u64 file)
{
	u64 dentry = POINTER_AT(file, struct file___vfs, f_path.dentry);
	u64 inode = POINTER_AT(file, struct file___vfs, f_inode);
	u64 hash_len = NUMBER_AT(dentry, struct dentry, d_name.hash_len);
	u64 key = (hash_len ^ POINTER_AT(file, struct file___vfs, f_op)) * MIX_1;

	key += NUMBER_AT(inode, struct inode___vfs, i_ino) * MIX_2;
	if (hash_len == ROOT_HASH_LEN)
		key += inode * MIX_3;
	if ((NUMBER_AT(inode, struct inode___vfs, i_mode) & MODE_TYPE) == MODE_SOCKET)
		key += socket_changes(file) * MIX_3;
	key = (key ^ key >> 32) * MIX_3;
	key &= ~(u64)EV_MAX_FD;
	return key ? key : 1ull << EV_FD_BITS;
}

static __always_inline bool file_was_told(u64 open_file)
{
	const u64 key = open_file >> EV_FD_BITS;
	u32 index = key & (LIVE_FILE_LINES - 1);
	const struct live_file_line *line = bpf_map_lookup_elem(&told_files, &index);

	if (!line)
		return true; /* impossible */
#pragma unroll
	for (u32 i = 0; i < LIVE_FILE_WAYS; i++)
		if (line->keys[i] == key)
			return true;
	return false;
}

/* Names of a path and steps from mount to mount, at most. */
#define PATH_STEPS 48
#define NAME_BYTES 256 /* NAME_MAX and a NUL */

/* Together as they go into the ring; the last name may begin right before the end. */
struct file_record {
	struct ring_open_file file;
	char names[EV_MAX_NAMES_BYTES + NAME_BYTES];
};

/* Of each CPU. Not on the stack, which is too small. Programs that tell files run with preemption
 * off, and none of them interrupts another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct file_record);
} file_scratch SEC(".maps");

#define MODE_REGULAR 0x8000
#define MODE_DIRECTORY 0x4000
#define MODE_CHARDEV 0x2000
#define MODE_BLOCKDEV 0x6000
#define MODE_FIFO 0x1000
#define ANON_MAGIC 0x09041934

#define FAMILY_UNIX 1
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10
#define TYPE_STREAM 1
#define TYPE_DATAGRAM 2
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_MPTCP 262
#define DEV_MINOR_BITS 20

static __always_inline u32 kind_of(u64 inode)
{
	switch (NUMBER_AT(inode, struct inode___vfs, i_mode) & MODE_TYPE) {
	case MODE_DIRECTORY:
		return FILE_DIRECTORY;
	case MODE_CHARDEV:
		return FILE_CHARDEV;
	case MODE_BLOCKDEV:
		return FILE_BLOCKDEV;
	case MODE_FIFO:
		return FILE_PIPE;
	case MODE_SOCKET:
		return FILE_SOCKET;
	case MODE_REGULAR:
		return FILE_REGULAR;
	default:
		return FILE_OTHER;
	}
}

/* ---- Paths ---- */

struct path_walk {
	u64 dentry, mount; /* addresses: of a struct dentry, of a struct mount */
	u32 used;
};

/* The name of the dentry at hand, unless it is the root of its file system: then on to where that
 * is mounted. False: the root of all. */
static __always_inline bool path_step(struct path_walk *walk, struct file_record *record)
{
	u64 parent = POINTER_AT(walk->dentry, struct dentry, d_parent);
	long bytes;

	if (parent == walk->dentry ||
	    walk->dentry == POINTER_AT(walk->mount, struct mount, mnt.mnt_root)) {
		u64 above = POINTER_AT(walk->mount, struct mount, mnt_parent);

		if (above == walk->mount || !above)
			return false;
		walk->dentry = POINTER_AT(walk->mount, struct mount, mnt_mountpoint);
		walk->mount = above;
		return true;
	}
	bytes = bpf_probe_read_kernel_str(
		&record->names[walk->used & (EV_MAX_NAMES_BYTES - 1)], NAME_BYTES,
		(const void *)POINTER_AT(walk->dentry, struct dentry, d_name.name));
	if (bytes <= 0)
		return false;
	walk->used += bytes;
	walk->dentry = parent;
	return true;
}

/* Of a file of no file system: its name alone, such as [eventfd]. */
static __always_inline void name_take(u64 file, struct file_record *record)
{
	u64 dentry = POINTER_AT(file, struct file___vfs, f_path.dentry);
	long bytes = bpf_probe_read_kernel_str(
		record->names, NAME_BYTES,
		(const void *)POINTER_AT(dentry, struct dentry, d_name.name));

	record->file.names_bytes = bytes > 0 ? bytes : 0;
}

/* All names, the last first. What does not fit is cut: of the path, its begin. */
static __always_inline void path_take(u64 file, struct file_record *record)
{
	u64 dentry = POINTER_AT(file, struct file___vfs, f_path.dentry);
	struct path_walk walk = {
		.dentry = dentry,
		.mount = POINTER_AT(file, struct file___vfs, f_path.mnt) -
			 bpf_core_field_offset(struct mount, mnt),
	};
	u32 used = 0;
	bool more = true;

	if (POINTER_AT(dentry, struct dentry, d_parent) == dentry &&
	    dentry != POINTER_AT(walk.mount, struct mount, mnt.mnt_root)) {
		/* In no directory: a pipe, which has no name, or memory, which has. */
		if (record->file.kind == FILE_REGULAR) {
			name_take(file, record);
			record->file.flags |= EV_FILE_DELETED;
		}
		return;
	}
	if (!POINTER_AT(dentry, struct dentry, d_hash.pprev) &&
	    POINTER_AT(dentry, struct dentry, d_parent) != dentry)
		record->file.flags |= EV_FILE_DELETED;
	for (u32 i = 0; i < PATH_STEPS; i++) {
		more = path_step(&walk, record);
		if (!more || walk.used > EV_MAX_NAMES_BYTES - 1)
			break;
		used = walk.used;
	}
	if (more)
		record->file.flags |= EV_FILE_CUT;
	else
		used = walk.used;
	record->file.names_bytes = used;
}

/* ---- Sockets ---- */

static __always_inline void unix_take(const struct sock___file *sock, struct file_record *record)
{
	const struct unix_address___file *address =
		BPF_CORE_READ((const struct unix_sock___file *)sock, addr);
	long bytes;
	u8 first = 0;

	record->file.kind = FILE_UNIX;
	if (!address) { /* of an unnamed one: where it is connected to */
		sock = BPF_CORE_READ((const struct unix_sock___file *)sock, peer);
		address = sock ? BPF_CORE_READ((const struct unix_sock___file *)sock, addr) : NULL;
	}
	if (!address)
		return;
	(void)bpf_core_read(&first, sizeof(first), &address->name[0].sun_path);
	if (!first) { /* an abstract one; @ stands for the 0 that it begins with */
		u32 len = BPF_CORE_READ(address, len);

		record->names[0] = '@';
		len = len > 3 && len <= 110 ? len - 3 : 0; /* less the family and that 0 */
		(void)bpf_probe_read_kernel(&record->names[1], len & 127,
					    (const char *)&address->name[0].sun_path + 1);
		record->names[(1 + len) & 127] = 0;
		record->file.names_bytes = (1 + len + 1) & 127;
		return;
	}
	bytes = bpf_probe_read_kernel_str(record->names, NAME_BYTES, &address->name[0].sun_path);
	record->file.names_bytes = bytes > 0 ? bytes : 0;
}

static __always_inline void inet_take(const struct sock___file *sock, bool is_ipv6,
				      struct file_record *record)
{
	struct ring_socket_names *names = (struct ring_socket_names *)record->names;
	u16 type = BPF_CORE_READ(sock, sk_type), protocol = BPF_CORE_READ(sock, sk_protocol);

	if (type == TYPE_STREAM && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_MPTCP))
		record->file.kind = FILE_TCP;
	else if (type == TYPE_DATAGRAM && protocol == PROTOCOL_UDP)
		record->file.kind = FILE_UDP;
	else
		return;
	if (record->file.kind == FILE_TCP &&
	    BPF_CORE_READ(sock, __sk_common.skc_state) == STATE_LISTEN)
		record->file.flags |= EV_FILE_LISTENS;
	__builtin_memset(names, 0, sizeof(*names));
	names->is_ipv6 = is_ipv6;
	names->local_port = BPF_CORE_READ((const struct inet_sock___file *)sock, inet_sport);
	names->remote_port = BPF_CORE_READ(sock, __sk_common.skc_dport);
	if (!is_ipv6) {
		(void)bpf_core_read(names->local, 4, &sock->__sk_common.skc_rcv_saddr);
		(void)bpf_core_read(names->remote, 4, &sock->__sk_common.skc_daddr);
	} else if (bpf_core_field_exists(sock->__sk_common.skc_v6_daddr)) {
		(void)bpf_core_read(names->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
		(void)bpf_core_read(names->remote, 16, &sock->__sk_common.skc_v6_daddr);
	}
	record->file.names_bytes = sizeof(*names);
}

static __always_inline void socket_take(u64 file, struct file_record *record)
{
	u64 address = POINTER_AT(POINTER_AT(file, struct file___vfs, private_data),
				 struct socket___file, sk);
	const struct sock___file *sock = (const struct sock___file *)address;
	u16 family;

	if (!sock)
		return;
	family = BPF_CORE_READ(sock, __sk_common.skc_family);
	if (family == FAMILY_UNIX)
		unix_take(sock, record);
	else if (family == FAMILY_IPV4 || family == FAMILY_IPV6)
		inet_take(sock, family == FAMILY_IPV6, record);
}

/* ---- Records ---- */

static __always_inline void record_fill(struct file_record *record, u64 task, u64 file,
					u64 open_file, u32 flags)
{
	u64 inode = POINTER_AT(file, struct file___vfs, f_inode);
	u64 file_system = POINTER_AT(inode, struct inode___vfs, i_sb);
	u32 dev = NUMBER_AT(file_system, struct super_block, s_dev);

	if (CAN_CAST())
		head_fill(&record->file.head, CAST(struct task_struct, task), true,
			  bpf_ktime_get_ns(), EV_OPEN_FILE);
	else
		head_fill(&record->file.head, (const struct task_struct *)task, false,
			  bpf_ktime_get_ns(), EV_OPEN_FILE);
	record->file.inode = NUMBER_AT(inode, struct inode___vfs, i_ino);
	record->file.open_file = open_file;
	record->file.kind = kind_of(inode);
	record->file.flags = flags;
	record->file.dev_major = dev >> DEV_MINOR_BITS;
	record->file.dev_minor = dev & ((1u << DEV_MINOR_BITS) - 1);
	record->file.names_bytes = 0;
	if (NUMBER_AT(file_system, struct super_block, s_magic) == ANON_MAGIC)
		record->file.kind = FILE_ANON;
	if (record->file.kind == FILE_SOCKET)
		socket_take(file, record);
	else if (record->file.kind == FILE_ANON)
		name_take(file, record);
	else
		path_take(file, record);
}

/* Puts the key at the begin of its line; whoever was last is forgotten. */
static __always_inline void file_note(u64 open_file)
{
	const u64 key = open_file >> EV_FD_BITS;
	u32 index = key & (LIVE_FILE_LINES - 1);
	struct live_file_line *line = bpf_map_lookup_elem(&told_files, &index);

	if (!line)
		return; /* impossible */
#pragma unroll
	for (u32 i = LIVE_FILE_WAYS - 1; i > 0; i--)
		line->keys[i] = line->keys[i - 1];
	line->keys[0] = key;
}

/* Tells what a key stands for, of the file at an address, open in the task at another. A function
 * by itself, as it is rarely called. */
static __noinline int file_tell(u64 task, u64 file, u64 open_file)
{
	struct live_counters *counters = counters_of_cpu(CLASS_FILES);
	struct file_record *record;
	u32 zero = 0, names_bytes;
	u64 attempt, bytes;

	record = bpf_map_lookup_elem(&file_scratch, &zero);
	if (!record)
		return 0; /* impossible */
	record_fill(record, task, file, open_file, 0);
	names_bytes = record->file.names_bytes;
	if (names_bytes > EV_MAX_NAMES_BYTES)
		return 0; /* impossible */
	attempt = count_attempt(counters);
	bytes = sizeof(record->file) + names_bytes;
	if (bpf_ringbuf_output(&files_ring, record, bytes,
			       wakeup_flags(&files_ring, CLASS_FILES, attempt))) {
		count_refusal(counters, &files_ring, bytes);
		return 0;
	}
	file_note(open_file);
	return 1;
}

/* The file that a descriptor of the task at an address stands for, told if it is new; 0: none. */
u64 file_of_task(u64 task, u64 fd, u64 is_open)
{
	u64 files, table, file, open_file;

	if (!tells_files || fd > EV_MAX_FD)
		return 0;
	files = POINTER_AT(task, struct task_struct___files, files);
	if (!files)
		return 0;
	table = POINTER_AT(files, struct files_struct, fdt);
	if (!is_open && fd >= NUMBER_AT(table, struct fdtable, max_fds))
		return 0;
	file = word_at(POINTER_AT(table, struct fdtable, fd) + fd * sizeof(u64));
	if (!file)
		return 0;
	open_file = file_key(file) | fd;
	if (!file_was_told(open_file))
		(void)file_tell(task, file, open_file);
	return open_file;
}

struct path_error_record {
	struct ring_path_error error;
	char path[EV_MAX_PATH_BYTES];
};

int path_error_tell(u64 path, u32 sysno, u32 error)
{
	struct live_counters *counters = counters_of_cpu(CLASS_FILES);
	struct path_error_record *record;
	u32 zero = 0;
	u64 attempt, bytes;
	long path_bytes;

	_Static_assert(sizeof(*record) <= sizeof(struct file_record), "it has room for both");
	if (!tells_files)
		return 0;
	record = bpf_map_lookup_elem(&file_scratch, &zero);
	if (!record)
		return 0; /* impossible */
	head_fill(&record->error.head, current_task(), CURRENT_IS_DIRECT(), bpf_ktime_get_ns(),
		  EV_PATH_ERROR);
	record->error.sysno = sysno;
	record->error.error = error;
	path_bytes = bpf_probe_read_user_str(record->path, EV_MAX_PATH_BYTES, (const void *)path);
	record->error.path_bytes = path_bytes > 0 ? path_bytes : 0;
	bytes = sizeof(record->error) + record->error.path_bytes;
	attempt = count_attempt(counters);
	if (bytes <= sizeof(*record) &&
	    bpf_ringbuf_output(&files_ring, record, bytes,
			       wakeup_flags(&files_ring, CLASS_FILES, attempt)))
		count_refusal(counters, &files_ring, bytes);
	return 0;
}

/* How many were listed. */
u32 listed_files = 0;

/* Files that are open when recording begins, the first LIVE_MAX_LISTED_FILES of them. */
SEC("iter/task_file")
int list_files_iter(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	const struct file *file = ctx->file;
	struct file_record *record;
	u32 zero = 0, names_bytes;
	u64 address, open_file;

	if (!task || !file || ctx->fd > EV_MAX_FD || listed_files >= LIVE_MAX_LISTED_FILES ||
	    !task_wanted(task, true))
		return 0;
	address = ADDRESS_OF(file);
	open_file = file_key(address) | ctx->fd;
	record = bpf_map_lookup_elem(&file_scratch, &zero);
	if (!record || file_was_told(open_file))
		return 0;
	record_fill(record, ADDRESS_OF(task), address, open_file, EV_FILE_SEEN_BEFORE);
	names_bytes = record->file.names_bytes;
	if (names_bytes > EV_MAX_NAMES_BYTES)
		return 0; /* impossible */
	/* If the reader's buffer is full, the kernel shows this one again. */
	if (bpf_seq_write(ctx->meta->seq, record, sizeof(record->file) + names_bytes))
		return 0;
	file_note(open_file);
	listed_files++;
	return 0;
}
